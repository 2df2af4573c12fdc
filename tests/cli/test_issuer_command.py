"""`jwtmw issuer`: what it serves, what it prints, what it refuses."""

from __future__ import annotations

import base64
import json
import re
import urllib.request
from collections.abc import Callable
from typing import Any

import jwt
import pytest

from jwtmw.cli import main
from jwtmw.mint.loopback import LoopbackServer

Visit = Callable[[str], Any]


@pytest.fixture
def visited(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[str, Any]]:
    """Runs the command; once it serves, calls `visit` with what it printed, then presses Ctrl-C."""

    def run(argv: list[str], visit: Visit = lambda _: None) -> tuple[str, Any]:
        seen: list[Any] = []

        def wait(_: LoopbackServer) -> None:
            seen.append(capsys.readouterr().out)
            seen.append(visit(seen[0]))
            raise KeyboardInterrupt

        monkeypatch.setattr(LoopbackServer, "wait", wait)
        assert 0 == main(["issuer", "--port", "0", *argv])
        assert "stopped\n" == capsys.readouterr().out
        return seen[0], seen[1]

    return run


def exported(text: str) -> dict[str, str]:
    return dict(re.findall(r"^export (\w+)=(.*)$", text, re.MULTILINE))


def token_by_the_printed_line(text: str) -> dict[str, Any]:
    match = re.search(r"^curl -s -u (\S+|'.*') -d (\S+) (\S+)$", text, re.MULTILINE)
    assert match is not None
    user, form, url = match.groups()
    credentials = base64.b64encode(user.strip("'").encode()).decode()
    request = urllib.request.Request(url, data=form.encode(), headers={"Authorization": f"Basic {credentials}"})
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


def verified_by_the_printed_exports(text: str) -> dict[str, Any]:
    answer, environment = token_by_the_printed_line(text), exported(text)
    with urllib.request.urlopen(environment["JWTMW_JWKS_URL"], timeout=10) as response:
        key = jwt.PyJWKSet.from_dict(json.load(response)).keys[0]
    return jwt.decode(
        answer["access_token"], key, audience=environment["JWTMW_AUDIENCE"], issuer=environment["JWTMW_ISSUER"]
    )


def test_what_it_prints_is_what_works(visited: Callable[..., tuple[str, Any]]) -> None:
    """The printed line gets a token that verifies by the printed variables."""
    _, claims = visited([], verified_by_the_printed_exports)
    assert ("dev", "orders:read orders:write") == (claims["client_id"], claims["scope"])


def test_the_options_are_followed(visited: Callable[..., tuple[str, Any]]) -> None:
    """Issuer, audiences, clients, lifetime and algorithm are those of the command line."""
    argv = ["--issuer", "https://id.example/t1", "--audience", "billing", "--audience", "orders", "--ttl", "60"]
    argv += ["--client", "app:s3cret:orders:read,orders:write", "--client", "other:x", "--algorithm", "PS256"]
    text, answer = visited(argv, token_by_the_printed_line)
    assert "A development issuer, PS256" in text
    assert ("https://id.example/t1", "billing,orders") == tuple(
        exported(text)[name] for name in ("JWTMW_ISSUER", "JWTMW_AUDIENCE")
    )
    claims = jwt.decode(answer["access_token"], options={"verify_signature": False})
    assert ("https://id.example/t1", "billing", "app", "orders:read orders:write", 60) == (
        claims["iss"],
        claims["aud"],
        claims["sub"],
        claims["scope"],
        claims["exp"] - claims["iat"],
    )


def test_the_secret_of_the_default_client_is_new_each_time(visited: Callable[..., tuple[str, Any]]) -> None:
    """No secret is built in."""
    assert re.findall(r"dev:(\S+)", visited([])[0]) != re.findall(r"dev:(\S+)", visited([])[0])


def test_what_it_prints_is_quoted_for_the_shell(visited: Callable[..., tuple[str, Any]]) -> None:
    """A value that a shell would read otherwise is quoted."""
    text, _ = visited(["--audience", "a b", "--client", "app:$HOME"])
    assert "JWTMW_AUDIENCE='a b'\n" in text
    assert "-u 'app:$HOME' " in text


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        pytest.param(["--host", "0.0.0.0"], "--host: only a loopback address: 127.0.0.1, ::1 or", id="host"),
        pytest.param(["--port", "99999"], "--port: 99999 cannot be had; --port 0 takes a free one", id="port"),
        pytest.param(["--client", "app"], "--client: a client has an id and a secret. Write id:secret or", id="client"),
        pytest.param(["--algorithm", "none"], "--algorithm: unknown algorithm; choose one of RS256", id="algorithm"),
        pytest.param(["--algorithm", "HS256"], "--algorithm: a secret cannot be published; choose one", id="secret"),
        pytest.param(["--ttl", "0"], "--ttl: a token lives for at least one second", id="ttl"),
    ],
)
def test_what_cannot_be_served_is_refused(argv: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A refusal names the option and the cure, and nothing is served."""
    assert 2 == main(["issuer", *argv])
    out, err = capsys.readouterr()
    assert "" == out
    assert err.startswith(f"jwtmw: {message}")


def test_a_port_that_is_taken_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Where somebody listens already, the error says which port and what to do."""
    with LoopbackServer(lambda *_: pytest.fail("nobody asks")) as server:
        port = server.url.rpartition(":")[2]
        assert 2 == main(["issuer", "--port", port])
    assert f"jwtmw: --port: {port} cannot be had; --port 0 takes a free one\n" == capsys.readouterr().err


def test_it_ends_when_its_server_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Closed from elsewhere, the command ends with status 0."""
    monkeypatch.setattr(LoopbackServer, "wait", LoopbackServer.close)
    assert 0 == main(["issuer", "--port", "0"])
