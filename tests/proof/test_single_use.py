"""Used tokens in the memory of one process: once, until they have expired, and never more than it may keep."""

from __future__ import annotations

import logging
import threading

import pytest

from jwtmw.errors import ReplaysUnavailable
from jwtmw.proof.single_use import LONGEST_RETRY_AFTER, UsedHere, key_of
from jwtmw.testing import Clock

NOW = 1_800_000_000.0


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


def test_a_token_counts_once(clock: Clock) -> None:
    """The second use is a replay, and so is each one behind it."""
    used = UsedHere(clock, 10)
    assert [True, False, False] == [used.spend("a", NOW + 60) for _ in range(3)]
    assert used.spend("b", NOW + 60)


def test_it_is_remembered_until_it_has_expired(clock: Clock) -> None:
    """Up to the last instant at which the token counts; then nothing of it is kept."""
    used = UsedHere(clock, 10)
    used.spend("a", NOW + 60)
    clock.advance(59.9)
    assert not used.spend("a", NOW + 60)
    clock.advance(0.1)
    used.spend("b", NOW + 120)
    assert 1 == len(used)


@pytest.mark.parametrize("seconds", [-3600.0, 3600.0], ids=["back", "forward"])
def test_a_clock_that_is_set_makes_no_token_count_twice(clock: Clock, seconds: float) -> None:
    """Neither is a token forgotten by a clock that runs ahead, nor by time that passes while the clock is behind."""
    used = UsedHere(clock, 10)
    used.spend("a", NOW + 60)
    clock.set_time(NOW + seconds)
    assert not used.spend("a", NOW + 60)
    clock.advance(61)
    clock.set_time(NOW + 59)
    assert not used.spend("a", NOW + 60)
    clock.advance(1)
    used.spend("b", NOW + 120)
    assert 1 == len(used)


def test_a_full_memory_forgets_no_token_that_counts(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """New ones are refused for now, used ones are still known, and the operator is told once."""
    used = UsedHere(clock, 2)
    assert [True, True] == [used.spend(key, NOW + 40) for key in "ab"]
    for _ in range(2):
        with pytest.raises(ReplaysUnavailable) as caught:
            used.spend("c", NOW + 40)
        assert 40 == caught.value.retry_after
    assert [False, False] == [used.spend(key, NOW + 40) for key in "ab"]
    assert 2 == len(used)
    assert ["no more single-use tokens can be remembered: shorten their lives, or raise max_entries"] == [
        record.getMessage() for record in caplog.records if record.levelno == logging.ERROR
    ]


def test_a_full_memory_has_room_again(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """As soon as one has expired; being full a second time is told again."""
    used = UsedHere(clock, 1)
    for number in range(2):
        assert used.spend(f"a{number}", clock.time() + 60)
        with pytest.raises(ReplaysUnavailable):
            used.spend("c", clock.time() + 60)
        clock.advance(60)
    assert 2 == len(caplog.records)


@pytest.mark.parametrize(("lives", "retry_after"), [(0.5, 1.0), (3600.0, LONGEST_RETRY_AFTER)])
def test_how_long_to_wait_for_room(clock: Clock, lives: float, retry_after: float) -> None:
    """Until the next one expires, within bounds."""
    used = UsedHere(clock, 1)
    used.spend("a", NOW + lives)
    with pytest.raises(ReplaysUnavailable) as caught:
        used.spend("b", NOW + 60)
    assert retry_after == caught.value.retry_after


def test_forgetting_takes_no_longer_than_a_request_can_wait(clock: Clock) -> None:
    """Thousands that have expired are forgotten a few at a time, and faster than new ones come."""
    used = UsedHere(clock, 10_000)
    for number in range(5000):
        used.spend(f"a{number}", NOW + 10)
    clock.advance(10)
    used.spend("b", NOW + 60)
    assert 4900 < len(used) < 5000
    for number in range(100):
        used.spend(f"c{number}", NOW + 60)
    assert 101 == len(used)


def test_of_many_threads_one_is_the_first(clock: Clock) -> None:
    """However many use a token at once; also while others expire and are forgotten."""
    used = UsedHere(clock, 100_000)
    rounds, threads = 300, 8
    first: list[int] = []
    together = threading.Barrier(threads)

    def use() -> None:
        for number in range(rounds):
            together.wait(30)
            if used.spend(f"token {number}", clock.time() + 2):
                first.append(number)
                clock.advance(1)

    running = [threading.Thread(target=use) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    assert list(range(rounds)) == sorted(first)


def test_what_another_thread_has_forgotten_is_not_missed(clock: Clock) -> None:
    """Between a look at the heap and taking from it, another thread may take the one that was seen."""
    used = UsedHere(clock, 10)
    for key, lives in (("a", 1), ("b", 60)):
        used.spend(key, NOW + lives)

    class Stolen(list[tuple[float, str, float]]):
        """Shows an end that is not there any more."""

        def __getitem__(self, index: object) -> tuple[float, str, float]:  # type: ignore[override]
            return (clock.monotonic() - 1, "a", NOW + 1)

    clock.advance(2)
    used.spend("c", NOW + 60)
    used._ends = Stolen(used._ends)
    assert not used.spend("b", NOW + 60)
    assert {"b", "c"} == {key for _, key, _ in list.__iter__(used._ends)}


def test_who_comes_second_in_the_same_moment_is_a_replay(clock: Clock) -> None:
    """Between a look at the dict and putting into it, another thread may have been faster."""

    class Late(dict[str, object]):
        """Has not seen what stands in it."""

        def __contains__(self, key: object) -> bool:
            return False

    used = UsedHere(clock, 10)
    assert used.spend("a", NOW + 60)
    used._used = Late(used._used)
    assert not used.spend("a", NOW + 60)
    assert 1 == len(used._ends)


def test_a_key_tells_signers_apart() -> None:
    """A jti is unique to its issuer, and among consumers to the key that signed it; no two lists are spelt alike."""
    keys = [
        *(key_of("a", "", "1"), key_of("b", "", "1"), key_of("a", "", "2")),
        *(key_of("a", "1", ""), key_of("a", "c", "1"), key_of('a","', "", "1"), key_of("a", "", "\ud800")),
    ]
    assert len(keys) == len(set(keys))


def test_a_key_has_one_size_and_shows_nothing() -> None:
    """However long the jti is, and whatever stands in it."""
    assert {43} == {len(key_of("https://id.example/", "", jti)) for jti in ("a", "canary" * 2000)}
    assert "canary" not in key_of("canary", "canary", "canary")


def test_its_repr_shows_numbers_only(clock: Clock) -> None:
    """No key of a token stands in a traceback."""
    used = UsedHere(clock, 10)
    used.spend("canary", NOW + 60)
    assert "UsedHere(1 entries)" == repr(used)
