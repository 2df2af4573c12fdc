"""What verifiers fetch: the key set, and the document that says where it is.

Owns: the two documents, and for how long they may be kept.
Must never know: frameworks, how keys rotate. Nothing private is ever in what publishes keys.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from jwtmw.endpoints.endpoint import Asked, Call, Endpoint, Flow, cacheable, json_response
from jwtmw.errors import ConfigurationError
from jwtmw.issuers.fetch import url_problem
from jwtmw.mint.keyring import KeyRing
from jwtmw.mint.signer import Publishes


class JWKS(Endpoint):
    """The key set (RFC 7517 section 5) of a `KeyRing` or a `Signer`, with an ETag; GET and HEAD.

    max_age  seconds for which verifiers may keep it, as its Cache-Control says: less than the ring's `ahead`

    Raises `ConfigurationError` for a secret, which has nothing to publish, and for a `max_age` that is too long.
    """

    name = "jwks"

    def __init__(self, keys: Publishes, *, max_age: int = 300) -> None:
        _check(keys, max_age)
        self._keys = keys
        self._max_age = max_age

    def respond(self, asked: Asked) -> Flow:
        """The set as it is now, also where nobody has asked since a rotation: verifiers keep it for a while."""
        yield from _followed(self._keys)
        # RFC 7517 section 8.5.2
        full = json_response(200, self._keys.jwks(), {"Content-Type": "application/jwk-set+json"})
        return cacheable(full, asked.headers, self._max_age)


class Metadata(Endpoint):
    """The document of OpenID Connect Discovery 1.0, so that a verifier needs to know no more than the issuer.

    It belongs to the issuer's own path and `/.well-known/openid-configuration`; there is no login page behind it.

    issuer    what `iss` says, exactly
    jwks_uri  where verifiers find the `JWKS`

    Raises `ConfigurationError`, also for a `jwks_uri` that verifiers would not fetch.
    """

    name = "openid_configuration"

    def __init__(self, keys: Publishes, *, issuer: str, jwks_uri: str, max_age: int = 300) -> None:
        _check(keys, max_age)
        for key, url in (("issuer", issuer), ("jwks_uri", jwks_uri)):
            problem = url_problem(url)
            if problem:
                raise ConfigurationError(key, problem, "Give the URL that verifiers use")
        self._keys = keys
        self._issuer = issuer
        self._jwks_uri = jwks_uri
        self._max_age = max_age

    def respond(self, asked: Asked) -> Flow:
        """The document."""
        yield from _followed(self._keys)
        return cacheable(json_response(200, self._document()), asked.headers, self._max_age)

    def _document(self) -> dict[str, Any]:
        return {
            "issuer": self._issuer,
            "jwks_uri": self._jwks_uri,
            # What the specification requires; nobody logs in here.
            "response_types_supported": [],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": sorted({key["alg"] for key in self._keys.jwks()["keys"]}),
        }


def _followed(keys: Publishes) -> Generator[Call, Any, None]:
    """Read what has changed before it is answered: elsewhere, where an event loop serves."""
    if isinstance(keys, KeyRing) and keys.changed():
        yield Call(keys.follow, ())


def _check(keys: Publishes, max_age: int) -> None:
    try:
        keys.jwks()
    except ValueError as error:
        raise ConfigurationError("keys", str(error), "Sign with a key pair") from None
    ahead = keys.ahead if isinstance(keys, KeyRing) else None
    if max_age < 0 or (ahead is not None and max_age >= ahead):
        problem = "a key set may be kept for less time than a new key is published before it signs"
        raise ConfigurationError("max_age", problem, f"Give less than {ahead} s, or make a ring with a longer ahead")
