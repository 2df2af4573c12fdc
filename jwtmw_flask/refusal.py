"""A refusal as a Flask response: the renderer's own, or what a handler of the application makes of it.

Owns: which handlers count, and what of the refusal stays whatever a handler answers.
Must never know: why a request is refused.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, Response
from werkzeug.datastructures import Headers, WWWAuthenticate
from werkzeug.exceptions import HTTPException, default_exceptions

from jwtmw import Denied
from jwtmw.adapter import Deny, record_unforeseen
from jwtmw.adapter import Response as Rendered

# What a handler keeps, unless it says otherwise: how to authenticate, when to come again, and that nobody stores it.
KEPT = ("WWW-Authenticate", "Retry-After", "Cache-Control")


class Refused(Denied, HTTPException):
    """What a handler for `jwtmw.Denied`, or for the refusal's exact status code, is called with.

    `code` is the status, `response` the answer that is sent without a handler, `www_authenticate` its challenge as
    in `werkzeug.exceptions.Unauthorized`, `decision` the engine's `Deny`: its `reason` is for logs, not for callers.
    """

    code: int

    def __init__(self, deny: Deny, response: Response) -> None:
        self.code = response.status_code  # pyright: ignore[reportIncompatibleVariableOverride]
        # Not Denied's own: what it says of itself names the reason, and descriptions are shown to callers.
        HTTPException.__init__(self, default_exceptions[self.code].description, response)
        self.decision = deny
        self.www_authenticate = _challenges(response)
        # What handlers for 500 ask for.
        self.original_exception = None


def refuse(app: Flask, blueprints: list[str], deny: Deny, rendered: Rendered) -> Response:
    """The response of the application's handler where it has one for such refusals, else the renderer's own."""
    response = as_response(app, rendered)
    handler = _handler(app, blueprints, rendered.status)
    if handler is None:
        return response
    try:
        answer = app.make_response(app.ensure_sync(handler)(Refused(deny, as_response(app, rendered))))
    except Exception as error:  # noqa: BLE001 (the application's; a refusal does not depend on it)
        record_unforeseen("an error handler", error)
        return response
    for name in KEPT:
        if name in response.headers and name not in answer.headers:
            answer.headers[name] = response.headers[name]
    return answer


def as_response(app: Flask, rendered: Rendered) -> Response:
    """The renderer's answer, byte for byte."""
    headers = Headers([(name.decode("latin-1"), value.decode("latin-1")) for name, value in rendered.headers])
    # As a list: of bytes Werkzeug counts the length, and that of a HEAD's answer is not its body's.
    response = app.response_class([rendered.body], rendered.status, headers)
    if not any(name == b"content-type" for name, _ in rendered.headers):
        # Werkzeug names a type where there is none.
        del response.headers["content-type"]
    return response


def _handler(app: Flask, blueprints: list[str], status: int) -> Any:
    """As Flask looks for one, but never one for whatever comes: `Exception`, `HTTPException`."""
    for code, kind in ((status, default_exceptions[status]), (None, Denied)):
        for name in (*blueprints, None):
            handler = app.error_handler_spec.get(name, {}).get(code, {}).get(kind)
            if handler is not None:
                return handler
    return None


def _challenges(response: Response) -> tuple[WWWAuthenticate, ...]:
    parsed = WWWAuthenticate.from_header(response.headers.get("WWW-Authenticate"))
    return () if parsed is None else (parsed,)
