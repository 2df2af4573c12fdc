"""This service's own token through logins, renewals, refusals and outages: no thread, no socket, no sleep."""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Callable
from math import inf
from time import monotonic

import pytest

from jwtmw.issuers.fetch import HttpSettings
from jwtmw.issuers.source import Flight
from jwtmw.vault.login import Lease
from jwtmw.vault.server import Server, VaultFailed
from jwtmw.vault.service_token import ServiceToken

HOUR = 3600.0
REFUSAL = VaultFailed("status 400: no", 400)
OUTAGE = VaultFailed("status 503: sealed", 503)


class World:
    """A clock to turn, a Vault that answers what it is told to, and flights that land when they are told to."""

    makes_tokens = True

    def __init__(self, duration: float = HOUR, renewable: bool = True, jitter: float = 0.0) -> None:
        self.now = 1000.0
        self.duration = duration
        self.renewable = renewable
        self.login_fails: Exception | None = None
        self.renewal: float | Exception = duration
        self.done: list[str] = []
        self.jobs: list[Callable[[], None]] = []
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self.token = ServiceToken(
            Server("main", "https://vault.example", http=HttpSettings(timeout=5)),
            self,
            renew=self.renew,
            clock=lambda: self.now,
            launch=self.jobs.append,
            later=lambda delay, job: self.timers.append((self.now + delay, job)),
            jitter=lambda: jitter,
        )

    def __call__(self, server: Server, deadline: float) -> Lease:
        self.done.append("login")
        if self.login_fails:
            raise self.login_fails
        return Lease(f"token-{self.done.count('login')}", self.duration, self.renewable)

    def renew(self, server: Server, token: str, deadline: float) -> Lease:
        self.done.append(f"renew {token}")
        if isinstance(self.renewal, Exception):
            raise self.renewal
        return Lease(token, self.renewal, self.renewable)

    def land(self) -> None:
        """Run the flights that have been launched."""
        jobs, self.jobs[:] = self.jobs[:], []
        for job in jobs:
            job()

    def logged_in(self) -> Lease:
        """The token, after a login if there is none."""
        found = self.token.look_up()
        if isinstance(found, Flight):
            self.land()
            found = self.token.look_up(found)
        assert isinstance(found, Lease)
        return found

    def pass_until(self, instant: float) -> None:
        """Let the time pass, with every timer that is due on the way."""
        while due := [timer for timer in self.timers if timer[0] <= instant]:
            at, job = min(due, key=lambda timer: timer[0])
            self.timers.remove((at, job))
            self.now = max(self.now, at)
            job()
            self.land()
        self.now = instant


def unavailable(world: World, after: Flight | None = None) -> str:
    with pytest.raises(VaultFailed) as caught:
        world.token.look_up(after)
    return caught.value.reason


def test_nothing_happens_before_the_token_is_needed() -> None:
    """No login, no thread, no timer."""
    world = World()
    assert ([], [], []) == (world.done, world.jobs, world.timers)


def test_one_login_for_all_who_wait() -> None:
    """Whoever comes while one is under way waits for that one."""
    world = World()
    flights = [world.token.look_up() for _ in range(3)]
    assert isinstance(flights[0], Flight)
    assert [flights[0]] * 3 == flights
    world.land()
    assert ["login"] == world.done
    assert ["token-1"] * 3 == [world.token.look_up(flights[0]).token for _ in flights]  # type: ignore[union-attr]


def test_a_token_is_renewed_at_two_thirds_of_its_life_though_nobody_asks() -> None:
    """Again and again, and the same token serves."""
    world = World()
    world.logged_in()
    world.pass_until(1000 + 2399)
    assert ["login"] == world.done
    world.pass_until(1000 + 3 * HOUR)
    assert ["login", *["renew token-1"] * 4] == world.done
    assert "token-1" == world.logged_in().token


