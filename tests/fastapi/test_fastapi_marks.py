"""Marks in FastAPI: path operations, included routers, mounts, and whatever else its router may take."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, BackgroundTasks, Body, Depends, FastAPI, Query, Request, WebSocket, routing
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Host, Match, Mount, Route, Router

import jwtmw.starlette
from jwtmw import MarkError, current_principal, optional, public, requires
from jwtmw.fastapi import JWTMiddleware, jwt, protect
from jwtmw.testing import TestIssuer
from tests.starlette.calls import CLOCK, EXTENSION, Ran, ask, policy, refused, token

# Before 0.137 FastAPI took included routers apart, before 0.138 it served no frontends.
KEEPS_ROUTERS = hasattr(routing, "_IncludedRouter")


@pytest.fixture
def ran() -> Ran:
    return Ran()


def operation(ran: Ran, name: str = "endpoint") -> Any:
    async def operation(size: Annotated[int, Query()] = 0) -> str:
        ran.callers.append(current_principal().subject)
        return name

    return operation


def socket(ran: Ran) -> Any:
    async def chat(websocket: WebSocket) -> None:
        ran.callers.append(current_principal().subject)
        await websocket.accept()
        await websocket.close()

    return chat


def filled(router: Any, ran: Ran) -> Any:
    """The same routes for any router."""
    router.get("/public")(public(operation(ran)))
    router.get("/optional")(optional(operation(ran)))
    router.get("/a")(requires("a")(operation(ran)))
    router.get("/plain")(operation(ran))
    router.add_route("/route/public", public(ran()))
    router.add_route("/route/plain", ran())
    router.websocket("/chat/public")(public(socket(ran)))
    router.websocket("/chat/plain")(socket(ran))
    mounted = Starlette(routes=[Route("/public", public(ran())), Route("/plain", ran()), Mount("/asgi", ran.asgi())])
    router.routes.append(Mount("/mount", mounted))
    return router


def service(ran: Ran) -> FastAPI:
    """An application with everything twice nested, and a sub-application."""
    app, outer, inner = (filled(router, ran) for router in (FastAPI(), APIRouter(), APIRouter()))
    outer.include_router(inner, prefix="/inner")
    app.include_router(outer, prefix="/outer")
    app.mount("/sub", filled(FastAPI(), ran))
    return app


PREFIXES = ("", "/outer", "/outer/inner", "/sub")


@pytest.mark.parametrize("install", ["add_middleware", "protect", "jwtmw.starlette"])
@pytest.mark.parametrize("prefix", PREFIXES)
def test_marks_hold_wherever_a_router_stands(ran, prefix, install):
    """Public and optional endpoints let in, all others keep out, and who may come is let through."""
    app = service(ran)
    if install == "protect":
        protect(app, policy())
    else:
        middleware = JWTMiddleware if install == "add_middleware" else jwtmw.starlette.JWTMiddleware
        app.add_middleware(middleware, policy=policy())
    for path in ("/plain", "/a", "/route/plain", "/mount/plain", "/mount/asgi/", "/nowhere", "/mount/nowhere"):
        refused(ask(app, prefix + path), ran, 401)
        refused(ask(app, prefix + path, token(exp=1)), ran, 401)
    refused(ask(app, prefix + "/a", token("b")), ran, 403)
    refused(ask(app, prefix + "/optional", token(exp=1)), ran, 401)
    # Taking a router apart loses its mounts.
    mounts = KEEPS_ROUTERS or not prefix.startswith("/outer")
    for path in ("/public", "/optional", "/route/public", *(["/mount/public"] if mounts else [])):
        assert 200 == ask(app, prefix + path).status, path
    assert 200 == ask(app, prefix + "/public", token(exp=1)).status
    assert {None} == set(ran.callers)
    ran.callers.clear()
    for path in ("/plain", "/a", "/optional", "/route/plain", *(["/mount/plain", "/mount/asgi/"] if mounts else [])):
        assert 200 == ask(app, prefix + path, token("a")).status, path
    assert ["alice"] * 4 == ran.callers[:4]
    assert [404, 404] == [ask(app, prefix + path, token()).status for path in ("/nowhere", "/mount/nowhere")]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_websockets(ran, prefix):
    """A handshake is judged as the endpoint's mark says."""
    app = protect(service(ran), policy())
    refused(ask(app, f"{prefix}/chat/plain", None, "GET", "websocket", extensions=EXTENSION), ran, 401)
    assert 101 == ask(app, f"{prefix}/chat/public", None, "GET", "websocket").starts[0].get("code", 101)
    assert "websocket.accept" == ask(app, f"{prefix}/chat/plain", token(), "GET", "websocket").starts[0]["type"]
    assert [None, "alice"] == ran.callers


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("path", ["/public", "/route/public"])
def test_a_partial_match_lifts_nothing(ran, prefix, path):
    """405 is an answer of the route, not of the public endpoint."""
    app = protect(service(ran), policy())
    refused(ask(app, prefix + path, None, "POST"), ran, 401)
    assert 405 == ask(app, prefix + path, token(), "POST").status


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_redirect_lifts_nothing(ran, prefix):
    """Whether a path exists with another slash is told to callers with a token only."""
    app = protect(service(ran), policy())
    refused(ask(app, f"{prefix}/public/"), ran, 401)
    assert 307 == ask(app, f"{prefix}/public/", token()).status


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect"])
def test_the_documentation_is_under_the_default(ran, path):
    """The docs pages need a token like everything else, until a rule opens them."""
    refused(ask(protect(FastAPI(), policy()), path), ran, 401)
    assert 200 == ask(protect(FastAPI(), policy()), path, token()).status
    assert 200 == ask(protect(FastAPI(), policy(rules=[{"path": path, "allow": "public"}])), path).status


