"""A request whose path is changed on the way to the router: judged for both, proved once, on every framework."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import path
from flask import Flask
from flask import request as flask_request
from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import Response
from starlette.routing import Route

from jwtmw import Policy
from jwtmw.proof.body import body_hash
from jwtmw.starlette import protect
from jwtmw.testing import TestIssuer
from jwtmw_flask import JWTAuth
from tests.conformance.drivers import calls, environs
from tests.conformance.schema import Answer, Request, bearer
from tests.conformance.world import Ledger
from tests.django.middleware import between
from tests.django.project import OURS, Project
from tests.engine.facts import policy_of

BODY = b"pay 7 to the shop"
# Callers send /old; the router sees /new.
Send = Callable[[Request], Answer]


def by_starlette(policy: Policy) -> Send:
    async def view(request: StarletteRequest) -> Response:
        return Response(await request.body())

    class Rewriting:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                scope = {**scope, "path": "/new", "raw_path": b"/new"}
            await self.app(scope, receive, send)

    app = Starlette(routes=[Route("/new", view, methods=["GET", "POST"])])
    app.add_middleware(Rewriting)
    protected: Any = protect(app, policy)
    return lambda request: asyncio.run(calls.asked(protected, request))


def by_flask(policy: Policy) -> Send:
    app = Flask("payments")

    @app.route("/new", methods=["GET", "POST"])
    def view() -> bytes:
        return flask_request.get_data()

    inner: Any = app.wsgi_app

    def rewriting(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        answered: Iterable[bytes] = inner({**environ, "PATH_INFO": "/new"}, start_response)
        return answered

    app.wsgi_app = rewriting  # type: ignore[method-assign]
    JWTAuth(app, policy)
    return lambda request: environs.answer(app, environs.environ_of(request, Ledger()))


def by_django(kind: str) -> Callable[[Policy], Send]:
    def install(policy: Policy) -> Send:
        def rewrite(request: HttpRequest, get_response: Callable[[HttpRequest], Any]) -> Any:
            request.path_info = "/new"
            return get_response(request)

        view = path("new", lambda request: HttpResponse(request.body))
        made = Project(kind, (view,), MIDDLEWARE=[OURS, between(rewrite)], JWTMW=policy)

        def send(request: Request) -> Answer:
            with made.settings():
                if kind == "wsgi":
                    return environs.answer(made.handler, environs.environ_of(request, Ledger()))
                return asyncio.run(calls.asked(made.handler, request))

        return send

    return install


SURFACES = {
    "starlette": by_starlette,
    "flask": by_flask,
    "django-wsgi": by_django("wsgi"),
    "django-asgi": by_django("asgi"),
}
BOTH = {"body": "sha-256", "single_use": True}


@pytest.fixture(params=SURFACES)
def install(request: pytest.FixtureRequest) -> Callable[[Policy], Send]:
    return SURFACES[request.param]


@pytest.fixture(params=[False, True], ids=["whole", "chunked"])
def post(request: pytest.FixtureRequest, jwtmw_issuer: TestIssuer) -> Callable[..., Request]:
    """A payment, with a token of its own unless one is given."""

    def make(body: bytes = BODY, token: str | None = None, **claims: Any) -> Request:
        token = token or jwtmw_issuer.token("alice", **{"bdy": body_hash(BODY), **claims})
        return Request("POST", b"/old", (bearer(token.encode()),), body, chunked=request.param)

    return make


def rules(old: dict[str, Any], new: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"path": "/old", **old}, {"path": "/new", **new}]


@pytest.mark.parametrize(("old", "new"), [(BOTH, BOTH), (BOTH, {}), ({}, BOTH)], ids=["both", "the first", "the last"])
def test_it_is_proved_once(
    install: Callable[[Policy], Send],
    post: Callable[..., Request],
    jwtmw_issuer: TestIssuer,
    old: dict[str, Any],
    new: dict[str, Any],
) -> None:
    """Whichever of its paths asks: the view reads the whole body, and the next request with the token is a replay."""
    send = install(policy_of(jwtmw_issuer, rules=rules(old, new)))
    token = jwtmw_issuer.token("alice", bdy=body_hash(BODY), jti="one")
    assert [(200, BODY), (401, b"")] == [
        (answer.status, answer.body if answer.status == 200 else b"")
        for answer in (send(post(token=token)), send(post(token=token)))
    ]


def test_neither_path_is_a_way_around_the_other(
    install: Callable[[Policy], Send], post: Callable[..., Request], jwtmw_issuer: TestIssuer
) -> None:
    """A body that is not the one that was bound is refused for the path that asks."""
    for old, new in ((BOTH, {}), ({}, BOTH)):
        send = install(policy_of(jwtmw_issuer, rules=rules(old, new)))
        assert 401 == send(post(BODY + b"0")).status
        assert 401 == send(post(jti=None)).status


def test_two_hashes_of_one_body(
    install: Callable[[Policy], Send], post: Callable[..., Request], jwtmw_issuer: TestIssuer
) -> None:
    """Two paths that want different hashes can be met by no token, and nobody hangs."""
    send = install(policy_of(jwtmw_issuer, rules=rules({"body": "sha-256"}, {"body": "sha-512"})))
    assert 401 == send(post()).status


def test_a_target_is_what_was_sent(
    install: Callable[[Policy], Send], post: Callable[..., Request], jwtmw_issuer: TestIssuer
) -> None:
    """A token for the path that callers know fits; one for the path inside does not."""
    send = install(policy_of(jwtmw_issuer, rules=rules({}, {})))
    assert [200, 401] == [send(post(htu=f"https://a.example{where}")).status for where in ("/old", "/new")]


@pytest.mark.parametrize("kept", [False, True], ids=["an environ of its own", "the environ that came in"])
def test_a_body_that_middleware_has_read_is_judged_as_the_view_reads_it(
    post: Callable[..., Request], jwtmw_issuer: TestIssuer, *, kept: bool
) -> None:
    """Inside Flask, wherever it puts the body back: the stream that it has emptied is no empty body."""
    app = Flask("payments")

    @app.route("/new", methods=["POST"])
    def view() -> bytes:
        return flask_request.get_data()

    inner: Any = app.wsgi_app

    def reading(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ = environ if kept else {**environ}
        environ |= {"PATH_INFO": "/new", "wsgi.input": BytesIO(environ["wsgi.input"].read())}
        answered: Iterable[bytes] = inner(environ, start_response)
        return answered

    app.wsgi_app = reading  # type: ignore[method-assign]
    JWTAuth(app, policy_of(jwtmw_issuer, rules=rules({}, BOTH)))

    def send(request: Request) -> Answer:
        return environs.answer(app, environs.environ_of(request, Ledger()))

    whole = post(jti="one")
    bare = post(token=jwtmw_issuer.token("alice", jti="two"))
    answer = send(whole)
    assert (200, BODY, 401) == (answer.status, answer.body, send(bare).status)