def test_jitter_brings_a_renewal_forward() -> None:
    """A fleet that started together does not renew together."""
    world = World(jitter=1.0)
    world.logged_in()
    assert [1000 + 2400 * 0.9] == [round(at, 3) for at, _ in world.timers]


def test_the_old_token_serves_while_it_is_renewed() -> None:
    """Nobody waits for a renewal."""
    world = World()
    world.logged_in()
    world.now += 2500
    assert "token-1" == world.token.look_up().token  # type: ignore[union-attr]
    assert 1 == len(world.jobs)


@pytest.mark.parametrize("renewal", [REFUSAL, HOUR / 2 - 1], ids=["refused", "near-its-maximum"])
def test_a_token_that_cannot_be_renewed_is_replaced(renewal: float | Exception) -> None:
    """A renewal that is refused, or gives less than half, is followed by a login at once."""
    world = World()
    world.logged_in()
    world.renewal = renewal
    world.pass_until(1000 + 2400)
    assert ["login", "renew token-1", "login"] == world.done
    assert "token-2" == world.logged_in().token


def test_a_token_that_is_not_renewable_is_replaced_ahead_of_its_end() -> None:
    """A batch token, or a given one of which is asked again how long it lives."""
    world = World(renewable=False)
    world.logged_in()
    world.pass_until(1000 + 2400)
    assert ["login", "login"] == world.done


def test_a_token_for_ever_is_never_renewed() -> None:
    """A root token has no lease."""
    world = World(duration=inf, renewable=False)
    world.logged_in()
    assert [] == world.timers
    world.now += 10**9
    assert "token-1" == world.logged_in().token


def test_an_outage_while_renewing_is_ridden_out(caplog: pytest.LogCaptureFixture) -> None:
    """The token serves to its end, tries are repeated with a growing pause, and it is told once it is over."""
    caplog.set_level(logging.INFO)
    world = World()
    world.logged_in()
    world.renewal = OUTAGE
    world.pass_until(1000 + 2400 + 60)
    assert ["login", *["renew token-1"] * 6] == world.done
    assert "token-1" == world.logged_in().token
    world.renewal = HOUR
    world.pass_until(1000 + 2400 + 120)
    assert "vault main: no token could be had: status 503: sealed" == caplog.messages[0]
    assert "vault main: this service has a token again" == caplog.messages[-1]


def test_after_its_end_a_token_is_worth_nothing() -> None:
    """With the Vault away all the time there is none, and it says why; with the Vault back there is one."""
    world = World()
    world.logged_in()
    world.renewal = world.login_fails = OUTAGE
    world.pass_until(1000 + HOUR + 30)
    flight = world.token.look_up()
    assert isinstance(flight, Flight)
    world.land()
    assert "this service has no token there: status 503: sealed" == unavailable(world, flight)
    world.login_fails = None
    world.now += 30
    assert "token-3" == world.logged_in().token


def test_a_refused_login_is_not_repeated_at_once() -> None:
    """Who waited hears of it, who comes later does not wait, and the next try comes after the pause."""
    world = World()
    world.login_fails = REFUSAL
    flight = world.token.look_up()
    assert isinstance(flight, Flight)
    world.land()
    told = "this service has no token there: status 400: no; check the credentials of [vault.main]"
    assert [told] * 2 == [unavailable(world, flight), unavailable(world)]
    assert 1 == len(world.done)
    world.now += 2
    assert isinstance(world.token.look_up(), Flight)


def test_without_a_token_no_timer_asks_for_one() -> None:
    """A Vault that refuses is asked only as long as somebody wants something of it."""
    world = World()
    world.login_fails = REFUSAL
    world.token.look_up()
    world.land()
    world.pass_until(world.now + 100)
    assert ["login"] == world.done


def test_a_refused_token_is_replaced() -> None:
    """Revoked before its time: a login, not a renewal."""
    world = World()
    lease = world.logged_in()
    world.now += 31
    assert world.token.refuse(lease)
    assert isinstance(world.token.look_up(), Flight)
    world.land()
    assert (["login", "login"], "token-2") == (world.done, world.logged_in().token)
    assert world.token.refuse(lease), "another has replaced it meanwhile"
    assert "token-2" == world.logged_in().token


