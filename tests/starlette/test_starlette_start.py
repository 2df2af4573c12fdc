"""The start: what cannot work does not serve, and says why."""

from __future__ import annotations

import functools
import logging
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route, Router, WebSocketRoute
from starlette.testclient import TestClient

from jwtmw import ConfigurationError, MarkError, optional, public, requires
from jwtmw.starlette import JWTMiddleware, door, protect
from tests.starlette.calls import ISSUER, Ran, ask, policy, refused, start, token


class Keep:
    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


class Hide(Keep):
    """A middleware that calls its application something else."""

    def __init__(self, app: Any) -> None:
        self.inner = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.inner(scope, receive, send)


def wrong_side(ran: Ran) -> Route:
    endpoint = ran()
    requires("a")(endpoint)
    return Route("/x", endpoint)


class Contradiction(HTTPEndpoint):
    @public
    async def post(self, request: Any) -> PlainTextResponse:
        return PlainTextResponse("")


ours: Any = functools.partial(Middleware, JWTMiddleware)


def bad(name: str, ran: Ran) -> Starlette:
    """An application with one mistake, and the middleware added."""
    once, route = policy(), Route("/x", ran())
    inner = ours(policy=policy())
    found: Any = {
        "mark on the wrong side": lambda: [wrong_side(ran)],
        "mark on the wrong side, mounted": lambda: [Mount("/m", app=Keep(Router([wrong_side(ran)])))],
        "class with two minds": lambda: [
            Route("/x", requires("a")(type("Two", (Contradiction,), dict(vars(Contradiction)))))
        ],
        "public router": lambda: [Mount("/m", app=public(Router([route])))],
        "public sub-application": lambda: [Mount("/m", app=Keep(public(Starlette(routes=[route]))))],
        "behind another on a route": lambda: [Route("/x", ran(), middleware=[inner, Middleware(Keep)])],
        "on a class": lambda: [Route("/x", Contradiction, middleware=[inner])],
        "on a WebSocket": lambda: [WebSocketRoute("/x", ran(), middleware=[inner, Middleware(Keep)])],
        "on a mounted application": lambda: [Mount("/m", app=ran.asgi(), middleware=[inner])],
        "on a router": lambda: [Mount("/m", app=Router([route], middleware=[inner, Middleware(Keep)]))],
        "hidden router": lambda: [Mount("/m", app=Router([route], middleware=[Middleware(Hide)]))],
        "twice": lambda: Starlette(routes=[route], middleware=[ours(policy=once), ours(policy=once)]),
        "twice from the environment": lambda: Starlette(routes=[route], middleware=[ours(), ours()]),
        "twice, bound": lambda: Starlette(
            routes=[route],
            middleware=[Middleware(functools.partial(JWTMiddleware, policy=once)), ours(once)],
        ),
        "twice, as a mapping": lambda: Starlette(routes=[route], middleware=[ours({"secure": False})] * 2),
        "no configuration": lambda: Starlette(routes=[route], middleware=[ours(policy={})]),
        "unknown key": lambda: Starlette(routes=[route], middleware=[ours({"isuers": []})]),
    }[name]()
    return found if isinstance(found, Starlette) else Starlette(routes=found, middleware=[ours(policy=policy())])


BAD = {
    "mark on the wrong side": "wrong side",
    "mark on the wrong side, mounted": "wrong side",
    "class with two minds": "@public and @requires meet",
    "public router": "a router cannot be public or optional",
    "public sub-application": "a router cannot be public or optional",
    "behind another on a route": "protect(app, policy)",
    "on a class": "protect(app, policy)",
    "on a WebSocket": "protect(app, policy)",
    "on a mounted application": "protect(app, policy)",
    "on a router": "protect(app, policy)",
    "hidden router": "hides the router",
    "twice": "the same policy is applied twice",
    "twice from the environment": "the same policy is applied twice",
    "twice, bound": "the same policy is applied twice",
    "twice, as a mapping": "the same policy is applied twice",
    "no configuration": "issuers",
    "unknown key": "isuers",
}


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> Ran:
    with ISSUER as serving:
        for name, value in serving.environment().items():
            monkeypatch.setenv(name, value)
    return Ran()


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_work_does_not_start(ran, name):
    """The server is told why, and to start nothing."""
    (failed,) = start(bad(name, ran))
    assert "lifespan.startup.failed" == failed["type"]
    assert BAD[name] in failed["message"]


