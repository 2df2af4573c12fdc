"""Routers that are kept whole inside another one, and what a route asks besides the mark of its endpoint.

FastAPI (from 0.137) keeps an included router as one route among others. Choosing it names no endpoint yet: the
router inside names it next. A route of FastAPI may ask by its dependencies too; jwtmw.fastapi reads those.

Owns: recognising included routers, matching a second time where a router does not name the route that it took.
Must never know: FastAPI itself (it need not be there), requests, how to decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from starlette.routing import Match, Router

from jwtmw.errors import MarkError
from jwtmw.messages import Scope
from jwtmw.policy.marks import CONTRADICTION, Mark, mark_of
from jwtmw.policy.rules import Access
from jwtmw.starlette.guard import joined

# Where FastAPI notes in a scope what it has found, and there the included router that is routing now.
FASTAPI, INCLUDED = "fastapi", "included_router"
ROUTER_CURE = "Mark the endpoints, or write a path rule with allow"


class Asked(NamedTuple):
    """What a route asks besides its endpoint: `beside` it as a decorator would, `around` it as a router does."""

    beside: Mark | None = None
    around: Mark | None = None

    def together(self, mark: Mark | None, name: str) -> Mark | None:
        """The endpoint's own mark, and this."""
        if self.beside is not None:
            mark = self.beside if mark is None else _stacked(mark, self.beside, name)
        return joined(mark, self.around, name)


NOTHING = Asked()

# Who reads what a route asks besides the marks; the second argument is the included router it was found in, if any.
# Empty unless jwtmw.fastapi is imported, as nobody can write what it reads without it.
readers: list[Callable[[Any, Any], Asked]] = []


def asked_by(route: Any, included: Any = None) -> Asked:
    """What the route asks besides the marks of endpoint and routers."""
    return readers[0](route, included) if readers else NOTHING


@lru_cache(maxsize=4096)
def _stacked(mark: Mark, asked: Mark, name: str) -> Mark:
    if mark.access is Access.PUBLIC:
        raise MarkError(name, *CONTRADICTION)
    return Mark(mark.access, mark.requirement & asked.requirement)


def is_included(route: Any) -> bool:
    """Whether this route stands for a router that was included and kept whole."""
    return isinstance(getattr(route, "original_router", None), Router)


def entered(scope: Scope) -> Any:
    """The included router that is routing now, None where there is none."""
    noted = scope.get(FASTAPI)
    return noted.get(INCLUDED) if type(noted) is dict else None


def mark_around(included: Any) -> Mark | None:
    """The mark of an included router. Raises `MarkError`."""
    router = included.original_router
    mark = mark_of(router, "")
    if mark is not None and mark.access is not None:
        raise MarkError(type(router).__qualname__, "a router cannot be public or optional", ROUTER_CURE)
    return mark


class Leaf(NamedTuple):
    """A route that is no included router itself, and those around it, from the outside in."""

    route: Any
    included: tuple[Any, ...] = ()

    def together(self, mark: Mark | None, name: str) -> Mark | None:
        """The mark of what it leads to, and all that is asked around it. Raises `MarkError`."""
        mark = asked_by(self.route).together(mark, name)
        for each in reversed(self.included):
            mark = joined(mark, mark_around(each), name)
        return mark


def leaves(routes: Iterable[Any], included: tuple[Any, ...] = ()) -> Iterator[Leaf]:
    """All routes in the order in which a router tries them, those of included routers as they stand there."""
    for route in routes:
        if is_included(route):
            yield from leaves(route.effective_candidates(), (*included, route))
        else:
            yield Leaf(getattr(route, "starlette_route", None) or route, included)


def taken(routes: Iterable[Any], scope: Scope) -> Any:
    """Which of these routes a router takes now, found by matching as it does; None where it takes none."""
    # Matching leaves notes there, and this is not the real one.
    scope = {**scope, FASTAPI: dict(scope.get(FASTAPI) or {})}
    partial = None
    for route in routes:
        match, _ = route.matches(scope)
        if match is Match.FULL:
            return route
        if match is Match.PARTIAL and partial is None:
            partial = route
    return partial


def leaf_taken(routes: Iterable[Any], scope: Scope) -> Any:
    """The same, past included routers: the route that leads to an endpoint."""
    return taken((leaf.route for leaf in leaves(routes)), scope)
