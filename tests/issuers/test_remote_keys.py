"""The key source through rotations, outages, storms and forks: no thread, no socket, no sleep."""

from __future__ import annotations

import gc
import logging
import os
import threading
from collections.abc import Callable

import pytest

from jwtmw.decision import Reason
from jwtmw.errors import KeysUnavailable, TokenRefused
from jwtmw.issuers.fetch import Fetched, FetchFailed
from jwtmw.issuers.keys import Key
from jwtmw.issuers.remote import RemoteKeys
from jwtmw.issuers.snapshot import Timing
from jwtmw.issuers.source import Flight
from tests.issuers.material import jwk

UNKNOWN = Reason.KEY_UNKNOWN


def jwks(*kids: str, **fetched) -> Fetched:
    """An answer with one key for each kid."""
    return Fetched({"keys": [jwk("rsa", number, kid=kid) for number, kid in enumerate(kids)]}, **fetched)


class World:
    """A clock to turn, an issuer that answers what it is told to, and fetches that land when they are told to."""

    def __init__(self, answer: Fetched | Exception, **timing) -> None:
        self.now = 1000.0
        self.answer = answer
        self.etags: list[str | None] = []
        self.jobs: list[Callable[[], None]] = []
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self.source = RemoteKeys(
            "corp",
            self.fetch,
            Timing(**timing),
            clock=lambda: self.now,
            launch=self.jobs.append,
            later=lambda delay, job: self.timers.append((self.now + delay, job)),
            jitter=lambda: 0.0,
        )

    @property
    def fetches(self) -> int:
        return len(self.etags)

    def fetch(self, etag: str | None) -> Fetched:
        self.etags.append(etag)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def land(self) -> None:
        """Run the fetches that have been launched."""
        while self.jobs:
            self.jobs.pop(0)()

    def turn(self, seconds: float, timers: bool = True) -> None:
        """Turn the clock; with `timers` what falls due runs at its time, and its fetch lands at once."""
        until = self.now + seconds
        while timers and (due := [timer for timer in self.timers if timer[0] <= until]):
            first = min(due, key=lambda timer: timer[0])
            self.timers.remove(first)
            self.now = max(self.now, first[0])
            first[1]()
            self.land()
        self.now = until

    def ask(self, kid: str | None = "a", alg: str = "RS256"):
        """What a request gets that waits where it must: kids, a Reason, or the seconds of a 503."""
        try:
            found = self.source.look_up(kid, alg)
            if isinstance(found, Flight):
                self.land()
                found = self.source.look_up(kid, alg, found)
                assert isinstance(found, tuple)
        except TokenRefused as refused:
            return refused.reason
        except KeysUnavailable as unavailable:
            return unavailable.retry_after
        return [key.kid for key in found]

    def ask_now(self, kid: str | None = "a"):
        """The same for a request that finds a fetch under way and does not wait: then None."""
        try:
            found = self.source.look_up(kid, "RS256")
        except TokenRefused as refused:
            return refused.reason
        return None if isinstance(found, Flight) else [key.kid for key in found]

    def flight(self) -> Flight:
        """What a request has to wait for."""
        found = self.source.look_up("a", "RS256")
        assert isinstance(found, Flight)
        return found

    def key(self, kid: str = "a") -> tuple[Key, int]:
        """The key, with the generation under which a token was verified by it."""
        generation = self.source.generation
        found = self.source.look_up(kid, "RS256")
        assert isinstance(found, tuple)
        return found[0], generation


PRIVATE = "a private key is published here: its owner must replace it"
FAILED = FetchFailed("status 503: not a success")


# First use


def test_nothing_is_fetched_before_the_first_request():
    """Making a source starts nothing."""
    world = World(jwks("a"))
    assert (0, [], []) == (world.fetches, world.jobs, world.timers)


def test_the_first_request_waits_for_one_fetch_and_the_next_do_not():
    """One fetch, then answers at once."""
    world = World(jwks("a", "b"))
    assert [["a"], ["b"], ["a"]] == [world.ask("a"), world.ask("b"), world.ask_now("a")]
    assert [None] == world.etags


def test_a_thousand_first_requests_share_one_flight():
    """Whoever asks before the fetch has landed gets the same flight."""
    world = World(jwks("a"))
    flights = {world.flight() for _ in range(1000)}
    assert (1, 1) == (len(flights), len(world.jobs))
    world.land()
    assert [True] == [flight.has_succeeded() for flight in flights]


