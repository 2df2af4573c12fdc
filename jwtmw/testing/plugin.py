"""Fixtures for pytest: `pytest_plugins = ["jwtmw.testing.plugin"]` in a root conftest.py brings them in.

Not a pytest11 entry point: importing it imports jwtmw, which a test run that does not ask for it should not pay for.

Owns: the fixtures, all named `jwtmw_...`.
Must never know: frameworks, policy.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jwtmw.testing.clock import Clock
from jwtmw.testing.issuer import TestIssuer


@pytest.fixture
def jwtmw_clock() -> Clock:
    """A clock that stands still until it is turned."""
    return Clock()


@pytest.fixture
def jwtmw_issuer(jwtmw_clock: Clock) -> TestIssuer:
    """A test issuer in process, on `jwtmw_clock`."""
    return TestIssuer(clock=jwtmw_clock)


@pytest.fixture
def jwtmw_serving_issuer(jwtmw_issuer: TestIssuer) -> Iterator[TestIssuer]:
    """`jwtmw_issuer`, serving itself on loopback HTTP."""
    with jwtmw_issuer:
        yield jwtmw_issuer
