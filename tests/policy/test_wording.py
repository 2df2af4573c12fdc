"""Requirements in words."""

from __future__ import annotations

from typing import Any

import pytest

from jwtmw.policy.requirements import Requirement
from jwtmw.policy.rules import Access, Rule, RuleBook
from jwtmw.policy.wording import ask_in_words, in_words
from jwtmw.proof.evidence import Proofs


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        pytest.param({}, "nothing more", id="nothing"),
        pytest.param({"scopes": ["a", "b"]}, "scope a and scope b", id="scopes"),
        pytest.param({"any_scope": ["a", "b"]}, "scope a or b", id="any_scope"),
        pytest.param({"roles": ["a"]}, "role a", id="roles"),
        pytest.param({"any_role": ["a", "b"], "issuers": ["x"]}, "issuer x and role a or b", id="any_role-issuers"),
        pytest.param({"audience": ["a", "b"]}, "audience a or b", id="audience"),
        pytest.param(
            {"any_of": [{"scopes": ["a", "b"]}, {"any_role": ["c", "d"]}]},
            "either (scope a and scope b) or (role c or d)",
            id="any_of",
        ),
        pytest.param({"any_of": [{"scopes": ["a"]}]}, "scope a", id="any_of-one"),
    ],
)
def test_a_requirement_reads_as_it_is_meant(keys: dict[str, Any], words: str) -> None:
    """What every part asks is said, in one line."""
    assert words == in_words(Requirement.of(**keys))


def test_the_values_of_claims_are_not_shown() -> None:
    """A claim is named; what it must be may have come out of a secret store."""
    assert "claim tenant" == in_words(Requirement.of(claims={"tenant": "hush"}))


@pytest.mark.parametrize(
    ("access", "scopes", "proofs", "words"),
    [
        (
            Access.AUTHENTICATED,
            ["a"],
            Proofs("sha-256", True),
            "a token with scope a, bound to the body by sha-256, for one use",
        ),
        (Access.AUTHENTICATED, None, Proofs("md5"), "a token, bound to the body by md5"),
        (Access.OPTIONAL, None, Proofs(single_use=True), "no token, or one, for one use"),
        (Access.AUTHENTICATED, None, None, "a token"),
    ],
)
def test_a_rule_that_wants_proofs_says_so(
    access: Access, scopes: list[str] | None, proofs: Proofs | None, words: str
) -> None:
    """What a token must be bound to comes behind what it must grant."""
    rule = Rule("/a", access=access, requirement=Requirement.of(scopes=scopes), proofs=proofs)
    assert words == ask_in_words(RuleBook([rule]).ask(rule, None))
