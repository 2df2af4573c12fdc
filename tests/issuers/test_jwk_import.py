"""Which JWKs are fit to verify, and why the others are not."""

from __future__ import annotations

import traceback
from base64 import urlsafe_b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from jwtmw.errors import KeyRefused
from jwtmw.issuers.jwk import import_jwk
from jwtmw.issuers.keys import ED25519_ALGORITHMS, RSA_ALGORITHMS
from tests.issuers.material import KINDS, SECRET, jwk, private_key


def b64(number_or_octets: int | bytes, length: int | None = None) -> str:
    """base64url of octets, or of a number as big-endian octets."""
    octets = number_or_octets
    if isinstance(octets, int):
        octets = octets.to_bytes(length or (octets.bit_length() + 7) // 8 or 1, "big")
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


GOOD = {
    "RSA": (jwk("rsa"), RSA_ALGORITHMS),
    "P-256": (jwk("P-256"), {"ES256"}),
    "P-384": (jwk("P-384"), {"ES384"}),
    "P-521": (jwk("P-521"), {"ES512"}),
    "Ed25519": (jwk("ed25519"), ED25519_ALGORITHMS),
    "alg narrows": (jwk("rsa", alg="PS256"), {"PS256"}),
    "alg of the curve": (jwk("P-256", alg="ES256"), {"ES256"}),
    "EdDSA and Ed25519 are one": (jwk("ed25519", alg="EdDSA"), ED25519_ALGORITHMS),
    "Ed25519 and EdDSA are one": (jwk("ed25519", alg="Ed25519"), ED25519_ALGORITHMS),
    "use sig": (jwk("rsa", use="sig"), RSA_ALGORITHMS),
    "key_ops with verify": (jwk("rsa", key_ops=["sign", "verify"]), RSA_ALGORITHMS),
    "unknown members are ignored": (jwk("rsa", x5c=["junk"], x5t="junk", ext=True), RSA_ALGORITHMS),
    "a leading zero octet": (
        jwk("rsa", n=b64(b"\x00" + (private_key("rsa").public_key().public_numbers().n).to_bytes(256, "big"))),
        RSA_ALGORITHMS,
    ),
    "a long kid of any script": (jwk("rsa", kid="ключ " * 200), RSA_ALGORITHMS),
}


@pytest.mark.parametrize(("document", "algorithms"), GOOD.values(), ids=GOOD)
def test_a_fit_key_is_imported_with_its_algorithms(document, algorithms):
    """A sound public key does every algorithm of its kind, or the one that it names."""
    assert algorithms == import_jwk(document).algorithms


def test_the_kid_is_kept():
    """A key has the kid of its JWK, or none."""
    assert ["a b", None] == [import_jwk(jwk("rsa", kid=kid)).kid for kid in ("a b", None)]


N = private_key("rsa").public_key().public_numbers().n
X, Y = jwk("P-256")["x"], jwk("P-256")["y"]
PRIVATE_RSA = RSAAlgorithm.to_jwk(private_key("rsa"), as_dict=True)
PRIVATE = "a private key is published here: its owner must replace it"
NO_KEY = "the members do not make a public key of a supported kind"
BAD_KID = "kid is not a text of 1 to 1024 printable characters"
BAD_ALG = "alg is not one that this key can do"
SMALL = "an Ed25519 point under which anybody could sign"
RSA_SIZE = "an RSA key must have 2048 to 16384 bits"
UNSOUND = "RSA numbers that no sound key has"
P25519 = 2**255 - 19


def okp(y: int, sign: int = 0) -> dict[str, object]:
    """An Ed25519 JWK of this y coordinate."""
    return jwk("ed25519", x=b64((y | sign << 255).to_bytes(32, "little")))


BAD: dict[str, tuple[object, str]] = {
    "no object": ([], "not a JSON object"),
    "null": (None, "not a JSON object"),
    "use enc": (jwk("rsa", use="enc"), "use is not sig"),
    "use null": (jwk("rsa", use=None), "use is not sig"),
    "use a list": (jwk("rsa", use=["sig"]), "use is not sig"),
    "key_ops without verify": (jwk("rsa", key_ops=["encrypt", "sign"]), "key_ops is without verify"),
    "key_ops empty": (jwk("rsa", key_ops=[]), "key_ops is without verify"),
    "key_ops a text": (jwk("rsa", key_ops="verify"), "key_ops is without verify"),
    "kid with NUL": (jwk("rsa", kid="a\x00"), BAD_KID),
    "kid with CRLF": (jwk("rsa", kid="a\r\nb"), BAD_KID),
    "kid with ESC": (jwk("rsa", kid="\x1b[31m"), BAD_KID),
    "kid with a bidi override": (jwk("rsa", kid="a\u202eb"), BAD_KID),
    "kid with a lone surrogate": (jwk("rsa", kid="\ud800"), BAD_KID),
    "kid of 10 kB": (jwk("rsa", kid="k" * 10_000), BAD_KID),
    "kid one too long": (jwk("rsa", kid="k" * 1025), BAD_KID),
    "kid empty": (jwk("rsa", kid=""), BAD_KID),
    "kid a number": (jwk("rsa", kid=1), BAD_KID),
    "kty missing": ({"n": b64(N), "e": "AQAB"}, "kty is not RSA, EC or OKP"),
    "kty lower-case": (jwk("rsa", kty="rsa"), "kty is not RSA, EC or OKP"),
    "kty a list": (jwk("rsa", kty=["RSA"]), "kty is not RSA, EC or OKP"),
    "kty AKP": (jwk("rsa", kty="AKP"), "kty is not RSA, EC or OKP"),
    "symmetric": ({"kty": "oct", "k": b64(SECRET)}, "a symmetric key among public ones"),
    "private RSA": (PRIVATE_RSA, PRIVATE),
    "private RSA, d alone": (jwk("rsa", d="AQAB"), PRIVATE),
    "private RSA, p alone": (jwk("rsa", p="AQAB"), PRIVATE),
    "private EC": (ECAlgorithm.to_jwk(private_key("P-256"), as_dict=True), PRIVATE),
    "private OKP": (OKPAlgorithm.to_jwk(private_key("ed25519"), as_dict=True), PRIVATE),
    "k beside RSA": (jwk("rsa", k="AQAB"), PRIVATE),
    "alg none": (jwk("rsa", alg="none"), BAD_ALG),
    "alg HS256 on RSA": (jwk("rsa", alg="HS256"), BAD_ALG),
    "alg for encryption": (jwk("rsa", alg="RSA-OAEP"), BAD_ALG),
    "alg misspelt": (jwk("P-521", alg="ES521"), BAD_ALG),
    "alg of another curve": (jwk("P-384", alg="ES256"), BAD_ALG),
    "alg a list": (jwk("rsa", alg=["RS256"]), BAD_ALG),
    "alg null": (jwk("rsa", alg=None), BAD_ALG),
    "n missing": ({"kty": "RSA", "e": "AQAB"}, "n is not base64url"),
    "n a number": (jwk("rsa", n=N), "n is not base64url"),
    "n with padding": (jwk("rsa", n=b64(N) + "=="), "n is not base64url"),
    "n in standard base64": (jwk("rsa", n="+/" + b64(N)), "n is not base64url"),
    "n with a newline": (jwk("rsa", n=b64(N) + "\n"), "n is not base64url"),
    "n of an impossible length": (jwk("rsa", n="AAAAA"), "n is not base64url"),
    "e with unused bits": (jwk("rsa", e="AQAC" + "AR"), "e is not base64url"),
    "n huge": (jwk("rsa", n=b64(2**131072 - 1)), "n is not base64url"),
    "RSA of 2047 bits": (jwk("rsa", n=b64(N >> 1 | 1)), RSA_SIZE),
    "RSA of 1024 bits": (jwk("rsa", n=b64(2**1024 - 3)), RSA_SIZE),
    "RSA of 16385 bits": (jwk("rsa", n=b64(2**16385 - 3)), RSA_SIZE),
    "n even": (jwk("rsa", n=b64(N - 1)), UNSOUND),
    "n zero": (jwk("rsa", n="AA"), NO_KEY),
    "e is 1": (jwk("rsa", e="AQ"), NO_KEY),
    "e even": (jwk("rsa", e=b64(65536)), NO_KEY),
    "e too large": (jwk("rsa", e=b64(2**32 + 1)), UNSOUND),
    "EC off the curve": (jwk("P-256", y=X), NO_KEY),
    "EC at infinity": (jwk("P-256", x=b64(0, 32), y=b64(0, 32)), NO_KEY),
    "EC x too short": (jwk("P-256", x=X[:-3]), NO_KEY),
    "EC of another curve's size": (jwk("P-256", crv="P-384"), NO_KEY),
    "EC without y": ({"kty": "EC", "crv": "P-256", "x": X}, "y is not base64url"),
    "EC without crv": ({"kty": "EC", "x": X, "y": Y}, NO_KEY),
    "crv a list": (jwk("P-256", crv=["P-256"]), NO_KEY),
    "P-192": ({"kty": "EC", "crv": "P-192", "x": b64(1, 24), "y": b64(1, 24)}, NO_KEY),
    "brainpool": (jwk("P-256", crv="brainpoolP256r1"), NO_KEY),
    "secp256k1": (
        ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256K1()).public_key(), as_dict=True),
        "a curve that is not supported",
    ),
    "Ed25519 too short": (jwk("ed25519", x=b64(5, 31)), NO_KEY),
    "Ed448": ({"kty": "OKP", "crv": "Ed448", "x": b64(5, 57)}, NO_KEY),
    "X25519": (jwk("ed25519", crv="X25519"), NO_KEY),
    "Ed25519 zero": (okp(0), SMALL),
    "Ed25519 identity": (okp(1), SMALL),
    "Ed25519 identity, other sign": (okp(1, 1), SMALL),
    "Ed25519 of order 2": (okp(P25519 - 1), SMALL),
    "Ed25519 of order 8": (
        okp(2707385501144840649318225287225658788936804267575313519463743609750303402022),
        SMALL,
    ),
    "Ed25519 not canonical": (okp(P25519 + 3), SMALL),
}


