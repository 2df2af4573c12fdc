"""Consumers in a store: asked for once, remembered for a while, kept through outages; no thread, no database."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import Any

import pytest

from jwtmw import Consumer
from jwtmw.decision import Reason
from jwtmw.errors import KeyRefused, KeysUnavailable, TokenRefused
from jwtmw.issuers.consumers import NOBODY, Found
from jwtmw.issuers.decoys import decoy
from jwtmw.issuers.source import Flight
from jwtmw.issuers.stored_consumers import MOST_QUESTIONS, StoredConsumers, Terms

SECRET = "correct horse battery staple, and more"


class World:
    """A clock to turn, a store that says what it is told to, and questions that land when they are told to."""

    def __init__(self, *names: str, **terms: Any) -> None:
        self.now = 1000.0
        self.held = {name: Consumer.with_secret(name, name, SECRET) for name in names}
        self.failure: Exception | None = None
        self.asked: list[str] = []
        self.jobs: list[Callable[[], None]] = []
        self.source = StoredConsumers("shops", self, Terms(**terms), clock=lambda: self.now, launch=self.jobs.append)

    def find(self, identifier: str) -> Consumer | None:
        self.asked.append(identifier)
        if self.failure is not None:
            raise self.failure
        return self.held.get(identifier)

    def land(self) -> None:
        while self.jobs:
            self.jobs.pop(0)()

    def flight(self, name: str) -> Flight:
        """A question, of which nothing has come yet."""
        found = self.source.find(name)
        assert isinstance(found, Flight)
        return found

    def found(self, name: str) -> Found:
        """The answer after at most one question."""
        found = self.source.find(name)
        if isinstance(found, Flight):
            self.land()
            found = self.source.find(name, found)
        assert isinstance(found, Found)
        return found

    def unavailable(self, name: str, after: Flight | None = None) -> float:
        """The seconds after which one may ask again."""
        with pytest.raises(KeysUnavailable) as caught:
            self.source.find(name, after)
        return caught.value.retry_after


class Row:
    """What an ORM would have."""

    name = key = "jack"
    credential = SECRET


KEY = Consumer.with_secret("jack", "jack", SECRET).credential


@pytest.mark.parametrize(
    "odd",
    [
        Row(),
        {"key": "jack"},
        "jack",
        False,
        (),
        Consumer("jack", "jack", SECRET),  # type: ignore[arg-type]
        Consumer(None, "jack", KEY),  # type: ignore[arg-type]
        *(Consumer("jack", "jack", KEY, expires_in=seconds) for seconds in (0, -1, float("nan"), True)),
        Consumer("jack", "jack", KEY, expires_in="60"),  # type: ignore[arg-type]
    ],
    ids=range(12),
)
def test_what_is_no_consumer_is_a_failure_of_the_store(odd: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody is let in by it, it is remembered as nobody's answer, and the log says what is wrong."""
    world = World()
    world.held["jack"] = odd
    flight = world.flight("jack")
    world.land()
    assert 2.0 == world.unavailable("jack", flight)
    assert "the store returned no Consumer, or one of wrong types" == world.source.state.last_error
    assert SECRET not in caplog.text


def test_a_consumer_is_asked_for_once_within_its_time() -> None:
    """The answer says for how long it holds; after that the store is asked again."""
    world = World("jack")
    assert (world.held["jack"], 60) == world.found("jack")
    world.now += 59
    assert (world.held["jack"], 1) == world.found("jack")
    assert ["jack"] == world.asked
    world.now += 1
    assert (world.held["jack"], 60) == world.found("jack")
    assert ["jack", "jack"] == world.asked


def test_nobody_is_remembered_for_a_shorter_time() -> None:
    """An unknown consumer is asked for again soon, so that a new one need not wait."""
    world = World()
    assert (None, 5) == world.found("rose")
    world.held["rose"] = Consumer.with_secret("rose", "rose", SECRET)
    world.now += 4
    assert (None, 1) == world.found("rose")
    world.now += 1
    assert world.held["rose"] is world.found("rose").consumer
    assert ["rose", "rose"] == world.asked