def test_no_keys_and_no_issuer_is_unavailable():
    """Without any keys a failed fetch is 503, with the seconds to wait; within the back-off no fetch is made."""
    world = World(FAILED)
    assert [2.0, 2.0] == [world.ask(), world.ask()]
    assert 1 == world.fetches


def test_a_failed_first_fetch_is_not_remembered_beyond_its_back_off():
    """The issuer comes back: the next allowed try succeeds, by itself or for a request."""
    by_timer, by_request = World(FAILED), World(FAILED)
    for world in (by_timer, by_request):
        world.ask()
        world.answer = jwks("a")
    by_timer.turn(2.0)
    by_request.turn(2.0, timers=False)
    assert [["a"], 2] == [by_timer.ask_now(), by_timer.fetches]
    assert [["a"], 2] == [by_request.ask(), by_request.fetches]


def test_an_unknown_kid_at_the_first_fetch_is_refused_without_a_second():
    """Who waited for the first fetch is answered by it."""
    world = World(jwks("a"))
    assert [UNKNOWN, 1] == [world.ask("x"), world.fetches]


# Freshness


def test_keys_are_refreshed_ahead_of_their_time_also_without_requests():
    """The timer alone keeps the keys fresh: after an hour a request still need not wait."""
    world = World(jwks("a"))
    world.ask()
    world.turn(3600)
    assert [["a"], True, 16] == [world.ask_now(), world.source.is_fresh, world.fetches]


def test_a_request_refreshes_ahead_where_no_timer_does_and_does_not_wait():
    """Past the point of refreshing a request starts the fetch and is answered from the keys at hand."""
    world = World(jwks("a"))
    world.ask()
    world.turn(250, timers=False)
    assert [["a"], ["a"], 1] == [world.ask_now(), world.ask_now(), len(world.jobs)]
    world.land()
    world.turn(200, timers=False)
    assert [["a"], 2] == [world.ask_now(), world.fetches]


def test_keys_past_their_time_make_the_request_wait_if_no_refresh_was_tried():
    """A process that slept through its refresh asks before it trusts old keys."""
    world = World(jwks("a"))
    world.ask()
    world.turn(301, timers=False)
    world.answer = jwks("b")
    assert None is world.ask_now("a")
    world.land()
    assert [["b"], UNKNOWN] == [world.ask_now("b"), world.ask("a")]


def test_the_time_counts_from_the_start_of_the_fetch():
    """A slow answer may be as old as the question: the keys are dead one ttl after it was asked."""
    world = World(jwks("a"))
    world.source.look_up("a", "RS256")
    world.turn(4)
    world.land()
    world.turn(295.9, timers=False)
    assert world.source.is_fresh
    world.turn(0.1, timers=False)
    assert not world.source.is_fresh


def test_an_unchanged_answer_renews_the_keys():
    """The ETag is sent; 304 renews the time, keeps the keys and their generation."""
    world = World(jwks("a", etag='"one"'))
    world.ask()
    world.answer = Fetched(None, etag='"one"', not_modified=True)
    world.turn(240 + 100)
    key, generation = world.key()
    assert [None, '"one"'] == world.etags
    assert (True, 1, True) == (world.source.is_fresh, generation, world.source.trusts(key, generation))


def test_max_age_shortens_the_time():
    """An answer with max-age=60 is asked again within 60 s."""
    world = World(jwks("a", max_age=60.0))
    world.ask()
    world.turn(61)
    assert 2 == world.fetches


# The cache of verified tokens


def test_a_verified_token_is_trusted_while_its_key_serves():
    """Known generation, or a key that is still there: trusted; a key that is gone: not."""
    world = World(jwks("a", "b"))
    world.ask()
    (a, first), (b, _) = world.key("a"), world.key("b")
    assert [True, True] == [world.source.trusts(key, first) for key in (a, b)]
    world.answer = jwks("a", "new")
    world.turn(241)
    assert [True, False] == [world.source.trusts(key, first) for key in (a, b)]


