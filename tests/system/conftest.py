"""The conformance table's hooks, for the drivers that need real servers."""

from __future__ import annotations

import pytest

from tests.conformance.report import pytest_runtest_logreport, pytest_terminal_summary

__all__ = ["pytest_runtest_logreport", "pytest_terminal_summary"]

pytest.register_assert_rewrite("tests.conformance.checks")