def test_a_removed_consumer_is_gone_within_its_time() -> None:
    """The store's word that there is nobody replaces what was known, and nothing serves beyond it."""
    world = World("jack")
    world.found("jack")
    del world.held["jack"]
    world.now += 60
    assert (None, 5) == world.found("jack")
    world.failure = ConnectionError()
    world.now += 5
    flight = world.flight("jack")
    world.land()
    assert 2 == world.unavailable("jack", flight)


def test_however_many_ask_the_store_is_asked_once() -> None:
    """Whoever comes while a question is under way waits for that one."""
    world = World("jack")
    flights = [world.flight("jack") for _ in range(5)]
    assert [flights[0]] * 5 == flights
    world.land()
    assert [world.held["jack"]] * 5 == [world.source.find("jack", flight).consumer for flight in flights]  # type: ignore[union-attr]
    assert ["jack"] == world.asked


def test_whoever_waited_is_answered() -> None:
    """Even where the answer's time was over before anybody could look."""
    world = World("jack", ttl=0.5, negative_ttl=0.25)
    jack, rose = world.flight("jack"), world.flight("rose")
    world.land()
    world.now += 1
    assert (world.held["jack"], 0.5) == world.source.find("jack", jack)
    assert (None, 0.25) == world.source.find("rose", rose)


@pytest.mark.parametrize(
    "consumer",
    [
        pytest.param(Consumer.with_secret("jack", "JACK", SECRET), id="another-case"),
        pytest.param(Consumer("jack", "jack"), id="without-a-key"),
        pytest.param(Consumer("jack"), id="anonymous"),
    ],
)
def test_only_the_very_consumer_counts(consumer: Consumer) -> None:
    """A store that finds somebody else, or somebody whose tokens nothing verifies, has found nobody."""
    world = World()
    world.held["jack"] = consumer
    assert None is world.found("jack").consumer


def test_a_long_identifier_is_asked_of_nobody() -> None:
    """It comes out of a token that anybody can make."""
    world = World()
    assert NOBODY is world.found("j" * 257)
    assert None is world.found("j" * 256).consumer
    assert ["j" * 256] == world.asked


# Outages


def test_a_known_consumer_serves_while_the_store_fails(caplog: pytest.LogCaptureFixture) -> None:
    """For `max_stale`, asked for again from time to time; an outage is logged at its start and at its end."""
    caplog.set_level(logging.INFO, "jwtmw.issuers")
    world = World("jack", max_stale=100)
    world.found("jack")
    world.failure = ConnectionError("the canary in its text")
    world.now += 60
    assert (world.held["jack"], 2) == world.found("jack")
    assert (False, "the store raised ConnectionError") == (world.source.state.fresh, world.source.state.last_error)
    world.now += 1
    assert (world.held["jack"], 2) == world.source.find("jack")
    world.now += 1
    assert (world.held["jack"], 2) == world.found("jack")
    assert 3 == len(world.asked)
    world.now = 1000 + 160
    flight = world.flight("jack")
    world.land()
    assert 2 == world.unavailable("jack", flight)
    world.failure = None
    world.now += 2
    assert (world.held["jack"], 60) == world.found("jack")
    assert (True, None) == (world.source.state.fresh, world.source.state.last_error)
    assert [
        "issuer shops: a consumer cannot be looked up: the store raised ConnectionError",
        "issuer shops: consumers can be looked up again",
    ] == caplog.messages


def test_an_unknown_consumer_is_503_while_the_store_fails() -> None:
    """Nobody can know now; and the store is left in peace for a moment."""
    world = World("jack")
    world.failure = TimeoutError()
    flight = world.flight("jack")
    world.land()
    assert 2 == world.unavailable("jack", flight)
    world.now += 0.5
    assert 1.5 == world.unavailable("jack")
    world.now += 1
    assert 1 == world.unavailable("jack")
    assert ["jack"] == world.asked
    world.failure = None
    world.now += 0.5
    assert world.held["jack"] is world.found("jack").consumer


def test_a_consumer_whose_key_is_unfit_says_why(caplog: pytest.LogCaptureFixture) -> None:
    """A store that cannot make a consumer of a row fails for that row; the text is ours."""
    world = World("jack")
    world.failure = KeyRefused("the secret is empty")
    flight = world.flight("jack")
    world.land()
    assert 2 == world.unavailable("jack", flight)
    assert "its key was refused: the secret is empty" in caplog.text


