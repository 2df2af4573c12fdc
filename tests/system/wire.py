"""Conformance drivers over a real socket: uvicorn with h11 and with httptools, and requests written byte for byte.

Owns: the server's thread, requests as bytes, answers read from the socket without a client library.
Must never know: what a case expects.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette

from jwtmw import Policy
from jwtmw.starlette import JWTMiddleware
from tests.conformance.drivers.calls import App, Receive, Scope, Send
from tests.conformance.drivers.registry import driver
from tests.conformance.drivers.starlette import make_app
from tests.conformance.schema import Answer, Case, Request
from tests.conformance.world import World

# RFC 9110 section 5.6.2, as far as request lines and field names go.
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
BEYOND_TARGETS = re.compile(rb"[^\x21-\x7e]")
LONGEST = 60_000
# What llhttp knows of the methods that stand in the table.
LLHTTP = {
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "CONNECT", "PURGE", "REPORT",
    "PROPFIND", "LINK", "SEARCH",
}  # fmt: skip


class Switch:
    """The application that one server serves: whichever a case needs now. Counts what is read of bodies."""

    def __init__(self) -> None:
        self.app: App | None = None
        self.world: World | None = None
        self.entered = False
        self.finished = threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.app is not None
        assert self.world is not None
        world = self.world
        self.entered = True

        async def counted() -> Any:
            if scope["type"] == "http":
                world.ledger.body_reads += 1
            return await receive()

        try:
            await self.app(scope, counted, send)
        finally:
            self.finished.set()


class Server:
    """One uvicorn in a thread of its own, on a port of loopback that is free."""

    def __init__(self, http: str) -> None:
        self.switch = Switch()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        config = uvicorn.Config(
            self.switch, http=http, ws="websockets-sansio", lifespan="off", log_config=None, access_log=False,
            date_header=False, server_header=False, timeout_graceful_shutdown=1,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        asyncio.run(self._server.serve([self._listener]))

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._listener.close()

    @contextmanager
    def serving(self, app: App, world: World) -> Iterator[socket.socket]:
        """A connection on which this application answers."""
        self.switch.app, self.switch.world = app, world
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            yield connection

    def ask(self, app: App, world: World, request: Request) -> Answer:
        """Send the request on a connection of its own and read the answer to its end."""
        self.switch.entered = False
        self.switch.finished.clear()
        with self.serving(app, world) as connection:
            connection.sendall(octets(request))
            answer = read(connection, request)
        if self.switch.entered:
            # The answer may be here before the application has returned.
            self.switch.finished.wait(5)
        return answer


def octets(request: Request) -> bytes:
    """The request as it stands on the wire."""
    lines = [f"{request.method} ".encode() + request.target + b" HTTP/1.1"]
    names = {name.lower() for name, _ in request.headers}
    headers = list(request.headers)
    if b"host" not in names:
        headers.append((b"Host", b"orders.example"))
    if request.websocket:
        key = base64.b64encode(b"conformance-case")
        headers += [(b"Upgrade", b"websocket"), (b"Connection", b"Upgrade"), (b"Sec-WebSocket-Version", b"13")]
        headers.append((b"Sec-WebSocket-Key", key))
    elif b"connection" not in names:
        headers.append((b"Connection", b"close"))
    if request.length is not None:
        headers.append((b"Content-Length", str(request.length).encode()))
    if request.chunked:
        headers.append((b"Transfer-Encoding", b"chunked"))
    lines += [name + b": " + value for name, value in headers]
    return b"\r\n".join([*lines, b"", b""]) + _body(request)


def _body(request: Request) -> bytes:
    if not request.chunked:
        return request.body
    pieces = [piece for piece in request.pieces if piece]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, b""])


def read(connection: socket.socket, request: Request) -> Answer:
    """The one answer, by its Content-Length or to the end of the connection."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += _more(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    status_line, *lines = head.split(b"\r\n")
    headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
    status = int(status_line.split(b" ")[1])
    if status != 101:
        body = _rest(connection, body, headers, request)
        headers = [pair for pair in headers if pair[0] != b"connection"]
        return Answer(status, headers, body)
    kept = [pair for pair in headers if pair[0] == b"sec-websocket-protocol"]
    return Answer(status, kept, b"")


