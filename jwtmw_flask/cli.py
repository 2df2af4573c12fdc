"""The commands `flask jwtmw`.

    flask jwtmw check     the configuration, and what of it is not fit for production
    flask jwtmw routes    every route of the application, and what it needs, rule and mark put together

Owns: the commands and the table of routes.
Must never know: how to decide. What stands in the table is what the engine would ask of a request for that route.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import click
from flask import Flask, current_app
from flask.cli import AppGroup
from werkzeug.routing import Rule

from jwtmw import MarkError, Policy
from jwtmw.adapter import Ask, ask_in_words, loaded, overview, table
from jwtmw_flask.marks import ApplicationMarks, answers_itself
from jwtmw_flask.templates import may_cover

HIDDEN = frozenset({"HEAD", "OPTIONS"})


class Need(NamedTuple):
    """What one route needs for one method, and who says so. `wrong` where that fails, `silent` where nobody says."""

    needs: str
    said_by: str
    wrong: bool = False
    silent: bool = False


def commands(policy: Policy, marks: ApplicationMarks) -> AppGroup:
    """The group `flask jwtmw`."""
    group = AppGroup("jwtmw", short_help="Show the configuration and what the routes need.")

    @group.command("check", short_help="Show the configuration and complain about it.")
    @click.option("--fetch", is_flag=True, help="Fetch the issuers' keys, too.")
    def check(fetch: bool) -> None:
        """Show the configuration, and complain about what is not fit for production.

        The exit status is 1 where there is something to complain about.
        """
        known, complaints = loaded(framework=policy)
        click.echo(overview(known, complaints, fetch=fetch))
        if complaints:
            raise SystemExit(1)

    @group.command("routes", short_help="Show what each route needs.")
    @click.option("--strict", is_flag=True, help="Exit with 1 if neither a rule nor a mark speaks for a route.")
    @click.option("--all-methods", is_flag=True, help="Show HEAD and OPTIONS, too.")
    def routes(strict: bool, all_methods: bool) -> None:
        """Show every route and what it needs: rule and mark put together, else the default.

        The exit status is 1 where a mark cannot hold: such a route answers with 500.
        """
        rows = list(_rows(current_app, policy, marks, frozenset() if all_methods else HIDDEN))
        heading = ("methods", "route", "endpoint", "needs", "said by")
        click.echo(table([heading, *(cells for cells, _ in rows), _rest(policy)]))
        if not policy.engine.judging:
            click.echo("\nRequests are not judged: secure or inbound is off.")
        if any(need.wrong or (strict and need.silent) for _, need in rows):
            raise SystemExit(1)

    return group


def _rows(
    app: Flask, policy: Policy, marks: ApplicationMarks, hidden: frozenset[str]
) -> Iterator[tuple[tuple[str, ...], Need]]:
    """One row for each route, and one more for each method that needs something else."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        needs: dict[Need, list[str]] = {}
        for method in sorted((rule.methods or set()) - hidden):
            needs.setdefault(_need(policy, marks, rule, method), []).append(method)
        for need, methods in needs.items():
            yield (" ".join(methods), _where(rule), rule.endpoint, need.needs, need.said_by), need


def _need(policy: Policy, marks: ApplicationMarks, rule: Rule, method: str) -> Need:
    rules = policy.engine.rules
    try:
        mark = None if answers_itself(rule, method) else marks.of_endpoint(rule.endpoint, method)[0]
        # What stands in angle brackets is a segment like any other that no rule names.
        ask = rules.ask(rules.find(method, rule.rule), mark)
    except MarkError as error:
        return Need(f"nobody passes: {error}", "mark", wrong=True)
    others = [each for each in rules.rules if each is not ask.rule and may_cover(each, method, rule.rule)]
    except_for = f"; other values: {', '.join(each.path for each in others)}" if others else ""
    return Need(ask_in_words(ask) + except_for, _said_by(ask, mark is not None), silent=ask.by_default)


def _said_by(ask: Ask, marked: bool) -> str:
    if ask.rule is None:
        return ask.label
    return f"{ask.rule.path} and mark" if marked else ask.rule.path


def _where(rule: Rule) -> str:
    return f"{rule.host or rule.subdomain or ''}{rule.rule}"


def _rest(policy: Policy) -> tuple[str, ...]:
    return "any", "what no route or rule has", "", ask_in_words(policy.engine.rules.default_ask), "default"
