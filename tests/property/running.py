"""Running the property: so many draws by Hypothesis, over some surfaces.

Owns: Hypothesis's settings.
Must never know: what is drawn, what is asserted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings

from tests.property.checks import Tally, check
from tests.property.generator import draws
from tests.property.model import Draw
from tests.property.surfaces import Surface

FEW = 150
# To explain a failure, Hypothesis traces every line, and finds the checks themselves.
PHASES = (Phase.generate, Phase.shrink)


def run(
    surfaces: Iterable[Surface], tally: Tally, most: int, seed: int | None = None, phases: Collection[Phase] = PHASES
) -> None:
    """Draw, without a seed always the same; raise `checks.Difference` where the property does not hold."""
    surfaces = tuple(surfaces)

    def one(draw: Draw) -> None:
        check(draw, surfaces, tally)

    limits = settings(
        max_examples=most,
        derandomize=seed is None,
        database=None,
        deadline=None,
        phases=phases,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    drawing = limits(given(draws())(one))
    (drawing if seed is None else hypothesis.seed(seed)(drawing))()
