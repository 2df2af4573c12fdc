"""Applications called in process, with everything noted that a refusal must not do."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from jwtmw import JWTMWError, Policy, current_principal
from jwtmw.testing import Clock, TestIssuer

CLOCK = Clock()
ISSUER = TestIssuer(clock=CLOCK)
EXTENSION: dict[str, Any] = {"websocket.http.response": {}}


def policy(**keys: Any) -> Policy:
    hooks = {name: keys.pop(name) for name in ("load_user", "check", "on_deny") if name in keys}
    return Policy({"issuers": [ISSUER.settings()], **keys}, clock=CLOCK, **hooks)


def token(*scopes: str, **claims: Any) -> str:
    return ISSUER.token(scope=" ".join(scopes) or None, **claims)


@dataclass
class Answer:
    """What came back, and how much of the request was read."""

    sent: list[Any] = field(default_factory=list)
    read: int = 0
    scope: dict[str, Any] = field(default_factory=dict)

    @property
    def starts(self) -> list[Any]:
        kinds = ("http.response.start", "websocket.http.response.start", "websocket.accept", "websocket.close")
        return [message for message in self.sent if message["type"] in kinds]

    @property
    def status(self) -> int:
        """The status of the only answer; 101 for an accepted WebSocket, 1008 and its like for a closed one."""
        (start,) = self.starts
        return start["status"] if "status" in start else start.get("code", 101)

    @property
    def body(self) -> str:
        return b"".join(message.get("body", b"") for message in self.sent).decode()

    def header(self, name: bytes) -> bytes | None:
        return dict(self.starts[0].get("headers", ())).get(name)


def scope_of(path: str, bearer: str | None, method: str, kind: str, headers: dict[str, str], **more: Any) -> dict:
    pairs = {"host": "orders.example", **headers} | ({"authorization": f"Bearer {bearer}"} if bearer else {})
    path, _, query = path.partition("?")
    scope = {"type": kind, "path": path, "raw_path": path.encode(), "root_path": "", "query_string": query.encode()}
    scope["headers"] = [(name.encode(), value.encode()) for name, value in pairs.items()]
    scope |= {"method": method, "scheme": "http"} if kind == "http" else {"scheme": "ws", "subprotocols": []}
    return scope | {"http_version": "1.1", "server": ("orders.example", 80), "client": ("127.0.0.1", 1)} | more


async def send_to(
    app: Any,
    path: str,
    bearer: str | None = None,
    method: str = "GET",
    kind: str = "http",
    *,
    raises: Any = None,
    **more: Any,
) -> Answer:
    """One request. `raises` is what the application may raise towards the server; `more` goes into the scope."""
    answer = Answer(scope=scope_of(path, bearer, method, kind, more.pop("headers", {}), **more))
    incoming = [{"type": "http.request", "body": b"order", "more_body": False}]
    if kind == "websocket":
        incoming = [{"type": "websocket.connect"}, {"type": "websocket.receive", "text": "hello"}]

    async def receive() -> Any:
        answer.read += 1
        if not incoming and kind == "http":
            await anyio.sleep_forever()
        return incoming.pop(0) if incoming else {"type": "websocket.disconnect"}

    async def send(message: Any) -> None:
        answer.sent.append(message)

    with suppress(*([raises] if raises else [])):
        await app(answer.scope, receive, send)
    return answer


def ask(app: Any, path: str, bearer: str | None = None, *args: Any, backend: str = "asyncio", **more: Any) -> Answer:
    """As `send_to`, in an event loop of its own."""

    async def run() -> Answer:
        return await send_to(app, path, bearer, *args, **more)

    return anyio.run(run, backend=backend)


class Ran:
    """Endpoints that note who came so far."""

    def __init__(self) -> None:
        self.callers: list[str | None] = []

    def __call__(self, name: str = "endpoint") -> Any:
        async def endpoint(request: Request) -> Response:
            body = await request.body()
            self.callers.append(current_principal().subject)
            return PlainTextResponse(f"{name} {len(body)}")

        endpoint.__qualname__ = endpoint.__name__ = name
        return endpoint

    def asgi(self, name: str = "opaque") -> Any:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            self.callers.append(name)
            await PlainTextResponse(name)(scope, receive, send)

        return app


def fresh(function: Any) -> Any:
    """The same code as another function: a mark stays on the very object that it was put on."""
    return FunctionType(function.__code__, function.__globals__, function.__name__, None, function.__closure__)


def refused(answer: Answer, ran: Ran, status: int) -> None:
    """A refusal: one answer, and nothing of the application has run or read."""
    assert (status, [], 0) == (answer.status, ran.callers, answer.read)


def start(app: Starlette) -> list[Any]:
    """The lifespan as far as the start; what the application said to it."""

    async def run() -> list[Any]:
        incoming = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
        sent: list[Any] = []

        async def receive() -> Any:
            return incoming.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        # What failed is raised behind the message, as by Starlette itself.
        with suppress(JWTMWError):
            await app({"type": "lifespan", "state": {}}, receive, send)
        return sent

    return anyio.run(run)
