"""The grammar of path templates, and the trie that finds the most specific one."""

from __future__ import annotations

from itertools import permutations
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jwtmw.errors import ConfigurationError
from jwtmw.policy.templates import Template, Trie

short = settings(max_examples=300, deadline=None)


@pytest.mark.parametrize(
    ("text", "segments", "tail"),
    [
        pytest.param("/", (), False, id="root"),
        pytest.param("/**", (), True, id="everything"),
        pytest.param("/orders", ("orders",), False, id="literal"),
        pytest.param("/orders/", ("orders",), False, id="trailing-slash"),
        pytest.param("/orders/{id}", ("orders", None), False, id="param"),
        pytest.param("/{a}/x/{b_2}/{c-d}", (None, "x", None, None), False, id="params"),
        pytest.param("/files/{id}/**", ("files", None), True, id="tail"),
        pytest.param("/.well-known/a b/café/100%", (".well-known", "a b", "café", "100%"), False, id="decoded-text"),
        pytest.param("/v1/users:batchGet/@me", ("v1", "users:batchGet", "@me"), False, id="signs"),
    ],
)
def test_parse(text: str, segments: tuple[str | None, ...], tail: bool) -> None:
    """A template is literal segments, whole {name} segments, and maybe a final /**."""
    assert Template(text, segments, tail) == Template.parse(text, "rules[0].path")


@pytest.mark.parametrize(
    ("text", "problem", "cure"),
    [
        pytest.param("", "starts with a slash", '"/orders"', id="empty"),
        pytest.param("orders", "starts with a slash", '"/orders"', id="no-slash"),
        pytest.param("**", "starts with a slash", '"/orders"', id="only-a-tail"),
        pytest.param(" /orders", "starts with a slash", '"/orders"', id="blank-in-front"),
        pytest.param("https://h/orders", "starts with a slash", '"/orders"', id="url"),
        pytest.param("/orders?x=1", "neither query nor fragment", "Leave out", id="query"),
        pytest.param("/orders#x", "neither query nor fragment", "Leave out", id="fragment"),
        pytest.param("/a%20b", "decoded", '"/a b"', id="escape"),
        pytest.param("//orders", "ambiguous", "Leave out", id="two-slashes"),
        pytest.param("/orders//", "ambiguous", "Leave out", id="two-slashes-last"),
        pytest.param("/a/../b", "ambiguous", "Leave out", id="dot-dot"),
        pytest.param("/./b", "ambiguous", "Leave out", id="dot"),
        pytest.param("/a\\b", "ambiguous", "Leave out", id="backslash"),
        pytest.param("/a;x", "ambiguous", "Leave out", id="semicolon"),
        pytest.param("/a\n", "ambiguous", "Leave out", id="newline"),
        pytest.param("/orders/*", '"*" stands only', '"/**"', id="star"),
        pytest.param("/orders*", '"*" stands only', '"/**"', id="star-in-a-segment"),
        pytest.param("/**/orders", '"*" stands only', '"/**"', id="tail-in-the-middle"),
        pytest.param("/orders/**/", '"*" stands only', '"/**"', id="slash-behind-the-tail"),
        pytest.param("/orders**", '"*" stands only', '"/**"', id="tail-in-a-segment"),
        pytest.param("/**/**", '"*" stands only', '"/**"', id="two-tails"),
        pytest.param("/orders/***", '"*" stands only', '"/**"', id="three-stars"),
        pytest.param("/{id:int}", "whole segment", "without a converter", id="converter"),
        pytest.param("/{rest:path}", "whole segment", '"/**" at the end', id="path-converter"),
        pytest.param("/{x}.json", "whole segment", "whole segment", id="suffix"),
        pytest.param("/v{x}", "whole segment", "whole segment", id="prefix"),
        pytest.param("/{a}{b}", "whole segment", "whole segment", id="two-in-a-segment"),
        pytest.param("/{}", "whole segment", "whole segment", id="no-name"),
        pytest.param("/{id?}", "neither query", "Leave out", id="optional"),
        pytest.param("/{id", "whole segment", "whole segment", id="not-closed"),
        pytest.param("/id}", "whole segment", "whole segment", id="not-opened"),
        pytest.param("/{1}", "whole segment", "whole segment", id="number"),
        pytest.param("/{a/b}", "whole segment", "whole segment", id="slash-in-the-name"),
        pytest.param("/<id>", "no parameter", "{name}", id="flask"),
        pytest.param("/<int:id>", "no parameter", "{name}", id="flask-converter"),
        pytest.param("/{id}/x/{id}", "twice", "its own name", id="same-name-twice"),
    ],
)
def test_another_language_is_refused(text: str, problem: str, cure: str) -> None:
    """A path that could not match, or means something in another language, names its key and the cure."""
    with pytest.raises(ConfigurationError) as caught:
        Template.parse(text, "rules[2].path")
    assert "rules[2].path" == caught.value.key
    assert problem in caught.value.problem
    assert cure in caught.value.cure


