"""How keys follow each other: what signs, what is published, and until when."""

from __future__ import annotations

import pytest

from jwtmw.errors import ConfigurationError
from jwtmw.mint.ringfile import Entry, Ring
from jwtmw.mint.rotation import LAG, LEEWAY, first_ring, published_until, replaced, rotated

NOW = 1_800_000_000.5
RING = first_ring("EdDSA", ahead=600, lifetime=3600, now=NOW)


def of(ring: Ring, state: str) -> list[Entry]:
    return [entry for entry in ring.keys if entry.state == state]


def kids(ring: Ring, state: str) -> list[str]:
    return [entry.kid for entry in of(ring, state)]


def test_a_first_ring_signs_and_has_published_what_signs_next() -> None:
    """There is one key that signs and one that will, both with their private halves."""
    assert ["current", "next"] == [entry.state for entry in RING.keys]
    assert 2 == len({entry.kid for entry in RING.keys})
    assert all(entry.private_key and entry.jwk is None for entry in RING.keys)


def test_a_rotation_moves_each_key_on_by_one_state() -> None:
    """The next key signs, the one that signed is retired, and a fresh one is next, of the same algorithm."""
    after = rotated(RING, NOW + 600)
    assert kids(RING, "next") == kids(after, "current")
    assert kids(RING, "current") == kids(after, "retired")
    assert set() == set(kids(after, "next")) & {entry.kid for entry in RING.keys}
    assert {"EdDSA"} == {entry.algorithm for entry in after.keys}
    assert [int(NOW) + 600] * 3 == [entry.since for entry in after.keys]


def test_the_private_half_of_a_retired_key_is_destroyed() -> None:
    """What does not sign any more is kept as its public half alone."""
    [retired] = of(rotated(RING, NOW + 600), "retired")
    assert retired.private_key is None
    assert retired.jwk is not None
    assert {"kty", "crv", "x", "kid", "use", "alg"} == set(retired.jwk)


def test_a_key_does_not_sign_before_verifiers_can_have_it() -> None:
    """Within `ahead` a rotation is refused, and the error says how long to wait; in a hurry it is not."""
    with pytest.raises(ConfigurationError, match=r"verifiers may not have it. Wait 2 s more, or lose requests by"):
        rotated(RING, NOW + 598)
    assert kids(RING, "next") == kids(rotated(RING, NOW + 598, hurry=True), "current")


def test_a_retired_key_is_published_until_its_last_token_has_expired_everywhere() -> None:
    """A token's longest life, the largest leeway and a minute after its retirement a rotation leaves the key out."""
    first = rotated(RING, NOW + 600)
    [retired] = of(first, "retired")
    until = int(NOW) + 600 + 3600 + LEEWAY + LAG
    assert until == published_until(first, retired)
    assert retired.kid in kids(rotated(first, until - 1), "retired")
    assert retired.kid not in {entry.kid for entry in rotated(first, until).keys}


def test_the_algorithm_changes_by_the_key_that_is_next() -> None:
    """A new algorithm is published ahead like any new key, and signs one rotation later."""
    first = rotated(RING, NOW + 600, "ES384")
    assert ["EdDSA", "ES384"] == [entry.algorithm for entry in (*of(first, "current"), *of(first, "next"))]
    second = rotated(first, NOW + 1200)
    assert ["ES384", "ES384"] == [entry.algorithm for entry in (*of(second, "current"), *of(second, "next"))]


def test_of_a_ring_that_was_read_no_private_key_stays() -> None:
    """Both keys that could sign are gone at once, and are not even published; retired ones stay."""
    first = rotated(RING, NOW + 600)
    after = replaced(first, NOW + 601)
    assert kids(first, "retired") == kids(after, "retired")
    stolen = {entry.kid for entry in first.keys if entry.private_key}
    assert set() == stolen & {entry.kid for entry in after.keys}
    assert ["RS256", "RS256"] == [entry.algorithm for entry in replaced(RING, NOW, "RS256").keys]


@pytest.mark.parametrize("algorithm", ["none", "HS256", ""])
def test_an_algorithm_without_a_key_pair_is_refused(algorithm: str) -> None:
    """A secret cannot be published; the error names what can."""
    with pytest.raises(ConfigurationError, match=r"algorithm: is none with a key pair. Choose one of RS256"):
        first_ring(algorithm, 600, 3600, NOW)


@pytest.mark.parametrize(("ahead", "lifetime", "key"), [(0, 3600, "ahead"), (600, 0, "lifetime"), (600, 10**9, "li")])
def test_durations_are_within_reason(ahead: int, lifetime: int, key: str) -> None:
    """None is zero, none is longer than ten years."""
    with pytest.raises(ConfigurationError, match=f"{key}.*is out of range"):
        first_ring("EdDSA", ahead, lifetime, NOW)


def test_no_private_key_is_shown() -> None:
    """The repr of a ring has names and states."""
    assert "PRIVATE" not in repr(RING)
    assert f"Entry(kid='{RING.keys[0].kid}', algorithm='EdDSA', state='current', since={int(NOW)})" in repr(RING)
