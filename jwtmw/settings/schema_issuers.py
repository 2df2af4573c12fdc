"""The tables of issuers: whose tokens count, and where their keys, consumers or answers are to be had.

Owns: the shape of `[[issuers]]`.
Must never know: where they come from, which values make sense, what is built from them.
"""

from __future__ import annotations

from typing import Any

from jwtmw.settings.material import KeyMaterial
from jwtmw.settings.schema_outgoing import ClientProof
from jwtmw.settings.schema_vault import IssuerVault
from jwtmw.settings.table import Table


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
