"""`jwtmw explain`: the steps that it prints, its exit status, and where the token comes from."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from jwtmw.cli import main
from jwtmw.testing import Signer, TestIssuer

CONFIG = """
[[rules]]
path = "/orders/{id}"
scopes = ["orders:read"]

[[rules]]
path = "/health"
allow = "public"

[[issuers]]
name = "corp"
issuer = "https://issuer.test"
audience = ["orders"]
public_key_file = "corp.pem"
"""


@pytest.fixture
def config(tmp_path: Path, jwtmw_issuer: TestIssuer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration in a file, with the key beside it and a token in `token`; the working directory is theirs."""
    (tmp_path / "corp.pem").write_text(jwtmw_issuer.signer.public_pem)
    (tmp_path / "jwtmw.toml").write_text(CONFIG)
    (tmp_path / "token").write_text(jwtmw_issuer.token(scope="orders:read") + "\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "jwtmw.toml"


def test_a_refusal_is_told_step_by_step(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The rule, what it wants, the reason and what the caller would see; status 1."""
    assert 1 == main(["explain", "GET", "/orders/7", "--config", str(config)])
    expected = (
        "request   GET '/orders/7'\n"
        "rule      /orders/{id} (rules[0]), authenticated, wants scope orders:read\n"
        "token     no token in any configured place, or another scheme before it (token_missing)\n"
        "decision  refused with 401 token_missing\n"
    )
    assert (expected, "") == capsys.readouterr()


def test_a_token_comes_from_a_file(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The token of a file is judged, its last newline is not part of it, and it is not shown; status 0."""
    assert 0 == main(["explain", "GET", "/orders/7", "--config", str(config), "--token-file", "token"])
    out, err = capsys.readouterr()
    assert out.endswith(
        "token     sent in header Authorization (Bearer)\ndecision  passes as a caller of issuer corp\n"
    )
    assert Path("token").read_text().strip() not in out + err


def test_a_token_comes_from_standard_input(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`-` reads the token from a pipe; bytes that are no text are a token that is refused."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\n")))
    assert 1 == main(["explain", "GET", "/orders/7", "--config", str(config), "--token-file", "-"])
    assert "(credentials_malformed)\ndecision  refused with 400 invalid_request\n" in capsys.readouterr().out


def test_without_an_option_the_environment_is_explained(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The configuration is the one that the service itself would load."""
    monkeypatch.setenv("JWTMW_CONFIG", str(config))
    assert 0 == main(["explain", "GET", "/health"])
    assert "rule      /health (rules[1]), public\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        pytest.param("absent", None, "absent cannot be read: No such file or directory\n", id="absent"),
        pytest.param("empty", "\n", "there is nothing in it. Leave the option out to ask", id="empty"),
    ],
)
def test_a_file_without_a_token_is_an_error(
    name: str, content: str | None, message: str, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is meant to be a token and is none is not asked without one; status 2."""
    if content is not None:
        Path(name).write_text(content)
    assert 2 == main(["explain", "GET", "/", "--config", str(config), "--token-file", name])
    out, err = capsys.readouterr()
    assert "" == out
    assert err.startswith(f"jwtmw: --token-file: {message}")


def test_consumers_in_a_store_cannot_be_had_here(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The store is the application's: rules are explained, and a token that needs it is 503."""
    config, token = tmp_path / "stored.toml", tmp_path / "token"
    issuer = 'name = "shops"\nrequire_issuer = false\nrequire_audience = false\nconsumer_store = {}\n'
    config.write_text(f'[[issuers]]\n{issuer}[[rules]]\npath = "/health"\nallow = "public"\n')
    token.write_text(Signer("HS256").sign({"key": "canary", "exp": 4_000_000_000}))
    assert 0 == main(["explain", "GET", "/health", "--config", str(config)])
    assert 1 == main(["explain", "GET", "/orders", "--config", str(config), "--token-file", str(token)])
    out, err = capsys.readouterr()
    assert "decision  refused with 503 unavailable\n" in out
    assert "canary" not in out + err
