"""FastAPI: path operations, included routers, mounted applications.

Owns: a drawn application in FastAPI's words.
Must never know: how requests are judged.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount

from jwtmw import Policy
from jwtmw.fastapi import JWTMiddleware
from tests.property.ledger import Ledger
from tests.property.model import App, Nest, Route
from tests.property.surfaces import wire
from tests.property.surfaces.registry import Served, marked, surface
from tests.property.surfaces.starlette import NAME, Noting, endpoint_of


class Building:
    """One application while it is built; `late` is what is still to be done behind the first request."""

    def __init__(self, drawn: App, guarded: bool, ledger: Ledger) -> None:
        self.drawn, self.guarded, self.ledger = drawn, guarded, ledger
        self.late: list[Callable[[], object]] = []
        self.app = self.application(wire.around(drawn))
        self.fill(self.app.router, drawn)
        if not guarded:
            self.app.router.middleware_stack = Noting(self.app.router.middleware_stack, "", ledger)

    def application(self, middleware: list[Middleware]) -> FastAPI:
        """An application without routes of its own."""
        return FastAPI(openapi_url=None, redirect_slashes=self.drawn.redirects, middleware=middleware)

    def fill(self, router: APIRouter, holder: App | Nest) -> None:
        """Add the routes and what is nested, as far as they are there from the start."""
        for route in holder.routes:
            add = partial(self.add, router, route)
            self.late.append(add) if route.late else add()
        for nest in holder.nests:
            self.mount(router, nest) if nest.mounted else self.include(router, nest)

    def add(self, router: APIRouter, route: Route) -> None:
        """A path operation, or a class as Starlette has them."""
        if route.kind == "class":
            return router.add_route(route.path, marked(endpoint_of(route, self.ledger), route.mark, self.guarded))
        ledger = self.ledger

        async def operation(request: Request) -> Response:
            ledger.visits.append(wire.seen(route.name, request.scope))
            return PlainTextResponse(route.name)

        setattr(operation, NAME, route.name)
        endpoint = marked(operation, route.mark, self.guarded)
        router.add_api_route(route.path, endpoint, methods=list(route.methods), response_model=None)

    def include(self, router: APIRouter, nest: Nest) -> None:
        """A router that FastAPI knows."""
        inner = APIRouter(redirect_slashes=self.drawn.redirects)
        self.fill(inner, nest)
        router.include_router(marked(inner, nest.mark, self.guarded), prefix=nest.prefix)

    def mount(self, router: APIRouter, nest: Nest) -> None:
        """An application that FastAPI knows nothing of."""
        app = self.application([])
        self.fill(app.router, nest)
        inner: Any = marked(app, nest.mark, self.guarded)
        middleware = [Middleware(wire.Rewriting, rewrite=nest.rewrite)] if nest.rewrite else []
        if not self.guarded:
            inner = Noting(inner, nest.name, self.ledger)
        router.routes.append(Mount(nest.prefix, app=inner, middleware=middleware))


@surface("fastapi", "fastapi")
def fastapi(app: App, policy: Policy | None, ledger: Ledger) -> Served:
    """`app.add_middleware(JWTMiddleware, policy=...)`."""
    building = Building(app, policy is not None, ledger)
    if policy is not None:
        building.app.add_middleware(JWTMiddleware, policy=policy)
    return Served(partial(wire.ask, building.app), lambda: [add() for add in building.late])
