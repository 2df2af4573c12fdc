"""The deny-list in memory: what an entry refuses, for how long, and what is looked at again."""

from __future__ import annotations

from typing import Any

import pytest

from jwtmw.decision import Reason
from jwtmw.errors import RevocationFailed, TokenRefused
from jwtmw.revocation.entries import LONGEST_LEEWAY, Entry, key_of
from jwtmw.revocation.revocations import Revocations
from tests.revocation.callers import ISSUER, NOW, Verdict, caller


class World:
    """A list, and the clock that it reads."""

    def __init__(self, most: int = 100) -> None:
        self.now = NOW
        self.list = Revocations(lambda: self.now, most)

    def refuses(self, **claims: Any) -> bool:
        refused = None
        try:
            assert self.list.serial == self.list.check(caller(**claims))
        except TokenRefused as error:
            refused = error.reason
        assert refused in (None, Reason.TOKEN_REVOKED)
        return refused is not None


def test_nothing_is_revoked_at_first() -> None:
    """And nothing is in the list."""
    world = World()
    assert (False, 0, "Revocations(0 entries)") == (world.refuses(), len(world.list), repr(world.list))


@pytest.mark.parametrize(
    ("revoked", "refused", "passing"),
    [
        pytest.param(
            {"jti": "one"},
            [{}, {"sub": None}, {"sub": "bob"}, {"iat": None}],
            [
                {"jti": "two"},
                {"jti": None},
                {"jti": "ONE"},
                {"issuer": "https://id.example"},
                {"jti": None, "sub": "one"},
            ],
            id="a token",
        ),
        pytest.param(
            {"subject": "alice"},
            [{}, {"jti": "two"}, {"jti": None}, {"iat": NOW + 9}],
            [{"sub": "bob"}, {"sub": None}, {"issuer": "https://other.example/"}, {"sub": None, "jti": "alice"}],
            id="a subject",
        ),
        pytest.param(
            {},
            [{}, {"sub": "bob", "jti": None}, {"sub": None, "jti": None}],
            [{"issuer": "https://id.example"}, {"issuer": "https://other.example/"}],
            id="an issuer",
        ),
        pytest.param(
            {"subject": "alice", "issued_before": NOW - 50},
            [{}, {"iat": NOW - 50}, {"iat": NOW - 49.1}, {"iat": None}],
            [{"iat": NOW - 49}, {"iat": NOW}],
            id="a subject, logged out",
        ),
        pytest.param({"issued_before": NOW - 50}, [{}], [{"iat": NOW}], id="an issuer, until it was mended"),
    ],
)
def test_what_an_entry_refuses(
    revoked: dict[str, Any], refused: list[dict[str, Any]], passing: list[dict[str, Any]]
) -> None:
    """Exactly whom it names, of exactly this issuer; and taken back, nobody."""
    world = World()
    world.list.revoke(ISSUER, **revoked)
    assert [True] * len(refused) == [world.refuses(**claims) for claims in refused]
    assert [False] * len(passing) == [world.refuses(**claims) for claims in passing]
    world.list.restore(ISSUER, **{name: value for name, value in revoked.items() if name != "issued_before"})
    assert [False] * len(refused) == [world.refuses(**claims) for claims in refused]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param({}, {"issued_before": NOW - 500}, id="shut out, then logged out"),
        pytest.param({"issued_before": NOW - 500}, {}, id="logged out, then shut out"),
        pytest.param({}, {"until": NOW + 9}, id="for ever, then for a while"),
        pytest.param({"issued_before": NOW - 50}, {"issued_before": NOW - 500}, id="an earlier logout afterwards"),
        pytest.param(
            {"issued_before": NOW - 50}, {"issued_before": NOW - 50, "until": NOW + 9}, id="a logout with an end"
        ),
    ],
)
@pytest.mark.parametrize("subject", ["alice", None], ids=["a subject", "an issuer"])
def test_revoking_once_more_takes_nothing_back(
    subject: str | None, first: dict[str, Any], second: dict[str, Any]
) -> None:
    """A user who is shut out may use a logout endpoint; until `restore`, which takes back both, that helps nobody."""
    world = World()
    world.list.revoke(ISSUER, subject=subject, **first)
    world.list.revoke(ISSUER, subject=subject, **second)
    world.now += 9 + LONGEST_LEEWAY
    assert world.refuses(iat=NOW - 100)
    world.list.restore(ISSUER, subject=subject)
    assert (False, 0) == (world.refuses(iat=NOW - 100), len(world.list))


def test_a_logout_does_not_prolong_what_had_an_end() -> None:
    """Who was shut out for a while comes back after it, with a new token."""
    world = World()
    world.list.revoke(ISSUER, subject="alice", until=NOW + 9)
    world.list.revoke(ISSUER, subject="alice", issued_before=NOW)
    assert world.refuses(iat=NOW + 5)
    world.now += 9 + LONGEST_LEEWAY
    assert [True, False] == [world.refuses(iat=NOW - 5), world.refuses(iat=NOW + 5)]


