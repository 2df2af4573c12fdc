"""The campaign's table: as people read it in a terminal, and as the docs keep it.

Owns: both forms, and which of their columns depend on time.
Must never know: how a row is run.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.faults.campaign import DRIVERS, PAIRS, Run
from tests.faults.drivers import Result
from tests.faults.modes import MODES, STATES, Mode, counted
from tests.faults.rows import Observed

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
_HEADER = (
    *("fault", "state before", "known key", "new key", "requests", "keys afterwards", "last error"),
    *("longest wait, threads", "longest wait, asyncio"),
)
_TIMED = 2
_START, _END = "<!-- table -->\n", "<!-- end of table -->\n"


def summary(run: Run) -> Iterator[str]:
    """A line for each fault: what known and new keys got, and the requests that the issuer saw, by state before."""
    yield f"{'fault':<44}{'cold':<18}{'warm':<24}{'stale':<24}longest wait"
    for mode in MODES:
        cells = [_cell(run, mode, state) for state in STATES]
        yield f"{mode.name:<44}{cells[0]:<18}{cells[1]:<24}{cells[2]:<24}{_longest(run, mode)}"
    yield ""
    yield f"{len(counted())} faults that can fail, of {len(MODES)}; {len(run.results)} rows in {run.took:.0f} s"
    for driver in DRIVERS:
        of_driver = [run.results[mode.name, state, driver] for mode, state in PAIRS]
        rows = [row for row in of_driver if isinstance(row, Observed)]
        waited, at_once = max(row.waited for row in rows), max(row.at_once for row in rows)
        yield f"{driver}: longest wait {_ms(waited)} (time limit {_ms(run.timeout)}), with a known key {_ms(at_once)}"
    yield f"event loop: longest stall {_ms(run.stall)}"


def _cell(run: Run, mode: Mode, state: str) -> str:
    result = run.results[mode.name, state, DRIVERS[0]]
    if not isinstance(result, Observed):
        return type(result).__name__
    columns = result.columns
    return " ".join(text for text in (columns.known, columns.new, f"({columns.requests})") if text != "-")


def _longest(run: Run, mode: Mode) -> str:
    rows = [run.results[mode.name, state, driver] for state in STATES for driver in DRIVERS]
    return _ms(max((row.waited for row in rows if isinstance(row, Observed)), default=0.0))


def lines(run: Run) -> Iterator[str]:
    """The table of the docs."""
    yield _line(_HEADER)
    yield _line(["---"] * len(_HEADER))
    for mode, state in PAIRS:
        first, *others = (run.results[mode.name, state, driver] for driver in DRIVERS)
        yield _line([mode.name, *_columns(first), *(_waited(each) for each in (first, *others))])


def _columns(result: Result) -> list[str]:
    assert isinstance(result, Observed)
    known, new, requests, keys, why = result.columns
    return [result.before, known, new, str(requests), keys, why]


def _waited(result: Result) -> str:
    assert isinstance(result, Observed)
    return _ms(result.waited)


def untimed(table: Iterator[str] | list[str]) -> list[str]:
    """The lines without the columns that depend on time."""
    return [line.rsplit("|", _TIMED + 1)[0] for line in table]


def kept() -> list[str]:
    """The table's lines in the docs."""
    return _parts()[1].splitlines()


def keep(run: Run) -> None:
    """Write the run's table into the docs."""
    before, _, after = _parts()
    PAGE.write_text(before + "\n".join(lines(run)) + "\n" + after, encoding="utf-8")


def _parts() -> tuple[str, str, str]:
    text = PAGE.read_text(encoding="utf-8")
    start, end = text.index(_START) + len(_START), text.index(_END)
    return text[:start], text[start:end], text[end:]


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
