"""What a configuration says, and what of it is not fit for production: for `jwtmw check` and the checks of frameworks.

Owns: the complaints with their stable codes, and how a configuration is shown.
Must never know: how the configuration is read, how keys are fetched, who asks.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from jwtmw.compose import Policy, PolicySource, Source
from jwtmw.compose.consumers import Elsewhere
from jwtmw.compose.issuers import key_fetch
from jwtmw.compose.policy import announce
from jwtmw.errors import KeyRefused
from jwtmw.issuers.fetch import FetchFailed
from jwtmw.issuers.importer import import_jwk_set
from jwtmw.issuers.keys import ASYMMETRIC, SYMMETRIC, Key
from jwtmw.policy.rules import Rule
from jwtmw.policy.wording import in_words, proofs_in_words
from jwtmw.settings import (
    ConsumerList,
    ConsumerTerms,
    IntrospectionUrl,
    Issuer,
    JwksUrl,
    MetadataUrl,
    OutgoingTerms,
    Secret,
    Settings,
    VaultIntrospected,
)
from jwtmw.table import table

Row = tuple[str, ...]
Rows = Sequence[Row]


class Complaint(NamedTuple):
    """What is not fit for production. `code` is stable; it is "start" for what only a start's log would warn of."""

    code: str
    text: str


_DEFAULTS = {
    "authenticated": "a valid token",
    "deny": "nobody passes",
    "public": "everybody passes",
}


def loaded(source: Source = None, framework: PolicySource = None) -> tuple[Policy, list[Complaint]]:
    """The policy, as a service would load it, and all that there is to complain about. Raises `ConfigurationError`."""
    with _warnings_of_the_start() as complaints:
        if isinstance(framework, Policy):
            policy = framework
            announce(policy.settings)
        else:
            # A file cannot name a store; a framework's configuration can be a policy that has one.
            policy = Policy(source, framework=framework, consumers=Elsewhere() if framework is None else None)
    complaints.extend(_complaints(policy.settings))
    return policy, complaints


def overview(policy: Policy, complaints: list[Complaint], *, fetch: bool = False) -> str:
    """The configuration as tables, the complaints last; `fetch` asks for the issuers' keys and adds what is wrong."""
    settings = policy.settings
    sections = [_facts(settings), _issuers(settings), _rules(policy.engine.rules.rules), _calls(settings)]
    if fetch:
        sections.append(_published(settings, complaints))
    verdict = [(f"- {complaint.text}",) for complaint in complaints] or [("nothing to complain about",)]
    return "\n\n".join(table(rows) for rows in [*sections, verdict] if rows)


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.complaints: list[Complaint] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.complaints.append(Complaint(getattr(record, "code", "start"), record.getMessage()))


@contextmanager
def _warnings_of_the_start() -> Iterator[list[Complaint]]:
    """What a service would log as it starts with this configuration: the modes, short secrets, unused variables."""
    logger, collector = logging.getLogger("jwtmw"), _Collector()
    propagate = logger.propagate
    logger.addHandler(collector)
    logger.propagate = False
    try:
        yield collector.complaints
    finally:
        logger.removeHandler(collector)
        logger.propagate = propagate


def _complaints(settings: Settings) -> Iterator[Complaint]:
    if settings.default == "public":
        yield Complaint("default_public", "default is public: an endpoint that nobody thought of is open")
    if settings.expose_reason:
        text = "expose_reason is on: callers are told why exactly they are refused, and so are attackers"
        yield Complaint("expose_reason", text)
    for rule in settings.rules:
        if rule.report_only and not settings.report_only:
            yield Complaint("report_only_rule", f"the rule for {rule.path} is report_only: what it refuses passes")


def _facts(settings: Settings) -> Rows:
    return [
        ("source", settings.source),
        ("mode", _mode(settings)),
        ("default", f"{settings.default}: {_DEFAULTS[settings.default]}, where neither a rule nor a mark speaks"),
        *_memory(settings),
    ]


def _memory(settings: Settings) -> Rows:
    """Who remembers tokens for one use: in memory, each process has its own."""
    if not any(rule.single_use for rule in settings.rules):
        return []
    shared = settings.replay.store == "redis"
    return [("single use", "remembered in Redis, for a fleet" if shared else "remembered by each process alone")]


