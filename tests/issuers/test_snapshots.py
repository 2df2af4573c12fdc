"""How long keys serve: every duration of the key source, as arithmetic on instants."""

from __future__ import annotations

from math import inf

import pytest

from jwtmw.issuers.keys import KeySet
from jwtmw.issuers.snapshot import Snapshot, Timing
from tests.issuers.material import key

KEYS = KeySet([key("rsa", kid="a")])
OTHER = KeySet([key("rsa", kid="b")])
TIMING = Timing(ttl=300, max_stale=3600, cooldown=30, timeout=5)


def landed(snapshot=None, timing=TIMING, keys=KEYS, max_age=None, started=1000.0, jitter=0.0):
    return (snapshot or Snapshot()).landed(
        timing, keys=keys, etag='"e"', max_age=max_age, started=started, jitter=jitter
    )


LIFETIMES = {
    "without max-age": (300, None, 300),
    "max-age shortens": (300, 60, 60),
    "max-age never lengthens": (300, 10**12, 300),
    "max-age 0": (300, 0, 30),
    "max-age under 30 s": (300, 7, 30),
    "a shorter ttl than 30 s": (10, 0, 10),
}


@pytest.mark.parametrize(("ttl", "max_age", "expected"), LIFETIMES.values(), ids=LIFETIMES)
def test_time_to_live(ttl, max_age, expected):
    """The ttl is the bound; max-age shortens it, not below 30 s; it counts from the start of the fetch."""
    snapshot = landed(timing=Timing(ttl=ttl), max_age=max_age)
    assert (1000 + expected, 1000 + expected) == (snapshot.fresh_until, snapshot.serve_until)


AHEAD = {
    "a fifth before the end": (300, 5, 0.0, 240),
    "earlier by jitter": (300, 5, 1.0, 216),
    "early enough for a slow fetch": (30, 5, 0.0, 20),
    "but not before half the time": (8, 5, 0.0, 4),
}


@pytest.mark.parametrize(("ttl", "timeout", "jitter", "expected"), AHEAD.values(), ids=AHEAD)
def test_refresh_ahead(ttl, timeout, jitter, expected):
    """Keys are refreshed while they still serve, so early that a hanging fetch is over in time."""
    assert 1000 + expected == landed(timing=Timing(ttl=ttl, timeout=timeout), jitter=jitter).refresh_at


def test_the_generation_changes_with_the_keys_alone():
    """Equal keys keep the generation and the very objects; other keys are a new generation; serial always moves."""
    first = landed()
    again = landed(first, keys=KeySet([key("rsa", kid="a")]))
    other = landed(again, keys=OTHER)
    assert [(1, 1), (2, 1), (3, 2)] == [(one.serial, one.generation) for one in (first, again, other)]
    assert first.keys is again.keys


BACK_OFF = {
    "first": (0, 0.0, 2),
    "first, jitter": (0, 1.0, 1),
    "second": (1, 0.0, 4),
    "second, jitter": (1, 1.0, 2),
    "fourth": (3, 0.0, 16),
    "fifth": (4, 0.0, 30),
    "fifth, jitter": (4, 1.0, 15),
    "thousandth": (999, 0.0, 30),
}


@pytest.mark.parametrize(("failures", "jitter", "expected"), BACK_OFF.values(), ids=BACK_OFF)
def test_back_off(failures, jitter, expected):
    """The wait doubles from 1 to 30 s, with jitter."""
    snapshot = Snapshot(failures=failures).failed(TIMING, "error", None, 1000, jitter)
    assert (1000 + expected, failures + 1) == (snapshot.retry_at, snapshot.failures)


@pytest.mark.parametrize(("asked", "expected"), [(None, 2), (0, 2), (1, 2), (45, 45), (10**9, 60)])
def test_retry_after_is_heeded_up_to_a_minute(asked, expected):
    """Retry-After lengthens the wait, to 60 s at most, and never shortens it."""
    assert 1000 + expected == Snapshot().failed(TIMING, "error", asked, 1000, 0.0).retry_at


STALE = {
    "a failure in good time changes nothing": (1250, 1300),
    "a failure near the end bridges until the next try is over": (1299, 1299 + 2 + 10),
    "a failure long after the end": (2000, 2000 + 2 + 10),
    "never beyond max_stale": (4899, 4900),
    "after max_stale": (9000, 4900),
}


@pytest.mark.parametrize(("at", "expected"), STALE.values(), ids=STALE)
def test_stale_keys_serve_only_while_refreshing_fails(at, expected):
    """A failure lengthens the service to the end of the next try, never beyond max_stale after the ttl."""
    failed = landed().failed(TIMING, "error", None, at, 0.0)
    assert (expected, 1300, KEYS) == (failed.serve_until, failed.fresh_until, failed.keys)


def test_no_keys_never_serve():
    """A failure without any keys at hand serves nothing."""
    assert -inf == Snapshot().failed(TIMING, "error", None, 1000, 0.0).serve_until


def test_a_landing_ends_back_off_and_error_but_not_the_cool_down():
    """Success clears what failures left; the cool-down of unknown kids runs on."""
    failed = Snapshot().failed(TIMING, "error", 60, 1000, 0.0).cooling(1030)
    after = landed(failed)
    assert (0, None, -inf, 1030) == (after.failures, after.last_error, after.retry_at, after.cool_until)
