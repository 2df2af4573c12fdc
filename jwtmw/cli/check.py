"""`jwtmw check`: read the configuration, show what it says, and complain about what is not fit for production.

Marks on endpoints are not seen from here: @public, @optional and @requires are the application's.

The exit status is 0 where there is nothing to complain about, 1 where there is, and 2 where the configuration cannot
work at all.

Owns: the complaints, and how a configuration is shown.
Must never know: how the configuration is read, how keys are fetched.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from jwtmw.cli.table import table
from jwtmw.compose import Policy, key_fetch
from jwtmw.consumers import Elsewhere
from jwtmw.errors import KeyRefused
from jwtmw.issuers.fetch import FetchFailed
from jwtmw.issuers.importer import import_jwk_set
from jwtmw.issuers.keys import ASYMMETRIC, SYMMETRIC, Key
from jwtmw.policy.rules import Rule
from jwtmw.policy.wording import in_words
from jwtmw.settings import (
    ConsumerList,
    ConsumerTerms,
    IntrospectionUrl,
    Issuer,
    JwksUrl,
    MetadataUrl,
    Secret,
    Settings,
)

Row = tuple[str, ...]
Rows = Sequence[Row]

HELP = "show the configuration and complain about it"

_DEFAULTS = {
    "authenticated": "a valid token",
    "deny": "nobody passes",
    "public": "everybody passes",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `jwtmw check`."""
    parser.add_argument("--config", metavar="FILE", help="a TOML file (default: what the environment says)")
    parser.add_argument("--fetch", action="store_true", help="fetch the issuers' keys too")


def run(arguments: argparse.Namespace) -> int:
    """Show, fetch if asked to, complain."""
    with _warnings_of_the_start() as complaints:
        policy = Policy(arguments.config, consumers=Elsewhere())
    settings = policy.settings
    complaints.extend(_complaints(settings))
    sections = [_facts(settings), _issuers(settings), _rules(policy.engine.rules.rules)]
    if arguments.fetch:
        sections.append(_published(settings, complaints))
    verdict = [[f"- {text}"] for text in complaints] or [["nothing to complain about"]]
    print("\n\n".join(table(rows) for rows in [*sections, verdict] if rows))
    return 1 if complaints else 0


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


@contextmanager
def _warnings_of_the_start() -> Iterator[list[str]]:
    """What a service would log as it starts with this configuration: the modes, short secrets, unused variables."""
    logger, collector = logging.getLogger("jwtmw"), _Collector()
    propagate = logger.propagate
    logger.addHandler(collector)
    logger.propagate = False
    try:
        yield collector.texts
    finally:
        logger.removeHandler(collector)
        logger.propagate = propagate


def _complaints(settings: Settings) -> Iterator[str]:
    if settings.default == "public":
        yield "default is public: an endpoint that nobody thought of is open"
    if settings.expose_reason:
        yield "expose_reason is on: callers are told why exactly they are refused, and so are attackers"
    for rule in settings.rules:
        if rule.report_only and not settings.report_only:
            yield f"the rule for {rule.path} is report_only: what it refuses passes"


def _facts(settings: Settings) -> Rows:
    return [
        ("source", settings.source),
        ("mode", _mode(settings)),
        ("default", f"{settings.default}: {_DEFAULTS[settings.default]}, where neither a rule nor a mark speaks"),
    ]


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
            "" if rule.requirement.is_empty else in_words(rule.requirement),
        )
        for rule in sorted(rules, key=lambda rule: rule.path)
    ]
    return _headed(("rule", "methods", "allow", "wants"), rows)


def _published(settings: Settings, complaints: list[str]) -> Rows:
    """The keys that are published now; what goes wrong is added to the complaints."""
    rows: list[Row] = []
    for issuer in settings.issuers:
        if isinstance(issuer.key_material, JwksUrl | MetadataUrl):
            try:
                imported = import_jwk_set(key_fetch(issuer, issuer.key_material, settings.http)(None).document)
            except (FetchFailed, KeyRefused) as error:
                complaints.append(f"issuer {issuer.name}: no keys can be had: {error}")
                continue
            complaints += [f"issuer {issuer.name}: a published key is not used: {text}" for text in imported.skipped]
            if not any(_fitting(issuer, key) for key in imported.keys.keys):
                complaints.append(f"issuer {issuer.name}: none of its keys fits its algorithms")
            rows += [_key(issuer, key) for key in imported.keys.keys]
    return _headed(("issuer", "kid", "type", "algorithms"), rows)


def _key(issuer: Issuer, key: Key) -> Row:
    # A kid is the issuer's text: shown so that it plays no tricks on a terminal.
    algorithms = ", ".join(_fitting(issuer, key)) or "none that this issuer may use"
    return issuer.name, ascii(key.kid), key.kty, algorithms


def _fitting(issuer: Issuer, key: Key) -> list[str]:
    return sorted(key.algorithms.intersection(issuer.algorithms))


def _headed(header: Row, rows: Sequence[Row]) -> Rows:
    return [header, *rows] if rows else []