@pytest.mark.parametrize(("document", "problem"), BAD.values(), ids=BAD)
def test_an_unfit_key_is_refused(document, problem):
    """A key that is weak, broken, private or for something else is refused by its exact text."""
    with pytest.raises(KeyRefused) as caught:
        import_jwk(document)
    assert problem == caught.value.problem


def test_a_refusal_holds_no_key_material():
    """Neither the refusal nor an error behind it repeats a member, so that no traceback can show a leaked key."""
    broken = PRIVATE_RSA | {"kid": "k" * 2000}
    for document in (PRIVATE_RSA, broken, jwk("P-256", y=X), jwk("P-256", crv="TOPSECRET")):
        with pytest.raises(KeyRefused) as caught:
            import_jwk(document)
        assert (None, None) == (caught.value.__context__, caught.value.__cause__)
        shown = "".join(traceback.format_exception_only(caught.value))
        assert [] == [text for text in (X, PRIVATE_RSA["d"], "TOPSECRET", "kkk") if text in shown]


SYMMETRIC = {
    "64 bytes": ({"k": b64(SECRET)}, {"HS256", "HS384", "HS512"}),
    "48 bytes": ({"k": b64(SECRET[:48])}, {"HS256", "HS384"}),
    "32 bytes": ({"k": b64(SECRET[:32]), "kid": "s"}, {"HS256"}),
    "alg narrows": ({"k": b64(SECRET), "alg": "HS384"}, {"HS384"}),
}


