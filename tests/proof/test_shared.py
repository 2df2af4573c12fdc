"""Used tokens in a store: asked in a thread, answered or refused in time, and never twice for one request."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from jwtmw.errors import ReplaysUnavailable, StoreFailed
from jwtmw.proof import shared
from jwtmw.proof.shared import UsedAnywhere
from jwtmw.proof.single_use import Spending

NOW = 1_800_000_000.0


class Kept:
    """A store in this process, which fails when it is told to."""

    def __init__(self) -> None:
        self.lasts: dict[str, float] = {}
        self.asked: list[str] = []
        self.fails: Exception | None = None

    def spend(self, key: str, lasts: float) -> bool:
        self.asked.append(key)
        if self.fails is not None:
            raise self.fails
        first = key not in self.lasts
        self.lasts.setdefault(key, lasts)
        return first


class Jobs(list[Callable[[], None]]):
    """What was launched, to be run when the test says so."""

    def run(self) -> None:
        for job in list(self):
            job()
        self.clear()


@pytest.fixture
def store() -> Kept:
    return Kept()


@pytest.fixture
def jobs() -> Jobs:
    return Jobs()


@pytest.fixture
def now() -> list[float]:
    """The monotonic time."""
    return [100.0]


@pytest.fixture
def used(store: Kept, jobs: Jobs, now: list[float]) -> UsedAnywhere:
    return UsedAnywhere(store, 2.0, clock=lambda: NOW, monotonic=lambda: now[0], launch=jobs.append)


def spent(used: UsedAnywhere, jobs: Jobs, key: str = "a", until: float = NOW + 60) -> bool | Spending:
    """As who waits for it."""
    spending = used.spend(key, until)
    assert isinstance(spending, Spending)
    jobs.run()
    return used.spend(key, until, spending)


def test_the_store_says_who_was_first(used: UsedAnywhere, jobs: Jobs, store: Kept) -> None:
    """Once yes, then no; it keeps a token as long as the token counts."""
    assert [True, False, True] == [spent(used, jobs, key) for key in "aab"]
    assert {"a": 60.0, "b": 60.0} == store.lasts


def test_what_has_expired_meanwhile_is_kept_no_negative_time(used: UsedAnywhere, jobs: Jobs, store: Kept) -> None:
    """The store adds what clocks may differ by."""
    spent(used, jobs, until=NOW - 1)
    assert {"a": 0.0} == store.lasts


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (StoreFailed("the store does not answer: X"), "the store does not answer: X"),
        (KeyError("a"), "unexpected KeyError"),
    ],
)
def test_a_store_that_fails_lets_nobody_pass(
    used: UsedAnywhere, jobs: Jobs, store: Kept, caplog: pytest.LogCaptureFixture, error: Exception, text: str
) -> None:
    """Whatever goes wrong there: nobody can say, and that is told in our own words."""
    store.fails = error
    with pytest.raises(ReplaysUnavailable):
        spent(used, jobs)
    assert [f"single use cannot be checked: {text}"] == caplog.messages


def test_nobody_waits_longer_than_the_timeout(used: UsedAnywhere, now: list[float]) -> None:
    """Who has waited in vain is refused, whatever the store does later."""
    spending = used.spend("a", NOW + 60)
    assert isinstance(spending, Spending)
    assert 2.0 == spending.remaining()
    now[0] += 2.0
    with pytest.raises(ReplaysUnavailable):
        used.spend("a", NOW + 60, spending)


def test_a_token_is_not_spent_for_who_has_given_up(
    used: UsedAnywhere, jobs: Jobs, store: Kept, now: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    """A job that comes to its turn too late does not ask: the caller may try again."""
    used.spend("a", NOW + 60)
    now[0] += 2.0
    jobs.run()
    assert [] == store.asked
    assert ["single use cannot be checked: nobody came to ask the store in time"] == caplog.messages


def test_too_many_are_refused_at_once(
    used: UsedAnywhere, store: Kept, jobs: Jobs, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A store that hangs piles nothing up."""
    monkeypatch.setattr(shared, "MOST_AT_ONCE", 1)
    monkeypatch.setattr(shared, "MOST_WAITING", 2)
    assert [Spending, Spending] == [type(used.spend(key, NOW + 60)) for key in "ab"]
    with pytest.raises(ReplaysUnavailable):
        used.spend("c", NOW + 60)
    assert ["single use cannot be checked: too many wait for the store"] == caplog.messages
    jobs.run()
    assert ["a", "b"] == store.asked


def test_without_a_thread_nobody_passes(store: Kept, caplog: pytest.LogCaptureFixture) -> None:
    """Where none can be started, that is said, and waited for by nobody."""

    def launch(job: object) -> None:
        raise RuntimeError

    used = UsedAnywhere(store, 2.0, clock=lambda: NOW, launch=launch)
    spending = used.spend("a", NOW + 60)
    assert isinstance(spending, Spending)
    assert spending.future.done()
    with pytest.raises(ReplaysUnavailable):
        used.spend("a", NOW + 60, spending)
    assert ["single use cannot be checked: no thread can be started"] == caplog.messages


def test_a_job_that_was_given_up_settles_nothing(store: Kept, jobs: Jobs) -> None:
    """Where no thread could be had it still stands in line: a later one runs it, and whoever was told, was told."""
    failing = [True]

    def launch(job: Callable[[], None]) -> None:
        if failing.pop():
            raise RuntimeError
        jobs.append(job)

    used = UsedAnywhere(store, 2.0, clock=lambda: NOW, launch=launch)
    given_up = used.spend("a", NOW + 60)
    failing.append(False)
    assert True is spent(used, jobs, "b")
    assert isinstance(given_up, Spending)
    assert (["a", "b"], None) == (store.asked, given_up.first)


def test_a_forked_child_has_threads_of_its_own(
    used: UsedAnywhere, jobs: Jobs, store: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parent's will never come to its line."""
    monkeypatch.setattr(shared, "MOST_AT_ONCE", 1)
    used.spend("a", NOW + 60)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    used.spend("b", NOW + 60)
    assert 2 == len(jobs)


def test_a_real_thread(store: Kept) -> None:
    """The process's own worker asks by default."""
    used = UsedAnywhere(store, 30.0, clock=lambda: NOW)
    spending = used.spend("a", NOW + 60)
    assert isinstance(spending, Spending)
    assert spending.future.result(30)
    assert True is used.spend("a", NOW + 60, spending)


def test_its_repr_shows_nothing(used: UsedAnywhere) -> None:
    """Neither store nor keys stand in a traceback."""
    assert "UsedAnywhere(...)" == repr(used)
