"""Keys that nobody has: what a token is verified with where its consumer has no key for it.

So that a caller learns nothing from the time that a refusal takes: not whether there is such a consumer, and not which
algorithm it uses.

Owns: one key for each algorithm, made when it is first asked for.
Must never know: tokens, consumers. What a decoy says of a signature counts for nothing.
"""

from __future__ import annotations

import secrets
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    SECP384R1,
    SECP521R1,
    EllipticCurve,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

from jwtmw.issuers.keys import RSA_ALGORITHMS, SYMMETRIC, Key, PublicMaterial, algorithms_of, public_key, shared_key

_CURVES: dict[str, type[EllipticCurve]] = {"ES256": SECP256R1, "ES384": SECP384R1, "ES512": SECP521R1}
# Of the usual size. No one needs to know the factors, so any odd number of this size will do.
_RSA_BITS = 2048


@cache
def decoy(algorithm: str) -> Key:
    """The decoy for one of the algorithms that issuers may have."""
    if algorithm in SYMMETRIC:
        return shared_key(secrets.token_bytes(64), None, SYMMETRIC)
    material = _material(algorithm)
    return public_key(material, None, algorithms_of(material))


def _material(algorithm: str) -> PublicMaterial:
    if algorithm in RSA_ALGORITHMS:
        modulus = secrets.randbits(_RSA_BITS) | 1 << (_RSA_BITS - 1) | 1
        return RSAPublicNumbers(65537, modulus).public_key()
    if algorithm in _CURVES:
        return generate_private_key(_CURVES[algorithm]()).public_key()
    return Ed25519PrivateKey.generate().public_key()
