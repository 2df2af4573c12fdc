"""A small HTTP server that can be reached from this machine only.

Owns: the socket, the threads, and the translation between HTTP and a `respond` function.
Must never know: issuers, tokens, what is answered. It binds to a loopback address or not at all.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self, cast
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from jwtmw.endpoints.endpoint import Response

MAX_BODY = 65536


Respond = Callable[[str, str, Mapping[str, str], bytes], "Response"]


class LoopbackServer:
    """Serves `respond(method, path, headers, body)` until `close`, in threads of its own; a context manager.

    host  a loopback address: 127.0.0.1, ::1 or localhost
    port  0 takes a free one

    Raises ValueError for a host that is not loopback, and OSError where the port is taken.
    """

    def __init__(self, respond: Respond, *, host: str = "127.0.0.1", port: int = 0) -> None:
        address = loopback_address(host)
        self._server = _Server(respond, address, port)
        shown = f"[{address}]" if address.version == 6 else str(address)
        self.url = f"http://{shown}:{self._server.server_address[1]}"
        # The interval is how long close() may take: it waits for the loop to look up.
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="jwtmw-loopback")
        self._thread.daemon = True
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def wait(self) -> None:
        """Return when the server was closed."""
        self._thread.join()

    def close(self) -> None:
        """Stop listening and return the port. A second time it does nothing."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def loopback_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address of `host`; raises ValueError unless it is loopback. Names other than localhost are not resolved."""
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        raise ValueError("only a loopback address: 127.0.0.1, ::1 or localhost") from None
    if not address.is_loopback:
        raise ValueError("only a loopback address: 127.0.0.1, ::1 or localhost")
    return address


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, respond: Respond, address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int) -> None:
        self.respond = respond
        self.address_family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
        super().__init__((str(address), port), _Handler)

    def server_bind(self) -> None:
        # Not HTTPServer's, which asks a name server for our own name.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A caller that hangs up is its own business; anything else is shown.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    timeout = 30  # seconds that a caller may be silent

    def handle_request(self) -> None:
        """Read one request, answer it; methods other than GET and POST are answered with 501 before."""
        length = self.headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()):
            self.send_error(400)
        elif len(length) > len(str(MAX_BODY)) or int(length) > MAX_BODY:
            self.send_error(413)
        else:
            self._answer(self.rfile.read(int(length)))

    def _answer(self, body: bytes) -> None:
        try:
            path = urlsplit(self.path).path
        except ValueError:
            return self.send_error(400)
        headers = {name.lower(): value for name, value in self.headers.items()}
        respond = cast("_Server", self.server).respond
        self._send(respond(self.command, path, headers, body))

    do_GET = do_POST = handle_request  # noqa: N815 - the names are the standard library's

    def _send(self, answer: Response) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the standard library's
        """Say nothing: a request line may hold a token."""