def test_routes_and_routers_added_late(ran):
    """What is registered while the service runs is judged as what was there before."""
    app = service(ran)
    protect(app, policy())
    refused(ask(app, "/late/public"), ran, 401)
    router = APIRouter()
    app.include_router(router, prefix="/late")
    app.get("/direct")(public(operation(ran)))
    assert 200 == ask(app, "/direct").status
    if KEEPS_ROUTERS:
        router.get("/public")(public(operation(ran)))
        router.get("/plain")(operation(ran))
        refused(ask(app, "/late/plain"), Ran(), 401)
        assert 200 == ask(app, "/late/public").status


def test_what_marks_ask_is_judged_before_the_body_is_read(ran):
    """Neither validation nor dependencies nor the endpoint come first."""

    async def dependency() -> None:
        ran.callers.append("dependency")

    @requires("a")
    async def place(size: Annotated[int, Body()], noted: None = Depends(dependency)) -> int:
        ran.callers.append("endpoint")
        return size

    app, router = FastAPI(), APIRouter()
    app.post("/x")(place)
    router.post("/x")(place)
    app.include_router(router, prefix="/in")
    protect(app, policy())
    for path in ("/x", "/in/x"):
        refused(ask(app, path, token("b"), "POST"), ran, 403)
    assert 422 == ask(app, "/in/x", token("a"), "POST").status


def test_marks_keep_signatures(ran):
    """FastAPI sees the parameters of the function behind a mark, whether it is a coroutine or runs in a thread."""

    @requires("a")
    async def show(number: int, request: Request, size: Annotated[int, Query(ge=1)] = 1) -> dict[str, Any]:
        return {"number": number, "size": size, "path": request.url.path}

    @requires("a")
    def count(number: int) -> str:
        return f"{number} {current_principal().subject}"

    app = FastAPI()
    app.get("/show/{number}")(show)
    app.get("/count/{number}")(count)
    protect(app, policy())
    assert ["number", "request", "size"] == list(inspect.signature(show).parameters)
    with TestClient(app, headers={"Authorization": f"Bearer {token('a')}"}) as client:
        assert {"number": 3, "size": 2, "path": "/show/3"} == client.get("/show/3?size=2").json()
        assert [422, 422] == [client.get(path).status_code for path in ("/show/x", "/show/3?size=0")]
        assert "3 alice" == client.get("/count/3").json()
    parameters = app.openapi()["paths"]["/show/{number}"]["get"]["parameters"]
    assert ["number", "size"] == [each["name"] for each in parameters]


def asked_routers(ran: Ran) -> FastAPI:
    outer, inner = requires("a")(APIRouter()), requires("b")(APIRouter())
    for router in (outer, inner):
        router.get("/plain")(operation(ran))
        router.get("/c")(requires("c")(operation(ran)))
        router.add_route("/route", ran())
        router.routes.append(Mount("/mount", Starlette(routes=[Route("/x", ran())])))
    outer.include_router(inner, prefix="/inner")
    app = FastAPI()
    app.include_router(outer, prefix="/outer")
    return app


@pytest.mark.parametrize("path", ["/plain", "/route", "/mount/x"])
def test_marks_of_included_routers_add_up(ran, path):
    """Inner routers add to what outer ones ask, and endpoints to both; where they are taken apart it does not start."""
    if not KEEPS_ROUTERS:
        with pytest.raises(MarkError, match="taken apart"):
            protect(asked_routers(ran), policy())
        return
    app = protect(asked_routers(ran), policy())
    refused(ask(app, f"/outer{path}"), ran, 401)
    refused(ask(app, f"/outer{path}", token("b")), ran, 403)
    refused(ask(app, f"/outer/inner{path}", token("b")), ran, 403)
    refused(ask(app, f"/outer/inner{path}", token("a")), ran, 403)
    refused(ask(app, "/outer/inner/c", token("a", "b")), ran, 403)
    assert 200 == ask(app, f"/outer{path}", token("a")).status
    assert 200 == ask(app, f"/outer/inner{path}", token("a", "b")).status
    assert 200 == ask(app, "/outer/inner/c", token("a", "b", "c")).status


