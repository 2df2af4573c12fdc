"""Bugs in what is decided: rules, default, methods, marks, paths, tokens.

Owns: bugs that all surfaces would share.
Must never know: how draws are made.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

import jwtmw.asgi
import jwtmw.engine
import jwtmw.environ
import jwtmw.policy.rules
import jwtmw.token.verify
from jwtmw.policy.requirements import Requirement
from jwtmw.policy.rules import Access, Rule, RuleBook
from jwtmw.policy.templates import Template, Trie
from tests.property.bugs.registry import bug


def _finding(patch: pytest.MonkeyPatch, find: Callable[[RuleBook, str, str], Rule | None]) -> None:
    patch.setattr(RuleBook, "find", find)


FIND = RuleBook.find


# Rules


@bug("rules: tails", "asgi")
def a_tail_does_not_cover_the_path_itself(patch: pytest.MonkeyPatch) -> None:
    def find(self: RuleBook, method: str, path: str) -> Rule | None:
        rule = FIND(self, method, path)
        itself = rule is not None and rule.path.endswith("/**") and rule.path.count("/") > path.rstrip("/").count("/")
        return None if itself else rule

    _finding(patch, find)


@bug("rules: params", "wsgi")
def the_first_rule_wins_instead_of_the_most_specific(patch: pytest.MonkeyPatch) -> None:
    def find(self: RuleBook, method: str, path: str) -> Rule | None:
        for rule in self.rules:
            trie: Trie[Rule] = Trie()
            trie.insert(Template.parse(rule.path, rule.key), rule.methods, rule)
            if trie.find(method, path) is not None:
                return rule
        return None

    _finding(patch, find)


@bug("rules: methods", "asgi")
def a_rule_covers_every_method(patch: pytest.MonkeyPatch) -> None:
    _finding(patch, lambda self, method, path: FIND(self, "GET", path))


@bug("rules: scopes", "asgi")
def nobody_is_asked_for_scopes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("jwtmw.policy.requirements.Requirement.unmet", lambda self, principal: None)


@bug("default", "asgi")
def a_default_of_public_lifts_rules(patch: pytest.MonkeyPatch) -> None:
    ask = RuleBook.ask
    is_public = lambda book: book.default_ask.access is Access.PUBLIC  # noqa: E731
    patch.setattr(RuleBook, "ask", lambda self, rule, mark: ask(self, None if is_public(self) else rule, mark))


@bug("default", "starlette")
def a_default_of_deny_only_asks_for_a_token(patch: pytest.MonkeyPatch) -> None:
    init = RuleBook.__init__
    patch.setattr(
        RuleBook,
        "__init__",
        lambda self, rules, default: init(self, rules, min(default, Access.AUTHENTICATED)),
    )


# Methods


@bug("HEAD", "wsgi")
def get_does_not_cover_head(patch: pytest.MonkeyPatch) -> None:
    def find(self: RuleBook, method: str, path: str) -> Rule | None:
        rule = FIND(self, method, path)
        return None if rule and method == "HEAD" and "HEAD" not in (rule.methods or ("HEAD",)) else rule

    _finding(patch, find)


@bug("OPTIONS", "asgi")
def any_options_is_a_preflight(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(jwtmw.engine, "_is_preflight", lambda request: True)


# Marks


@bug("marks: public", "fastapi")
def a_public_mark_lifts_a_rule(patch: pytest.MonkeyPatch) -> None:
    rules, ask = jwtmw.policy.rules, jwtmw.policy.rules._ask
    # Two steps that stand in each other's way: what a rule says is said for good, and the mark only tightens it.
    patch.setattr(rules, "_ask", lambda *asked: dataclasses.replace(ask(*asked), by_default=True))
    patch.setattr(rules, "_tightened", lambda rule, mark: rules._marked(mark))


@bug("marks: optional", "flask")
def an_optional_mark_lets_bad_tokens_in(patch: pytest.MonkeyPatch) -> None:
    access = jwtmw.policy.rules._access
    loose = {Access.OPTIONAL: Access.PUBLIC}
    patch.setattr(jwtmw.policy.rules, "_access", lambda mark: loose.get(access(mark), access(mark)))


@bug("marks: requires", "django-wsgi")
def the_scopes_of_a_mark_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    marked = jwtmw.policy.rules._marked
    patch.setattr(
        jwtmw.policy.rules, "_marked", lambda mark: dataclasses.replace(marked(mark), requirement=Requirement.of())
    )


@bug("trailing slashes", "asgi")
def a_trailing_slash_distinguishes_rules(patch: pytest.MonkeyPatch) -> None:
    def find(self: RuleBook, method: str, path: str) -> Rule | None:
        rule = FIND(self, method, path)
        return None if rule and rule.path[-1] not in "/*" and path.endswith("/") else rule

    _finding(patch, find)


# Paths


@bug("root paths", "asgi")
def rules_see_the_root_path(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(jwtmw.policy.rules, "route_path", lambda path, root_path: path)


@bug("SCRIPT_NAME", "wsgi", "asgi")
def an_adapter_ignores_script_name(patch: pytest.MonkeyPatch) -> None:
    init = jwtmw.environ.WSGIRequest.__init__

    def without(self: Any, environ: Any) -> None:
        init(self, environ)
        self.root_path = ""

    patch.setattr(jwtmw.environ.WSGIRequest, "__init__", without)


@bug("bent paths: ambiguous", "starlette")
def ambiguous_paths_pass(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(jwtmw.policy.rules, "ambiguous", lambda *paths: False)


@bug("bent paths: case", "wsgi")
def rules_fold_case(patch: pytest.MonkeyPatch) -> None:
    _finding(patch, lambda self, method, path: FIND(self, method, path.lower()))


@bug("bent paths: escapes", "asgi")
def rules_see_what_was_received_instead_of_what_is_routed(patch: pytest.MonkeyPatch) -> None:
    init = jwtmw.asgi.ASGIRequest.__init__

    def raw(self: Any, scope: Any) -> None:
        init(self, scope)
        self.path, self.raw_path = self.raw_path.decode("latin-1"), None

    patch.setattr(jwtmw.asgi.ASGIRequest, "__init__", raw)


# Tokens


@bug("tokens: expired", "wsgi")
def an_expired_token_is_good(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(jwtmw.token.verify, "_check_times", lambda *facts: None)


@bug("tokens: two", "asgi")
def the_first_of_two_tokens_counts(patch: pytest.MonkeyPatch) -> None:
    header = jwtmw.asgi.ASGIRequest.header
    first = lambda value: value and value.split(b",")[0]  # noqa: E731
    patch.setattr(jwtmw.asgi.ASGIRequest, "header", lambda self, name: first(header(self, name)))
