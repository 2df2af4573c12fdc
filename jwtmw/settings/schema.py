"""The keys of the configuration: their names, types and defaults.

`None` as a default means "not given". The structs ending in `Table` are what may be written; `Settings` and `Issuer`
are what the rest of jwtmw gets once everything is checked and filled in.

Owns: the shape of the configuration.
Must never know: where it comes from, which values make sense, what is built from it.
No struct here shows its values in its repr: any text may have come out of a secret store.
"""

from __future__ import annotations

from typing import Any

from jwtmw.settings.material import KeyMaterial, OutgoingTerms
from jwtmw.settings.schema_gateway import Gateway
from jwtmw.settings.schema_outgoing import ClientProof, Outgoing
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


class Location(Table, frozen=True, kw_only=True):
    """One place where a token may be: exactly one of `header`, `query`, `cookie`, `subprotocol`."""

    header: str | None = None
    scheme: str | None = None
    scheme_optional: bool = False
    query: str | None = None
    cookie: str | None = None
    subprotocol: str | None = None


class KeySource(Table, frozen=True, kw_only=True):
    """How long fetched keys live, in seconds."""

    ttl: float = 300.0
    max_stale: float = 3600.0
    cooldown: float = 30.0


class Introspection(ClientProof, frozen=True, kw_only=True):
    """An endpoint that is asked about each token (RFC 7662), and how this service proves itself to it.

    `ttl` and `negative_ttl` in seconds. Checked and filled in, `auth` is one of "basic", "post", "private_key_jwt",
    "bearer" and "none"; `private_key` holds the text of the file, `algorithm` the key's, `assertion_audience` whom an
    assertion is for.
    """

    url: str
    ttl: float = 60.0
    negative_ttl: float = 5.0


class ConsumerTable(Table, frozen=True, kw_only=True):
    """One consumer as it is written. `key` and its material are missing only from the anonymous one."""

    name: str
    key: str | None = None
    secret: str | None = None
    secret_encoding: str | None = None
    public_key: str | None = None
    public_key_file: str | None = None
    algorithm: str | None = None
    custom_id: str | None = None
    expires_in: float | None = None


class ConsumerStore(Table, frozen=True, kw_only=True):
    """How long the answers of `Policy(consumers=...)` count, in seconds, and how many are remembered."""

    ttl: float = 60.0
    negative_ttl: float = 5.0
    max_stale: float = 3600.0
    size: int = 10_000


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


class IssuerCommon(Table, frozen=True, kw_only=True):
    """The keys of an issuer that hold as they are written."""

    issuer: str | None = None
    require_issuer: bool = True
    require_audience: bool = True
    client_id_as_audience: bool = False
    require_expiry: bool = True
    required_claims: tuple[str, ...] = ()
    token_types: tuple[str, ...] = ("at+jwt", "JWT", "")
    max_lifetime: float | None = None
    max_age: float | None = None
    scope_claim: tuple[str, ...] = ("scope", "scp")
    roles_claim: str = "roles"
    token_from: tuple[Location, ...] | None = None
    anonymous_consumer: str | None = None


class IssuerTable(IssuerCommon, frozen=True, kw_only=True):
    """One issuer as it is written."""

    name: str | None = None
    audience: tuple[str, ...] | None = None
    algorithms: tuple[str, ...] | None = None
    subjects: tuple[str, ...] | None = None
    leeway: float | None = None
    profile: str | None = None

    jwks_url: str | None = None
    jwks_path: str | None = None
    discovery_url: str | None = None
    jwks: dict[str, Any] | None = None
    jwks_file: str | None = None
    public_key: str | None = None
    public_key_file: str | None = None
    secret: str | None = None
    secret_encoding: str | None = None
    allow_short_secret: bool = False
    key_source: KeySource | None = None
    introspection: Introspection | None = None
    vault: IssuerVault | None = None
    consumers: tuple[ConsumerTable, ...] | None = None
    consumer_store: ConsumerStore | None = None
    consumer_claim: str | None = None


class Issuer(IssuerCommon, frozen=True, kw_only=True):
    """One issuer, checked and filled in.

    `name` is never empty; `algorithms`, `leeway` (seconds) and `key_source` have their defaults; no `audience` and no
    `subjects` are (); `token_types` are lower-case and without `application/`; `token_from` is None where the global
    places hold. `key_material` is None in non-secure mode, where no reference is resolved and no file is read.
    `consumer_claim` has its default.
    """

    name: str
    audience: tuple[str, ...]
    algorithms: tuple[str, ...]
    subjects: tuple[str, ...]
    leeway: float
    key_source: KeySource
    key_material: KeyMaterial | None
    consumer_claim: str

    def __repr__(self) -> str:
        return f"Issuer(name={self.name!r})"


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