def test_without_dependencies_that_ask_no_route_is_read(ran, monkeypatch):
    """Where jwtmw.fastapi was never imported, unmarked functions cost nothing more."""
    monkeypatch.setattr("jwtmw.starlette.door.readers", [])
    app = protect(FastAPI(), policy())
    app.get("/x")(operation(ran))
    assert [401, 200] == [ask(app, "/x").status, ask(app, "/x", token()).status]


def test_a_marked_router_that_is_taken_apart_does_not_start(ran):
    """Its routes would be registered without what it asks; a router that is used elsewhere disturbs nobody."""
    router = requires("a")(Router([Route("/x", ran())]))
    with pytest.raises(MarkError, match="taken apart"):
        protect(Starlette(routes=router.routes), policy())
    app = protect(Starlette(routes=[Mount("/in", router)]), policy())
    assert [403, 200] == [ask(app, "/in/x", bearer).status for bearer in (token("b"), token("a"))]
    assert 404 == ask(protect(Starlette(), policy()), "/x", token()).status


@pytest.mark.parametrize("mark", [public, optional])
def test_an_included_router_cannot_be_lifted(ran, mark):
    """A router is no endpoint."""
    app, router = FastAPI(), mark(APIRouter())
    router.get("/y")(operation(ran))
    app.include_router(router, prefix="/x")
    with pytest.raises(MarkError, match="a router cannot be public or optional" if KEEPS_ROUTERS else "taken apart"):
        protect(app, policy())


class Silent(BaseRoute):
    """A route of one's own that names no endpoint."""

    def __init__(self, ran: Ran, match: Match = Match.FULL) -> None:
        self.ran = ran
        self.match = match

    def matches(self, scope: Any) -> tuple[Match, Any]:
        return (self.match, {}) if scope["path"].endswith("/silent") else (Match.NONE, {})

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        self.ran.callers.append("silent")
        await PlainTextResponse("silent")(scope, receive, send)


@pytest.mark.parametrize("match", [Match.FULL, Match.PARTIAL], ids=["full", "partial"])
@pytest.mark.parametrize("prefix", ["", "/sub"])
def test_a_route_that_names_no_endpoint_is_no_included_router(ran, prefix, match):
    """Nobody is let through to what does not say what it is."""
    app, sub = FastAPI(), FastAPI()
    (sub if prefix else app).router.routes.append(Silent(ran, match))
    app.include_router(filled(APIRouter(), ran), prefix="/in")
    app.mount("/sub", sub)
    protect(app, policy())
    refused(ask(app, f"{prefix}/silent"), ran, 401)
    assert "silent" == ask(app, f"{prefix}/silent", token()).body


if hasattr(FastAPI, "frontend"):

    @pytest.mark.parametrize("prefix", ["", "/in", "/sub"])
    def test_a_frontend_is_under_the_default(ran, tmp_path, prefix):
        """Its files are served where no route matches, to callers with a token."""
        (tmp_path / "index.html").write_text("front")
        app, sub, router = FastAPI(), FastAPI(), APIRouter()
        where: Any = {"": app, "/in": router, "/sub": sub}[prefix]
        where.frontend("/front", directory=str(tmp_path))
        router.get("/public")(public(operation(ran)))
        app.include_router(router, prefix="/in")
        app.mount("/sub", sub)
        protect(app, policy())
        refused(ask(app, f"{prefix}/front/index.html"), ran, 401)
        assert "front" == ask(app, f"{prefix}/front/index.html", token()).body
        assert 200 == ask(app, "/in/public").status


@pytest.mark.parametrize("prefix", ["", "/sub"])
def test_hosts_and_custom_route_classes(ran, prefix):
    """A host is looked into; a route class of one's own is the route that it extends."""

    class Timed(routing.APIRoute):
        def matches(self, scope: Any) -> tuple[Match, Any]:
            return super().matches(scope)

    app, sub, router = FastAPI(), FastAPI(), APIRouter(route_class=Timed)
    filled(router, ran)
    (sub if prefix else app).include_router(router, prefix="/in")
    app.mount("/sub", sub)
    app.router.routes.insert(0, Host("a.example", filled(FastAPI(), ran)))
    protect(app, policy())
    host: Any = {"headers": {"host": "a.example"}}
    refused(ask(app, f"{prefix}/in/plain"), ran, 401)
    refused(ask(app, "/plain", None, **host), ran, 401)
    assert [200, 200] == [ask(app, f"{prefix}/in/public").status, ask(app, "/public", None, **host).status]