@pytest.mark.parametrize(("members", "algorithms"), SYMMETRIC.values(), ids=SYMMETRIC)
def test_a_secret_is_imported_where_it_is_allowed(members, algorithms):
    """A symmetric JWK does the algorithms that its length allows, where symmetric keys are allowed at all."""
    assert algorithms == import_jwk({"kty": "oct"} | members, allow_symmetric=True).algorithms


BAD_SYMMETRIC = {
    "31 bytes": ({"k": b64(SECRET[:31])}, "a secret shorter than 32 bytes"),
    "k missing": ({}, "k is not base64url"),
    "too short for its alg": ({"k": b64(SECRET[:32]), "alg": "HS512"}, BAD_ALG),
    "alg of another kind": ({"k": b64(SECRET), "alg": "RS256"}, BAD_ALG),
    "use enc": ({"k": b64(SECRET), "use": "enc"}, "use is not sig"),
}


@pytest.mark.parametrize(("members", "problem"), BAD_SYMMETRIC.values(), ids=BAD_SYMMETRIC)
def test_an_unfit_secret_is_refused(members, problem):
    """A symmetric JWK that is short, or for something else, is refused."""
    with pytest.raises(KeyRefused) as caught:
        import_jwk({"kty": "oct"} | members, allow_symmetric=True)
    assert problem == caught.value.problem


@pytest.mark.parametrize("exponent", [3, 17, 65537])
def test_usual_rsa_exponents_are_fit(exponent):
    """3, 17 and 65537 are in use."""
    numbers = rsa.RSAPublicNumbers(exponent, N)
    assert RSA_ALGORITHMS == import_jwk(jwk("rsa", e=b64(numbers.e))).algorithms


def test_every_kind_of_test_key_imports():
    """The tests' own key kinds are all fit, each with the algorithm by which it signs."""
    assert [True] * len(KINDS) == [alg in import_jwk(jwk(kind)).algorithms for kind, alg in KINDS.items()]
