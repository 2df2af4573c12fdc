"""Keys, signatures and JWKs for the tests of this area; each private key is made once a run."""

from __future__ import annotations

from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm, get_default_algorithms

from jwtmw.issuers.jwk import import_jwk
from jwtmw.issuers.keys import Key

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
SECRET = bytes(range(100, 164))
CURVES = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
# The algorithm by which each kind of private key signs where a test does not care.
KINDS = {"rsa": "RS256", "P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "ed25519": "EdDSA"}


@cache
def private_key(kind: str, number: int = 0) -> Any:
    """The private key of this kind and number: "rsa", "ed25519" or a curve."""
    del number
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(CURVES[kind])


def jwk(kind: str, number: int = 0, **members: Any) -> dict[str, Any]:
    """The public JWK of such a key, with these members besides."""
    public = private_key(kind, number).public_key()
    if kind == "rsa":
        return RSAAlgorithm.to_jwk(public, as_dict=True) | members
    algorithm = OKPAlgorithm if kind == "ed25519" else ECAlgorithm
    return algorithm.to_jwk(public, as_dict=True) | members


def key(kind: str, number: int = 0, **members: Any) -> Key:
    """The imported public key."""
    return import_jwk(jwk(kind, number, **members))


def sign(kind: str, message: bytes, alg: str | None = None, number: int = 0) -> bytes:
    """A JWS signature by such a key."""
    name = alg or KINDS[kind]
    return get_default_algorithms()["EdDSA" if name == "Ed25519" else name].sign(message, private_key(kind, number))


def pem(kind: str, number: int = 0) -> str:
    """The public key as PEM."""
    public = private_key(kind, number).public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def private_pem(kind: str, number: int = 0) -> str:
    """The private key as PEM, not encrypted."""
    octets = private_key(kind, number).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return octets.decode()
