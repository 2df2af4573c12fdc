"""A held token through renewals, refusals and outages: no thread, no socket, no sleep."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable

import pytest

from jwtmw.client.held import MARGIN, TOO_SOON, Held
from jwtmw.client.sources import Issued
from jwtmw.errors import TokenUnavailable
from jwtmw.issuers.fetch import FetchFailed
from jwtmw.issuers.source import Flight

HOUR = 3600.0


class World:
    """A clock to turn, an issuer that answers what it is told to, and flights that land when they are told to."""

    def __init__(self, lifetime: float = HOUR, jitter: float = 0.0) -> None:
        self.now = 1000.0
        self.lifetime = lifetime
        self.fails: Exception | None = None
        self.same = False
        self.asked = 0
        self.jobs: list[Callable[[], None]] = []
        self.launch_fails = False
        self.held = Held("herald", self.ask, 5.0, clock=lambda: self.now, launch=self.launch, jitter=lambda: jitter)

    def launch(self, job: Callable[[], None]) -> None:
        if self.launch_fails:
            raise RuntimeError("can't start new thread")
        self.jobs.append(job)

    def ask(self, deadline: float) -> Issued:
        self.asked += 1
        if self.fails:
            raise self.fails
        return Issued("token-1" if self.same else f"token-{self.asked}", self.lifetime)

    def land(self) -> None:
        jobs, self.jobs[:] = self.jobs[:], []
        for job in jobs:
            job()

    def token(self) -> str:
        """The token, after a flight if one is needed. Raises `TokenUnavailable`."""
        found = self.held.look_up()
        if isinstance(found, Flight):
            self.land()
            found = self.held.look_up(found)
        assert isinstance(found, str)
        return found


def unavailable(world: World) -> TokenUnavailable:
    with pytest.raises(TokenUnavailable) as caught:
        world.token()
    return caught.value


def test_nothing_happens_before_a_token_is_needed() -> None:
    """No question, no thread."""
    world = World()
    assert (0, []) == (world.asked, world.jobs)


def test_one_question_for_all_who_wait() -> None:
    """Whoever comes while one is under way waits for that one; later callers do not wait at all."""
    world = World()
    flights = [world.held.look_up() for _ in range(3)]
    assert isinstance(flights[0], Flight)
    assert [flights[0]] * 3 == flights
    world.land()
    assert ["token-1"] * 3 == [world.held.look_up(flights[0]) for _ in flights]
    assert "token-1" == world.held.look_up()
    assert 1 == world.asked


@pytest.mark.parametrize(("jitter", "share"), [(0.0, 0.8), (1.0, 0.6), (0.5, 0.7)])
def test_it_is_renewed_beside_a_call_before_it_ends(jitter: float, share: float) -> None:
    """From three to four fifths of its life on, each service of a fleet at its own time; the old one serves on."""
    world = World(jitter=jitter)
    world.token()
    world.now += share * HOUR - 1
    assert ("token-1", []) == (world.token(), world.jobs)
    world.now += 2
    assert "token-1" == world.held.look_up()
    assert "token-1" == world.held.look_up()
    assert 1 == len(world.jobs)
    world.land()
    assert ("token-2", 2) == (world.token(), world.asked)


@pytest.mark.parametrize(("lifetime", "margin"), [(HOUR, MARGIN), (20.0, 2.0)])
def test_it_is_not_used_to_its_very_end(lifetime: float, margin: float) -> None:
    """A call takes a while to get there: ten seconds before, of a short life a tenth before, it is used no more."""
    world = World(lifetime)
    world.token()
    world.fails = FetchFailed("status 503: not a success")
    world.now += lifetime - margin - 0.5
    assert "token-1" == world.token()
    world.land()
    world.now += 40
    assert "status 503" in unavailable(world).reason


def test_a_life_is_counted_from_the_question() -> None:
    """How long the answer took is part of it."""
    world = World(30.0)
    flight = world.held.look_up()
    assert isinstance(flight, Flight)
    world.now += 4
    world.land()
    assert "token-1" == world.held.look_up(flight)
    world.now += 23
    assert isinstance(world.held.look_up(), Flight)


def test_an_outage_fails_calls_at_once_and_ends() -> None:
    """The first call waits for the answer; until the next try is due no other does, and no question is asked."""
    world = World()
    world.fails = FetchFailed("no connection: refused")
    error = unavailable(world)
    assert "herald: no token can be had: no connection: refused" == error.reason
    assert error.retry_after is not None
    assert 1 <= error.retry_after <= 2
    assert "refused" in unavailable(world).reason
    assert 1 == world.asked
    world.fails = None
    world.now += 2
    assert "token-2" == world.token()


def test_the_back_off_grows_and_is_reset() -> None:
    """Two seconds, four, eight, at most thirty; after a success it begins anew."""
    world = World()
    world.fails = FetchFailed("away")
    waits = []
    for _ in range(6):
        waits.append(unavailable(world).retry_after)
        world.now += 60
    assert [2.0, 4.0, 8.0, 16.0, 30.0, 30.0] == waits
    world.fails = None
    world.token()
    world.fails = FetchFailed("away")
    world.now += HOUR
    assert 2.0 == unavailable(world).retry_after


@pytest.mark.parametrize(("asked_for", "waited"), [(20.0, 20.0), (0.5, 2.0), (9999.0, 60.0)])
def test_an_answer_may_ask_for_patience(asked_for: float, waited: float) -> None:
    """Retry-After counts, up to a minute."""
    world = World()
    world.fails = FetchFailed("status 429: not a success", asked_for)
    assert waited == unavailable(world).retry_after


def test_a_token_serves_while_its_renewal_fails() -> None:
    """And the renewal is tried again after the back-off, not by every call."""
    world = World()
    world.token()
    world.fails = FetchFailed("away")
    world.now += 0.9 * HOUR
    assert "token-1" == world.token()
    world.land()
    assert ["token-1"] * 3 == [world.token() for _ in range(3)]
    assert (2, []) == (world.asked, world.jobs)
    world.now += 3
    world.fails = None
    assert "token-1" == world.token()
    world.land()
    assert "token-3" == world.token()


def test_a_question_that_takes_too_long_has_failed() -> None:
    """Whoever waited is told; an answer that comes later is not heard."""
    world = World()
    flight = world.held.look_up()
    assert isinstance(flight, Flight)
    world.now += 5
    with pytest.raises(TokenUnavailable, match="timed out"):
        world.held.look_up(flight)
    world.land()
    assert "timed out" in unavailable(world).reason
    assert not flight.has_succeeded()


def test_a_failure_that_comes_too_late_is_not_heard() -> None:
    """The flight was overdue, and is counted once."""
    world = World()
    world.fails = FetchFailed("away")
    flight = world.held.look_up()
    assert isinstance(flight, Flight)
    world.now += 5
    with pytest.raises(TokenUnavailable, match="timed out"):
        world.held.look_up(flight)
    world.land()
    assert "timed out" in unavailable(world).reason


def test_a_life_too_short_to_be_used_is_none() -> None:
    """The answer came when the token had ended; nobody is made to wait for another."""
    world = World(1.0)
    flight = world.held.look_up()
    world.now += 2
    world.land()
    assert isinstance(flight, Flight)
    with pytest.raises(TokenUnavailable, match="it takes too long"):
        world.held.look_up(flight)


def test_a_refused_token_is_replaced_for_everybody() -> None:
    """Who was refused and who comes meanwhile wait for the same fresh one."""
    world = World()
    world.token()
    world.now += TOO_SOON
    assert world.held.refuse("token-1")
    flights = [world.held.look_up(), world.held.look_up()]
    assert isinstance(flights[0], Flight)
    assert flights[0] is flights[1]
    world.land()
    assert ("token-2", 2) == (world.held.look_up(flights[0]), world.asked)


def test_a_token_that_is_no_longer_used_was_replaced_already() -> None:
    """A second refusal of the old one asks for nothing."""
    world = World()
    world.token()
    world.now += TOO_SOON
    world.held.refuse("token-1")
    assert "token-2" == world.token()
    assert world.held.refuse("token-1")
    assert ("token-2", 2) == (world.token(), world.asked)


def test_who_refuses_a_fresh_token_would_refuse_the_next() -> None:
    """A peer that answers 401 to everything causes one question in ten seconds, not one for each call."""
    world = World()
    world.token()
    world.now += TOO_SOON - 1
    assert not world.held.refuse("token-1")
    assert ("token-1", 1) == (world.token(), world.asked)


def test_one_peers_refusal_is_not_the_others_outage() -> None:
    """Where no fresh token can be had, the refused one still serves."""
    world = World()
    world.token()
    world.now += TOO_SOON
    world.fails = FetchFailed("away")
    world.held.refuse("token-1")
    assert "token-1" == world.token()
    assert ("token-1", 2) == (world.token(), world.asked)


def test_an_issuer_that_gives_the_same_token_again_is_not_asked_for_ever() -> None:
    """What came back is used, and counts as fresh."""
    world = World()
    world.same = True
    world.token()
    world.now += TOO_SOON
    world.held.refuse("token-1")
    assert ("token-1", 2) == (world.token(), world.asked)
    assert ("token-1", 2) == (world.token(), world.asked)
    assert not world.held.refuse("token-1")


def test_a_bug_reaches_who_waits_and_shows_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever went wrong, nobody hangs, and its text may be a secret."""
    world = World()
    world.fails = LookupError("s3cret")
    error = unavailable(world)
    assert "herald: no token can be had: unexpected LookupError" == error.reason
    assert "s3cret" not in caplog.text


