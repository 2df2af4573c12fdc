"""`policy.explain`: the decision told step by step."""

from __future__ import annotations

from typing import Any

import pytest

from jwtmw import Policy
from jwtmw.adapter import Allow, Reason
from jwtmw.testing import TestIssuer
from tests.engine.facts import policy_of

RULES = [
    {"path": "/open", "allow": "public"},
    {"path": "/closed", "allow": "deny"},
    {"path": "/read/{id}", "scopes": ["read"]},
]
HEADER = "sent in header Authorization (Bearer)"
TOLD: dict[str, tuple[str, str, dict[str, Any] | None, int | None, list[tuple[str, str]]]] = {
    "path": ("GET", "/a//b", None, 400, [("path", "two readers could read this path differently (path_ambiguous)")]),
    "method": ("BREW", "/", None, 400, [("method", "no rule and no standard knows this method (method_unknown)")]),
    "public": ("GET", "/open", None, None, [("rule", "/open (rules[0]), public")]),
    "denied": (
        "GET",
        "/closed",
        None,
        403,
        [
            ("rule", "/closed (rules[1]), deny"),
            ("rule", "the rule, or the default, denies everybody (rule_denies)"),
        ],
    ),
    "missing": (
        "GET",
        "/x",
        None,
        401,
        [
            ("rule", "none matches: the default holds, authenticated"),
            ("token", "no token in any configured place, or another scheme before it (token_missing)"),
        ],
    ),
    "expired": (
        "GET",
        "/x",
        {"exp": 1},
        401,
        [
            ("rule", "none matches: the default holds, authenticated"),
            ("token", HEADER),
            ("token", "exp has passed (expired)"),
        ],
    ),
    "scope": (
        "GET",
        "/read/7",
        {},
        403,
        [
            ("rule", "/read/{id} (rules[2]), authenticated, wants scope read"),
            ("token", HEADER),
            ("caller", "a scope is missing (scope_missing)"),
        ],
    ),
    "good": (
        "GET",
        "/read/7",
        {"scope": "read"},
        None,
        [("rule", "/read/{id} (rules[2]), authenticated, wants scope read"), ("token", HEADER)],
    ),
}
LAST = {
    "path": "refused with 400 bad_path",
    "method": "refused with 400 bad_method",
    "public": "passes as an anonymous caller",
    "denied": "refused with 403 forbidden",
    "missing": "refused with 401 token_missing",
    "expired": "refused with 401 token_invalid",
    "scope": "refused with 403 insufficient_scope",
    "good": "passes as a caller of issuer https://issuer.test",
}


@pytest.mark.parametrize("name", TOLD)
def test_the_steps_are_told(jwtmw_issuer: TestIssuer, name: str) -> None:
    """Request, rule, token, reason and decision, each in words, and never the token."""
    method, path, claims, status, steps = TOLD[name]
    token = None if claims is None else jwtmw_issuer.token(**claims)
    explanation = policy_of(jwtmw_issuer, rules=RULES).explain(method, path, token)
    assert (("request", f"{method} {path!r}"), *steps, ("decision", LAST[name])) == explanation.steps
    assert status == explanation.status
    assert token is None or token not in f"{explanation}{explanation!r}"


def test_an_explanation_is_a_table_for_people(jwtmw_issuer: TestIssuer) -> None:
    """One line for each step."""
    expected = "request   GET '/open'\nrule      /open (rules[0]), public\ndecision  passes as an anonymous caller"
    assert expected == str(policy_of(jwtmw_issuer, rules=RULES).explain("GET", "/open"))


@pytest.mark.parametrize(
    "place",
    [
        pytest.param({"header": "JWT"}, id="raw header"),
        pytest.param({"header": "Authorization", "scheme": "Bearer", "scheme_optional": True}, id="optional scheme"),
        pytest.param({"query": "a token"}, id="query"),
        pytest.param({"subprotocol": "bearer"}, id="subprotocol"),
    ],
)
def test_the_token_is_sent_where_the_policy_looks(jwtmw_issuer: TestIssuer, place: dict[str, Any]) -> None:
    """Whatever place comes first takes the token; text that could be none is refused there."""
    policy = policy_of(jwtmw_issuer, token_from=[place])
    assert isinstance(policy.explain("GET", "/", jwtmw_issuer.token()).decision, Allow)
    for text in ("\u00e9 \ud800", "a b"):
        assert 400 == policy.explain("GET", "/", text).status


def test_modes_are_told(jwtmw_issuer: TestIssuer) -> None:
    """Where nothing is judged, and where refusals are only reported, the explanation says so."""
    off, reporting = policy_of(jwtmw_issuer, secure=False), policy_of(jwtmw_issuer, report_only=True)
    assert ("mode", "requests are not judged: secure or inbound is off") in off.explain("GET", "//").steps
    assert ("decision", "passes, as refusals are only reported here") == reporting.explain("GET", "/").steps[-1]


def test_explaining_counts_nothing(jwtmw_issuer: TestIssuer) -> None:
    """Metrics are of requests."""
    policy = policy_of(jwtmw_issuer)
    before = policy.metrics()
    policy.explain("GET", "/")
    policy.explain("GET", "/", jwtmw_issuer.token())
    assert before == policy.metrics()


def test_an_async_load_user_is_not_asked(jwtmw_issuer: TestIssuer) -> None:
    """There is no loop to ask it on; the rest of the decision is told."""

    async def load_user(principal: Any) -> Any:
        raise AssertionError("it was asked")

    policy = policy_of(jwtmw_issuer, load_user=load_user)
    assert isinstance(policy.explain("GET", "/", jwtmw_issuer.token()).decision, Allow)


def test_keys_are_fetched_to_explain(jwtmw_serving_issuer: TestIssuer) -> None:
    """Explaining waits where a request would."""
    policy = policy_of(jwtmw_serving_issuer)
    assert isinstance(policy.explain("GET", "/", jwtmw_serving_issuer.token()).decision, Allow)
    jwtmw_serving_issuer.close()
    other = Policy(issuers=[jwtmw_serving_issuer.settings(jwks=None, jwks_url="http://127.0.0.1:9/jwks")])
    explanation = other.explain("GET", "/", jwtmw_serving_issuer.token())
    assert ("keys", f"{Reason.KEYS_UNAVAILABLE.meaning} (keys_unavailable)") in explanation.steps