def test_a_fresh_token_that_is_refused_is_not_replaced() -> None:
    """It lacks a right, and so would the next one."""
    world = World()
    lease = world.logged_in()
    world.now += 29
    assert not world.token.refuse(lease)
    assert lease == world.token.look_up()
    assert ["login"] == world.done


def test_a_very_short_lease_makes_no_hot_loop() -> None:
    """Nothing is renewed within five seconds of the last time: then whoever needs it logs in."""
    world = World(duration=1.0)
    world.logged_in()
    world.pass_until(1004)
    assert ["login"] == world.done
    assert "token-2" == world.logged_in().token
    world.pass_until(1100)
    assert ["login", "login"] == world.done


@pytest.mark.parametrize("late", [None, REFUSAL], ids=["lands", "fails"])
def test_an_overdue_login_fails_and_is_not_heard_later(late: Exception | None) -> None:
    """Nothing waits for ever."""
    world = World()
    world.login_fails = late
    flight = world.token.look_up()
    assert isinstance(flight, Flight)
    world.now += 5
    assert "this service has no token there: timed out" == unavailable(world, flight)
    world.land()
    assert "this service has no token there: timed out" == unavailable(world)


def test_a_bug_is_told_to_whoever_waits() -> None:
    """By the name of its type alone."""
    world = World()
    world.login_fails = ZeroDivisionError("secret")
    flight = world.token.look_up()
    world.land()
    assert isinstance(flight, Flight)
    assert "this service has no token there: unexpected ZeroDivisionError" == unavailable(world, flight)


def test_without_a_thread_the_login_fails() -> None:
    """As where a limit is reached."""
    world = World()

    def launch(job: Callable[[], None]) -> None:
        raise RuntimeError

    world.token._launch = launch
    flight = world.token.look_up()
    assert isinstance(flight, Flight)
    assert "this service has no token there: no thread can be started" == unavailable(world, flight)


def test_a_login_that_landed_between_look_and_start_is_the_answer() -> None:
    """Two threads found no token; one was through before the other began."""
    world = World()
    seen = world.token._state
    world.logged_in()
    flight = world.token._begin(seen, world.now)
    assert flight.has_succeeded()
    assert ["login"] == world.done


def test_a_forked_child_does_not_wait_for_its_parents_login(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parent's flight will never land there."""
    world = World()
    parents = world.token.look_up()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    childs = world.token.look_up()
    assert isinstance(childs, Flight)
    assert parents is not childs


def test_a_token_that_is_not_in_use_any_more_is_not_renewed() -> None:
    """The timer holds it weakly."""
    world = World()
    world.logged_in()
    ((_, job),) = world.timers
    del world.token
    gc.collect()
    job()
    assert [] == world.jobs


def test_a_timer_of_an_older_state_does_nothing() -> None:
    """Only the last one that was set counts."""
    world = World()
    world.logged_in()
    world.now += 2500
    world.token.look_up()
    world.land()
    for _, job in world.timers[:1]:
        job()
    assert ["login", "renew token-1"] == world.done
    assert [] == world.jobs


def test_whoever_asks_for_requests_waits_no_longer_than_the_deadline() -> None:
    """`wait` blocks until the login has landed, or the deadline is over."""
    world = World()
    with pytest.raises(VaultFailed, match="the login takes too long"):
        world.token.wait(monotonic())
    world.land()
    assert "token-1" == world.token.wait(monotonic()).token


def test_nothing_secret_is_shown(caplog: pytest.LogCaptureFixture) -> None:
    """Neither the state nor the log shows a token."""
    caplog.set_level(logging.DEBUG)
    world = World()
    world.logged_in()
    assert "token-1" not in repr(world.token._state) + repr(vars(world.token)) + caplog.text
