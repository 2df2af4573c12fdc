"""What a caller must have: built, added up, compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from jwtmw.decision import Reason
from jwtmw.errors import ConfigurationError
from jwtmw.policy.requirements import Requirement

of = Requirement.of


@dataclass(frozen=True)
class Someone:
    """A caller of issuer corp for the audience orders, with scopes a and b and the role admin."""

    issuer_name: str = "corp"
    audience: frozenset[str] = frozenset({"orders"})
    scopes: frozenset[str] = frozenset({"a", "b"})
    roles: frozenset[str] = frozenset({"admin"})
    claims: Mapping[str, Any] = field(default_factory=dict)


@pytest.mark.parametrize(
    ("requirement", "reason"),
    [
        pytest.param(of(), None, id="nothing"),
        pytest.param(of(scopes=["a", "b"]), None, id="all-scopes"),
        pytest.param(of(scopes=["a", "c"]), Reason.SCOPE_MISSING, id="a-scope-missing"),
        pytest.param(of(scopes=["A"]), Reason.SCOPE_MISSING, id="scope-case"),
        pytest.param(of(any_scope=["c", "b"]), None, id="any-scope"),
        pytest.param(of(any_scope=["c", "d"]), Reason.SCOPE_MISSING, id="no-scope-of-any"),
        pytest.param(of(roles=["admin"]), None, id="roles"),
        pytest.param(of(roles=["admin", "root"]), Reason.ROLE_MISSING, id="a-role-missing"),
        pytest.param(of(any_role=["root", "admin"]), None, id="any-role"),
        pytest.param(of(any_role=["root", "a"]), Reason.ROLE_MISSING, id="scopes-are-no-roles"),
        pytest.param(of(issuers=["other", "corp"]), None, id="issuer"),
        pytest.param(of(issuers=["other"]), Reason.ROUTE_ISSUER, id="another-issuer"),
        pytest.param(of(audience=["x", "orders"]), None, id="audience"),
        pytest.param(of(audience=["order"]), Reason.ROUTE_AUDIENCE, id="another-audience"),
        pytest.param(of(claims={"x": 1}), Reason.CLAIM_MISMATCH, id="claim-missing"),
        pytest.param(of(scopes=["c"], issuers=["other"]), Reason.ROUTE_ISSUER, id="issuer-before-scope"),
        pytest.param(of(roles=["c"], audience=["x"]), Reason.ROUTE_AUDIENCE, id="audience-before-role"),
        pytest.param(of(issuers=["x"], audience=["x"]), Reason.ROUTE_ISSUER, id="issuer-before-audience"),
        pytest.param(of(scopes=["c"], roles=["c"], claims={"x": 1}), Reason.SCOPE_MISSING, id="scope-first"),
        pytest.param(of(roles=["c"], claims={"x": 1}), Reason.ROLE_MISSING, id="role-before-claim"),
        pytest.param(of(any_of=[{"scopes": ["c"]}, {"roles": ["admin"]}]), None, id="one-alternative"),
        pytest.param(of(any_of=[{"scopes": ["c"]}]), Reason.SCOPE_MISSING, id="only-alternative"),
        pytest.param(of(any_of=[{"issuers": ["x"]}, {"audience": ["x"]}]), Reason.ROUTE_ISSUER, id="all-401"),
        pytest.param(of(any_of=[{"issuers": ["x"]}, {"roles": ["c"]}]), Reason.ROLE_MISSING, id="one-403-makes-403"),
        pytest.param(
            of(any_of=[{"issuers": ["x"], "scopes": ["c"]}]), Reason.ROUTE_ISSUER, id="not-only-for-scopes-is-401"
        ),
        pytest.param(
            of(any_of=[{"issuers": ["x"], "scopes": ["c"]}, {"issuers": ["corp"], "scopes": ["d"]}]),
            Reason.SCOPE_MISSING,
            id="scopes-by-issuer",
        ),
        pytest.param(of(scopes=["c"], any_of=[{"issuers": ["x"]}]), Reason.ROUTE_ISSUER, id="401-of-any-of-wins"),
        pytest.param(of(scopes=["c"], any_of=[{"roles": ["x"]}]), Reason.SCOPE_MISSING, id="own-403-first"),
        pytest.param(of(any_of=[of(scopes=["a"])]), None, id="built-alternative"),
    ],
)
def test_unmet(requirement: Requirement, reason: Reason | None) -> None:
    """All members must be met; another issuer or audience is told before what can be granted."""
    assert reason == requirement.unmet(Someone())


@pytest.mark.parametrize(
    ("allowed", "value", "holds"),
    [
        pytest.param("a", "a", True, id="text"),
        pytest.param("a", "A", False, id="case"),
        pytest.param("a", "a b", False, id="texts-are-never-split"),
        pytest.param(["a", "b"], "b", True, id="one-of-several"),
        pytest.param("a", ["x", "a"], True, id="list-that-holds-it"),
        pytest.param("a", ["x"], False, id="list-without-it"),
        pytest.param("a", [["a"]], False, id="lists-are-not-opened-twice"),
        pytest.param("a", [], False, id="empty-list"),
        pytest.param("a", {"a": 1}, False, id="object"),
        pytest.param(["a"], [{"a": 1}, "a"], True, id="list-with-an-object"),
        pytest.param(1, 1, True, id="number"),
        pytest.param(1, 1.0, True, id="1.0-is-1"),
        pytest.param(1.0, 1, True, id="1-is-1.0"),
        pytest.param(1.5, 1.5, True, id="fraction"),
        pytest.param(1, True, False, id="true-is-not-1"),
        pytest.param(True, 1, False, id="1-is-not-true"),
        pytest.param(True, 1.0, False, id="1.0-is-not-true"),
        pytest.param(0, False, False, id="false-is-not-0"),
        pytest.param(True, True, True, id="true"),
        pytest.param(False, False, True, id="false"),
        pytest.param(False, None, False, id="null"),
        pytest.param("", None, False, id="null-is-not-empty"),
        pytest.param("", "", True, id="empty-text"),
        pytest.param("1", 1, False, id="number-is-no-text"),
        pytest.param(1, "1", False, id="text-is-no-number"),
        pytest.param(2**53 + 1, float(2**53), False, id="exact-beyond-doubles"),
        pytest.param(10**400, 10**400, True, id="huge-number"),
    ],
)
def test_claims(allowed: object, value: object, holds: bool) -> None:
    """A claim must equal an allowed value by type, or be a list that holds an equal."""
    reason = of(claims={"x": allowed}).unmet(Someone(claims={"x": value}))
    assert (None if holds else Reason.CLAIM_MISMATCH) == reason


def test_claims_are_named_whole_or_dotted() -> None:
    """A claim is named by its member, dots included, or by a dotted path, and all that are named must hold."""
    caller = Someone(claims={"realm.x": 1, "realm": {"x": 2, "y": 3}})
    assert [None, Reason.CLAIM_MISMATCH, None, Reason.CLAIM_MISMATCH] == [
        of(claims={"realm.x": 1}).unmet(caller),
        of(claims={"realm.x": 2}).unmet(caller),
        of(claims={"realm.y": 3}).unmet(caller),
        of(claims={"realm.x": 1, "realm.y": 4}).unmet(caller),
    ]


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        pytest.param(of(scopes=["a"]), of(scopes=["c"]), Reason.SCOPE_MISSING, id="scopes-add-up"),
        pytest.param(of(any_scope=["a", "c"]), of(any_scope=["c", "d"]), Reason.SCOPE_MISSING, id="any-of-each"),
        pytest.param(of(any_scope=["a", "c"]), of(any_scope=["b", "d"]), None, id="any-of-each-met"),
        pytest.param(of(roles=["admin"]), of(roles=["c"]), Reason.ROLE_MISSING, id="roles-add-up"),
        pytest.param(of(any_role=["admin"]), of(any_role=["c"]), Reason.ROLE_MISSING, id="any-role-of-each"),
        pytest.param(of(issuers=["corp"]), of(issuers=["x"]), Reason.ROUTE_ISSUER, id="issuers-narrow"),
        pytest.param(of(audience=["orders"]), of(audience=["x"]), Reason.ROUTE_AUDIENCE, id="audience-narrows"),
        pytest.param(of(claims={"n": 1}), of(claims={"n": 2}), Reason.CLAIM_MISMATCH, id="claims-add-up"),
        pytest.param(of(claims={"n": 1}), of(claims={"n": [1, 2]}), None, id="claims-both-met"),
        pytest.param(of(any_of=[{"scopes": ["a"]}]), of(any_of=[{"roles": ["c"]}]), Reason.ROLE_MISSING, id="any-of"),
        pytest.param(
            of(any_of=[{"scopes": ["c"]}]), of(any_of=[{"issuers": ["x"]}]), Reason.ROUTE_ISSUER, id="401-of-the-second"
        ),
    ],
)
def test_requirements_add_up(first: Requirement, second: Requirement, reason: Reason | None) -> None:
    """Added up, both must be met, in either order."""
    caller = Someone(claims={"n": 1})
    assert (reason, reason) == ((first & second).unmet(caller), (second & first).unmet(caller))


def test_adding_the_same_changes_nothing() -> None:
    """A requirement added to itself, or to nothing, is the same requirement."""
    one = of(
        scopes=["a", "b", "a"],
        any_scope=["c"],
        roles=["r"],
        any_role=["s"],
        claims={"x": 1},
        issuers=["i"],
        audience=["o"],
        any_of=[{"scopes": ["d"]}],
    )
    assert one == one & one == one & of() == of() & one
    assert [False, True] == [one.is_empty, of().is_empty]
    assert hash(one) == hash(one & one)


def test_scopes_wanted() -> None:
    """The challenge names every scope once: scopes, any_scope, those of the alternatives, in their order."""
    rule = of(scopes=["b", "a"], any_scope=["c", "a"], any_of=[{"scopes": ["e"], "any_scope": ["d"]}, {"roles": ["r"]}])
    mark = of(scopes=["z", "b"])
    assert ("b", "a", "c", "e", "d") == rule.scopes_wanted
    assert ("b", "a", "z", "c", "e", "d") == (rule & mark).scopes_wanted
    assert () == of(roles=["r"]).scopes_wanted


def test_issuer_names() -> None:
    """Every issuer that is named can be checked against those configured."""
    requirement = of(issuers=["a"], any_of=[{"issuers": ["b", "c"]}, {"scopes": ["x"]}]) & of(issuers=["d"])
    assert frozenset("abcd") == requirement.issuer_names
    assert frozenset() == of().issuer_names


@pytest.mark.parametrize(
    ("keys", "key", "problem"),
    [
        pytest.param({"scopes": "a"}, "rules[1].scopes", "list of texts", id="text-for-a-list"),
        pytest.param({"scopes": {"a": 1}}, "rules[1].scopes", "list of texts", id="table-for-a-list"),
        pytest.param({"roles": 7}, "rules[1].roles", "list of texts", id="number-for-a-list"),
        pytest.param({"scopes": []}, "rules[1].scopes", "asks for nothing", id="no-scopes"),
        pytest.param({"any_scope": []}, "rules[1].any_scope", "asks for nothing", id="no-any-scope"),
        pytest.param({"issuers": ()}, "rules[1].issuers", "asks for nothing", id="no-issuers"),
        pytest.param({"audience": [""]}, "rules[1].audience", "not empty", id="empty-text"),
        pytest.param({"any_role": [1]}, "rules[1].any_role", "not empty", id="number-in-a-list"),
        pytest.param({"scopes": ["a b"]}, "rules[1].scopes", "no blanks", id="two-scopes-in-one-text"),
        pytest.param({"any_scope": ['a"b']}, "rules[1].any_scope", "no blanks", id="quote"),
        pytest.param({"scopes": ["a\\b"]}, "rules[1].scopes", "no blanks", id="backslash"),
        pytest.param({"scopes": ["a\n"]}, "rules[1].scopes", "no blanks", id="newline"),
        pytest.param({"scopes": ["größe"]}, "rules[1].scopes", "no blanks", id="beyond-ascii"),
        pytest.param({"claims": ["x"]}, "rules[1].claims", "table", id="list-for-a-table"),
        pytest.param({"claims": {"": 1}}, "rules[1].claims", "table", id="claim-without-a-name"),
        pytest.param({"claims": {}}, "rules[1].claims", "asks for nothing", id="no-claims"),
        pytest.param({"claims": {"x": []}}, "rules[1].claims.x", "nobody can pass", id="no-value"),
        pytest.param({"claims": {"x": None}}, "rules[1].claims.x", "compared with", id="null"),
        pytest.param({"claims": {"x": {"y": 1}}}, "rules[1].claims.x", "compared with", id="object"),
        pytest.param({"claims": {"x": [["y"]]}}, "rules[1].claims.x", "compared with", id="list-in-a-list"),
        pytest.param({"claims": {"x": float("nan")}}, "rules[1].claims.x", "compared with", id="nan"),
        pytest.param({"claims": {"x": float("inf")}}, "rules[1].claims.x", "compared with", id="infinity"),
        pytest.param({"any_of": {"scopes": ["a"]}}, "rules[1].any_of", "list of requirements", id="no-list"),
        pytest.param({"any_of": 1}, "rules[1].any_of", "list of requirements", id="number-for-alternatives"),
        pytest.param({"any_of": []}, "rules[1].any_of", "nobody can pass", id="no-alternative"),
        pytest.param({"any_of": ["a"]}, "rules[1].any_of[0]", "must be a requirement", id="text-for-an-alternative"),
        pytest.param({"any_of": [{"scopes": ["a"]}, {}]}, "rules[1].any_of[1]", "lets everybody in", id="empty"),
        pytest.param({"any_of": [{"any_of": []}]}, "rules[1].any_of[0].any_of", "no such key", id="two-levels"),
        pytest.param(
            {"any_of": [of(any_of=[{"scopes": ["a"]}])]}, "rules[1].any_of[0]", "any_of itself", id="two-levels-built"
        ),
        pytest.param({"any_of": [{"scope": ["a"]}]}, "rules[1].any_of[0].scope", "no such key", id="misspelt"),
        pytest.param({"any_of": [{"scopes": "a"}]}, "rules[1].any_of[0].scopes", "list of texts", id="inner-value"),
    ],
)
def test_what_cannot_be_meant_is_refused(keys: dict[str, Any], key: str, problem: str) -> None:
    """A value of a wrong type, or one that asks of nobody or everybody, names its key and a cure."""
    with pytest.raises(ConfigurationError) as caught:
        of(**keys, key="rules[1]")
    assert key == caught.value.key
    assert problem in caught.value.problem
    assert caught.value.cure


def test_without_a_key_the_member_is_named() -> None:
    """A requirement that stands in no configuration names the member alone."""
    with pytest.raises(ConfigurationError) as caught:
        of(scopes=["a b"])
    assert "scopes" == caught.value.key
