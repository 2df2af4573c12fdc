"""A list that a fleet shares: when the store is looked at, who waits, how old a copy may be; on a clock of the test."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable
from math import inf
from typing import Any
from weakref import ref

import pytest

from jwtmw.decision import Reason
from jwtmw.errors import RevocationFailed, RevocationsUnavailable, TokenRefused
from jwtmw.issuers.source import Flight
from jwtmw.revocation.entries import Entry, key_of
from jwtmw.revocation.shared import Cursor, Look, SharedRevocations, Terms
from tests.revocation.callers import ISSUER, NOW, Verdict, caller

JTI = key_of(ISSUER, jti="one")
FOR_EVER = Entry(inf, inf)


class Shop:
    """A store in memory, with faults on request."""

    def __init__(self) -> None:
        self.memory = "first"
        self.log: list[tuple[str, Entry | None]] = []
        self.looks: list[Cursor | None] = []
        self.fault: Exception | None = None

    def look(self, since: Cursor | None) -> Look:
        self.looks.append(since)
        if self.fault is not None:
            raise self.fault
        begin = since.position if since is not None and since.memory == self.memory else 0
        return Look(Cursor(self.memory, len(self.log)), dict(self.log[begin:]))

    def keep(self, key: str, entry: Entry | None, now: float, most: int) -> None:
        del now, most
        if self.fault is not None:
            raise self.fault
        self.log.append((key, entry))


class World:
    """A process with a copy: threads run and time passes when the test says so."""

    def __init__(self, shop: Shop | None = None, terms: Terms = Terms(), most: int = 100, threads: int = 100) -> None:  # noqa: B008
        self.now = 1000.0
        self.shop = shop or Shop()
        self.threads: list[Callable[[], None]] = []
        self.limit = threads
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self.list = SharedRevocations(
            self.shop,
            terms,
            clock=lambda: NOW,
            max_entries=most,
            monotonic=lambda: self.now,
            launch=self.launch,
            later=lambda delay, job: self.timers.append((self.now + delay, job)),
        )

    def launch(self, job: Callable[[], None]) -> None:
        if len(self.threads) >= self.limit:
            raise RuntimeError("can't start new thread")
        self.threads.append(job)

    def land(self) -> None:
        threads, self.threads = self.threads, []
        for thread in threads:
            thread()

    def passes(self, seconds: float) -> None:
        """Time passes, and timers ring in it."""
        until = self.now + seconds
        while due := [timer for timer in self.timers if timer[0] <= until]:
            timer = min(due, key=lambda each: each[0])
            self.timers.remove(timer)
            self.now = max(self.now, timer[0])
            timer[1]()
            self.land()
        self.now = until

    def ask(self, **claims: Any) -> str:
        """What a request with a token never seen is told."""
        try:
            found = self.list.check(caller(**claims))
            if isinstance(found, Flight):
                self.land()
                found = self.list.check(caller(**claims), found)
        except TokenRefused as error:
            return error.reason.value
        except RevocationsUnavailable as error:
            return f"503 {error.retry_after:g}"
        assert found == self.list.serial
        return "passes"


REVOKED = Reason.TOKEN_REVOKED.value


def test_nothing_happens_before_the_first_token() -> None:
    """No thread, no timer, no look."""
    world = World()
    assert ([], [], []) == (world.threads, world.timers, world.shop.looks)


def test_the_first_token_waits_for_the_list() -> None:
    """And is judged by it."""
    world = World()
    world.shop.log.append((JTI, FOR_EVER))
    assert [REVOKED, "passes"] == [world.ask(), world.ask(jti="two")]
    assert [None] == world.shop.looks


def test_many_wait_for_one_look() -> None:
    """However many tokens come first."""
    world = World()
    flights = {id(world.list.check(caller())) for _ in range(20)}
    world.land()
    assert (1, 1) == (len(flights), len(world.shop.looks))


def test_what_is_revoked_elsewhere_is_refused_after_one_refresh() -> None:
    """Without a request in between, and for tokens that were judged before."""
    world = World()
    assert "passes" == world.ask()
    verdict = Verdict(caller(), world.list.serial)
    world.shop.log.append((JTI, FOR_EVER))
    assert world.list.clears(verdict)
    world.passes(2)
    assert [False, REVOKED] == [world.list.clears(verdict), world.ask()]
    assert [None, Cursor("first", 0)] == world.shop.looks


def test_a_look_that_brings_nothing_costs_the_verdicts_nothing() -> None:
    """They are not judged again."""
    world = World()
    world.ask()
    serial = world.list.serial
    world.passes(60)
    assert (serial, 31) == (world.list.serial, len(world.shop.looks))


def test_what_is_allowed_again_elsewhere_passes_after_one_refresh() -> None:
    """The change travels like any other."""
    world = World()
    world.shop.log.append((JTI, FOR_EVER))
    assert REVOKED == world.ask()
    world.shop.log.append((JTI, None))
    world.passes(2)
    assert "passes" == world.ask()


def test_what_is_revoked_here_is_refused_here_at_once() -> None:
    """And stands in the store for the others."""
    world = World()
    assert "passes" == world.ask()
    world.list.revoke(ISSUER, jti="one", until=NOW + 10)
    assert REVOKED == world.ask()
    assert [(JTI, Entry(NOW + 310, inf))] == world.shop.log
    world.list.restore(ISSUER, jti="one")
    assert "passes" == world.ask()


def test_what_the_store_does_not_take_is_not_revoked() -> None:
    """Whoever revokes hears of it, rather than believing that the fleet knows."""
    world = World()
    world.ask()
    world.shop.fault = RevocationFailed("down")
    with pytest.raises(RevocationFailed):
        world.list.revoke(ISSUER, jti="one")
    assert "passes" == world.ask()


# Outages


def test_an_outage_is_bridged_by_the_copy_and_then_nobody_passes(caplog: pytest.LogCaptureFixture) -> None:
    """Up to max_stale, counted from the last look that succeeded; then 503, and never 401."""
    world = World()
    world.shop.log.append((JTI, FOR_EVER))
    assert "passes" == world.ask(jti="two")
    verdict = Verdict(caller(jti="two"), world.list.serial)
    world.shop.fault = RevocationFailed("the store does not answer: ConnectionError")
    world.passes(29.9)
    assert ["passes", REVOKED, True] == [world.ask(jti="two"), world.ask(), world.list.clears(verdict)]
    world.passes(0.1)
    assert ["503 2", "503 2", False] == [world.ask(jti="two"), world.ask(), world.list.clears(verdict)]
    assert {"revocations cannot be read: the store does not answer: ConnectionError"} == set(caplog.messages)


def test_after_an_outage_everything_is_read_again(caplog: pytest.LogCaptureFixture) -> None:
    """What was allowed again meanwhile may not be told any more."""
    world = World()
    world.shop.log.append((JTI, FOR_EVER))
    assert REVOKED == world.ask()
    world.shop.fault = RevocationFailed("down")
    world.passes(40)
    world.shop.log.clear()
    world.shop.fault = None
    with caplog.at_level(logging.INFO, logger="jwtmw.revocation"):
        world.passes(2)
    assert "passes" == world.ask()
    assert [None, "revocations are read again"] == [world.shop.looks[-1], caplog.messages[-1]]


def test_a_store_that_is_down_is_not_asked_by_every_request() -> None:
    """Once in each refresh, whoever asks."""
    world = World()
    world.shop.fault = RevocationFailed("down")
    assert ["503 2"] * 50 == [world.ask() for _ in range(50)]
    assert 1 == len(world.shop.looks)
    world.now += 2
    assert ["503 2"] * 50 == [world.ask() for _ in range(50)]
    assert 2 == len(world.shop.looks)


def test_who_may_fail_open_does() -> None:
    """With `fail_open` the copy is believed however old it is, and without one nothing is revoked."""
    world = World(terms=Terms(fail_open=True))
    world.shop.fault = RevocationFailed("down")
    assert "passes" == world.ask()
    world.shop.fault = None
    world.shop.log.append((JTI, FOR_EVER))
    world.passes(2)
    world.shop.fault = RevocationFailed("down")
    world.passes(1000)
    assert [REVOKED, "passes"] == [world.ask(), world.ask(jti="two")]


def test_a_look_that_never_ends_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    """After its timeout another is begun, and should the first land later, it is not heard."""
    world = World()
    world.ask()
    world.timers.clear()
    world.now += 20
    verdict = Verdict(caller(), world.list.serial)
    assert world.list.clears(verdict)
    (late,) = world.threads
    world.threads.clear()
    world.now += 5
    assert world.list.clears(verdict)
    assert ["revocations cannot be read: timed out"] == caplog.messages
    world.now += 2
    world.shop.log.append((JTI, FOR_EVER))
    world.ask()
    world.land()
    world.shop.log.clear()
    late()
    assert REVOKED == world.ask()


def test_a_look_that_fails_too_late_is_not_heard(caplog: pytest.LogCaptureFixture) -> None:
    """It was given up already, and what came after it holds."""
    world = World()
    world.list.check(caller())
    (late,) = world.threads
    world.threads.clear()
    world.now += 5
    assert "503 2" == world.ask()
    world.now += 2
    assert "passes" == world.ask()
    world.shop.fault = RevocationFailed("down")
    late()
    assert ("passes", ["revocations cannot be read: timed out"]) == (world.ask(), caplog.messages)


def test_a_waiter_does_not_wait_twice() -> None:
    """Behind the deadline it is told to come back."""
    world = World()
    flight = world.list.check(caller())
    assert isinstance(flight, Flight)
    world.now += 5
    with pytest.raises(RevocationsUnavailable):
        world.list.check(caller(), flight)


def test_an_unforeseen_failure_is_one_too(caplog: pytest.LogCaptureFixture) -> None:
    """By its type alone."""
    world = World()
    world.shop.fault = LookupError("canary")
    assert "503 2" == world.ask()
    assert ["revocations cannot be read: unexpected LookupError"] == caplog.messages


def test_no_thread_to_be_had_is_one_too() -> None:
    """Nobody waits for a look that nobody takes."""
    world = World(threads=0)
    assert "503 2" == world.ask()
    world.limit = 1
    world.passes(2)
    assert "passes" == world.ask()


@pytest.mark.parametrize(("most", "told"), [(3, "passes"), (2, "503 2")])
def test_a_store_with_too_many_entries_is_not_believed(most: int, told: str) -> None:
    """Half of a list would let in the other half."""
    world = World(most=most)
    world.shop.log += [(key_of(ISSUER, jti=f"{number}"), FOR_EVER) for number in range(3)]
    assert told == world.ask()


def test_past_entries_make_room() -> None:
    """A copy forgets what cannot refuse anybody any more."""
    world = World(most=2)
    world.shop.log += [(key_of(ISSUER, jti="past"), Entry(NOW - 1, inf)), (key_of(ISSUER, jti="a"), FOR_EVER)]
    assert "passes" == world.ask()
    world.shop.log.append((JTI, FOR_EVER))
    world.passes(2)
    assert (REVOKED, 2) == (world.ask(), len(world.list))


# A store that forgets


def test_a_store_that_has_lost_its_memory_lets_nobody_in_who_was_known(caplog: pytest.LogCaptureFixture) -> None:
    """A server that was started anew without its data: what this process knows still counts, also after an outage."""
    world = World()
    world.shop.log.append((JTI, FOR_EVER))
    assert REVOKED == world.ask()
    world.shop.log.clear()
    world.shop.memory = ""
    world.passes(2)
    assert REVOKED == world.ask()
    assert "the store of revocations has lost its memory" in caplog.text
    world.shop.memory = "second"
    world.shop.log.append((key_of(ISSUER, jti="two"), FOR_EVER))
    world.passes(2)
    assert [REVOKED, REVOKED, "passes"] == [world.ask(jti=jti) for jti in ("one", "two", "three")]
    world.shop.fault = RevocationFailed("down")
    world.passes(2)
    world.shop.fault = None
    world.passes(2)
    assert [REVOKED, REVOKED, "passes"] == [world.ask(jti=jti) for jti in ("one", "two", "three")]
    world.shop.log.append((JTI, None))
    world.passes(2)
    assert "passes" == world.ask()


def test_a_store_that_was_empty_has_lost_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """The first entry that it ever has is no loss."""
    world = World()
    world.shop.memory = ""
    assert "passes" == world.ask()
    world.shop.memory = "first"
    world.shop.log.append((JTI, FOR_EVER))
    world.passes(2)
    assert (REVOKED, []) == (world.ask(), caplog.messages)


# Processes


def test_a_forked_child_looks_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no timer of its parent's, and no flight: the first request after two refreshes begins a look."""
    world = World()
    world.ask()
    verdict = Verdict(caller(), world.list.serial)
    world.list._begin(world.now)
    world.timers.clear()
    world.threads.clear()
    monkeypatch.setattr("os.getpid", lambda: -1)
    world.shop.log.append((JTI, FOR_EVER))
    world.now += 9
    assert world.list.clears(verdict)
    world.land()
    assert not world.list.clears(verdict)
    assert 1 == len(world.timers)


def test_a_frozen_process_asks_before_it_believes_its_copy() -> None:
    """However long it slept."""
    world = World()
    world.ask()
    verdict = Verdict(caller(), world.list.serial)
    world.timers.clear()
    world.shop.log.append((JTI, FOR_EVER))
    world.now += 10_000
    assert [False, REVOKED] == [world.list.clears(verdict), world.ask()]


def test_a_list_that_is_gone_is_not_refreshed() -> None:
    """The timer holds it weakly."""
    world = World()
    world.ask()
    gone = ref(world.list)
    del world.list
    gc.collect()
    assert gone() is None
    world.passes(10)
    assert 1 == len(world.shop.looks)
