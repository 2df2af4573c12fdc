"""Any WSGI application behind the engine (PEP 3333): path rules only, no marks.

Owns: the translation of decisions into `start_response` and a body, and how long the caller is known.
Must never know: how to decide, any framework.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from http import HTTPStatus
from typing import Any

from jwtmw.challenge import Renderer, Response
from jwtmw.compose import Policy, PolicySource
from jwtmw.current import judged_request
from jwtmw.decision import Allow, Decision, Deny
from jwtmw.drive import run
from jwtmw.environ import Environ, WSGIRequest, native, read_body
from jwtmw.errors import ConfigurationError, Denied
from jwtmw.nested import refuse_twice
from jwtmw.request import Request

PRINCIPAL = "jwtmw.principal"
StartResponse = Callable[..., Any]
WSGIApp = Callable[[Any, Any], Iterable[bytes]]
Headers = list[tuple[str, str]]

_PHRASES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


class JWTMiddleware:
    """Protect a WSGI application by path rules: `app = JWTMiddleware(app, policy)`.

    `policy` is a `Policy`, a mapping, the path of a TOML file, or None for the environment.
    Raises `ConfigurationError`. The caller is in `environ["jwtmw.principal"]` and `environ["REMOTE_USER"]`, and is
    known until the body is closed; a list, or a file in the server's own wrapper, is sent without the application.
    """

    def __init__(self, app: WSGIApp, policy: PolicySource = None) -> None:
        self.app = app
        self.policy = Policy.load(policy)
        refuse_unfit(self.policy)
        refuse_twice(JWTMiddleware, app, self.policy)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Judge the request, then call the app or send the refusal."""
        request = WSGIRequest(environ)
        engine, renderer = self.policy.engine, self.policy.renderer
        decision: Decision | None = engine.decide_now(request)
        if decision is None:
            decision = run(engine, request, partial(read_body, environ))
        if isinstance(decision, Deny):
            return send_response(renderer.render(decision, request), start_response)
        request.judge, request.allow = engine, decision
        admit(environ, decision)
        if self.policy.disclosure is not None:
            self.policy.disclosure.environ(environ, decision)
        start = _Start(start_response, request, renderer)
        token = judged_request.set(request)
        body: Iterable[bytes] = ()
        try:
            body = self.app(environ, start)
        except Denied as denied:
            request.judge = None
            start.deny(denied)
        except BaseException:
            request.judge = None
            raise
        finally:
            judged_request.reset(token)
        if start.refusal is None and _is_complete(body, environ):
            request.judge = None
            return body
        sized = start.refusal is None and hasattr(body, "__len__")
        return _SizedBody(body, start) if sized else _Body(body, start)


def refuse_unfit(policy: Policy) -> None:
    """Raise `ConfigurationError` for what a WSGI server cannot carry or a thread cannot wait for."""
    if policy.engine.awaits_user:
        raise ConfigurationError(
            "load_user", "an async load_user needs an ASGI application", "Make it a plain function"
        )
    for place in policy.engine.locator.places:
        if place.kind == "header" and "_" in place.name:
            problem = "WSGI servers drop a header with an underscore, or take it for another"
            raise ConfigurationError("token_from", f"{place.label}: {problem}", "Write it with hyphens")


def admit(environ: Environ, allow: Allow) -> None:
    """What the app finds in its environ: the principal, and who is REMOTE_USER (RFC 3875, sections 4.1.1 and 4.1.11).

    Whoever a front server named there was not authenticated by this policy: one that is anonymous here has no name.
    """
    principal = environ[PRINCIPAL] = allow.principal
    for name in ("REMOTE_USER", "AUTH_TYPE"):
        environ.pop(name, None)
    if principal.is_authenticated:
        environ["AUTH_TYPE"] = (allow.place and allow.place.scheme) or "Bearer"
        # A consumer's `sub` is what it says of itself.
        if who := principal.consumer.name if principal.consumer else principal.subject:
            environ["REMOTE_USER"] = native(who)


def send_response(response: Response, start_response: StartResponse, exc_info: Any = None) -> list[bytes]:
    """Start a refusal; what it returns is the body. `exc_info` replaces an answer that was started and not sent."""
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers]
    if exc_info is None:
        start_response(_PHRASES[response.status], headers)
    else:
        start_response(_PHRASES[response.status], headers, exc_info)
    return [response.body]


