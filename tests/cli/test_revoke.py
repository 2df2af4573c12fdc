"""`jwtmw revoke`: what it writes to the store, what it says, and when it changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jwtmw.cli import main, revoke
from jwtmw.errors import RevocationFailed
from jwtmw.revocation.entries import LONGEST_LEEWAY, before, key_of
from jwtmw.revocation.redis import RedisStore
from jwtmw.testing import TestIssuer

ISSUER = "https://issuer.test"
NOW = 1_800_000_000.7
SHARED = '[revocation]\nstore = "redis"\nurl = "redis://:canary@127.0.0.1:1/0"\nrefresh = 3\n'
CONFIG = """
{top}
[[issuers]]
name = "corp"
issuer = "https://issuer.test"
audience = ["orders"]
public_key_file = "corp.pem"
token_from = [{{ header = "Authorization", scheme = "Bearer" }}]

[[issuers]]
name = "partner"
require_issuer = false
audience = ["orders"]
public_key_file = "corp.pem"
token_from = [{{ header = "JWT" }}]
"""
Kept = list[tuple[str, float | None, float | None]]


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Kept:
    """What the store was told: key, end, and until when it must have been issued; None where it is allowed again."""
    told: Kept = []

    def keep(store: RedisStore, key: str, entry: Any, now: float, most: int) -> None:
        told.append((key, None, None) if entry is None else (key, entry.until, entry.issued_before))

    monkeypatch.setattr(RedisStore, "keep", keep)
    monkeypatch.setattr(revoke, "time", lambda: NOW)
    return told


@pytest.fixture
def config(tmp_path: Path, jwtmw_issuer: TestIssuer) -> Path:
    """A configuration with a shared list."""
    (tmp_path / "corp.pem").write_text(jwtmw_issuer.signer.public_pem)
    return written(tmp_path, SHARED)


def written(folder: Path, top: str) -> Path:
    file = folder / "jwtmw.toml"
    file.write_text(CONFIG.format(top=top))
    return file


def asked(file: Path, *arguments: str) -> int:
    return main(["revoke", "--config", str(file), *arguments])


INF = float("inf")


@pytest.mark.parametrize(
    ("arguments", "entry", "named"),
    [
        pytest.param(
            ("--issuer", "corp", "--jti", "4f1c", "--until", "1800000600"),
            (key_of(ISSUER, "4f1c", None), 1_800_000_600 + LONGEST_LEEWAY, INF),
            "token 4f1c of corp",
            id="a token",
        ),
        pytest.param(
            ("--issuer", ISSUER, "--subject", "mallory"),
            (key_of(ISSUER, None, "mallory"), INF, INF),
            "subject mallory of https://issuer.test",
            id="a subject, by iss",
        ),
        pytest.param(
            ("--issuer", "partner", "--everyone", "--issued-before", "now"),
            (before(key_of("partner", None, None)), INF, 1_800_000_000),
            "all tokens of partner",
            id="an issuer without iss, until now",
        ),
    ],
)
def test_what_is_revoked_is_kept_in_the_store(
    config: Path, kept: Kept, capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...], entry: tuple[str, float, float], named: str,
) -> None:  # fmt: skip
    """Under the issuer's own name for its tokens, and the command says when every process knows."""
    assert 0 == asked(config, *arguments)
    assert [entry] == kept
    assert (f"revoked: {named}; every process knows within 3 s and one look\n", "") == capsys.readouterr()


def test_what_was_revoked_is_allowed_again(config: Path, kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    """By the same words, whether they shut somebody out or logged somebody out."""
    assert 0 == asked(config, "--issuer", "corp", "--subject", "mallory", "--undo")
    key = key_of(ISSUER, None, "mallory")
    assert [(key, None, None), (before(key), None, None)] == kept
    assert capsys.readouterr().out.startswith("allowed again: subject mallory of corp; ")


@pytest.mark.parametrize(
    ("top", "arguments", "told"),
    [
        pytest.param("", ("--subject", "a"), "each process has a list of its own", id="a list in memory"),
        pytest.param(f"secure = false\n{SHARED}", ("--subject", "a"), "secure or inbound is off", id="non-secure"),
        pytest.param(f"inbound = false\n{SHARED}", ("--subject", "a"), "secure or inbound is off", id="inbound off"),
        pytest.param(SHARED, ("--subject", ""), "text, and not empty", id="nobody"),
        pytest.param(SHARED, ("--subject", "a", "--until", "nan"), "a number of epoch seconds", id="no time"),
        pytest.param(SHARED, ("--subject", "a", "--undo", "--until", "1"), "leave --until", id="undo until"),
    ],
)  # fmt: skip
def test_nothing_is_changed(
    tmp_path: Path, config: Path, kept: Kept, capsys: pytest.CaptureFixture[str],
    top: str, arguments: tuple[str, ...], told: str,
) -> None:  # fmt: skip
    """Status 2, and what to do; nothing reaches the store."""
    assert 2 == asked(written(tmp_path, top), "--issuer", "corp", *arguments)
    out, err = capsys.readouterr()
    assert ("", True, []) == (out, told in err, kept)


def test_an_issuer_that_is_not_configured_is_named_with_those_that_are(
    config: Path, kept: Kept, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else a typing error would revoke nothing, silently."""
    assert 2 == asked(config, "--issuer", "crop", "--everyone")
    assert ("", "jwtmw: no issuer is called so; there are corp, partner\n") == capsys.readouterr()
    assert [] == kept


@pytest.mark.parametrize("text", ["tomorrow", ""])
def test_a_time_that_is_none_is_refused(
    config: Path, kept: Kept, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    """By the parser, with what it may be."""
    with pytest.raises(SystemExit, match="2"):
        asked(config, "--issuer", "corp", "--subject", "a", "--issued-before", text)
    assert '"now", or a number of epoch seconds' in capsys.readouterr().err
    assert [] == kept


def test_a_store_that_takes_nothing_is_told(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Status 2, in our own words: neither the address nor its password."""

    def keep(*_: Any) -> None:
        raise RevocationFailed("the store does not answer: ConnectionError")

    monkeypatch.setattr(RedisStore, "keep", keep)
    assert 2 == asked(config, "--issuer", "corp", "--everyone")
    assert ("", "jwtmw: nothing was changed: the store does not answer: ConnectionError\n") == capsys.readouterr()
