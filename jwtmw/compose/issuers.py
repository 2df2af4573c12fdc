"""From settings to issuers: the keys of each, where its tokens may be, and what they must say.

Owns: putting an issuer and its keys together.
Must never know: rules, frameworks, the environment, how a token is verified.
"""

from __future__ import annotations

import logging

from jwtmw.compose.consumers import consumers_of
from jwtmw.compose.introspectors import introspector_of, vault_introspector_of
from jwtmw.errors import ConfigurationError
from jwtmw.issuers.discovery import Discovery
from jwtmw.issuers.fetch import HttpSettings, fetch
from jwtmw.issuers.importer import import_jwk_set, import_pem, secret_key
from jwtmw.issuers.introspection import Unkeyed
from jwtmw.issuers.issuer import Issuer
from jwtmw.issuers.keys import KeySet
from jwtmw.issuers.remote import Fetch, RemoteKeys
from jwtmw.issuers.snapshot import Timing
from jwtmw.issuers.source import KeySource, StaticKeys
from jwtmw.issuers.stored_consumers import ConsumerStore
from jwtmw.settings import (
    ConsumerList,
    ConsumerTerms,
    IntrospectionUrl,
    JwkSet,
    JwksUrl,
    MetadataUrl,
    Pem,
    Secret,
    Settings,
    VaultIntrospected,
    VaultKeys,
    schema,
    schema_issuers,
)
from jwtmw.token.locate import Place
from jwtmw.verification import Clock

logger = logging.getLogger("jwtmw.policy")


def place_of(location: schema_issuers.Location) -> Place:
    """Where a token may be."""
    if location.header is not None:
        return Place("header", location.header, location.scheme, location.scheme_optional)
    if location.query is not None:
        return Place("query", location.query)
    if location.cookie is not None:
        return Place("cookie", location.cookie)
    return Place("subprotocol", location.subprotocol or "")


def issuer_of(
    table: schema_issuers.Issuer, key: str, settings: Settings, clock: Clock, store: ConsumerStore | None
) -> Issuer:
    """The issuer of this table; `key` is where it stands. Raises `ConfigurationError`."""
    consumers = consumers_of(table, store, settings.http.timeout, clock.monotonic)
    keys = consumers or keys_of(table, key, settings.http, clock)
    return Issuer(
        name=table.name,
        issuer=table.issuer,
        audience=frozenset(table.audience),
        require_audience=table.require_audience,
        client_id_as_audience=table.client_id_as_audience,
        algorithms=frozenset(table.algorithms),
        token_types=frozenset(table.token_types),
        require_expiry=table.require_expiry,
        required_claims=table.required_claims,
        max_lifetime=table.max_lifetime,
        max_age=table.max_age,
        subjects=table.subjects,
        scope_claim=table.scope_claim,
        roles_claim=table.roles_claim,
        leeway=table.leeway,
        require_issuer=table.require_issuer,
        places=None if table.token_from is None else frozenset(place_of(location) for location in table.token_from),
        keys=keys,
        introspector=keys.introspector if isinstance(keys, Unkeyed) else None,
        consumers=consumers,
        consumer_claim=table.consumer_claim,
    )


def keys_of(table: schema_issuers.Issuer, key: str, http: schema.Http, clock: Clock) -> KeySource:
    """Where the issuer's keys are, or who is asked in their place. Raises `ConfigurationError`."""
    material = table.key_material
    if material is None or isinstance(material, ConsumerList | ConsumerTerms):
        raise ConfigurationError(key, "has no keys", "Give it jwks_url, jwks, public_key or secret")
    if isinstance(material, JwksUrl | MetadataUrl):
        timeout = _asked(material, http).timeout
        timing = Timing(table.key_source.ttl, table.key_source.max_stale, table.key_source.cooldown, timeout)
        return RemoteKeys(table.name, key_fetch(table, material, http), timing, clock=clock.monotonic)
    if isinstance(material, IntrospectionUrl):
        return Unkeyed(introspector_of(table.name, material, http, clock))
    if isinstance(material, VaultIntrospected):
        return Unkeyed(vault_introspector_of(table.name, material, clock))
    keys = _configured(table, material)
    if not any(one.algorithms & set(table.algorithms) for one in keys.keys):
        cure = "Drop algorithms, or name one that the key is made for"
        raise ConfigurationError(f"{key}.algorithms", "none of them fits the configured key", cure)
    return StaticKeys(keys)


def key_fetch(table: schema_issuers.Issuer, material: JwksUrl | MetadataUrl, http: schema.Http) -> Fetch:
    """What fetches the issuer's keys. The URL is the configuration's, never a token's (RFC 8725 section 3.10)."""
    asked = _asked(material, http)
    if isinstance(material, MetadataUrl):
        return Discovery(table.issuer or "", material.url, asked)
    return lambda etag: fetch(material.url, etag, asked)


def _asked(material: JwksUrl | MetadataUrl, http: schema.Http) -> HttpSettings:
    """A Vault has settings of its own."""
    return material.http if isinstance(material, VaultKeys) else HttpSettings(http.timeout, http.ca_file, http.proxy)


def _configured(table: schema_issuers.Issuer, material: Secret | Pem | JwkSet) -> KeySet:
    """The settings have judged the material already: nothing here is refused any more."""
    if isinstance(material, Secret):
        return KeySet([secret_key(material.value, table.algorithms, allow_short=True)])
    if isinstance(material, Pem):
        return KeySet([import_pem(material.text)])
    imported = import_jwk_set(material.document)
    for text in imported.skipped:
        logger.warning("issuer %s: a configured key is skipped: %s", table.name, text)
    return imported.keys
