"""Keys of every algorithm, made on the spot, and signatures straight from `cryptography`.

Owns: private keys for one run of the tests, their public halves as JWK and PEM, raw JWS signatures.
Must never know: PyJWT, jwtmw: what is tested must not help to write the test.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "256": hashes.SHA256,
    "384": hashes.SHA384,
    "512": hashes.SHA512,
    "1": hashes.SHA1,
}
PUBLIC = serialization.PublicFormat.SubjectPublicKeyInfo


def b64(data: bytes) -> bytes:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def number(value: int, size: int = 0) -> str:
    return b64(value.to_bytes(size or (value.bit_length() + 7) // 8, "big")).decode()


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with its kid; `alg` is what it signs with unless told."""

    kid: str
    alg: str
    private: Any

    def sign(self, data: bytes, alg: str = "") -> bytes:
        alg = alg or self.alg
        return _SIGN[alg[:2]](self.private, data, alg)

    def jwk(self, **more: Any) -> dict[str, Any]:
        """The public half, without `alg` and `use` unless given."""
        return {"kid": self.kid, **_JWK[type(self.private.public_key()).__name__](self.private.public_key()), **more}

    def pem(self) -> str:
        return self.private.public_key().public_bytes(serialization.Encoding.PEM, PUBLIC).decode()

    def der(self) -> bytes:
        der: bytes = self.private.public_key().public_bytes(serialization.Encoding.DER, PUBLIC)
        return der

    def raw_public(self) -> bytes:
        raw: bytes = self.private.public_key().public_bytes_raw()
        return raw


@dataclass(frozen=True, slots=True)
class Secret:
    """A shared secret, given by its bytes."""

    kid: str
    alg: str
    private: bytes

    def sign(self, data: bytes, alg: str = "") -> bytes:
        return hmac.new(self.private, data, f"sha{(alg or self.alg)[2:]}").digest()


def _rs(private: Any, data: bytes, alg: str) -> bytes:
    signature: bytes = private.sign(data, padding.PKCS1v15(), HASHES[alg[2:]]())
    return signature


def _ps(private: Any, data: bytes, alg: str) -> bytes:
    digest = HASHES[alg[2:]]()
    return pss(private, data, digest, digest, digest.digest_size)


def pss(private: Any, data: bytes, digest: Any, mgf: Any, salt: int) -> bytes:
    """An RSASSA-PSS signature with any parameters, also those that JWS does not know."""
    signature: bytes = private.sign(data, padding.PSS(mgf=padding.MGF1(mgf), salt_length=salt), digest)
    return signature


def _es(private: Any, data: bytes, alg: str) -> bytes:
    r, s = decode_dss_signature(private.sign(data, ec.ECDSA(HASHES[alg[2:5]]())))
    size = (private.curve.key_size + 7) // 8
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def _ed(private: Any, data: bytes, _: str) -> bytes:
    signature: bytes = private.sign(data)
    return signature


_SIGN = {"RS": _rs, "PS": _ps, "ES": _es, "Ed": _ed}


def _rsa_jwk(public: Any) -> dict[str, str]:
    numbers = public.public_numbers()
    return {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}


def _ec_jwk(public: Any) -> dict[str, str]:
    numbers, size = public.public_numbers(), (public.curve.key_size + 7) // 8
    curve = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521", "secp256k1": "secp256k1"}
    return {"kty": "EC", "crv": curve[public.curve.name], "x": number(numbers.x, size), "y": number(numbers.y, size)}


def _okp_jwk(public: Any) -> dict[str, str]:
    raw = public.public_bytes_raw()
    return {"kty": "OKP", "crv": "Ed25519" if len(raw) == 32 else "Ed448", "x": b64(raw).decode()}


_JWK = {
    "RSAPublicKey": _rsa_jwk,
    "ECPublicKey": _ec_jwk,
    "Ed25519PublicKey": _okp_jwk,
    "Ed448PublicKey": _okp_jwk,
}


def _rsa(kid: str) -> SigningKey:
    return SigningKey(kid, "RS256", rsa.generate_private_key(public_exponent=65537, key_size=2048))


def _ec(kid: str, alg: str, curve: ec.EllipticCurve) -> SigningKey:
    return SigningKey(kid, alg, ec.generate_private_key(curve))


RSA = _rsa("key-of-corp-rsa")
RSA_NEXT = _rsa("key-of-corp-rsa-next")
RSA_PARTNER = _rsa("key-of-partner-rsa")
RSA_FOREIGN = _rsa("key-of-nobody-rsa")
EC256 = _ec("key-of-corp-p256", "ES256", ec.SECP256R1())
EC384 = _ec("key-of-corp-p384", "ES384", ec.SECP384R1())
EC521 = _ec("key-of-corp-p521", "ES512", ec.SECP521R1())
EC256K = _ec("key-of-corp-p256k", "ES256K", ec.SECP256K1())
EC_FOREIGN = _ec("key-of-nobody-p256", "ES256", ec.SECP256R1())
ED25519 = SigningKey("key-of-corp-ed25519", "EdDSA", ed25519.Ed25519PrivateKey.generate())
ED_FOREIGN = SigningKey("key-of-nobody-ed25519", "EdDSA", ed25519.Ed25519PrivateKey.generate())
ED448 = SigningKey("key-of-corp-ed448", "EdDSA", ed448.Ed448PrivateKey.generate())
SECRET_TEXT = base64.b64encode(hashlib.sha512(b"conformance").digest()).decode()
SECRET = Secret("key-of-corp-secret", "HS256", SECRET_TEXT.encode())
SECRET_DECODED = Secret("key-of-corp-secret", "HS256", base64.b64decode(SECRET_TEXT))
SECRET_FOREIGN = Secret("key-of-nobody-secret", "HS256", b"x" * 64)
Signer = SigningKey | Secret
