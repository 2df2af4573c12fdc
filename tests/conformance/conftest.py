"""The world of a run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.world import World

# What it asserts is then shown with its values.
pytest.register_assert_rewrite("tests.conformance.checks")


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    """The world, closed when the run ends."""
    world = World()
    yield world
    world.close()
