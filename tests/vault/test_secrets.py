"""`$secret://vault/NAME/path/key`, against the stand-in for Vault."""

from __future__ import annotations

import logging
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest

from jwtmw.errors import ConfigurationError
from jwtmw.settings import Secret, Settings, read_settings
from tests.issuers.servers import authority, hang, response, serving
from tests.vault.standin import StandIn

CANARY = "canary-7f3a91-canary-7f3a91-canary-7f3a91"
PASSWORD = "password-51ab"
SECRET = "$secret://vault/main/orders/jwt/secret"
READ = 'path "secret/data/orders/*" { capabilities = ["read"] } path "kv/*" { capabilities = ["read"] }'


@pytest.fixture
def orders(vault: StandIn) -> StandIn:
    """A Vault with secrets in both kinds of engine, and a user who may read them."""
    vault.engines["secret"].secrets = {
        "orders/jwt": {"secret": CANARY, "realm": "shop", "number": 5, "empty": "", "reference": "$ENV://A"},
        "other": {"secret": CANARY},
    }
    vault.engines["kv"].secrets = {"orders": {"secret": CANARY}}
    vault.policy("orders", READ)
    vault.call("POST", "auth/userpass/users/orders", password=PASSWORD, token_policies=["orders"])
    return vault


def configured(
    vault: StandIn, reference: str = "$secret://vault/main/orders/jwt/secret", **keys: Any
) -> dict[str, Any]:
    userpass = {"username": "orders", "password": "$ENV://PASSWORD"}
    table = {"url": vault.url, **({} if "token" in keys or "token_file" in keys else {"userpass": userpass}), **keys}
    issuer = {"name": "corp", "issuer": "corp", "audience": ["orders"], "secret": reference}
    return {"vault": {"main": table}, "issuers": [issuer]}


def read(raw: dict[str, Any]) -> Settings:
    return read_settings(raw, environ={"PASSWORD": PASSWORD})


def secret_of(raw: dict[str, Any]) -> bytes:
    material = read(raw).issuers[0].key_material
    assert isinstance(material, Secret)
    return material.value


def refused(raw: dict[str, Any]) -> ConfigurationError:
    """The error, which shows nothing that came out of the Vault, or that opened it, wherever one looks."""
    with pytest.raises(ConfigurationError) as caught:
        read(raw)
    error = caught.value
    shown = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    assert [] == [secret for secret in (CANARY, PASSWORD) if secret in shown]
    assert (None, None) == (error.__cause__, error.__context__)
    assert ["test_secrets", "test_secrets", "read"] == [Path(frame.f_code.co_filename).stem for frame in frames]
    return error


def test_a_secret_of_version_2(orders: StandIn) -> None:
    """The mount is `secret` and its version 2, unless the table says otherwise."""
    assert CANARY.encode() == secret_of(configured(orders))


def test_a_secret_of_version_1(orders: StandIn) -> None:
    """Another mount, the older engine."""
    raw = configured(orders, "$secret://vault/main/orders/secret", kv_mount="kv", kv_version=1)
    assert CANARY.encode() == secret_of(raw)


def test_each_path_is_read_once_and_the_token_revoked(orders: StandIn) -> None:
    """However many keys are wanted of it; the token that was made for it does not outlive the start."""
    raw = configured(orders) | {"realm": "$secret://vault/main/orders/jwt/realm"}
    raw["issuers"][0]["name"] = "$secret://vault/main/orders/names/corp"
    orders.engines["secret"].secrets["orders/names"] = {"corp": "corp"}
    before = set(orders.tokens.by_id)
    assert "shop" == read(raw).realm
    login, *reads, last = orders.requests
    assert ("POST auth/userpass/login/orders", "POST auth/token/revoke-self") == (login, last)
    assert ["GET secret/data/orders/jwt", "GET secret/data/orders/names"] == sorted(reads)
    assert before == set(orders.tokens.by_id)


def test_a_given_token_reads_and_stays(orders: StandIn, tmp_path: Path) -> None:
    """A token that somebody else made is used as it is, without asking about it, and is not revoked."""
    token = orders.tokens.create(["orders"]).id
    (tmp_path / "token").write_text(token, encoding="ascii")
    for keys in ({"token": token}, {"token_file": tmp_path / "token"}):
        orders.requests.clear()
        assert CANARY.encode() == secret_of(configured(orders, **keys))
        assert ["GET secret/data/orders/jwt"] == orders.requests
    assert token in orders.tokens.by_id


