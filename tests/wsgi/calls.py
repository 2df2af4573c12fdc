"""Environs made by hand, and a server's side of PEP 3333 that notes in which order things happen.

Owns: environs and answers.
Must never know: how to decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
OK = "200 OK"


def environ(token: Any = None, path: Any = "/orders", method: Any = "GET", **members: Any) -> Environ:
    """As a server makes it."""
    made = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "RAW_URI": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "orders.example",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(),
        "wsgi.errors": BytesIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if token is not None:
        made["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return made | members


class Server:
    """One answer, as a server sends it: headers go with the first bytes; a second start needs exc_info."""

    def __init__(self) -> None:
        self.status = ""
        self.headers: Headers = []
        self.body: list[bytes] = []
        self.starts = 0

    def start_response(self, status: str, headers: Headers, *exc_info: Any) -> Callable[[bytes], object]:
        if any(self.body):
            raise exc_info[0][1]
        assert exc_info or not self.status, "started twice"
        self.status, self.headers = status, headers
        self.starts += 1
        return self.body.append

    def send(self, iterable: Iterable[bytes]) -> Server:
        try:
            for chunk in iterable:
                assert self.status, "a body without a start"
                self.body.append(chunk)
        finally:
            if hasattr(iterable, "close"):
                iterable.close()
        return self

    def header(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name]

    @property
    def content(self) -> bytes:
        return b"".join(self.body)


def call(app: Any, given: Environ) -> Server:
    server = Server()
    return server.send(app(given, server.start_response))


class App:
    """A bare application that notes what it was called with."""

    def __init__(self, *headers: tuple[str, str]) -> None:
        self.headers = list(headers)
        self.environs: list[Environ] = []

    def __call__(self, environ: Environ, start_response: Any) -> list[bytes]:
        self.environs.append(environ)
        start_response(OK, self.headers)
        return [b"done"]
