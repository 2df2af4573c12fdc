"""Marks in Starlette: what they let in, what they keep out, wherever they stand."""

from __future__ import annotations

import functools
import inspect
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Host, Match, Mount, Route, Router
from starlette.staticfiles import StaticFiles

from jwtmw import current_principal, optional, public, requires
from jwtmw.starlette import door, included, protect
from tests.starlette.calls import Ran, ask, policy, refused, token

# Older Starlettes limit no bodies.
LIMIT: Any = {"max_body_size": 10} if "max_body_size" in inspect.signature(Route).parameters else {}


@pytest.fixture
def ran() -> Ran:
    return Ran()


class Orders:
    """Endpoints as methods."""

    def __init__(self, ran: Ran) -> None:
        self.ran = ran

    @requires("a")
    async def list(self, request: Any) -> PlainTextResponse:
        self.ran.callers.append(current_principal().subject)
        return PlainTextResponse("list")


def classes(ran: Ran) -> tuple[type, ...]:
    class Verbs(HTTPEndpoint):
        @requires("a")
        async def get(self, request: Any) -> PlainTextResponse:
            ran.callers.append(current_principal().subject)
            return PlainTextResponse("get")

        @public
        def post(self, request: Any) -> PlainTextResponse:
            ran.callers.append(current_principal().subject)
            return PlainTextResponse("post")

    @requires("a")
    class Whole(HTTPEndpoint):
        async def get(self, request: Any) -> PlainTextResponse:
            ran.callers.append(current_principal().subject)
            return PlainTextResponse("get")

    class Heir(Whole):
        pass

    @public
    class Open(HTTPEndpoint):
        async def get(self, request: Any) -> PlainTextResponse:
            ran.callers.append(current_principal().subject)
            return PlainTextResponse("get")

    return Verbs, Whole, Heir, Open


