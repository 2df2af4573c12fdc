"""WSGI applications called in process, with environs made by hand as a server makes them.

Owns: environs, the server's side of PEP 3333, the plain application; the reading of answers.
Must never know: jwtmw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

from tests.conformance.schema import Answer, Case, Request
from tests.conformance.world import Ledger, World

Environ = dict[str, Any]
App = Callable[[Any, Any], Iterable[bytes]]


def cannot(case: Case) -> str | None:
    """What no environ can say."""
    if case.request.websocket:
        return "PEP 3333 knows no WebSockets"
    return None


def environ_of(request: Request, ledger: Ledger) -> Environ:
    """The environ that gunicorn would make of these bytes, less what the case takes away.

    Header lines are joined by commas, names with an underscore are dropped, the path is decoded to bytes and written as
    latin-1. The root path is taken off on a segment edge, as waitress and werkzeug's dispatcher do it.
    """
    raw_path, _, query = request.target.partition(b"?")
    environ: Environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": request.root_path,
        "PATH_INFO": _below(unquote_to_bytes(raw_path), request.root_path.encode()).decode("latin-1"),
        "RAW_URI": request.target.decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
        "SERVER_NAME": "orders.example",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.7",
        "HTTP_HOST": "orders.example",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": Body(request.body, ledger),
        "wsgi.input_terminated": True,
        "wsgi.errors": None,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    environ |= _headers(request)
    if request.length is not None:
        environ["CONTENT_LENGTH"] = str(request.length)
    if request.chunked:
        environ["HTTP_TRANSFER_ENCODING"] = "chunked"
    return _said_by_hand(environ, request)


def _below(path: bytes, root_path: bytes) -> bytes:
    return path[len(root_path) :] if path == root_path or path.startswith(root_path + b"/") else path


def _headers(request: Request) -> Environ:
    lines: dict[str, list[str]] = {}
    for name, value in request.headers:
        if b"_" not in name:
            lines.setdefault(name.decode("latin-1").upper().replace("-", "_"), []).append(value.decode("latin-1"))
    bare = ("CONTENT_TYPE", "CONTENT_LENGTH")
    # RFC 9113 section 8.2.3: the crumbs of HTTP/2 are one line again before anything like CGI sees them.
    crumbs = "; " if request.scope.get("http_version") == "2" else ","
    joined = {name: (crumbs if name == "COOKIE" else ",").join(values) for name, values in lines.items()}
    return {name if name in bare else f"HTTP_{name}": value for name, value in joined.items()}


def _said_by_hand(environ: Environ, request: Request) -> Environ:
    """What the case puts into a hand-made scope, in the words of an environ."""
    if "path" in request.scope:
        said = request.scope["path"]
        environ["PATH_INFO"] = said.encode("utf-8", "surrogatepass").decode("latin-1") if type(said) is str else said
    names = {"raw_path": "RAW_URI", "query_string": "QUERY_STRING", "root_path": "SCRIPT_NAME"}
    for key, value in request.scope.items():
        if key in names:
            environ[names[key]] = None if value is None else value.decode("latin-1")
    return {name: value for name, value in environ.items() if value is not None or name == "wsgi.errors"}


class Body(BytesIO):
    """A request's body, which notes in the ledger that it is read."""

    def __init__(self, content: bytes, ledger: Ledger) -> None:
        super().__init__(content)
        self._ledger = ledger

    def read(self, size: int | None = -1) -> bytes:
        self._ledger.body_reads += 1
        return super().read(size)

    def readinto(self, buffer: Any) -> int:
        self._ledger.body_reads += 1
        return super().readinto(buffer)

    def readline(self, size: int | None = -1) -> bytes:
        self._ledger.body_reads += 1
        return super().readline(size)


def call(world: World, app: App, request: Request) -> Answer:
    """Call the application with one request and read its answer."""
    return answer(app, environ_of(request, world.ledger))


def answer(app: App, environ: Environ) -> Answer:
    """What a server would send: headers with the first bytes of the body, never twice."""
    started: list[tuple[str, list[tuple[str, str]]]] = []
    body: list[bytes] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        assert exc_info is not None or not started, "the answer is started twice"
        if exc_info is not None and any(body):
            raise exc_info[1].with_traceback(exc_info[2])
        started[:] = [(status, headers)]
        return body.append

    iterable = app(environ, start_response)
    try:
        for chunk in iterable:
            assert started, "a body without a start"
            body.append(chunk)
    finally:
        if hasattr(iterable, "close"):
            iterable.close()
    assert started, "the answer was never started"
    status, headers = started[0]
    assert status[3:4] == " ", "a status line has a phrase"
    pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    return Answer(int(status[:3]), pairs, b"".join(body))


def plain_app(ledger: Ledger) -> App:
    """An application of one endpoint, which answers everything with what it was sent."""

    def app(environ: Environ, start_response: Any) -> Iterable[bytes]:
        ledger.enter()
        ledger.find_environ(environ)
        body = ledger.took = environ["wsgi.input"].read()
        start_response("200 OK", [("Content-Type", "text/plain"), ("Cache-Control", "max-age=60"), ("X-Orders", "7")])
        yield b"%d bytes, " % len(body)
        yield body[:8]

    return app
