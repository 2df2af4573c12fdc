"""Fixtures: a stand-in for Vault on loopback. It is not Vault."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.vault.standin import StandIn


@pytest.fixture
def vault() -> Iterator[StandIn]:
    """A stand-in with nothing in it but a root token."""
    with StandIn() as standin:
        yield standin
