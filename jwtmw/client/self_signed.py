"""A token that this service signs itself, for one call.

Owns: which claims it has.
Must never know: keys (signing is handed in), who verifies it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from secrets import token_urlsafe
from typing import Any

from jwtmw.client.call import Call
from jwtmw.client.callers import WhoCalls, caller_or_nobody
from jwtmw.current import current_principal
from jwtmw.errors import ConfigurationError, TokenUnavailable
from jwtmw.issuers.source import Flight
from jwtmw.mint.signer import Signs
from jwtmw.proof.body import BODY_HASHES, body_hash


class SelfSigned:
    """A new token for each call: `iss`, `aud`, `sub`, `iat`, `exp`, `jti`, and what binds it to the call.

    signs          a `Signer` or a `KeyRing`
    issuer         `iss`, as the services that are called know this one
    audience       `aud`; default: the origin that is called, as `https://herald.example`
    ttl            seconds that it lives
    body           "sha-256" or another of `BODY_HASHES`: `bdy` binds it to the bytes as sent, if there are any
    request_bound  `htm` and `htu` bind it to method and URL, query and fragment left out (as RFC 9449 section 4.2)
    name           what errors call it

    `sub` is the subject of the caller in hand; without one (anonymous, or outside of a request) there is no `sub`: the
    service speaks for nobody, and who it is says `iss`. Of a caller with a consumer it is the consumer's name: such a
    caller writes its own `sub`, and would pass for another one there. Raises `ConfigurationError`.
    """

    __slots__ = ("_audience", "_body", "_clock", "_issuer", "_name", "_request_bound", "_signs", "_ttl", "_who_calls")

    def __init__(
        self,
        signs: Signs,
        *,
        issuer: str,
        audience: Sequence[str] = (),
        ttl: int = 60,
        body: str | None = None,
        request_bound: bool = False,
        name: str = "self_signed",
        who_calls: WhoCalls = current_principal,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if body is not None and body not in BODY_HASHES:
            raise ConfigurationError("body", "is no hash that is known", f"Choose one of {', '.join(BODY_HASHES)}")
        if not issuer or ttl < 1:
            problem = "must be a second or more" if issuer else "is empty"
            raise ConfigurationError(
                "ttl" if issuer else "issuer", problem, "Write ttl = 60 and issuer = the service's name"
            )
        self._signs = signs
        self._issuer = issuer
        self._audience = (audience,) if isinstance(audience, str) else tuple(audience)
        self._ttl = ttl
        self._body = body
        self._request_bound = request_bound
        self._name = name
        self._who_calls = who_calls
        self._clock = clock

    @property
    def binds_body(self) -> bool:
        """Whether the body must be there."""
        return self._body is not None

    def look_up(self, call: Call, after: Flight | None = None) -> str:
        """A token for this call and no other. Raises `TokenUnavailable` where it cannot be signed."""
        del after
        try:
            return self._signs.sign({**self._claims(call), **self._binding(call)})
        except ValueError:
            pass
        # Not chained: what could not be signed may be in its text.
        raise TokenUnavailable(f"{self._name}: the key cannot sign, or the claims cannot be signed")

    def refuse(self, call: Call, token: str) -> bool:
        """The next one would say the same."""
        del call, token
        return False

    def _claims(self, call: Call) -> dict[str, Any]:
        now = int(self._clock())
        audience = self._audience or (call.origin,)
        caller = caller_or_nobody(self._who_calls)
        subject = caller.subject if caller.consumer is None else caller.consumer.name
        claims = {"iss": self._issuer, "aud": audience[0] if len(audience) == 1 else list(audience)}
        times = {"iat": now, "exp": now + self._ttl, "jti": token_urlsafe(16)}
        return {**claims, **({} if subject is None else {"sub": subject}), **times}

    def _binding(self, call: Call) -> dict[str, str]:
        target = {"htm": call.method, "htu": _target(call)} if self._request_bound else {}
        return {**target, "bdy": body_hash(call.body, self._body)} if self._body and call.body else target


def _target(call: Call) -> str:
    """The URL without its query; no path is the path `/` (RFC 3986 section 6.2.3)."""
    target = call.url.partition("?")[0]
    return target if target.count("/") > 2 else f"{target}/"