def test_a_removed_key_is_dead_within_the_ttl():
    """Also where nothing has refreshed the keys, a verified token stops counting at the end of the ttl."""
    world = World(jwks("a"))
    world.ask()
    key, generation = world.key()
    answers = []
    for seconds in (299, 1):
        world.turn(seconds, timers=False)
        answers.append(world.source.trusts(key, generation))
    assert [True, False] == answers


def test_a_key_that_comes_back_under_its_kid_with_other_numbers_is_another():
    """A kid that is reused for a new key does not revive tokens of the old one."""
    world = World(jwks("a"))
    world.ask()
    key, generation = world.key()
    world.answer = Fetched({"keys": [jwk("rsa", 1, kid="a")]})
    world.turn(241)
    assert [["a"], False] == [world.ask_now(), world.source.trusts(key, generation)]


# Unknown kids


def test_rotation_a_new_kid_is_fetched_once_and_serves():
    """A new kid inside the ttl costs its first request one fetch; the first fetch has started no cool-down."""
    world = World(jwks("a"))
    world.ask()
    world.answer = jwks("a", "b")
    assert [["b"], ["b"], ["a"], 2] == [world.ask("b"), world.ask_now("b"), world.ask_now("a"), world.fetches]


def test_a_storm_of_unknown_kids_costs_one_fetch_a_cool_down():
    """Random kids are refused at once after the first; known kids never wait."""
    world = World(jwks("a"), ttl=10_000)
    world.ask()
    for second in range(60):
        assert [UNKNOWN] * 100 == [world.ask(f"random-{second}-{number}") for number in range(100)]
        assert ["a"] == world.ask_now("a")
        world.turn(1)
    assert 1 + 2 == world.fetches


def test_a_kid_published_during_the_cool_down_serves_at_its_end():
    """The storm cannot keep a real rotation out for longer than the cool-down."""
    world = World(jwks("a"))
    world.ask()
    world.ask("random")
    world.answer = jwks("a", "new")
    answers = [world.ask("new")]
    world.turn(29.9)
    answers.append(world.ask("new"))
    assert (True, UNKNOWN, UNKNOWN) == (world.source.is_cooling_down, *answers)
    world.turn(0.1)
    assert [["new"], 3] == [world.ask("new"), world.fetches]


def test_an_unknown_kid_during_an_outage_is_unavailable():
    """Nobody can know whether the kid is new: 503 after the failed refetch and in the back-off; known kids serve."""
    world = World(jwks("a"))
    world.ask()
    world.answer = FAILED
    assert [2.0, 2.0, ["a"], 2] == [world.ask("new"), world.ask("new"), world.ask("a"), world.fetches]
    world.turn(2.0, timers=False)
    assert [4.0, 3] == [world.ask("new"), world.fetches]


def test_a_failure_starts_no_cool_down():
    """After the back-off the kid is looked for again, and found."""
    world = World(jwks("a"))
    world.ask()
    world.answer = FAILED
    world.ask("new")
    world.answer = jwks("a", "new")
    world.turn(2.0, timers=False)
    assert [False, ["new"]] == [world.source.is_cooling_down, world.ask("new")]


def test_an_unknown_kid_joins_a_refresh_that_is_under_way():
    """No second fetch beside the one that is in the air; and a mere refresh starts no cool-down."""
    world = World(jwks("a"))
    world.ask()
    world.turn(250, timers=False)
    world.ask_now("a")
    assert (None, 1) == (world.ask_now("new"), len(world.jobs))
    world.answer = jwks("a", "new")
    world.land()
    assert [["new"], False, 2] == [world.ask_now("new"), world.source.is_cooling_down, world.fetches]


REFUSED_AT_ONCE = {"another kind's algorithm": ("a", "ES256"), "none": ("a", "none"), "HMAC": ("a", "HS256")}


@pytest.mark.parametrize(("kid", "alg"), REFUSED_AT_ONCE.values(), ids=REFUSED_AT_ONCE)
def test_a_known_kid_with_a_foreign_algorithm_costs_no_fetch(kid, alg):
    """The kid is there, its key does not do the algorithm: no fetch could change that."""
    world = World(jwks("a"))
    world.ask()
    assert [UNKNOWN, 1] == [world.ask(kid, alg), world.fetches]


def test_a_token_without_kid_tries_the_keys_that_fit():
    """Without a kid up to four keys serve; an algorithm that none fits is looked for once."""
    world = World(jwks("a", "b"))
    assert [["a", "b"], UNKNOWN, UNKNOWN, 2] == [
        world.ask(None),
        world.ask(None, "ES256"),
        world.ask(None, "ES384"),
        world.fetches,
    ]


