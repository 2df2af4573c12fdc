"""Frameworks that have no adapter of their own: the plain middleware protects them."""

from __future__ import annotations

import asyncio
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from litestar import Litestar
from litestar import get as litestar_get
from quart import Quart

from jwtmw import Policy, asgi, current_principal, requires, wsgi
from jwtmw.testing import TestIssuer
from tests.asgi.test_asgi_middleware import call as call_asgi
from tests.asgi.test_asgi_middleware import scope
from tests.engine.facts import policy_of
from tests.wsgi.calls import call as call_wsgi
from tests.wsgi.calls import environ

with warnings.catch_warnings():
    # WebOb still parses forms by the standard library's cgi.
    warnings.simplefilter("ignore", DeprecationWarning)
    from pyramid.config import Configurator
    from pyramid.response import Response


@dataclass
class Service:
    """A service of this framework behind the middleware, and what its endpoint was called for."""

    app: Any
    served: list[str | None] = field(default_factory=list)

    def serve(self) -> str:
        self.served.append(current_principal().subject)
        return "an order"


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def challenge(self) -> str | None:
        return next((value for name, value in self.headers if name.lower() == "www-authenticate"), None)


@requires("orders:write")
def write() -> str:
    return "written"


def litestar(policy: Policy) -> Service:
    service = Service(None)

    @litestar_get("/orders/7")
    async def order() -> str:
        return service.serve()

    @litestar_get("/open", sync_to_thread=False)
    def open_() -> str:
        return service.serve()

    @litestar_get("/locked")
    async def locked() -> str:
        return write()

    service.app = asgi.JWTMiddleware(Litestar([order, open_, locked], openapi_config=None), policy)
    return service


def quart(policy: Policy) -> Service:
    app = Quart(__name__)
    service = Service(app)

    @app.get("/orders/7")
    async def order() -> str:
        return service.serve()

    @app.get("/open")
    def open_() -> str:
        return service.serve()

    @app.get("/locked")
    async def locked() -> str:
        return write()

    app.asgi_app = asgi.JWTMiddleware(app.asgi_app, policy)  # type: ignore[method-assign,assignment]
    return service


def pyramid(policy: Policy) -> Service:
    service = Service(None)
    with Configurator() as config:
        views: dict[str, Callable[[], str]] = {"/orders/7": service.serve, "/open": service.serve, "/locked": write}
        for path, function in views.items():
            config.add_route(path, path)
            config.add_view(lambda request, function=function: Response(function()), route_name=path)
        service.app = wsgi.JWTMiddleware(config.make_wsgi_app(), policy)
    return service


def ask(service: Service, path: str, token: str | None = None) -> Answer:
    if isinstance(service.app, wsgi.JWTMiddleware):
        sent = call_wsgi(service.app, environ(token, path, HTTP_HOST="orders.example"))
        return Answer(int(sent.status[:3]), sent.headers, sent.content)
    messages = asyncio.run(_sent(service.app, path, token))
    headers = [(name.decode(), value.decode()) for name, value in messages[0]["headers"]]
    return Answer(messages[0]["status"], headers, b"".join(each.get("body", b"") for each in messages[1:]))


async def _sent(app: Any, path: str, token: str | None) -> list[dict[str, Any]]:
    answered = asyncio.Event()
    request: dict[str, Any] = {"type": "http.request", "body": b"", "more_body": False}
    incoming = [request]

    async def receive() -> dict[str, Any]:
        if incoming:
            return incoming.pop()
        # Quart waits for the client to go away, which a server reports once the answer is out.
        await answered.wait()
        return {"type": "http.disconnect"}

    async def heard(scope: Any, receive: Any, send: Any) -> None:
        async def hear(message: dict[str, Any]) -> None:
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                answered.set()

        await app(scope, receive, hear)

    members = {"http_version": "1.1", "scheme": "http", "client": ("192.0.2.7", 49152), "server": ("192.0.2.1", 80)}
    made = scope(token, path, **{"asgi": {"version": "3.0"}, "extensions": {}, "state": {}, **members})
    return await call_asgi(heard, made, receive)


@pytest.fixture(params=[litestar, quart, pyramid], ids=["litestar", "quart", "pyramid"])
def service(request: pytest.FixtureRequest, jwtmw_issuer: TestIssuer) -> Service:
    rules = [{"path": "/open", "allow": "public"}, {"path": "/orders/{id}", "scopes": ["orders:read"]}]
    made: Service = request.param(policy_of(jwtmw_issuer, rules=rules))
    return made


def test_a_good_token_reaches_the_endpoint(service: Service, jwtmw_issuer: TestIssuer) -> None:
    """The answer is the framework's own, and the endpoint knows the caller."""
    answer = ask(service, "/orders/7", jwtmw_issuer.token("alice", scope="orders:read"))
    assert (200, b"an order", ["alice"]) == (answer.status, answer.body, service.served)


def test_a_public_path_needs_no_token(service: Service) -> None:
    """Whoever asks is nobody there."""
    answer = ask(service, "/open")
    assert (200, b"an order", [None]) == (answer.status, answer.body, service.served)


@pytest.mark.parametrize(
    ("path", "scopes", "status", "code", "challenge"),
    [
        pytest.param("/orders/7", None, 401, "token_missing", 'Bearer realm="api"', id="no token"),
        pytest.param(
            "/orders/7", "", 403, "insufficient_scope",
            'Bearer realm="api", error="insufficient_scope", scope="orders:read"', id="no scope",
        ),
        pytest.param("/open/../orders/7", "orders:read", 400, "bad_path", None, id="ambiguous path"),
        pytest.param("//orders/7", "orders:read", 400, "bad_path", None, id="two slashes"),
        pytest.param("/nowhere", None, 401, "token_missing", 'Bearer realm="api"', id="no such path"),
    ],
)  # fmt: skip
def test_the_endpoint_is_not_called(
    service: Service, jwtmw_issuer: TestIssuer, path: str, scopes: str | None, status: int, code: str,
    challenge: str | None,
) -> None:  # fmt: skip
    """The refusal is the renderer's, whatever stands behind."""
    token = None if scopes is None else jwtmw_issuer.token(scope=scopes)
    answer = ask(service, path, token)
    assert (status, code, challenge) == (answer.status, json.loads(answer.body)["code"], answer.challenge)
    assert [] == service.served


def test_a_second_lock_inside_is_answered_as_any_refusal(service: Service, jwtmw_issuer: TestIssuer) -> None:
    """Whatever the framework makes of an exception that it does not know."""
    answer = ask(service, "/locked", jwtmw_issuer.token())
    assert (403, "insufficient_scope") == (answer.status, json.loads(answer.body)["code"])
    assert 'Bearer realm="api", error="insufficient_scope", scope="orders:write"' == answer.challenge
    assert b"written" == ask(service, "/locked", jwtmw_issuer.token(scope="orders:write")).body