def test_a_question_has_a_deadline() -> None:
    """Who waited until then is told so, and what lands later is not heard."""
    world = World("jack", timeout=5)
    flight = world.flight("jack")
    world.now += 5
    assert 2 == world.unavailable("jack", flight)
    assert "timed out" == world.source.state.last_error
    world.land()
    assert 2 == world.unavailable("jack")
    world.now += 2
    assert world.held["jack"] is world.found("jack").consumer


def test_a_late_failure_is_not_heard_either() -> None:
    """The reason that counts is the first."""
    world = World("jack", timeout=5)
    flight = world.flight("jack")
    world.now += 5
    world.unavailable("jack", flight)
    world.failure = ConnectionError()
    world.land()
    assert "timed out" == world.source.state.last_error


def test_a_new_question_follows_an_overdue_one() -> None:
    """Also where nobody waited for the old one."""
    world = World("jack", timeout=5)
    flight = world.flight("jack")
    world.now += 10
    assert world.flight("jack") is not flight


def test_so_many_questions_and_no_more() -> None:
    """A store that hangs holds a few threads; who comes then is told to come again, and known consumers serve."""
    world = World("jack", *map(str, range(MOST_QUESTIONS)))
    world.found("jack")
    world.now += 60
    for number in range(MOST_QUESTIONS):
        world.flight(str(number))
    assert 1 == world.unavailable("another")
    assert (world.held["jack"], 2) == world.source.find("jack")
    world.land()
    assert None is world.found("another").consumer


def test_without_a_thread_there_is_no_answer() -> None:
    """Where none can be started the question has failed at once, and takes nobody's place."""
    world = World("jack")

    def refuse(_: Callable[[], None]) -> None:
        raise RuntimeError("can't start new thread")

    world.source._launch = refuse
    for number in range(MOST_QUESTIONS + 1):
        assert 2 == world.unavailable(str(number), world.flight(str(number)))
    assert "no thread can be started" == world.source.state.last_error


def test_a_flight_of_somebody_else_answers_nothing() -> None:
    """What was waited for must have been a question to this store."""
    world = World("jack")
    other = Flight(world.now, 5, lambda: world.now)
    other.future.set_result(True)
    assert 1 == world.unavailable("jack", other)


def test_a_forked_child_asks_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parent's questions are never answered there, and its threads do not count."""
    world = World("jack", *map(str, range(MOST_QUESTIONS)))
    for number in range(MOST_QUESTIONS):
        world.flight(str(number))
    monkeypatch.setattr(os, "getpid", lambda: -1)
    world.jobs.clear()
    assert world.held["0"] is world.found("0").consumer


# Memory


def test_memory_is_bounded() -> None:
    """At most so many of each kind; who is asked for stays."""
    names = [f"c{number}" for number in range(50)]
    world = World(*names, size=10)
    for name in names:
        world.found(name)
        world.found("c0")
        world.found(f"un{name}")
    assert 1 == world.asked.count("c0")
    assert 50 + 50 == len(world.asked)
    world.found("c1")
    assert 2 == world.asked.count("c1")
    remembered = (world.source._known, world.source._nobody)
    assert [True, True] == [len(kind._young) + len(kind._old) <= 11 for kind in remembered]


def test_unknown_identifiers_crowd_nobody_out() -> None:
    """Whatever callers make up, who is known need not be asked for again."""
    world = World("jack", size=2)
    world.found("jack")
    for number in range(100):
        world.found(f"made-up-{number}")
    world.found("jack")
    assert 1 == world.asked.count("jack")


def test_as_a_source_of_keys_it_has_none() -> None:
    """Keys are consumers'; a verdict is remembered no longer than its consumer, and until then counts."""
    world = World("jack")
    with pytest.raises(TokenRefused) as caught:
        world.source.look_up("jack", "HS256")
    assert Reason.KEY_UNKNOWN is caught.value.reason
    assert world.source.trusts(decoy("HS256"), world.source.generation)
