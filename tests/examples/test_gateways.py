"""examples/gateways: the endpoint with an internal token, and a service behind it that is configured by discovery.

The configurations of the gateways themselves are started by tests/system/gateways.
"""

from __future__ import annotations

import importlib.util
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from jwtmw import Policy
from jwtmw.mint import KeyRing
from jwtmw.testing import TestIssuer

FOLDER = Path(__file__).parents[2] / "examples" / "gateways"
PAGE = (Path(__file__).parents[2] / "docs" / "gateways.md").read_text(encoding="utf-8")
ISSUER = "http://127.0.0.1:9000"
REPORTED = {"X-Original-Method": "GET", "X-Original-URI": "/orders/7"}


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[TestClient, TestIssuer]]:
    """The example's endpoint for nginx, under its own configuration but for the issuer, and with new keys."""
    KeyRing.create(tmp_path / "keys")
    with TestIssuer() as issuer:
        text = (FOLDER / "jwtmw.toml").read_text(encoding="utf-8")
        text = text.replace('"https://id.example/"', f'"{issuer.issuer}"')
        text = text.replace('"https://id.example/jwks"', f'"{issuer.jwks_url}"')
        (tmp_path / "jwtmw.toml").write_text(text, encoding="utf-8")
        monkeypatch.setenv("POLICY_FILE", str(tmp_path / "jwtmw.toml"))
        monkeypatch.setenv("KEYS", str(tmp_path / "keys"))
        monkeypatch.setenv("GATEWAY", "nginx")
        spec = importlib.util.spec_from_file_location("gateways_app", FOLDER / "app.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        with TestClient(module.app) as client:
            yield client, issuer


def inner(client: TestClient) -> Policy:
    """A service behind the gateway, which takes what the example publishes."""
    metadata = client.get("/.well-known/openid-configuration").json()
    assert ISSUER == metadata["issuer"]
    keys = client.get(metadata["jwks_uri"].removeprefix(ISSUER)).json()
    return Policy(issuers=[{"issuer": ISSUER, "audience": ["orders"], "jwks": keys}])


def test_the_internal_token_is_for_the_services_behind(client: tuple[TestClient, TestIssuer]) -> None:
    """They take it, with who is calling and what they may; they take no public token, nor does the gateway an inner."""
    http, issuer = client
    public = issuer.token("alice", scope="orders:read")
    answer = http.get("/auth", headers={**REPORTED, "Authorization": f"Bearer {public}"})
    assert (200, "alice") == (answer.status_code, answer.headers["x-consumer-username"])
    token = answer.headers["authorization"].removeprefix("Bearer ")
    service = inner(http)
    passed, refused = (service.explain("GET", "/orders/7", each) for each in (token, public))
    assert (None, 401) == (passed.status, refused.status)
    turned_round = http.get("/auth", headers={**REPORTED, "Authorization": f"Bearer {token}"})
    assert 401 == turned_round.status_code


def test_nobody_else_gets_one(client: tuple[TestClient, TestIssuer]) -> None:
    """Neither who is refused, nor who is anonymous, nor who asks at another path."""
    http, issuer = client
    public = {"Authorization": f"Bearer {issuer.token()}"}
    refused = http.get("/auth", headers=REPORTED)
    anonymous = http.get("/auth", headers={**REPORTED, "X-Original-URI": "/health", **public})
    elsewhere = http.get("/elsewhere", headers={**REPORTED, **public})
    assert [401, 200, 404] == [answer.status_code for answer in (refused, anonymous, elsewhere)]
    assert all("authorization" not in answer.headers for answer in (refused, anonymous, elsewhere))


@pytest.mark.parametrize("name", ["nginx.conf", "traefik.yml", "traefik-routes.yml", "Caddyfile", "envoy.yaml"])
def test_the_page_shows_the_very_files(name: str) -> None:
    """What docs/gateways.md shows is what the system tests start."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert f"`{name}`" in PAGE
    assert text in PAGE


def test_every_identity_header_is_in_every_configuration() -> None:
    """One that a gateway does not know is the caller's own."""
    headers = tomllib.loads((FOLDER / "jwtmw.toml").read_text(encoding="utf-8"))["identity_headers"]
    for name in headers:
        assert f"proxy_set_header {name} $" in (FOLDER / "nginx.conf").read_text(encoding="utf-8")
        assert name in (FOLDER / "Caddyfile").read_text(encoding="utf-8")
        assert f"exact: {name.lower()}" in (FOLDER / "envoy.yaml").read_text(encoding="utf-8")
        (pattern,) = re.findall("Regex: (.*)", (FOLDER / "traefik-routes.yml").read_text(encoding="utf-8"))
        assert re.match(pattern, name)
