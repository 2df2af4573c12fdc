"""What `@requires` refuses inside an application that is wrapped from outside: one refusal, and never two starts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute

from jwtmw import Denied, Policy, requires
from jwtmw.asgi import JWTMiddleware
from jwtmw.testing import TestIssuer
from tests.asgi.test_asgi_middleware import CLOSED, Message, answer, body, nothing, scope, start, websocket
from tests.engine.facts import policy_of

WANTED = b'Bearer realm="api", error="insufficient_scope", scope="read"'
ERROR: Message = {**start((b"x-framework", b"yes")), "status": 500}


@requires("read")
def read() -> bytes:
    return b"done"


@pytest.fixture
def policy(jwtmw_issuer: TestIssuer) -> Policy:
    return policy_of(jwtmw_issuer, rules=[{"path": "/read", "scopes": ["read"]}])


# Frameworks


async def endpoint(request: Any) -> Any:
    return PlainTextResponse(read())


def sync_endpoint(request: Any) -> Any:
    return PlainTextResponse(read())


def starlette(**keys: Any) -> Starlette:
    return Starlette(routes=[Route("/async", endpoint), Route("/sync", sync_endpoint)], **keys)


def fastapi() -> FastAPI:
    app = FastAPI()

    @app.get("/async")
    @requires("read")
    async def asynchronous() -> str:
        return "done"

    @app.get("/sync")
    @requires("read")
    def synchronous() -> str:
        return "done"

    return app


async def passing_on(request: Any, call_next: Any) -> Any:
    return await call_next(request)


FRAMEWORKS: dict[str, Callable[[], Any]] = {
    "starlette": starlette,
    "starlette in debug mode": lambda: starlette(debug=True),
    "starlette with another middleware": lambda: starlette(
        middleware=[Middleware(BaseHTTPMiddleware, dispatch=passing_on)]
    ),
    "starlette, mounted": lambda: Starlette(routes=[Mount("/", app=starlette())]),
    "fastapi": fastapi,
}


def ended(*sent: Message) -> list[Message]:
    """A client that has sent its request, and goes away."""
    return [{"type": "http.request", "body": b""}, *sent, {"type": "http.disconnect"}]


def receiving() -> Any:
    messages = ended()

    async def receive() -> Message:
        if len(messages) > 1:
            return messages.pop(0)
        await asyncio.sleep(0)
        return messages[0]

    return receive


@pytest.mark.parametrize("name", FRAMEWORKS)
@pytest.mark.parametrize("path", ["/async", "/sync"])
def test_a_framework_that_makes_a_500_of_it_is_overruled(
    policy: Policy, jwtmw_issuer: TestIssuer, name: str, path: str
) -> None:
    """The caller gets byte for byte what a rule would have said, and one start goes out."""
    middleware = JWTMiddleware(FRAMEWORKS[name](), policy)
    by_lock = answer(middleware, scope(jwtmw_issuer.token(), path), receiving())
    by_rule = answer(middleware, scope(jwtmw_issuer.token(), "/read"))
    assert by_rule == by_lock
    assert (403, WANTED) == (by_lock[0]["status"], dict(by_lock[0]["headers"])[b"www-authenticate"])


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_a_framework_answers_whom_the_lock_lets_in(policy: Policy, jwtmw_issuer: TestIssuer, name: str) -> None:
    """Its own answer then."""
    middleware = JWTMiddleware(FRAMEWORKS[name](), policy)
    first, *_ = answer(middleware, scope(jwtmw_issuer.token(scope="read"), "/async"), receiving())
    assert 200 == first["status"]


def test_a_handler_of_the_application_has_its_way(policy: Policy, jwtmw_issuer: TestIssuer) -> None:
    """What an application makes of `Denied` on purpose passes as it is."""

    async def handler(request: Any, error: Exception) -> Any:
        return PlainTextResponse("hidden", 404)

    middleware = JWTMiddleware(starlette(exception_handlers={Denied: handler}), policy)
    first, second = answer(middleware, scope(jwtmw_issuer.token(), "/async"), receiving())
    assert (404, b"hidden") == (first["status"], second["body"])


def test_a_stream_that_began_fails_loudly(policy: Policy, jwtmw_issuer: TestIssuer) -> None:
    """There is no second start, and nothing of what is protected is sent."""

    async def streaming(request: Any) -> Any:
        async def chunks() -> Any:
            yield b"begun"
            yield read()

        return StreamingResponse(chunks())

    middleware = JWTMiddleware(Starlette(routes=[Route("/", streaming)]), policy)
    sent: list[Message] = []

    async def send(message: Any) -> None:
        sent.append(message)

    with pytest.raises(Denied):
        asyncio.run(middleware(scope(jwtmw_issuer.token(), "/"), receiving(), send))
    assert [("http.response.start", None), ("http.response.body", b"begun")] == [
        (each["type"], each.get("body")) for each in sent
    ]


# Messages


def swallowing(*messages: Message, first: tuple[Message, ...] = ()) -> Any:
    """An application that sends these once the lock has refused, and raises nothing."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in first:
            await send(message)
        try:
            read()
        except Denied:
            for message in messages:
                await send(message)

    return app


