"""The keys of the configuration: their names, types and defaults.

`None` as a default means "not given". The structs ending in `Table` are what may be written; `Settings` and `Issuer`
are what the rest of jwtmw gets once everything is checked and filled in.

Owns: the shape of the configuration.
Must never know: where it comes from, which values make sense, what is built from it.
No struct here shows its values in its repr: any text may have come out of a secret store.
"""

from __future__ import annotations

from typing import Any

from jwtmw.settings.material import OutgoingTerms
from jwtmw.settings.schema_gateway import Gateway
from jwtmw.settings.schema_issuers import (
    ConsumerStore,
    ConsumerTable,
    Introspection,
    Issuer,
    IssuerTable,
    KeySource,
    Location,
)
from jwtmw.settings.schema_outgoing import Outgoing
from jwtmw.settings.schema_proof import Replay
from jwtmw.settings.schema_vault import IssuerVault, Vault, VaultAppRole, VaultUserpass
from jwtmw.settings.table import Table


class Cache(Table, frozen=True, kw_only=True):
    """The cache of verified tokens. `size` in tokens, 0 is off; `max_age` in seconds."""

    size: int = 10_000
    max_age: float = 300.0


class Http(Table, frozen=True, kw_only=True):
    """How keys are fetched. `timeout` in seconds, over everything; `ca_file` becomes an absolute path."""

    timeout: float = 5.0
    ca_file: str | None = None
    proxy: str | None = None


class Revocation(Table, frozen=True, kw_only=True):
    """The deny-list. `refresh`, `max_stale` and `timeout` in seconds; `store` is "memory" or "redis"."""

    store: str = "memory"
    url: str | None = None
    key: str = "jwtmw:revoked"
    refresh: float = 2.0
    max_stale: float = 30.0
    timeout: float = 5.0
    max_entries: int = 100_000
    fail_open: bool = False


class Requirement(Table, frozen=True, kw_only=True):
    """What a rule, or one alternative of its `any_of`, wants of the caller."""

    scopes: tuple[str, ...] | None = None
    any_scope: tuple[str, ...] | None = None
    roles: tuple[str, ...] | None = None
    any_role: tuple[str, ...] | None = None
    claims: dict[str, Any] | None = None
    issuers: tuple[str, ...] | None = None
    audience: tuple[str, ...] | None = None


class Rule(Requirement, frozen=True, kw_only=True):
    """One rule for a path."""

    path: str
    methods: tuple[str, ...] | None = None
    allow: str = "authenticated"
    any_of: tuple[Requirement, ...] | None = None
    report_only: bool = False
    body: str | None = None
    single_use: bool = False

    # Not supported yet.
    dpop: bool = False
    mtls: bool = False


class SettingsCommon(Table, frozen=True, kw_only=True):
    """The top-level keys that hold as they are written, but for the toggles."""

    secure: bool = True
    secure_env: str = "JWTMW_SECURE"
    inbound: bool = True
    disable_inbound_env: str = ""
    require_secure: bool = False
    report_only: bool = False
    default: str = "authenticated"
    realm: str = "api"
    external_url: str = ""
    leeway: float = 30.0
    cors_preflight: bool = True
    error_format: str = "problem"
    expose_reason: bool = False
    max_token_bytes: int = 8192
    max_body_bytes: int = 1_048_576
    token_from: tuple[Location, ...] = (Location(header="Authorization", scheme="Bearer"),)
    cache: Cache = Cache()
    http: Http = Http()
    revocation: Revocation = Revocation()
    gateway: Gateway = Gateway()
    replay: Replay = Replay()
    rules: tuple[Rule, ...] = ()
    origins: tuple[str, ...] = ()
    hide_credentials: bool = False
    identity_headers: dict[str, str] = {}  # noqa: RUF012 (msgspec copies it)


class SettingsTable(SettingsCommon, frozen=True, kw_only=True):
    """The whole configuration as it is written."""

    issuers: tuple[IssuerTable, ...] = ()
    vault: dict[str, Vault] = {}  # noqa: RUF012 (msgspec copies it)
    outgoing: dict[str, Outgoing] = {}  # noqa: RUF012 (msgspec copies it)


class Settings(SettingsCommon, frozen=True, kw_only=True):
    """The configuration in force.

    `secure`, `inbound` and `report_only` are what holds after the environment's toggles; `source` says in a few words
    where the configuration came from. `outgoing` has None for each name in non-secure mode.
    """

    issuers: tuple[Issuer, ...]
    outgoing: dict[str, OutgoingTerms | None]
    source: str

    def __repr__(self) -> str:
        return f"Settings(source={self.source!r}, secure={self.secure})"


# Every table of the configuration by the path of its keys, list indexes left out.
TABLES: dict[str, type[Table]] = {
    "": SettingsTable,
    "token_from[]": Location,
    "cache": Cache,
    "http": Http,
    "revocation": Revocation,
    "gateway": Gateway,
    "replay": Replay,
    "issuers[]": IssuerTable,
    "issuers[].token_from[]": Location,
    "issuers[].key_source": KeySource,
    "issuers[].introspection": Introspection,
    "issuers[].vault": IssuerVault,
    "issuers[].consumers[]": ConsumerTable,
    "issuers[].consumer_store": ConsumerStore,
    "rules[]": Rule,
    "rules[].any_of[]": Requirement,
    "outgoing.*": Outgoing,
    "vault.*": Vault,
    "vault.*.userpass": VaultUserpass,
    "vault.*.approle": VaultAppRole,
}