def no_store(headers: Headers) -> Headers:
    """RFC 6750 section 2.3: what a token in the URL gave access to must not be kept by caches."""
    return [
        *((name, value) for name, value in headers if name.lower() != "cache-control"),
        ("Cache-Control", "no-store"),
    ]


def _is_complete(body: Iterable[bytes], environ: Environ) -> bool:
    """Whether the server sends this without the application: a list, or a file in the server's own wrapper.

    Both are handed on as they are, for a list of one has a Content-Length, and a file may go by sendfile.
    """
    if type(body) is list or type(body) is tuple:
        return True
    wrapper = environ.get("wsgi.file_wrapper")
    return isinstance(wrapper, type) and isinstance(body, wrapper)


class _Start:
    """The app's `start_response`. Untouched, but for `no_store`, and for the refusal in the place of a 500.

    Frameworks make a 500 of exceptions that they do not know: where the second lock refused, the refusal is sent.
    `refusal` is then its body, in the place of whatever the app sends.
    """

    __slots__ = ("_no_store", "_renderer", "_start_response", "_write", "begun", "refusal", "request", "sent")

    def __init__(self, start_response: StartResponse, request: Request, renderer: Renderer) -> None:
        self._start_response = start_response
        self._renderer = renderer
        self._write: Callable[[bytes], object] = self._discard
        place = request.allow and request.allow.place
        self._no_store = place is not None and place.kind == "query"
        self.request = request
        self.begun = self.sent = False
        self.refusal: list[bytes] | None = None

    def __call__(self, status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], object]:
        """As PEP 3333 has it."""
        deny = self.request.denied
        if deny is not None and status.startswith("500"):
            self._refuse(deny, exc_info)
            return self._discard
        if self._no_store:
            headers = no_store(headers)
        arguments = (status, headers) if exc_info is None else (status, headers, exc_info)
        self._write = self._start_response(*arguments)
        self.begun, self.refusal = True, None
        return self.write

    def write(self, data: bytes) -> None:
        """The server's own; behind it no other answer can be sent."""
        self.sent = True
        self._write(data)

    def deny(self, denied: Denied) -> None:
        """The second lock has spoken: answer, or let the server fail loudly where the app's answer is under way."""
        if self.refusal is None:
            if self.sent:
                raise denied
            self._refuse(denied.decision, sys.exc_info() if self.begun else None)

    def _refuse(self, deny: Deny, exc_info: Any) -> None:
        self.refusal = send_response(self._renderer.render(deny, self.request), self._start_response, exc_info)
        self.begun = True

    def _discard(self, data: bytes) -> None:
        """What the app writes behind a 500 that was replaced."""


class _Body:
    """The app's body. While it is iterated and closed the caller is known; behind `close` no more."""

    def __init__(self, body: Iterable[bytes], start: _Start) -> None:
        self._body = body
        self._start = start
        self._chunks: Iterator[bytes] | None = None
        self._replaced: Iterator[bytes] | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        """The app's next chunk, or once the refusal that stands in the place of all of them.

        Made while the caller is known, and only then: between two chunks the thread is the server's own.
        """
        start = self._start
        token = judged_request.set(start.request)
        try:
            if start.refusal is None:
                if self._chunks is None:
                    self._chunks = iter(self._body)
                chunk = next(self._chunks)
                if start.refusal is None:
                    start.sent = start.sent or chunk != b""
                    return chunk
        except Denied as denied:
            start.deny(denied)
        except StopIteration:
            if start.refusal is None:
                raise
        finally:
            judged_request.reset(token)
        if self._replaced is None:
            self._replaced = iter(start.refusal or ())
        return next(self._replaced)

    def close(self) -> None:
        """Close the app's body, always; whatever it raises is the app's own."""
        request = self._start.request
        token = judged_request.set(request)
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            request.judge = None
            judged_request.reset(token)


class _SizedBody(_Body):
    """One whose length the server may ask: of one chunk it makes a Content-Length."""

    _body: Collection[bytes]

    def __len__(self) -> int:
        return len(self._body)
