"""`jwtmw vault`, against the stand-in for Vault: users, JWTs, and what goes wrong."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import jwt
import pytest

from jwtmw.cli import main
from tests.issuers.servers import authority, response, serving
from tests.vault.standin import StandIn

VARIABLES = [f"{brand}_{name}" for brand in ("VAULT", "BAO") for name in ("ADDR", "TOKEN", "NAMESPACE", "CACERT")]
WRITES = """
path "sys/auth" { capabilities = ["read"] }
path "sys/policies/acl/edgex-user-*" { capabilities = ["create", "update"] }
path "identity/entity" { capabilities = ["create", "update"] }
path "identity/entity/name/*" { capabilities = ["read", "delete"] }
path "identity/entity-alias" { capabilities = ["create", "update"] }
path "auth/userpass/users/*" { capabilities = ["create", "update", "delete"] }
path "identity/oidc/key/edgex-identity" { capabilities = ["create", "read", "update"] }
path "identity/oidc/role/*" { capabilities = ["create", "update"] }
path "identity/oidc/introspect" { capabilities = ["update"] }
"""


@pytest.fixture(autouse=True)
def administrator(vault: StandIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The surroundings of an administrator who may do what docs/vault.md lists, and no more."""
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    vault.policy("administrator", WRITES)
    monkeypatch.setenv("VAULT_ADDR", f"{vault.url}/")
    monkeypatch.setenv("VAULT_TOKEN", vault.tokens.create(["administrator"]).id)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


