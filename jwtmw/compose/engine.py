"""From settings to an engine: its places, rules and issuers, put together once.

Owns: putting the parts together.
Must never know: frameworks, the environment, how a step of the engine works.
"""

from __future__ import annotations

from jwtmw.compose.consumers import check_store, stranger_of
from jwtmw.compose.issuers import issuer_of, place_of
from jwtmw.compose.replay import proofs_of, prover_of
from jwtmw.compose.revocations import revocations_of
from jwtmw.engine import PASS, Engine
from jwtmw.gateway.disclosure import Disclosure
from jwtmw.hooks import Check, LoadUser, is_async
from jwtmw.issuers.issuer import Issuers
from jwtmw.issuers.stored_consumers import ConsumerStore
from jwtmw.metrics import Metrics
from jwtmw.policy.requirements import Requirement
from jwtmw.policy.rules import Access, Rule, RuleBook
from jwtmw.settings import Settings, schema
from jwtmw.token.cache import TokenCache
from jwtmw.token.locate import Locator
from jwtmw.token.origins import Origins
from jwtmw.verification import Clock, Verifier


def disclosure_of(settings: Settings) -> Disclosure | None:
    """What the application is shown of a request; None where that is the request as it came."""
    if settings.identity_headers or settings.hide_credentials:
        return Disclosure(settings.identity_headers, settings.hide_credentials)
    return None


def engine_of(
    settings: Settings,
    clock: Clock,
    check: Check | None,
    load_user: LoadUser | None,
    store: ConsumerStore | None,
) -> Engine:
    """The engine that judges by these settings. Raises `ConfigurationError`."""
    judging = settings.secure and settings.inbound
    places = [place_of(location) for location in settings.token_from]
    # Non-secure, or switched off: no key is looked at, no thread will start.
    tables = settings.issuers if judging else ()
    if judging:
        check_store(store, tables)
    issuers = [issuer_of(table, f"issuers[{index}]", settings, clock, store) for index, table in enumerate(tables)]
    # An issuer's own places replace the global ones: where all issuers have their own, no other place is read.
    read = [place_of(each) for table in settings.issuers for each in table.token_from or settings.token_from] or places
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
            revocations=revocations_of(settings, judging, clock),
        ),
        prover=prover_of(settings, judging, clock),
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


def _rule(index: int, table: schema.Rule) -> Rule:
    key = f"rules[{index}]"
    return Rule(
        path=table.path,
        methods=None if table.methods is None else frozenset(table.methods),
        access=Access[table.allow.upper()],
        requirement=_requirement(table, key, table.any_of),
        report_only=table.report_only,
        key=key,
        proofs=proofs_of(table),
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
