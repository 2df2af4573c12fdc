"""A token that was never seen before, to its principal: each step cheap and local before one that is costly or remote.

    raw -> parsed -> issuer by iss and place -> claims -> key -> signature       -> Principal, remembered
    raw, opaque   -> issuer by place         -> the issuer's answer -> its claims

Owns: the order of these steps, and what the cache remembers of them.
Must never know: policy, requests, HTTP, threads. Where a step has to wait, `verify` yields a `Wait`.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, NamedTuple, Protocol

from jwtmw.claimpath import claim_at
from jwtmw.decision import Reason
from jwtmw.effects import Wait
from jwtmw.errors import TokenRefused
from jwtmw.issuers.consumers import Consumer, Consumers
from jwtmw.issuers.decoys import decoy
from jwtmw.issuers.introspection import Introspector, Question
from jwtmw.issuers.issuer import Issuer, Issuers
from jwtmw.issuers.keys import Key
from jwtmw.issuers.source import Flight
from jwtmw.proof.target import is_bound
from jwtmw.revocation.revocations import Revocations
from jwtmw.token.cache import Entry, TokenCache
from jwtmw.token.claims import ClaimSet, introspected
from jwtmw.token.locate import Place
from jwtmw.token.parse import ParsedToken, check_opaque, parse
from jwtmw.token.principal import Principal, principal_of
from jwtmw.token.verify import check_claims, check_content, check_lifetime, check_signature, valid_from, valid_until


class Clock(Protocol):
    """Where the time comes from: `time()` in epoch seconds, `monotonic()` in seconds."""

    def time(self) -> float: ...  # noqa: D102
    def monotonic(self) -> float: ...  # noqa: D102


class Good(NamedTuple):
    """A token that is good: whose it is and what it says; the key that says so, of its generation, or None.

    It counts until, and not at, `until` in epoch seconds; `weight` is what was read for it, in bytes;
    `consumer` is whose key it was, None where it was the issuer's.
    """

    issuer: Issuer
    claims: ClaimSet
    key: Key | None
    generation: int
    until: float
    weight: int
    consumer: Consumer | None = None

    def __repr__(self) -> str:
        return f"Good({self.issuer.name})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """Verifies tokens for one engine. Immutable, but for the cache that it fills."""

    issuers: Issuers
    cache: TokenCache
    clock: Clock
    max_token_bytes: int
    revocations: Revocations

    def verify(self, raw: bytes, place: Place, credential: bytes) -> Generator[Wait, Any, Principal]:
        """Who is calling with the token `raw`, found in `place`; the cache will know it by `credential`.

        A token of an unknown issuer, or a stale one, never causes a fetch. Raises `TokenRefused` or `Unavailable`.
        """
        # A compact JWS has two dots. What has two is read as one: nothing that fails as a JWT is asked about instead.
        asked = None if raw.count(b".") == 2 else self.issuers.of_opaque(place)
        if asked is None:
            good = yield from self._read(raw, place)
        else:
            check_opaque(raw, self.max_token_bytes)
            good = yield from self._introspected(raw, None, *asked)

        issuer, claims, key, generation, until, weight, consumer = good
        principal = principal_of(claims, issuer, raw, consumer)
        cleared = yield from self._cleared(principal)
        now = self.clock.time()
        until = min(until, valid_until(claims, issuer), now + self.cache.max_age)
        # Nothing is remembered of a time to come: a clock that is set back prolongs no verdict.
        since = max(now, valid_from(claims, issuer))
        bound = is_bound(claims.claims)
        entry = Entry(principal, issuer, key, generation, place, since, until, weight, cleared, bound)
        self.cache.put(credential, entry)
        return principal

    def _read(self, raw: bytes, place: Place) -> Generator[Wait, Any, Good]:
        """A JWT: what can be said locally first, then its signature, or the issuer's word for it."""
        token = parse(raw, self.max_token_bytes)
        issuer = self.issuers.find(token.issuer, place)
        check_claims(token, issuer, self.clock.time())
        if issuer.introspector is not None:
            return (yield from self._introspected(raw, token, issuer, issuer.introspector))
        if issuer.consumers is not None:
            return (yield from self._consumed(raw, token, issuer, issuer.consumers))
        generation, keys = yield from self._keys(token, issuer)
        return Good(issuer, token, check_signature(token, keys), generation, inf, len(raw))

    def _keys(self, token: ParsedToken, issuer: Issuer) -> Generator[Wait, Any, tuple[int, Sequence[Key]]]:
        """The keys that the token may be signed with, and the generation that they are of at the latest."""
        source = issuer.keys
        generation = source.generation
        found = source.look_up(token.kid, token.alg)
        while isinstance(found, Flight):
            yield Wait(found)
            # Waiting took time, and the token may have had none.
            check_claims(token, issuer, self.clock.time())
            generation = source.generation
            found = source.look_up(token.kid, token.alg, found)
        return generation, found

    def _introspected(
        self, raw: bytes, token: ParsedToken | None, issuer: Issuer, introspector: Introspector
    ) -> Generator[Wait, Any, Good]:
        """The issuer is asked about `raw`; `token` is what it says where it is a JWT. Its answer is judged like one."""
        found = introspector.look_up(raw)
        while isinstance(found, Question):
            yield Wait(found)
            found = introspector.look_up(raw, found)
        answer = found.answer
        if not answer.active:
            raise TokenRefused(Reason.TOKEN_INACTIVE)
        claims = introspected(answer.claims, token)
        if claims.issuer is not None and claims.issuer != issuer.issuer:
            raise TokenRefused(Reason.ISSUER_UNKNOWN)
        now = self.clock.time()
        check_content(claims, issuer, now)
        until = now + found.until - self.clock.monotonic()
        return Good(issuer, claims, None, 0, until, len(raw) + answer.weight)

    def _cleared(self, principal: Principal) -> Generator[Wait, Any, int]:
        """The state of the deny-list in which the caller is not on it."""
        found = self.revocations.check(principal)
        while isinstance(found, Flight):
            yield Wait(found)
            found = self.revocations.check(principal, found)
        return found

    def _consumed(
        self, raw: bytes, token: ParsedToken, issuer: Issuer, consumers: Consumers
    ) -> Generator[Wait, Any, Good]:
        """The consumer whom the token names is looked for, and its key is what verifies."""
        by_kid = issuer.consumer_claim == "kid"
        identifier = token.kid if by_kid else claim_at(token.claims, issuer.consumer_claim)
        if not isinstance(identifier, str):
            raise TokenRefused(Reason.CONSUMER_UNKNOWN)
        found = consumers.find(identifier)
        while isinstance(found, Flight):
            yield Wait(found)
            check_claims(token, issuer, self.clock.time())
            found = consumers.find(identifier, found)
        now = self.clock.time()
        key = proven(token, found.consumer, now)
        return Good(issuer, token, key, issuer.keys.generation, now + found.remaining, len(raw), found.consumer)


def proven(token: ParsedToken, consumer: Consumer | None, now: float) -> Key:
    """The consumer's key, which has verified the token and alone decides its algorithm. Raises `TokenRefused`.

    One signature is verified in any case, so that the time tells nobody whether there is such a consumer.
    """
    key = None if consumer is None else consumer.credential
    if consumer is None or key is None or token.alg not in key.algorithms:
        decoy(token.alg).verify(token.alg, token.signing_input, token.signature)
        raise TokenRefused(Reason.CONSUMER_UNKNOWN if key is None else Reason.ALGORITHM_REFUSED)
    check_signature(token, (key,))
    if consumer.expires_in is not None:
        check_lifetime(token, consumer.expires_in, now)
    return key