def test_the_test_client_is_told_why(ran):
    """Starlette's test client, which waits for an exception behind the message, raises it and does not hang."""
    with pytest.raises(ConfigurationError, match="isuers"), TestClient(bad("unknown key", ran)):
        pass


@pytest.mark.parametrize("name", BAD)
def test_without_lifespan_every_request_is_500_and_logged(ran, name, caplog):
    """A server that asks no lifespan gets no application either, and the log says why each time."""
    app = bad(name, ran)
    for path in ("/x", "/m/x"):
        refused(ask(app, path, token("a")), ran, 500)
    told = [record.getMessage() for record in caplog.records if record.name == "jwtmw.starlette"]
    assert [True, True] == [BAD[name] in message for message in told]
    assert 1008 == ask(app, "/x", None, "GET", "websocket").status


@pytest.mark.parametrize("place", ["route", "websocket", "router", "mount"])
def test_on_a_single_route_it_is_refused_where_it_is_written(ran, place):
    """As the middleware of a route, a router or a mounted router it does not come to a request."""
    make: Any = {
        "route": lambda: Route("/x", ran(), middleware=[ours()]),
        "websocket": lambda: WebSocketRoute("/x", ran(), middleware=[ours()]),
        "router": lambda: Router([], middleware=[ours()]),
        "mount": lambda: Mount("/m", app=Router([]), middleware=[ours()]),
    }[place]
    with pytest.raises(ConfigurationError, match=r"protect\(app, policy\)"):
        make()


def test_in_a_mount_of_an_unprotected_application_it_serves_nothing(ran):
    """Nobody starts what is mounted: its requests are 500."""
    app = Starlette(routes=[Mount("/m", app=ran.asgi(), middleware=[ours(policy=policy())]), Route("/x", ran())])
    refused(ask(app, "/m/x", token()), ran, 500)


def test_around_what_is_no_application_it_serves_nothing(ran):
    """Around an ASGI application of another make there is jwtmw.asgi."""
    app: Any = JWTMiddleware(ran.asgi(), policy())
    (failed,) = start(app)
    assert "jwtmw.asgi.JWTMiddleware" in failed["message"]
    refused(ask(app, "/x", token()), ran, 500)


def test_around_an_application_that_has_the_same_policy_it_serves_nothing(ran):
    """The same policy twice is one too many, from outside as well."""
    once = policy()
    app: Any = JWTMiddleware(Starlette(routes=[Route("/x", ran())], middleware=[ours(policy=once)]), once)
    assert "applied twice" in start(app)[0]["message"]


def test_what_is_unforeseen_serves_nothing(ran, caplog):
    """A bug of ours at the start is named by its type and place only."""

    class Odd:
        def __fspath__(self) -> str:
            raise RuntimeError("secret")

    app = Starlette(routes=[Route("/x", ran())], middleware=[ours(policy=Odd())])
    (failed,) = start(app)
    assert "something unforeseen failed at the start; the log says where" == failed["message"]
    assert ["jwtmw.unforeseen"] == [record.name for record in caplog.records if record.levelno >= logging.ERROR]
    assert "secret" not in caplog.text + failed["message"]


