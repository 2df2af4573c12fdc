"""What can be known of an application before its first request: where the middleware stands, and its marks.

Owns: the start-up errors of the Starlette adapter.
Must never know: requests, how to decide.
"""

from __future__ import annotations

import functools
from typing import Any

from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.routing import Router

from jwtmw.compose import Policy
from jwtmw.errors import ConfigurationError, MarkError
from jwtmw.policy.locks import VERBS
from jwtmw.policy.marks import marked_objects
from jwtmw.policy.rules import RuleBook
from jwtmw.starlette.door import Door, hang_door
from jwtmw.starlette.included import leaves
from jwtmw.starlette.layers import name_of, target

CURE = "Protect a sub-application with jwtmw.starlette.protect(app, policy) instead"


def check_application(app: Starlette, middleware: type, policy: Policy, source: object) -> Door | None:
    """Check what can be known before the first request, and hang the doors. Raises `ConfigurationError`.

    `middleware` is ours; `source` is what it was given as policy by who stands around the application, if anybody.
    """
    sources = [_source_of(entry) for entry in app.user_middleware if is_ours(entry.cls, middleware)]
    if source is not app:
        sources.append(source)
    for index, each in enumerate(sources):
        if any(each is other or each == other for other in sources[:index]):
            raise ConfigurationError("policy", "the same policy is applied twice to one application", "Add it once")
    judging = policy.engine.judging
    seen: set[int] = set()
    _check_router(app.router, middleware, policy.engine.rules, judging, seen)
    _refuse_lost(seen)
    return hang_door(app.router, owned=True) if judging else None


def misplaced() -> ConfigurationError:
    """The middleware stands where it cannot see whom it protects."""
    return ConfigurationError("JWTMiddleware", "stands on a single route, mount or router", CURE)


def refuse_single_route(app: Any) -> None:
    """A route hands its own function to its middleware, a router itself: both come before there is a request."""
    name = getattr(app, "__qualname__", "")
    bound_to = getattr(app, "__self__", app)
    if isinstance(bound_to, Router) or name.startswith(("request_response.", "websocket_session.")):
        raise misplaced()


def is_ours(cls: Any, middleware: type) -> bool:
    """Whether an application's list of middleware names ours, perhaps with arguments bound to it."""
    cls = cls.func if isinstance(cls, functools.partial) else cls
    return isinstance(cls, type) and issubclass(cls, middleware)


def _source_of(entry: Any) -> Any:
    bound = entry.cls.keywords if isinstance(entry.cls, functools.partial) else {}
    return {**bound, **entry.kwargs}.get("policy", entry.args[0] if entry.args else None)


def _check_router(router: Router, middleware: type, rules: RuleBook, judging: bool, seen: set[int]) -> None:
    """Marks on the wrong side, marks that contradict each other, and middleware where it must not stand."""
    seen.add(id(router))
    _refuse_misplaced(router.middleware_stack, middleware)
    for leaf in leaves(router.routes):
        endpoint, app = getattr(leaf.route, "endpoint", None), getattr(leaf.route, "app", None)
        found = target(app if endpoint is None else endpoint)
        seen.update((id(endpoint), *(id(each.original_router) for each in leaf.included)))
        for method in _methods(leaf.route, endpoint):
            rules.ask(None, leaf.together(found.mark(method), name_of(found.layers[0] if found.layers else app)))
        _refuse_misplaced(app, middleware)
        inner = target(app).router
        if inner is not None and id(inner) not in seen:
            if judging:
                hang_door(inner)
            _check_router(inner, middleware, rules, judging, seen)


def _refuse_lost(seen: set[int]) -> None:
    """FastAPI before 0.137 takes an included router apart, as `Starlette(routes=router.routes)` does."""
    for router in [reference() for reference in marked_objects]:
        if isinstance(router, Router) and id(router) not in seen:
            taken_out = [route for route in router.routes if id(getattr(route, "endpoint", route)) in seen]
            if taken_out:
                cure = "Mark the endpoints, mount the router, or in FastAPI give it dependencies=[Security(jwt, ...)]"
                raise MarkError(
                    name_of(taken_out[0]), "its router has a mark that is lost, as it was taken apart", cure
                )


def _methods(route: Any, endpoint: Any) -> list[str]:
    if isinstance(endpoint, type) and issubclass(endpoint, HTTPEndpoint):
        return [verb.upper() for verb in VERBS if hasattr(endpoint, verb)]
    return sorted(getattr(route, "methods", None) or {"GET"})


def _refuse_misplaced(app: Any, middleware: type) -> None:
    for layer in target(app).layers:
        if isinstance(layer, Starlette):
            return
        if isinstance(layer, middleware) and not isinstance(getattr(layer, "app", None), Starlette):
            raise misplaced()
