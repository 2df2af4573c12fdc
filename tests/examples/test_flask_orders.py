"""examples/flask_orders: who may do what, with nothing but the environment as its configuration."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from jwtmw.testing import TestIssuer

APP = Path(__file__).parents[2] / "examples" / "flask_orders" / "app.py"


def service() -> Flask:
    """A fresh copy, as the environment now configures it."""
    app: Flask = runpy.run_path(str(APP), run_name="flask_orders")["create_app"]()
    return app


@pytest.fixture
def orders(jwtmw_serving_issuer: TestIssuer, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """The service, told of `jwtmw_serving_issuer` by the environment."""
    for name, value in jwtmw_serving_issuer.environment().items():
        monkeypatch.setenv(name, value)
    return service().test_client()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    ("method", "path", "claims", "status"),
    [
        pytest.param("GET", "/health", None, 200, id="health"),
        pytest.param("GET", "/catalogue", None, 200, id="catalogue"),
        pytest.param("GET", "/orders", None, 401, id="list-nobody"),
        pytest.param("GET", "/orders", {"scope": "orders:read"}, 200, id="list-reader"),
        pytest.param("GET", "/orders", {"scope": "orders:write"}, 403, id="list-writer"),
        pytest.param("GET", "/orders", {"scope": "orders:read", "aud": "billing"}, 401, id="list-audience"),
        pytest.param("POST", "/orders", {"scope": "orders:read"}, 403, id="place-reader"),
        pytest.param("POST", "/orders", {"scope": "orders:write"}, 201, id="place-writer"),
        pytest.param("DELETE", "/admin/orders/1", {"scope": "orders:write"}, 403, id="cancel-writer"),
        pytest.param("DELETE", "/admin/orders/1", {"roles": ["admin"]}, 200, id="cancel-admin"),
        pytest.param("DELETE", "/admin/orders/9", {"roles": ["admin"]}, 404, id="cancel-unknown"),
        pytest.param("GET", "/nowhere", None, 401, id="unknown-nobody"),
        pytest.param("GET", "/nowhere", {}, 404, id="unknown-caller"),
    ],
)
def test_who_may_do_what(
    orders: FlaskClient,
    jwtmw_serving_issuer: TestIssuer,
    method: str,
    path: str,
    claims: dict[str, object] | None,
    status: int,
) -> None:
    """Each route asks what its mark and its blueprint's say, and what has no mark asks for a good token."""
    headers = {} if claims is None else bearer(jwtmw_serving_issuer.token("alice", **claims))  # type: ignore[arg-type]
    assert status == orders.open(path, method=method, headers=headers, data="tea").status_code


def test_an_order_says_whose_it_is(orders: FlaskClient, jwtmw_serving_issuer: TestIssuer) -> None:
    """The application finds the caller in `current_principal`."""
    headers = bearer(jwtmw_serving_issuer.token("alice", "orders:write"))
    assert {"article": "cake", "by": "alice"} == orders.post("/orders", data="cake", headers=headers).get_json()
    assert 400 == orders.post("/orders", data="beer", headers=headers).status_code


def test_known_callers_pay_less(orders: FlaskClient, jwtmw_serving_issuer: TestIssuer) -> None:
    """An optional token makes a difference where it is good."""
    assert {"tea": 4, "cake": 6} == orders.get("/catalogue").get_json()
    headers = bearer(jwtmw_serving_issuer.token())
    assert {"tea": 3, "cake": 5} == orders.get("/catalogue", headers=headers).get_json()


def test_refusals_are_in_the_application_s_own_words(orders: FlaskClient) -> None:
    """Its handler answers, the challenge stays, and browsers may read it."""
    answer = orders.get("/orders")
    assert (401, {"error": "Unauthorized"}) == (answer.status_code, answer.get_json())
    assert 'Bearer realm="api"' == answer.headers["WWW-Authenticate"]
    assert "https://shop.example" == answer.headers["Access-Control-Allow-Origin"]


def test_the_table_of_routes_names_what_each_needs(orders: FlaskClient) -> None:
    """`flask jwtmw routes` reads the marks."""
    output = orders.application.test_cli_runner().invoke(args=["jwtmw", "routes"]).output
    for words in ("a token with scope orders:write", "a token with role admin", "no token, or one", "nothing"):
        assert words in output


def test_without_an_issuer_it_runs_non_secure(monkeypatch: pytest.MonkeyPatch, jwtmw_issuer: TestIssuer) -> None:
    """With one variable the same code lets everybody in, and believes nobody."""
    monkeypatch.setenv("JWTMW_SECURE", "false")
    headers = bearer(jwtmw_issuer.token("alice", "orders:write"))
    placed = service().test_client().post("/orders", data="tea", headers=headers)
    assert (201, {"article": "tea", "by": None}) == (placed.status_code, placed.get_json())
