"""Path templates and the segment trie that finds the most specific one.

    /orders/{id}     {name} stands for exactly one segment, never an empty one; its name does not distinguish
    /files/**        a final /** is the path itself and everything below

The most specific wins, segment by segment from the left: literal, then {name}, then /**. A trailing slash does not
distinguish, nor does the order in which templates are written.

Owns: the grammar of templates, and the order among them.
Must never know: what a rule asks for, tokens, frameworks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from jwtmw.errors import ConfigurationError
from jwtmw.policy.paths import ambiguous

if TYPE_CHECKING:
    from collections.abc import Iterable

R = TypeVar("R")

_PARAM: Final = re.compile(r"\{[A-Za-z_][A-Za-z0-9_-]*\}")
_PERCENT_ESCAPE: Final = re.compile(r"%[0-9A-Fa-f]{2}")


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template: `segments` from the left, None for a {name}; `tail` for a final /**."""

    text: str
    segments: tuple[str | None, ...]
    tail: bool

    @classmethod
    def parse(cls, text: str, key: str) -> Template:
        """`key` is the configuration key that holds `text`; raises `ConfigurationError` with problem and cure."""
        _check_text(text, key)
        tail = text.endswith("/**")
        segments = [segment for segment in text.removesuffix("/**").split("/") if segment]
        for segment in segments:
            _check_segment(segment, key)
        params = [segment for segment in segments if segment.startswith("{")]
        if len(params) != len(set(params)):
            raise ConfigurationError(key, "the same {name} stands twice in one path", "Give each its own name")
        return cls(text, tuple(None if segment in params else segment for segment in segments), tail)


def _check_text(text: str, key: str) -> None:
    if not text.startswith("/"):
        raise ConfigurationError(key, "a path starts with a slash", 'Write "/orders", not "orders"')
    if "?" in text or "#" in text:
        raise ConfigurationError(key, "a path holds neither query nor fragment", "Leave out what follows the path")
    if _PERCENT_ESCAPE.search(text):
        raise ConfigurationError(key, "a path is written decoded", 'Write "/a b", not "/a%20b"')
    if ambiguous(text, None):
        cure = 'Leave out "//", "." and ".." segments, backslashes, ";" and control characters'
        raise ConfigurationError(key, "no request can have this path, as it is ambiguous", cure)


def _check_segment(segment: str, key: str) -> None:
    """A segment is literal text or one whole {name}; anything between is another language's pattern."""
    if _PARAM.fullmatch(segment):
        return
    if "*" in segment:
        cure = 'Write {name} for one segment, or end the path with "/**" for everything below'
        raise ConfigurationError(key, '"*" stands only in a final "/**"', cure)
    if "{" in segment or "}" in segment:
        cure = 'Write {name} as a whole segment, without a converter; "/**" at the end covers everything below'
        raise ConfigurationError(key, "{name} must be a whole segment with a plain name", cure)
    if segment.startswith("<") and segment.endswith(">"):
        raise ConfigurationError(key, "<name> is no parameter here", "Write {name}")


class _Node(Generic[R]):
    """Where one reading of some segments leads: the rules of exactly this path, and what may follow."""

    __slots__ = ("any_method", "by_method", "literals", "param", "tail")

    def __init__(self) -> None:
        self.by_method: dict[str, R] = {}
        self.any_method: R | None = None
        self.literals: dict[str, _Node[R]] = {}
        self.param: _Node[R] | None = None
        self.tail: _Node[R] | None = None

    def add(self, methods: Iterable[str] | None, rule: R) -> R | None:
        """Puts the rule in, or returns the one that is in its way."""
        if methods is None:
            there, self.any_method = self.any_method, rule
            return there
        for method in methods:
            if (there := self.by_method.setdefault(method, rule)) is not rule:
                return there
        return None

    def covering(self, method: str) -> R | None:
        """The rule for this method, one that names it first; GET covers HEAD unless HEAD has its own."""
        rule = self.by_method.get(method)
        if rule is None and method == "HEAD":
            rule = self.by_method.get("GET")
        return self.any_method if rule is None else rule


class Trie(Generic[R]):
    """Finds the most specific rule for a path. Built once, then only read: safe to share among threads."""

    def __init__(self) -> None:
        self._root: _Node[R] = _Node()

    def insert(self, template: Template, methods: Iterable[str] | None, rule: R) -> R | None:
        """Puts the rule in (`methods` None: for all), or returns the one at the same path whose methods overlap."""
        node = self._root
        for segment in template.segments:
            if segment is None:
                node.param = node = node.param or _Node()
            else:
                node = node.literals.setdefault(segment, _Node())
        if template.tail:
            node.tail = node = node.tail or _Node()
        return node.add(methods, rule)

    def find(self, method: str, path: str) -> R | None:
        """The most specific rule that covers the method, None where none does; `path` is what the router sees.

        Depth first and without recursion. Each node is entered at most once, so no path costs more than the rules.
        """
        segments = path.split("/")
        end = len(segments) if segments[-1] else len(segments) - 1
        others: list[tuple[_Node[R], int]] = []  # less specific branches still to be tried, the best one last
        node, depth = self._root, 1
        while True:
            if node.tail is not None:
                others.append((node.tail, end))
            if depth < end:
                child = node.literals.get(segments[depth])
                depth += 1
                if child is None:
                    child = node.param
                elif node.param is not None:
                    others.append((node.param, depth))
                if child is not None:
                    node = child
                    continue
            else:
                rule = node.covering(method)
                if rule is not None:
                    return rule
            if not others:
                return None
            node, depth = others.pop()
