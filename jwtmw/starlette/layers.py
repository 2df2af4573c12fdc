"""What stands behind a route: the endpoint, or the router that a mounted application hands over to, and their marks.

Owns: looking through middlewares that keep the inner application as `app`, as all of Starlette's do.
Must never know: requests, how to decide.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any, NamedTuple

from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.routing import Match, Router

from jwtmw.errors import MarkError
from jwtmw.messages import Scope
from jwtmw.policy.marks import Mark, mark_of
from jwtmw.records import record_unforeseen
from jwtmw.starlette.guard import joined
from jwtmw.starlette.included import ROUTER_CURE, Leaf, leaves

# What wraps itself, or is wrapped more often than this, is looked through no further.
DEEPEST = 64
# What an HTTPEndpoint looks for a function of its own for; anything else it answers with 405.
DISPATCHED = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"})


class Target(NamedTuple):
    """What a route leads to, from the outside in; `router` is its end, None where there is none to be seen."""

    layers: list[Any]
    router: Router | None

    def mark(self, method: str) -> Mark | None:
        """The marks of all layers together. Raises `MarkError`."""
        mark = None
        for layer in reversed(self.layers):
            own = mark_of(layer, method)
            if own is not None and own.access is not None and self.router is not None:
                raise MarkError(name_of(layer), "a router cannot be public or optional", ROUTER_CURE)
            if own is not None:
                mark = joined(mark, own, name_of(layer))
        return mark


def target(app: Any) -> Target:
    """Look through `app`; a function, a class or an unknown object is the end of what can be seen."""
    layers: list[Any] = []
    while app is not None and len(layers) < DEEPEST:
        layers.append(app)
        if isinstance(app, Router):
            return Target(layers, app)
        if isinstance(app, Starlette):
            app = app.router
        else:
            app = None if isinstance(app, type | FunctionType) else getattr(app, "app", None)
    return Target(layers, None)


def found_by(endpoint: Any, scope: Scope, passed: tuple[Router, ...]) -> Target:
    """The target of a request that comes from the routers `passed`.

    One that leads back to them only keeps a reference to its application, as extensions do: it answers itself.
    """
    seen = target(endpoint)
    if seen.router is None:
        return seen
    for router in (scope.get("router"), getattr(scope.get("app"), "router", None), *passed):
        if seen.router is router:
            return Target([endpoint], None)
    return seen


def look_ahead(router: Router, scope: Scope, method: str, outer: Mark | None = None) -> Mark | None:
    """The marks on the way to the endpoint that the router would name now: a hint, as anything may still change."""
    try:
        leaf, child = _next(router, scope)
        if leaf is not None:
            found, name = target(child.get("endpoint")), name_of(child.get("endpoint"))
            mark = joined(leaf.together(found.mark(method), name), outer, name)
            return mark if found.router is None else look_ahead(found.router, {**scope, **child}, method, mark)
    except Exception as error:  # noqa: BLE001 (the router will meet it, too)
        record_unforeseen("looking ahead", error)
    return outer


def _next(router: Router, scope: Scope) -> tuple[Leaf | None, Scope]:
    """What the router would take: the first route for path and method, else the first that answers 405."""
    partly: tuple[Leaf | None, Scope] = None, {}
    for leaf in leaves(router.routes):
        match, child = leaf.route.matches(scope)
        if match is Match.FULL:
            return leaf, child
        if match is Match.PARTIAL and partly[0] is None:
            partly = leaf, child
    return partly


def answers(route: Any, endpoint: Any, scope: Scope) -> bool:
    """Whether it is known that the endpoint itself will answer, and not the route with 405."""
    if endpoint is None or (
        getattr(route, "endpoint", None) is not endpoint and getattr(route, "app", None) is not endpoint
    ):
        return False
    if scope["type"] != "http":
        return True
    if methods := getattr(route, "methods", None):
        return scope["method"] in methods
    if isinstance(endpoint, type) and issubclass(endpoint, HTTPEndpoint):
        verb = scope["method"].lower()
        has = hasattr(endpoint, verb) or (verb == "head" and hasattr(endpoint, "get"))
        return has and scope["method"] in DISPATCHED
    return True


def name_of(endpoint: Any) -> str:
    """For messages."""
    return str(getattr(endpoint, "__qualname__", type(endpoint).__qualname__))
