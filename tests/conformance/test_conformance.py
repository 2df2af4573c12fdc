"""Every case through every driver in this process, and what must hold for the table itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from jwtmw import Reason
from tests.conformance import page
from tests.conformance.cases import CASES, THEMES
from tests.conformance.checks import run_everywhere
from tests.conformance.drivers import DRIVERS, Driver
from tests.conformance.policies import POLICIES
from tests.conformance.report import KEEP, SOME, skips
from tests.conformance.schema import Case
from tests.conformance.world import World

PLAIN, DJANGO = ("engine", "asgi", "wsgi"), ("django-wsgi", "django-asgi-sync", "django-asgi-async")
STARLETTE = ("starlette", "starlette-protect", "fastapi")
IN_PROCESS = [DRIVERS[name] for name in (*PLAIN, *STARLETTE, "flask", *DJANGO, "forward-auth")]
# Reasons that no request alone can bring about, or only one to a gateway's endpoint: tests/gateway has those.
UNREACHABLE = {Reason.INTERNAL, Reason.HEADER_AMBIGUOUS}


@pytest.fixture(scope="session")
def drivers(request: pytest.FixtureRequest) -> list[Driver]:
    """All of this process, or those that the command line names."""
    names = request.config.getoption(SOME)
    return [DRIVERS[name] for name in names.split(",")] if names else IN_PROCESS


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_case(case: Case, drivers: list[Driver], world: World, record_property: Callable[[str, object], None]) -> None:
    """The case ends as the table says on every surface, byte for byte alike, also when it is sent again."""
    failures = run_everywhere(case, drivers, world, record_property)
    if failures:
        pytest.fail("\n\n".join(failures), pytrace=False)


def test_ids_are_unique() -> None:
    """A case is found by its name."""
    assert [] == [name for name, count in Counter(case.id for case in CASES).items() if count > 1]


def test_nothing_is_left_out_silently() -> None:
    """Whatever a driver leaves out has a reason that a reader can judge, and most of the table runs everywhere."""
    left_out = skips()
    assert [] == [pair for pair, reason in left_out.items() if len(reason.split()) < 4]
    for driver in IN_PROCESS:
        assert sum(name == driver.name for name, _ in left_out) < len(CASES) / 5


def test_every_reason_has_a_case() -> None:
    """Each reason that the engine can give is brought about by a case."""
    named = {case.expect.reason for case in CASES}
    assert set() == set(Reason) - named - UNREACHABLE


def test_every_policy_is_used() -> None:
    """A policy that no case asks about proves nothing."""
    assert set() == POLICIES.keys() - {case.policy for case in CASES}


def test_every_theme_lets_in_and_keeps_out() -> None:
    """A table of refusals alone would be passed by a wall."""
    assert [] == [theme for theme, cases in THEMES.items() if len({case.expect.passes for case in cases}) < 2]


def test_the_docs_keep_the_table(request: pytest.FixtureRequest) -> None:
    """docs/conformance.md says how many cases each surface is asked (`--conformance-keep` writes it)."""
    lines = list(page.by_theme(IN_PROCESS))
    if request.config.getoption(KEEP):
        page.keep(page.IN_PROCESS, lines)
    assert lines == page.kept(page.IN_PROCESS)
