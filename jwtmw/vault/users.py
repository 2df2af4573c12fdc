"""Users of a Vault who can get a JWT: what an administrator sets up for each, and what the user does with it.

Owns: the steps of EdgeX's `secrets-config proxy adduser` and `deluser`, of its `make get-token`, and of introspection.
Must never know: command lines, configuration. Every step may be repeated without harm; none shows a password.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from jwtmw.vault.login import Userpass, revoke
from jwtmw.vault.server import Server, VaultFailed, members, text_of

# What userpass takes; upper case it folds, and then no entity would be found for the login.
_USERNAME = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,126}[a-z0-9_-])?")
_NAME = re.compile(r"[\w-](?:[\w.-]{0,126}[\w-])?", re.ASCII)
_TTL = re.compile(r"[1-9][0-9]{0,8}[smh]?")


@dataclass(frozen=True, slots=True)
class NewUser:
    """A user to be: who, with which lifetimes and for whom the JWTs are. TTLs are `90`, `90s`, `30m` or `1h`.

    `key` is the named key that signs; one that is not there is made. Raises ValueError, which names the member.
    """

    name: str
    audience: str
    key: str
    policy: str
    mount: str = "userpass"
    token_ttl: str = "1h"
    jwt_ttl: str = "1h"

    def __post_init__(self) -> None:
        require_username(self.name)
        for member in ("key", "policy", "mount"):
            require_name(member, getattr(self, member))
        for member in ("token_ttl", "jwt_ttl"):
            if not _TTL.fullmatch(getattr(self, member)):
                raise ValueError(f"{member}: a number of seconds, or a number with s, m or h, as 1h")
        if not self.audience or not self.audience.isprintable():
            raise ValueError("audience: text that is not empty")


def require_username(name: str) -> None:
    """Raise ValueError for what is no user's name: it becomes a part of paths and of a policy."""
    if not _USERNAME.fullmatch(name):
        raise ValueError("user: lower-case letters, digits, dots, - and _ only, no dot or - at the start, no dot last")


def require_name(member: str, name: str) -> None:
    """Raise ValueError, which names the member, for what is no name of anything in a Vault."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{member}: letters, digits, dots, - and _ only, no dot at its ends")


def add_user(server: Server, token: str, user: NewUser) -> str:
    """Make the user, or bring one up to date; returns the new password. Raises `VaultFailed`, which names the step."""
    password = secrets.token_urlsafe(32)
    name = user.name
    with _step("the auth method"):
        accessor = _accessor(server, token, user.mount)
    with _step("the policy"):
        policy = f'path "identity/oidc/token/{name}" {{ capabilities = ["read"] }}'
        server.call("POST", f"sys/policies/acl/{user.policy}", token=token, body={"policy": policy})
    with _step("the entity"):
        entity = {"name": name, "metadata": {"name": name}, "policies": [user.policy]}
        server.call("POST", "identity/entity", token=token, body=entity)
        # An update answers without an id.
        found = members(server.call("GET", f"identity/entity/name/{name}", token=token), "data")
        entity_id = text_of(found, "id")
    with _step("the user"):
        account = {"password": password, "token_ttl": user.token_ttl}
        server.call("POST", f"auth/{user.mount}/users/{name}", token=token, body=account)
    with _step("the entity's alias"):
        alias = {"name": name, "canonical_id": entity_id, "mount_accessor": accessor}
        server.call("POST", "identity/entity-alias", token=token, body=alias)
    with _step("the key"):
        _ensure_key(server, token, user.key)
    with _step("the role"):
        role = {
            "key": user.key,
            "client_id": user.audience,
            "ttl": user.jwt_ttl,
            "template": json.dumps({"name": name}),
        }
        server.call("POST", f"identity/oidc/role/{name}", token=token, body=role)
    return password


def delete_user(server: Server, token: str, name: str, mount: str) -> None:
    """Remove the user, and the entity with its alias; one that is not there is no error. Raises `VaultFailed`.

    Raises ValueError for what is no name.
    """
    require_username(name)
    require_name("mount", mount)
    with _step("the entity"):
        server.call("DELETE", f"identity/entity/name/{name}", token=token)
    with _step("the user"):
        server.call("DELETE", f"auth/{mount}/users/{name}", token=token)


def identity_token(server: Server, login: Userpass, role: str) -> str:
    """Log in, get a JWT of the role, and revoke the login's own token. Raises `VaultFailed`.

    Raises ValueError for what is no name.
    """
    require_username(login.username)
    require_name("mount", login.mount)
    require_name("role", role)
    with _step("the login"):
        lease = login(server, server.deadline())
    try:
        with _step("the JWT"):
            answer = server.call("GET", f"identity/oidc/token/{role}", token=lease.token)
            return text_of(members(answer, "data"), "token")
    finally:
        # One that cannot be revoked ends by itself.
        with suppress(VaultFailed):
            revoke(server, lease.token, server.deadline())


def introspect(
    server: Server, token: str, jwt: str, client_id: str | None = None, deadline: float | None = None
) -> tuple[bool, str]:
    """Whether the Vault says that the JWT is active, and why not in its own words. Raises `VaultFailed`.

    https://openbao.org/api-docs/secret/identity/tokens#introspect-a-signed-id-token
    """
    body = {"token": jwt} | ({} if client_id is None else {"client_id": client_id})
    answer = server.call("POST", "identity/oidc/introspect", token=token, body=body, deadline=deadline)
    active, error = answer.get("active"), answer.get("error")
    if not isinstance(active, bool):
        raise VaultFailed("the answer does not say whether the token is active")
    return active, error if isinstance(error, str) and error.isprintable() else ""


def _accessor(server: Server, token: str, mount: str) -> str:
    mounts = members(server.call("GET", "sys/auth", token=token), "data")
    found: Any = mounts.get(f"{mount}/")
    if not isinstance(found, dict) or found.get("type") != "userpass":
        cure = f"Enable it: vault auth enable -path={mount} userpass"
        raise VaultFailed(f"there is no userpass at auth/{mount}", 404, cure)
    return text_of(found, "accessor")


def _ensure_key(server: Server, token: str, key: str) -> None:
    """A key that is there stays as it is: who may use it, and how, is another's decision."""
    try:
        server.call("GET", f"identity/oidc/key/{key}", token=token)
    except VaultFailed as failure:
        if failure.status != 404:
            raise
        body = {"algorithm": "ES384", "allowed_client_ids": ["*"]}
        server.call("POST", f"identity/oidc/key/{key}", token=token, body=body)


@contextmanager
def _step(what: str) -> Iterator[None]:
    try:
        yield
    except VaultFailed as failure:
        raise VaultFailed(f"{what}: {failure.reason}", failure.status, failure.cure) from None
