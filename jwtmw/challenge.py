"""The one renderer: a `Deny` becomes status, headers and body, the same on every surface.

Owns: status codes, `WWW-Authenticate` (RFC 6750 section 3, RFC 9110 section 11.6.1), bodies (RFC 9457) and their formats.
Must never know: why a token was refused beyond the reason's name, frameworks, servers. The only place that knows 401 and 403.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from jwtmw.decision import Code, Deny, Reason
from jwtmw.request import Request

logger = logging.getLogger("jwtmw.challenge")

ErrorFormat = Literal["problem", "message", "edgex", "empty"]
OnDeny = Callable[["Problem", Request], tuple[str, str | bytes]]

# code -> status, title, detail, and APISIX's text where APISIX has one
_SHOWN: dict[Code, tuple[int, str, str, str]] = {
    Code.TOKEN_MISSING: (401, "Unauthorized", "This resource needs an access token.", "Missing JWT token in request"),
    Code.INVALID_REQUEST: (
        400,
        "Bad Request",
        "The request must carry exactly one well-formed access token.",
        "JWT token invalid",
    ),
    Code.BAD_PATH: (400, "Bad Request", "The path can be read in more than one way.", ""),
    Code.BAD_METHOD: (400, "Bad Request", "The request method is not known.", ""),
    Code.TOKEN_INVALID: (401, "Unauthorized", "The access token was refused.", "failed to verify jwt"),
    Code.INSUFFICIENT_SCOPE: (403, "Forbidden", "The access token does not grant enough for this resource.", ""),
    Code.FORBIDDEN: (403, "Forbidden", "Nobody may use this resource.", ""),
    Code.UNAVAILABLE: (503, "Service Unavailable", "The access token cannot be checked now. Try again later.", ""),
    Code.INTERNAL_ERROR: (500, "Internal Server Error", "The request could not be judged.", ""),
}

# RFC 6750 section 3.1: no error attribute where no token was presented; one fixed description, so nothing can leak.
_ERROR = {
    Code.INVALID_REQUEST: 'error="invalid_request"',
    Code.TOKEN_INVALID: 'error="invalid_token", error_description="The access token was refused"',
    Code.INSUFFICIENT_SCOPE: 'error="insufficient_scope"',
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal as it is shown: what `Policy(on_deny=...)` receives. `reason` only with `expose_reason`."""

    status: int
    code: str
    title: str
    detail: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """A refusal, ready to send. Header names are lower-case; `headers` always holds content-length."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class Renderer:
    """Renders refusals in one configured format."""

    def __init__(
        self,
        realm: str = "api",
        error_format: ErrorFormat = "problem",
        expose_reason: bool = False,
        on_deny: OnDeny | None = None,
    ) -> None:
        self._realm = realm.replace("\\", "\\\\").replace('"', '\\"')
        self._format = error_format
        self._expose_reason = expose_reason
        self._on_deny = on_deny

    def render(self, deny: Deny, request: Request | None) -> Response:
        """The response to send instead of calling the app; a HEAD request gets the headers and no body."""
        problem = self._problem(deny.reason)
        content_type, body = self._content(problem, request)
        headers = [(b"content-type", content_type)] if content_type else []
        headers += [(b"content-length", b"%d" % len(body)), (b"cache-control", b"no-store")]
        headers += self._challenge(deny)
        if deny.retry_after:
            headers.append((b"retry-after", b"%d" % deny.retry_after))
        head = request is not None and request.method == "HEAD"
        return Response(problem.status, tuple(headers), b"" if head else body)

    def _problem(self, reason: Reason) -> Problem:
        status, title, detail, _ = _SHOWN[reason.code]
        return Problem(status, reason.code.value, title, detail, reason.value if self._expose_reason else None)

    def _challenge(self, deny: Deny) -> list[tuple[bytes, bytes]]:
        code = deny.reason.code
        if code is not Code.TOKEN_MISSING and code not in _ERROR:
            return []
        parts = [f'realm="{self._realm}"']
        if code in _ERROR:
            parts.append(_ERROR[code])
        if code is Code.INSUFFICIENT_SCOPE and deny.ask is not None and deny.ask.scopes_wanted:
            parts.append(f'scope="{" ".join(deny.ask.scopes_wanted)}"')
        return [(b"www-authenticate", b"Bearer " + ", ".join(parts).encode("ascii"))]

    def _content(self, problem: Problem, request: Request | None) -> tuple[bytes, bytes]:
        if self._on_deny is not None and request is not None:
            try:
                return _checked(self._on_deny(problem, request))
            except Exception as error:
                # The hook is the application's; a refusal must not depend on it. Its message may hold anything.
                logger.error("on_deny failed with %s; the default body is used", type(error).__name__)
        return _FORMATS[self._format](problem)


def _checked(answer: tuple[str, str | bytes]) -> tuple[bytes, bytes]:
    content_type, body = answer
    if not (content_type.isascii() and content_type.isprintable()):
        raise ValueError("content type")
    return content_type.encode("ascii"), body.encode("utf-8") if isinstance(body, str) else bytes(body)


def _json(members: dict[str, Any], problem: Problem) -> bytes:
    if problem.reason is not None:
        members["reason"] = problem.reason
    return json.dumps(members, separators=(",", ":")).encode("ascii")


def _problem_format(problem: Problem) -> tuple[bytes, bytes]:
    members = {
        "type": "about:blank",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
    }
    return b"application/problem+json", _json(members, problem)


def _message_format(problem: Problem) -> tuple[bytes, bytes]:
    text = _SHOWN[Code(problem.code)][3] or problem.detail
    return b"application/json", _json({"message": text}, problem)


def _edgex_format(problem: Problem) -> tuple[bytes, bytes]:
    members = {"apiVersion": "v3", "message": problem.detail, "statusCode": problem.status}
    return b"application/json", _json(members, problem)


def _empty_format(problem: Problem) -> tuple[bytes, bytes]:
    return b"", b""


_FORMATS: dict[str, Callable[[Problem], tuple[bytes, bytes]]] = {
    "problem": _problem_format,
    "message": _message_format,
    "edgex": _edgex_format,
    "empty": _empty_format,
}
