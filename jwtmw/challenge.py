"""The one renderer: a `Deny` becomes status, headers and body, the same on every surface.

Owns: status codes, `WWW-Authenticate` (RFC 6750 section 3, RFC 9110 section 11.6.1), bodies (RFC 9457) and their
formats; the only place that knows 401 and 403.
Must never know: why a token was refused beyond the reason's name, frameworks, servers.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jwtmw.decision import Code, Deny, Reason
from jwtmw.records import record_unforeseen
from jwtmw.request import Request

OnDeny = Callable[["Problem", Request], tuple[str, str | bytes]]

# code -> status, title, detail
_SHOWN = {
    Code.TOKEN_MISSING: (401, "Unauthorized", "This resource needs an access token."),
    Code.INVALID_REQUEST: (400, "Bad Request", "The request must carry exactly one well-formed access token."),
    Code.BAD_PATH: (400, "Bad Request", "The path can be read in more than one way."),
    Code.BAD_METHOD: (400, "Bad Request", "The request method is not known."),
    Code.BAD_HEADER: (400, "Bad Request", "The name of a header can be read in more than one way."),
    Code.TOKEN_INVALID: (401, "Unauthorized", "The access token was refused."),
    Code.INSUFFICIENT_SCOPE: (403, "Forbidden", "The access token does not grant enough for this resource."),
    Code.FORBIDDEN: (403, "Forbidden", "Nobody may use this resource."),
    Code.CSRF: (403, "Forbidden", "The request does not prove that it comes from a page that may send it."),
    Code.BODY_TOO_LARGE: (413, "Content Too Large", "The body is larger than this resource takes with its token."),
    Code.UNAVAILABLE: (503, "Service Unavailable", "The access token cannot be checked now. Try again later."),
    Code.INTERNAL_ERROR: (500, "Internal Server Error", "The request could not be judged."),
}
# APISIX's own texts, where it has one; clients may look for them.
_APISIX = {
    Code.TOKEN_MISSING.value: "Missing JWT token in request",
    Code.INVALID_REQUEST.value: "JWT token invalid",
    Code.TOKEN_INVALID.value: "failed to verify jwt",
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
    """Renders refusals in one configured format: "problem", "message", "edgex" or "empty"."""

    def __init__(
        self,
        realm: str = "api",
        error_format: str = "problem",
        expose_reason: bool = False,
        on_deny: OnDeny | None = None,
    ) -> None:
        self._realm = realm.replace("\\", "\\\\").replace('"', '\\"')
        self._format = _FORMATS[error_format]
        self._expose_reason = expose_reason
        self._on_deny = on_deny

    def render(self, deny: Deny, request: Request | None, head: bool | None = None) -> Response:
        """The response to send instead of calling the app; a HEAD request gets the headers and no body.

        `head` says so where the answer is to another request than the one that was judged.
        """
        problem = self._problem(deny.reason)
        content_type, body = self._content(problem, request)
        headers = [(b"content-type", content_type)] if content_type else []
        headers += [(b"content-length", b"%d" % len(body)), (b"cache-control", b"no-store")]
        headers += self._challenge(deny)
        if deny.retry_after:
            headers.append((b"retry-after", b"%d" % deny.retry_after))
        if head is None:
            head = request is not None and request.method == "HEAD"
        return Response(problem.status, tuple(headers), b"" if head else body)

    def _problem(self, reason: Reason) -> Problem:
        status, title, detail = _SHOWN[reason.code]
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
            except Exception as error:  # noqa: BLE001 (the application's; a refusal does not depend on it)
                record_unforeseen("on_deny", error)
        return self._format(problem)


def _checked(answer: tuple[str, str | bytes]) -> tuple[bytes, bytes]:
    """What `on_deny` returned, fit for a header and a body; raises for anything else."""
    content_type, body = answer
    # A header's value: a control character in it would end it, a blank around it some servers refuse.
    if not (content_type.isascii() and content_type.isprintable() and content_type == content_type.strip()):
        raise ValueError("no content type")
    if not isinstance(body, str | bytes):
        raise TypeError("no body")
    return content_type.encode("ascii"), body.encode("utf-8") if isinstance(body, str) else body


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
    return b"application/json", _json({"message": _APISIX.get(problem.code, problem.detail)}, problem)


def _edgex_format(problem: Problem) -> tuple[bytes, bytes]:
    members = {"apiVersion": "v3", "message": problem.detail, "statusCode": problem.status}
    return b"application/json", _json(members, problem)


def _empty_format(problem: Problem) -> tuple[bytes, bytes]:  # noqa: ARG001 (one of four)
    return b"", b""


_FORMATS: dict[str, Callable[[Problem], tuple[bytes, bytes]]] = {
    "problem": _problem_format,
    "message": _message_format,
    "edgex": _edgex_format,
    "empty": _empty_format,
}
