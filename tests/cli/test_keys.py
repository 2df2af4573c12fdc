"""`jwtmw keys`: what it makes, shows and refuses."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from jwtmw.cli import main
from jwtmw.mint.keyring import KeyRing


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that the command reads."""
    at = [1_800_000_000.0]
    monkeypatch.setattr(time, "time", lambda: at[0])
    return at


@pytest.fixture
def folder(tmp_path: Path, now: list[float]) -> Path:
    assert 0 == main(["keys", "new", "--dir", str(tmp_path / "keys"), "--algorithm", "EdDSA"])
    return tmp_path / "keys"


def listed(folder: Path, capsys: pytest.CaptureFixture[str], what: str = "list", *options: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert 0 == main(["keys", what, "--dir", str(folder), "--json", *options])
    return json.loads(capsys.readouterr().out)["keys"]


def states(keys: list[dict[str, Any]]) -> dict[str, str]:
    return {key["state"]: key["kid"] for key in keys}


def test_new_makes_a_ring_that_loads(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It prints a table of the keys, and a service can sign with the folder at once."""
    ring = KeyRing.load(folder)
    assert 0 == main(["keys", "list", "--dir", str(folder)])
    lines = capsys.readouterr().out.splitlines()
    assert ["kid", "algorithm", "state", "since"] == lines[0].split()
    assert [ring.kid, "EdDSA", "current", "2027-01-15T08:00:00Z"] == lines[1].split()
    assert re.search(r"EdDSA +next +2027-01-15T08:00:00Z +may sign from 2027-01-15T08:10:00Z$", lines[2])


def test_rotate_lets_the_next_key_sign(folder: Path, now: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    """What was next signs, and what signed is shown as retired, with its end."""
    before = states(listed(folder, capsys))
    now[0] += 600
    keys = listed(folder, capsys, "rotate", "--algorithm", "ES256")
    assert (before["next"], before["current"]) == (states(keys)["current"], states(keys)["retired"])
    assert {"EdDSA", "ES256"} == {key["algorithm"] for key in keys}
    [retired] = [key for key in keys if key["state"] == "retired"]
    assert 1_800_000_600 + 86_400 + 360 == retired["published_until"]
    assert 0 == main(["keys", "list", "--dir", str(folder)])
    assert "published until 2027-01-16T08:16:00Z" in capsys.readouterr().out
    now[0] = retired["published_until"]
    assert "gone" in states(listed(folder, capsys))


def test_rotate_waits_for_verifiers(folder: Path, now: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    """Too early it is refused with status 2 and changes nothing; --now does it all the same."""
    before = states(listed(folder, capsys))
    now[0] += 1
    assert 2 == main(["keys", "rotate", "--dir", str(folder)])
    assert capsys.readouterr().err.endswith("may not have it. Wait 599 s more, or lose requests by --now\n")
    assert before == states(listed(folder, capsys))
    assert before["next"] == states(listed(folder, capsys, "rotate", "--now"))["current"]


def test_what_was_read_by_others_is_replaced(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--compromised takes both keys away at once."""
    before = set(states(listed(folder, capsys)).values())
    assert set() == before & set(states(listed(folder, capsys, "rotate", "--compromised")).values())


def test_nothing_private_is_printed(folder: Path, now: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    """Not a line of a private key, whatever is asked for."""
    for argv in (["list"], ["list", "--json"], ["rotate", "--now"], ["rotate", "--compromised", "--json"]):
        secrets = {
            line
            for entry in json.loads((folder / "keyring.json").read_text())["keys"]
            for line in (entry["private_key"] or "").splitlines()
        }
        assert 0 == main(["keys", *argv, "--dir", str(folder)])
        out, err = capsys.readouterr()
        assert [] == [line for line in secrets if line in out or line in err]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        pytest.param(["new", "--algorithm", "HS256"], "--algorithm: is none with a key pair. Choose one of", id="alg"),
        pytest.param(["new", "--ahead", "0"], "--ahead: is out of range. Give seconds, from 1 to", id="ahead"),
        pytest.param(["new", "--lifetime", "-1"], "--lifetime: is out of range. Give seconds, from 1", id="lifetime"),
        pytest.param(["list"], "{folder}/keyring.json: there is no key ring. Make one: jwtmw keys new", id="list"),
        pytest.param(["rotate"], "{folder}/keyring.json: there is no key ring. Make one: jwtmw keys", id="rotate"),
    ],
)
def test_a_refusal_names_the_option_or_the_file(
    argv: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 2, one line, and the cure; and no folder is left behind."""
    folder = tmp_path / "none"
    assert 2 == main(["keys", *argv, "--dir", str(folder)])
    out, err = capsys.readouterr()
    assert "" == out
    assert err.startswith("jwtmw: " + message.format(folder=folder))
    assert not folder.exists()
