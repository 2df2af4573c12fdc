"""Which rule speaks, and what it and an endpoint's mark want together."""

from __future__ import annotations

from typing import Any

import pytest

from jwtmw.decision import Reason
from jwtmw.errors import ConfigurationError
from jwtmw.policy import rules
from jwtmw.policy.marks import Mark
from jwtmw.policy.requirements import Requirement
from jwtmw.policy.rules import STANDARD_METHODS, Access, Ask, Rule, RuleBook

NOTHING = Requirement.of()
READ = Requirement.of(scopes=["orders:read"])
WRITE = Requirement.of(scopes=["orders:write"])
PUBLIC, OPTIONAL, AUTHENTICATED, DENY = Access


def ask(rule: Rule | None, mark: Mark | None, default: Access = AUTHENTICATED) -> Ask:
    """What a book with this one rule makes of rule and mark."""
    return RuleBook([] if rule is None else [rule], default).ask(rule, mark)


@pytest.mark.parametrize("default", [PUBLIC, AUTHENTICATED, DENY])
def test_the_default_applies_where_neither_speaks(default: Access) -> None:
    """Without rule and mark the default decides, and says so."""
    found = ask(None, None, default)
    assert (default, NOTHING, None, True, False, (), "default") == (
        found.access,
        found.requirement,
        found.rule,
        found.by_default,
        found.report_only,
        found.scopes_wanted,
        found.label,
    )


@pytest.mark.parametrize("default", [PUBLIC, AUTHENTICATED, DENY])
@pytest.mark.parametrize(
    ("mark", "access"),
    [
        pytest.param(Mark(PUBLIC, NOTHING), PUBLIC, id="public"),
        pytest.param(Mark(OPTIONAL, NOTHING), OPTIONAL, id="optional"),
        pytest.param(Mark(OPTIONAL, READ), OPTIONAL, id="optional-with-scopes"),
        pytest.param(Mark(None, NOTHING), AUTHENTICATED, id="requires-nothing"),
        pytest.param(Mark(None, READ), AUTHENTICATED, id="requires"),
    ],
)
def test_a_mark_alone_replaces_any_default(mark: Mark, access: Access, default: Access) -> None:
    """Without a rule the mark decides, also over a default of deny or public."""
    found = ask(None, mark, default)
    assert (access, mark.requirement, None, False, "mark") == (
        found.access,
        found.requirement,
        found.rule,
        found.by_default,
        found.label,
    )
    assert mark.requirement.scopes_wanted == found.scopes_wanted


