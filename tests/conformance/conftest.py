"""The world of a run, and the table at its end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.report import FULL, pytest_runtest_logreport, pytest_terminal_summary
from tests.conformance.world import World

__all__ = ["pytest_addoption", "pytest_runtest_logreport", "pytest_terminal_summary", "world"]

# What it asserts is then shown with its values.
pytest.register_assert_rewrite("tests.conformance.checks")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option for the whole table; it is known where this directory is named on the command line."""
    parser.addoption(FULL, action="store_true", help="print the whole conformance table, a row for each case")


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    """The world, closed when the run ends."""
    world = World()
    yield world
    world.close()
