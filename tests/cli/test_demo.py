"""`jwtmw demo`: its course with the real service, and what it says where something is not as it should be."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from typing import Any, Self

import pytest

from jwtmw.cli import CommandError, demo, demo_requests, demo_service, main
from jwtmw.cli.demo_requests import Answer, Ask
from jwtmw.cli.demo_service import Service
from jwtmw.decision import Reason
from jwtmw.mint.loopback import LoopbackServer
from jwtmw.testing import TestIssuer


def ours() -> set[threading.Thread]:
    """The threads that the demo or a loopback server has started; other tests' timers may start others at any time."""
    return {thread for thread in threading.enumerate() if thread.name.startswith("jwtmw-")}


def test_the_demo_shows_what_was_asked_answered_and_why(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a real service over real HTTP, whatever else is configured here, every answer is as it should be."""
    monkeypatch.setenv("JWTMW_ISSUER", "https://foreign.example/")
    monkeypatch.setenv("UVICORN_PORT", "1")
    before = ours()
    assert 0 == main(["demo"])
    out, err = capsys.readouterr()
    assert "" == err
    assert re.search(r"^  GET /orders +a reader's token +200 +it has the scope orders:read$", out, re.MULTILINE)
    tampered = (
        r"^  POST /orders +a tampered token +401 token_invalid +signature_invalid: no key verifies the signature$"
    )
    assert re.search(tampered, out, re.MULTILINE)
    assert "\nAll 20 are as they should be.\n" in out
    assert "\n  15 x 200, 3 x 201, 2 x 404\n" in out
    assert ours() <= before


def test_every_kind_of_outcome_is_asked_for() -> None:
    """The requests cover what a caller can do wrong, and some that do it right."""
    asked = demo_requests.asks(TestIssuer())
    assert {200, 201, 400, 401, 403, 404} == {ask.status for ask in asked}
    assert 11 == len({ask.why for ask in asked if isinstance(ask.why, Reason)})


class Stub:
    """Stands in for the service where only the demo's own course is looked at."""

    url = "http://127.0.0.1:9"
    log: Any = ()

    def __init__(self, environment: dict[str, str], port: int = 0) -> None:
        self.environment = environment

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def refusal(self) -> str | None:
        return "expired"

    def lines(self) -> Iterator[str]:
        yield "a line of the log"
        yield from self.log


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> type[Stub]:
    """A demo of one request to a stub, answered as it should be."""
    ask = Ask("GET /orders", "an expired token", Reason.EXPIRED, 401, open=200)
    monkeypatch.setattr(demo, "Service", Stub)
    monkeypatch.setattr(demo, "asks", lambda _: [ask])
    answers = iter([Answer(401, "token_invalid"), Answer(200)])
    monkeypatch.setattr(demo, "send", lambda *_: next(answers))
    return Stub


@pytest.mark.usefixtures("stub")
@pytest.mark.parametrize(
    ("secure", "reason", "unprotected", "said"),
    [
        pytest.param(Answer(200), None, 200, "!  GET /orders  an expired token  200 ", id="let-in"),
        pytest.param(Answer(401, "token_invalid"), "too_old", 200, "too_old: the token is older than", id="reason"),
        pytest.param(Answer(401, "token_invalid"), None, 200, "!  GET /orders  an expired token  401", id="no-reason"),
        pytest.param(Answer(401, "token_invalid"), "expired", 401, "GET /orders  an expired token  401\n", id="open"),
    ],
)
def test_one_wrong_answer_is_shown_and_fails_the_demo(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    secure: Answer,
    reason: str | None,
    unprotected: int,
    said: str,
) -> None:
    """A wrong status, or the right one for a wrong reason, is marked, and the status is 1."""
    answers = iter([secure, Answer(unprotected)])
    monkeypatch.setattr(demo, "send", lambda *_: next(answers))
    monkeypatch.setattr(Stub, "refusal", lambda _: reason)
    assert 1 == main(["demo"])
    out = capsys.readouterr().out
    assert said in out
    assert "not as they should be" in out


def interrupted() -> Iterator[str]:
    yield "another"
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("log", "last"),
    [pytest.param(interrupted(), "another\nstopped\n", id="ctrl-c"), pytest.param((), "a line of the log\n", id="end")],
)
def test_it_stays_until_it_is_stopped(
    stub: type[Stub], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], log: Any, last: str
) -> None:
    """With `--stay` both are left up, lines to try are printed, and the service's log is shown until Ctrl-C."""
    monkeypatch.setattr(stub, "log", log)
    assert 0 == main(["demo", "--stay"])
    out = capsys.readouterr().out
    assert 'curl -i -H "Authorization: Bearer $TOKEN" http://127.0.0.1:9/orders\n' in out
    grant = r"^curl -s -u writer:\S+ -d grant_type=client_credentials http://127.0.0.1:\d+/token$"
    assert re.search(grant, out, re.MULTILINE)
    assert out.endswith(last)