def refused(policy: Policy, issuer: TestIssuer) -> list[Message]:
    return answer(JWTMiddleware(swallowing(), policy), scope(issuer.token(), "/read"))


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param((ERROR, body(b"oops")), id="at once"),
        pytest.param((ERROR, body(b"oo", more=True), body(b"ps")), id="in pieces"),
        pytest.param((ERROR, body(b"oops"), ERROR, body(b"oops")), id="twice"),
    ],
)
def test_all_of_a_500_is_replaced(policy: Policy, jwtmw_issuer: TestIssuer, messages: tuple[Message, ...]) -> None:
    """By one refusal, also where the framework does not raise it again."""
    app = swallowing(*messages)
    assert refused(policy, jwtmw_issuer) == answer(JWTMiddleware(app, policy), scope(jwtmw_issuer.token()))


@pytest.mark.parametrize("status", [200, 403, 404, 503])
def test_what_the_application_makes_of_it_is_its_own(policy: Policy, jwtmw_issuer: TestIssuer, status: int) -> None:
    """Only a 500 is a framework's way of saying that it does not know the exception."""
    messages = [{**start(), "status": status}, body(b"mine")]
    assert messages == answer(JWTMiddleware(swallowing(*messages), policy), scope(jwtmw_issuer.token()))


def test_a_500_where_no_lock_refused_passes(policy: Policy, jwtmw_issuer: TestIssuer) -> None:
    """Errors are the application's own, and so is what it raises behind them."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(ERROR)
        await send(body(b"oops"))
        raise ZeroDivisionError

    sent: list[Message] = []

    async def send(message: Any) -> None:
        sent.append(message)

    with pytest.raises(ZeroDivisionError):
        asyncio.run(JWTMiddleware(app, policy)(scope(jwtmw_issuer.token()), nothing, send))
    assert [ERROR, body(b"oops")] == sent


def test_what_comes_before_an_answer_does_not_begin_it(policy: Policy, jwtmw_issuer: TestIssuer) -> None:
    """Early hints, and what debuggers are shown, may have been sent."""
    hint = {"type": "http.response.early_hint", "links": []}
    app = swallowing(ERROR, body(b"oops"), first=(hint,))
    assert [hint, *refused(policy, jwtmw_issuer)] == answer(JWTMiddleware(app, policy), scope(jwtmw_issuer.token()))


def test_a_token_in_the_url_is_refused_alike(jwtmw_issuer: TestIssuer) -> None:
    """A refusal is not to be cached anyway: its headers are the renderer's own, in their order."""
    policy = policy_of(jwtmw_issuer, token_from=[{"query": "jwt"}], rules=[{"path": "/read", "scopes": ["read"]}])
    query: dict[str, Any] = {"query_string": b"jwt=" + jwtmw_issuer.token().encode()}
    by_rule = answer(JWTMiddleware(swallowing(), policy), scope(path="/read", **query))
    by_lock = answer(JWTMiddleware(swallowing(ERROR, body(b"oops")), policy), scope(**query))
    assert by_rule == by_lock


# WebSockets

CLOSE = {"type": "websocket.close", "code": 1011, "reason": "oops"}
ACCEPT = {"type": "websocket.accept"}


@pytest.mark.parametrize("denial", [True, False], ids=["with denials", "without"])
@pytest.mark.parametrize(
    "messages",
    [
        pytest.param((CLOSE,), id="close"),
        pytest.param(({**ERROR, "type": "websocket.http.response.start"},), id="500"),
    ],
)
def test_a_handshake_that_a_framework_fails_is_refused(
    policy: Policy, jwtmw_issuer: TestIssuer, messages: tuple[Message, ...], denial: bool
) -> None:
    """As if the lock's refusal had come out."""
    token = jwtmw_issuer.token()
    by_rule = answer(JWTMiddleware(swallowing(), policy), websocket(path="/read", token=token, denial=denial))
    by_lock = answer(JWTMiddleware(swallowing(*messages), policy), websocket(token=token, denial=denial))
    assert by_rule == by_lock


def test_a_conversation_is_closed_once(policy: Policy, jwtmw_issuer: TestIssuer) -> None:
    """Behind an accept there is only a close: the framework's, or ours where the framework raises."""
    token = jwtmw_issuer.token()
    app = swallowing(CLOSE, first=(ACCEPT,))
    assert [ACCEPT, CLOSE] == answer(JWTMiddleware(app, policy), websocket(token=token))

    async def chat(websocket: Any) -> None:
        await websocket.accept()
        await websocket.send_text("hello")
        read()

    messages: list[Message] = [{"type": "websocket.connect"}]

    async def receive() -> Message:
        return messages.pop()

    raising = JWTMiddleware(Starlette(routes=[WebSocketRoute("/orders", chat)]), policy)
    sent = answer(raising, websocket(token=token), receive)
    assert ["websocket.accept", "websocket.send"] == [each["type"] for each in sent[:-1]]
    assert CLOSED == sent[-1]


def test_a_closed_conversation_is_not_closed_again(policy: Policy, jwtmw_issuer: TestIssuer) -> None:
    """What is refused behind the end is only raised."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(ACCEPT)
        await send(CLOSE)
        read()

    sent: list[Message] = []

    async def send(message: Any) -> None:
        sent.append(message)

    with pytest.raises(Denied):
        asyncio.run(JWTMiddleware(app, policy)(websocket(token=jwtmw_issuer.token()), nothing, send))
    assert [ACCEPT, CLOSE] == sent
