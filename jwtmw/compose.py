"""From settings to a working policy: rules, issuers with their keys, engine and renderer, put together once.

Owns: `Policy`, the one object that users make and adapters ask.
Must never know: frameworks, the environment, how a step of the engine works.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from jwtmw.challenge import OnDeny, Renderer
from jwtmw.consumers import check_store, consumers_of, stranger_of
from jwtmw.denylist import revocations_of
from jwtmw.engine import PASS, Engine
from jwtmw.errors import ConfigurationError
from jwtmw.explain import Explanation, explain
from jwtmw.gateway.disclosure import Disclosure
from jwtmw.hooks import Check, LoadUser, is_async
from jwtmw.introspectors import introspector_of, vault_introspector_of
from jwtmw.issuers.discovery import Discovery
from jwtmw.issuers.fetch import HttpSettings, fetch
from jwtmw.issuers.importer import import_jwk_set, import_pem, secret_key
from jwtmw.issuers.introspection import Unkeyed
from jwtmw.issuers.issuer import Issuer, Issuers
from jwtmw.issuers.keys import KeySet
from jwtmw.issuers.remote import Fetch, RemoteKeys
from jwtmw.issuers.snapshot import Timing
from jwtmw.issuers.source import KeySource, StaticKeys
from jwtmw.issuers.stored_consumers import ConsumerStore
from jwtmw.metrics import Metrics
from jwtmw.policy.requirements import Requirement
from jwtmw.policy.rules import Access, Rule, RuleBook
from jwtmw.revocation.revocations import Revocations
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
    read_settings,
    schema,
)
from jwtmw.token.cache import TokenCache
from jwtmw.token.locate import Locator, Place
from jwtmw.token.origins import Origins
from jwtmw.verification import Clock, Verifier

logger = logging.getLogger("jwtmw.policy")

Source = Mapping[str, Any] | str | os.PathLike[str] | None


class Policy:
    """What this service asks of its callers: the configuration, ready to judge.

    `source` is a mapping, the path of a TOML file, or None for what the environment says (`JWTMW_CONFIG`, or
    `JWTMW_ISSUER` and its like); the configuration's keys may be given as keywords instead. Python only:

    load_user  maps the verified principal to the application's own user; async only under ASGI;
               None or an exception refuses with 401
    check      sees the principal and the request's facts; whatever is not True, or an exception, refuses with 401
    consumers  holds the consumers of the issuer with `consumer_store`: an object with `find(identifier)`
    on_deny    gets the `Problem` and the request's facts, returns content type and body of a refusal

    Raises `ConfigurationError`, which names the key and the cure.
    """

    def __init__(
        self,
        source: Source = None,
        /,
        *,
        load_user: LoadUser | None = None,
        check: Check | None = None,
        on_deny: OnDeny | None = None,
        consumers: ConsumerStore | None = None,
        clock: Clock = time,
        framework: Source = None,
        **keys: Any,
    ) -> None:
        if keys and source is not None:
            raise ConfigurationError("", "a policy was given both a source and keys", "Give one of the two")
        _check_hooks(load_user, check, on_deny)
        self.settings = read_settings(keys or source, framework)
        self.renderer = Renderer(self.settings.realm, self.settings.error_format, self.settings.expose_reason, on_deny)
        # What adapters show of a request to the application; None where that is the request as it came.
        self.disclosure = _disclosure(self.settings)
        self.engine = _engine(self.settings, clock, check, load_user, consumers)
        announce(self.settings)

    @classmethod
    def load(cls, source: Policy | Source = None, framework: Source = None) -> Policy:
        """The policy itself, or one made from the first source that exists: `source`, the framework's own
        configuration, the file named by `JWTMW_CONFIG`, the environment. Sources never merge.
        """
        return source if isinstance(source, Policy) else cls(source, framework=framework)

    def explain(self, method: str, path: str, token: str | None = None) -> Explanation:
        """The decision on one request, step by step; print it. May fetch keys. The token is not shown."""
        return explain(self.engine, self.renderer, method, path, token)

    def metrics(self) -> dict[str, Any]:
        """Counts since the start, and gauges: `secure`, `inbound` and `report_only` as 0 or 1."""
        gauges = {name: int(getattr(self.settings, name)) for name in ("secure", "inbound", "report_only")}
        return {**gauges, **self.engine.metrics.snapshot()}

    def issuers(self) -> dict[str, dict[str, Any]]:
        """What is known of each issuer's keys now, by the issuer's name. Asking fetches nothing and never waits.

        `fresh`, `stale` (past their time, serving because refreshing fails), neither (none yet, or none any more),
        `cooling_down` (unknown key ids are refused without a fetch), `last_error` (our words; None after a success).
        """
        return {name: asdict(issuer.keys.state) for name, issuer in self.engine.verifier.issuers.by_name.items()}

    @property
    def revocations(self) -> Revocations:
        """What was revoked: tokens, subjects and issuers can be added, and taken back."""
        return self.engine.verifier.revocations

    def __repr__(self) -> str:
        # Reporters show the locals of the frames of an error; the settings may be what failed.
        return f"Policy({getattr(self, 'settings', None)!r})"


PolicySource = Policy | Source


def _check_hooks(load_user: object, check: object, on_deny: object) -> None:
    """What could never be called as agreed does not start."""
    for name, hook in (("load_user", load_user), ("check", check), ("on_deny", on_deny)):
        if hook is not None and not callable(hook):
            raise ConfigurationError(name, "cannot be called", "Give a function")
        if name != "load_user" and is_async(hook):
            raise ConfigurationError(name, "is called where nothing can be awaited", "Make it a plain function")


def announce(settings: Settings) -> None:
    """Whoever switches protection off must not be able to overlook it."""
    if not settings.secure:
        switch = f"{settings.source}; {settings.secure_env}=true ends it"
        text = "non-secure mode: every request passes and no token is believed (%s)"
        logger.warning(text, switch, extra={"code": "non_secure"})
    elif not settings.inbound:
        text = "inbound is off: requests are not judged (%s)"
        logger.warning(text, settings.source, extra={"code": "inbound_off"})
    elif settings.report_only:
        text = "report-only mode: refusals are recorded, every request passes (%s)"
        logger.warning(text, settings.source, extra={"code": "report_only"})


def _disclosure(settings: Settings) -> Disclosure | None:
    if settings.identity_headers or settings.hide_credentials:
        return Disclosure(settings.identity_headers, settings.hide_credentials)
    return None


def _engine(
    settings: Settings,
    clock: Clock,
    check: Check | None,
    load_user: LoadUser | None,
    store: ConsumerStore | None,
) -> Engine:
    judging = settings.secure and settings.inbound
    places = [_place(location) for location in settings.token_from]
    # Non-secure, or switched off: no key is looked at, no thread will start.
    tables = settings.issuers if judging else ()
    if judging:
        check_store(store, tables)
    issuers = [_issuer(table, f"issuers[{index}]", settings, clock, store) for index, table in enumerate(tables)]
    # An issuer's own places replace the global ones: where all issuers have their own, no other place is read.
    read = [_place(each) for table in settings.issuers for each in table.token_from or settings.token_from] or places
    rules = [_rule(index, table) for index, table in enumerate(settings.rules)]
    cache = TokenCache(settings.cache.size, settings.cache.max_age)
    return Engine(
        rules=RuleBook(rules, Access[settings.default.upper()]),
        locator=Locator(read, settings.max_token_bytes),
        verifier=Verifier(
            issuers=Issuers(issuers, places),
            cache=cache,
            clock=clock,
            max_token_bytes=settings.max_token_bytes,
            revocations=revocations_of(settings.revocation, judging, clock),
        ),
        cache=cache,
        clock=clock,
        metrics=Metrics(),
        origins=Origins(settings.origins),
        cors_preflight=settings.cors_preflight,
        judging=judging,
        stranger=stranger_of(tables) or PASS,
        report_only=settings.report_only,
        check=check,
        load_user=load_user,
        awaits_user=is_async(load_user),
    )


def _place(location: schema.Location) -> Place:
    if location.header is not None:
        return Place("header", location.header, location.scheme, location.scheme_optional)
    if location.query is not None:
        return Place("query", location.query)
    if location.cookie is not None:
        return Place("cookie", location.cookie)
    return Place("subprotocol", location.subprotocol or "")


def _rule(index: int, table: schema.Rule) -> Rule:
    key = f"rules[{index}]"
    return Rule(
        path=table.path,
        methods=None if table.methods is None else frozenset(table.methods),
        access=Access[table.allow.upper()],
        requirement=_requirement(table, key, table.any_of),
        report_only=table.report_only,
        key=key,
    )


def _requirement(
    table: schema.Requirement, key: str, any_of: tuple[schema.Requirement, ...] | None = None
) -> Requirement:
    alternatives = [_requirement(each, f"{key}.any_of[{index}]") for index, each in enumerate(any_of or ())]
    return Requirement.of(
        scopes=table.scopes,
        any_scope=table.any_scope,
        roles=table.roles,
        any_role=table.any_role,
        claims=table.claims,
        issuers=table.issuers,
        audience=table.audience,
        any_of=alternatives or None,
        key=key,
    )


def _issuer(table: schema.Issuer, key: str, settings: Settings, clock: Clock, store: ConsumerStore | None) -> Issuer:
    consumers = consumers_of(table, store, settings.http.timeout, clock.monotonic)
    keys = consumers or _keys(table, key, settings.http, clock)
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
        places=None if table.token_from is None else frozenset(_place(location) for location in table.token_from),
        keys=keys,
        introspector=keys.introspector if isinstance(keys, Unkeyed) else None,
        consumers=consumers,
        consumer_claim=table.consumer_claim,
    )


def _keys(table: schema.Issuer, key: str, http: schema.Http, clock: Clock) -> KeySource:
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


def key_fetch(table: schema.Issuer, material: JwksUrl | MetadataUrl, http: schema.Http) -> Fetch:
    """What fetches the issuer's keys. The URL is the configuration's, never a token's (RFC 8725 section 3.10)."""
    asked = _asked(material, http)
    if isinstance(material, MetadataUrl):
        return Discovery(table.issuer or "", material.url, asked)
    return lambda etag: fetch(material.url, etag, asked)


def _asked(material: JwksUrl | MetadataUrl, http: schema.Http) -> HttpSettings:
    """A Vault has settings of its own."""
    return material.http if isinstance(material, VaultKeys) else HttpSettings(http.timeout, http.ca_file, http.proxy)


def _configured(table: schema.Issuer, material: Secret | Pem | JwkSet) -> KeySet:
    """The settings have judged the material already: nothing here is refused any more."""
    if isinstance(material, Secret):
        return KeySet([secret_key(material.value, table.algorithms, allow_short=True)])
    if isinstance(material, Pem):
        return KeySet([import_pem(material.text)])
    imported = import_jwk_set(material.document)
    for text in imported.skipped:
        logger.warning("issuer %s: a configured key is skipped: %s", table.name, text)
    return imported.keys
