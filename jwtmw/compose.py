"""From settings to a working policy: rules, issuers with their keys, engine and renderer, put together once.

Owns: `Policy`, the one object that users make and adapters ask.
Must never know: frameworks, the environment, how a step of the engine works.
"""

from __future__ import annotations

import inspect
import logging
import os
import time
from collections.abc import Mapping
from typing import Any, Self

from jwtmw.challenge import OnDeny, Renderer
from jwtmw.engine import Check, Clock, Engine, LoadUser
from jwtmw.errors import ConfigurationError, KeyRefused
from jwtmw.explain import Explanation, explain
from jwtmw.issuers.fetch import HttpSettings, fetch
from jwtmw.issuers.importer import import_jwk_set, import_pem, secret_key
from jwtmw.issuers.issuer import Issuer, Issuers
from jwtmw.issuers.keys import KeySet
from jwtmw.issuers.remote import RemoteKeys
from jwtmw.issuers.snapshot import Timing
from jwtmw.issuers.source import KeySource, StaticKeys
from jwtmw.metrics import Metrics
from jwtmw.policy.requirements import Requirement
from jwtmw.policy.rules import Access, Rule, RuleBook
from jwtmw.settings import JwkSet, JwksUrl, Pem, Secret, Settings, read_settings, schema
from jwtmw.token.cache import TokenCache
from jwtmw.token.locate import Locator, Place

logger = logging.getLogger("jwtmw.policy")

Source = Mapping[str, Any] | str | os.PathLike[str] | None


class Policy:
    """What this service asks of its callers: the configuration, ready to judge.

    `source` is a mapping, the path of a TOML file, or None for what the environment says (`JWTMW_CONFIG`, or
    `JWTMW_ISSUER` and its like); the configuration's keys may be given as keywords instead. Python only:

    load_user  maps the verified principal to the application's own user; async only under ASGI;
               None or an exception refuses with 401
    check      sees the principal and the request's facts; whatever is not True, or an exception, refuses with 401
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
        clock: Clock = time,
        framework: Source = None,
        **keys: Any,
    ) -> None:
        if keys and source is not None:
            raise ConfigurationError("", "a policy was given both a source and keys", "Give one of the two")
        if inspect.iscoroutinefunction(check):
            raise ConfigurationError("check", "a check is asked in the middle of a decision", "Make it a plain function")
        self.settings = read_settings(keys or source, framework)
        self.renderer = Renderer(
            self.settings.realm, self.settings.error_format, self.settings.expose_reason, on_deny
        )
        self.engine = _engine(self.settings, clock, check, load_user)
        _announce(self.settings)

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

    def __repr__(self) -> str:
        return f"Policy({self.settings!r})"


PolicySource = Policy | Source


def _announce(settings: Settings) -> None:
    """Whoever switches protection off must not be able to overlook it."""
    if not settings.secure:
        logger.warning("non-secure mode: every request passes and no token is believed (%s)", settings.source)
    elif not settings.inbound:
        logger.warning("inbound is off: requests are not judged (%s)", settings.source)
    elif settings.report_only:
        logger.warning("report-only mode: refusals are recorded, every request passes (%s)", settings.source)


def _engine(settings: Settings, clock: Clock, check: Check | None, load_user: LoadUser | None) -> Engine:
    judging = settings.secure and settings.inbound
    places = [_place(location) for location in settings.token_from]
    issuers = [_issuer(index, table, settings, clock) for index, table in enumerate(settings.issuers)] if judging else []
    # An issuer's own places replace the global ones: where all issuers have their own, no other place is read.
    read = [_place(each) for table in settings.issuers for each in table.token_from or settings.token_from] or places
    rules = [_rule(index, table) for index, table in enumerate(settings.rules)]
    return Engine(
        rules=RuleBook(rules, Access[settings.default.upper()]),
        locator=Locator(read, settings.max_token_bytes),
        issuers=Issuers(issuers, places),
        cache=TokenCache(settings.cache.size, settings.cache.max_age),
        clock=clock,
        metrics=Metrics(),
        max_token_bytes=settings.max_token_bytes,
        cors_preflight=settings.cors_preflight,
        judging=judging,
        report_only=settings.report_only,
        check=check,
        load_user=load_user,
        awaits_user=_is_async(load_user),
    )


def _is_async(function: object) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))


def _place(location: schema.Location) -> Place:
    if location.header is not None:
        return Place("header", location.header, location.scheme, location.scheme_optional)
    if location.query is not None:
        return Place("query", location.query)
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
    alternatives = any_of and [_requirement(each, f"{key}.any_of[{index}]") for index, each in enumerate(any_of)]
    return Requirement.of(
        scopes=table.scopes,
        any_scope=table.any_scope,
        roles=table.roles,
        any_role=table.any_role,
        claims=table.claims,
        issuers=table.issuers,
        audience=table.audience,
        any_of=alternatives,
        key=key,
    )


def _issuer(index: int, table: schema.Issuer, settings: Settings, clock: Clock) -> Issuer:
    try:
        keys = _keys(table, settings.http, clock)
    except KeyRefused as error:
        raise ConfigurationError(f"issuers[{index}]", f"its keys cannot be used: {error}") from None
    return Issuer(
        name=table.name,
        issuer=table.issuer,
        audience=frozenset(table.audience),
        require_audience=table.require_audience,
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
    )


def _keys(table: schema.Issuer, http: schema.Http, clock: Clock) -> KeySource:
    material = table.key_material
    if isinstance(material, JwksUrl):
        asked = HttpSettings(http.timeout, http.ca_file, http.proxy)
        timing = Timing(table.key_source.ttl, table.key_source.max_stale, table.key_source.cooldown, http.timeout)
        # The URL is the configuration's, never a token's (RFC 8725 section 3.10).
        return RemoteKeys(
            table.name, lambda etag: fetch(material.url, etag, asked), timing, clock=clock.monotonic
        )
    keys = _configured(table, material)
    if not any(key.algorithms & set(table.algorithms) for key in keys.keys):
        raise KeyRefused("none of them fits the issuer's algorithms")
    return StaticKeys(keys)


def _configured(table: schema.Issuer, material: Secret | Pem | JwkSet | None) -> KeySet:
    if isinstance(material, Secret):
        # The settings have judged its length and its quality.
        return KeySet([secret_key(material.value, table.algorithms, allow_short=True)])
    if isinstance(material, Pem):
        return KeySet([import_pem(material.text)])
    if material is None:
        raise KeyRefused("it has none")
    imported = import_jwk_set(material.document)
    for text in imported.skipped:
        logger.warning("issuer %s: a configured key is skipped: %s", table.name, text)
    return imported.keys
