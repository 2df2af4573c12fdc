"""Consumers, those of a configuration, and the keys that nobody has."""

from __future__ import annotations

import pytest

from jwtmw import Consumer
from jwtmw.decision import Reason
from jwtmw.errors import KeyRefused, TokenRefused
from jwtmw.issuers.consumers import NOBODY, ConfiguredConsumers
from jwtmw.issuers.decoys import decoy
from jwtmw.issuers.keys import ASYMMETRIC, SYMMETRIC
from tests.issuers.material import pem, sign

SECRET = "correct horse battery staple, and more"


def test_a_consumer_with_a_secret_has_one_algorithm() -> None:
    """Text counts as UTF-8, and the algorithm is HS256 unless told."""
    texts = [Consumer.with_secret("shop", "k", secret).credential for secret in (SECRET, SECRET.encode())]
    first, second = (key for key in texts if key is not None)
    assert (frozenset({"HS256"}), "oct") == (first.algorithms, first.kty)
    assert first.thumbprint == second.thumbprint
    longer = Consumer.with_secret("shop", "k", SECRET * 2, "HS512", custom_id="7", expires_in=60)
    assert longer.credential is not None
    assert (frozenset({"HS512"}), "7", 60.0) == (longer.credential.algorithms, longer.custom_id, longer.expires_in)


@pytest.mark.parametrize(
    ("kind", "algorithm", "algorithms"),
    [
        ("P-256", None, {"ES256"}),
        ("rsa", "PS384", {"PS384"}),
        ("rsa", None, {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
        ("ed25519", "EdDSA", {"EdDSA", "Ed25519"}),
        ("ed25519", "Ed25519", {"EdDSA", "Ed25519"}),
    ],
)
def test_a_consumer_with_a_public_key_may_be_narrowed(kind: str, algorithm: str | None, algorithms: set[str]) -> None:
    """All algorithms that the key fits count, or the one that is named."""
    consumer = Consumer.with_public_key("shop", "k", pem(kind), algorithm, custom_id="7", expires_in=60)
    assert consumer.credential is not None
    assert (frozenset(algorithms), "7", 60.0) == (
        consumer.credential.algorithms,
        consumer.custom_id,
        consumer.expires_in,
    )


@pytest.mark.parametrize(
    ("secret", "algorithm", "problem"),
    [
        ("short", "HS256", "32 bytes are needed"),
        (SECRET, "HS512", "64 bytes are needed"),
        (SECRET, "RS256", "HS256, HS384 and HS512 only"),
        ("", "HS256", "empty"),
        (pem("rsa"), "HS256", "PEM"),
    ],
)
def test_a_secret_that_is_none_makes_no_consumer(secret: str, algorithm: str, problem: str) -> None:
    """As for an issuer: too short, for another algorithm, or a key of another kind."""
    with pytest.raises(KeyRefused, match=problem):
        Consumer.with_secret("shop", "k", secret, algorithm)


def test_a_short_secret_may_be_allowed() -> None:
    """Whoever must take old consumers says so."""
    assert Consumer.with_secret("shop", "k", "short", allow_short_secret=True).credential is not None


def test_a_public_key_that_is_none_makes_no_consumer() -> None:
    """No PEM, or one for another algorithm."""
    with pytest.raises(KeyRefused, match="not exactly one PEM"):
        Consumer.with_public_key("shop", "k", "abc")
    with pytest.raises(KeyRefused, match="alg is not one that this key can do"):
        Consumer.with_public_key("shop", "k", pem("P-256"), "RS256")


def test_a_consumer_shows_its_name_only() -> None:
    """Whatever prints one prints no key."""
    consumer = Consumer.with_secret("shop", "the-key", SECRET)
    assert ["Consumer(name='shop')"] * 3 == [repr(consumer), str(consumer), f"{consumer}"]


def test_configured_consumers_are_found_by_their_key() -> None:
    """Exactly, at once and for ever; the anonymous one by nothing. The issuer itself has no key."""
    shop = Consumer.with_secret("shop", "the-key", SECRET)
    consumers = ConfiguredConsumers([shop, Consumer("guest")])
    assert shop is consumers.find("the-key").consumer
    assert [NOBODY] * 4 == [consumers.find(text) for text in ("The-key", "the-key ", "", "guest")]
    assert consumers.trusts(decoy("HS256"), 0)
    with pytest.raises(TokenRefused) as caught:
        consumers.look_up(None, "HS256")
    assert Reason.KEY_UNKNOWN is caught.value.reason


@pytest.mark.parametrize("algorithm", sorted(ASYMMETRIC | SYMMETRIC))
def test_there_is_a_decoy_for_every_algorithm(algorithm: str) -> None:
    """It can be asked, and is the same each time, so that asking it again costs no key."""
    key = decoy(algorithm)
    assert algorithm in key.algorithms
    assert decoy(algorithm) is key
    assert not key.verify(algorithm, b"message", bytes(64))


@pytest.mark.parametrize(("kind", "algorithm"), [("rsa", "RS256"), ("P-256", "ES256"), ("ed25519", "EdDSA")])
def test_a_decoy_is_nobodys(kind: str, algorithm: str) -> None:
    """A good signature by any key that there is is none by the decoy."""
    assert not decoy(algorithm).verify(algorithm, b"message", sign(kind, b"message", algorithm))
