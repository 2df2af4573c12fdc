"""The property over all surfaces: one policy, one answer; and who was judged is who was reached.

`pytest tests/property -o faulthandler_timeout=0 --property-draws 100000` is the long run.
"""

from __future__ import annotations

import pytest

from tests.property.checks import Tally
from tests.property.conftest import AMONG, DRAWS, SEED
from tests.property.running import FEW, run
from tests.property.surfaces import SURFACES

# Hypothesis remembers all draws of a run: a long one goes in pieces.
PIECE = 2_500


def test_all_surfaces_answer_alike_and_judge_what_they_reach(request: pytest.FixtureRequest, tally: Tally) -> None:
    """The same refusal everywhere, and nothing is reached but what rules, marks and token allow for exactly that."""
    wanted = request.config.getoption(DRAWS, default=0)
    names = (request.config.getoption(AMONG, default="") or ",".join(SURFACES)).split(",")
    surfaces = [SURFACES[name] for name in names]
    if not wanted:
        return run(surfaces, tally, FEW)
    seed = request.config.getoption(SEED)
    while tally.draws < wanted:
        seed += 1
        run(surfaces, tally, min(PIECE, wanted - tally.draws), seed)
        print(f"seed {seed}: {tally}", flush=True)