@pytest.mark.parametrize(
    ("access", "requirement", "mark", "expected", "wanted"),
    [
        pytest.param(PUBLIC, NOTHING, None, PUBLIC, NOTHING, id="public"),
        pytest.param(OPTIONAL, READ, None, OPTIONAL, READ, id="optional-with-scopes"),
        pytest.param(AUTHENTICATED, READ, None, AUTHENTICATED, READ, id="authenticated"),
        pytest.param(DENY, NOTHING, None, DENY, NOTHING, id="deny"),
        pytest.param(AUTHENTICATED, READ, Mark(PUBLIC, NOTHING), AUTHENTICATED, READ, id="public-lifts-no-rule"),
        pytest.param(AUTHENTICATED, READ, Mark(OPTIONAL, NOTHING), AUTHENTICATED, READ, id="optional-lifts-no-rule"),
        pytest.param(DENY, NOTHING, Mark(PUBLIC, NOTHING), DENY, NOTHING, id="public-lifts-no-deny"),
        pytest.param(DENY, NOTHING, Mark(None, READ), DENY, READ, id="requires-lifts-no-deny"),
        pytest.param(OPTIONAL, NOTHING, Mark(PUBLIC, NOTHING), OPTIONAL, NOTHING, id="public-on-optional"),
        pytest.param(PUBLIC, NOTHING, Mark(OPTIONAL, NOTHING), PUBLIC, NOTHING, id="plain-optional-on-public"),
        pytest.param(PUBLIC, NOTHING, Mark(PUBLIC, NOTHING), PUBLIC, NOTHING, id="public-on-public"),
        pytest.param(PUBLIC, NOTHING, Mark(None, NOTHING), AUTHENTICATED, NOTHING, id="requires-tightens-public"),
        pytest.param(PUBLIC, NOTHING, Mark(None, READ), AUTHENTICATED, READ, id="requires-scopes-on-public"),
        pytest.param(OPTIONAL, NOTHING, Mark(None, READ), AUTHENTICATED, READ, id="requires-tightens-optional"),
        pytest.param(PUBLIC, NOTHING, Mark(AUTHENTICATED, NOTHING), AUTHENTICATED, NOTHING, id="merged-mark-tightens"),
        pytest.param(PUBLIC, NOTHING, Mark(OPTIONAL, READ), OPTIONAL, READ, id="optional-requires-on-public"),
        pytest.param(OPTIONAL, WRITE, Mark(OPTIONAL, READ), OPTIONAL, WRITE & READ, id="optional-requires-on-optional"),
        pytest.param(AUTHENTICATED, WRITE, Mark(None, READ), AUTHENTICATED, WRITE & READ, id="requirements-add-up"),
        pytest.param(
            AUTHENTICATED, WRITE, Mark(OPTIONAL, READ), AUTHENTICATED, WRITE & READ, id="optional-requires-adds-up"
        ),
    ],
)
def test_the_endpoint_may_tighten_never_loosen(
    access: Access, requirement: Requirement, mark: Mark | None, expected: Access, wanted: Requirement
) -> None:
    """With an explicit rule, the stricter of rule and @requires holds; @public and @optional change nothing."""
    rule = Rule("/orders/{id}", access=access, requirement=requirement, report_only=True)
    found = ask(rule, mark)
    assert (expected, wanted, rule, False, True, "/orders/{id}") == (
        found.access,
        found.requirement,
        found.rule,
        found.by_default,
        found.report_only,
        found.label,
    )
    assert wanted.scopes_wanted == found.scopes_wanted


def test_asking_again_gives_the_same_answer() -> None:
    """What rule and mark want is worked out once."""
    rule, mark = Rule("/a"), Mark(None, READ)
    book = RuleBook([rule])
    assert book.ask(rule, mark) is book.ask(rule, mark)
    assert book.ask(None, mark) is book.ask(None, mark)
    assert book.ask(rule, None) is book.ask(rule, None)
    assert book.ask(None, None) is book.default_ask


def test_the_memo_is_bounded_and_never_mistakes_a_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    """Marks that come and go neither pile up nor inherit each other's answer."""
    monkeypatch.setattr(rules, "_MEMO_SIZE", 8)
    book = RuleBook()
    requirements = [Requirement.of(scopes=[f"s{number}"]) for number in range(100)]
    for requirement in requirements:
        # Nothing else holds this mark: freed, its address would soon be another's.
        assert requirement == book.ask(None, Mark(None, requirement)).requirement
        assert len(book._memo) <= 8


def test_find() -> None:
    """The book finds the most specific rule that covers the method; a rule that does not takes no part."""
    post, everything = Rule("/a/b", frozenset({"POST"}), key="rules[0]"), Rule("/a/**", key="rules[1]")
    book = RuleBook([post, everything])
    assert [post, everything, everything, None] == [
        book.find("POST", "/a/b"),
        book.find("GET", "/a/b"),
        book.find("POST", "/a/b/c"),
        book.find("GET", "/b"),
    ]


def test_methods() -> None:
    """Known methods are the standard ones and those that a rule names, in their exact case."""
    assert STANDARD_METHODS == RuleBook([Rule("/a")]).methods
    book = RuleBook([Rule("/a", frozenset({"PURGE", "GET"})), Rule("/b", frozenset({"CONNECT"}))])
    assert STANDARD_METHODS | {"PURGE", "CONNECT"} == book.methods


def test_access_is_ordered() -> None:
    """The stricter access is the greater."""
    assert [PUBLIC, OPTIONAL, AUTHENTICATED, DENY] == sorted(Access)