def test_sigterm_ends_it_as_ctrl_c_does(stub: type[Stub], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever terminates the command lets it end what it has started, and the old handler is back."""
    ended: list[str] = []
    close = TestIssuer.close

    def noted(issuer: TestIssuer) -> None:
        ended.append("issuer")
        close(issuer)

    monkeypatch.setattr(stub, "__enter__", lambda _: signal.raise_signal(signal.SIGTERM))
    monkeypatch.setattr(TestIssuer, "close", noted)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit, match="143"):
        main(["demo"])
    assert ["issuer"] == ended
    assert before is signal.getsignal(signal.SIGTERM)


def test_without_the_extra_the_cure_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where Starlette or uvicorn is not installed, the error says what to install."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "uvicorn" else name)
    assert 2 == main(["demo"])
    assert ("", "jwtmw: the demo needs uvicorn: pip install 'jwtmw[cli]'\n") == capsys.readouterr()


def test_a_port_that_is_taken_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Where somebody listens already, the error says for whom the port was, and nothing is left running."""
    before = ours()
    with LoopbackServer(lambda *_: pytest.fail("nobody asks")) as server:
        port = server.url.rpartition(":")[2]
        assert 2 == main(["demo", "--issuer-port", port])
        assert f"jwtmw: --issuer-port: {port} cannot be had; 0 takes a free one\n" == capsys.readouterr().err
        assert 2 == main(["demo", "--port", port])
    err = capsys.readouterr().err
    assert err.startswith("jwtmw: the service does not start. It says:\n")
    assert "address already in use" in err.lower()
    assert ours() <= before


class Process:
    """Stands in for a process that does not end before it is killed."""

    made: Process
    log = "INFO:     Uvicorn running on http://127.0.0.1:9 (Press CTRL+C to quit)\nINFO:x:one\n"

    def __init__(self, command: list[str], **options: Any) -> None:
        Process.made = self
        self.options = options
        self.stdout = io.StringIO(self.log)
        self.done: list[str] = []

    def terminate(self) -> None:
        self.done.append("terminate")

    def kill(self) -> None:
        self.done.append("kill")

    def wait(self, timeout: float | None = None) -> None:
        if timeout is not None:
            raise subprocess.TimeoutExpired("uvicorn", timeout)
        self.done.append("wait")


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> type[Process]:
    """Services are such processes."""
    monkeypatch.setattr(subprocess, "Popen", Process)
    return Process


def test_a_service_that_does_not_end_is_killed(processes: type[Process]) -> None:
    """Terminated, waited for, then killed: no process outlives the demo."""
    with Service({}) as service:
        assert ("http://127.0.0.1:9", ["INFO:x:one"]) == (service.url, list(service.lines()))
    assert ["terminate", "kill", "wait"] == processes.made.done


def test_a_service_is_ended_where_its_start_fails(processes: type[Process], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ends the start, Ctrl-C too, ends the process."""
    monkeypatch.setattr(Service, "_started", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    with contextlib.suppress(KeyboardInterrupt), Service({}):
        pytest.fail("it was not started")
    assert ["terminate", "kill", "wait"] == processes.made.done


def test_a_service_knows_nothing_but_what_it_is_told(processes: type[Process], monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables that would configure jwtmw or uvicorn are kept from it; all others are not."""
    for name in ("JWTMW_REALM", "UVICORN_RELOAD", "WEB_CONCURRENCY", "UNRELATED"):
        monkeypatch.setenv(name, "1")
    with Service({"JWTMW_SECURE": "false"}):
        environment = processes.made.options["env"]
    assert {"JWTMW_SECURE", "UNRELATED"} == {
        name for name in environment if name.startswith(("JWTMW_", "UVICORN_", "WEB_", "UNREL"))
    }


def test_silence_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch, processes: type[Process]) -> None:
    """A service that never says that it listens, or why it refused, is given up."""
    monkeypatch.setattr(demo_service, "_PATIENCE", 0.01)
    monkeypatch.setattr(Service, "_read", lambda _: None)
    with pytest.raises(CommandError, match="does not start"), Service({}):
        pytest.fail("it was not started")
    monkeypatch.setattr(Service, "_started", lambda _: "")
    with Service({}) as service:
        assert service.refusal() is None