@pytest.mark.parametrize("prefix", ["/outer", "/outer/inner"])
def test_a_path_rule_refuses_with_all_that_is_wanted(ran, prefix):
    """The challenge names what rule and mark want, seen ahead also in an included router."""
    app = protect(service(ran), policy(rules=[{"path": "/outer/**", "scopes": ["r"]}]))
    answer = ask(app, f"{prefix}/a", token("a"))
    refused(answer, ran, 403)
    assert b'scope="r a"' in (answer.header(b"www-authenticate") or b"")


def test_a_sub_application_with_its_own_policy(ran):
    """Both judge: the outer one lets in by the inner mark, the inner one asks for more."""
    app, sub = FastAPI(), filled(FastAPI(), ran)
    protect(sub, policy(rules=[{"path": "/plain", "scopes": ["s"]}]))
    app.mount("/sub", sub)
    protect(app, policy())
    refused(ask(app, "/sub/plain"), ran, 401)
    refused(ask(app, "/sub/plain", token()), ran, 403)
    assert [200, 200] == [ask(app, "/sub/plain", token("s")).status, ask(app, "/sub/public").status]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("prefix", PREFIXES)
def test_keys_that_must_be_waited_for(ran, prefix, backend):
    """A first request waits for keys and is routed again; a public endpoint needs no issuer."""
    with TestIssuer(clock=CLOCK) as issuer:
        app = protect(service(ran), policy(issuers=[issuer.settings()]))
        assert 200 == ask(app, f"{prefix}/a", issuer.token(scope="a"), backend=backend).status
        issuer.broken()
        app = protect(service(ran), policy(issuers=[issuer.settings()]))
        bearer = issuer.token(scope="a")
        assert [200, 503] == [ask(app, prefix + path, bearer, backend=backend).status for path in ("/public", "/a")]


def test_background_tasks_and_lifespan(ran):
    """The caller is known in a background task; the application's lifespan runs."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        ran.callers.append("up")
        yield
        ran.callers.append("down")

    app = FastAPI(lifespan=lifespan)

    @app.get("/x")
    @requires("a")
    async def operation(tasks: BackgroundTasks) -> None:
        tasks.add_task(lambda: ran.callers.append(current_principal().subject))

    protect(app, policy())
    with TestClient(app) as client:
        assert 200 == client.get("/x", headers={"Authorization": f"Bearer {token('a')}"}).status_code
    assert ["up", "alice", "down"] == ran.callers


def test_a_mark_on_the_wrong_side_does_not_start():
    """FastAPI registers the function below; the mark above it would be lost."""
    app, router = FastAPI(), APIRouter()

    @requires("a")
    @router.get("/x")
    async def operation() -> None: ...

    app.include_router(router, prefix="/in")
    with pytest.raises(MarkError, match="wrong side"):
        protect(app, policy())


def test_a_router_that_depends_on_jwt_asks_for_its_operations_only(ran):
    """FastAPI runs a router's dependencies for path operations: plain routes and mounts have the default."""
    router = APIRouter(dependencies=[Depends(jwt)])
    router.get("/x")(operation(ran))
    router.add_route("/route", public(ran()))
    app = FastAPI()
    app.include_router(router, prefix="/in", dependencies=[Depends(jwt)])
    protect(app, policy())
    refused(ask(app, "/in/x"), ran, 401)
    assert [200, 200] == [ask(app, "/in/x", token()).status, ask(app, "/in/route").status]


@pytest.mark.skipif(not KEEPS_ROUTERS, reason="this FastAPI takes included routers apart")
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_each_included_router_on_the_way_asks_who_is_pending(ran, depth):
    """What an outer router asks is not lifted by an optional endpoint, however deep it is included, and the challenge
    names all; a late @public there is a contradiction."""
    inner = APIRouter()
    inner.add_api_route("/x", optional(requires("c")(operation(ran))))
    router = inner
    for _ in range(depth - 1):
        outer = requires("b")(APIRouter())
        outer.include_router(router, prefix="/in")
        router = outer
    app = FastAPI()
    app.include_router(requires("a")(router), prefix="/top")
    protect(app, policy())
    path = "/top" + "/in" * (depth - 1)
    refused(ask(app, f"{path}/x"), ran, 401)
    answer = ask(app, f"{path}/x", token())
    refused(answer, ran, 403)
    scope = b"c a" if depth == 1 else b"c b a"
    assert b'Bearer realm="api", error="insufficient_scope", scope="' + scope + b'"' == answer.header(
        b"www-authenticate"
    )
    assert (200, ["alice"]) == (ask(app, f"{path}/x", token("a", "b", "c")).status, ran.callers)
    inner.add_api_route("/late", public(operation(ran)))
    ran.callers.clear()
    refused(ask(app, f"{path}/late"), ran, 500)