@pytest.mark.parametrize(
    ("values", "key", "problem"),
    [
        pytest.param({"access": PUBLIC, "requirement": READ}, "rules[2].allow", '"public"', id="public-with-scopes"),
        pytest.param({"access": DENY, "requirement": READ}, "rules[2].allow", '"deny"', id="deny-with-scopes"),
        pytest.param({"methods": frozenset()}, "rules[2].methods", "no method", id="no-methods"),
        pytest.param({"methods": frozenset({"get"})}, "rules[2].methods", '"GET"', id="lower-case"),
        pytest.param({"methods": frozenset({"GET", "Post"})}, "rules[2].methods", '"POST"', id="mixed-case"),
        pytest.param({"methods": frozenset({"GET,POST"})}, "rules[2].methods", "names of HTTP methods", id="comma"),
        pytest.param({"methods": frozenset({""})}, "rules[2].methods", "names of HTTP methods", id="empty"),
        pytest.param({"methods": frozenset({"GET "})}, "rules[2].methods", "names of HTTP methods", id="blank"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(values: dict[str, Any], key: str, problem: str) -> None:
    """A rule that contradicts itself cannot be built; the error names its key and a cure."""
    with pytest.raises(ConfigurationError) as caught:
        Rule("/a", key="rules[2]", **values)
    assert key == caught.value.key
    assert problem in caught.value.problem
    assert caught.value.cure


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(Rule("/a", key="rules[0]"), Rule("/a/", key="rules[1]"), id="trailing-slash"),
        pytest.param(Rule("/a/{x}", key="rules[0]"), Rule("/a/{y}", key="rules[1]"), id="names"),
        pytest.param(
            Rule("/a", frozenset({"GET", "PUT"}), key="rules[0]"),
            Rule("/a", frozenset({"POST", "PUT"}), key="rules[1]"),
            id="methods-overlap",
        ),
    ],
)
def test_two_rules_in_each_others_way_are_refused(first: Rule, second: Rule) -> None:
    """Two rules for the same path and method do not start; the error names both."""
    with pytest.raises(ConfigurationError, match=r"^rules\[1\]\.path: rules\[0\] has the same path"):
        RuleBook([first, second])


def test_a_bad_path_names_its_key() -> None:
    """A path that is no template names the rule's path."""
    with pytest.raises(ConfigurationError, match=r"^rules\[3\]\.path: "):
        RuleBook([Rule("orders", key="rules[3]")])


ORDER = Rule("/orders/{id}", frozenset({"GET"}))


@pytest.mark.parametrize(
    ("method", "path", "found"),
    [
        pytest.param("GET", "/orders/7", ORDER, id="a-rule"),
        pytest.param("POST", "/orders/7", None, id="no-rule"),
        pytest.param("GET", "//orders/7", Reason.PATH_AMBIGUOUS, id="ambiguous-path"),
        pytest.param("get", "/orders/7", Reason.METHOD_UNKNOWN, id="unknown-method"),
        pytest.param("GET", ["/orders/7"], Reason.PATH_AMBIGUOUS, id="no-text"),
    ],
)
def test_a_route_is_the_same_each_time(method: str, path: Any, found: Rule | Reason | None) -> None:
    """A request as it came in gets its rule or the reason against it, at first and when it comes again."""
    book = RuleBook([ORDER])
    assert [found, found] == [book.route(method, path, None, "") for _ in range(2)]


def test_the_memory_of_routes_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any number of paths takes a bounded memory, long paths none, and all get their rule."""
    monkeypatch.setattr(rules, "_MEMO_SIZE", 4)
    book = RuleBook([ORDER])
    paths = [*(f"/orders/{number}" for number in range(20)), "/orders/" + "x" * rules._MEMO_LENGTH]
    assert [ORDER] * len(paths) == [book.route("GET", path, None, "") for path in paths]
    assert len(book._routes) <= 4
    assert all(len(key[1]) <= rules._MEMO_LENGTH for key in book._routes)


def test_no_long_query_is_remembered_with_a_path() -> None:
    """Some servers leave it behind the raw path."""
    book = RuleBook([ORDER])
    assert ORDER is book.route("GET", "/orders/7", b"/orders/7?" + b"x" * rules._MEMO_LENGTH, "")
    assert {} == book._routes
