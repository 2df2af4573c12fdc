"""A key ring at work: what signs, what is published, and how a rotation is noticed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jwt
import pytest

from jwtmw.errors import ConfigurationError
from jwtmw.mint.keyring import KeyRing, rotate_ring
from jwtmw.mint.ringfile import FILE
from jwtmw.mint.signer import Signer
from tests.mint.rings import START, Hands, kids, published, written


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def folder(tmp_path: Path, hands: Hands) -> Path:
    KeyRing.create(tmp_path / "keys", "EdDSA", lifetime=3600, clock=hands)
    return tmp_path / "keys"


def rewritten(folder: Path, change: Any) -> None:
    document = written(folder)
    change(document)
    (folder / FILE).write_text(json.dumps(document))


def test_a_new_ring_is_a_private_folder_and_a_private_file(folder: Path) -> None:
    """What is made is made for one user."""
    assert (0o700, 0o600) == (folder.stat().st_mode & 0o777, (folder / FILE).stat().st_mode & 0o777)


def test_what_it_signs_is_verified_by_what_it_publishes(folder: Path, hands: Hands) -> None:
    """The key that signs is in the set under the token's kid, and so is the next one; nothing private is."""
    ring = hands.ring(folder)
    token = ring.sign({"sub": "alice", "exp": START + 60})
    assert ring.kid == jwt.get_unverified_header(token)["kid"] == kids(folder, "current")[0]
    assert "EdDSA" == ring.algorithm
    keys = jwt.PyJWKSet.from_dict(ring.jwks())
    assert "alice" == jwt.decode(token, keys[ring.kid], options={"verify_exp": False})["sub"]
    assert {*kids(folder, "current"), *kids(folder, "next")} == published(ring)
    assert set() == {"d", "k"} & {name for jwk in ring.jwks()["keys"] for name in jwk}


def test_a_header_is_signed_as_a_signer_does(folder: Path, hands: Hands) -> None:
    """`header` adds and overrides."""
    token = hands.ring(folder).sign({"exp": START + 60}, {"typ": "JWT"})
    assert "JWT" == jwt.get_unverified_header(token)["typ"]


@pytest.mark.parametrize(
    "claims", [{}, {"exp": None}, {"exp": "1800000060"}, {"exp": START + 3601}, {"exp": float("inf")}]
)
def test_no_token_outlives_its_key(folder: Path, hands: Hands, claims: dict[str, Any]) -> None:
    """A token without an end, or with one after the ring's lifetime, is not signed."""
    ring = hands.ring(folder)
    assert 3600 == ring.lifetime
    with pytest.raises(ValueError, match="a token of this key ring has an exp, at most 3600 s from now"):
        ring.sign(claims)
    assert ring.sign({"exp": START + 3600})


def test_a_rotation_is_followed_within_a_second(folder: Path, hands: Hands) -> None:
    """A ring that was loaded before signs with the new key once it has looked, and another thread has read."""
    ring = hands.ring(folder)
    before = ring.kid
    rotate_ring(folder, START + 600)
    assert before == ring.kid
    hands.now += 1
    assert before == ring.kid, "it is read elsewhere, and meanwhile the old key signs"
    assert 1 == hands.run()
    assert kids(folder, "current") == [ring.kid]
    assert {*kids(folder, "current"), *kids(folder, "next"), before} == published(ring)


def test_who_was_idle_reads_before_it_signs(folder: Path, hands: Hands) -> None:
    """The key that it knows may be gone since: its first token is signed by the one that signs now."""
    ring = hands.ring(folder)
    rotate_ring(folder, START + 600)
    hands.now += 86_400
    token = ring.sign({"exp": hands.now + 60})
    assert kids(folder, "current") == [jwt.get_unverified_header(token)["kid"]]
    assert 0 == hands.run()


def test_a_ring_that_stays_as_it_is_is_not_read_again(folder: Path, hands: Hands) -> None:
    """Looking costs one stat each second, and starts nothing."""
    ring = hands.ring(folder)
    for _ in range(5):
        hands.now += 1
        ring.sign({"exp": hands.now + 60})
    assert 0 == hands.run()


