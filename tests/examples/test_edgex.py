"""examples/edgex: EdgeX's variables and users made by `jwtmw vault`, with a stand-in for its secret store.

The stand-in follows the documented API of Vault and OpenBao; it is neither of them.
"""

from __future__ import annotations

import json
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from jwtmw.cli import main
from tests.vault.standin import StandIn

APP = Path(__file__).parents[2] / "examples" / "edgex" / "app.py"
PATHS = ["/api/v3/ping", "/api/v3/version", "/api/v3/device/all", "/api/v3/nowhere"]


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[StandIn]:
    """The secret store, the service's token file as EdgeX writes it, and an administrator's surroundings."""
    for variable in ("EDGEX_SECURITY_SECRET_STORE", "EDGEX_DISABLE_JWT_VALIDATION", "BAO_ADDR", "BAO_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    with StandIn() as vault:
        vault.api_addr = ""
        vault.policy("edgex-service-core-metadata", 'path "identity/oidc/introspect" { capabilities = ["update"] }')
        token = vault.tokens.create(["default", "edgex-service-core-metadata"], ttl=3600).id
        file = tmp_path / "secrets-token.json"
        file.write_text(json.dumps({"request_id": "a", "auth": {"client_token": token}}), encoding="utf-8")
        monkeypatch.setenv("SECRETSTORE_URL", vault.url)
        monkeypatch.setenv("SECRETSTORE_TOKENFILE", str(file))
        monkeypatch.setenv("VAULT_ADDR", vault.url)
        monkeypatch.setenv("VAULT_TOKEN", vault.root)
        yield vault


@pytest.fixture
def alice(store: StandIn, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> str:
    """A JWT of a user whom the command has added."""
    assert 0 == main(["vault", "add-user", "--user", "alice"])
    (tmp_path / "alice.json").write_text(capsys.readouterr().out, encoding="utf-8")
    assert 0 == main(["vault", "get-token", "--credentials", str(tmp_path / "alice.json")])
    return capsys.readouterr().out.strip()


def statuses(token: str | None = None) -> list[int]:
    """What a fresh copy of the service, as the environment now configures it, answers on each path."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    with TestClient(runpy.run_path(str(APP))["app"]) as service:
        return [service.get(path, headers=headers).status_code for path in PATHS]


def test_everything_but_ping_needs_a_token(alice: str) -> None:
    """What is not there, too."""
    assert [200, 401, 401, 401] == statuses()
    assert [200, 200, 200, 404] == statuses(alice)


def test_a_refusal_looks_as_in_edgex(store: StandIn) -> None:
    """Version, message and status as JSON."""
    with TestClient(runpy.run_path(str(APP))["app"]) as service:
        refused = service.get("/api/v3/version")
    assert "application/json" == refused.headers["content-type"]
    assert {"apiVersion": "v3", "message": "This resource needs an access token.", "statusCode": 401} == refused.json()


def test_the_caller_is_known_by_name(alice: str) -> None:
    """From the template of the role that the command made."""
    with TestClient(runpy.run_path(str(APP))["app"]) as service:
        answer = service.get("/api/v3/device/all", headers={"Authorization": f"Bearer {alice}"})
    assert "alice" == answer.json()["caller"]


def test_a_removed_user_is_refused(alice: str) -> None:
    """The secret store says so, though the JWT has not ended."""
    assert 0 == main(["vault", "delete-user", "--user", "alice"])
    assert [200, 401, 401, 401] == statuses(alice)


def test_an_outage_of_the_secret_store_is_503(alice: str, store: StandIn) -> None:
    """No fault of the caller's; ping answers all the same."""
    store.sealed = True
    assert [200, 503, 503, 503] == statuses(alice)


def test_without_security_every_request_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """EDGEX_SECURITY_SECRET_STORE=false: with a token, without, with a bad one, and without any secret store."""
    for variable in ("SECRETSTORE_URL", "SECRETSTORE_TOKENFILE", "EDGEX_DISABLE_JWT_VALIDATION"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("EDGEX_SECURITY_SECRET_STORE", "false")
    assert [[200, 200, 200, 404]] * 2 == [statuses(), statuses("garbage")]


def test_validation_can_be_switched_off_alone(store: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """EDGEX_DISABLE_JWT_VALIDATION=true: inbound requests are not judged."""
    monkeypatch.setenv("EDGEX_DISABLE_JWT_VALIDATION", "true")
    assert [200, 200, 200, 404] == statuses()
    assert [] == store.requests
