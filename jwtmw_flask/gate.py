"""Where a request comes in: in front of everything of the application, its inner WSGI middleware included.

Owns: WSGI around Flask: what is judged before it, which of its answers pass, and how long the caller is known.
Must never know: how to decide, routing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

from flask import Flask

from jwtmw import Policy
from jwtmw.adapter import Allow, Deny, judged_request, no_store, record_unforeseen, start_refusal
from jwtmw_flask.guard import GuardedRequest
from jwtmw_flask.marks import ApplicationMarks
from jwtmw_flask.signals import tell_denied

Headers = list[tuple[str, str]]
StartResponse = Callable[..., Any]
WSGIApp = Callable[[Any, Any], Iterable[bytes]]


class Gate:
    """`app.wsgi_app` of a protected application. `app` is what stood there before; `key` is the environ's for us."""

    def __init__(self, flask: Flask, policy: Policy, marks: ApplicationMarks, key: str) -> None:
        self.flask, self.policy, self.marks, self.key = flask, policy, marks, key
        self.app: WSGIApp = flask.wsgi_app
        # Whether anything stands between this gate and Flask.
        self._between = getattr(self.app, "__self__", None) is not flask

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Judge the request; let in, pass on as pending, or have Flask send the refusal."""
        request = environ[self.key] = GuardedRequest(environ)
        request.open(self.policy)
        token = judged_request.set(request)
        try:
            body = self._answered(request, environ, Held(self.flask, request, start_response))
        except BaseException:
            request.judge = None
            raise
        finally:
            judged_request.reset(token)
        wrapper = environ.get("wsgi.file_wrapper")
        if type(wrapper) is type and isinstance(body, wrapper):
            # The server's own, which it may know a faster way for: nothing of the application runs any more.
            request.judge = None
            return body
        return Body(body, request)

    def _answered(self, request: GuardedRequest, environ: dict[str, Any], held: Held) -> Iterable[bytes]:
        if self._between and request.refused is None and type(request.first) is not Allow:
            request.foresee(lambda: self.marks.ahead(environ))
        try:
            if request.refused is None:
                return held.answer(self.app(environ, held))
            # Not through the inner middleware, which is the application's, too.
            return held.answer(type(self.flask).wsgi_app(self.flask, environ, held))
        except Exception as error:
            if request.refused is None:
                raise
            # The application's, as of what it does at teardown; a refusal does not depend on it.
            record_unforeseen("Flask, on its way out of a refusal,", error)
            return held.replaced(request.refused, error)


class Held:
    """A `start_response` that begins no answer that was not judged.

    For a token in the URL it also sees to it that no cache keeps what that opened.
    """

    __slots__ = ("_begun", "_flask", "_refused", "_request", "_start_response")

    def __init__(self, flask: Flask, request: GuardedRequest, start_response: StartResponse) -> None:
        self._flask = flask
        self._request = request
        self._start_response = start_response
        self._begun = False
        self._refused: Deny | None = None

    def __call__(self, status: str, headers: Headers, *exc_info: Any) -> Any:
        """Begin the answer, or note that the refusal is to replace it."""
        request = self._request
        self._begun = True
        if not request.settled:
            self._settle()
        if self._refused is not None:
            return _discard
        place = request.allow.place
        if place is not None and place.kind == "query":
            headers = no_store(headers)
        return self._start_response(status, headers, *exc_info)

    def _settle(self) -> None:
        """Something that nobody judged answers: no mark can speak for it."""
        request = self._request
        decision = request.refused or request.conclude()
        if isinstance(decision, Deny):
            self._refused = decision
            return tell_denied(self._flask, decision)
        request.settled = True
        request.let_in(decision, request.native)

    def answer(self, body: Iterable[bytes]) -> Iterable[bytes]:
        """The body, or that of the refusal. An application may begin as late as its first chunk (PEP 3333)."""
        if not self._begun:
            body = _Asked(body)
            body.ask()
        if self._refused is None:
            return body
        close = getattr(body, "close", None)
        if close is not None:
            close()
        return self.replaced(self._refused)

    def replaced(self, deny: Deny, error: Exception | None = None) -> Iterable[bytes]:
        """The refusal as it is, whatever the application answers; `error` is what it raised."""
        request = self._request
        response = request.policy.renderer.render(deny, request)
        if error is None or not self._begun or self._refused is not None:
            return start_refusal(response, self._start_response)
        return start_refusal(response, self._start_response, (type(error), error, error.__traceback__))


def _discard(data: bytes) -> None:
    """What an answer writes that nobody gets."""


class _Asked:
    """A body of which the first chunk was asked for already."""

    def __init__(self, body: Iterable[bytes]) -> None:
        self._body = body
        self._chunks = iter(body)

    def ask(self) -> None:
        """Ask for one chunk, which is given first."""
        self._chunks = chain([first for first in [next(self._chunks, None)] if first is not None], self._chunks)

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def close(self) -> None:
        """Close what the chunks come from."""
        close = getattr(self._body, "close", None)
        if close is not None:
            close()


class Body:
    """The answer's body. While it is iterated and closed the caller is known; behind `close` no more."""

    __slots__ = ("_body", "_chunks", "_request")

    def __init__(self, body: Iterable[bytes], request: GuardedRequest) -> None:
        self._body = body
        self._request = request
        self._chunks: Iterator[bytes] | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        """The application's next chunk. Between two of them the thread is the server's own."""
        token = judged_request.set(self._request)
        try:
            if self._chunks is None:
                self._chunks = iter(self._body)
            return next(self._chunks)
        finally:
            judged_request.reset(token)

    def close(self) -> None:
        """Close the application's body, with what it does at the end of a request."""
        token = judged_request.set(self._request)
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._request.judge = None
            judged_request.reset(token)
