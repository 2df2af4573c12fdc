"""The command `jwtmw`: dispatch, exit status, and how errors look."""

from __future__ import annotations

import argparse
import runpy
import sys

import pytest

from jwtmw import cli
from jwtmw.cli import issuer
from jwtmw.errors import ConfigurationError


def outcome(monkeypatch: pytest.MonkeyPatch, error: BaseException | None, status: int = 0) -> int:
    def run(arguments: argparse.Namespace) -> int:
        if error is not None:
            raise error
        return status

    monkeypatch.setattr(issuer, "run", run)
    return cli.main(["issuer"])


@pytest.mark.parametrize("status", [0, 1, 2])
def test_a_commands_status_is_the_commands(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    """What a command returns is the exit status."""
    assert status == outcome(monkeypatch, None, status)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        pytest.param(cli.CommandError("no. Do this"), "jwtmw: no. Do this\n", id="command"),
        pytest.param(ConfigurationError("realm", "is empty", "Name it"), "jwtmw: realm: is empty. Name it\n", id="key"),
    ],
)
def test_an_expected_error_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, line: str
) -> None:
    """What the user can mend is one line on stderr and status 2, without a traceback."""
    assert 2 == outcome(monkeypatch, error)
    assert ("", line) == capsys.readouterr()


def test_ctrl_c_ends_quietly(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """An interrupt is no error of ours: no traceback, and the shells' status for it."""
    assert 130 == outcome(monkeypatch, KeyboardInterrupt())
    assert ("", "") == capsys.readouterr()


def test_a_bug_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any other exception keeps its traceback."""
    with pytest.raises(LookupError):
        outcome(monkeypatch, LookupError())


@pytest.mark.parametrize("argv", [[], ["nonsense"], ["issuer", "--nonsense"]], ids=["none", "command", "option"])
def test_a_wrong_command_line_is_status_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be parsed is answered with the usage."""
    with pytest.raises(SystemExit, match="2"):
        cli.main(argv)
    assert "usage: jwtmw" in capsys.readouterr().err


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each command explains itself without the laws of its module."""
    with pytest.raises(SystemExit, match="0"):
        cli.main([name, "--help"])
    text = capsys.readouterr().out
    assert f"jwtmw {name}" in text
    assert "Must never know" not in text


def test_the_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """`jwtmw --help` shows what there is."""
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--help"])
    text = capsys.readouterr().out
    assert all(f"    {name} " in text for name in cli.COMMANDS)


def test_python_m_jwtmw_is_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m jwtmw` does what `jwtmw` does; importing the module does nothing."""
    monkeypatch.setattr(sys, "argv", ["jwtmw", "--help"])
    assert "main" in runpy.run_module("jwtmw.__main__")
    assert "" == capsys.readouterr().out
    with pytest.raises(SystemExit, match="0"):
        runpy.run_module("jwtmw", run_name="__main__")
    assert "usage: jwtmw" in capsys.readouterr().out