def test_without_a_thread_there_is_no_token() -> None:
    """The call fails at once; the next one after the back-off may succeed."""
    world = World()
    world.launch_fails = True
    assert "no thread can be started" in unavailable(world).reason
    world.launch_fails = False
    world.now += 2
    assert "token-1" == world.token()


def test_a_token_that_landed_between_look_and_start_is_the_answer() -> None:
    """No second question for who saw the state before it."""
    world = World()
    seen = world.held._state
    world.token()
    late = world.held._begin(seen, world.now)
    assert late.has_succeeded()
    assert ("token-1", []) == (world.held.look_up(late), world.jobs)


def test_a_forked_child_does_not_wait_for_its_parents_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    """That thread is not in the child; it starts one of its own."""
    world = World()
    parents = world.held.look_up()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    childs = world.held.look_up()
    assert isinstance(childs, Flight)
    assert parents is not childs
    assert 2 == len(world.jobs)


def test_outage_and_recovery_are_logged_without_the_token(caplog: pytest.LogCaptureFixture) -> None:
    """One line each."""
    caplog.set_level(logging.INFO, "jwtmw")
    world = World()
    world.fails = FetchFailed("status 503: not a success")
    unavailable(world)
    world.fails = None
    world.now += 2
    world.token()
    assert [
        "herald: no token could be had: status 503: not a success",
        "herald: this service has a token again",
    ] == [record.getMessage() for record in caplog.records]


def test_no_repr_shows_a_token() -> None:
    """Not the state, not what was issued."""
    world = World()
    token = world.token()
    assert token not in repr(world.held) + repr(world.held._state) + repr(Issued(token, 1.0))
