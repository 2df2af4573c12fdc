"""examples/django_orders: who may do what, with nothing but the environment as its configuration."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.test import Client, override_settings

from jwtmw.testing import TestIssuer
from tests.django.project import configure

APP = Path(__file__).parents[2] / "examples" / "django_orders" / "app.py"


@pytest.fixture
def orders(jwtmw_serving_issuer: TestIssuer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """The service, told of `jwtmw_serving_issuer` by the environment, among Django's settings of this process."""
    for name, value in jwtmw_serving_issuer.environment().items():
        monkeypatch.setenv(name, value)
    configure()
    with override_settings(MIDDLEWARE=[]):
        members = runpy.run_path(str(APP), run_name="django_orders")
    urls = ModuleType("django_orders_urls")
    urls.__dict__.update(urlpatterns=members["urlpatterns"])
    kept = {name: members["SETTINGS"][name] for name in ("MIDDLEWARE", "SESSION_ENGINE")}
    with override_settings(JWTMW=None, ROOT_URLCONF=urls, **kept):
        yield Client(enforce_csrf_checks=True)


@pytest.mark.parametrize(
    ("method", "path", "claims", "status"),
    [
        pytest.param("GET", "/health", None, 200, id="health"),
        pytest.param("GET", "/catalogue", None, 200, id="catalogue"),
        pytest.param("GET", "/orders", None, 401, id="list-nobody"),
        pytest.param("GET", "/orders", {}, 403, id="list-without-scope"),
        pytest.param("GET", "/orders", {"scope": "orders:read"}, 200, id="list"),
        pytest.param("POST", "/orders", {"scope": "orders:read"}, 403, id="place-without-scope"),
        pytest.param("POST", "/orders", {"scope": "orders:write"}, 201, id="place"),
        pytest.param("DELETE", "/orders", None, 401, id="no-such-method-nobody"),
        pytest.param("DELETE", "/orders", {}, 405, id="no-such-method"),
        pytest.param("DELETE", "/admin/orders/1", {"scope": "orders:write"}, 403, id="cancel-without-role"),
        pytest.param("DELETE", "/admin/orders/1", {"roles": ["admin"]}, 204, id="cancel"),
        pytest.param("DELETE", "/admin/orders/7", {"roles": ["admin"]}, 404, id="cancel-nothing"),
        pytest.param("GET", "/nowhere", None, 401, id="nowhere-nobody"),
        pytest.param("GET", "/nowhere", {}, 404, id="nowhere"),
    ],
)
def test_who_may_do_what(
    orders: Client, jwtmw_serving_issuer: TestIssuer, method: str, path: str, claims: dict[str, Any] | None, status: int
) -> None:
    """Each route lets in whom its mark says, and the rest of the service is for callers."""
    headers = {} if claims is None else {"Authorization": f"Bearer {jwtmw_serving_issuer.token('alice', **claims)}"}
    answer = orders.generic(method, path, b"cake", "text/plain", headers=headers)
    assert status == answer.status_code


def test_an_order_is_the_callers(orders: Client, jwtmw_serving_issuer: TestIssuer) -> None:
    """request.user is who the token speaks for; an odd article is the service's own refusal; callers pay less."""
    headers = {"Authorization": f"Bearer {jwtmw_serving_issuer.token('bob', scope='orders:write')}"}
    assert "bob" == orders.generic("POST", "/orders", b"tea", "text/plain", headers=headers).json()["by"]
    assert 400 == orders.generic("POST", "/orders", b"coal", "text/plain", headers=headers).status_code
    assert [4, 3] == [orders.get("/catalogue", headers=sent).json()["tea"] for sent in ({}, headers)]
