"""The shape of the table: what is sent, under which policy, and what must happen.

Owns: `Case`, `Request`, `Expect`, `Answer`, and jwtmw's documented outcomes as ready-made expectations.
Must never know: how a driver carries a request, how the engine decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from jwtmw.decision import Code, Reason

Header = tuple[bytes, bytes]
# The one text that a caller reads of every refused token, whatever was wrong with it.
DESCRIPTION = b"The access token was refused"
TOKEN_CHALLENGE = b'Bearer realm="api", error="invalid_token", error_description="' + DESCRIPTION + b'"'
STATUS = {
    Code.TOKEN_MISSING: 401,
    Code.INVALID_REQUEST: 400,
    Code.BAD_PATH: 400,
    Code.BAD_METHOD: 400,
    Code.BAD_HEADER: 400,
    Code.TOKEN_INVALID: 401,
    Code.INSUFFICIENT_SCOPE: 403,
    Code.FORBIDDEN: 403,
    Code.CSRF: 403,
    Code.BODY_TOO_LARGE: 413,
    Code.UNAVAILABLE: 503,
    Code.INTERNAL_ERROR: 500,
}
CHALLENGES = {
    Code.TOKEN_MISSING: b'Bearer realm="api"',
    Code.INVALID_REQUEST: b'Bearer realm="api", error="invalid_request"',
    Code.TOKEN_INVALID: TOKEN_CHALLENGE,
    Code.INSUFFICIENT_SCOPE: b'Bearer realm="api", error="insufficient_scope"',
}
ANONYMOUS = "anonymous"
# Some whole number of seconds within bounds.
SOON = b"1..60"


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """One request as bytes. `target` is the request target: raw path, and what follows the question mark.

    `scope` replaces members of a hand-made ASGI scope, for what no server sends; `denial` says whether the server of
    a WebSocket offers the `websocket.http.response` extension. A `chunked` body comes in pieces and says no length; one
    that is `cut` says it is longer than it is, and then the caller has gone.
    """

    method: str = "GET"
    target: bytes = b"/orders/7"
    headers: tuple[Header, ...] = ()
    body: bytes = b""
    websocket: bool = False
    denial: bool = True
    root_path: str = ""
    scope: Mapping[str, Any] = field(default_factory=dict)
    chunked: bool = False
    cut: bool = False

    @property
    def pieces(self) -> list[bytes]:
        """The body as it comes; never empty, and no piece is."""
        if not self.chunked:
            return [self.body]
        return [self.body[begin : begin + 7] for begin in range(0, len(self.body), 7)] or [b""]

    @property
    def length(self) -> int | None:
        """What the request says of its body's length; None where it says nothing."""
        if self.chunked or not self.body:
            return None
        return len(self.body) + 5 * self.cut


@dataclass(frozen=True, slots=True)
class Expect:
    """What must happen.

    code        None where the request passes: the answer is then the bare application's own
    challenge   the exact WWW-Authenticate, None without one
    reason      the exact reason that must be counted, None where the case does not ask which
    reported    the request passes although it would have been refused, and is counted as such
    caller      the subject that the endpoint saw, ANONYMOUS, or None where the case does not ask
    no_store    a passing answer must gain Cache-Control: no-store
    retry_after the exact Retry-After; SOON where jitter decides
    fetches     how many times the key server was asked, by all of the case's requests together
    body        the exact body, where the case is about it
    sees        headers that the application must have found, lower-case with dashes; None: must not have found, in
                whatever spelling
    query       the query string that the application must have found
    reads       the body may have been read, as the refusal is for the body or for what comes behind it
    close       the close code of a WebSocket that is refused without the extension
    subprotocol what the handshake chose; `offered` is what the application saw
    """

    code: Code | None = None
    challenge: bytes | None = None
    reason: Reason | None = None
    caller: str | None = None
    reported: bool = False
    no_store: bool = False
    retry_after: bytes | None = None
    body: bytes | None = None
    content_type: bytes = b"application/problem+json"
    close: int | None = None
    subprotocol: bytes | None = None
    offered: tuple[str, ...] | None = None
    fetches: int | None = None
    sees: dict[str, bytes | None] = field(default_factory=dict)
    query: bytes | None = None
    reads: bool = False

    @property
    def passes(self) -> bool:
        return self.code is None

    @property
    def status(self) -> int:
        """The status of a refusal; meaningless for what passes."""
        return STATUS[self.code] if self.code else 200

    def but(self, **changes: Any) -> Expect:
        return replace(self, **changes)


