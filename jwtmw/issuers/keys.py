"""Keys that verify, prepared once, and the set that an issuer has of them.

Owns: which algorithms a key can do (the key decides, never the token) and which keys a token may try.
Must never know: where keys come from, tokens, policy. Whether a key is fit at all is the importer's judgement.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import Algorithm, ECAlgorithm, HMACAlgorithm, OKPAlgorithm, RSAAlgorithm, get_default_algorithms

PublicMaterial = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey
Verifier = Callable[[bytes, Any, bytes], bool]

RSA_ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
# RFC 7518 section 3.4: one curve, one hash. The keys are cryptography's names of the curves.
EC_ALGORITHMS = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
# RFC 9864 gave EdDSA with Ed25519 a name of its own; for such a key both mean the same.
ED25519_ALGORITHMS = frozenset({"EdDSA", "Ed25519"})
# RFC 7518 section 3.2: a secret is at least as long as the hash, in bytes.
SECRET_LENGTHS = {"HS256": 32, "HS384": 48, "HS512": 64}

SYMMETRIC = frozenset(SECRET_LENGTHS)
ASYMMETRIC = RSA_ALGORITHMS | ED25519_ALGORITHMS | frozenset(EC_ALGORITHMS.values())

# A token without kid may try as many keys; more would let one token buy many signature checks.
_MOST_WITHOUT_KID = 4


def _verifiers() -> dict[str, Verifier]:
    known: dict[str, Algorithm] = get_default_algorithms()
    known["Ed25519"] = known["EdDSA"]
    return {name: known[name].verify for name in ASYMMETRIC | SYMMETRIC}


_VERIFIERS = _verifiers()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Key:
    """One key and the algorithms that it verifies.

    `kty` is RSA, EC, OKP or oct; `thumbprint` the SHA-256 of RFC 7638, for a secret a digest that is never shown.
    """

    kid: str | None
    kty: str
    algorithms: frozenset[str]
    thumbprint: bytes
    material: Any
    verifiers: Mapping[str, Verifier]
    # What makes two keys the same one, also across two fetches of a set.
    identity: tuple[str | None, str, bytes, frozenset[str]] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "identity", (self.kid, self.kty, self.thumbprint, self.algorithms))

    def verify(self, alg: str, signing_input: bytes, signature: bytes) -> bool:
        """Whether the signature is this key's; False for an algorithm that the key does not do."""
        verifier = self.verifiers.get(alg)
        return verifier is not None and verifier(signing_input, self.material, signature)

    def __repr__(self) -> str:
        return f"Key(kid={self.kid!r}, kty={self.kty!r})"


def public_key(material: PublicMaterial, kid: str | None, algorithms: frozenset[str]) -> Key:
    """A key that verifies with public material by any of `algorithms`."""
    jwk = _public_jwk(material)
    return _key(material, jwk, kid, algorithms)


def shared_key(secret: bytes, kid: str | None, algorithms: frozenset[str]) -> Key:
    """A key that verifies by HMAC with the secret's bytes."""
    return _key(secret, HMACAlgorithm.to_jwk(secret, as_dict=True), kid, algorithms)


def algorithms_of(material: PublicMaterial) -> frozenset[str]:
    """Every algorithm that public material can do; empty for a curve that JWTs do not use."""
    if isinstance(material, RSAPublicKey):
        return RSA_ALGORITHMS
    if isinstance(material, EllipticCurvePublicKey):
        return frozenset({EC_ALGORITHMS[material.curve.name]} if material.curve.name in EC_ALGORITHMS else ())
    return ED25519_ALGORITHMS


def _key(material: object, jwk: dict[str, Any], kid: str | None, algorithms: frozenset[str]) -> Key:
    verifiers = {name: _VERIFIERS[name] for name in algorithms}
    return Key(kid, jwk["kty"], algorithms, _thumbprint(jwk), material, verifiers)


def _public_jwk(material: PublicMaterial) -> dict[str, Any]:
    if isinstance(material, RSAPublicKey):
        return RSAAlgorithm.to_jwk(material, as_dict=True)
    if isinstance(material, EllipticCurvePublicKey):
        return ECAlgorithm.to_jwk(material, as_dict=True)
    return OKPAlgorithm.to_jwk(material, as_dict=True)


# RFC 7638 section 3.2: the members that every key of its kind must have.
_REQUIRED_MEMBERS = {
    "RSA": ("e", "kty", "n"),
    "EC": ("crv", "kty", "x", "y"),
    "OKP": ("crv", "kty", "x"),
    "oct": ("k", "kty"),
}


def _thumbprint(jwk: dict[str, Any]) -> bytes:
    required = {name: jwk[name] for name in _REQUIRED_MEMBERS[jwk["kty"]]}
    return sha256(json.dumps(required, separators=(",", ":"), sort_keys=True).encode()).digest()


class KeySet:
    """An immutable set of keys, in the order of its source."""

    __slots__ = ("_candidates", "_identities", "_kids", "keys")

    def __init__(self, keys: Iterable[Key]) -> None:
        self.keys = tuple(keys)
        self._kids = frozenset(key.kid for key in self.keys)
        self._identities = frozenset(key.identity for key in self.keys)
        self._candidates = _candidates(self.keys)

    def select(self, kid: str | None, alg: str, lone: bool = False) -> tuple[Key, ...]:
        """The keys that a token with this header may try.

        With a kid only the keys of that kid; without one all that fit the algorithm, if they are at most four.
        `lone` says that a set of one key ignores kid: only for sets from configuration, where nobody rotates.
        """
        if lone and len(self.keys) == 1:
            kid = None
        return self._candidates.get((kid, alg), ())

    def knows(self, kid: str | None) -> bool:
        """Whether a key of this kid is here, whatever its algorithms."""
        return kid is not None and kid in self._kids

    def contains(self, key: Key) -> bool:
        """Whether this very key is here, under the same kid and for the same algorithms."""
        return key.identity in self._identities

    def same_as(self, other: KeySet) -> bool:
        """Whether both sets hold the same keys, in any order."""
        return self._identities == other._identities

    def __len__(self) -> int:
        return len(self.keys)

    def __repr__(self) -> str:
        return f"KeySet({list(self.keys)!r})"


def _candidates(keys: tuple[Key, ...]) -> dict[tuple[str | None, str], tuple[Key, ...]]:
    found: dict[tuple[str | None, str], tuple[Key, ...]] = {}
    for alg in ASYMMETRIC | SYMMETRIC:
        fitting = tuple(key for key in keys if alg in key.algorithms)
        if len(fitting) <= _MOST_WITHOUT_KID:
            found[None, alg] = fitting
        for kid in {key.kid for key in fitting} - {None}:
            found[kid, alg] = tuple(key for key in fitting if key.kid == kid)
    return found
