"""The conformance table over real servers: what they make of a request is judged, and refused, alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.conformance import page
from tests.conformance.cases import CASES, THEME_OF
from tests.conformance.checks import run_everywhere
from tests.conformance.drivers import DRIVERS
from tests.conformance.report import KEEP, skips
from tests.conformance.schema import Case
from tests.conformance.world import World
from tests.system.servers import drivers
from tests.system.test_conformance_wire import WIRED

pytestmark = pytest.mark.system
FIRST = [DRIVERS[name] for name in drivers.FIRST]
OTHERS = [DRIVERS[name] for name in drivers.OTHERS]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """A world of its own, and the servers in it."""
    world = World()
    yield world
    drivers.FLEET.close()
    world.close()


def chosen(kind: Callable[[Case], object]) -> list[Case]:
    """The first case of each kind that a server can be asked."""
    found: dict[object, Case] = {}
    for case in CASES:
        if any(driver.cannot(case) is None for driver in FIRST):
            found.setdefault(kind(case), case)
    return list(found.values())


def outcome(case: Case) -> tuple[object, ...]:
    """For most themes a server cannot know what else a case is about."""
    return THEME_OF[case.id], case.expect.code, case.expect.reason, case.request.chunked


def outcome_on_the_wire(case: Case) -> tuple[object, ...]:
    """Of the themes in which a server has a hand there is more, and all of those in which it writes headers."""
    more = {"identity": case.id, "hiding": case.id, "proofs": case.id, "paths": case.request.target}
    policy = case.policy if THEME_OF[case.id] in ON_THE_WIRE else ""
    return *outcome(case), more.get(THEME_OF[case.id], policy)


ON_THE_WIRE = {"extraction", "methods_cors", "errors", "marks", "websocket", "cookies"}
CHOSEN = chosen(outcome_on_the_wire)
BY_ALL = {case.id for case in chosen(outcome)}


def test_what_is_left_out_has_a_reason() -> None:
    """A reader can judge it, and most of the table can be asked of every server's first surface but for the marks."""
    left_out = skips()
    names = (*drivers.FIRST, *drivers.OTHERS)
    assert [] == [pair for pair, reason in left_out.items() if pair[0] in names and len(reason.split()) < 4]
    for driver in FIRST:
        ours = [reason for (name, _), reason in left_out.items() if name == driver.name and "marks" not in reason]
        assert len(ours) < len(CASES) / 4


def test_the_docs_keep_the_table(request: pytest.FixtureRequest) -> None:
    """docs/conformance.md says how many cases each server is asked (`--conformance-keep` writes it)."""
    some = [case for case in CHOSEN if case.id in BY_ALL]
    asked = [
        *((driver, CASES) for driver in WIRED),
        *((each, CHOSEN) for each in FIRST),
        *((each, some) for each in OTHERS),
    ]
    lines = list(page.by_server(asked))
    if request.config.getoption(KEEP):
        page.keep(page.ON_THE_WIRE, lines)
    assert lines == page.kept(page.ON_THE_WIRE)


@pytest.mark.parametrize("case", CHOSEN, ids=lambda case: case.id)
def test_case(case: Case, world: World, record_property: Callable[[str, object], None]) -> None:
    """The case ends on the wire of every server as it does in process, byte for byte alike."""
    others = OTHERS if case.id in BY_ALL else []
    failures = run_everywhere(case, [DRIVERS["starlette"], *FIRST, *others], world, record_property, twice=False)
    if failures:
        pytest.fail("\n\n".join(failures), pytrace=False)
