"""Starlette: routes, mounted routers and applications.

Owns: a drawn application in Starlette's words.
Must never know: how requests are judged.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Router
from starlette.routing import Route as StarletteRoute

from jwtmw import Policy
from jwtmw.starlette import JWTMiddleware, protect
from tests.conformance.drivers.calls import App as ASGIApp
from tests.conformance.drivers.calls import Receive, Scope, Send
from tests.property.ledger import Ledger
from tests.property.model import App, Nest, Route
from tests.property.surfaces import wire
from tests.property.surfaces.registry import Served, marked, surface

NAME = "drawn_name"


class Noting:
    """Directly around a bare router: notes the nest that is passed, and what the router names before it hands over."""

    def __init__(self, app: ASGIApp, name: str, ledger: Ledger) -> None:
        self.app, self.name, self.ledger = app, name, ledger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self.name:
            self.ledger.passed.append(wire.seen(self.name, scope))
        noting = NotingScope(scope)
        noting.ledger = self.ledger
        await self.app(noting, receive, send)


class NotingScope(dict[str, Any]):
    """A scope that is told by a router what it has found."""

    ledger: Ledger

    def update(self, child: Any = (), /, **more: Any) -> None:
        """Endpoints bear the name of their route."""
        super().update(child, **more)
        name = getattr(self.get("endpoint"), NAME, "")
        if name:
            self.ledger.passed.append(wire.seen(name, self))


class Building:
    """One application while it is built; `late` is what is still to be done behind the first request."""

    def __init__(self, drawn: App, guarded: bool, ledger: Ledger) -> None:
        self.drawn, self.guarded, self.ledger = drawn, guarded, ledger
        self.late: list[Callable[[], object]] = []
        self.app = Starlette(middleware=wire.around(drawn))
        self.app.router.redirect_slashes = drawn.redirects
        self.fill(self.app.router, drawn)
        if not guarded:
            self.app.router.middleware_stack = Noting(self.app.router.middleware_stack, "", ledger)

    def fill(self, router: Router, holder: App | Nest) -> None:
        """Add the routes and what is nested, as far as they are there from the start."""
        for route in holder.routes:
            add = partial(router.routes.append, self.route(route))
            self.late.append(add) if route.late else add()
        for nest in holder.nests:
            router.routes.append(self.mount(nest))

    def route(self, route: Route) -> BaseRoute:
        """A function or a class, marked."""
        endpoint = marked(endpoint_of(route, self.ledger), route.mark, self.guarded)
        return StarletteRoute(route.path, endpoint, methods=None if route.kind == "class" else list(route.methods))

    def mount(self, nest: Nest) -> BaseRoute:
        """An application or a router; bare, with somebody around it who notes that it is passed."""
        app = Starlette() if nest.mounted else Router()
        router = app.router if isinstance(app, Starlette) else app
        router.redirect_slashes = self.drawn.redirects
        self.fill(router, nest)
        inner: Any = marked(app, nest.mark, self.guarded)
        middleware = [Middleware(wire.Rewriting, rewrite=nest.rewrite)] if nest.rewrite else []
        if not self.guarded:
            inner = Noting(inner, nest.name, self.ledger)
        return Mount(nest.prefix, app=inner, middleware=middleware)

    def served(self, app: Any) -> Served:
        """What answers."""
        return Served(partial(wire.ask, app), lambda: [add() for add in self.late])


def endpoint_of(route: Route, ledger: Ledger) -> Any:
    """A function, or a class with a function for each method."""

    async def function(request: Request) -> Response:
        ledger.visits.append(wire.seen(route.name, request.scope))
        return PlainTextResponse(route.name)

    async def handler(self: HTTPEndpoint, request: Request) -> Response:
        return await function(request)

    setattr(function, NAME, route.name)
    if route.kind == "function":
        return function
    return type("View", (HTTPEndpoint,), {NAME: route.name, **{method.lower(): handler for method in route.methods}})


@surface("starlette", "starlette")
def starlette(app: App, policy: Policy | None, ledger: Ledger) -> Served:
    """`app.add_middleware(JWTMiddleware, policy=...)`."""
    building = Building(app, policy is not None, ledger)
    if policy is not None:
        building.app.add_middleware(JWTMiddleware, policy=policy)
    return building.served(building.app)


@surface("starlette-protect", "starlette")
def protected(app: App, policy: Policy | None, ledger: Ledger) -> Served:
    """`protect(app, policy)`."""
    building = Building(app, policy is not None, ledger)
    return building.served(building.app if policy is None else protect(building.app, policy))


@surface("starlette-around", "starlette")
def around(app: App, policy: Policy | None, ledger: Ledger) -> Served:
    """`JWTMiddleware(app, policy)`."""
    building = Building(app, policy is not None, ledger)
    return building.served(building.app if policy is None else JWTMiddleware(building.app, policy))
