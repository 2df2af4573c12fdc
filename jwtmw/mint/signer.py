"""Signing: a private key, or a secret, turns claims into a compact JWS (RFC 7515 section 3.1).

Owns: the signing key, the JOSE header, and the public half of the key as JWK and PEM.
Must never know: what claims mean, who may have which token, HTTP. The private half never leaves and is never shown.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import Any, Protocol

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import Algorithm, get_default_algorithms

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

_CURVES: dict[str, type[ec.EllipticCurve]] = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}
_KEY_TYPES: dict[str, type] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), rsa.RSAPrivateKey),
    **dict.fromkeys(_CURVES, ec.EllipticCurvePrivateKey),
    # RFC 9864 names the curve; EdDSA (RFC 8037) is the older name of the same signature.
    **dict.fromkeys(("EdDSA", "Ed25519"), ed25519.Ed25519PrivateKey),
    **dict.fromkeys(("HS256", "HS384", "HS512"), bytes),
}
_PUBLIC_MEMBERS = ("kty", "crv", "e", "n", "x", "y")

ALGORITHMS: tuple[str, ...] = tuple(_KEY_TYPES)
"""The algorithms that a `Signer` can use."""
PAIR_ALGORITHMS: tuple[str, ...] = tuple(name for name, kind in _KEY_TYPES.items() if kind is not bytes)
"""Those of them that have a key pair, so that there is something to publish."""


class Signs(Protocol):
    """What signs tokens: a `Signer`, and a `jwtmw.mint.keyring.KeyRing` whose key changes."""

    @property
    def algorithm(self) -> str:
        """The algorithm of the key that signs now."""
        ...

    @property
    def kid(self) -> str:
        """The name of the key that signs now."""
        ...

    def sign(self, claims: Mapping[str, Any], header: Mapping[str, Any] | None = None) -> str:
        """The claims as a compact JWS, as `Signer.sign` has it. Raises ValueError for what cannot be signed."""
        ...


class Publishes(Protocol):
    """What has a key set to publish: a `Signer` of a key pair, a `KeyRing`."""

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The key set (RFC 7517 section 5), public halves only."""
        ...


