"""ASGI applications called in process, with scopes made by hand as a server makes them.

Owns: scopes, receive and send; the plain application; the reading of answers.
Must never know: jwtmw.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import unquote

from tests.conformance.schema import Answer, Request
from tests.conformance.world import Ledger, World

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def scope_of(request: Request) -> Scope:
    """The scope that uvicorn would make of these bytes, less what the case takes away."""
    raw_path, _, query = request.target.partition(b"?")
    headers = [(name.lower(), value) for name, value in request.headers]
    if not any(name == b"host" for name, _ in headers):
        headers.append((b"host", b"orders.example"))
    scope: Scope = {
        "type": "websocket" if request.websocket else "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "ws" if request.websocket else "http",
        "path": unquote(raw_path.decode("latin-1"), "utf-8", "replace"),
        "raw_path": raw_path,
        "query_string": query,
        "root_path": request.root_path,
        "headers": headers,
        "client": ("192.0.2.7", 49152),
        "server": ("192.0.2.1", 80),
        "state": {},
        "extensions": {"websocket.http.response": {}} if request.websocket and request.denial else {},
    }
    if request.websocket:
        lines = b",".join(value for name, value in headers if name == b"sec-websocket-protocol").decode("latin-1")
        scope["subprotocols"] = [item.strip() for item in lines.split(",") if item.strip()]
    else:
        scope["method"] = request.method
    for key, value in request.scope.items():
        if value is None:
            del scope[key]
        else:
            scope[key] = value
    return scope


def messages_of(request: Request) -> list[Message]:
    """The body as a server hands it on."""
    *before, last = request.pieces
    messages: list[Message] = [{"type": "http.request", "body": piece, "more_body": True} for piece in before]
    return [*messages, {"type": "http.request", "body": last, "more_body": request.cut}]


def call(world: World, app: App, request: Request) -> Answer:
    """Call the application with one request and read its answer."""
    sent: list[Message] = []
    incoming = [{"type": "websocket.connect"}] if request.websocket else messages_of(request)

    async def receive() -> Message:
        if not request.websocket:
            world.ledger.body_reads += 1
        if incoming:
            return incoming.pop(0)
        return {"type": "websocket.disconnect", "code": 1000} if request.websocket else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    async def answer() -> None:
        await app(scope_of(request), receive, send)

    world.run(answer())
    return read(sent)


async def asked(app: App, request: Request) -> Answer:
    """Ask as a server does: the client stays until it has its answer."""
    sent: list[Message] = []
    incoming = messages_of(request)

    async def receive() -> Message:
        if not incoming:
            await asyncio.Event().wait()
        return incoming.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    scope = scope_of(request)
    if request.length is not None:
        scope["headers"].append((b"content-length", b"%d" % request.length))
    await app(scope, receive, send)
    return read(sent)


def read(sent: list[Message]) -> Answer:
    """The answer that these messages are."""
    first = sent[0]
    if first["type"] == "websocket.accept":
        protocol = first.get("subprotocol")
        headers = [(b"sec-websocket-protocol", protocol.encode("latin-1"))] if protocol else []
        return Answer(101, headers, b"")
    if first["type"] == "websocket.close":
        assert len(sent) == 1, "something was sent after the close"
        return Answer(0, [], first.get("reason", "").encode(), close=first["code"])
    kinds = [message["type"].rsplit(".", 1)[1] for message in sent]
    assert kinds == ["start", *["body"] * (len(sent) - 1)], f"the messages are {kinds}"
    assert not sent[-1].get("more_body", False), "the answer does not end"
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return Answer(first["status"], [(bytes(name).lower(), bytes(value)) for name, value in first["headers"]], body)


def plain_app(ledger: Ledger) -> App:
    """An application of one endpoint, which answers everything with what it was sent."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        ledger.enter()
        ledger.find(scope.get("headers", ()), scope.get("query_string", b""))
        if scope["type"] == "websocket":
            return await _chat(ledger, scope, receive, send)
        body = ledger.took = await _body(receive)
        headers = [(b"content-type", b"text/plain"), (b"cache-control", b"max-age=60"), (b"x-orders", b"7")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"%d bytes, " % len(body), "more_body": True})
        await send({"type": "http.response.body", "body": body[:8]})

    return app


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def _chat(ledger: Ledger, scope: Scope, receive: Receive, send: Send) -> None:
    """Accept, choosing the first protocol only where the query says so."""
    ledger.hear(scope["subprotocols"], scope["headers"])
    await receive()
    protocol = scope["subprotocols"][0] if scope["query_string"] == b"choose" else None
    await send({"type": "websocket.accept", "subprotocol": protocol, "headers": []})
    await send({"type": "websocket.close", "code": 1000, "reason": ""})