# Outages


BAD_ANSWERS = {
    "status 503": FAILED,
    "no keys": Fetched({"keys": []}),
    "no key set": Fetched([]),
    "65 keys": Fetched({"keys": [jwk("rsa")] * 65}),
    "only unusable keys": Fetched({"keys": [{"kty": "oct", "k": "AAAA"}]}),
    "a bug of ours": ZeroDivisionError("secret text"),
}


@pytest.mark.parametrize("answer", BAD_ANSWERS.values(), ids=BAD_ANSWERS)
def test_a_failure_never_replaces_keys(answer):
    """Whatever comes instead of keys, the ones at hand serve until max_stale, and no longer."""
    world = World(jwks("a"))
    world.ask()
    key, generation = world.key()
    world.answer = answer
    world.turn(300 + 3599)
    assert [["a"], True, True] == [world.ask_now(), world.source.is_stale, world.source.trusts(key, generation)]
    world.turn(2)
    assert [False, False] == [world.source.is_stale, world.source.trusts(key, generation)]
    assert isinstance(world.ask(), float)


def test_an_outage_is_asked_about_twice_a_minute():
    """Retries back off to at most one in 30 s; a thousand requests a second add none."""
    world = World(jwks("a"))
    world.ask()
    world.answer = FAILED
    for _ in range(900):
        assert ["a"] == world.ask_now()
        world.turn(1)
    assert 1 + 4 + 22 >= world.fetches > 20


def test_recovery_needs_no_restart():
    """After an outage the first good answer makes the keys fresh again, with the new key in."""
    world = World(jwks("a"))
    world.ask()
    world.answer = FAILED
    world.turn(1000)
    assert ("status 503: not a success", True) == (world.source.last_error, world.source.is_stale)
    world.answer = jwks("b")
    world.turn(30)
    assert [["b"], None, True] == [world.ask_now("b"), world.source.last_error, world.source.is_fresh]


def test_a_process_that_slept_through_an_outage_asks_before_it_serves_stale_keys():
    """Refreshing failed once and was then not tried for long: the request waits for a try, and only then is served."""
    world = World(jwks("a"))
    world.ask()
    world.answer = FAILED
    world.turn(302)
    world.turn(1000, timers=False)
    assert None is world.ask_now()
    world.land()
    assert ["a"] == world.ask_now()


def test_retry_after_is_heeded():
    """An issuer that asks for patience gets it, up to a minute."""
    world = World(FetchFailed("status 429: not a success", 45.0))
    assert 45.0 == world.ask()
    world.turn(44, timers=False)
    assert [1.0, 1] == [world.ask(), world.fetches]


# Hanging


def test_a_hanging_fetch_is_unavailable_at_its_deadline():
    """Whoever has waited until the deadline gets 503; so does the next, at once; one fetch at a time."""
    world = World(jwks("a"))
    flight = world.flight()
    assert 5.0 == flight.remaining()
    world.turn(5)
    assert 0.0 == flight.remaining()
    with pytest.raises(KeysUnavailable) as caught:
        world.source.look_up("a", "RS256", flight)
    assert (2.0, False) == (caught.value.retry_after, flight.has_succeeded())
    assert [2.0, "timed out"] == [world.ask(), world.source.last_error]


def test_a_waiter_woken_a_little_early_finds_its_flight_overdue():
    """Timers are not exact: a moment before the deadline counts as the deadline."""
    world = World(jwks("a"))
    flight = world.flight()
    world.turn(4.99)
    with pytest.raises(KeysUnavailable):
        world.source.look_up("a", "RS256", flight)
    assert "timed out" == world.source.last_error


def test_a_waiter_that_gives_up_long_before_the_deadline_harms_nobody():
    """It gets 503; the flight goes on and lands for the others."""
    world = World(jwks("a"))
    flight = world.flight()
    with pytest.raises(KeysUnavailable) as caught:
        world.source.look_up("a", "RS256", flight)
    assert 1.0 == caught.value.retry_after
    world.land()
    assert [["a"], True] == [world.ask_now(), flight.has_succeeded()]


