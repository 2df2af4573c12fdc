"""The facts of a Django request: what the server said of it, and the path that Django's resolver will use.

Django has decoded the path by now and written it back into `META`; what it made of it is what is judged. The facts
are those of the request as it came in: neither what is hidden from the application nor a header that middleware has
put there, as from a cookie, changes them.

Owns: the translation of an `HttpRequest` into request facts, and the reading of its body.
Must never know: how to decide, views, who stands behind.
"""

from __future__ import annotations

import copy
from typing import Any, Self, cast
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest as DjangoWSGIRequest
from django.http import HttpRequest

from jwtmw.adapter import PASS, ASGIRequest, Decision, Request, WSGIRequest, native
from jwtmw.adapter import read_body as read_environ

# What the resolver goes by, and what views dispatch by: path_info and method.
Where = tuple[str, str]


class Facts(Request):
    """A judged request. Defaults are the class's, as in `Request`.

    seen   the path and the method that are judged here
    first  what was decided before the view was known: a refusal there is one that only a mark can lift
    """

    seen: Where
    endpoint_known = False
    first: Decision = PASS

    def moved(self, to: Where) -> Self:
        """The same caller's request for another path or method."""
        new = copy.copy(self)
        new.seen = new.path, new.method = to
        # Under ASGI Django leaves nothing of a path that is the prefix alone.
        new.path = new.path or "/"
        new.raw_path, new.root_path = None, ""
        new.sent = self.sent or self
        new.mark = new.ask = new.judged_mark = None
        new.endpoint_known = new.any_method = False
        return new


class WSGIFacts(Facts, WSGIRequest):
    """The facts of a request that came as an environ."""

    def __init__(self, request: HttpRequest) -> None:
        meta = request.META
        path: str = meta.get("PATH_INFO", "")
        script_name: str = meta.get("SCRIPT_NAME", "")
        if path.isascii() and script_name.isascii():
            super().__init__({**meta})
        else:
            # Django's texts become native strings again, which is what an environ holds.
            super().__init__({**meta, "PATH_INFO": native(path), "SCRIPT_NAME": native(script_name)})
        raw_path = self.raw_path
        if raw_path is not None and raw_path != path.encode("utf-8", "replace"):
            self._agree(path, raw_path)
        self.seen = path, self.method

    def _agree(self, path: str, raw_path: bytes) -> None:
        """Where Django has put something into the place of what the server said, the target is not to be blamed."""
        if settings.FORCE_SCRIPT_NAME is not None:
            # Another prefix than the server's own, which is what the target has in front of the path.
            self.root_path = _before(path, raw_path)
            self.path = self.root_path + path
        elif path == "/" and self.root_path and not raw_path.endswith(b"/"):
            # For an empty PATH_INFO.
            self.path = self.root_path


class ASGIFacts(Facts, ASGIRequest):
    """The facts of a request that came as an ASGI scope."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(cast("Any", request).scope)
        self.root_path = request.META["SCRIPT_NAME"]
        self.seen = request.META["PATH_INFO"], self.method


def _before(path: str, raw_path: bytes) -> str:
    """What the target has in front of the path."""
    target = unquote_to_bytes(raw_path).decode("utf-8", "replace")
    return target.removesuffix(path) if path.startswith("/") else ""


def facts_of(request: HttpRequest) -> Facts:
    """The facts of a request as it came in."""
    return ASGIFacts(request) if "scope" in request.__dict__ else WSGIFacts(request)


def where(request: HttpRequest) -> Where:
    """What the request says now: middleware may have changed it."""
    return request.path_info, request.method or ""


def read_body(request: HttpRequest, limit: int) -> bytes | None:
    """The whole body, or None where it is larger than `limit` bytes. The application reads it again, chunked or not.

    Raises `BodyUnreadable` where it does not come whole, and Django's own error where somebody has begun to read what
    cannot be read a second time.
    """
    if "scope" in request.__dict__:
        body: bytes | None = _received(request, limit)
    elif "_body" in request.__dict__ or cast("Any", request)._read_started:
        body = request.body
    else:
        return _taken(request, limit)
    return body if body is None or len(body) <= limit else None


def _taken(request: HttpRequest, limit: int) -> bytes | None:
    """Before Django reads it, which knows nothing of bodies without a length."""
    environ = cast("DjangoWSGIRequest", request).environ
    unread = environ["wsgi.input"]
    try:
        return read_environ(environ, limit)
    finally:
        # What was not read stays behind Django's own bound, or whoever reads it may wait for ever.
        if environ["wsgi.input"] is not unread:
            request._stream = environ["wsgi.input"]


def _received(request: HttpRequest, limit: int) -> bytes:
    """Under ASGI, Django has received the body into a file, which need not fit into memory."""
    stream = request._stream
    position = stream.tell()
    stream.seek(0)
    body = stream.read(limit + 1)
    stream.seek(position)
    return body
