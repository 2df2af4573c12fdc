"""A key server on raw sockets, so that every byte of an answer is the test's own.

Owns: the listening socket, a thread for each connection, and the stands: one issuer each, told apart by path.
Must never know: jwtmw, and what an answer is meant to break.
"""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

METADATA = "/.well-known/openid-configuration"
JWKS = "/jwks"


@dataclass(frozen=True)
class Call:
    """One connection whose request has been read: `path` is the part behind the stand's own."""

    stream: socket.socket
    stand: Stand
    path: str
    conditional: str | None

    def send(self, *pieces: bytes) -> None:
        """These bytes, as they are."""
        for piece in pieces:
            self.stream.sendall(piece)

    def wait(self, seconds: float) -> bool:
        """Let time pass; True where the stand is mended or closed meanwhile, so that nobody listens any more."""
        return self.stand.released.wait(seconds)

    def reset(self) -> None:
        """End the connection with RST instead of FIN: linger for no time."""
        self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


Answer = Callable[[Call], None]


@dataclass
class Stand:
    """An issuer of its own on the shared server: what it answers at which path, and how often it was asked."""

    base: str
    answers: dict[str, Answer] = field(default_factory=dict)
    hits: Counter[str] = field(default_factory=Counter)
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def requests(self) -> int:
        """How many requests have come since the count was last cleared."""
        return sum(self.hits.values())

    def url(self, path: str = JWKS) -> str:
        return self.base + path

    def answer(self, call: Call) -> None:
        self.hits[call.path] += 1
        self.answers[call.path](call)


class KeyServer:
    """Listens on loopback until it is closed; a context manager."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._stands: dict[str, Stand] = {}
        threading.Thread(target=self._accept, daemon=True).start()

    def stand(self) -> Stand:
        """A new issuer."""
        name = f"s{len(self._stands)}"
        stand = Stand(f"http://127.0.0.1:{self._listener.getsockname()[1]}/{name}")
        self._stands[name] = stand
        return stand

    def close(self) -> None:
        for stand in self._stands.values():
            stand.released.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                stream, _ = self._listener.accept()
                threading.Thread(target=self._converse, args=(stream,), daemon=True).start()

    def _converse(self, stream: socket.socket) -> None:
        # Whoever hangs up in the middle of an answer is a client as it should be.
        with suppress(OSError), stream:
            head = _head(stream)
            name, slash, rest = head.split(" ")[1].lstrip("/").partition("/")
            stand = self._stands[name]
            stand.answer(Call(stream, stand, slash + rest, _conditional(head)))


def _head(stream: socket.socket) -> str:
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = stream.recv(4096)
        if not chunk:
            raise ConnectionError
        received += chunk
    return received.decode("latin-1")


def _conditional(head: str) -> str | None:
    found = [line.partition(":")[2].strip() for line in head.splitlines() if line.lower().startswith("if-none-match:")]
    return found[0] if found else None