def test_a_role_reads(orders: StandIn) -> None:
    """An AppRole whose secret id counts once: one start is one login."""
    orders.call("POST", "auth/approle/role/orders", token_policies=["orders"], secret_id_num_uses=1)
    role_id = orders.call("GET", "auth/approle/role/orders/role-id")[1]["data"]["role_id"]
    secret_id = orders.call("POST", "auth/approle/role/orders/secret-id")[1]["data"]["secret_id"]
    raw = configured(orders)
    del raw["vault"]["main"]["userpass"]
    raw["vault"]["main"]["approle"] = {"role_id": role_id, "secret_id": secret_id}
    assert CANARY.encode() == secret_of(raw)
    assert "status 400" in refused(raw).problem


def test_a_private_authority_is_trusted(orders: StandIn, tmp_path: Path) -> None:
    """`ca_file` of the table, relative to the configuration's folder."""
    certificates = authority(tmp_path)
    body = b'{"data": {"data": {"secret": "%s"}}}' % CANARY.encode()
    with serving(response(body), certificates.context) as stub:
        raw = configured(orders, url=stub.url("", "https"), token="a", ca_file=certificates.ca_file)
        assert CANARY.encode() == secret_of(raw)
        assert "no connection" in refused(configured(orders, url=stub.url("", "https"), token="a")).problem


@pytest.mark.parametrize(
    ("reference", "keys", "problem", "cure"),
    [
        pytest.param(
            "$secret://vault/main/orders/none/secret", {}, "status 404", "Check the path, and kv_mount", id="no-path"
        ),
        pytest.param(
            *("$secret://vault/main/orders/jwt/none", {}, "the secret has no such key", "Write the key's name"),
            id="no-key",
        ),
        pytest.param(
            *("$secret://vault/main/orders/jwt/number", {}, "the value is no text, or empty", "Put a text there"),
            id="no-text",
        ),
        pytest.param(
            "$secret://vault/main/orders/jwt/empty",
            {},
            "the value is no text, or empty",
            "Put a text there",
            id="empty",
        ),
        pytest.param(
            "$secret://vault/main/other/secret", {}, "status 403", "its policies let it read this path", id="forbidden"
        ),
        pytest.param(
            "$secret://vault/main/a/b",
            {"userpass": {"username": "orders", "password": "wrong"}},
            "the login failed: status 400",
            "Check the credentials of [vault.main]",
            id="wrong-password",
        ),
        pytest.param(
            "$secret://vault/main/a/b",
            {"userpass": {"username": "a/b", "password": "wrong"}},
            "the login failed: status 40",
            "Check the credentials of [vault.main]",
            id="no-such-user",
        ),
        pytest.param("$secret://vault/main/a/b", {"token": "wrong"}, "status 403", "Check the token", id="wrong-token"),
        pytest.param(
            "$secret://vault/main/a/b", {"token_file": "nowhere"}, "holds no token", "Check token_file", id="no-file"
        ),
        pytest.param(
            "$secret://vault/main/a/b", {"kv_version": 1}, "status 40", "kv_mount and kv_version", id="wrong-version"
        ),
        pytest.param(
            "$secret://vault/main/a/b",
            {"url": "http://127.0.0.1:1"},
            "no connection",
            "Check url of [vault.main]",
            id="down",
        ),
        pytest.param("$secret://vault/mian/a/b", {}, "there is no Vault of this name", "Did you mean main?", id="name"),
    ],
)
def test_what_cannot_be_had_does_not_start(
    orders: StandIn, reference: str, keys: dict[str, Any], problem: str, cure: str
) -> None:
    """The error names the key, the reference and the cure; nothing else of what is configured."""
    raw = configured(orders, reference, **keys)
    orders.policy("orders", READ + ' path "secret/a" { capabilities = ["read"] }')
    error = refused(raw)
    assert "issuers[0].secret" == error.key
    assert error.problem.startswith(f"{reference}: ")
    assert problem in error.problem
    assert cure in error.cure


def test_a_sealed_vault_does_not_start(orders: StandIn) -> None:
    """The operator reads that it is sealed."""
    orders.sealed = True
    assert "status 503: it is sealed" in refused(configured(orders)).problem