class TestProtect:
    """`protect` says at once what is wrong."""

    def test_what_it_cannot_protect(self, ran):
        """A router has no middleware of its own that could stand in front."""
        others: Any = (Router([]), ran.asgi(), None)
        for app in others:
            with pytest.raises(ConfigurationError, match=r"protect\(\) was given a"):
                protect(app, policy())

    @pytest.mark.parametrize("name", ["mark on the wrong side", "public router", "hidden router", "on a router"])
    def test_a_bad_application(self, ran, name):
        """The error comes where `protect` was called."""
        app = bad(name, ran)
        app.user_middleware.clear()
        with pytest.raises(ConfigurationError, match=r".") as caught:
            protect(app, policy())
        assert BAD[name] in str(caught.value)
        assert (name in ("mark on the wrong side", "public router")) is isinstance(caught.value, MarkError)

    def test_twice(self, ran):
        """The same policy twice on one application is an error, two policies are two judges."""
        once, app = policy(rules=[{"path": "/x", "scopes": ["1"]}]), Starlette(routes=[Route("/x", ran())])
        protect(protect(app, once), policy(rules=[{"path": "/x", "scopes": ["2"]}]))
        refused(ask(app, "/x", token("1")), ran, 403)
        refused(ask(app, "/x", token("2")), ran, 403)
        assert 200 == ask(app, "/x", token("1", "2")).status
        with pytest.raises(ConfigurationError, match="applied twice"):
            protect(Starlette(middleware=[ours(policy=once)]), once)

    def test_routers_replaced_later(self, ran):
        """What is in place at the first request is what is guarded."""
        app = protect(Starlette(), policy())
        app.router = Router([Route("/x", ran()), Route("/a", requires("a")(ran()))])
        refused(ask(app, "/x"), ran, 401)
        refused(ask(app, "/a", token()), ran, 403)

    def test_a_router_within_itself(self, ran):
        """A circle of mounts is checked once."""
        app = Starlette(routes=[Route("/x", ran())])
        app.mount("/again", app.router)
        protect(app, policy())
        assert 200 == ask(app, "/x", token()).status


def test_other_scopes_are_not_passed_on(ran, caplog):
    """What is neither a request nor a lifespan is nobody's."""
    app = protect(Starlette(), policy())
    answer = ask(app, "/x", None, "GET", "telepathy")
    assert ([], 0) == (answer.sent, answer.read)
    assert "not passed on" in caplog.text


def test_non_secure_passes_everything(ran):
    """Without protection nothing is believed and nothing is in the way; marks are still checked."""
    app = protect(Starlette(routes=[Route("/{path:path}", requires("a")(ran()))]), policy(secure=False))
    assert [200, 200, 200] == [
        ask(app, path, bearer).status for path, bearer in (("/x", None), ("//..", "z"), ("/", token()))
    ]
    assert [None] * 3 == ran.callers
    with pytest.raises(MarkError):
        protect(Starlette(routes=[wrong_side(ran)]), policy(secure=False))


@pytest.mark.parametrize("mark", [public, optional, requires("orders:read")], ids=["public", "optional", "requires"])
@pytest.mark.parametrize(
    "route",
    [
        pytest.param(lambda: Route("/", PlainTextResponse("")), id="Route"),
        pytest.param(lambda: WebSocketRoute("/", PlainTextResponse("")), id="WebSocketRoute"),
        pytest.param(lambda: Mount("/", routes=[]), id="Mount"),
        pytest.param(lambda: Host("orders.example", Router()), id="Host"),
    ],
)
def test_a_mark_on_a_route_is_refused(mark, route):
    """A route is never asked for a mark, so that one would be lost: it is refused where it is written."""
    with pytest.raises(MarkError, match="a mark stands on a route"):
        mark(route())


def test_a_mark_on_a_router_that_was_taken_apart_is_refused(ran):
    """Whoever takes the routes out of a marked router loses its mark: that does not start."""
    router = requires("orders:read")(Router(routes=[Route("/", ran())]))
    with pytest.raises(MarkError, match="its router has a mark that is lost"):
        protect(Starlette(routes=router.routes), policy())


def test_a_plain_function_is_asked_nothing_where_nobody_reads_routes(ran, monkeypatch):
    """Without FastAPI a function without marks goes straight through."""
    monkeypatch.setattr(door, "readers", [])
    app = protect(Starlette(routes=[Route("/", ran())]), policy())
    assert 200 == ask(app, "/", token()).status
