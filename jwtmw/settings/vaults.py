"""From the tables of Vaults to what asks them, and the references that only a Vault can resolve.

Owns: `$secret://vault/NAME/path/key`, the defaults that a Vault's table takes from `http`, and the words of a failure.
Must never know: the HTTP API, what a secret is for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from jwtmw.errors import ConfigurationError
from jwtmw.issuers.fetch import HttpSettings
from jwtmw.settings.check_vault import LOGINS, vault_problems
from jwtmw.settings.grammar import is_plain, near
from jwtmw.settings.material import KeyMaterial, VaultIntrospected, VaultKeys
from jwtmw.settings.references import references, resolved
from jwtmw.settings.schema import Http, SettingsTable
from jwtmw.settings.schema_vault import IssuerVault, Vault
from jwtmw.settings.shape import shape

if TYPE_CHECKING:
    from jwtmw.vault.login import Login
    from jwtmw.vault.secrets import Secrets
    from jwtmw.vault.server import Server, VaultFailed

# Given what follows `$secret://` and the path of the key where it stands: the secret.
LookUp = Callable[[str, str], str]

_FORM = "Write $secret://vault/NAME/path/key"
# What a Vault is reached by.
_OWN_TABLES = ("vault", "http")
_CURES = {
    400: "Check the credentials of [vault.{name}]",
    403: "Check the token of [vault.{name}], and that its policies let it read this path",
    404: "Check the path, and kv_mount and kv_version of [vault.{name}]",
    405: "Check kv_mount and kv_version of [vault.{name}]",
}


def server_of(name: str, vault: Vault, http: Http, folder: Path) -> Server:
    """Where a checked table leads. Raises ConfigurationError for a `ca_file` that is none."""
    from jwtmw.vault.server import Server

    ca_file = vault.ca_file if vault.ca_file is not None else http.ca_file
    timeout = http.timeout if vault.timeout is None else vault.timeout
    path = None if ca_file is None else str(folder / ca_file)
    try:
        settings = HttpSettings(timeout, path, http.proxy)
    except ConfigurationError as error:
        key = "http" if vault.ca_file is None else f"vault.{name}"
        raise ConfigurationError(f"{key}.ca_file", error.problem, error.cure) from None
    return Server(name, vault.url.removesuffix("/"), vault.namespace, settings)


def login_for(vault: Vault, folder: Path) -> Login | None:
    """How the table says to log in; None where it does not."""
    from jwtmw.vault.login import AppRole, GivenToken, TokenFile, Userpass

    if vault.token is not None:
        return GivenToken(vault.token)
    if vault.token_file is not None:
        return TokenFile(folder / vault.token_file)
    if vault.userpass is not None:
        return Userpass(vault.userpass.mount, vault.userpass.username, vault.userpass.password)
    if vault.approle is not None:
        return AppRole(vault.approle.mount, vault.approle.role_id, vault.approle.secret_id)
    return None


def vault_material(issuer: IssuerVault, table: SettingsTable, folder: Path) -> KeyMaterial:
    """What the tokens of a checked issuer are verified with.

    https://openbao.org/api-docs/secret/identity/tokens#read-active-public-keys
    """
    vault = table.vault[issuer.name]
    server = server_of(issuer.name, vault, table.http, folder)
    login = login_for(vault, folder)
    if issuer.verify == "introspection" and login is not None:
        terms = {"ttl": 60.0 if issuer.ttl is None else issuer.ttl}
        terms["negative_ttl"] = 5.0 if issuer.negative_ttl is None else issuer.negative_ttl
        return VaultIntrospected(server, login, msgspec.structs.replace(issuer, **terms))
    return VaultKeys(server.url_of("identity/oidc/.well-known/keys"), server.http)


@contextmanager
def looking_up(raw: dict[str, Any], environ: Mapping[str, str], folder: Path) -> Iterator[LookUp]:
    """The look-up of every reference to a Vault in `raw`, each path read once. At the end the tokens are revoked.

    Nobody is asked, and nothing of Vault is imported, where there is no such reference.
    """
    with ExitStack() as stack:
        if any(text.startswith("$secret://") for _, text in references(raw)):
            opened = _opened(raw, environ, folder)
            for secrets in opened.values():
                stack.callback(secrets.close)
            yield lambda rest, path: _looked_up(opened, rest, path)
        else:
            yield _circular


def _opened(raw: dict[str, Any], environ: Mapping[str, str], folder: Path) -> dict[str, Secrets]:
    from jwtmw.vault.secrets import Secrets

    own = {key: resolved(raw[key], environ, _circular, key) for key in _OWN_TABLES if key in raw}
    table: SettingsTable = shape(own)
    for problem in vault_problems(table.vault):
        raise problem
    opened: dict[str, Secrets] = {}
    for name, vault in table.vault.items():
        login = login_for(vault, folder)
        if login is not None:
            server = server_of(name, vault, table.http, folder)
            opened[name] = Secrets(server, login, vault.kv_mount, vault.kv_version)
    return opened


def _circular(rest: str, path: str) -> str:
    problem = f"$secret://{rest} would be needed to reach the Vault that holds it"
    raise ConfigurationError(path, problem, "Use $ENV or $FILE here")


def _looked_up(opened: Mapping[str, Secrets], rest: str, path: str) -> str:
    from jwtmw.vault.server import VaultFailed

    kind, *parts = rest.split("/")
    if kind != "vault" or len(parts) < 3 or not is_plain(rest) or not {"", ".", ".."}.isdisjoint(parts):
        raise ConfigurationError(path, f"$secret://{rest} names no secret of a Vault", _FORM)
    name, *steps, key = parts
    if name not in opened:
        raise _unknown(name, rest, path, opened)
    try:
        return opened[name].value("/".join(steps), key)
    except VaultFailed as failure:
        problem, cure = f"$secret://{rest}: {failure.reason}", _cure(failure, name)
    raise ConfigurationError(path, problem, cure)


def _unknown(name: str, rest: str, path: str, opened: Mapping[str, Secrets]) -> ConfigurationError:
    meant = near(name, list(opened))
    cure = f"Did you mean {meant}?" if meant else f"Write [vault.{name}] with url and one of {', '.join(LOGINS)}"
    return ConfigurationError(path, f"$secret://{rest}: there is no Vault of this name with a way to log in", cure)


def _cure(failure: VaultFailed, name: str) -> str:
    default = "Check url of [vault.{name}], and that it is up"
    return (failure.cure or _CURES.get(failure.status or 0, default)).format(name=name)
