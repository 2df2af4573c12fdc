"""The fault campaign: every way in which an issuer can fail, in every state of the keys, by both drivers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults import table
from tests.faults.campaign import DRIVERS, PAIRS, PATIENCE, Run
from tests.faults.modes import MODES, STATES, Mode, counted
from tests.faults.rows import Observed

# How much later than at its deadline, or than at once, a request may be answered on a machine that is busy. Less than
# a deadline, so that waiting for an issuer shows.
LATE = 0.9
AT_ONCE = 0.9
BEFORE = {"cold": "none", "warm": "fresh", "stale": "stale"}


def observed(run: Run, mode: Mode, state: str, driver: str) -> Observed:
    result = run.results[mode.name, state, driver]
    if isinstance(result, Exception):
        raise result
    return result


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize(("mode", "state"), PAIRS, ids=[f"{mode.name}-{state}" for mode, state in PAIRS])
def test_a_fault(campaign_run: Run, mode: Mode, state: str, driver: str) -> None:
    """Callers get what the table says, in time; known keys at once; and once the issuer is mended, all is well."""
    row = observed(campaign_run, mode, state, driver)
    assert BEFORE[state] == row.before
    assert mode.expected[state] == row.columns
    assert ("200", "200") == row.after_repair
    assert row.waited < (campaign_run.timeout + LATE if mode.slow else PATIENCE)
    assert row.at_once < AT_ONCE


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode.slow], ids=lambda mode: mode.name)
def test_a_slow_fault_is_slow(campaign_run: Run, mode: Mode) -> None:
    """Whoever had to wait was answered at the deadline and not before: these rows do measure waiting."""
    for state in STATES:
        for driver in DRIVERS:
            assert observed(campaign_run, mode, state, driver).waited > campaign_run.timeout * 0.8


def test_the_event_loop_is_never_kept_waiting(campaign_run: Run) -> None:
    """No fetch, however it fails, keeps the event loop from a task that is due."""
    assert campaign_run.stall < AT_ONCE


def test_forty_faults_can_fail() -> None:
    """A mode that no row tells from a sound issuer is not counted."""
    assert len(counted()) >= 40
    assert len(MODES) == len({mode.name for mode in MODES})


def test_the_docs_keep_the_table(campaign_run: Run, printed: Callable[[str, str], None]) -> None:
    """docs/faults.md has this run's rows, but for the waits (`pytest tests/faults --faults-keep` writes them)."""
    title = "faults: what a known and a new key got (requests that the issuer saw)"
    printed(title, "\n".join(table.summary(campaign_run)))
    assert table.untimed(table.lines(campaign_run)) == table.untimed(table.kept())
