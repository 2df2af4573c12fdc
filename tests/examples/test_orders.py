"""examples/orders: who may do what, with nothing but the environment as its configuration."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from jwtmw.testing import TestIssuer

APP = Path(__file__).parents[2] / "examples" / "orders" / "app.py"


def client() -> TestClient:
    """A fresh copy of the service, as the environment now configures it."""
    return TestClient(runpy.run_path(str(APP))["app"])


@pytest.fixture
def orders(jwtmw_serving_issuer: TestIssuer, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The service, told of `jwtmw_serving_issuer` by three variables. Its clock is the real one's, standing still."""
    for name, value in jwtmw_serving_issuer.environment().items():
        monkeypatch.setenv(name, value)
    with client() as orders:
        yield orders


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
        pytest.param("GET", "/orders/1", {"scope": "orders:read"}, 200, id="show-reader"),
        pytest.param("GET", "/orders/99", {"scope": "orders:read"}, 404, id="show-unknown"),
        pytest.param("GET", "/orders/99", None, 401, id="show-unknown-nobody"),
        pytest.param("POST", "/orders", {"scope": "orders:read"}, 403, id="place-reader"),
        pytest.param("POST", "/orders", {"scope": "orders:write"}, 201, id="place-writer"),
        pytest.param("DELETE", "/orders/1", {"scope": "orders:write"}, 403, id="cancel-writer"),
        pytest.param("DELETE", "/orders/1", {"roles": ["admin"]}, 200, id="cancel-admin"),
        pytest.param("GET", "/nowhere", None, 401, id="unknown-nobody"),
        pytest.param("GET", "/nowhere", {}, 404, id="unknown-caller"),
    ],
)
def test_who_may_do_what(
    orders: TestClient,
    jwtmw_serving_issuer: TestIssuer,
    method: str,
    path: str,
    claims: dict[str, object] | None,
    status: int,
) -> None:
    """Each route asks what its mark says, and what has no mark asks for a good token."""
    headers = {} if claims is None else bearer(jwtmw_serving_issuer.token("alice", **claims))  # type: ignore[arg-type]
    assert status == orders.request(method, path, headers=headers, content="tea").status_code


def test_an_order_says_whose_it_is(orders: TestClient, jwtmw_serving_issuer: TestIssuer) -> None:
    """The application finds the caller in `current_principal()`."""
    token = jwtmw_serving_issuer.token("alice", "orders:write")
    placed = orders.post("/orders", content="cake", headers=bearer(token))
    assert {"article": "cake", "state": "open", "by": "alice"} == placed.json()
    assert 400 == orders.post("/orders", content="beer", headers=bearer(token)).status_code


def test_known_callers_pay_less(orders: TestClient, jwtmw_serving_issuer: TestIssuer) -> None:
    """An optional token makes a difference where it is good; a bad one is refused."""
    assert {"tea": 4, "cake": 6} == orders.get("/catalogue").json()
    assert {"tea": 3, "cake": 5} == orders.get("/catalogue", headers=bearer(jwtmw_serving_issuer.token())).json()
    assert 401 == orders.get("/catalogue", headers=bearer(jwtmw_serving_issuer.token(exp=1))).status_code


def test_browsers_may_ask_and_may_read_refusals(orders: TestClient) -> None:
    """A preflight passes without a token, and a refusal carries the CORS header."""
    origin = {"Origin": "https://shop.example"}
    preflight = orders.options("/orders", headers={**origin, "Access-Control-Request-Method": "GET"})
    assert 200 == preflight.status_code
    refused = orders.get("/orders", headers=origin)
    assert (401, "https://shop.example") == (refused.status_code, refused.headers["access-control-allow-origin"])


def test_without_an_issuer_it_runs_non_secure(monkeypatch: pytest.MonkeyPatch, jwtmw_issuer: TestIssuer) -> None:
    """With one variable the same code lets everybody in, and believes nobody."""
    monkeypatch.setenv("JWTMW_SECURE", "false")
    with client() as orders:
        assert 200 == orders.get("/orders").status_code
        placed = orders.post("/orders", content="tea", headers=bearer(jwtmw_issuer.token("alice", "orders:write")))
        assert (201, None) == (placed.status_code, placed.json()["by"])
