"""The world of a run, and the table at its end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.drivers import DRIVERS
from tests.conformance.report import Results, summary
from tests.conformance.world import World

RESULTS: Results = {}
FULL = "--conformance-table"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(FULL, action="store_true", help="print the whole conformance table, a row for each case")


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    """The world, closed when the run ends."""
    world = World()
    yield world
    world.close()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Collect what each driver made of each case."""
    if report.when == "call" and "[" in report.nodeid and "conformance" in report.nodeid:
        case = report.nodeid.split("[", 1)[1].removesuffix("]")
        RESULTS.update({(name, case): str(outcome) for name, outcome in report.user_properties if name in DRIVERS})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if RESULTS:
        terminalreporter.section("conformance: cases passed of cases run, by theme and driver")
        for text in summary(RESULTS, full=bool(config.getoption(FULL, default=False))):
            terminalreporter.write_line(text)
