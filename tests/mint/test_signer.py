"""The signer: keys, headers, signatures, and what it shows of itself."""

from __future__ import annotations

import base64
import json
import warnings

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from jwtmw.mint.signer import ALGORITHMS, Publishes, Signer, Signs

SECRET = "correct-horse-battery-staple-and-then-some-more-of-it-for-sha-512"
PAIRS = [algorithm for algorithm in ALGORITHMS if not algorithm.startswith("HS")]


def header_of(token: str) -> dict:
    segment = token.partition(".")[0]
    return json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))


def pyjwt_name(algorithm: str) -> str:
    return "EdDSA" if algorithm == "Ed25519" else algorithm


def verifies(signer: Signer, token: str, key: str | bytes) -> bool:
    """By PyJWT's algorithm object, straight over the bytes."""
    algorithm = jwt.get_algorithm_by_name(pyjwt_name(signer.algorithm))
    signing_input, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    return algorithm.verify(signing_input.encode(), algorithm.prepare_key(key), raw)


@pytest.mark.parametrize("algorithm", PAIRS)
def test_a_fresh_pair_signs_what_its_public_half_verifies(algorithm: str) -> None:
    """A pair made on the spot signs tokens that its PEM verifies, and another pair's does not."""
    signer = Signer(algorithm)
    token = signer.sign({"sub": "alice"})
    assert verifies(signer, token, signer.public_pem)
    assert not verifies(signer, token, Signer(algorithm).public_pem)


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_a_fresh_secret_is_text_and_long_enough(algorithm: str) -> None:
    """A secret made on the spot verifies its tokens, is ASCII text, and fills the hash."""
    signer = Signer(algorithm)
    assert verifies(signer, signer.sign({"sub": "alice"}), signer.secret)
    assert signer.secret.isascii()
    assert len(signer.secret) >= 64


def test_a_decoder_reads_the_claims_back() -> None:
    """PyJWT decodes the whole token to the claims that went in."""
    signer = Signer("RS256")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert {"sub": "älice"} == jwt.decode(signer.sign({"sub": "älice"}), signer.public_pem, algorithms=["RS256"])


def test_the_header_is_that_of_an_access_token() -> None:
    """Without overrides the header holds alg, the typ of RFC 9068, and the kid."""
    signer = Signer("ES256", kid="k1")
    assert {"alg": "ES256", "typ": "at+jwt", "kid": "k1"} == header_of(signer.sign({}))


def test_header_members_are_overridden_added_and_left_out() -> None:
    """A header override wins, also for alg; None leaves the member out."""
    token = Signer("ES256", kid="k1").sign({}, {"alg": "none", "kid": None, "crit": ["exp"]})
    assert {"alg": "none", "typ": "at+jwt", "crit": ["exp"]} == header_of(token)


def test_sign_bytes_signs_exactly_these_bytes() -> None:
    """Bytes that are no JSON are signed as they are."""
    signer = Signer("ES256")
    token = signer.sign_bytes(b'{"alg":1,"alg":2}', b"\xff")
    assert "eyJhbGciOjEsImFsZyI6Mn0._w" == token.rpartition(".")[0]
    assert verifies(signer, token, signer.public_pem)


@pytest.mark.parametrize(
    ("algorithm", "members"),
    [
        pytest.param("RS256", {"kty", "n", "e"}, id="rsa"),
        pytest.param("ES384", {"kty", "crv", "x", "y"}, id="ec"),
        pytest.param("EdDSA", {"kty", "crv", "x"}, id="okp"),
    ],
)
def test_the_public_jwk_has_public_members_only(algorithm: str, members: set[str]) -> None:
    """The JWK says what verifies and how it is used, and holds nothing that signs."""
    jwk = Signer(algorithm, kid="k1").public_jwk
    assert members | {"kid", "use", "alg"} == set(jwk)
    assert ("k1", "sig", algorithm) == (jwk["kid"], jwk["use"], jwk["alg"])


