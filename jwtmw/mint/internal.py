"""Internal tokens: a caller who was let in from outside, said to the services behind in a token of our own.

    public token -> [door] -> Principal -> InternalTokens -> internal token -> [door of another service]

The internal token has another issuer and another audience, so that neither door takes the other's tokens.

Owns: what an internal token says of the caller, what may be added to it, and that nothing added says who it is.
Must never know: HTTP, where the token goes, how the caller was verified.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from hashlib import sha256
from time import monotonic
from typing import Any, NamedTuple

from jwtmw.endpoints.endpoint import Call, aperform, perform
from jwtmw.errors import ConfigurationError, MintFailed
from jwtmw.hooks import is_async
from jwtmw.issuers.remembered import Remembered
from jwtmw.mint.actors import actors
from jwtmw.mint.clock import TellsTime
from jwtmw.mint.details import allowed, checked_copy, plain
from jwtmw.mint.signer import Signs
from jwtmw.mint.terms import check_audience, check_issuer, check_ttl
from jwtmw.token.principal import Principal

Details = Mapping[str, Any]
Load = Callable[[Principal], Details | Awaitable[Details]]


class _Kept(NamedTuple):
    details: dict[str, Any]
    until: float


class InternalTokens:
    """Mints internal tokens; safe to share between threads and tasks.

    signs       a `KeyRing` or a `Signer`; None only where `secure` is False
    issuer      what `iss` says: a name of this service's own, that no public issuer has
    audience    who takes them, one name or several
    ttl         seconds; a token never lives longer than the public one it stands for
    load        gets the principal and returns claims to add, such as the user's details; sync, or async for `amint`.
                What it raises is a `MintFailed`: there is no token
    cache_ttl   seconds for which what it returned holds for the same public token; 0 asks each time
    cache_size  how many are remembered
    copy        claims that come from the public token and from nowhere else; "scope" and "roles" are what the principal
                has, under whatever name the public token said it
    typ         of the header
    relays      issuers that mint internal tokens too, by their `iss`: whom their tokens stand for is passed on as they
                say it
    anonymous   whether a caller without a token gets one, without `sub`; else that raises `MintFailed`
    max_bytes   a longer token is not minted: by default no door takes more
    secure      False in non-secure mode: no key is needed, `load` is not called, and every token is ""

    Raises `ConfigurationError`.
    """

    def __init__(
        self,
        signs: Signs | None,
        *,
        issuer: str,
        audience: str | Sequence[str],
        ttl: int = 300,
        load: Load | None = None,
        cache_ttl: float = 60.0,
        cache_size: int = 10_000,
        copy: Sequence[str] = ("scope", "roles"),
        typ: str = "at+jwt",
        relays: Sequence[str] = (),
        anonymous: bool = False,
        max_bytes: int = 8192,
        secure: bool = True,
        clock: TellsTime = time,
        ticks: Callable[[], float] = monotonic,
    ) -> None:
        if signs is None and secure:
            raise ConfigurationError("signs", "there is no key to sign with", "Give a KeyRing or a Signer")
        self._signs = signs if secure else None
        self._issuer = check_issuer(issuer)
        self._audience = check_audience(audience)
        self._ttl = check_ttl(ttl, self._signs)
        self._copy = checked_copy(copy)
        self._load = _checked_load(load)
        self._cache_ttl = cache_ttl
        self._kept: Remembered[bytes, _Kept] = Remembered(cache_size)
        self._typ = typ
        self._relays = _checked_relays(relays)
        self._anonymous = anonymous
        self._max_bytes = max_bytes
        self._clock = clock
        self._ticks = ticks

    def mint(self, principal: Principal) -> str:
        """The internal token of this caller; "" in non-secure mode, where the call goes out without one.

        Raises `MintFailed`, and `ConfigurationError` where `load` is async.
        """
        if self._signs is None:
            return ""
        details = self._details(principal)
        if isinstance(details, Call):
            if is_async(self._load):
                cure = "Call `await amint(principal)`, or make load a plain function"
                raise ConfigurationError("load", "an async load is awaited by amint only", cure)
            try:
                said = perform(details)
            except Exception as error:
                raise MintFailed(f"load failed with {type(error).__name__}") from error
            details = self._learned(principal, said)
        return self._signed(self._signs, principal, details)

    async def amint(self, principal: Principal) -> str:
        """The same on an event loop, which is not blocked: a sync `load` runs in another thread."""
        if self._signs is None:
            return ""
        details = self._details(principal)
        if isinstance(details, Call):
            try:
                said = await aperform(details)
            except Exception as error:
                raise MintFailed(f"load failed with {type(error).__name__}") from error
            details = self._learned(principal, said)
        return self._signed(self._signs, principal, details)

    def _details(self, principal: Principal) -> dict[str, Any] | Call:
        """What is added, or the call that tells. Raises `MintFailed` for a caller who gets no token."""
        if not principal.is_authenticated and not self._anonymous:
            raise MintFailed("the caller is anonymous")
        if not principal.is_authenticated or self._load is None:
            return {}
        kept = self._kept.get(_digest(principal)) if principal.token else None
        return kept.details if kept is not None and self._ticks() < kept.until else Call(self._load, (principal,))

    def _learned(self, principal: Principal, said: object) -> dict[str, Any]:
        """What may be added of what the loader said, remembered as it is now. Raises `MintFailed`."""
        details = allowed(plain(said), self._copy)
        # Without a token, as where an application made the principal itself, nothing tells one caller from another.
        if self._cache_ttl > 0 and principal.token:
            self._kept.put(_digest(principal), _Kept(details, self._ticks() + self._cache_ttl))
        return details

    def _signed(self, signs: Signs, principal: Principal, details: Details) -> str:
        claims = {**details, **self._copied(principal), **self._registered(principal)}
        try:
            token = signs.sign(claims, {"typ": self._typ})
        except ValueError as error:
            raise MintFailed(str(error)) from None
        if len(token) > self._max_bytes:
            raise MintFailed(f"the token would be longer than {self._max_bytes} bytes")
        return token

    def _copied(self, principal: Principal) -> dict[str, Any]:
        own = {"scope": _scope(principal.scopes), "roles": sorted(principal.roles)}
        claims = {**principal.claims, **own} if principal.is_authenticated else {}
        return {name: claims[name] for name in self._copy if name in claims}

    def _registered(self, principal: Principal) -> dict[str, Any]:
        now = int(self._clock.time())
        expires = now + self._ttl
        if principal.expires_at is not None:
            # The public token may be within its verifier's leeway, and so is this one then within the next one's.
            expires = min(expires, int(principal.expires_at))
        said = {
            "iss": self._issuer,
            "aud": self._audience,
            "iat": min(now, expires),
            "exp": expires,
            "jti": secrets.token_urlsafe(16),
            "sub": _who(principal),
            "client_id": None if principal.consumer else principal.client_id,
            **self._origin(principal),
            "act": actors(self._issuer, principal),
        }
        return {name: value for name, value in said.items() if value is not None}

    def _origin(self, principal: Principal) -> dict[str, Any]:
        """Who the caller was where it came in: any public issuer could say so of another's, so none is asked."""
        if principal.issuer in self._relays:
            return {"sub_id": principal.claims.get("sub_id"), "consumer": principal.claims.get("consumer")}
        consumer = principal.consumer
        return {"sub_id": _subject_identifier(principal), "consumer": None if consumer is None else consumer.name}


