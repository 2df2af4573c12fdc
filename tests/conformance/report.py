"""The table as people read it: themes by drivers, and what was left out and why.

A plugin, loaded before anything is collected: where several processes share the tests, the one that prints collects
none. So the table itself is imported when it is printed.

Owns: the table's options, what is noted of a case, the printed summary.
Must never know: how a case is run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

Results = dict[tuple[str, str], str]
# Filled and emptied by the hooks below.
RESULTS: Results = {}
FULL, SOME, KEEP = "--conformance-table", "--conformance-drivers", "--conformance-keep"
NOTE = "conformance"
# So many drivers stand beside each other.
_ABREAST = 9


def pytest_addoption(parser: pytest.Parser) -> None:
    """What is run, and how much of it is printed."""
    parser.addoption(FULL, action="store_true", help="print the whole conformance table, a row for each case")
    parser.addoption(KEEP, action="store_true", help="write the tables of docs/conformance.md")
    parser.addoption(SOME, default="", metavar="NAMES", help="run cases through these drivers alone, parted by commas")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Collect what each driver made of each case."""
    if report.when == "call":
        notes: list[Any] = [value for name, value in report.user_properties if name == NOTE]
        RESULTS.update({(driver, case): outcome for driver, case, outcome in notes})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table, once."""
    if RESULTS:
        terminalreporter.section("conformance: cases passed of cases run, by theme and driver")
        for text in summary(RESULTS, full=bool(config.getoption(FULL, default=False))):
            terminalreporter.write_line(text)
        RESULTS.clear()


def skips() -> dict[tuple[str, str], str]:
    """Every pair that is left out, with the driver's reason."""
    from tests.conformance.cases import CASES
    from tests.conformance.drivers import DRIVERS

    pairs = ((name, case, driver.cannot(case)) for name, driver in DRIVERS.items() for case in CASES)
    return {(name, case.id): reason for name, case, reason in pairs if reason is not None}


def summary(results: Results, full: bool) -> Iterator[str]:
    """Lines for the terminal: passed of all that are run, by theme and driver; then the reasons for the rest."""
    from tests.conformance.cases import CASES, THEMES
    from tests.conformance.drivers import DRIVERS

    ran = sorted({name for name, _ in results}, key=list(DRIVERS).index)
    left_out = {pair: reason for pair, reason in skips().items() if pair[0] in ran}
    rows = {**THEMES, "all": CASES}
    for first in range(0, len(ran), _ABREAST):
        names = ran[first : first + _ABREAST]
        yield _line("theme", "cases", names)
        for theme, cases in rows.items():
            cells = [_cell([results.get((name, case.id), "-") for case in cases]) for name in names]
            yield _line(theme, str(len(cases)), cells)
    yield "left out:"
    for (reason, ids), names in sorted(_alike(left_out).items()):
        yield f"  {', '.join(names)}: {len(ids)} because {reason}"
        if full or len(ids) <= 12:
            yield from (f"      {case}" for case in ids)
    if full:
        yield from _rows(results, ran, left_out)


def _alike(left_out: dict[tuple[str, str], str]) -> dict[tuple[str, tuple[str, ...]], list[str]]:
    """The drivers that leave out the same cases for the same reason."""
    by_driver: dict[tuple[str, str], list[str]] = {}
    for (name, case), reason in left_out.items():
        by_driver.setdefault((name, reason), []).append(case)
    alike: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (name, reason), ids in by_driver.items():
        alike.setdefault((reason, tuple(ids)), []).append(name)
    return alike


def _rows(results: Results, ran: list[str], left_out: dict[tuple[str, str], str]) -> Iterator[str]:
    from tests.conformance.cases import CASES, THEME_OF

    yield ""
    yield "{:<70}{}".format("case", "  ".join(ran))
    for case in CASES:
        cells = ("left out" if (name, case.id) in left_out else results.get((name, case.id), "-") for name in ran)
        columns = "  ".join(f"{cell:<{len(name)}}" for name, cell in zip(ran, cells, strict=True))
        yield f"{THEME_OF[case.id] + '/' + case.id:<70}{columns}"


def _cell(outcomes: Iterable[str]) -> str:
    counted = Counter(outcomes)
    run = sum(count for outcome, count in counted.items() if outcome != "-")
    return f"{counted['passed']}/{run}"


def _line(first: str, second: str, cells: Iterable[str]) -> str:
    return f"  {first:<18}{second:>6}" + "".join(f"{cell:>29}" for cell in cells)
