"""`jwtmw gateway`: what it serves and how, and what it refuses."""

from __future__ import annotations

import http.client
import re
import socket
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from jwtmw.cli import main
from jwtmw.testing import Clock, TestIssuer


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    with TestIssuer(clock=Clock()) as issuer:
        file = tmp_path / "jwtmw.toml"
        file.write_text(
            f"""
rules = [{{ path = "/public", allow = "public" }}]
gateway = {{ kind = "nginx", path = "/ask" }}

[[issuers]]
issuer = "{issuer.issuer}"
audience = ["orders"]
jwks_url = "{issuer.jwks_url}"
""",
            encoding="utf-8",
        )
    return file


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> list[uvicorn.Config]:
    """The command is stopped as soon as it would serve; gives the settings of its server."""
    served: list[uvicorn.Config] = []

    def run(server: uvicorn.Server, sockets: Any) -> None:
        served.append(server.config)
        raise KeyboardInterrupt

    monkeypatch.setattr(uvicorn.Server, "run", run)
    return served


def test_it_answers_the_gateway(
    configuration: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is reported is judged, where the printed line says; anything else is 404."""
    answers: list[int] = []
    run = uvicorn.Server.run

    def visited(server: uvicorn.Server, sockets: list[socket.socket]) -> None:
        address = sockets[0].getsockname()

        def visit() -> None:
            try:
                for path, target in (("/ask", "/public"), ("/ask", "/orders"), ("/auth", "/public")):
                    connection = http.client.HTTPConnection(address[0], address[1], timeout=30)
                    connection.request("GET", path, headers={"X-Original-Method": "GET", "X-Original-URI": target})
                    answers.append(connection.getresponse().status)
                    connection.close()
            finally:
                server.should_exit = True

        visitor = threading.Thread(target=visit)
        visitor.start()
        run(server, sockets)
        visitor.join()

    monkeypatch.setattr(uvicorn.Server, "run", visited)
    assert 0 == main(["gateway", "--config", str(configuration), "--port", "0"])
    assert [200, 401, 404] == answers
    assert re.fullmatch(r"Answering nginx on http://127\.0\.0\.1:\d+/ask, until Ctrl-C\.\n", capsys.readouterr().out)


def test_the_option_names_another_gateway(
    configuration: Path, interrupted: list[uvicorn.Config], capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C ends it without an error."""
    assert 0 == main(["gateway", "--config", str(configuration), "--for", "envoy", "--port", "0"])
    assert re.fullmatch(r"Answering envoy on \S+, until Ctrl-C\.\nstopped\n", capsys.readouterr().out)


def test_it_logs_no_target(configuration: Path, interrupted: list[uvicorn.Config]) -> None:
    """A target may hold a token; and nothing that the caller says of its address is believed."""
    assert 0 == main(["gateway", "--config", str(configuration), "--port", "0"])
    (config,) = interrupted
    assert (False, False, "none") == (config.access_log, config.proxy_headers, config.ws)


def test_an_address_of_the_sixth_version_is_printed_as_one(
    configuration: Path, interrupted: list[uvicorn.Config], capsys: pytest.CaptureFixture[str]
) -> None:
    """In brackets (RFC 3986, section 3.2.2)."""
    assert 0 == main(["gateway", "--config", str(configuration), "--host", "::1", "--port", "0"])
    assert "on http://[::1]:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("taken", "said"),
    [
        pytest.param(["--host", "192.0.2.1"], "cannot be listened on; --port 0 takes a free one", id="address"),
        pytest.param(["--port", "65536"], "--port: 65536 is none; 0 takes a free one", id="port"),
    ],
)
def test_what_cannot_be_listened_on_is_said(
    configuration: Path, taken: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line, with the cure."""
    assert 2 == main(["gateway", "--config", str(configuration), "--port", "0", *taken])
    assert said in capsys.readouterr().err


def test_a_missing_server_is_named(
    configuration: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And how to get it."""
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert 2 == main(["gateway", "--config", str(configuration)])
    assert 'pip install "jwtmw[cli]"' in capsys.readouterr().err


def test_a_gateway_must_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the option, or by the configuration."""
    file = tmp_path / "jwtmw.toml"
    file.write_text("secure = false\n", encoding="utf-8")
    assert 2 == main(["gateway", "--config", str(file), "--port", "0"])
    assert "gateway.kind: " in capsys.readouterr().err
