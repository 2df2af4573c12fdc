"""The ways to log in, against the stand-in for Vault."""

from __future__ import annotations

from math import inf
from pathlib import Path

import pytest

from jwtmw.vault.login import AppRole, GivenToken, Lease, Login, TokenFile, Userpass, renew, revoke
from jwtmw.vault.server import Server, VaultFailed
from tests.issuers.servers import response, serving
from tests.vault.standin import StandIn

CANARY = "canary-7f3a91"


def logged_in(vault: StandIn, login: Login) -> Lease:
    server = Server("main", vault.url)
    return login(server, server.deadline())


def refused(vault: StandIn, login: Login) -> VaultFailed:
    with pytest.raises(VaultFailed) as caught:
        logged_in(vault, login)
    return caught.value


def test_a_user_logs_in(vault: StandIn) -> None:
    """The lease says how long the token lives, and that it can be renewed."""
    vault.call("POST", "auth/userpass/users/orders", password=CANARY, token_ttl="1h")
    lease = logged_in(vault, Userpass("userpass", "orders", CANARY))
    assert (3600.0, True) == (lease.duration, lease.renewable)
    assert lease.token in vault.tokens.by_id


def test_a_role_logs_in(vault: StandIn) -> None:
    """An AppRole with its secret id, wherever the method is mounted."""
    vault.mounts["machines"] = vault.mounts.pop("approle")
    vault.call("POST", "auth/machines/role/orders", token_ttl="30m")
    role_id = vault.call("GET", "auth/machines/role/orders/role-id")[1]["data"]["role_id"]
    secret_id = vault.call("POST", "auth/machines/role/orders/secret-id")[1]["data"]["secret_id"]
    assert 1800.0 == logged_in(vault, AppRole("machines", role_id, secret_id)).duration
    assert 400 == refused(vault, AppRole("machines", role_id, "other")).status


def test_a_token_is_asked_how_long_it_lives(vault: StandIn, tmp_path: Path) -> None:
    """Given in the configuration or in a file; a root token lives for ever."""
    token = vault.tokens.create(["default"], ttl=600).id
    file = tmp_path / "token"
    file.write_text(f"{token}\n", encoding="ascii")
    assert Lease(token, 600.0, renewable=True) == logged_in(vault, GivenToken(token))
    assert Lease(token, 600.0, renewable=True) == logged_in(vault, TokenFile(file))
    file.write_text(f'{{"auth": {{"client_token": "{token}"}}}}', encoding="ascii")
    assert Lease(token, 600.0, renewable=True) == logged_in(vault, TokenFile(file))
    assert Lease(vault.root, inf, renewable=False) == logged_in(vault, GivenToken(vault.root))


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff", b"{", b"{}", b'{"auth": {"client_token": 5}}'])
def test_a_token_file_without_a_token_is_a_failure(vault: StandIn, tmp_path: Path, content: bytes | None) -> None:
    """Missing, empty or no text: nothing is sent."""
    if content is not None:
        (tmp_path / "token").write_bytes(content)
    assert "the token file cannot be read, or holds no token" == refused(vault, TokenFile(tmp_path / "token")).reason
    assert [] == vault.requests


def test_wrong_credentials_are_refused(vault: StandIn) -> None:
    """A wrong password, a user and a token that are not there."""
    vault.call("POST", "auth/userpass/users/orders", password="right")
    assert 400 == refused(vault, Userpass("userpass", "orders", CANARY)).status
    assert 404 == refused(vault, Userpass("nowhere", "orders", CANARY)).status
    assert 403 == refused(vault, GivenToken(CANARY)).status


def test_a_token_is_renewed_and_revoked(vault: StandIn) -> None:
    """Renewing never passes the maximum of its role; revoking ends it."""
    server = Server("main", vault.url)
    token = vault.tokens.create(["default"], ttl=60, max_ttl=40).id
    assert Lease(token, 40.0, renewable=True) == renew(server, token, server.deadline())
    revoke(server, token, server.deadline())
    assert token not in vault.tokens.by_id


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("{}", "the answer has no auth"),
        ('{"auth": {"client_token": "", "lease_duration": 1}}', "the answer has no client_token"),
        ('{"auth": {"client_token": "a", "lease_duration": true}}', "the answer does not say how long the token lives"),
        ('{"auth": {"client_token": "a", "lease_duration": -1}}', "the answer does not say how long the token lives"),
        ('{"auth": {"client_token": "a", "lease_duration": "1"}}', "the answer does not say how long the token lives"),
    ],
)
def test_an_answer_that_makes_no_sense_is_a_failure(document: str, reason: str) -> None:
    """Nothing is guessed."""
    with serving(response(document.encode())) as stub:
        server = Server("main", stub.url(""))
        with pytest.raises(VaultFailed) as caught:
            Userpass("userpass", "orders", "a")(server, server.deadline())
    assert reason == caught.value.reason


def test_nothing_secret_is_shown() -> None:
    """Neither a lease nor a way to log in shows what it holds."""
    secretive = [Lease(CANARY), GivenToken(CANARY), Userpass("userpass", "a", CANARY), AppRole("approle", "a", CANARY)]
    assert [] == [each for each in secretive if CANARY in repr(each)]
