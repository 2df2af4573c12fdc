"""The table as people read it: themes by drivers, and what was left out and why.

Owns: the printed summary.
Must never know: how a case is run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import pytest

from tests.conformance.cases import CASES, THEME_OF, THEMES
from tests.conformance.drivers.registry import DRIVERS

Results = dict[tuple[str, str], str]
# Filled by the hooks below, wherever a conftest.py imports them.
RESULTS: Results = {}
FULL = "--conformance-table"


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Collect what each driver made of each case."""
    if report.when == "call" and "[" in report.nodeid and "conformance" in report.nodeid:
        case = report.nodeid.split("[", 1)[1].removesuffix("]")
        RESULTS.update({(name, case): str(outcome) for name, outcome in report.user_properties if name in DRIVERS})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table, once."""
    if RESULTS:
        terminalreporter.section("conformance: cases passed of cases run, by theme and driver")
        for text in summary(RESULTS, full=bool(config.getoption(FULL, default=False))):
            terminalreporter.write_line(text)
        RESULTS.clear()


def skips() -> dict[tuple[str, str], str]:
    """Every pair that is left out, with the driver's reason."""
    pairs = ((name, case, driver.cannot(case)) for name, driver in DRIVERS.items() for case in CASES)
    return {(name, case.id): reason for name, case, reason in pairs if reason is not None}


def summary(results: Results, full: bool) -> Iterator[str]:
    """Lines for the terminal: passed of all that are run, by theme and driver; then the reasons for the rest."""
    ran = sorted({name for name, _ in results}, key=list(DRIVERS).index)
    left_out = {pair: reason for pair, reason in skips().items() if pair[0] in ran}
    yield _line("theme", "cases", ran)
    for theme, cases in THEMES.items():
        cells = [_cell([results.get((name, case.id), "-") for case in cases]) for name in ran]
        yield _line(theme, str(len(cases)), cells)
    yield _line("all", str(len(CASES)), [_cell([results.get((name, case.id), "-") for case in CASES]) for name in ran])
    yield "left out:"
    for (name, reason), count in sorted(Counter((name, reason) for (name, _), reason in left_out.items()).items()):
        ids = [case for (other, case), why in left_out.items() if (other, why) == (name, reason)]
        yield f"  {name}: {count} because {reason}"
        if full or len(ids) <= 12:
            yield from (f"      {case}" for case in ids)
    if full:
        yield from _rows(results, ran, left_out)


def _rows(results: Results, ran: list[str], left_out: dict[tuple[str, str], str]) -> Iterator[str]:
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
    return f"  {first:<18}{second:>6}" + "".join(f"{cell:>20}" for cell in cells)
