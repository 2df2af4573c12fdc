"""The oracle by itself: what is worked out the slow way is what the documentation says."""

from __future__ import annotations

import pytest

from tests.property.model import Mark, PolicyDraw, Rule
from tests.property.oracle import Caller, Place, misleading, misreceived, problem

READER, ANYBODY, NOBODY = Caller(1, frozenset({"read"})), Caller(1, frozenset()), Caller()
RULES = (
    Rule("/shop/**", allow="public"),
    Rule("/shop/{item}", ("GET",)),
    Rule("/shop/closed/", allow="deny"),
    Rule("/shop/{item}/price", scopes=("read",)),
    Rule("/shop/{item}/price", ("POST",), allow="deny"),
)
POLICY = PolicyDraw("authenticated", RULES)


@pytest.mark.parametrize(
    ("method", "path", "caller", "expected"),
    [
        ("GET", "/shop", NOBODY, None),
        ("GET", "/shop/", NOBODY, None),
        ("GET", "/shop/7", NOBODY, "token_missing"),
        ("HEAD", "/shop/7/", NOBODY, "token_missing"),
        ("POST", "/shop/7", NOBODY, None),
        ("GET", "/shop/closed", READER, "forbidden"),
        ("GET", "/shop/7/price", ANYBODY, "insufficient_scope"),
        ("GET", "/shop/7/price", READER, None),
        ("POST", "/shop/7/price", READER, "forbidden"),
        ("GET", "/shop/7/price/cut", NOBODY, None),
        ("GET", "/SHOP", NOBODY, "token_missing"),
        ("GET", "/", Caller(2), "invalid_request"),
        ("GET", "/", Caller(1), "token_invalid"),
        ("PURGE", "/shop", READER, "bad_method"),
        ("GET", "/shop//", READER, "bad_path"),
        ("OPTIONS", "/shop/closed", Caller(preflight=True), None),
    ],
)
def test_rules(method: str, path: str, caller: Caller, expected: str | None) -> None:
    """The most specific rule that covers the method speaks, else the default."""
    assert expected == problem(POLICY, (), Place(method, path), caller)


@pytest.mark.parametrize(
    ("marks", "path", "caller", "expected"),
    [
        ((Mark("public"),), "/", Caller(2), None),
        ((Mark("public"),), "/shop/closed", READER, "forbidden"),
        ((Mark("optional"),), "/", NOBODY, None),
        ((Mark("optional"),), "/", Caller(1), "token_invalid"),
        ((Mark("optional", ("read",)),), "/", NOBODY, None),
        ((Mark("optional", ("read",)),), "/", ANYBODY, "insufficient_scope"),
        ((Mark("optional"), Mark("requires")), "/", NOBODY, "token_missing"),
        ((Mark("requires", ("read",)),), "/shop", NOBODY, "token_missing"),
        ((Mark("requires"), Mark("requires", ("read",))), "/", ANYBODY, "insufficient_scope"),
    ],
)
def test_marks(marks: tuple[Mark, ...], path: str, caller: Caller, expected: str | None) -> None:
    """Marks lift the default and nothing else; what they ask adds up."""
    assert expected == problem(POLICY, marks, Place("GET", path), caller)


def test_a_mark_that_asks_replaces_a_default_of_deny() -> None:
    """The default holds where nobody speaks."""
    policy = PolicyDraw("deny")
    assert "forbidden" == problem(policy, (), Place("GET", "/"), READER)
    assert None is problem(policy, (Mark("requires"),), Place("GET", "/"), READER)


@pytest.mark.parametrize("path", ["", "shop", "//", "/a//b", "/a/./b", "/..", "/a;b", "/a\\", "/\n", "/%41", "/%u0041"])
def test_misleading_paths(path: str) -> None:
    """Two readers could take these for different paths."""
    assert misleading(path)


@pytest.mark.parametrize("path", ["/", "/a/", "/a.b", "/...", "/%", "/%u00", "/\u00e9 +"])
def test_plain_paths(path: str) -> None:
    """Everybody reads these alike."""
    assert not misleading(path)


@pytest.mark.parametrize("raw", [b"/a%2Fb", b"/a%2fb", b"/%", b"/%4", b"/%zz", b"/a#b", b"/a b", b"/\xc3\xa9"])
def test_what_no_client_sends(raw: bytes) -> None:
    """Malformed, or with a slash that is none."""
    assert misreceived(raw)
    assert not misreceived(b"/a%41%C3%a9/b")
