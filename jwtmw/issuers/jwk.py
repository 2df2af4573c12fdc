"""One JWK (RFC 7517) -> one key that is fit to verify, or a refusal that says why.

Owns: which keys are too weak, broken, private or meant for something else.
Must never know: sets, where keys come from, tokens, policy. No refusal repeats a member's value.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import Algorithm, ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.exceptions import InvalidKeyError

from jwtmw.errors import KeyRefused
from jwtmw.issuers.keys import SECRET_LENGTHS, Key, PublicMaterial, algorithms_of, public_key, shared_key

# Private members of RFC 7518 section 6 and RFC 8037: whoever publishes one has published the key.
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_PUBLIC_MEMBERS: dict[str, tuple[type[Algorithm], tuple[str, ...]]] = {
    "RSA": (RSAAlgorithm, ("n", "e")),
    "EC": (ECAlgorithm, ("x", "y")),
    "OKP": (OKPAlgorithm, ("x",)),
}
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_LONGEST_KID = 1024
# 16384 bits and a little: what is longer is refused before anything computes with it.
_LONGEST_MEMBER = 2800
_RSA_BITS = range(2048, 16384 + 1)
# A larger public exponent is never seen in earnest and makes each verification slow.
_RSA_EXPONENTS = range(3, 2**32, 2)

# Ed25519 (RFC 8032): p, and the y of the points whose order divides 8. Under such a key anybody can sign.
_P = 2**255 - 19
_SMALL_ORDER = frozenset(
    {
        0,
        1,
        _P - 1,
        int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"),
        int.from_bytes(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"),
    }
)


def import_jwk(jwk: object, allow_symmetric: bool = False) -> Key:
    """The key of one JWK. Raises `KeyRefused` with a fixed text."""
    if not isinstance(jwk, dict):
        raise KeyRefused("not a JSON object")
    if jwk.get("kty") != "oct" and not _PRIVATE.isdisjoint(jwk):
        raise KeyRefused("a private key is published here: its owner must replace it")
    _check_purpose(jwk)
    kid = _kid(jwk.get("kid"))
    if jwk.get("kty") == "oct":
        return _symmetric(jwk, kid, allow_symmetric)
    material = _material(jwk)
    return public_key(material, kid, _narrowed(jwk, fit_algorithms(material)))


def fit_algorithms(material: PublicMaterial) -> frozenset[str]:
    """The algorithms of public material that is strong enough. Raises `KeyRefused`."""
    if isinstance(material, RSAPublicKey):
        _check_rsa(material)
    if isinstance(material, Ed25519PublicKey):
        _check_ed25519(material)
    algorithms = algorithms_of(material)
    if not algorithms:
        raise KeyRefused("a curve that is not supported")
    return algorithms


def _check_purpose(jwk: Mapping[str, Any]) -> None:
    """RFC 7517 sections 4.2 and 4.3: a key for something else never verifies signatures."""
    if jwk.get("use", "sig") != "sig":
        raise KeyRefused("use is not sig")
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise KeyRefused("key_ops is without verify")


def _kid(kid: object) -> str | None:
    """The kid as it is. One that could harm a log, or that no token can name, is refused."""
    if kid is None:
        return None
    if not isinstance(kid, str) or not kid.isprintable() or not 1 <= len(kid) <= _LONGEST_KID:
        raise KeyRefused("kid is not a text of 1 to 1024 printable characters")
    return kid


def _material(jwk: Mapping[str, Any]) -> PublicMaterial:
    kty = jwk.get("kty")
    if not isinstance(kty, str) or kty not in _PUBLIC_MEMBERS:
        raise KeyRefused("kty is not RSA, EC or OKP")
    algorithm, names = _PUBLIC_MEMBERS[kty]
    for name in names:
        _octets(jwk, name)
    # Only these members: PyJWT must never see a private one.
    material = _built(algorithm, {name: jwk[name] for name in ("kty", "crv", *names) if name in jwk})
    if material is None:
        raise KeyRefused("the members do not make a public key of a supported kind")
    return material


def _built(algorithm: type[Algorithm], jwk: dict[str, Any]) -> PublicMaterial | None:
    # None, not `raise ... from None`: the library's texts quote the key and must not hang on our error as its context.
    try:
        material = algorithm.from_jwk(jwk)
    except (InvalidKeyError, UnsupportedAlgorithm, ValueError):
        return None
    # Not Ed448: its only JWS name is EdDSA too, and a policy that lists EdDSA means Ed25519.
    return material if isinstance(material, PublicMaterial) else None


def _octets(jwk: Mapping[str, Any], name: str) -> bytes:
    """The octets of a base64url member (RFC 7515 section 2): no padding and no second spelling."""
    text = jwk.get(name)
    if not isinstance(text, str) or not _BASE64URL.fullmatch(text) or len(text) > _LONGEST_MEMBER or len(text) % 4 == 1:
        raise KeyRefused(f"{name} is not base64url")
    octets = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if urlsafe_b64encode(octets).rstrip(b"=") != text.encode():
        raise KeyRefused(f"{name} is not base64url")
    return octets


def _narrowed(jwk: Mapping[str, Any], algorithms: frozenset[str]) -> frozenset[str]:
    """RFC 7517 section 4.4: a key that names an algorithm does that one."""
    if "alg" not in jwk:
        return algorithms
    return narrowed(algorithms, jwk["alg"])


def narrowed(algorithms: frozenset[str], alg: object) -> frozenset[str]:
    """Of a key's algorithms this one alone; Ed25519 and EdDSA are one. Raises `KeyRefused`."""
    if not isinstance(alg, str) or alg not in algorithms:
        raise KeyRefused("alg is not one that this key can do")
    return algorithms if alg in {"EdDSA", "Ed25519"} else frozenset({alg})


def _symmetric(jwk: Mapping[str, Any], kid: str | None, allowed: bool) -> Key:
    if not allowed:
        raise KeyRefused("a symmetric key among public ones")
    secret = _octets(jwk, "k")
    fitting = frozenset(name for name, length in SECRET_LENGTHS.items() if len(secret) >= length)
    if not fitting:
        raise KeyRefused("a secret shorter than 32 bytes")
    return shared_key(secret, kid, _narrowed(jwk, fitting))


def _check_rsa(material: RSAPublicKey) -> None:
    numbers = material.public_numbers()
    if numbers.n.bit_length() not in _RSA_BITS:
        raise KeyRefused("an RSA key must have 2048 to 16384 bits")
    if numbers.n % 2 == 0 or numbers.e not in _RSA_EXPONENTS:
        raise KeyRefused("RSA numbers that no sound key has")


def _check_ed25519(material: Ed25519PublicKey) -> None:
    raw = material.public_bytes(Encoding.Raw, PublicFormat.Raw)
    y = int.from_bytes(raw, "little") & ~(1 << 255)
    if y >= _P or y in _SMALL_ORDER:
        raise KeyRefused("an Ed25519 point under which anybody could sign")
