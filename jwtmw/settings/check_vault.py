"""`vault`: what each table of a Vault must have, and what an issuer may ask of one.

Owns: the values of these keys and their combinations.
Must never know: how a Vault is asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from jwtmw.issuers.fetch import url_problem
from jwtmw.settings.findings import Findings, one_of, plain_text, wrong, wrong_name
from jwtmw.settings.grammar import is_name, is_positive, is_within, near
from jwtmw.settings.schema_vault import IssuerVault, Vault

LOGINS = ("token", "token_file", "userpass", "approle")
VERIFY = ("keys", "introspection")
_OF_INTROSPECTION = ("client_id", "ttl", "negative_ttl")

# Of mounts and namespaces: what stands in a URL as it is written, without a segment that leads elsewhere.
_PATH = re.compile(r"(?!\.)[\w.-]+(?:/(?!\.)[\w.-]+)*", re.ASCII)


def vault_problems(vaults: Mapping[str, Vault]) -> Findings:
    """Everything that is wrong with the tables of Vaults."""
    for name, vault in vaults.items():
        key = f"vault.{name}"
        if not is_name(name):
            yield wrong_name("vault")
        yield from _address_problems(vault, key)
        yield from _login_problems(vault, key)
        if vault.kv_version not in (1, 2):
            yield wrong(f"{key}.kv_version", "must be 1 or 2")
        if vault.timeout is not None and not is_positive(vault.timeout):
            yield wrong(f"{key}.timeout", "must be a number of seconds above 0")
        yield from plain_text(vault.ca_file, f"{key}.ca_file")


def issuer_vault_problems(vault: IssuerVault, vaults: Mapping[str, Vault], key: str) -> Findings:
    """What is wrong with an issuer's `vault`, by itself and beside the tables of Vaults."""
    if vault.name not in vaults:
        meant = near(vault.name, list(vaults))
        cure = f'Did you mean "{meant}"?' if meant else "Write a table [vault.NAME] with its url, and that NAME here"
        yield wrong(f"{key}.name", "there is no such table of a Vault", cure)
    elif vault.verify == "introspection" and login_of(vaults[vault.name]) is None:
        cure = f"Give [vault.{vault.name}] one of {', '.join(LOGINS)}"
        yield wrong(
            f"{key}.verify", "introspection needs a token of this service, and nothing says how to get one", cure
        )
    yield from one_of(vault.verify, VERIFY, f"{key}.verify")
    for name in _OF_INTROSPECTION if vault.verify == "keys" else ():
        if getattr(vault, name) is not None:
            yield wrong(f"{key}.{name}", 'belongs to verify = "introspection"', "Leave the key out")
    yield from plain_text(vault.client_id, f"{key}.client_id")
    if vault.ttl is not None and not is_positive(vault.ttl):
        yield wrong(f"{key}.ttl", "must be a number of seconds above 0")
    if vault.negative_ttl is not None and not is_within(vault.negative_ttl, 0):
        yield wrong(f"{key}.negative_ttl", "must be a number of seconds, 0 or more")


def login_of(vault: Vault) -> str | None:
    """The name of the first way to log in that is given."""
    return next((login for login in LOGINS if getattr(vault, login) is not None), None)


def _address_problems(vault: Vault, key: str) -> Findings:
    problem = url_problem(vault.url) or ("the URL must have no query" if "?" in vault.url else None)
    if problem:
        yield wrong(f"{key}.url", problem)
    if vault.namespace and not _PATH.fullmatch(vault.namespace):
        yield wrong(f"{key}.namespace", "must be a path without a slash at its ends")
    yield from _mount_problems(vault.kv_mount, f"{key}.kv_mount")


def _login_problems(vault: Vault, key: str) -> Findings:
    given = [login for login in LOGINS if getattr(vault, login) is not None]
    for login in given[1:]:
        yield wrong(f"{key}.{login}", f"there is one way to log in, and {given[0]} is one", "Drop one of them")
    for name in ("token", "token_file"):
        yield from plain_text(getattr(vault, name), f"{key}.{name}")
    for login, members in (("userpass", ("username", "password")), ("approle", ("role_id", "secret_id"))):
        table = getattr(vault, login)
        if table is not None:
            for member in members:
                if not getattr(table, member):
                    yield wrong(f"{key}.{login}.{member}", "is empty")
            yield from _mount_problems(table.mount, f"{key}.{login}.mount")


def _mount_problems(mount: str, key: str) -> Findings:
    if not _PATH.fullmatch(mount):
        yield wrong(key, "must be a path without a slash at its ends")