def test_what_is_past_is_forgotten_without_what_another_thread_has_renewed() -> None:
    """Making room loses no revocation that comes at that very moment."""
    world = World(2)

    class RenewedMeanwhile(float):
        """The end of an entry that is revoked anew as soon as somebody has found it past."""

        def __le__(self, other: float) -> bool:
            past = float(self) <= other
            world.list._entries[key_of(ISSUER, jti="one")] = Entry(NOW + 1000)
            return past

    world.list._entries = {
        key_of(ISSUER, jti="one"): Entry(RenewedMeanwhile(NOW - 1)),
        key_of(ISSUER, jti="two"): Entry(NOW - 1),
    }
    world.list.revoke(ISSUER, jti="three")
    assert [True, False, True] == [world.refuses(jti=jti) for jti in ("one", "two", "three")]


def test_an_entry_lasts_until_its_token_cannot_be_good_any_more() -> None:
    """Leeway is at most five minutes, so the entry outlives the token by that."""
    world = World()
    world.list.revoke(ISSUER, jti="one", until=NOW + 600)
    world.now += 600 + LONGEST_LEEWAY - 0.1
    assert world.refuses()
    world.now += 0.1
    assert not world.refuses()


def test_an_entry_without_an_end_has_none() -> None:
    """What was revoked does not come back by itself."""
    world = World()
    world.list.revoke(ISSUER, jti="one")
    world.now += 10**9
    assert world.refuses()


def test_the_token_in_hand_can_be_revoked() -> None:
    """By its jti, until its exp."""
    world = World()
    world.list.revoke_token(caller())
    assert [True, False] == [world.refuses(), world.refuses(jti="two")]
    world.now += 600 + LONGEST_LEEWAY
    assert not world.refuses()


@pytest.mark.parametrize("jti", [None, 5, ["one"]], ids=repr)
def test_a_token_without_a_jti_cannot_be_named(jti: Any) -> None:
    """There is no other name for it that nobody could change: its bytes are none."""
    world = World()
    with pytest.raises(ValueError, match="no jti; revoke its subject"):
        world.list.revoke_token(caller(jti=jti))
    assert not world.refuses(jti=jti)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"jti": "a", "subject": "b"}, "not both"),
        ({"jti": ""}, "text, and not empty"),
        ({"subject": ""}, "text, and not empty"),
        ({"subject": 5}, "text, and not empty"),
        ({"jti": "a", "until": "tomorrow"}, "until is a number"),
        ({"jti": "a", "until": float("nan")}, "until is a number"),
        ({"jti": "a", "until": True}, "until is a number"),
        ({"subject": "a", "issued_before": float("inf")}, "issued_before is a number"),
    ],
    ids=range(8),
)
def test_what_names_nothing_is_an_error(names: dict[str, Any], message: str) -> None:
    """A revocation that could not work is never taken for one that does."""
    world = World()
    with pytest.raises(ValueError, match=message):
        world.list.revoke(ISSUER, **names)
    assert 0 == len(world.list)


def test_an_issuer_has_a_name() -> None:
    """An empty one is nobody's, and neither is what is no text."""
    names: list[Any] = ["", None, ["corp"]]
    for name in names:
        with pytest.raises(ValueError, match="text, and not empty"):
            World().list.revoke(name)


def test_the_list_is_bounded() -> None:
    """What is past makes room; where nothing is, whoever revokes hears of it, and nothing is forgotten for it."""
    world = World(2)
    world.list.revoke(ISSUER, jti="one", until=NOW + 10)
    world.list.revoke(ISSUER, jti="two")
    with pytest.raises(RevocationFailed, match="the list is full"):
        world.list.revoke(ISSUER, jti="three")
    world.list.revoke(ISSUER, jti="two", until=NOW + 10**6)
    assert [True, True, False] == [world.refuses(jti=jti) for jti in ("one", "two", "three")]
    world.now += 10 + LONGEST_LEEWAY
    world.list.revoke(ISSUER, jti="three")
    assert [False, True, True] == [world.refuses(jti=jti) for jti in ("one", "two", "three")]


def test_names_are_never_confused() -> None:
    """An entry's key is a digest of kind, issuer and name: no two lists of names make one."""
    lists: list[Any] = [
        ("a", "b", None),
        ("a", None, "b"),
        ("a",),
        ("ab",),
        ("a", "b,c"),
        ('a","b', "c"),
        ("a", "b\x00c"),
        ("a\x00b", "c"),
        ("a", None, ""),
    ]
    keys = {key_of(*names) for names in lists}
    assert 9 == len(keys)
    assert all(key[:4] in {"jti:", "sub:", "iss:"} and len(key) == 47 for key in keys)


# Verdicts that are remembered


def test_a_verdict_is_judged_again_when_the_list_has_changed_and_only_then() -> None:
    """While nothing changes, one comparison."""
    world = World()
    alice, bob = Verdict(caller()), Verdict(caller(sub="bob", jti="two"))
    assert [True, True] == [world.list.clears(alice), world.list.clears(bob)]
    world.list.revoke(ISSUER, subject="bob")
    assert [True, False] == [world.list.clears(alice), world.list.clears(bob)]
    assert [world.list.serial, 0] == [alice.cleared, bob.cleared]
    alice.principal = bob.principal
    assert world.list.clears(alice), "it was judged again although nothing has changed"
    world.list.restore(ISSUER, subject="bob")
    assert world.list.clears(bob)
