"""The facts of one request, as every surface must present them to the engine.

Owns: the shape of a request as the engine sees it.
Must never know: ASGI, WSGI, frameworks, tokens, policy. An adapter subclasses `Request` and translates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jwtmw.policy.marks import Mark
    from jwtmw.policy.rules import Ask


class Request:
    """What an adapter says of a request.

    method        exact case; a WebSocket handshake is "GET"
    path          the path as the server decoded it, once; it need not be a str: the engine refuses what is not
    root_path     what the router takes off the path before it routes, "" where nothing
    raw_path      the path's bytes as received, None where the server gives none; only ambiguity is judged on it
    query_string  the bytes behind the question mark, b"" without one
    websocket     True for a WebSocket handshake
    mark          the endpoint's mark; only meaningful where `endpoint_known`
    ask           what the route wants, noted by the engine; None before, and where no rule was asked
    endpoint_known  False while an adapter that sees endpoints has not come to the router yet
    """

    __slots__ = ("ask", "endpoint_known", "mark", "method", "path", "query_string", "raw_path", "root_path", "websocket")

    def __init__(
        self,
        method: str,
        path: str,
        raw_path: bytes | None = None,
        root_path: str = "",
        query_string: bytes = b"",
        websocket: bool = False,
    ) -> None:
        self.method = method
        self.path = path
        self.raw_path = raw_path
        self.root_path = root_path
        self.query_string = query_string
        self.websocket = websocket
        self.mark: Mark | None = None
        self.ask: Ask | None = None
        self.endpoint_known = True

    def header(self, name: bytes) -> bytes | None:
        """All lines of the header, joined by b"," in their order; None without one. `name` is lower-case."""
        raise NotImplementedError