def test_a_hanging_refresh_harms_no_known_key():
    """Keys serve while the refresh hangs, and stale ones once it is overdue."""
    world = World(jwks("a"))
    world.ask()
    world.turn(297, timers=False)
    assert ["a"] == world.ask_now()
    world.turn(5, timers=False)
    assert [["a"], True, 1] == [world.ask_now(), world.source.is_stale, len(world.jobs)]


def test_what_lands_after_its_deadline_is_not_heard():
    """An answer that was given up cannot overwrite the newer one."""
    world = World(jwks("old"))
    world.ask_now()
    late = world.jobs.pop()
    world.turn(8, timers=False)
    world.ask_now()
    world.answer = jwks("new")
    world.ask("new")
    world.answer = jwks("old")
    late()
    assert [["new"], None] == [world.ask_now("new"), world.source.last_error]
    world.answer = FAILED
    late()
    assert [["new"], None] == [world.ask_now("new"), world.source.last_error]


def test_no_waiter_can_cancel_a_flight():
    """The shared future runs from its first moment: one cancelled task does not take the others along."""
    world = World(jwks("a"))
    flight = world.flight()
    assert [False, False] == [flight.future.cancel(), flight.future.cancelled()]


# Races and processes


def test_a_start_that_comes_too_late_takes_the_result_of_the_one_before():
    """Between a request's look and its start another flight may land: then nothing is fetched again."""
    world = World(jwks("a"))
    source = world.source
    seen = source._state
    world.ask()
    flight = source._begin(seen, world.now)
    assert (True, [], 1) == (flight.has_succeeded(), world.jobs, world.fetches)
    assert source._begin(source._state, world.now) is not flight


def test_without_a_thread_the_fetch_has_failed():
    """A process at its limit of threads says 503 and tries again later."""
    world = World(jwks("a"))

    def no_thread(job):
        raise RuntimeError("can't start new thread")

    world.source._launch = no_thread
    assert [2.0, "no thread can be started"] == [world.ask(), world.source.last_error]
    world.source._launch = world.jobs.append
    world.turn(2.0)
    assert ["a"] == world.ask_now()


def test_a_forked_child_does_not_wait_for_its_parents_fetch(monkeypatch):
    """The parent's thread does not exist in the child: the child starts a fetch of its own."""
    world = World(jwks("a"))
    in_parent = world.flight()
    world.jobs.clear()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    in_child = world.flight()
    assert in_parent is not in_child
    world.land()
    assert [["a"], 1] == [world.ask_now(), world.fetches]


def test_many_threads_make_one_fetch():
    """Real threads that ask at once: one flight wins, all get it."""
    world = World(jwks("a"))
    gate = threading.Barrier(16)
    found = []

    def ask():
        gate.wait()
        found.append(world.flight())

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (16, 1, 1) == (len(found), len(set(found)), len(world.jobs))


def test_a_source_that_is_gone_is_not_refreshed_for_ever():
    """The timer holds the source weakly."""
    world = World(jwks("a"))
    world.ask()
    del world.source
    gc.collect()
    world.turn(1000)
    assert (1, []) == (world.fetches, world.timers)


def test_a_timer_of_an_older_state_does_nothing():
    """After a refetch for a kid only the newest timer refreshes."""
    world = World(jwks("a"))
    world.ask()
    world.turn(100)
    world.ask("new")
    world.turn(145)
    assert 2 == world.fetches
    world.turn(100)
    assert 3 == world.fetches


# What is said


def test_failures_and_skipped_keys_are_logged_without_what_the_issuer_said(caplog):
    """The log names the issuer, our own reason, and each skipped key once; a bug of ours by its type alone."""
    caplog.set_level(logging.INFO, "jwtmw")
    document = {"keys": [jwk("rsa", kid="a"), jwk("rsa", 1, kid="b", d="SECRET")]}
    world = World(ZeroDivisionError("SECRET"))
    world.ask()
    world.answer = Fetched(document)
    world.turn(500)
    assert [
        ("WARNING", "issuer corp: keys cannot be refreshed: unexpected ZeroDivisionError"),
        (
            "WARNING",
            f"issuer corp: a published key is not used: keys[1]: {PRIVATE}",
        ),
        ("INFO", "issuer corp: keys are refreshed again"),
    ] == [(record.levelname, record.getMessage()) for record in caplog.records]
    assert "SECRET" not in caplog.text
