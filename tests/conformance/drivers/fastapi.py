"""FastAPI, with the middleware added, called in process: path operations, an included router, a class-based view."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from jwtmw import Policy
from jwtmw.fastapi import JWTMiddleware
from tests.conformance.drivers.calls import call, plain_app
from tests.conformance.drivers.registry import driver
from tests.conformance.drivers.starlette import Instance
from tests.conformance.endpoints import ENDPOINTS, Endpoint
from tests.conformance.schema import Answer, Case
from tests.conformance.world import Ledger, World


def make_app(app: str, ledger: Ledger, marked: bool) -> FastAPI:
    """The application of the cases, without protection; unmarked where no engine will stand before it."""
    if app == "plain":
        every = Instance(plain_app(ledger))
        routes = [Route("/{path:path}", every), WebSocketRoute("/{path:path}", every)]
        return FastAPI(routes=routes, openapi_url=None)
    made = FastAPI()
    nested = APIRouter()
    for each in ENDPOINTS:
        endpoint = each if marked else replace(each, marks=(), post=())
        _register(nested if endpoint.nested else made.router, endpoint, ledger)
    made.include_router(nested, prefix="/nested")
    return made


def _register(router: APIRouter, endpoint: Endpoint, ledger: Ledger) -> None:
    def dependency() -> None:
        ledger.dependencies += 1

    path = endpoint.path.removeprefix("/nested") if endpoint.nested else endpoint.path
    if endpoint.kind == "websocket":
        router.add_api_websocket_route(path, endpoint.mark(_websocket(ledger, dependency)))
    elif endpoint.kind == "class":
        router.add_route(path, endpoint.mark(_view(ledger, endpoint)))
    else:
        function = _sync(ledger, dependency) if endpoint.kind == "sync" else _async(ledger, dependency)
        # FastAPI answers HEAD only where it is named.
        methods = [*endpoint.methods, *(["HEAD"] if "GET" in endpoint.methods else [])]
        router.add_api_route(path, endpoint.mark(function), methods=methods, response_class=PlainTextResponse)


def _async(ledger: Ledger, dependency: Any) -> Any:
    # The annotation is read from the function's own globals, where the dependency is not.
    async def order(request: Request, asked: None = Depends(dependency)) -> Response:
        ledger.enter()
        return PlainTextResponse(f"{len(await request.body())} bytes")

    return order


def _sync(ledger: Ledger, dependency: Any) -> Any:
    def order(asked: None = Depends(dependency)) -> str:
        ledger.enter()
        return "in a thread"

    return order


def _websocket(ledger: Ledger, dependency: Any) -> Any:
    async def chat(websocket: WebSocket, asked: None = Depends(dependency)) -> None:
        ledger.enter()
        ledger.hear(websocket.scope["subprotocols"], websocket.scope["headers"])
        await websocket.accept()
        await websocket.close()

    return chat


def _view(ledger: Ledger, endpoint: Endpoint) -> Any:
    async def get(self: HTTPEndpoint, request: Request) -> Response:
        ledger.enter()
        return PlainTextResponse("by a class")

    async def post(self: HTTPEndpoint, request: Request) -> Response:
        ledger.enter()
        return PlainTextResponse("posted to a class")

    marked: Any = post
    for mark in reversed(endpoint.post):
        marked = mark(marked)
    return type("View", (HTTPEndpoint,), {"get": get, "post": marked})


def _cannot(case: Case) -> str | None:
    return None


@driver("fastapi", _cannot)
def drive(case: Case, world: World) -> Answer:
    """`app.add_middleware(JWTMiddleware, policy=...)`."""

    def build(policy: Policy | None, app: str) -> FastAPI:
        bare = make_app(app, world.ledger, marked=policy is not None)
        if policy is not None:
            bare.add_middleware(JWTMiddleware, policy=policy)
        return bare

    return world.play("fastapi", case, build, lambda app, request: call(world, app, request))