def _more(connection: socket.socket) -> bytes:
    received = connection.recv(65536)
    assert received, "the connection ended in the middle of an answer"
    return received


def _rest(connection: socket.socket, body: bytes, headers: list[tuple[bytes, bytes]], request: Request) -> bytes:
    length = dict(headers).get(b"content-length")
    if length is not None and request.method != "HEAD":
        while len(body) < int(length):
            body += _more(connection)
        return body
    # No length, or a HEAD: whatever comes until the server closes belongs to the answer.
    while received := connection.recv(65536):
        body += received
    return body


def cannot(case: Case) -> str | None:
    """What cannot stand on the wire, or is decided by the server before the application is asked."""
    request = case.request
    if request.scope:
        return "only a hand-made scope can say this"
    if request.root_path:
        return "the server's root path is set at its start, for all requests"
    if request.websocket and not request.denial:
        return "the server offers the websocket.http.response extension always"
    if request.cut:
        return "the server answers nobody who has gone"
    if case.id.startswith("remote-"):
        return "key sources do not see the wire, and have been tried in process"
    return _unspoken(request)


@functools.cache
def _unspoken(request: Request) -> str | None:
    return _line(request) or _fields(request)


def _line(request: Request) -> str | None:
    if not TOKEN.fullmatch(request.method):
        return "the server refuses a method that is no token"
    if not request.target.startswith(b"/") or b"#" in request.target:
        return "the server reads such targets in its own way"
    if BEYOND_TARGETS.search(request.target):
        return "the server refuses targets with blanks, controls and non-ASCII bytes"
    return None


def _fields(request: Request) -> str | None:
    if sum(len(value) for _, value in request.headers) + len(request.target) > LONGEST or len(request.method) > 1000:
        return "the server refuses a head of this size"
    if request.websocket and not _protocols(request):
        return "the server refuses subprotocols that are no tokens"
    if request.websocket and sum(name.lower() == b"origin" for name, _ in request.headers) > 1:
        return "the server refuses a handshake with two Origin lines"
    for name, value in request.headers:
        if value != value.strip(b" \t"):
            return "the server strips blanks around a value"
        if CONTROL.search(value):
            return "the server refuses or repairs control characters in a value"
        if name.lower() in (b"expect", b"connection", b"upgrade"):
            return "the server acts on this header itself"
    return None


def _protocols(request: Request) -> bool:
    offered = b",".join(value for name, value in request.headers if name.lower() == b"sec-websocket-protocol")
    items = [item.strip() for item in offered.decode("latin-1").split(",")]
    return all(TOKEN.fullmatch(item) for item in items) or not any(
        k == b"sec-websocket-protocol" for k, _ in request.headers
    )


def cannot_httptools(case: Case) -> str | None:
    """As `cannot`, and what llhttp refuses besides."""
    unknown = not case.request.websocket and case.request.method not in LLHTTP
    return cannot(case) or ("the server refuses methods that llhttp does not know" if unknown else None)


class Servers:
    """Both servers, started when they are first needed."""

    def __init__(self) -> None:
        self._started: dict[str, Server] = {}

    def get(self, http: str) -> Server:
        if http not in self._started:
            self._started[http] = Server(http)
        return self._started[http]

    def close(self) -> None:
        for server in self._started.values():
            server.close()


SERVERS = Servers()


def builder(world: World) -> Callable[[Policy | None, str], Starlette]:
    """What makes the application that is served, protected where there is a policy."""

    def build(policy: Policy | None, app: str) -> Starlette:
        bare = make_app(app, world.ledger, marked=policy is not None)
        if policy is not None:
            bare.add_middleware(JWTMiddleware, policy=policy)
        return bare

    return build


def _drive(name: str, http: str, case: Case, world: World) -> Answer:
    return world.play(name, case, builder(world), lambda app, request: SERVERS.get(http).ask(app, world, request))


@driver("uvicorn-h11", cannot)
def drive_h11(case: Case, world: World) -> Answer:
    """uvicorn with h11, over a socket."""
    return _drive("uvicorn-h11", "h11", case, world)


@driver("uvicorn-httptools", cannot_httptools)
def drive_httptools(case: Case, world: World) -> Answer:
    """uvicorn with httptools, over a socket."""
    return _drive("uvicorn-httptools", "httptools", case, world)
