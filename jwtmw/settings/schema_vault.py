"""The tables of Vault and OpenBao: the keys' names, types and defaults.

Owns: the shape of `[vault.NAME]` and of an issuer's `vault`.
Must never know: where they come from, which values make sense, what is built from them.
"""

from __future__ import annotations

from jwtmw.settings.table import Table


class VaultUserpass(Table, frozen=True, kw_only=True):
    """A user of the auth method userpass."""

    username: str
    password: str
    mount: str = "userpass"


class VaultAppRole(Table, frozen=True, kw_only=True):
    """A role of the auth method AppRole."""

    role_id: str
    secret_id: str
    mount: str = "approle"


class Vault(Table, frozen=True, kw_only=True):
    """One Vault, and who this service is there. `timeout` is in seconds."""

    url: str
    namespace: str = ""
    token: str | None = None
    token_file: str | None = None
    userpass: VaultUserpass | None = None
    approle: VaultAppRole | None = None
    kv_mount: str = "secret"
    kv_version: int = 2
    timeout: float | None = None
    ca_file: str | None = None


class IssuerVault(Table, frozen=True, kw_only=True):
    """How an issuer's tokens are verified with a Vault. `ttl` and `negative_ttl` in seconds."""

    name: str
    verify: str = "keys"
    client_id: str | None = None
    ttl: float | None = None
    negative_ttl: float | None = None