def test_it_looks_once_per_second_however_much_is_signed(
    folder: Path, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two looks nothing of the file system is touched."""
    ring = hands.ring(folder)
    looks: list[object] = []
    monkeypatch.setattr("jwtmw.mint.keyring.stamp_of", looks.append)
    for _ in range(100):
        hands.now += 0.0625
        ring.sign({"exp": hands.now + 60})
        hands.jobs.clear()
        ring._reader = 0
    assert 6 == len(looks)


def test_one_thread_reads_however_many_ask(folder: Path, hands: Hands) -> None:
    """While a rotation is read, nobody else starts to."""
    ring = hands.ring(folder)
    rotate_ring(folder, START + 600)
    for _ in range(3):
        hands.now += 1
        ring.jwks()
    assert 1 == hands.run()


def test_a_child_does_not_wait_for_its_parents_thread(
    folder: Path, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forked while the parent was reading, a process reads for itself."""
    ring = hands.ring(folder)
    rotate_ring(folder, START + 600)
    hands.now += 1
    ring.jwks()
    hands.jobs.clear()  # the parent's thread is not the child's
    monkeypatch.setattr(os, "getpid", lambda: -1)
    hands.now += 1
    ring.jwks()
    assert 1 == hands.run()
    assert kids(folder, "current") == [ring.kid]


def test_where_no_thread_can_be_had_the_next_look_tries_again(folder: Path, hands: Hands) -> None:
    """Meanwhile the old key signs."""
    ring = hands.ring(folder)

    def none(_: object) -> None:
        raise RuntimeError("can't start new thread")

    ring._launch = none
    rotate_ring(folder, START + 600)
    hands.now += 1
    assert kids(folder, "retired") == [ring.kid]
    ring._launch = hands.launch
    hands.now += 1
    ring.jwks()
    assert 1 == hands.run()
    assert kids(folder, "current") == [ring.kid]


def test_a_ring_that_breaks_stays_as_it_was_and_is_logged_once(
    folder: Path, hands: Hands, caplog: pytest.LogCaptureFixture
) -> None:
    """A running service goes on, says so once, and follows again when the file is mended."""
    ring = hands.ring(folder)
    before, good = ring.kid, (folder / FILE).read_bytes()
    (folder / FILE).write_bytes(b'{"secret": "CANARY"}')
    for _ in range(3):
        hands.now += 1
        assert before == ring.kid
        assert 1 == hands.run()
    assert [f"the key ring stays as it was: {folder / FILE}: is no key ring of this version. Restore it, or make"] == [
        record.getMessage().removesuffix(" another") for record in caplog.records
    ]
    (folder / FILE).write_bytes(good)
    rotate_ring(folder, START + 600)
    hands.now += 1
    ring.jwks()
    hands.run()
    assert kids(folder, "current") == [ring.kid]


def test_a_retired_key_leaves_the_set_by_itself(folder: Path, hands: Hands) -> None:
    """Its time is over without a rotation: the file still has it, the key set has not."""
    rotate_ring(folder, START + 600)
    ring = hands.ring(folder)
    [retired] = kids(folder, "retired")
    hands.now = START + 600 + 3600 + 360 - 1
    assert retired in published(ring)
    hands.now += 1
    assert retired not in published(ring)


def test_of_a_compromised_ring_nothing_that_could_sign_is_published(folder: Path, hands: Hands) -> None:
    """No new key has been published ahead; that is the price."""
    stolen = {*kids(folder, "current"), *kids(folder, "next")}
    rotate_ring(folder, START + 1, compromised=True)
    assert set() == stolen & published(hands.ring(folder))


BROKEN = {
    "no-current": lambda ring: ring["keys"][0].update(state="next"),
    "no-next": lambda ring: ring["keys"].pop(1),
    "kid-twice": lambda ring: ring["keys"][1].update(kid=ring["keys"][0]["kid"]),
    "no-private-key": lambda ring: ring["keys"][0].update(private_key=None),
    "another-algorithm": lambda ring: ring["keys"][0].update(algorithm="RS256"),
    "a-public-key": lambda ring: ring["keys"][0].update(private_key=Signer("EdDSA").public_pem),
    "a-secret": lambda ring: ring["keys"][0].update(algorithm="HS256", private_key="x" * 40),
    "retired-without-jwk": lambda ring: ring["keys"][2].update(jwk=None),
    "retired-under-another-name": lambda ring: ring["keys"][2]["jwk"].update(kid="other"),
    "retired-with-a-private-member": lambda ring: ring["keys"][2]["jwk"].update(d="CANARY"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_ring_with_a_broken_key_is_refused(folder: Path, hands: Hands, name: str) -> None:
    """Every key in the file is what it should be, else none is used; the error holds nothing of them."""
    rotate_ring(folder, START + 600)
    rewritten(folder, BROKEN[name])
    with pytest.raises(ConfigurationError) as caught:
        KeyRing.load(folder, clock=hands)
    assert f"{folder / FILE}: a key in it is broken, or one is missing. Restore the file" == str(caught.value)
    assert caught.value.__context__ is None
    with pytest.raises(ConfigurationError, match="is broken"):
        rotate_ring(folder, START + 9000)


def test_a_ring_is_not_made_over_another(folder: Path, hands: Hands) -> None:
    """What signs tokens is never lost by a command that was given twice."""
    before = written(folder)
    with pytest.raises(ConfigurationError, match=r"is there already. Rotate it: jwtmw keys rotate, or choose another"):
        KeyRing.create(folder, clock=hands)
    assert before == written(folder)


def test_a_folder_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    """By the system's own word."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be made: Not a directory"):
        KeyRing.create(tmp_path / "file" / "keys")


def test_its_repr_shows_no_key(folder: Path, hands: Hands) -> None:
    """A folder and a kid."""
    assert f"KeyRing({str(folder)!r}, kid={kids(folder, 'current')[0]!r})" == repr(hands.ring(folder))