def _checked_load(load: Load | None) -> Load | None:
    if load is not None and not callable(load):
        raise ConfigurationError("load", "cannot be called", "Give a function from a Principal to claims")
    return load


def _checked_relays(relays: Sequence[str]) -> frozenset[str]:
    if isinstance(relays, str):
        raise ConfigurationError("relays", "is no list of issuers", "Put the one into a list")
    return frozenset(relays)


def _digest(principal: Principal) -> bytes:
    """What tells one public token from another: the same token under two issuers is two."""
    return sha256(f"{principal.issuer_name}\n{principal.token}".encode()).digest()


def _scope(scopes: frozenset[str]) -> str | list[str]:
    """RFC 6749 section 3.3; as a list where a text would make two scopes of one with a blank in it."""
    return sorted(scopes) if any(" " in scope for scope in scopes) else " ".join(sorted(scopes))


def _who(principal: Principal) -> str | None:
    """The subject; a consumer's name, as it writes its own `sub` and `client_id` and must not pass for another one."""
    return principal.consumer.name if principal.consumer else principal.subject


def _subject_identifier(principal: Principal) -> dict[str, str] | None:
    """RFC 9493 section 3.2.3: two public issuers may have the same `sub` for two people."""
    who = _who(principal)
    return None if who is None else {"format": "iss_sub", "iss": principal.issuer, "sub": who}
