"""`manage.py jwtmw_routes`: every URL pattern, and what it needs, rule and mark together.

Owns: the table, and when its exit status is not 0: a mark that cannot hold, and with `--strict` a route for which
neither a rule nor a mark speaks.
Must never know: how to decide, how routes are found.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from jwtmw import ConfigurationError, MarkError, Policy
from jwtmw.adapter import Ask, ask_in_words, table
from jwtmw_django.conf import current_policy
from jwtmw_django.routes import Route, name_of, routes

Row = tuple[str, ...]
HEADER: Row = ("methods", "route", "view", "needs", "said by")


class Command(BaseCommand):
    """Show every route of the project and what it needs."""

    help = "Shows every URL pattern and what it needs: the rules of settings.JWTMW and the marks together."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """The options."""
        parser.add_argument("--strict", action="store_true", help="fail where neither a rule nor a mark speaks")
        parser.add_argument("--urlconf", metavar="MODULE", help="a URLconf (default: ROOT_URLCONF)")

    def handle(self, *, strict: bool, urlconf: str | None, **_: Any) -> None:
        """Print the table, then say what is wrong."""
        try:
            policy = current_policy()
        except ConfigurationError as error:
            raise CommandError(f"JWTMW: {error}", returncode=2) from None
        wrong: list[str] = []
        rows = [row for route in routes(urlconf) for row in _rows(route, policy, wrong, strict=strict)]
        self.stdout.write(table([HEADER, *rows]))
        if not policy.engine.judging:
            self.stdout.write("\nRequests are not judged: secure or inbound is off.")
        if wrong:
            raise CommandError("\n".join(wrong), returncode=1)


def _rows(route: Route, policy: Policy, wrong: list[str], *, strict: bool) -> Iterator[Row]:
    """One row for the methods for which the same is needed."""
    known = policy.engine.rules.methods
    methods: dict[tuple[str, str], list[str]] = {}
    for method in route.methods(known):
        try:
            asks = route.asks(policy, method)
        except MarkError as error:
            wrong.append(f"{route.template}: {error}")
            return
        if strict and any(ask.by_default for ask in asks):
            wrong.append(f"{route.template}: {method}: neither a rule nor a mark speaks")
        by = "; ".join(dict.fromkeys(_by(ask, marked=route.mark(method) is not None) for ask in asks))
        methods.setdefault((_needs(asks), by), []).append(method)
    for (needs, by), names in methods.items():
        shown = "all" if len(names) == len(known) else " ".join(names)
        yield shown, route.template, name_of(route.pattern.callback), needs, by


def _needs(asks: list[Ask]) -> str:
    texts = list(dict.fromkeys(map(ask_in_words, asks)))
    return texts[0] if len(texts) == 1 else f"judged per request: {'; '.join(texts)}"


def _by(ask: Ask, *, marked: bool) -> str:
    if ask.rule is None:
        return ask.label  # "mark" or "default"
    return f"{ask.rule.path} and mark" if marked else ask.rule.path
