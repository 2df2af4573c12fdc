"""`jwtmw demo mixed`: five real services by one policy, and what is said where they differ."""

from __future__ import annotations

import importlib.util
import re
import time
from typing import Any

import pytest

from jwtmw.cli import demo_mixed, main
from jwtmw.cli.demo_mixed import SERVICES
from jwtmw.cli.demo_requests import Answer, bearer, send
from jwtmw.cli.demo_service import Service, example
from jwtmw.testing import TestIssuer


def test_five_services_answer_alike(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Starlette, FastAPI, Flask, Django and plain WSGI, each under a real server, whatever else is configured here."""
    monkeypatch.setenv("JWTMW_ISSUER", "https://foreign.example/")
    monkeypatch.setenv("FLASK_DEBUG", "1")
    assert 0 == main(["demo", "mixed"])
    out, err = capsys.readouterr()
    assert "" == err
    assert 5 == len(re.findall(r"^  (\w+) +http://127\.0\.0\.1:\d+ +(?:uvicorn|waitress)$", out, re.MULTILINE))
    assert re.search(r"^ +POST /orders +a reader's token( +403){5} +insufficient_scope$", out, re.MULTILINE)
    assert "\nAll 21 are the same five times.\n" in out


@pytest.mark.parametrize("name", SERVICES)
def test_each_example_serves_its_callers(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example is a service of its own: it names the caller to itself, and keeps others out."""
    issuer = TestIssuer(clock=time)
    with issuer.serve(0):
        environment = {
            "JWTMW_CONFIG": str(example("mixed") / "policy.toml"),
            "ORDERS_ISSUER": issuer.issuer,
            "ORDERS_JWKS_URL": issuer.jwks_url,
        }
        with Service(environment, folder="mixed", app=f"{name}_service:app", server=SERVICES[name]) as service:
            statuses = [send(service.url, ask).status for ask in demo_mixed.asks(issuer)]
    assert [ask.status for ask in demo_mixed.asks(issuer)] == statuses


def test_a_service_that_differs_is_marked(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A status, or anything in a refusal, that one of the five has for itself fails the command."""

    class Stub:
        def __init__(self, environment: Any, **options: Any) -> None:
            self.url = options["app"]

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_: object) -> None:
            pass

    def answer(url: str, ask: Any) -> Answer:
        differs = url.startswith("flask") and ask.line == "GET /nowhere"
        return Answer(ask.status, "", ("application/json",) if differs else ())

    monkeypatch.setattr(demo_mixed, "Service", Stub)
    monkeypatch.setattr(demo_mixed, "send", answer)
    assert 1 == main(["demo", "mixed"])
    out = capsys.readouterr().out
    assert ["GET /nowhere"] * 2 == re.findall(r"^!  (\S+ \S+)", out, re.MULTILINE)
    assert "\n2 of 21 are not as they should be.\n" in out


@pytest.mark.parametrize("options", [["--stay"], ["--port", "8000"]])
def test_what_is_for_one_service_is_refused_for_five(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """An option that would be ignored is an error."""
    assert 2 == main(["demo", "mixed", *options])
    assert "jwtmw: --stay and --port are for one service: leave them out\n" == capsys.readouterr().err


def test_what_is_not_installed_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install."""
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in ("flask", "waitress") else find(name))
    assert 2 == main(["demo", "mixed"])
    assert "jwtmw: jwtmw demo mixed needs flask, waitress: pip install 'jwtmw[mixed]'\n" == capsys.readouterr().err


def test_the_header_that_carries_a_token() -> None:
    """One line, with its scheme."""
    assert (("Authorization", "Bearer abc"),) == bearer("abc")
