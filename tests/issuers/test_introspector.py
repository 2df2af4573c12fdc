"""When an issuer is asked about a token, who waits, and what is answered meanwhile; on a clock that tests move."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from jwtmw.decision import Reason
from jwtmw.errors import IntrospectionUnavailable, TokenRefused
from jwtmw.issuers.fetch import FetchFailed
from jwtmw.issuers.introspection import MOST_AT_ONCE, MOST_WAITING, Introspector, Question, Terms, Unanswered, Unkeyed
from jwtmw.issuers.source import KeyState
from jwtmw.issuers.verdicts import Answer, Verdict
from tests.issuers.material import key

ACTIVE = Answer(True, {"sub": "alice"}, 15)
INACTIVE = Answer(False)
DOWN = FetchFailed("status 503: not a success")
TERMS = Terms(ttl=60, negative_ttl=5, timeout=5)


class World:
    """An issuer whose next answers a test has written down, and threads that run when it says so."""

    def __init__(
        self, *answers: Answer | Exception, terms: Terms = TERMS, threads: int = 100, takes: float = 0
    ) -> None:
        self.now = 1000.0
        self.answers = list(answers)
        self.asked: list[bytes] = []
        self.threads: list[Callable[[], None]] = []
        self.limit = threads
        self.takes = takes
        self.source = Introspector(
            "corp", self.ask, terms, clock=lambda: self.now, launch=self.launch, jitter=lambda: 0.0
        )

    def ask(self, token: bytes) -> Answer:
        self.asked.append(token)
        self.now += self.takes
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def launch(self, job: Callable[[], None]) -> None:
        if len(self.threads) >= self.limit:
            raise RuntimeError("can't start new thread")
        self.threads.append(job)

    def land(self) -> None:
        threads, self.threads = self.threads, []
        for thread in threads:
            thread()

    def look_up(self, token: bytes = b"token") -> Answer | float:
        """The answer, or the seconds of Retry-After where there is none."""
        try:
            found = self.source.look_up(token)
            if isinstance(found, Question):
                self.land()
                found = self.source.look_up(token, found)
        except IntrospectionUnavailable as error:
            return error.retry_after
        assert isinstance(found, Verdict)
        return found.answer


def test_a_good_answer_is_relied_on_for_its_time() -> None:
    """One question serves every request until the ttl, and then another is asked."""
    world = World(ACTIVE, INACTIVE)
    assert [ACTIVE] * 3 == [world.look_up() for _ in range(3)]
    world.now += 59.9
    assert ACTIVE == world.look_up()
    world.now += 0.1
    assert INACTIVE == world.look_up()
    assert 2 == len(world.asked)


def test_the_time_counts_from_the_question() -> None:
    """What the issuer changed while its answer was under way is not in the answer."""
    world = World(ACTIVE, ACTIVE, takes=4)
    world.look_up()
    found = world.source.look_up(b"token")
    assert isinstance(found, Verdict)
    assert (1004.0, 1060.0) == (world.now, found.until)


def test_a_bad_answer_is_remembered_briefly() -> None:
    """For the negative ttl, then a token that has become good is taken."""
    world = World(INACTIVE, ACTIVE)
    assert [INACTIVE] * 3 == [world.look_up() for _ in range(3)]
    world.now += 4.9
    assert INACTIVE == world.look_up()
    world.now += 0.1
    assert ACTIVE == world.look_up()
    assert 2 == len(world.asked)


def test_a_bad_answer_need_not_be_remembered() -> None:
    """With a negative ttl of 0 each request asks; whoever waited is answered all the same."""
    world = World(INACTIVE, INACTIVE, terms=Terms(negative_ttl=0))
    assert [INACTIVE, INACTIVE] == [world.look_up(), world.look_up()]
    assert 2 == len(world.asked)


def test_each_token_has_an_answer_of_its_own() -> None:
    """Tokens that share a beginning are two."""
    world = World(ACTIVE, INACTIVE)
    assert [ACTIVE, INACTIVE, ACTIVE] == [
        world.look_up(token) for token in (b"a" * 99 + b"1", b"a" * 99 + b"2", b"a" * 99 + b"1")
    ]
    assert 2 == len(world.asked)


def test_however_many_wait_one_question_is_asked() -> None:
    """Whoever asks about a token that is being asked about gets the same question."""
    world = World(ACTIVE)
    questions = [world.source.look_up(b"token") for _ in range(20)]
    assert 1 == len({id(question) for question in questions})
    world.land()
    for question in questions:
        assert isinstance(question, Question)
        assert question.has_succeeded()
        found = world.source.look_up(b"token", question)
        assert isinstance(found, Verdict)
        assert ACTIVE == found.answer
    assert [b"token"] == world.asked


def test_an_answer_that_lands_between_look_and_start_is_used() -> None:
    """The issuer is not asked twice because two threads met."""
    world = World(ACTIVE, ACTIVE)
    known = world.source._known
    looks = iter([True])

    def blind_once(digest: bytes, now: float) -> Verdict | None:
        if next(looks, False):
            assert ACTIVE == world.look_up()
            return None
        return known(digest, now)

    world.source._known = blind_once  # type: ignore[method-assign]
    question = world.source.look_up(b"token")
    assert isinstance(question, Question)
    assert question.has_succeeded()
    found = world.source.look_up(b"token", question)
    assert isinstance(found, Verdict)
    assert [b"token"] == world.asked


# Outages


def test_an_outage_refuses_no_token_and_is_not_asked_about_all_the_time() -> None:
    """One failure, two: maybe it is the token. Three: nobody is asked until the back-off ends, and longer each time."""
    world = World(*[DOWN] * 5, ACTIVE)
    assert [1.0, 1.0, 2.0, 2.0] == [world.look_up(token) for token in (b"1", b"2", b"3", b"4")]
    assert 3 == len(world.asked)
    world.now += 1.5
    assert [1.0, 3] == [world.look_up(), len(world.asked)]
    world.now += 0.5
    assert [4.0, 4] == [world.look_up(), len(world.asked)]
    world.now += 4
    assert [8.0, 5] == [world.look_up(), len(world.asked)]
    world.now += 8
    assert [ACTIVE, ACTIVE, 6] == [world.look_up(), world.look_up(), len(world.asked)]


def test_known_answers_serve_through_an_outage_until_their_time() -> None:
    """And not longer: by then a token may have been revoked."""
    world = World(ACTIVE, *[DOWN] * 4)
    world.look_up()
    for number in range(3):
        world.look_up(bytes([number]))
    world.now += 59
    assert ACTIVE == world.look_up()
    world.now += 1
    assert 4.0 == world.look_up()


def test_what_was_under_way_as_the_outage_began_makes_it_no_longer() -> None:
    """Many callers fail together; that is one outage."""
    world = World(*[DOWN] * MOST_AT_ONCE)
    for number in range(MOST_AT_ONCE):
        world.source.look_up(bytes([number]))
    world.now += 3
    world.land()
    assert (3, 1005.0) == (world.source._health.failures, world.source._health.retry_at)


def test_a_success_ends_the_count() -> None:
    """Failures that are not in a row are no outage."""
    world = World(DOWN, DOWN, ACTIVE, DOWN, DOWN, ACTIVE)
    told = [world.look_up(bytes([number])) for number in range(6)]
    assert [1.0, 1.0, ACTIVE, 1.0, 1.0, ACTIVE] == told


def test_the_issuer_may_ask_for_patience() -> None:
    """Its Retry-After counts at once, up to a minute."""
    world = World(FetchFailed("status 429: not a success", 30.0), FetchFailed("status 503: not a success", 4000.0))
    assert 30.0 == world.look_up()
    world.now += 30
    assert 60.0 == world.look_up()


def test_a_token_that_the_issuer_cannot_read_is_no_outage(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever sends such tokens shuts nobody else out."""
    world = World(*[Unanswered("status 400")] * 5, ACTIVE)
    with caplog.at_level(logging.INFO, logger="jwtmw.issuers"):
        assert [1.0] * 5 + [ACTIVE] == [world.look_up(bytes([number])) for number in range(6)]
    assert {"issuer corp: a token was not introspected: status 400"} == {
        record.getMessage() for record in caplog.records
    }


