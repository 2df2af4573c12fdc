"""The clock that tests turn."""

from __future__ import annotations

import time

import pytest

from jwtmw.testing import Clock


def test_a_clock_stands_still() -> None:
    """Both times stay what they are until somebody turns the clock."""
    clock = Clock(1000)
    assert (1000, 0) == (clock.time(), clock.monotonic())
    assert (1000, 0) == (clock.time(), clock.monotonic())


def test_a_clock_starts_now_by_default() -> None:
    """Without a start the clock shows the time of its making."""
    before = time.time()
    assert before <= Clock().time() <= time.time()


def test_advancing_moves_both_times() -> None:
    """What passes on the wall clock passes on the monotonic one too."""
    clock = Clock(1000)
    clock.advance(2.5)
    clock.advance(0)
    assert (1002.5, 2.5) == (clock.time(), clock.monotonic())


def test_time_does_not_run_back() -> None:
    """A negative step is refused and changes nothing."""
    clock = Clock(1000)
    with pytest.raises(ValueError, match="time does not run back"):
        clock.advance(-1)
    assert (1000, 0) == (clock.time(), clock.monotonic())


def test_setting_the_wall_clock_leaves_monotonic_time_alone() -> None:
    """A corrected wall clock may go back; the monotonic one does not notice."""
    clock = Clock(1000)
    clock.set_time(10)
    assert (10, 0) == (clock.time(), clock.monotonic())


def test_repr_shows_the_time() -> None:
    """A failing assertion shows what time it was."""
    assert "Clock(1000)" == repr(Clock(1000))