class Keep:
    """A middleware that passes everything on, and keeps a note in the scope as middlewares do."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope.update({"note": 1})
        scope.update(second=2)
        scope.update([("third", 3)])
        scope.setdefault("fourth", 4)
        scope.setdefault("fourth", 5)
        await self.app(scope, receive, send)


def marked_a(ran: Ran) -> list[BaseRoute]:
    verbs, whole, heir, _ = classes(ran)
    return [
        Route("/function", requires("a")(ran())),
        Route("/method", Orders(ran).list),
        Route("/partial", functools.partial(requires("a")(ran()))),
        Route("/verbs", verbs),
        Route("/whole", whole),
        Route("/heir", heir),
        Route("/middleware", requires("a")(ran()), middleware=[Middleware(Keep)]),
        Route("/limited", requires("a")(ran()), **LIMIT),
        Mount("/mount", app=requires("a")(Router([Route("/x", ran())]))),
        Mount("/deep", app=requires("a")(Router([Mount("/er", routes=[Route("/x", ran())])]))),
        Mount("/kept", app=requires("a")(Router([Route("/x", ran())])), middleware=[Middleware(Keep)]),
        Mount("/small", app=requires("a")(Router([Route("/x", ran())])), **LIMIT),
        Mount("/app", app=requires("a")(Starlette(routes=[Route("/x", ran())]))),
        Mount("/asgi", app=requires("a")(ran.asgi("alice"))),
        Mount("/asgi-kept", app=Keep(requires("a")(ran.asgi("alice")))),
        Host("a.example", app=requires("a")(Router([Route("/host", ran())]))),
    ]


PATHS = (
    *("/function", "/method", "/partial", "/verbs", "/whole", "/heir", "/middleware", "/limited", "/mount/x"),
    *("/deep/er/x", "/kept/x", "/small/x", "/app/x", "/asgi/", "/asgi-kept/", "/host"),
)
HOST: Any = {"headers": {"host": "a.example"}}


@pytest.mark.parametrize("path", PATHS)
def test_requires_keeps_out_whom_it_does_not_know(ran, path):
    """Whatever carries `@requires`: neither the endpoint nor anything that reads the body runs for others."""
    app = protect(Starlette(routes=marked_a(ran)), policy())
    refused(ask(app, path, **HOST), ran, 401)
    refused(ask(app, path, token("b"), **HOST), ran, 403)
    refused(ask(app, path, token("a", exp=1), **HOST), ran, 401)


@pytest.mark.parametrize("path", PATHS)
def test_requires_lets_in_whom_it_names(ran, path):
    """With the scope the endpoint answers, once."""
    app = protect(Starlette(routes=marked_a(ran)), policy(default="deny"))
    assert 200 == ask(app, path, token("a"), **HOST).status
    assert ["alice"] == ran.callers


@pytest.mark.parametrize("path", PATHS)
def test_marks_hold_where_fastapi_is_not_imported(ran, path, monkeypatch):
    """There is nobody then who reads what a route of FastAPI asks besides; all else is as ever."""
    for module in (door, included):
        monkeypatch.setattr(module, "readers", [])
    app = protect(Starlette(routes=marked_a(ran)), policy())
    refused(ask(app, path, **HOST), ran, 401)
    refused(ask(app, path, token("b"), **HOST), ran, 403)
    assert 200 == ask(app, path, token("a"), **HOST).status
    assert ["alice"] == ran.callers


@pytest.mark.parametrize("path", PATHS)
def test_the_challenge_names_what_rule_and_mark_want(ran, path):
    """A caller who lacks both is told both at once."""
    rules = [{"path": "/**", "scopes": ["r"]}]
    app = protect(Starlette(routes=marked_a(ran)), policy(rules=rules))
    for scopes in (("b",), ("a",), ("r",)):
        answer = ask(app, path, token(*scopes), **HOST)
        refused(answer, ran, 403)
        assert b'scope="r a"' in (answer.header(b"www-authenticate") or b"")


@pytest.mark.parametrize("path", ["/public", "/verbs", "/open", "/mounted/public", "/app/public", "/kept/public"])
@pytest.mark.parametrize("bearer", [None, "garbage", token(), token(exp=1)], ids=["none", "garbage", "good", "expired"])
def test_public_asks_nobody(ran, path, bearer):
    """No token is needed and none is read, also where the default denies."""
    verbs, _, _, opened = classes(ran)
    inner = [Route("/public", public(ran()))]
    routes = [
        *inner,
        Route("/verbs", verbs),
        Route("/open", opened),
        Mount("/mounted", routes=inner, middleware=[Middleware(Keep)]),
        Mount("/app", app=Starlette(routes=inner, middleware=[Middleware(Keep)])),
        Mount("/kept", app=Keep(Router(inner))),
    ]
    app = protect(Starlette(routes=routes), policy(default="deny"))
    assert 200 == ask(app, path, bearer, "POST" if path == "/verbs" else "GET").status
    assert [None] == ran.callers


@pytest.mark.parametrize("path", ["/optional", "/in/optional"])
def test_optional_admits_without_a_token_but_not_with_a_bad_one(ran, path):
    """An absent token passes as nobody, a good one as its subject, a bad one not at all."""
    inner = [Route("/optional", optional(ran()))]
    app = protect(Starlette(routes=[*inner, Mount("/in", routes=inner)]), policy())
    refused(ask(app, path, token(exp=1)), ran, 401)
    assert [200, 200] == [ask(app, path, bearer).status for bearer in (None, token())]
    assert [None, "alice"] == ran.callers


def test_routers_add_up(ran):
    """The marks of all routers on the way, of the application and of the endpoint hold together."""
    inner = requires("c")(Router([Route("/x", requires("d")(ran())), Route("/y", ran()), Route("/z", optional(ran()))]))
    middle = requires("b")(Starlette(routes=[Mount("/c", app=inner)]))
    app = protect(Starlette(routes=[Mount("/b", app=middle)]), policy())
    for scopes in ("b", "c", "b d", "c d", "b c"):
        refused(ask(app, "/b/c/x", token(scopes)), ran, 403)
    assert [200, 200, 200] == [ask(app, f"/b/c/{name}", token("b c d")).status for name in "xyz"]
    refused(ask(app, "/b/c/z", token(), **HOST), Ran(), 403)
    refused(ask(app, "/b/c/z"), Ran(), 401)


@pytest.mark.parametrize("place", ["app", "router"])
def test_the_marks_of_the_application_itself_hold(ran, place):
    """`@requires` on the protected application, or on its router, is asked of every endpoint."""
    app = Starlette(routes=[Route("/x", ran()), Mount("/m", routes=[Route("/x", ran())])])
    requires("a")(app if place == "app" else app.router)
    protect(app, policy())
    for path in ("/x", "/m/x", "/nowhere"):
        refused(ask(app, path, token()), ran, 403)
    assert [200, 200, 404] == [ask(app, path, token("a")).status for path in ("/x", "/m/x", "/nowhere")]


def test_a_contradiction_of_late_routes_is_500(ran):
    """A mark that cannot hold is no reason to let anybody in, and is never ignored."""
    app = protect(Starlette(), policy())
    ask(app, "/")
    app.routes.append(Mount("/m", app=public(Router([Route("/x", ran())]))))
    app.routes.append(Mount("/r", app=requires("a")(Router([Route("/x", public(ran()))]))))
    inner = ran()
    requires("a")(inner)
    app.routes.append(Route("/wrong-side", inner))
    for path in ("/m/x", "/r/x", "/wrong-side"):
        refused(ask(app, path, token("a")), ran, 500)
    for path in ("/m/x", "/r/x"):
        refused(ask(app, path), ran, 500)


def test_report_only_passes_even_then(ran):
    """Report-only: what cannot be judged is recorded and passes."""
    app = protect(Starlette(), (judged := policy(report_only=True)))
    ask(app, "/")
    app.routes.append(Mount("/m", app=public(Router([Route("/x", ran())]))))
    inner = ran()
    requires("a")(inner)
    app.routes.append(Route("/wrong-side", inner))
    before = judged.metrics()["would_deny"]
    assert [200, 200] == [ask(app, path, token()).status for path in ("/m/x", "/wrong-side")]
    reasons = [(entry["reason"], entry["count"]) for entry in judged.metrics()["would_deny"] if entry not in before]
    assert [("internal", 2)] == reasons


def test_routes_added_late_are_judged(ran):
    """Start-up is no border: what is routed later is denied by default and marked as ever."""
    app = protect(Starlette(), policy())
    assert 404 == ask(app, "/late", token()).status
    app.routes.append(Route("/late", ran()))
    app.routes.append(Route("/open", public(ran())))
    app.routes.append(Mount("/m", routes=[Route("/a", requires("a")(ran()))]))
    refused(ask(app, "/late"), ran, 401)
    refused(ask(app, "/m/a", token("b")), ran, 403)
    assert [200, 200, 200] == [ask(app, path, token("a")).status for path in ("/late", "/open", "/m/a")]


@pytest.mark.parametrize("mark", [requires("a"), public], ids=["requires", "public"])
def test_a_route_that_names_no_endpoint_is_not_public(ran, mark):
    """What the router does not say cannot be marked: only the default holds for it."""

    class Silent(BaseRoute):
        def matches(self, scope: Any) -> Any:
            return (Match.FULL, {"path_params": {}}) if scope["path"] == "/silent" else (Match.NONE, {})

        async def handle(self, scope: Any, receive: Any, send: Any) -> None:
            await mark(ran.asgi())(scope, receive, send)

    app = protect(Starlette(routes=[Silent()]), policy())
    refused(ask(app, "/silent"), ran, 401)
    assert 200 == ask(app, "/silent", token("a")).status


@pytest.mark.parametrize("path", ["/function", "/verbs", "/open", "/mounted/open"])
def test_the_wrong_method_needs_a_token(ran, path):
    """405 is an answer like any other: a mark of the endpoint does not speak for it."""
    verbs, _, _, opened = classes(ran)
    routes = [Route("/function", public(ran())), Route("/verbs", verbs), Route("/open", opened)]
    app = protect(Starlette(routes=[*routes, Mount("/mounted", routes=[Route("/open", opened)])]), policy())
    refused(ask(app, path, None, "DELETE"), ran, 401)
    assert (405, []) == (ask(app, path, token("a"), "DELETE").status, ran.callers)


@pytest.mark.parametrize("path", ["/open", "/whole"])
def test_head_is_served_by_get(ran, path):
    """HEAD has GET's mark where the class has no HEAD of its own."""
    _, whole, _, opened = classes(ran)
    app = protect(Starlette(routes=[Route("/open", opened), Route("/whole", whole)]), policy())
    assert {"/open": 200, "/whole": 401}[path] == ask(app, path, None, "HEAD").status