@dataclass(frozen=True, slots=True)
class Earlier:
    """A request sent before the one in question, `at` seconds from the start; it must end with this status."""

    request: Request
    status: int
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Case:
    """One row. `at` turns the clock, in seconds from the start; `before` is sent first; `fresh` wants a new surface.

    `app` is "plain", one endpoint that answers everything, or "routes", an application with routes and marks.
    """

    id: str
    request: Request
    expect: Expect
    policy: str = "default"
    at: float = 0.0
    before: tuple[Earlier, ...] = ()
    fresh: bool = False
    app: str = "plain"


@dataclass(slots=True)
class Answer:
    """What came back, and what happened inside.

    Header names are lower-case; `status` is 101 for an accepted WebSocket, 0 for one that was only closed. `seen` is
    all that the application of a WebSocket found in its headers and subprotocols, `found` the header lines and `query`
    the query string of any; `took` is the body that it read; `counted` the reasons that the policy counted.
    """

    status: int
    headers: list[Header]
    body: bytes
    reached: bool = False
    body_read: bool = False
    dependencies: int = 0
    caller: str | None = None
    close: int | None = None
    offered: tuple[str, ...] | None = None
    seen: str = ""
    found: tuple[Header, ...] | None = None
    query: bytes | None = None
    took: bytes | None = None
    counted: Mapping[str, int] = field(default_factory=dict)
    fetches: int = 0

    def values(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.headers if key == name]

    def header(self, name: bytes) -> bytes | None:
        values = self.values(name)
        assert len(values) < 2, f"{name!r} was sent {len(values)} times"
        return values[0] if values else None


def get(*headers: Header, target: bytes = b"/orders/7", method: str = "GET", **rest: Any) -> Request:
    """A request; a GET of an order unless told."""
    return Request(method=method, target=target, headers=headers, **rest)


def bearer(token: bytes, scheme: bytes = b"Bearer", name: bytes = b"authorization") -> Header:
    """A header line that carries a token behind its scheme."""
    return (name, scheme + b" " + token)


def line(value: bytes, name: bytes = b"authorization") -> Header:
    """A header line, byte for byte."""
    return (name, value)


def passes(caller: str | None = None, **more: Any) -> Expect:
    """The request reaches the application, and the answer is the application's own."""
    return Expect(caller=caller, **more)


def reported(reason: Reason | None, caller: str | None = None) -> Expect:
    """The request passes in report-only mode, counted under this reason."""
    return Expect(caller=caller, reason=reason, reported=True)


def refused(reason: Reason) -> Expect:
    """The documented outcome for this reason, without scopes and Retry-After."""
    return Expect(code=reason.code, challenge=CHALLENGES.get(reason.code), reason=reason)


def insufficient(reason: Reason, scopes: bytes = b"") -> Expect:
    """403 with the scopes that rule and mark want."""
    wanted = b', scope="' + scopes + b'"' if scopes else b""
    return Expect(code=Code.INSUFFICIENT_SCOPE, challenge=CHALLENGES[Code.INSUFFICIENT_SCOPE] + wanted, reason=reason)


def invalid() -> Expect:
    """401 invalid_token, for whichever reason is found first."""
    return Expect(code=Code.TOKEN_INVALID, challenge=TOKEN_CHALLENGE)


MISSING = refused(Reason.TOKEN_MISSING)
MALFORMED = refused(Reason.CREDENTIALS_MALFORMED)
REPEATED = refused(Reason.CREDENTIALS_REPEATED)
BAD_REQUEST = MALFORMED.but(reason=None)
BAD_PATH = refused(Reason.PATH_AMBIGUOUS)
BAD_METHOD = refused(Reason.METHOD_UNKNOWN)
CSRF = refused(Reason.CSRF)
FORBIDDEN = refused(Reason.RULE_DENIES)
FORMAT = refused(Reason.TOKEN_FORMAT)
JSON = refused(Reason.TOKEN_JSON)
HEADER = refused(Reason.HEADER_REFUSED)
CLAIMS = refused(Reason.CLAIMS_MALFORMED)
SIGNATURE = refused(Reason.SIGNATURE_INVALID)
KEY = refused(Reason.KEY_UNKNOWN)
ALGORITHM = refused(Reason.ALGORITHM_REFUSED)
