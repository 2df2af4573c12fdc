"""A token that was never seen before, to its principal: each step cheap and local before one that is costly or remote.

    raw -> parsed -> issuer by iss and place -> claims -> key -> signature -> Principal, remembered

Owns: the order of these steps, and what the cache remembers of them.
Must never know: policy, requests, HTTP, threads. Where a step has to wait, `verify` yields a `Wait`.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from jwtmw.effects import Wait
from jwtmw.issuers.issuer import Issuer, Issuers
from jwtmw.issuers.keys import Key
from jwtmw.issuers.source import Flight
from jwtmw.token.cache import Entry, TokenCache
from jwtmw.token.locate import Place
from jwtmw.token.parse import ParsedToken, parse
from jwtmw.token.principal import Principal, principal_of
from jwtmw.token.verify import check_claims, check_signature, valid_from, valid_until


class Clock(Protocol):
    """Where the time comes from: `time()` in epoch seconds, `monotonic()` in seconds."""

    def time(self) -> float: ...  # noqa: D102
    def monotonic(self) -> float: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """Verifies tokens for one engine. Immutable, but for the cache that it fills."""

    issuers: Issuers
    cache: TokenCache
    clock: Clock
    max_token_bytes: int

    def verify(self, raw: bytes, place: Place, credential: bytes) -> Generator[Wait, Any, Principal]:
        """Who is calling with the token `raw`, found in `place`; the cache will know it by `credential`.

        An unknown issuer or a stale token never causes a fetch. Raises `TokenRefused` or `KeysUnavailable`.
        """
        token = parse(raw, self.max_token_bytes)
        issuer = self.issuers.find(token.issuer, place)
        now = self.clock.time()
        check_claims(token, issuer, now)
        generation, keys = yield from self._keys(token, issuer)
        key = check_signature(token, keys)
        principal = principal_of(token, issuer, raw)
        until = min(valid_until(token, issuer), now + self.cache.max_age)
        since = valid_from(token, issuer)
        self.cache.put(credential, Entry(principal, issuer, key, generation, place, since, until, len(raw)))
        return principal

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