def trie_of(*rules: tuple[str, str]) -> Trie[str]:
    """A trie of (methods, path); each rule is the text "methods path"."""
    trie: Trie[str] = Trie()
    for methods, path in rules:
        assert trie.insert(Template.parse(path, "path"), methods.split() or None, f"{methods} {path}".strip()) is None
    return trie


SPECIFIC = (
    ("", "/**"),
    ("", "/a"),
    ("GET", "/a/**"),
    ("", "/a/b"),
    ("", "/a/{x}"),
    ("POST", "/a/{x}"),
    ("", "/{x}/b/c"),
    ("", "/a/{x}/**"),
    ("GET", "/a/b/c"),
    ("HEAD", "/a/b/c"),
    ("GET POST", "/h"),
    ("", "/h"),
)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        pytest.param("GET", "/", "/**", id="root"),
        pytest.param("GET", "/z", "/**", id="unknown"),
        pytest.param("GET", "/a", "/a", id="path-itself-before-tail"),
        pytest.param("GET", "/a/", "/a", id="trailing-slash"),
        pytest.param("GET", "/a/b", "/a/b", id="literal-before-param"),
        pytest.param("GET", "/a/z", "/a/{x}", id="param-before-tail"),
        pytest.param("POST", "/a/z", "POST /a/{x}", id="methods-before-none"),
        pytest.param("POST", "/a/b", "/a/b", id="literal-before-methods"),
        pytest.param("GET", "/a/z/1/2/3", "/a/{x}/**", id="longer-tail"),
        pytest.param("GET", "/a/b/c", "GET /a/b/c", id="all-literal"),
        pytest.param("HEAD", "/a/b/c", "HEAD /a/b/c", id="head-has-its-own"),
        pytest.param("POST", "/a/b/c", "/a/{x}/**", id="backtracks-for-the-method"),
        pytest.param("GET", "/z/b/c", "/{x}/b/c", id="param-first"),
        pytest.param("GET", "/z/b/d", "/**", id="backtracks-to-the-root"),
        pytest.param("HEAD", "/h", "GET POST /h", id="get-covers-head"),
        pytest.param("PUT", "/h", "/h", id="other-method"),
    ],
)
def test_the_most_specific_rule_wins_in_any_order(method: str, path: str, expected: str) -> None:
    """Literal before {name} before /**, from the left, then the rule that names the method; order never matters."""
    orders = [SPECIFIC, SPECIFIC[::-1], SPECIFIC[5:] + SPECIFIC[:5]]
    assert [expected] * 3 == [trie_of(*order).find(method, path) for order in orders]


def test_get_covers_head_in_any_order() -> None:
    """HEAD is the HEAD rule's, then GET's, then the one's without methods, whatever is written first."""
    rules = [("GET", "/x"), ("HEAD", "/x"), ("", "/x")]
    found = {trie_of(*order).find("HEAD", "/x") for order in permutations(rules)}
    assert {"HEAD /x"} == found
    assert {"GET /x"} == {trie_of(*order).find("HEAD", "/x") for order in permutations([rules[0], rules[2]])}


@pytest.mark.parametrize("path", ["/b", "/a/c", "/a/b/c", "/a", "/", "/A/b", "/a/b/c/"])
def test_a_path_without_a_rule(path: str) -> None:
    """Where no template matches, none is found: case counts, and so does each segment."""
    assert None is trie_of(("", "/a/b")).find("GET", path)


def test_a_tail_ends_at_a_segment() -> None:
    """/public/** covers /public and what is below, not what merely begins alike."""
    trie = trie_of(("", "/public/**"))
    paths = ["/public", "/public/", "/public/x/y", "/publicity", "/public-admin", "/publi"]
    assert [True, True, True, False, False, False] == [trie.find("GET", path) is not None for path in paths]