def test_anything_unforeseen_is_an_outage_too(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever waits hears of it, and the log names the type, not the message."""
    world = World(LookupError("canary"))
    assert 1.0 == world.look_up(b"canary")
    assert ["issuer corp: tokens cannot be introspected: unexpected LookupError"] == caplog.messages


def test_the_log_tells_of_the_end_of_an_outage(caplog: pytest.LogCaptureFixture) -> None:
    """Once."""
    world = World(DOWN, ACTIVE, ACTIVE)
    with caplog.at_level(logging.INFO, logger="jwtmw.issuers"):
        for token in (b"1", b"2", b"3"):
            world.look_up(token)
    assert [
        "issuer corp: tokens cannot be introspected: status 503: not a success",
        "issuer corp: tokens are introspected again",
    ] == caplog.messages


# Limits


def test_a_storm_of_tokens_becomes_no_storm_of_questions() -> None:
    """So many at once, so many in line, and the rest is told to come back; the line is served, in a few threads."""
    world = World(*[INACTIVE] * (MOST_AT_ONCE + MOST_WAITING), ACTIVE)
    told: list[Any] = []
    for number in range(10 * MOST_WAITING):
        try:
            told.append(world.source.look_up(b"%d" % number))
        except IntrospectionUnavailable as error:
            told.append(error.retry_after)
    questions = [each for each in told if isinstance(each, Question)]
    # Each of the threads is busy with one only once it runs: the line holds those too.
    assert MOST_WAITING == len(questions)
    assert {1.0} == {each for each in told if not isinstance(each, Question)}
    assert MOST_AT_ONCE == len(world.threads)
    world.land()
    assert MOST_WAITING == len(world.asked)
    assert [] == list(next(iter(world.source._desks.values())).questions)


def test_no_thread_to_be_had_is_an_outage() -> None:
    """Nobody waits for a question that nobody asks."""
    world = World(ACTIVE, threads=0)
    question = world.source.look_up(b"token")
    assert isinstance(question, Question)
    assert [True, False] == [question.future.done(), question.has_succeeded()]
    with pytest.raises(IntrospectionUnavailable):
        world.source.look_up(b"token", question)
    world.limit = 1
    assert ACTIVE == world.look_up()
    assert [b"token"] == world.asked


def test_a_question_that_nobody_waits_for_any_more_is_not_asked() -> None:
    """A line that took too long is emptied at once, and that is not the issuer's fault."""
    world = World(ACTIVE)
    question = world.source.look_up(b"token")
    assert isinstance(question, Question)
    world.now += 5
    world.land()
    assert ([], 0, False) == (world.asked, world.source._health.failures, question.has_succeeded())
    assert ACTIVE == world.look_up()


def test_whoever_has_waited_in_vain_is_told_so() -> None:
    """A waiter never waits twice, and what lands after it serves the next."""
    world = World(ACTIVE)
    question = world.source.look_up(b"token")
    assert isinstance(question, Question)
    with pytest.raises(IntrospectionUnavailable) as caught:
        world.source.look_up(b"token", question)
    assert 1.0 == caught.value.retry_after
    world.land()
    found = world.source.look_up(b"token", question)
    assert isinstance(found, Verdict)
    assert ACTIVE == found.answer


def test_what_landed_for_another_question_serves_whoever_waited_in_vain() -> None:
    """The verdict is looked up before anybody is turned away."""
    world = World(ACTIVE)
    world.look_up()
    overdue = Question(world.now, 5, lambda: world.now)
    found = world.source.look_up(b"token", overdue)
    assert isinstance(found, Verdict)


def test_a_forked_child_asks_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parent's questions never land there; what the parent knew counts on."""
    world = World(ACTIVE, INACTIVE)
    world.look_up(b"known")
    world.source.look_up(b"token")
    world.threads.clear()
    monkeypatch.setattr("os.getpid", lambda: -1)
    assert [ACTIVE, INACTIVE] == [world.look_up(b"known"), world.look_up(b"token")]


def test_many_threads_ask_once() -> None:
    """Real threads, one token: one question."""
    release, asked = threading.Event(), list[bytes]()

    def ask(token: bytes) -> Answer:
        asked.append(token)
        release.wait(10)
        return ACTIVE

    source = Introspector("corp", ask, TERMS)

    def look_up(_: int) -> Answer:
        found = source.look_up(b"token")
        while isinstance(found, Question):
            assert found.future.result(10)
            found = source.look_up(b"token", found)
        return found.answer

    with ThreadPoolExecutor(16) as threads:
        answers = [threads.submit(look_up, number) for number in range(64)]
        release.set()
        assert [ACTIVE] * 64 == [answer.result(10) for answer in answers]
    assert [b"token"] == asked


# What an observer sees


def test_the_state_follows_the_outage() -> None:
    """Fresh while it is asked, and why not where it is not."""
    world = World(*[DOWN] * 3, ACTIVE)
    states = [world.source.state]
    for number in range(3):
        world.look_up(bytes([number]))
    states.append(world.source.state)
    world.now += 2
    world.look_up()
    states.append(world.source.state)
    assert [
        KeyState(fresh=True),
        KeyState(fresh=False, last_error="status 503: not a success"),
        KeyState(fresh=True),
    ] == states


def test_an_issuer_that_is_asked_has_no_keys() -> None:
    """What stands where keys would be refuses everything."""
    world = World()
    keys = Unkeyed(world.source)
    with pytest.raises(TokenRefused) as caught:
        keys.look_up("a", "ES256")
    assert Reason.KEY_UNKNOWN == caught.value.reason
    assert (KeyState(fresh=True), 0, False) == (keys.state, keys.generation, keys.trusts(key("P-256"), 0))
