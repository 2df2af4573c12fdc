"""The service behind the gateways, as bytes: it answers everything, and keeps what it was sent.

Owns: the listening socket, its threads, the requests as they came.
Must never know: gateways, tokens.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import NamedTuple, Self

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\norders"


class Received(NamedTuple):
    """A request as it came: header names as they were written, lines in their order."""

    method: str
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def values(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.headers if key.lower() == name]


class Upstream:
    """Listens on a port of loopback that is free, while the context lasts; one request for each connection."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._received: list[Received] = []
        self._thread = threading.Thread(target=self._serve, name="upstream")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Wakes the thread that waits in accept.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def taken(self) -> list[Received]:
        """What came since the last look. A gateway answers behind the upstream, so nothing is still to come."""
        taken, self._received = self._received, []
        return taken

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(10)
                # A gateway may open more connections than it needs, and leave any.
                with suppress(OSError):
                    received = _read(connection)
                    if received is not None:
                        self._received.append(received)
                        connection.sendall(ANSWER)


def _read(connection: socket.socket) -> Received | None:
    """One request; None where the gateway only tried whether somebody listens."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    method, target, _ = first.split(b" ")
    pairs = [line.partition(b":") for line in lines]
    headers = tuple((name, value.strip()) for name, _, value in pairs)
    received = Received(method.decode("latin-1"), target, headers, body)
    length = int((received.values(b"content-length") or [b"0"])[0])
    while len(body) < length and (more := connection.recv(65536)):
        body += more
    return received._replace(body=body)
