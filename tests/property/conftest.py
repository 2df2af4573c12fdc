"""How many draws, and what they came to.

`--property-draws N` draws N times instead of a few, with other draws in each run.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.property.checks import Tally
from tests.property.surfaces.wire import close_loop

DRAWS, SEED, AMONG = "--property-draws", "--property-seed", "--property-surfaces"
TALLY = Tally()


def pytest_addoption(parser: pytest.Parser) -> None:
    """They are known where this directory is named on the command line."""
    parser.addoption(DRAWS, type=int, default=0, help="how many draws; default: a few, the same in each run")
    parser.addoption(AMONG, default="", help="the surfaces that are compared, with commas between; default: all")
    parser.addoption(SEED, type=int, default=0, help="where the draws of a long run begin")


@pytest.fixture(scope="session", autouse=True)
def event_loop() -> Iterator[None]:
    """The loop of all draws, closed when the run ends."""
    yield
    close_loop()


@pytest.fixture
def tally() -> Tally:
    """What is counted there is printed at the end of the run."""
    return TALLY


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if TALLY.draws:
        terminalreporter.section("property: draws, and requests by surface and by outcome")
        terminalreporter.write_line(str(TALLY))
