"""The last steps of a decision: that a good token was made for this request, and was not used before.

    target (htm, htu) -> body (bdy) -> single use (jti)

Owns: the order: what is local first, then the body, and what cannot be undone last.
Must never know: policy, HTTP, threads. Where a step has to read or wait, `prove` yields an effect.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from jwtmw.decision import Reason
from jwtmw.effects import Effect, ReadBody, Wait
from jwtmw.errors import TokenRefused
from jwtmw.issuers.source import Flight
from jwtmw.proof.body import body_hash, matches
from jwtmw.proof.evidence import Evidence, Proofs
from jwtmw.proof.single_use import SingleUse, key_of
from jwtmw.proof.target import Target, is_for, whole_path
from jwtmw.request import Request
from jwtmw.token.principal import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Prover:
    """Proves for one engine.

    external_url    the origin at which callers reach this service, "" where it is not configured
    max_body_bytes  the largest body that is read to be judged
    uses            who remembers which tokens were used; None: no body is read and nothing is spent, as for `explain`
    clock           tells epoch seconds
    """

    external_url: str
    max_body_bytes: int
    uses: SingleUse | None
    clock: Callable[[], float]

    def prove(
        self, request: Request, proofs: Proofs | None, principal: Principal, leeway: float
    ) -> Generator[Effect, Any, None]:
        """Judge what the token says of its request, and what the route wants of it.

        A request that was changed on the way is judged as it came in; what was read or spent for it counts again.
        `leeway`, in seconds, is how long the token counts behind its exp. Raises `TokenRefused` or `Unavailable`.
        """
        sent = request.sent or request
        target = Target(sent.method, whole_path(sent.path, sent.root_path))
        if not is_for(principal.claims, target, self.external_url):
            raise TokenRefused(Reason.TARGET_MISMATCH)
        if proofs is None:
            return
        key = _key(principal) if proofs.single_use else None
        if self.uses is None:
            return
        evidence = sent.evidence
        if evidence is None:
            evidence = sent.evidence = Evidence()
        if proofs.body is not None:
            yield from self._body(sent, evidence, proofs.body, principal)
        if key is not None and evidence.spent != key:
            until = (principal.expires_at or 0.0) + leeway
            if self.clock() >= until:
                # The body took its time: what is remembered no longer than the token counts must be spent before.
                raise TokenRefused(Reason.EXPIRED)
            yield from _spend(self.uses, key, until)
            evidence.spent = key

    def _body(self, sent: Request, evidence: Evidence, name: str, principal: Principal) -> Generator[Effect, Any, None]:
        """The body is the one that the token is bound to; only an empty one needs no binding."""
        hashed = evidence.hashes.get(name)
        if hashed is None:
            # A handshake has no body, and what comes behind it is no part of the request.
            body = b"" if sent.websocket else (yield ReadBody(self.max_body_bytes))
            if body is None:
                raise TokenRefused(Reason.BODY_TOO_LARGE)
            hashed = evidence.hashes[name] = body_hash(body, name)
        if "bdy" in principal.claims:
            if not matches(principal.claims["bdy"], hashed):
                raise TokenRefused(Reason.BODY_MISMATCH)
        elif hashed != body_hash(b"", name):
            raise TokenRefused(Reason.BODY_NOT_BOUND)


def _key(principal: Principal) -> str:
    """Under which the token is remembered. Without a name there is nothing to remember, without an end no end to it."""
    jti = principal.claims.get("jti")
    if not isinstance(jti, str) or principal.expires_at is None:
        raise TokenRefused(Reason.NOT_SINGLE_USE)
    return key_of(principal.issuer, principal.consumer.key or "" if principal.consumer else "", jti)


def _spend(uses: SingleUse, key: str, until: float) -> Generator[Effect, Any, None]:
    """From here on the token is used, whatever becomes of the request."""
    found = uses.spend(key, until)
    while isinstance(found, Flight):
        yield Wait(found)
        found = uses.spend(key, until, found)
    if not found:
        raise TokenRefused(Reason.REPLAYED)