Command = Any


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run `jwtmw vault` with arguments and standard input: exit status, output, errors."""

    def run(arguments: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        status = main(["vault", *arguments.split()])
        out, err = capsys.readouterr()
        return status, out, err

    return run


def test_a_user_from_beginning_to_end(vault: StandIn, command: Command) -> None:
    """Added, logged in, given a JWT that the Vault calls active, removed, and active no more."""
    status, credentials, _ = command("add-user --user alice")
    assert (0, "alice") == (status, json.loads(credentials)["username"])
    status, token, _ = command("get-token", credentials)
    assert 0 == status
    assert (0, '{"active": true}\n', "") == command("introspect", token)
    assert (0, '{"active": true}\n', "") == command("introspect --client-id edgex", token)
    assert (0, "", "") == command("delete-user --user alice")
    assert (1, '{"active": false, "error": "entity was not found"}\n', "") == command("introspect", token)
    assert 2 == command("get-token", credentials)[0]


def test_the_jwt_is_what_edgex_would_have_made(vault: StandIn, command: Command) -> None:
    """ES384, the audience `edgex`, an hour, the entity as subject, and the user's name."""
    token = command("get-token", command("add-user --user alice")[1])[1].strip()
    assert "ES384" == jwt.get_unverified_header(token)["alg"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert ("edgex", "alice", 3600) == (claims["aud"], claims["name"], claims["exp"] - claims["iat"])
    entity = vault.identity.by_name["alice"]
    assert claims["sub"] == entity.id
    assert (["edgex-user-alice"], {"name": "alice"}) == (entity.policies, entity.metadata)
    assert {"identity/oidc/token/alice": {"read"}} == vault.tokens.policies["edgex-user-alice"]


def test_every_option_counts(vault: StandIn, command: Command) -> None:
    """Lifetimes, audience, key, policy and mount."""
    vault.mounts["people"] = vault.mounts.pop("userpass")
    vault.policy("administrator", WRITES.replace("userpass", "people").replace("edgex-user-*", "jwt"))
    vault.call("POST", "identity/oidc/key/mine", algorithm="EdDSA", allowed_client_ids=["orders"])
    vault.policy("keys", 'path "identity/oidc/key/mine" { capabilities = ["read"] }')
    vault.call("POST", "identity/entity", name="a.b-c_9")
    next(each for each in vault.tokens.by_id.values() if "administrator" in each.policies).policies.append("keys")
    options = "--mount people --key mine --policy jwt --jwt-audience orders --token-ttl 90 --jwt-ttl 5m"
    _, credentials, errors = command(f"add-user --user a.b-c_9 {options}")
    assert "" == errors
    status, token, _ = command("get-token --mount people --role a.b-c_9", credentials)
    assert (0, "EdDSA") == (status, jwt.get_unverified_header(token.strip())["alg"])
    claims = jwt.decode(token.strip(), options={"verify_signature": False})
    assert ("orders", 300) == (claims["aud"], claims["exp"] - claims["iat"])
    assert 90 == vault.mounts["people"].accounts["a.b-c_9"].token_ttl
    assert 0 == command("delete-user --user a.b-c_9 --mount people")[0]
    assert {} == vault.mounts["people"].accounts


def test_adding_and_deleting_may_be_repeated(vault: StandIn, command: Command) -> None:
    """A second time there is a new password, and the entity is the same; to delete nobody is no error."""
    first = command("add-user --user alice")[1]
    entity = vault.identity.by_name["alice"].id
    second = command("add-user --user alice")[1]
    assert (0, 2) == (command("get-token", second)[0], command("get-token", first)[0])
    assert entity == vault.identity.by_name["alice"].id
    assert [0, 0] == [command("delete-user --user alice")[0] for _ in range(2)]


def test_no_token_of_a_login_outlives_the_command(vault: StandIn, command: Command) -> None:
    """`get-token` revokes what it logged in with, also where no JWT was to be had."""
    credentials = command("add-user --user alice")[1]
    before = set(vault.tokens.by_id)
    command("get-token", credentials)
    assert 2 == command("get-token --role other", credentials)[0]
    assert before == set(vault.tokens.by_id)


def test_where_the_token_comes_from(
    vault: StandIn, command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An option, a variable, the file that `vault login` writes; BAO_ variables come before VAULT_ ones."""
    monkeypatch.delenv("VAULT_TOKEN")
    (tmp_path / "root").write_text(f"{vault.root}\n", encoding="ascii")
    assert 0 == command("add-user --user alice --token-file root")[0]
    assert 0 == command("add-user --user alice --token-file -", vault.root)[0]
    assert "log in by `vault login`" in command("add-user --user alice")[2]
    (tmp_path / ".vault-token").write_text(vault.root, encoding="ascii")
    assert 0 == command("add-user --user alice")[0]
    monkeypatch.setenv("VAULT_TOKEN", "wrong")
    assert "status 403" in command("add-user --user alice")[2]
    monkeypatch.setenv("BAO_TOKEN", vault.root)
    assert 0 == command("add-user --user alice")[0]


def test_which_vault_is_asked(command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Address, namespace and authority by option or variable."""
    certificates = authority(tmp_path)
    body = b'{"active": true}'
    with serving(response(body), certificates.context) as stub:
        options = f"--address {stub.url('', 'https')} --namespace /team/ --ca-file {certificates.ca_file}"
        assert (0, '{"active": true}\n', "") == command(f"introspect {options}", "a")
        monkeypatch.setenv("BAO_ADDR", stub.url("", "https"))
        monkeypatch.setenv("BAO_NAMESPACE", "team")
        monkeypatch.setenv("BAO_CACERT", str(certificates.ca_file))
        assert (0, '{"active": true}\n', "") == command("introspect", "a")
    assert 2 * ["POST /v1/team/identity/oidc/introspect"] == [head.partition(" HTTP")[0] for head in stub.requests]


def test_an_answer_that_says_neither_is_an_error(command: Command) -> None:
    """Neither active nor not: exit status 2."""
    with serving(response(b'{"active": "true"}')) as stub:
        status, _, errors = command(f"introspect --address {stub.url('')}", "a")
    assert (2, "jwtmw: the answer does not say whether the token is active. Check --address, and that it is up\n") == (
        status,
        errors,
    )


@pytest.mark.parametrize(
    ("arguments", "stdin", "message"),
    [
        ("add-user --user Alice", "", "--user: lower-case letters"),
        ("add-user --user a/b", "", "--user: lower-case letters"),
        ("add-user --user .a", "", "no dot or - at the start"),
        ("add-user --user a --token-ttl 1d", "", "--token-ttl: a number of seconds, or a number with s, m or h"),
        ("add-user --user a --jwt-ttl 0", "", "--jwt-ttl: a number of seconds"),
        ("add-user --user a --jwt-audience \x07", "", "--jwt-audience: text that is not empty"),
        ("add-user --user a --key ../b", "", "--key: letters, digits"),
        ("add-user --user a --policy a/b", "", "--policy: letters, digits"),
        ("add-user --user a --mount a/", "", "--mount: letters, digits"),
        ("delete-user --user a/b", "", "--user: lower-case letters"),
        ("delete-user --user a --mount ../b", "", "--mount: letters, digits"),
        ("get-token --role ../b", '{"username": "a", "password": "b"}', "--role: letters, digits"),
        ("get-token --mount ../b", '{"username": "a", "password": "b"}', "--mount: letters, digits"),
        ("get-token", '{"username": "A/b", "password": "b"}', "--user: lower-case letters"),
        ("get-token", '{"username": "a"}', '--credentials: not {"username": ..., "password": ...}'),
        ("get-token", "[]", "--credentials: not"),
        ("get-token", "{", "--credentials: not"),
        ("get-token", "", "--credentials: there is nothing in it"),
        ("get-token --credentials nowhere", "", "--credentials: nowhere cannot be read: No such file"),
        ("introspect --jwt-file nowhere", "", "--jwt-file: nowhere cannot be read"),
        ("introspect --address http://vault.example", "a", "--address: the URL must be https"),
        ("introspect --timeout 0", "a", "--timeout: not a positive number of seconds"),
        ("introspect --ca-file nowhere", "a", "--ca-file: not a readable PEM file"),
        ("introspect --address http://127.0.0.1:1", "a", "no connection"),
        ("add-user --user a --mount token", "", "there is no userpass at auth/token. Enable it: vault auth enable"),
        ("get-token", '{"username": "a", "password": "b"}', "the login: status 400"),
    ],
)
def test_what_goes_wrong_is_said_with_the_cure(
    vault: StandIn, command: Command, arguments: str, stdin: str, message: str
) -> None:
    """Exit status 2; the option or the step is named; nothing is written."""
    status, out, errors = command(arguments, stdin)
    assert (2, "") == (status, out)
    assert message in errors
    assert {} == vault.identity.by_name


def test_no_address_is_an_error(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cure names the variable."""
    monkeypatch.delenv("VAULT_ADDR")
    assert "which Vault? Give --address, or set VAULT_ADDR" in command("introspect", "a")[2]


@pytest.mark.parametrize(
    ("missing", "step"),
    [
        ("sys/auth", "the auth method"),
        ("sys/policies/acl/edgex-user-*", "the policy"),
        ("identity/entity", "the entity"),
        ("identity/entity/name/*", "the entity"),
        ("auth/userpass/users/*", "the user"),
        ("identity/entity-alias", "the entity's alias"),
        ("identity/oidc/key/edgex-identity", "the key"),
        ("identity/oidc/role/*", "the role"),
    ],
)
def test_a_step_that_is_not_allowed_is_named(vault: StandIn, command: Command, missing: str, step: str) -> None:
    """An administrator without one of the rights reads which step failed, and may repeat the command with it."""
    lines = [line for line in WRITES.splitlines() if f'"{missing}"' not in line]
    vault.policy("administrator", "\n".join(lines))
    status, out, errors = command("add-user --user alice")
    assert (2, "") == (status, out)
    assert errors.startswith(f"jwtmw: {step}: status 403")
    assert "Use a token that may do this" in errors
    vault.policy("administrator", WRITES)
    assert 0 == command("get-token", command("add-user --user alice")[1])[0]
