"""Fixtures of the whole suite: those that users get, under the names that users get; and what is printed at its end."""

import logging
import threading
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["jwtmw.testing.plugin", "tests.conformance.report", "tests.printed"]

# No test is timed or left to luck: neither a busy machine nor a new draw fails a run that changed nothing. New draws:
# `pytest --hypothesis-profile drawn`.
for name, derandomize in (("settled", True), ("drawn", False)):
    settings.register_profile(
        name,
        deadline=None,
        derandomize=derandomize,
        suppress_health_check=list(HealthCheck),
        print_blob=not derandomize,
    )
settings.load_profile("settled")


@pytest.fixture
def caplog(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Without what key sources log in threads of theirs: those of other tests are refreshed at any time."""
    mine = threading.get_ident()

    def belongs(record: logging.LogRecord) -> bool:
        return record.thread == mine or (record.name, record.module) != ("jwtmw.issuers", "remote")

    caplog.handler.addFilter(belongs)
    yield caplog
    caplog.handler.removeFilter(belongs)
