"""Fixtures and the printed figures of the tests with a real OpenID provider.

Owns: that the npm packages are there before the first test, and what is printed at the end.
Must never know: what a test expects.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.system.oidc import processes


@pytest.fixture(scope="session", autouse=True)
def _packages() -> None:
    """Node, npm and what the lock file names; without them nothing here can pass."""
    processes.install_packages()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the logs of this test's processes are."""
    return tmp_path


@pytest.fixture
def figure(request: pytest.FixtureRequest, printed: Callable[[str, str], None]) -> Callable[[str], None]:
    """Print this line at the end of the run."""
    title = "a real OpenID provider: requests while its keys change or it is gone"
    return lambda text: printed(title, f"  {request.node.name}: {text}")
