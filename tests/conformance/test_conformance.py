"""Every case through every driver in this process, and what must hold for the table itself."""

from __future__ import annotations

from collections import Counter

import pytest

from jwtmw import Reason
from tests.conformance import drivers
from tests.conformance.cases import CASES, THEMES
from tests.conformance.checks import check, shown
from tests.conformance.policies import POLICIES
from tests.conformance.report import runs, skips
from tests.conformance.schema import Answer
from tests.conformance.world import World

IN_PROCESS = ("engine", "asgi", "starlette", "starlette-protect")
BY_ID = {case.id: case for case in CASES}
Answers = dict[tuple[str, str], Answer]
# Reasons that no request alone can bring about.
UNREACHABLE = {Reason.INTERNAL}


def answer(pair: tuple[str, str], world: World, answers: Answers) -> Answer:
    if pair not in answers:
        answers[pair] = check(BY_ID[pair[1]], drivers.DRIVERS[pair[0]], world)
    return answers[pair]


@pytest.mark.parametrize(("driver", "case"), [pair for pair in runs() if pair[0] in IN_PROCESS])
def test_case(
    driver: str, case: str, world: World, answers: Answers, record_property: pytest.RecordProperty
) -> None:
    """The case ends as the contract says, also a second time, and a refusal happens before anything else does."""
    record_property("driver", driver)
    record_property("case", case)
    answer((driver, case), world, answers)


@pytest.mark.parametrize("theme", THEMES)
def test_all_drivers_answer_alike(theme: str, world: World, answers: Answers) -> None:
    """Status, body and the headers that callers rely on are the same on every surface, byte for byte."""
    left_out = skips()
    for case in THEMES[theme]:
        names = [name for name in IN_PROCESS if (name, case.id) not in left_out]
        names = [name for name in names if not case.expect.passes or case.app == "routes" and name.startswith("starl")]
        found = {name: shown(answer((name, case.id), world, answers), case) for name in names}
        assert len({repr(each) for each in found.values()}) <= 1, (case.id, found)


def test_ids_are_unique() -> None:
    """A case is found by its name."""
    assert [] == [name for name, count in Counter(case.id for case in CASES).items() if count > 1]


def test_nothing_is_left_out_silently() -> None:
    """Whatever a driver leaves out has a reason that a reader can judge, and most of the table runs everywhere."""
    assert [] == [pair for pair, reason in skips().items() if len(reason.split()) < 4]
    for name in IN_PROCESS:
        assert sum(pair[0] == name for pair in skips()) < len(CASES) / 5


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