def test_a_vault_that_says_nothing_does_not_hold_the_start(orders: StandIn) -> None:
    """One deadline over each call."""
    with serving(hang) as stub:
        raw = configured(orders, url=stub.url(""), token="a", timeout=0.2)
        assert "timed out after 0.2 s" in refused(raw).problem


def test_a_secret_is_no_reference(orders: StandIn) -> None:
    """Whoever may write a secret cannot read this service's environment by it."""
    assert "holds another reference" in refused(configured(orders, "$secret://vault/main/orders/jwt/reference")).problem


@pytest.mark.parametrize("key", ["vault.main.userpass.username", "http.proxy", "vault.other.url"])
def test_what_leads_to_the_vault_cannot_be_in_it(orders: StandIn, key: str) -> None:
    """Neither a Vault's own table nor `http`."""
    raw = configured(orders) | {"http": {}}
    raw["vault"]["other"] = {"url": "https://vault.example"}
    table: Any = raw
    *steps, last = key.split(".")
    for step in steps:
        table = table[step]
    table[last] = "$secret://vault/main/orders/jwt/secret"
    error = refused(raw)
    assert (key, "Use $ENV or $FILE here") == (error.key, error.cure)
    assert [] == orders.requests


def test_a_vault_that_no_reference_names_is_not_asked(orders: StandIn) -> None:
    """Its table may be there for an issuer."""
    raw = configured(orders)
    raw["vault"]["other"] = {"url": orders.url, "token": "a"}
    assert CANARY.encode() == secret_of(raw)
    assert 3 == len(orders.requests)


def test_a_vault_without_a_login_reads_nothing(orders: StandIn) -> None:
    """The cure names the ways to log in."""
    raw = configured(orders)
    del raw["vault"]["main"]["userpass"]
    assert "Write [vault.main] with url and one of token, token_file, userpass, approle" == refused(raw).cure


def test_a_wrong_table_is_told_before_anybody_is_asked(orders: StandIn) -> None:
    """The Vault's table is checked whole first."""
    assert "vault.main.kv_version" == refused(configured(orders, kv_version=3)).key
    assert [] == orders.requests


def test_nothing_is_asked_in_non_secure_mode(orders: StandIn) -> None:
    """References are not resolved there."""
    raw = configured(orders) | {"secure": False}
    assert [None] == [issuer.key_material for issuer in read(raw).issuers]
    assert [] == orders.requests


def test_a_configuration_without_a_vault_loads_nothing_of_it() -> None:
    """The room of Vault and the HTTP client are imported only where a Vault is named."""
    program = "import sys; from jwtmw import Policy; Policy(default='deny')\n"
    program += "print([name for name in sys.modules if name.startswith(('jwtmw.vault', 'httpcore2'))])"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60)
    assert "[]\n" == done.stdout


def test_nothing_of_it_is_logged_or_shown(orders: StandIn, caplog: pytest.LogCaptureFixture) -> None:
    """Neither in the log, at any level, nor in a repr of the settings."""
    caplog.set_level(logging.DEBUG)
    settings = read(configured(orders))
    shown = repr(settings) + repr(settings.issuers) + "".join(record.getMessage() for record in caplog.records)
    assert [] == [secret for secret in (CANARY, PASSWORD) if secret in shown]


def test_a_password_that_stands_in_the_file_is_warned_of(
    orders: StandIn, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As with an issuer's secret: a file is copied, mounted and committed."""
    file = tmp_path / "orders.toml"
    head = f'[vault.main]\nurl = "{orders.url}"\n'
    tail = '[[issuers]]\nissuer = "corp"\naudience = ["orders"]\nvault = { name = "main" }\n'
    logins = ['token = "a"', 'userpass = { username = "a", password = "b" }']
    logins += ['approle = { role_id = "a", secret_id = "b" }', 'token = "$ENV://PASSWORD"', 'token_file = "a"']
    for login in logins:
        file.write_text(f"{head}{login}\n{tail}", encoding="utf-8")
        read_settings(file, environ={"PASSWORD": PASSWORD})
    assert [
        f"vault.main.{key} stands in {file} itself; a reference would keep it out"
        for key in ("token", "userpass.password", "approle.secret_id")
    ] == [record.getMessage() for record in caplog.records]
