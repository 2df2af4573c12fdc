"""What a prepared key verifies, and which keys of a set a token may try."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from hashlib import sha256

import pytest
from jwt.algorithms import HMACAlgorithm, get_default_algorithms

from jwtmw.issuers.importer import import_jwk_set, secret_key
from jwtmw.issuers.keys import ASYMMETRIC, SECRET_LENGTHS, SYMMETRIC, KeySet, public_key, shared_key
from tests.issuers.material import KINDS, SECRET, key, private_key, sign

MESSAGE = b"header.payload"
EVERY = [("rsa", alg) for alg in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")]
EVERY += [("P-256", "ES256"), ("P-384", "ES384"), ("P-521", "ES512"), ("ed25519", "EdDSA"), ("ed25519", "Ed25519")]


@pytest.mark.parametrize(("kind", "alg"), EVERY, ids=[alg for _, alg in EVERY])
def test_a_key_verifies_its_own_signature_and_no_other(kind, alg):
    """A key verifies what it signed by each of its algorithms, and neither another message nor another key's."""
    signature = sign(kind, MESSAGE, alg)
    verifying = key(kind)
    assert verifying.verify(alg, MESSAGE, signature)
    assert not verifying.verify(alg, MESSAGE + b"!", signature)
    assert not key(kind, 1).verify(alg, MESSAGE, signature)


@pytest.mark.parametrize("alg", sorted(SYMMETRIC))
def test_a_secret_verifies_by_hmac(alg):
    """A secret verifies its HMAC and no other message's."""
    signature = get_default_algorithms()[alg].sign(MESSAGE, SECRET)
    verifying = secret_key(SECRET, [alg])
    assert verifying.verify(alg, MESSAGE, signature)
    assert not verifying.verify(alg, MESSAGE + b"!", signature)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 96, 132, 255, 256, 257, 5000])