def test_the_default_kid_is_the_rfc_7638_thumbprint() -> None:
    """A pair is named by the thumbprint of its public key: the same key has the same name."""
    # The example of RFC 8037 appendix A.1 to A.3.
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    signer = Signer("EdDSA", key=ed25519.Ed25519PrivateKey.from_private_bytes(seed))
    assert "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" == signer.kid


def test_the_default_kid_of_a_secret_tells_nothing_of_it() -> None:
    """A secret is named at random, so that its name cannot be used to try secrets."""
    assert Signer("HS256", key=SECRET).kid != Signer("HS256", key=SECRET).kid


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        pytest.param("RS256", rsa.generate_private_key(public_exponent=65537, key_size=2048), id="rsa"),
        pytest.param("ES512", ec.generate_private_key(ec.SECP521R1()), id="ec"),
        pytest.param("Ed25519", ed25519.Ed25519PrivateKey.generate(), id="okp"),
    ],
)
def test_a_private_key_is_taken_as_object_and_as_pem(algorithm: str, key: ec.EllipticCurvePrivateKey) -> None:
    """A key object and its PEM are the same key."""
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    assert Signer(algorithm, key=key).public_pem == Signer(algorithm, key=pem).public_pem


@pytest.mark.parametrize("key", [SECRET, SECRET.encode()], ids=["text", "bytes"])
def test_a_secret_is_taken_as_text_and_as_bytes(key: str | bytes) -> None:
    """A secret's text counts as its UTF-8 bytes."""
    assert SECRET.encode() == Signer("HS256", key=key).secret


@pytest.mark.parametrize(
    ("algorithm", "key", "message"),
    [
        pytest.param("none", None, "unknown algorithm; choose one of RS256", id="alg-none"),
        pytest.param("ES256", ec.generate_private_key(ec.SECP384R1()), "this is no key for ES256", id="other-curve"),
        pytest.param("RS256", ec.generate_private_key(ec.SECP256R1()), "this is no key for RS256", id="other-type"),
        pytest.param("ES256", Signer("ES256").public_pem, "this is no private key for ES256", id="public-pem"),
        pytest.param("HS256", Signer("ES256").public_pem, "this is no key for HS256", id="pem-as-secret"),
        pytest.param("HS256", b"", "this is no key for HS256", id="empty-secret"),
    ],
)
def test_a_key_that_does_not_fit_is_refused(algorithm: str, key: object, message: str) -> None:
    """Nothing signs with a key of another kind; the message does not hold the key, and neither does its cause."""
    with pytest.raises(ValueError, match=message) as caught:
        Signer(algorithm, key=key)  # type: ignore[arg-type]
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_secret_has_no_public_half_and_a_pair_no_secret() -> None:
    """Asking for the half that must not be published is an error."""
    secret = Signer("HS256", key=SECRET)
    assert secret.symmetric
    with pytest.raises(ValueError, match="a secret has no public half"):
        _ = secret.public_jwk
    with pytest.raises(ValueError, match="a secret has no public half"):
        _ = secret.public_pem
    pair = Signer("ES256")
    assert not pair.symmetric
    with pytest.raises(ValueError, match="a key pair has no secret to share"):
        _ = pair.secret


def test_repr_shows_no_key() -> None:
    """Printing a signer shows its algorithm and kid."""
    assert "Signer(algorithm='HS256', kid='k1')" == repr(Signer("HS256", key=SECRET, kid="k1"))


def test_a_signer_is_what_signs_and_what_publishes() -> None:
    """A pair signs and publishes itself; a secret signs, and has nothing to publish."""
    signs: Signs = Signer("EdDSA", kid="k1")
    publishes: Publishes = Signer("EdDSA", kid="k1")
    assert ("EdDSA", "k1") == (signs.algorithm, signs.kid)
    assert ["k1"] == [key["kid"] for key in publishes.jwks()["keys"]]
    with pytest.raises(ValueError, match="a secret has no public half"):
        Signer("HS256").jwks()


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_no_verifier_could_read_is_not_signed(number: float) -> None:
    """JSON has finite numbers only."""
    with pytest.raises(ValueError, match="JSON"):
        Signer("EdDSA").sign({"limit": number})
