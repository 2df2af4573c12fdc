"""The facts of one request, as every surface must present them to the engine, and what was decided of it.

Owns: the shape of a request as the engine sees it.
Must never know: ASGI, WSGI, frameworks, tokens, policy. An adapter subclasses `Request` and translates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from jwtmw.decision import Allow, Deny
    from jwtmw.policy.marks import Mark
    from jwtmw.policy.rules import Ask
    from jwtmw.proof.evidence import Evidence


class Judge(Protocol):
    """The part of the engine that is asked again while the application runs."""

    def enforce(self, request: Request, allow: Allow, mark: Mark) -> None:
        """Raise `Denied` unless the caller who was let in as `allow` says meets the mark."""


class Request:
    """What an adapter says of a request.

    method        exact case; a WebSocket handshake is "GET"
    path          the path as the server decoded it, once; it need not be a str: the engine refuses what is not
    raw_path      the path's bytes as received, None where the server gives none; only ambiguity is judged on it
    root_path     what the router takes off the path before it routes, "" where nothing
    query_string  the bytes behind the question mark, b"" without one
    websocket     True for a WebSocket handshake
    mark          the endpoint's mark; only meaningful where `endpoint_known`
    endpoint_known  False while an adapter that sees endpoints has not come to the router yet
    any_method    True where the endpoint answers OPTIONS as it answers anything: for it a preflight is no other request
    sent          the request as it came in, where this one is for a path or method that it was changed to; else None

    What the engine and the adapter note on it:

    ask           what the route wants; None before, and where no rule was asked
    judge, allow  who let the request in, and as whom; None before
    judged_mark   the mark that this decision has taken into account
    denied        what the second lock refused while the application ran; None where it did not
    evidence      what was proved of the request as it came in: nothing is read or spent for it a second time
    """

    # Defaults are the class's, so that making the facts costs only what the adapter says.
    raw_path: bytes | None = None
    root_path: str = ""
    query_string: bytes = b""
    websocket: bool = False
    mark: Mark | None = None
    endpoint_known: bool = True
    any_method: bool = False
    sent: Request | None = None
    ask: Ask | None = None
    judge: Judge | None = None
    allow: Allow | None = None
    judged_mark: Mark | None = None
    denied: Deny | None = None
    evidence: Evidence | None = None

    def __init__(self, method: str, path: str, raw_path: bytes | None = None, query_string: bytes = b"") -> None:
        self.method = method
        self.path = path
        self.raw_path = raw_path
        self.query_string = query_string

    def header(self, name: bytes) -> bytes | None:
        """All lines of the header, joined by b"," in their order; None without one. `name` is lower-case."""
        raise NotImplementedError
