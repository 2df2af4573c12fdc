"""The stand-in's auth methods: userpass and AppRole, and what is mounted where.

Owns: users, roles, and the tokens that logging in gives.
Must never know: what a token is used for.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from tests.vault.standin.dispatch import Answer, Refused, Request, endpoint
from tests.vault.standin.tokens import auth_of

_USER = ("password", "token_ttl", "token_max_ttl", "token_policies")
_ROLE = ("token_ttl", "token_max_ttl", "token_policies", "secret_id_num_uses")


@dataclass
class Account:
    """A userpass user, or an AppRole with its role id and secret ids, each with the uses that are left (0: any)."""

    password: str = ""
    token_ttl: int = 0
    token_max_ttl: int = 0
    token_policies: list[str] = field(default_factory=list)
    role_id: str = ""
    secret_id_num_uses: int = 0
    secret_ids: dict[str, int] = field(default_factory=dict)


@dataclass
class Mount:
    type: str
    accessor: str
    accounts: dict[str, Account] = field(default_factory=dict)


def mounted(request: Request, kind: str) -> Mount:
    mount = request.vault.mounts.get(request.parameters["mount"])
    if mount is None or mount.type != kind:
        raise Refused(404, "no handler for route. route entry not found.")
    return mount


@endpoint("GET", "sys/auth")
def list_auth(request: Request) -> Any:
    """https://openbao.org/api-docs/system/auth/#list-auth-methods"""
    mounts = request.vault.mounts.items()
    return {f"{path}/": {"type": mount.type, "accessor": mount.accessor, "local": False} for path, mount in mounts}


@endpoint("POST", "auth/:mount/users/:username", *_USER)
def write_user(request: Request) -> Any:
    """https://openbao.org/api-docs/auth/userpass/#createupdate-user; the name is folded to lower case."""
    users = mounted(request, "userpass").accounts
    name = request.parameters["username"].lower()
    if name not in users:
        request.text("password")
    user = users.setdefault(name, Account())
    user.password = request.text("password", user.password)
    _set_lifetimes(request, user)


@endpoint("DELETE", "auth/:mount/users/:username")
def delete_user(request: Request) -> Any:
    """https://openbao.org/api-docs/auth/userpass/#delete-user; one that is not there is no error."""
    mounted(request, "userpass").accounts.pop(request.parameters["username"].lower(), None)


@endpoint("POST", "auth/:mount/login/:username", "password", no_token=True)
def login_user(request: Request) -> Any:
    """https://openbao.org/api-docs/auth/userpass/#login"""
    mount = mounted(request, "userpass")
    name = request.parameters["username"].lower()
    user = mount.accounts.get(name)
    if user is None or not secrets.compare_digest(user.password.encode(), request.text("password").encode()):
        raise Refused(400, "invalid username or password")
    return _logged_in(request, mount, name, user)


@endpoint("POST", "auth/:mount/role/:name", *_ROLE)
def write_role(request: Request) -> Any:
    """https://openbao.org/api-docs/auth/approle/#createupdate-approle"""
    roles = mounted(request, "approle").accounts
    role = roles.setdefault(request.parameters["name"], Account(role_id=secrets.token_hex(8)))
    _set_lifetimes(request, role)
    role.secret_id_num_uses = int(request.fields.get("secret_id_num_uses", role.secret_id_num_uses))


@endpoint("GET", "auth/:mount/role/:name/role-id")
def read_role_id(request: Request) -> Any:
    """https://openbao.org/api-docs/auth/approle/#read-approle-role-id"""
    role = mounted(request, "approle").accounts.get(request.parameters["name"])
    if role is None:
        raise Refused(404)
    return {"role_id": role.role_id}


@endpoint("POST", "auth/:mount/role/:name/secret-id")
def write_secret_id(request: Request) -> Any:
    """https://openbao.org/api-docs/auth/approle/#generate-new-secret-id"""
    role = mounted(request, "approle").accounts.get(request.parameters["name"])
    if role is None:
        raise Refused(404)
    secret_id = secrets.token_hex(16)
    role.secret_ids[secret_id] = role.secret_id_num_uses
    return {"secret_id": secret_id, "secret_id_num_uses": role.secret_id_num_uses, "secret_id_ttl": 0}


@endpoint("POST", "auth/:mount/login", "role_id", "secret_id", no_token=True)
def login_role(request: Request) -> Any:
    """https://openbao.org/api-docs/auth/approle/#login-with-approle"""
    mount = mounted(request, "approle")
    role_id, secret_id = request.text("role_id"), request.text("secret_id")
    name = next((name for name, role in mount.accounts.items() if role.role_id == role_id), None)
    if name is None or secret_id not in mount.accounts[name].secret_ids:
        raise Refused(400, "invalid role or secret ID")
    role = mount.accounts[name]
    role.secret_ids[secret_id] -= 1
    if role.secret_ids[secret_id] == 0:
        del role.secret_ids[secret_id]
    return _logged_in(request, mount, role_id, role)


def _set_lifetimes(request: Request, account: Account) -> None:
    account.token_ttl = request.seconds("token_ttl", account.token_ttl)
    account.token_max_ttl = request.seconds("token_max_ttl", account.token_max_ttl)
    if "token_policies" in request.fields:
        account.token_policies = request.texts("token_policies")


def _logged_in(request: Request, mount: Mount, alias: str, account: Account) -> Answer:
    """A service token with an entity: the one that the alias is bound to, else a new one, as the real ones do."""
    vault = request.vault
    entity = vault.identity.entity_of(mount.accessor, alias)
    token = vault.tokens.create(
        ["default", *account.token_policies],
        account.token_ttl or vault.default_ttl,
        account.token_max_ttl or vault.max_ttl,
        entity.id,
    )
    return Answer(auth=auth_of(token, vault.now()))
