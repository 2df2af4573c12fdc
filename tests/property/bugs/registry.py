"""The register of planted bugs.

Owns: their names, what each is a bug in, and where it is looked for.
Must never know: any bug.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

Plant = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Bug:
    """`axis` is what the generator must vary to find it; `surfaces` are where it is looked for."""

    axis: str
    surfaces: tuple[str, ...]
    plant: Plant


BUGS: dict[str, Bug] = {}


def bug(axis: str, *surfaces: str) -> Callable[[Plant], Plant]:
    """Register a bug under the name of its function."""

    def register(plant: Plant) -> Plant:
        BUGS[plant.__name__] = Bug(axis, surfaces, plant)
        return plant

    return register
