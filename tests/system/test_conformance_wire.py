"""The conformance table over real sockets, every case byte for byte on the wire."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.cases import CASES
from tests.conformance.checks import run_everywhere
from tests.conformance.drivers import DRIVERS
from tests.conformance.report import skips
from tests.conformance.schema import Case
from tests.conformance.world import World
from tests.system import wire

pytestmark = pytest.mark.system
WIRED = [DRIVERS[name] for name in ("uvicorn-h11", "uvicorn-httptools")]


@pytest.fixture(scope="module", autouse=True)
def _servers() -> Iterator[None]:
    yield
    wire.SERVERS.close()


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """A world of its own."""
    world = World()
    yield world
    world.close()


@pytest.mark.parametrize("case", [case for case in CASES if wire.cannot(case) is None], ids=lambda case: case.id)
def test_case(case: Case, world: World, record_property: pytest.RecordProperty) -> None:
    """The case ends over the wire as it does in process, with both parsers, byte for byte alike."""
    failures = run_everywhere(case, [DRIVERS["starlette"], *WIRED], world, record_property)
    if failures:
        pytest.fail("\n\n".join(failures), pytrace=False)


def test_most_of_the_table_is_sent() -> None:
    """What is left out has a reason, and is the smaller part."""
    for driver in WIRED:
        left_out = {case: reason for (name, case), reason in skips().items() if name == driver.name}
        assert [] == [case for case, reason in left_out.items() if len(reason.split()) < 4]
        assert len(left_out) < len(CASES) / 4
