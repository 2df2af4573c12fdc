"""The routes of a project, walked once: each URL pattern with its way, its methods, and what it needs.

Rules are asked with sample paths: `<int:id>` stands for one segment that no rule names, `<path:rest>` and a regular
expression for segments of every number that a rule can tell apart. Where all samples meet one rule, that is the
route's; where they do not, it is judged per request.

Owns: the walk over the URLconf, and the samples.
Must never know: requests, how to decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import LocalePrefixPattern, RoutePattern

from jwtmw import Policy
from jwtmw.adapter import Ask, Mark
from jwtmw_django.hidden import operations
from jwtmw_django.marks import answers, class_of, mark_along

_PARAMETER = re.compile(r"<(?:[^>:]+:)?([^>]+)>")
_SAMPLE = "{}"  # no rule can name this segment
_SEVERAL = "a/b"


@dataclass(frozen=True)
class Route:
    """One URL pattern, and those that include it, from the outside in."""

    pattern: URLPattern
    included: tuple[URLResolver, ...] = ()

    @property
    def way(self) -> tuple[URLResolver | URLPattern, ...]:
        """All patterns, from the outside in."""
        return (*self.included, self.pattern)

    @property
    def text(self) -> str:
        """The patterns as they are written, one behind the other."""
        return "".join(str(each.pattern) for each in self.way)

    @property
    def template(self) -> str:
        """As a rule would write it, with `{id}` for `<int:id>`; a regular expression stays as it is."""
        return "/" + "".join(_template(each.pattern) for each in self.way)

    def methods(self, known: Iterable[str]) -> list[str]:
        """Those that the view answers, as far as it tells; a function tells nothing."""
        view = self.pattern.callback
        held = [method for operation in operations(view) for method in operation.methods]
        if held:
            return sorted(set(held))
        return [method for method in sorted(known) if answers(view, method)]

    def mark(self, method: str) -> Mark | None:
        """What view and includes ask together. Raises `MarkError`."""
        return mark_along(reversed(self.included), self.pattern.callback, method)

    def asks(self, policy: Policy, method: str) -> list[Ask]:
        """What this route wants of callers: one thing, or several where it is judged per request.

        Raises `MarkError`.
        """
        rules, mark = policy.engine.rules, self.mark(method)
        found = dict.fromkeys(rules.find(method, path) for path in self._samples(_depth(policy)))
        return [rules.ask(rule, mark) for rule in found]

    def _samples(self, depth: int) -> Iterator[str]:
        for parts in product(*(list(_samples(each.pattern, depth)) for each in self.way)):
            yield "/" + "".join(parts)


def routes(urlconf: str | None = None) -> Iterator[Route]:
    """Every route of the URLconf, default `ROOT_URLCONF`, in the order in which they are tried."""
    return _walk(get_resolver(urlconf).url_patterns, ())


def _walk(patterns: Sequence[Any], included: tuple[URLResolver, ...]) -> Iterator[Route]:
    seen: set[tuple[str, int]] = set()
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, (*included, pattern))
            continue
        # django-ninja writes a path down once for each of its operations; the first pattern answers for all.
        held = operations(pattern.callback)
        if not held or (str(pattern.pattern), id(held)) not in seen:
            seen.add((str(pattern.pattern), id(held)))
            yield Route(pattern, included)


def _template(pattern: Any) -> str:
    if isinstance(pattern, LocalePrefixPattern):
        return "{language}/"
    return _PARAMETER.sub(r"{\1}", str(pattern)) if isinstance(pattern, RoutePattern) else str(pattern)


def _takes_several(converter: Any) -> bool:
    """Whether the parameter may be more than one segment, as `<path:rest>`."""
    return re.fullmatch(converter.regex, _SEVERAL) is not None


def _samples(pattern: Any, depth: int) -> Iterator[str]:
    if isinstance(pattern, LocalePrefixPattern):
        yield f"{_SAMPLE}/"
        if not pattern.prefix_default_language:
            yield ""
    elif isinstance(pattern, RoutePattern):
        yield from _route_samples(pattern, depth)
    else:
        yield from ("/".join([_SAMPLE] * count) for count in range(depth + 1))


def _route_samples(pattern: RoutePattern, depth: int) -> Iterator[str]:
    parts = _PARAMETER.split(str(pattern))  # text, name, text, name, ..., text
    values = [
        ["/".join([_SAMPLE] * count) for count in range(1, depth + 1)]
        if _takes_several(pattern.converters[name])
        else [_SAMPLE]
        for name in parts[1::2]
    ]
    for chosen in product(*values):
        yield parts[0] + "".join(value + text for value, text in zip(chosen, parts[2::2], strict=True))


def _depth(policy: Policy) -> int:
    """More segments than any rule counts."""
    return 1 + max((rule.path.count("/") for rule in policy.engine.rules.rules), default=0)


def name_of(view: Any) -> str:
    """As people find it in the code."""
    named = class_of(view) or getattr(view, "func", view)
    return f"{named.__module__}.{getattr(named, '__qualname__', type(named).__qualname__)}"
