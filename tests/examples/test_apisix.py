"""examples/apisix: consumers over Flask, as APISIX's jwt-auth had them at the gateway."""

from __future__ import annotations

import base64
import logging
import runpy
import time
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from jwtmw.testing import Signer

APP = Path(__file__).parents[2] / "examples" / "apisix" / "app.py"
JACK, ROSE = Signer("HS256", kid=""), Signer("RS256", kid="")
BASE = Signer("HS512", key=bytes(range(64)), kid="")
STRANGER = Signer("HS256", kid="")
AS_JACK = {
    "X-Consumer-Username": "jack",
    "X-Credential-Identifier": "jack-key",
    "X-Consumer-Custom-ID": "c-1001",
}
AS_GUEST = {"X-Consumer-Username": "guest", "X-Anonymous-Consumer": "true"}
MISSING, REFUSED = {"message": "Missing JWT token in request"}, {"message": "failed to verify jwt"}


@pytest.fixture
def orders(monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """The service, with its consumers' keys in the environment."""
    monkeypatch.setenv("JACK_SECRET", JACK.secret.decode())
    monkeypatch.setenv("BASE_SECRET", base64.b64encode(BASE.secret).decode())
    monkeypatch.setenv("ROSE_PUBLIC_KEY", ROSE.public_pem)
    client: FlaskClient = runpy.run_path(str(APP), run_name="apisix")["create_app"]().test_client(use_cookies=False)
    return client


def token(signer: Signer = JACK, key: Any = "jack-key", head: dict[str, Any] | None = None, **claims: Any) -> str:
    now = int(time.time())
    members = {"key": key, "iat": now, "exp": now + 3600} | claims
    present = {name: value for name, value in members.items() if value is not None}
    return signer.sign(present, {"typ": "JWT", "kid": None, **(head or {})})


def bearer(made: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {made}"}


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        pytest.param("/orders", bearer(token()), id="bearer"),
        pytest.param("/orders", {"Authorization": token()}, id="raw"),
        pytest.param(f"/orders?jwt={token()}", {}, id="query"),
        pytest.param("/orders", {"Cookie": f"a=1; jwt={token()}"}, id="cookie"),
    ],
)
def test_a_token_may_be_where_apisix_took_it(orders: FlaskClient, path: str, headers: dict[str, str]) -> None:
    """In the header with Bearer or without, in the query, in a cookie."""
    answer = orders.get(path, headers=headers)
    assert (200, AS_JACK) == (answer.status_code, answer.json)


def test_each_consumer_has_its_own_key_and_algorithm(orders: FlaskClient) -> None:
    """A secret, one in base64, and a public key, side by side."""
    names = [
        orders.get("/orders", headers=bearer(made)).get_json()["X-Consumer-Username"]
        for made in (token(), token(BASE, "base-key"), token(ROSE, "rose-key"))
    ]
    assert ["jack", "base", "rose"] == names


def test_a_missing_token_is_told_so(orders: FlaskClient) -> None:
    """With APISIX's text; where none is needed the anonymous consumer stands for it."""
    answer = orders.get("/orders")
    assert (401, MISSING) == (answer.status_code, answer.json)
    assert 'Bearer realm="jwt"' == answer.headers["WWW-Authenticate"]
    assert (200, AS_GUEST) == (orders.get("/catalogue").status_code, orders.get("/catalogue").json)


FORGED = {
    "unknown": token(key="nobody"),
    "nameless": token(key=None),
    "signature": token(STRANGER),
    "another-consumers": token(JACK, "rose-key"),
    "another-hash": token(Signer("HS512", key=JACK.secret, kid="")),
    "public-key-as-secret": token(Signer("HS256", key=b"x" * 64, kid=""), "rose-key"),
    "expired": token(exp=int(time.time()) - 3600, iat=None),
    "too-long-a-life": token(exp=int(time.time()) + 90_000),
    "endless": token(exp=None),
    "unsigned": token(head={"alg": "none"}),
    "guest": token(key="guest"),
    "with-an-issuer": token(iss="https://shops.example"),
}


@pytest.mark.parametrize("path", ["/orders", "/catalogue"])
def test_a_bad_token_is_refused_and_nothing_told(orders: FlaskClient, path: str) -> None:
    """Whatever is wrong: one status, one body of one length, the same headers; where none is needed, too."""
    answers = {name: orders.get(path, headers=bearer(made)) for name, made in FORGED.items()}
    assert dict.fromkeys(FORGED, (401, REFUSED)) == {
        name: (answer.status_code, answer.json) for name, answer in answers.items()
    }
    assert 1 == len({(answer.data, _headers(answer)) for answer in answers.values()})


def _headers(answer: TestResponse) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value) for name, value in answer.headers if name != "Date"))


@pytest.mark.parametrize("name", [*AS_JACK, "X-Anonymous-Consumer", "X_Consumer_Username", "x.consumer.username"])
def test_nobody_names_himself(orders: FlaskClient, name: str) -> None:
    """What a caller sends under these names, in any spelling, does not reach the views."""
    forged = {name: "admin"}
    assert AS_JACK == orders.get("/orders", headers={**bearer(token()), **forged}).json
    assert AS_GUEST == orders.get("/catalogue", headers=forged).json


def test_two_tokens_are_an_error(orders: FlaskClient) -> None:
    """Nobody guesses which one was meant."""
    assert 400 == orders.get(f"/orders?jwt={token()}", headers=bearer(token())).status_code


def test_a_cookie_needs_proof_where_something_is_changed(orders: FlaskClient) -> None:
    """A page of another site cannot order in a consumer's name."""
    cookie = {"Cookie": f"jwt={token()}"}
    statuses = [
        orders.post("/orders", headers={**cookie, **more}).status_code
        for more in ({}, {"Origin": "https://evil.example"}, {"Origin": "https://shop.example"})
    ]
    assert [403, 403, 200] == statuses


def test_nothing_secret_is_logged(orders: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    """The log says why a token was refused, and shows neither it, nor what it says, nor a secret."""
    caplog.set_level(logging.DEBUG)
    for made in FORGED.values():
        orders.get("/orders", headers=bearer(made))
    assert {"consumer_unknown", "signature_invalid", "algorithm_refused"} <= {
        vars(record).get("jwtmw_reason") for record in caplog.records
    }
    shown = caplog.text
    assert [] == [text for text in (JACK.secret.decode(), "jack-key", "nobody", *FORGED.values()) if text in shown]
