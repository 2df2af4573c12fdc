"""Figures and tables that tests hand to the end of the run; a plugin.

They travel as a property of the test's report, so that they arrive also where several processes share the tests and
another one prints.

Owns: the sections at the end of the run.
Must never know: what is measured.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

_NOTE = "printed"
_SECTIONS: dict[str, list[str]] = {}


@pytest.fixture
def printed(record_property: Callable[[str, object], None]) -> Callable[[str, str], None]:
    """`printed(title, text)`: the text is printed at the end of the run, below this title."""
    return lambda title, text: record_property(_NOTE, (title, text))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call":
        notes: list[Any] = [value for name, value in report.user_properties if name == _NOTE]
        for title, text in notes:
            _SECTIONS.setdefault(title, []).append(text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for title, texts in sorted(_SECTIONS.items()):
        terminalreporter.section(title)
        terminalreporter.write_line("\n".join(sorted(texts)))
    _SECTIONS.clear()
