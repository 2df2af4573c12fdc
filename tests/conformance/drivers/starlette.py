"""Starlette, with the middleware added and with `protect`, called in process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from jwtmw import Policy
from jwtmw.starlette import JWTMiddleware, protect
from tests.conformance.drivers.calls import App, Receive, Scope, Send, call, plain_app
from tests.conformance.drivers.registry import driver
from tests.conformance.endpoints import ENDPOINTS, Endpoint
from tests.conformance.schema import Answer, Case
from tests.conformance.world import Ledger, World


class Dependency:
    """Stands for all that runs between router and endpoint."""

    def __init__(self, app: App, ledger: Ledger) -> None:
        self.app = app
        self.ledger = ledger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.ledger.dependencies += 1
        await self.app(scope, receive, send)


class Instance:
    """The plain application as an endpoint: Starlette wraps functions, and calls other objects as they are."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


def make_app(app: str, ledger: Ledger, marked: bool) -> Starlette:
    """The application of the cases, without protection; unmarked where no engine will stand before it."""
    middleware = [Middleware(Dependency, ledger=ledger)]
    if app == "plain":
        every = Instance(plain_app(ledger))
        return Starlette(
            routes=[
                Route("/{path:path}", every, middleware=middleware),
                WebSocketRoute("/{path:path}", every, middleware=middleware),
            ]
        )
    endpoints = ENDPOINTS if marked else [replace(each, marks=(), post=()) for each in ENDPOINTS]
    nested = [_route(each, ledger, middleware, "/nested") for each in endpoints if each.nested]
    routes = [_route(each, ledger, middleware) for each in endpoints if not each.nested]
    return Starlette(routes=[*routes, Mount("/nested", routes=nested)])


def _route(endpoint: Endpoint, ledger: Ledger, middleware: list[Middleware], prefix: str = "") -> BaseRoute:
    path = endpoint.path.removeprefix(prefix)
    if endpoint.kind == "websocket":
        return WebSocketRoute(path, endpoint.mark(_websocket(ledger)), middleware=middleware)
    made = _KINDS[endpoint.kind](ledger, endpoint)
    methods = None if endpoint.kind == "class" else list(endpoint.methods)
    return Route(path, made, methods=methods, middleware=middleware)


def _function(ledger: Ledger, endpoint: Endpoint) -> Any:
    async def order(request: Request) -> Response:
        ledger.enter()
        return PlainTextResponse(f"{len(await request.body())} bytes")

    return endpoint.mark(order)


def _sync_function(ledger: Ledger, endpoint: Endpoint) -> Any:
    def order(request: Request) -> Response:
        ledger.enter()
        return PlainTextResponse("in a thread")

    return endpoint.mark(order)


def _class(ledger: Ledger, endpoint: Endpoint) -> Any:
    async def get(self: HTTPEndpoint, request: Request) -> Response:
        ledger.enter()
        return PlainTextResponse("by a class")

    async def post(self: HTTPEndpoint, request: Request) -> Response:
        ledger.enter()
        return PlainTextResponse("posted to a class")

    marked: Any = post
    for mark in reversed(endpoint.post):
        marked = mark(marked)
    return endpoint.mark(type("View", (HTTPEndpoint,), {"get": get, "post": marked}))


_KINDS: dict[str, Callable[[Ledger, Endpoint], Any]] = {"async": _function, "sync": _sync_function, "class": _class}


def _websocket(ledger: Ledger) -> Any:
    async def chat(websocket: WebSocket) -> None:
        ledger.enter()
        ledger.hear(websocket.scope["subprotocols"], websocket.scope["headers"])
        await websocket.accept()
        await websocket.close()

    return chat


def _cannot(case: Case) -> str | None:
    return None


def _added(policy: Policy, app: Starlette) -> Starlette:
    app.add_middleware(JWTMiddleware, policy=policy)
    return app


def _drive(name: str, case: Case, world: World, install: Callable[[Policy, Starlette], Starlette]) -> Answer:
    def build(policy: Policy | None, app: str) -> Starlette:
        bare = make_app(app, world.ledger, marked=policy is not None)
        return bare if policy is None else install(policy, bare)

    return world.play(name, case, build, lambda app, request: call(world, app, request))


@driver("starlette", _cannot)
def drive(case: Case, world: World) -> Answer:
    """`app.add_middleware(JWTMiddleware, policy=...)`."""
    return _drive("starlette", case, world, _added)


@driver("starlette-protect", _cannot)
def drive_protected(case: Case, world: World) -> Answer:
    """`protect(app, policy)`."""
    return _drive("starlette-protect", case, world, lambda policy, app: protect(app, policy))
