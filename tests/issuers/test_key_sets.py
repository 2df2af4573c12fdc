"""Which sets, PEM texts and secrets are usable."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from jwtmw.errors import KeyRefused
from jwtmw.issuers.importer import MOST_KEYS, import_jwk_set, import_pem, secret_key
from jwtmw.issuers.keys import ED25519_ALGORITHMS, RSA_ALGORITHMS
from tests.issuers.material import SECRET, jwk, key, pem, private_key

OCT = {"kty": "oct", "k": "YWJj" * 16}


def test_one_bad_key_is_skipped_and_the_rest_serve():
    """Bad keys among good ones are left out, each with its place and its reason."""
    documents = [jwk("rsa", kid="a"), 7, jwk("P-256", use="enc"), OCT, jwk("ed25519", kid="b")]
    imported = import_jwk_set({"keys": documents})
    assert ["a", "b"] == [found.kid for found in imported.keys.keys]
    assert (
        "keys[1]: not a JSON object",
        "keys[2]: use is not sig",
        "keys[3]: a symmetric key among public ones",
    ) == imported.skipped


UNUSABLE: dict[str, tuple[object, str]] = {
    "a list": ([], "not a JWK set: an object with a list named keys"),
    "null": (None, "not a JWK set: an object with a list named keys"),
    "empty object": ({}, "not a JWK set: an object with a list named keys"),
    "one JWK": (jwk("rsa"), "not a JWK set: an object with a list named keys"),
    "keys an object": ({"keys": {}}, "not a JWK set: an object with a list named keys"),
    "no keys": ({"keys": []}, "no usable key"),
    "only unusable keys": ({"keys": [OCT]}, "no usable key; keys[0]: a symmetric key among public ones"),
    "65 keys": ({"keys": [jwk("rsa")] * 65}, "more than 64 keys"),
    "50,000 keys": ({"keys": [0] * 50_000}, "more than 64 keys"),
    "one kid for two keys": (
        {"keys": [jwk("rsa", kid="a"), jwk("rsa", 1, kid="a")]},
        "no usable key; keys[0]: another key has the same kid and kty; keys[1]: another key has the same kid and kty",
    ),
}


@pytest.mark.parametrize(("document", "problem"), UNUSABLE.values(), ids=UNUSABLE)
def test_an_unusable_set_is_refused(document, problem):
    """A document that is no set, is empty, too large or without a usable key is a failure."""
    with pytest.raises(KeyRefused) as caught:
        import_jwk_set(document)
    assert problem == caught.value.problem


def test_64_keys_are_not_too_many():
    """The limit itself is allowed."""
    imported = import_jwk_set({"keys": [jwk("P-256", kid=str(number)) for number in range(MOST_KEYS)]})
    assert 64 == len(imported.keys)


def test_conflicting_keys_take_no_other_key_with_them():
    """Only the keys that share kid and kty are dropped; the same kid with another kty is fine."""
    documents = [jwk("rsa", kid="a"), jwk("rsa", 1, kid="a"), jwk("P-256", kid="a"), jwk("rsa", kid="b")]
    imported = import_jwk_set({"keys": documents})
    assert [("EC", "a"), ("RSA", "b")] == [(found.kty, found.kid) for found in imported.keys.keys]


def test_the_same_key_twice_is_one_key():
    """Equal entries are no conflict and count once; one key listed for two algorithms does both."""
    documents = [jwk("rsa", kid="a"), jwk("rsa", kid="a"), jwk("P-256"), jwk("P-256", 1)]
    assert 3 == len(import_jwk_set({"keys": documents}).keys)
    both = import_jwk_set({"keys": [jwk("rsa", kid="a", alg=alg) for alg in ("RS256", "PS256")]}).keys
    assert [1, 1, 0] == [len(both.select("a", alg)) for alg in ("RS256", "PS256", "RS512")]


def test_a_set_of_secrets_is_usable_where_it_is_allowed():
    """Symmetric sets are imported on demand only, and never together with public keys."""
    assert ["oct"] == [found.kty for found in import_jwk_set({"keys": [OCT]}, allow_symmetric=True).keys.keys]
    with pytest.raises(KeyRefused, match=r"^symmetric and public keys in one set$"):
        import_jwk_set({"keys": [OCT, jwk("rsa")]}, allow_symmetric=True)


def in_pem(public) -> str:
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def private_pem(kind: str) -> str:
    return private_key(kind).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


PKCS1 = private_key("rsa").public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1).decode()
GOOD_PEM = {
    "RSA": (pem("rsa"), RSA_ALGORITHMS),
    "RSA, PKCS 1": (PKCS1, RSA_ALGORITHMS),
    "P-256": (pem("P-256"), {"ES256"}),
    "P-384": (pem("P-384"), {"ES384"}),
    "P-521": (pem("P-521"), {"ES512"}),
    "Ed25519": (pem("ed25519"), ED25519_ALGORITHMS),
    "indented by a heredoc": (f"\n\n{pem('ed25519')}\n \n", ED25519_ALGORITHMS),
}


@pytest.mark.parametrize(("text", "algorithms"), GOOD_PEM.values(), ids=GOOD_PEM)
def test_a_public_pem_is_a_key_without_kid(text, algorithms):
    """A PEM public key does every algorithm of its kind."""
    imported = import_pem(text)
    assert (None, algorithms) == (imported.kid, imported.algorithms)


def test_pem_and_jwk_of_a_key_are_the_same_key():
    """The form in which a key comes does not matter."""
    assert key("P-384").identity == import_pem(pem("P-384")).identity


PRIVATE = "a private key: give only the public one"
NO_PEM = "not a PEM public key of a supported kind"
BAD_PEM = {
    "private": (private_pem("rsa"), PRIVATE),
    "private besides the public": (pem("rsa") + private_pem("rsa"), PRIVATE),
    "certificate": (
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
        "a certificate: give its public key, as `openssl x509 -pubkey -noout` prints it",
    ),
    "two keys": (pem("rsa") + pem("P-256"), "not exactly one PEM block"),
    "empty": ("", "not exactly one PEM block"),
    "JWK": ('{"kty":"RSA"}', "not exactly one PEM block"),
    "broken": (pem("rsa").replace("A", "!"), NO_PEM),
    "lone surrogate": (pem("rsa") + "\ud800", NO_PEM),
    "Ed448": (in_pem(ed448.Ed448PrivateKey.generate().public_key()), NO_PEM),
    "secp256k1": (in_pem(ec.generate_private_key(ec.SECP256K1()).public_key()), "a curve that is not supported"),
    "RSA of 1024 bits": (
        in_pem(rsa.generate_private_key(65537, 1024).public_key()),
        "an RSA key must have 2048 to 16384 bits",
    ),
}


@pytest.mark.parametrize(("text", "problem"), BAD_PEM.values(), ids=BAD_PEM)
def test_an_unfit_pem_is_refused(text, problem):
    """A PEM that is private, weak, several or something else is refused, without an error that quotes it."""
    with pytest.raises(KeyRefused) as caught:
        import_pem(text)
    assert (problem, None) == (caught.value.problem, caught.value.__context__)


SHORT = "the secret is shorter than the hash: {} bytes are needed"
NO_SECRET = "a PEM, SSH key, certificate or JWK is no secret"
KNOWN = "a secret that everybody knows or can guess"
BAD_SECRETS = {
    "31 bytes for HS256": (SECRET[:31], ["HS256"], SHORT.format(32)),
    "47 bytes for HS384": (SECRET[:47], ["HS384"], SHORT.format(48)),
    "63 bytes for HS512": (SECRET[:63], ["HS512", "HS256"], SHORT.format(64)),
    "changeme": (b"changeme", ["HS256"], SHORT.format(32)),
    "empty": (b"", ["HS256"], "the secret is empty"),
    "PEM": (pem("rsa").encode(), ["HS256"], NO_SECRET),
    "private PEM": (private_pem("rsa").encode(), ["HS256"], NO_SECRET),
    "JWK": (b'{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1"}', ["HS256"], NO_SECRET),
    "JWK set": (b'{"keys":[{"kty":"RSA","n":"AyM1SysPpbyDfgZld3umj1qzKObwVMko"}]}', ["HS256"], NO_SECRET),
    "JWK behind a byte order mark": (b'\xef\xbb\xbf{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qz"}', ["HS256"], NO_SECRET),
    "jwt.io's example": (b"a-string-secret-at-least-256-bits-long", ["HS256"], KNOWN),
    "one byte over and over": (b"x" * 64, ["HS512"], KNOWN),
    "for RS256": (SECRET, ["RS256"], "a secret does HS256, HS384 and HS512 only"),
    "for nothing": (SECRET, [], "a secret does HS256, HS384 and HS512 only"),
}


@pytest.mark.parametrize(("secret", "algorithms", "problem"), BAD_SECRETS.values(), ids=BAD_SECRETS)
def test_an_unfit_secret_is_refused(secret, algorithms, problem):
    """A secret that is short, known, or meant for another algorithm is refused, without an error that quotes it."""
    with pytest.raises(KeyRefused) as caught:
        secret_key(secret, algorithms)
    assert (problem, None) == (caught.value.problem, caught.value.__context__)


def test_a_secret_does_the_algorithms_that_were_asked_for():
    """HS256 by default, others on demand; a short one only where that is allowed."""
    assert {"HS256"} == secret_key(SECRET).algorithms
    assert {"HS384", "HS512"} == secret_key(SECRET, ["HS384", "HS512"]).algorithms
    assert {"HS256"} == secret_key(b"short", allow_short=True).algorithms
