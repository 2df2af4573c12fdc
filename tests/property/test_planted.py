"""A property test that finds nothing may be blind: bugs are planted, and it finds each."""

from __future__ import annotations

import pytest
from hypothesis import Phase

from tests.property.bugs import BUGS
from tests.property.checks import Difference, Tally, check
from tests.property.running import run
from tests.property.surfaces import SURFACES

MOST = 1_000


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a bounded number of draws, always the same; and without the bug that draw is as it should be."""
    planted = BUGS[name]
    surfaces = [SURFACES[each] for each in planted.surfaces]
    tally = Tally()
    with monkeypatch.context() as patch:
        planted.plant(patch)
        with pytest.raises(Difference) as found:
            run(surfaces, tally, MOST, phases=(Phase.generate,))
    print(f"{planted.axis}: {name} by draw {tally.draws}")
    check(found.value.draw, surfaces, Tally())
