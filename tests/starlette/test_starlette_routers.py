"""What routers and mounted applications answer themselves, and the paths that they go by."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, Router

from jwtmw import public, requires
from jwtmw.starlette import protect
from tests.starlette.calls import Ran, ask, policy, refused, token


@pytest.fixture
def ran() -> Ran:
    return Ran()


class Files:
    """A middleware that answers some paths itself."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        inner = PlainTextResponse("logo") if scope["path"].endswith("/logo") else self.app
        await inner(scope, receive, send)


def asking(kind: str, routes: list[Route]) -> Starlette:
    """Something that asks for the scope `a` itself: an application, a mounted application, a mounted router."""
    if kind == "application":
        return requires("a")(Starlette(routes=routes, middleware=[Middleware(Files)]))
    inner: Any = Router(routes, middleware=[Middleware(Files)])
    if kind == "sub-application":
        inner = Starlette(routes=routes, middleware=[Middleware(Files)])
    return Starlette(routes=[Mount("/m", app=requires("a")(inner))])


@pytest.mark.parametrize("kind", ["application", "sub-application", "sub-router"])
@pytest.mark.parametrize("path", ["/x/", "/logo", "/nowhere"], ids=["redirect", "middleware", "404"])
def test_what_is_asked_of_an_application_is_asked_whatever_answers_there(ran, kind, path):
    """Not only endpoints answer: a redirect, a middleware's own file and a 404 are for those who meet its mark."""
    app = protect(asking(kind, [Route("/x", ran())]), policy())
    path = path if kind == "application" else f"/m{path}"
    refused(ask(app, path), ran, 401)
    answer = ask(app, path, token())
    refused(answer, ran, 403)
    assert b'Bearer realm="api", error="insufficient_scope", scope="a"' == answer.header(b"www-authenticate")
    assert ask(app, path, token("a")).status in (200, 307, 404)


@pytest.mark.parametrize("kind", ["application", "sub-application", "sub-router"])
def test_the_challenge_names_what_the_endpoint_adds(ran, kind):
    """Who lacks what an application asks is told what the endpoint in it asks, too."""
    app = protect(asking(kind, [Route("/x", requires("b")(ran()))]), policy())
    answer = ask(app, "/x" if kind == "application" else "/m/x", token())
    assert b'Bearer realm="api", error="insufficient_scope", scope="b a"' == answer.header(b"www-authenticate")


@pytest.mark.parametrize("kind", ["application", "sub-application", "sub-router"])
def test_the_challenge_of_a_405(ran, kind):
    """The endpoint that does not take the method is named, and what it asks with it; a 404 names nobody."""
    app = protect(asking(kind, [Route("/x", requires("b")(ran())), Route("/x", ran())]), policy())
    for path, scope in (("/x", b"b a"), ("/nowhere", b"a")):
        answer = ask(app, path if kind == "application" else f"/m{path}", token(), "DELETE")
        challenge = b'Bearer realm="api", error="insufficient_scope", scope="' + scope + b'"'
        assert (403, challenge) == (answer.status, answer.header(b"www-authenticate"))
    assert [] == ran.callers


def test_a_mount_below_a_root_path_that_is_not_in_the_path(ran):
    """The router in the mount looks for the whole path below the mount then: that is what is judged, too."""
    inner = [Route("/x", ran("x")), Route("/m/x", ran("m/x"))]
    rules = [{"path": "/m/m/x", "allow": "deny"}, {"path": "/**", "allow": "public"}]
    app = protect(Starlette(routes=[Mount("/m", routes=inner)]), policy(rules=rules))
    assert "x 5" == ask(app, "/v1/m/x", root_path="/v1").body
    ran.callers.clear()
    refused(ask(app, "/v1/m/m/x", root_path="/v1"), ran, 403)
    refused(ask(app, "/m/x", root_path="/v1"), ran, 403)


def test_a_method_that_no_class_is_asked_for(ran):
    """HTTPEndpoint answers 405 for methods that Starlette does not know, whatever functions the class has."""

    @public
    class Cache(HTTPEndpoint):
        async def get(self, request: Any) -> PlainTextResponse:
            return PlainTextResponse("got")

        trace = purge = get

    app = protect(Starlette(routes=[Route("/", Cache)]), policy(rules=[{"path": "/else", "methods": ["PURGE"]}]))
    assert [200, 401, 401] == [ask(app, "/", None, method).status for method in ("GET", "TRACE", "PURGE")]


PREFLIGHT = {"origin": "https://shop.example", "access-control-request-method": "GET"}


@pytest.mark.parametrize("path", ["/m/x/", "/m/nowhere", "/m/x"], ids=["redirect", "404", "endpoint"])
def test_a_preflight_that_is_none_any_more(ran, path):
    """A preflight passes a mount that asks; changed to another method behind it, it is a request like any other."""
    inner = requires("a")(Starlette(routes=[Route("/x", ran())]))
    app = Starlette(routes=[Mount("/m", app=inner, middleware=[Middleware(Other, change={"method": "GET"})])])
    app = protect(app, policy(rules=[{"path": "/m/**", "methods": ["GET"], "allow": "public"}]))
    refused(ask(app, path, None, "OPTIONS", headers=PREFLIGHT), ran, 401)
    refused(ask(app, path, token(), "OPTIONS", headers=PREFLIGHT), ran, 403)
    assert ask(app, path, token("a"), "OPTIONS", headers=PREFLIGHT).status in (200, 307, 404)


class Other:
    """A middleware that changes the request."""

    def __init__(self, app: Any, change: dict[str, Any]) -> None:
        self.app = app
        self.change = change

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app({**scope, **self.change}, receive, send)


def test_the_refusal_for_a_changed_path_is_the_one_that_is_told(ran):
    """What the endpoint asks of who is pending is told as it would be without the change."""
    between = Middleware(Other, change={"path": "/x"})
    routes = [Route("/x", requires()(ran())), Route("/y", requires()(ran()))]
    judged = policy(default="deny")
    app = protect(Starlette(routes=routes, middleware=[between]), judged)
    refused(ask(app, "/x"), ran, 401)
    refused(ask(app, "/y"), ran, 401)
    assert {"token_missing": 2} == judged.metrics()["denied"]
    assert 200 == ask(app, "/y", token()).status


@pytest.mark.parametrize(("sent", "made"), [("HEAD", "GET"), ("GET", "HEAD")])
def test_a_refusal_has_a_body_if_the_caller_waits_for_one(ran, sent, made):
    """Whatever a middleware made of the method: what was sent decides, as the server counts the bytes."""
    between = Middleware(Other, change={"method": made})
    rules = [{"path": "/x", "methods": [sent], "allow": "public"}, {"path": "/x", "methods": [made], "allow": "deny"}]
    app = protect(Starlette(routes=[Route("/x", ran())], middleware=[between]), policy(rules=rules))
    answer = ask(app, "/x", None, sent)
    refused(answer, ran, 403)
    assert (sent == "GET") == bool(answer.body)
