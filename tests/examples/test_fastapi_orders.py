"""examples/fastapi_orders: who may do what, with nothing but the environment as its configuration."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from jwtmw.testing import TestIssuer

APP = Path(__file__).parents[2] / "examples" / "fastapi_orders" / "app.py"


@pytest.fixture
def orders(jwtmw_serving_issuer: TestIssuer, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A fresh copy of the service, told of `jwtmw_serving_issuer` by the environment."""
    for name, value in jwtmw_serving_issuer.environment().items():
        monkeypatch.setenv(name, value)
    with TestClient(runpy.run_path(str(APP), run_name="fastapi_orders")["app"]) as orders:
        yield orders


@pytest.mark.parametrize(
    ("method", "path", "claims", "status"),
    [
        pytest.param("GET", "/health", None, 200, id="health"),
        pytest.param("GET", "/docs", None, 401, id="docs-nobody"),
        pytest.param("GET", "/docs", {}, 200, id="docs-caller"),
        pytest.param("GET", "/orders", None, 401, id="list-nobody"),
        pytest.param("GET", "/orders", {"scope": "orders:read"}, 200, id="list-reader"),
        pytest.param("GET", "/orders", {"scope": "orders:write"}, 403, id="list-writer"),
        pytest.param("GET", "/orders", {"scope": "orders:read", "aud": "billing"}, 401, id="list-audience"),
        pytest.param("GET", "/orders/1", {"scope": "orders:read"}, 200, id="show-reader"),
        pytest.param("GET", "/orders/none", {"scope": "orders:read"}, 422, id="show-no-number"),
        pytest.param("GET", "/orders/none", {"scope": "orders:write"}, 403, id="show-no-number-writer"),
        pytest.param("POST", "/orders", {"scope": "orders:read"}, 403, id="place-reader"),
        pytest.param("POST", "/orders", {"scope": "orders:write"}, 201, id="place-writer"),
        pytest.param("DELETE", "/orders/1", {"scope": "orders:write"}, 403, id="cancel-writer"),
        pytest.param("DELETE", "/orders/1", {"roles": ["admin"]}, 204, id="cancel-admin"),
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
    """Each operation asks for its scope or role, before it looks at what was sent."""
    headers = {} if claims is None else {"Authorization": f"Bearer {jwtmw_serving_issuer.token(**claims)}"}  # type: ignore[arg-type]
    body = {"article": "cake"} if method == "POST" else None
    assert status == orders.request(method, path, json=body, headers=headers).status_code


def test_the_documentation_names_what_is_asked(orders: TestClient, jwtmw_serving_issuer: TestIssuer) -> None:
    """Dependencies and marks stand in the OpenAPI document alike."""
    headers = {"Authorization": f"Bearer {jwtmw_serving_issuer.token()}"}
    paths = orders.get("/openapi.json", headers=headers).json()["paths"]
    assert [{"JWTBearer": ["orders:read"]}] == paths["/orders"]["get"]["security"]
    assert [{"JWTBearer": ["orders:write"]}] == paths["/orders"]["post"]["security"]
    assert [{"JWTBearer": []}] == paths["/orders/{number}"]["delete"]["security"]
    assert "security" not in paths["/health"]["get"]
