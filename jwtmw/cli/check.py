"""`jwtmw check`: read the configuration, show what it says, and complain about what is not fit for production.

Marks on endpoints are not seen from here: @public, @optional and @requires are the application's.

The exit status is 0 where there is nothing to complain about, 1 where there is, and 2 where the configuration cannot
work at all.

Owns: the complaints, and how a configuration is shown.
Must never know: how the configuration is read, how keys are imported.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from jwtmw.cli.table import table
from jwtmw.compose import Policy
from jwtmw.errors import KeyRefused
from jwtmw.issuers.fetch import FetchFailed, HttpSettings, fetch
from jwtmw.issuers.importer import import_jwk_set
from jwtmw.policy.rules import Rule
from jwtmw.policy.wording import in_words
from jwtmw.settings import Issuer, JwkSet, JwksUrl, Pem, Settings

HELP = "show the configuration and complain about it"

_DEFAULTS = {
    "authenticated": "a valid token, where neither a rule nor a mark speaks",
    "deny": "nobody passes, where neither a rule nor a mark speaks",
    "public": "everybody passes, where neither a rule nor a mark speaks",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `jwtmw check`."""
    parser.add_argument("--config", metavar="FILE", help="a TOML file (default: what the environment says)")
    parser.add_argument("--fetch", action="store_true", help="fetch the issuers' keys too")


def run(arguments: argparse.Namespace) -> int:
    """Show, fetch if asked to, complain."""
    with _warnings_of_the_start() as complaints:
        policy = Policy(arguments.config)
    settings = policy.settings
    complaints += _complaints(settings)
    print(_shown(settings, policy.engine.rules.rules))
    if arguments.fetch:
        print("\n" + table(_fetched(settings, complaints)))
    print("\n" + "\n".join([f"- {text}" for text in complaints] or ["nothing to complain about"]))
    return 1 if complaints else 0


@contextmanager
def _warnings_of_the_start() -> Iterator[list[str]]:
    """What a service would log as it starts with this configuration: the modes, short secrets, unused variables."""
    texts: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: texts.append(record.getMessage())  # type: ignore[method-assign]
    root = logging.getLogger("jwtmw")
    before = root.propagate
    root.addHandler(handler)
    root.propagate = False
    try:
        yield texts
    finally:
        root.removeHandler(handler)
        root.propagate = before


def _complaints(settings: Settings) -> Iterator[str]:
    if settings.default == "public":
        yield "default is public: an endpoint that nobody thought of is open"
    if settings.expose_reason:
        yield "expose_reason is on: callers are told why exactly they are refused, and so are attackers"
    for rule in settings.rules:
        if rule.report_only and not settings.report_only:
            yield f"the rule for {rule.path} is report_only: what it refuses passes"


def _shown(settings: Settings, rules: tuple[Rule, ...]) -> str:
    facts = [
        ("source", settings.source),
        ("mode", _mode(settings)),
        ("default", f"{settings.default}: {_DEFAULTS[settings.default]}"),
    ]
    parts = [table(facts), table(_issuers(settings)), table(_rules(rules))]
    return "\n\n".join(parts)


def _mode(settings: Settings) -> str:
    if not settings.secure:
        return "non-secure: every request passes"
    if not settings.inbound:
        return "inbound is off: every request passes"
    return "report-only: every request is judged, and passes" if settings.report_only else "secure"


def _issuers(settings: Settings) -> Iterator[tuple[str, ...]]:
    yield "issuer", "audience", "algorithms", "keys"
    for issuer in settings.issuers:
        yield issuer.name, ", ".join(issuer.audience) or "any", _algorithms(issuer), _keys(issuer)


def _algorithms(issuer: Issuer) -> str:
    return ", ".join(issuer.algorithms) if len(issuer.algorithms) < 5 else "every asymmetric one that a key fits"


def _keys(issuer: Issuer) -> str:
    match issuer.key_material:
        case JwksUrl(url=url):
            return url
        case JwkSet():
            return "a key set in the configuration"
        case Pem():
            return "a public key in the configuration"
        case None:
            return "not read in non-secure mode"
        case _:
            return "a secret"


def _rules(rules: tuple[Rule, ...]) -> Iterator[tuple[str, ...]]:
    yield "rule", "methods", "allow", "wants"
    for rule in sorted(rules, key=lambda rule: rule.path):
        methods = "all" if rule.methods is None else " ".join(sorted(rule.methods))
        wants = "" if rule.requirement.is_empty else in_words(rule.requirement)
        yield rule.path, methods, rule.access.name.lower(), wants


def _fetched(settings: Settings, complaints: list[str]) -> Iterator[tuple[str, ...]]:
    """The keys that are published now; what goes wrong is a complaint."""
    yield "issuer", "kid", "type", "algorithms"
    http = HttpSettings(settings.http.timeout, settings.http.ca_file, settings.http.proxy)
    for issuer in settings.issuers:
        if isinstance(issuer.key_material, JwksUrl):
            try:
                imported = import_jwk_set(fetch(issuer.key_material.url, None, http).document)
            except (FetchFailed, KeyRefused) as error:
                complaints.append(f"issuer {issuer.name}: no keys: {error}")
                continue
            complaints += [f"issuer {issuer.name}: a published key is not used: {text}" for text in imported.skipped]
            for key in imported.keys.keys:
                fitting = sorted(key.algorithms.intersection(issuer.algorithms))
                # A kid is the issuer's text: shown so that it cannot play tricks on a terminal.
                yield issuer.name, ascii(key.kid), key.kty, ", ".join(fitting) or "none that the issuer uses"