@pytest.mark.parametrize(
    ("first", "second", "meet"),
    [
        pytest.param(("", "/a"), ("", "/a/"), True, id="both-without-methods"),
        pytest.param(("", "/a/{x}"), ("", "/a/{y}"), True, id="names-do-not-distinguish"),
        pytest.param(("GET POST", "/a"), ("PUT POST", "/a"), True, id="methods-overlap"),
        pytest.param(("", "/a/**"), ("", "/a/**"), True, id="tails"),
        pytest.param(("GET", "/a"), ("POST", "/a"), False, id="methods-differ"),
        pytest.param(("GET", "/a"), ("HEAD", "/a"), False, id="head-beside-get"),
        pytest.param(("", "/a"), ("GET", "/a"), False, id="one-without-methods"),
        pytest.param(("", "/a"), ("", "/a/**"), False, id="path-and-tail"),
        pytest.param(("", "/a/{x}"), ("", "/a/b"), False, id="param-and-literal"),
    ],
)
def test_rules_at_one_path(first: tuple[str, str], second: tuple[str, str], meet: bool) -> None:
    """At the same path two rules without methods, or with overlapping ones, are in each other's way."""
    trie = trie_of(first)
    there = trie.insert(Template.parse(second[1], "path"), second[0].split() or None, "second")
    assert (" ".join(first).strip() if meet else None) == there


class Written(NamedTuple):
    """A rule as the reference reads it."""

    methods: frozenset[str] | None
    segments: tuple[str | None, ...]
    tail: bool

    @property
    def place(self) -> tuple[tuple[str | None, ...], bool]:
        return self.segments, self.tail

    def matches(self, path: list[str]) -> bool:
        same = all(mine in (None, theirs) for mine, theirs in zip(self.segments, path, strict=False))
        fits = len(self.segments) <= len(path) if self.tail else len(self.segments) == len(path)
        return same and fits

    def rank(self) -> tuple[tuple[int, ...], bool]:
        """Literal 3, {name} 2, tail 1, end of the path 4: compared from the left; then the one with methods."""
        ranks = [2 if segment is None else 3 for segment in self.segments]
        return (*ranks, 1 if self.tail else 4), self.methods is not None


def reference(rules: list[Written], method: str, path: str) -> Written | None:
    """The sentence of the specification, word by word, over all rules."""
    segments = [segment for segment in path.split("/") if segment]

    def covers(rule: Written) -> bool:
        if rule.methods is None or method in rule.methods:
            return True
        own = any(other.place == rule.place and "HEAD" in (other.methods or ()) for other in rules)
        return method == "HEAD" and "GET" in rule.methods and not own

    return max((rule for rule in rules if rule.matches(segments) and covers(rule)), key=Written.rank, default=None)


_names = st.sampled_from(["a", "b"])
_written = st.builds(
    Written,
    st.none() | st.frozensets(st.sampled_from(["GET", "HEAD", "POST"]), min_size=1),
    st.lists(st.none() | _names, max_size=4).map(tuple),
    st.booleans(),
)


@short
@given(
    st.lists(_written, max_size=25),
    st.lists(st.tuples(st.sampled_from(["GET", "HEAD", "POST", "PUT"]), st.lists(_names, max_size=5)), max_size=12),
    st.booleans(),
)
def test_the_trie_agrees_with_the_specification(
    written: list[Written], requests: list[tuple[str, list[str]]], slash: bool
) -> None:
    """For any rules and paths, the trie finds what comparing every rule with every other finds."""
    trie: Trie[Written] = Trie()
    rules: list[Written] = []
    for rule in written:
        meets = any(
            other.place == rule.place
            and (other.methods == rule.methods or bool((other.methods or frozenset()) & (rule.methods or frozenset())))
            for other in rules
        )
        if not meets:
            text = "/" + "/".join(segment or f"{{p{index}}}" for index, segment in enumerate(rule.segments))
            template = Template.parse(f"{text.rstrip('/')}/**" if rule.tail else text, "path")
            assert (rule.segments, rule.tail) == (template.segments, template.tail)
            assert None is trie.insert(template, rule.methods, rule)
            rules.append(rule)
    for method, segments in requests:
        path = "/" + "/".join(segments) + ("/" if slash and segments else "")
        assert reference(rules, method, path) == trie.find(method, path)


def test_depth_and_breadth_are_harmless() -> None:
    """The most ambiguous rules and the longest path are answered, and a deep template needs no deep stack."""
    trie: Trie[str] = Trie()
    for bits in range(2**8):
        names = [f"{{p{bit}}}" if bits >> bit & 1 else "a" for bit in range(8)]
        trie.insert(Template.parse("/" + "/".join([*names, "end"]), "path"), None, "rule")
    trie.insert(Template.parse("/deep" * 5000, "path"), None, "deep")
    assert None is trie.find("GET", "/a" * 9)
    assert None is trie.find("GET", "/a" * 50_000)
    assert "deep" == trie.find("GET", "/deep" * 5000)