def _mode(settings: Settings) -> str:
    if not settings.secure:
        return "non-secure: every request passes"
    if not settings.inbound:
        return "inbound is off: every request passes"
    if settings.report_only:
        return "report-only: every request is judged, and passes"
    return "secure: every request is judged"


def _issuers(settings: Settings) -> Rows:
    rows = [
        (issuer.name, ", ".join(issuer.audience) or "any", _algorithms(issuer), _keys(issuer))
        for issuer in settings.issuers
    ]
    return _headed(("issuer", "audience", "algorithms", "keys"), rows)


def _algorithms(issuer: Issuer) -> str:
    names = frozenset(issuer.algorithms)
    if names == ASYMMETRIC | SYMMETRIC:
        return "any: the issuer looks at signatures"
    return "every asymmetric one that a key fits" if names == ASYMMETRIC else ", ".join(issuer.algorithms)


def _keys(issuer: Issuer) -> str:
    match issuer.key_material:
        case None:
            return "not read in non-secure mode"
        case JwksUrl(url=url) | MetadataUrl(url=url):
            return url.partition("?")[0]  # what stands in a query may be secret
        case VaultIntrospected(server=server):
            return f"asked at {server.url_of('identity/oidc/introspect')}"
        case IntrospectionUrl(url=url):
            return f"asked at {url.partition('?')[0]}"
        case Secret():
            return "a secret"
        case ConsumerList(members=members):
            return f"{len(members)} consumers"
        case ConsumerTerms():
            return "consumers in a store"
        case _:
            return "in the configuration"


def _rules(rules: Sequence[Rule]) -> Rows:
    rows = [
        (
            rule.path,
            "all" if rule.methods is None else " ".join(sorted(rule.methods)),
            rule.access.name.lower(),
            _wanted(rule),
        )
        for rule in sorted(rules, key=lambda rule: rule.path)
    ]
    return _headed(("rule", "methods", "allow", "wants"), rows)


def _wanted(rule: Rule) -> str:
    requirement = [] if rule.requirement.is_empty else [in_words(rule.requirement)]
    return ", ".join([*requirement, proofs_in_words(rule.proofs)] if rule.proofs else requirement)


def _calls(settings: Settings) -> Rows:
    """What calls to other services carry."""
    rows = [(name, *_carried(terms)) for name, terms in settings.outgoing.items()]
    return _headed(("outgoing", "source", "header", "hosts"), rows)


def _carried(terms: OutgoingTerms | None) -> Row:
    if terms is None:
        return ("nothing is added", "", "any")
    return (terms.table.source, f"{terms.table.header}: {terms.table.scheme}".rstrip(" :"), " ".join(terms.table.hosts))


def _published(settings: Settings, complaints: list[Complaint]) -> Rows:
    """The keys that are published now; what goes wrong is added to the complaints."""
    rows: list[Row] = []
    for issuer in settings.issuers:
        if isinstance(issuer.key_material, JwksUrl | MetadataUrl):
            try:
                imported = import_jwk_set(key_fetch(issuer, issuer.key_material, settings.http)(None).document)
            except (FetchFailed, KeyRefused) as error:
                complaints.append(_of_keys(issuer, f"no keys can be had: {error}"))
                continue
            complaints += [_of_keys(issuer, f"a published key is not used: {text}") for text in imported.skipped]
            if not any(_fitting(issuer, key) for key in imported.keys.keys):
                complaints.append(_of_keys(issuer, "none of its keys fits its algorithms"))
            rows += [_key(issuer, key) for key in imported.keys.keys]
    return _headed(("issuer", "kid", "type", "algorithms"), rows)


def _of_keys(issuer: Issuer, text: str) -> Complaint:
    return Complaint("keys", f"issuer {issuer.name}: {text}")


def _key(issuer: Issuer, key: Key) -> Row:
    # A kid is the issuer's text: shown so that it plays no tricks on a terminal.
    algorithms = ", ".join(_fitting(issuer, key)) or "none that this issuer may use"
    return issuer.name, ascii(key.kid), key.kty, algorithms


def _fitting(issuer: Issuer, key: Key) -> list[str]:
    return sorted(key.algorithms.intersection(issuer.algorithms))


def _headed(header: Row, rows: Sequence[Row]) -> Rows:
    return [header, *rows] if rows else []
