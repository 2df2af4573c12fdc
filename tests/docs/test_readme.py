"""The README's first screen: two commands, the very ones that CI and tox run."""

from __future__ import annotations

import configparser
from pathlib import Path

from tests.docs.test_snippets import blocks

ROOT = Path(__file__).parents[2]


def commands() -> list[str]:
    first_screen = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## ")[0]
    return [block.text.strip() for block in blocks(first_screen) if block.language == "sh"]


def test_the_first_screen_has_two_commands_of_one_line() -> None:
    """Whoever arrives copies one line to see it, and one to test it."""
    assert [1, 1] == [len(command.splitlines()) for command in commands()]


def test_ci_runs_the_readmes_test_command() -> None:
    """The second command stands in .ci/run as it stands in the README."""
    assert commands()[1] in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_tox_runs_the_readmes_demo() -> None:
    """What the first command ends with is what `tox -e demo` runs."""
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini", encoding="utf-8")
    demo = tox["testenv:demo"]["commands"].strip()
    assert "jwtmw demo" == demo
    assert commands()[0].endswith(f"/{demo}")
    assert "demo" in tox["tox"]["env_list"].split()