class Signer:
    """One signing key. Safe to share between threads; `repr` shows the algorithm and the kid only.

    algorithm  one of `ALGORITHMS`
    key        a private key of `cryptography` or its PEM; a secret's text or bytes for HS256 and its kin;
               None makes a fresh one
    kid        None names an asymmetric key by its RFC 7638 thumbprint and a secret by a random text

    Raises ValueError for an unknown algorithm and for a key that does not fit it.
    """

    __slots__ = ("_algorithm", "_key", "algorithm", "kid")

    def __init__(
        self, algorithm: str = "ES256", *, key: PrivateKey | str | bytes | None = None, kid: str | None = None
    ) -> None:
        if algorithm not in _KEY_TYPES:
            raise ValueError(f"unknown algorithm; choose one of {', '.join(ALGORITHMS)}")
        self.algorithm = algorithm
        self._algorithm = _algorithm_object(algorithm)
        self._key = _prepared(self._algorithm, algorithm, _fresh_key(algorithm) if key is None else key)
        self.kid = kid if kid is not None else self._default_kid()

    def __repr__(self) -> str:
        return f"Signer(algorithm={self.algorithm!r}, kid={self.kid!r})"

    @property
    def symmetric(self) -> bool:
        """True where the key is a secret, so that there is nothing to publish."""
        return isinstance(self._key, bytes)

    def sign(self, claims: Mapping[str, Any], header: Mapping[str, Any] | None = None) -> str:
        """The claims as a compact JWS.

        `header` adds to the header {"alg", "typ": "at+jwt" (RFC 9068), "kid"} or overrides it; a member that is
        None is left out. The signature is always made with this signer's own algorithm, whatever `header` says.
        Raises ValueError for a number that is not finite, TypeError for what is no JSON.
        """
        members = {"alg": self.algorithm, "typ": "at+jwt", "kid": self.kid, **(header or {})}
        present = {name: value for name, value in members.items() if value is not None}
        return self.sign_bytes(_json(present), _json(claims))

    def sign_bytes(self, header: bytes, payload: bytes) -> str:
        """The JWS of exactly these bytes, for whoever needs one that no JSON library would write."""
        signing_input = _base64url(header) + b"." + _base64url(payload)
        signature = self._algorithm.sign(signing_input, self._key)
        return (signing_input + b"." + _base64url(signature)).decode()

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The public key as a key set (RFC 7517 section 5). Raises ValueError for a secret."""
        return {"keys": [self.public_jwk]}

    @property
    def public_jwk(self) -> dict[str, str]:
        """The public key as a JWK (RFC 7517) with kid, use and alg. Raises ValueError for a secret."""
        return {**self._public_members(), "kid": self.kid, "use": "sig", "alg": self.algorithm}

    @property
    def public_pem(self) -> str:
        """The public key as PEM text (SubjectPublicKeyInfo). Raises ValueError for a secret."""
        return (
            self._private_key()
            .public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            .decode()
        )

    @property
    def secret(self) -> bytes:
        """The secret, to be configured where its tokens are checked. Raises ValueError for a key pair."""
        if not isinstance(self._key, bytes):
            raise ValueError("a key pair has no secret to share; publish public_jwk or public_pem")
        return self._key

    def _private_key(self) -> PrivateKey:
        if isinstance(self._key, bytes):
            raise ValueError("a secret has no public half")
        return self._key

    def _public_members(self) -> dict[str, str]:
        jwk = self._algorithm.to_jwk(self._private_key().public_key(), as_dict=True)
        return {name: jwk[name] for name in _PUBLIC_MEMBERS if name in jwk}

    def _default_kid(self) -> str:
        if self.symmetric:
            return secrets.token_urlsafe(12)
        # RFC 7638: exactly the required members, which are the public ones, in lexicographic order.
        canonical = json.dumps(self._public_members(), sort_keys=True, separators=(",", ":"))
        return _base64url(hashlib.sha256(canonical.encode()).digest()).decode()


def _algorithm_object(algorithm: str) -> Algorithm:
    return get_default_algorithms()["EdDSA" if algorithm == "Ed25519" else algorithm]


def _prepared(preparer: Algorithm, algorithm: str, key: PrivateKey | str | bytes) -> PrivateKey | bytes:
    """The key as PyJWT's algorithm wants it, the curve checked by it; ValueError for whatever cannot sign."""
    try:
        prepared: PrivateKey | bytes = preparer.prepare_key(key)
    except Exception:  # noqa: BLE001 - it raises TypeError, ValueError and errors of its own
        # Not chained: PyJWT's messages may hold the key.
        raise ValueError(f"this is no key for {algorithm}") from None
    if not isinstance(prepared, _KEY_TYPES[algorithm]):
        raise ValueError(f"this is no private key for {algorithm}")
    return prepared


def fresh_pair(algorithm: str) -> PrivateKey:
    """A new private key for one of `ALGORITHMS` that has pairs."""
    if algorithm in _CURVES:
        return ec.generate_private_key(_CURVES[algorithm]())
    if _KEY_TYPES[algorithm] is rsa.RSAPrivateKey:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ed25519.Ed25519PrivateKey.generate()


def _fresh_key(algorithm: str) -> PrivateKey | bytes:
    if _KEY_TYPES[algorithm] is not bytes:
        return fresh_pair(algorithm)
    # Text, because configuration holds secrets as text; 64 bytes are enough for HS512 (RFC 7518 section 3.2).
    return secrets.token_urlsafe(48).encode()


def _json(value: Mapping[str, Any]) -> bytes:
    # RFC 8259 section 6 has neither NaN nor Infinity; no verifier would read them.
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()


def _base64url(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")