@pytest.mark.parametrize("how", ["alone", "middleware", "limited"])
def test_public_static_files(ran, tmp_path, how):
    """A mounted application can be public itself; its neighbours are not."""
    (tmp_path / "logo.txt").write_text("logo")
    more: Any = {"alone": {}, "middleware": {"middleware": [Middleware(Keep)]}, "limited": LIMIT}[how]
    routes = [
        Mount("/static", app=public(StaticFiles(directory=tmp_path)), **more),
        Mount("/files", app=StaticFiles(directory=tmp_path), **more),
        Mount("/asked", app=requires("a")(StaticFiles(directory=tmp_path)), **more),
    ]
    app = protect(Starlette(routes=routes), policy())
    assert [200, 401, 401] == [ask(app, f"/{name}/logo.txt").status for name in ("static", "files", "asked")]
    assert [200, 200, 403] == [ask(app, f"/{name}/logo.txt", token()).status for name in ("static", "files", "asked")]
    assert "logo" == ask(app, "/asked/logo.txt", token("a")).body


def test_what_keeps_its_application_is_no_router(ran):
    """An extension that only keeps a reference to its application answers itself: nobody pending gets there."""

    class Extension:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await ran.asgi("extension")(scope, receive, send)

    app = Starlette(routes=[Route("/", public(ran()))])
    inner = Starlette()
    app.mount("/top", Extension(app))
    app.mount("/inner", inner)
    inner.mount("/self", Extension(inner))
    inner.mount("/top", Extension(app.router))
    protect(app, policy())
    for path in ("/top/", "/inner/self/", "/inner/top/"):
        refused(ask(app, path), ran, 401)
    assert 200 == ask(app, "/inner/self/", token()).status


@pytest.mark.parametrize("way", ["item", "union"])
def test_no_way_of_naming_an_endpoint_goes_unasked(ran, way):
    """A router of another make that writes the endpoint in its own way is asked before it calls it."""

    class Other(Router):
        async def app(self, scope: Any, receive: Any, send: Any) -> None:
            route: Any = self.routes[0]
            scope["route"] = route
            if way == "item":
                scope["endpoint"] = route.endpoint
            else:
                scope |= {"endpoint": route.endpoint}
            await route.handle(scope, receive, send)

    routes = [Mount("/no", app=Other([Route("/", ran())])), Mount("/yes", app=Other([Route("/", public(ran()))]))]
    app = protect(Starlette(routes=routes), policy())
    refused(ask(app, "/no/"), ran, 401)
    assert (200, [None]) == (ask(app, "/yes/").status, ran.callers)
