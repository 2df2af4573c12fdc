"""How configuration names a claim."""

from __future__ import annotations

from typing import Any

import pytest

from jwtmw.claimpath import claim_at

CLAIMS: dict[str, Any] = {
    "scope": "a b",
    "https://example.com/roles": ["admin"],
    "realm_access": {"roles": ["user"], "deep": {"er": 1}},
    "a.b": None,
    "a": {"b": "inner", "": {"x": 2}},
    "list": [{"x": 1}],
    "": "empty",
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("scope", "a b", id="member"),
        pytest.param("https://example.com/roles", ["admin"], id="member-with-dots"),
        pytest.param("realm_access.roles", ["user"], id="dotted"),
        pytest.param("realm_access.deep.er", 1, id="three-levels"),
        pytest.param("a.b", None, id="whole-name-wins-though-null"),
        pytest.param("a..x", 2, id="empty-member-name"),
        pytest.param("", "empty", id="empty-path"),
        pytest.param("missing", None, id="missing"),
        pytest.param("realm_access.missing", None, id="missing-below"),
        pytest.param("scope.x", None, id="below-a-text"),
        pytest.param("list.0", None, id="lists-are-not-walked"),
        pytest.param(".", None, id="dot"),
    ],
)
def test_claim_at(path: str, expected: object) -> None:
    """A path is the whole member name first, then a dotted way through objects, and None where it leads nowhere."""
    assert expected == claim_at(CLAIMS, path)
