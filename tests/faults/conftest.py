"""The campaign, run once.

`--faults-long` gives each fetch the time that services give it; `--faults-keep` writes the table into the docs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.faults import campaign, table
from tests.faults.keyserver import KeyServer

LONG, KEEP = "--faults-long", "--faults-keep"
SHORT_TIMEOUT, LONG_TIMEOUT = 1.0, 5.0


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(LONG, action="store_true", help=f"http.timeout = {LONG_TIMEOUT:g} instead of {SHORT_TIMEOUT:g}")
    parser.addoption(KEEP, action="store_true", help="write the table of faults into the docs")


@pytest.fixture(scope="session")
def campaign_run(request: pytest.FixtureRequest) -> campaign.Run:
    """Every fault in every state by both drivers."""
    long = request.config.getoption(LONG, default=False)
    run = campaign.run(LONG_TIMEOUT if long else SHORT_TIMEOUT)
    if request.config.getoption(KEEP, default=False):
        table.keep(run)
    return run


@pytest.fixture
def key_server() -> Iterator[KeyServer]:
    """A key server of the test's own."""
    with KeyServer() as server:
        yield server


@pytest.fixture
def figures(printed: Callable[[str, str], None]) -> Callable[[str], None]:
    """What it is called with is printed at the end of the run."""
    return lambda text: printed("waits and stalls", text)