@pytest.mark.parametrize("octet", [b"\x00", b"\xff"], ids=["zeros", "ones"])
def test_a_signature_of_any_length_is_merely_wrong(kind, length, octet):
    """Signatures of any length and extreme numbers are refused without an exception."""
    verifying = key(kind)
    assert [False] * len(verifying.algorithms) == [
        verifying.verify(alg, MESSAGE, octet * length) for alg in sorted(verifying.algorithms)
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_does_no_algorithm_of_another_kind(kind):
    """An algorithm that the key does not do is False, whatever the signature: the key decides, not the token."""
    verifying = key(kind)
    foreign = (ASYMMETRIC | SYMMETRIC | {"none", "None", "ES256K", ""}) - verifying.algorithms
    assert [] == [alg for alg in sorted(foreign) if verifying.verify(alg, MESSAGE, sign(kind, MESSAGE))]


def test_the_thumbprint_is_that_of_rfc_7638():
    """The example of RFC 7638 section 3.1 has the thumbprint that is printed there."""
    example = {
        "kty": "RSA",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiF"
        "V4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0"
        "zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFC"
        "ur-kEgU8awapJzKnqDKgw",
        "e": "AQAB",
        "alg": "RS256",
        "kid": "2011-04-29",
    }
    (imported,) = import_jwk_set({"keys": [example]}).keys.keys
    assert urlsafe_b64decode("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs=") == imported.thumbprint


@pytest.mark.parametrize("kind", KINDS)
def test_the_thumbprint_depends_on_the_required_members_alone(kind):
    """kid, use and alg do not change a thumbprint; another key does."""
    plain = key(kind)
    assert plain.thumbprint == key(kind, kid="a", use="sig", alg=KINDS[kind]).thumbprint
    assert plain.thumbprint != key(kind, 1).thumbprint


def test_a_secret_is_not_shown():
    """repr of a key or a set names kid and kty only."""
    secret = shared_key(SECRET, "s1", frozenset({"HS256"}))
    assert "KeySet([Key(kid='s1', kty='oct')])" == repr(KeySet([secret]))
    assert sha256(json.dumps(HMACAlgorithm.to_jwk(SECRET, as_dict=True), separators=(",", ":")).encode()).digest() == (
        secret.thumbprint
    )


def test_secret_lengths_are_those_of_the_hashes():
    """RFC 7518 section 3.2: a secret is at least as long as its hash."""
    assert {"HS256": 256, "HS384": 384, "HS512": 512} == {name: 8 * length for name, length in SECRET_LENGTHS.items()}


FIRST, SECOND = key("rsa", kid="a"), key("P-256", kid="b")
NAMELESS = key("ed25519")
SHARED_KID = key("P-384", kid="a")
SET = KeySet([FIRST, SECOND, NAMELESS, SHARED_KID])

SELECTED = {
    "kid selects": ("a", "RS256", (FIRST,)),
    "kid selects for another algorithm of the key": ("a", "PS512", (FIRST,)),
    "one kid, two kinds: the algorithm decides": ("a", "ES384", (SHARED_KID,)),
    "kid of a key that does not fit": ("b", "RS256", ()),
    "unknown kid": ("c", "RS256", ()),
    "unknown kid is not served by a key without one": ("c", "EdDSA", ()),
    "no kid, one fits": (None, "EdDSA", (NAMELESS,)),
    "no kid: keys with a kid count too": (None, "ES256", (SECOND,)),
    "no kid, none fits": (None, "ES512", ()),
    "an algorithm that nobody knows": (None, "none", ()),
}


@pytest.mark.parametrize(("kid", "alg", "expected"), SELECTED.values(), ids=SELECTED)
def test_selection(kid, alg, expected):
    """A kid names its keys and no others; without one the keys that fit the algorithm are tried."""
    assert expected == SET.select(kid, alg)


@pytest.mark.parametrize(("count", "expected"), [(4, 4), (5, 0)])
def test_without_a_kid_at_most_four_keys_are_tried(count, expected):
    """Five keys that fit are too many to guess among."""
    keys = KeySet(key("P-256", number, kid=str(number)) for number in range(count))
    assert expected == len(keys.select(None, "ES256"))


def test_a_lone_key_of_a_configured_set_serves_any_kid():
    """With `lone` a set of one key ignores kid, a set of two does not; the algorithm must fit all the same."""
    one = KeySet([FIRST])
    assert (FIRST,) == one.select("whatever", "RS256", lone=True)
    assert () == one.select("whatever", "ES256", lone=True)
    assert () == one.select("whatever", "RS256")
    assert () == SET.select("whatever", "RS256", lone=True)


def test_a_set_knows_its_kids_and_keys():
    """`knows` is about kids, `contains` about the very key under the very kid for the very algorithms."""
    assert [True, False, False] == [SET.knows(kid) for kid in ("a", "c", None)]
    candidates = [
        key("rsa", kid="a"),
        key("rsa", 1, kid="a"),
        key("rsa", kid="other"),
        key("rsa", kid="a", alg="RS256"),
    ]
    assert [True, False, False, False] == [SET.contains(candidate) for candidate in candidates]


def test_sets_are_the_same_in_any_order():
    """Two sets of the same keys are the same whatever their order; one key less is another set."""
    turned = KeySet(reversed(SET.keys))
    assert SET.same_as(turned)
    assert not SET.same_as(KeySet(SET.keys[1:]))
    assert 4 == len(turned)


def test_a_key_of_another_curve_has_no_algorithm():
    """secp256k1 and its like are no JWT keys here."""
    from cryptography.hazmat.primitives.asymmetric import ec

    from jwtmw.issuers.keys import algorithms_of

    assert frozenset() == algorithms_of(ec.generate_private_key(ec.SECP256K1()).public_key())
    assert frozenset({"ES256"}) == public_key(private_key("P-256").public_key(), None, frozenset({"ES256"})).algorithms
