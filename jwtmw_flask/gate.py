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
from jwtmw_flask.marks import mark_ahead
from jwtmw_flask.signals import tell_denied

Headers = list[tuple[str, str]]
StartResponse = Callable[..., Any]
WSGIApp = Callable[[Any, Any], Iterable[bytes]]


class Gate:
    """`app.wsgi_app` of a protected application. `app` is what stood there before; `key` is the environ's for us."""

    def __init__(self, flask: Flask, policy: Policy, key: str) -> None:
        self.flask, self.policy, self.key = flask, policy, key
        self.app: WSGIApp = flask.wsgi_app
        # Whether anything stands between this gate and Flask.
        self._between = getattr(self.app, "__self__", None) is not flask

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Judge the request; let in, pass on as pending, or have Flask send the refusal."""
        request = environ[self.key] = GuardedRequest(environ)
        request.open(self.policy)
        place = request.allow.place
        token = judged_request.set(request)
        try:
            if isinstance(request.first, Allow) and (place is None or place.kind != "query"):
                body = self.app(environ, start_response)
            else:
                body = self._held(request, environ, start_response)
        except BaseException:
            request.judge = None
            raise
        finally:
            judged_request.reset(token)
        if _is_file(body, environ):
            # Sent by the server alone: nothing of the application runs any more.
            request.judge = None
            return body
        return Body(body, request)

    def _held(self, request: GuardedRequest, environ: Any, start_response: StartResponse) -> Iterable[bytes]:
        held = Held(self.flask, request, start_response)
        if request.refused is None and not isinstance(request.first, Allow) and self._between:
            request.foresee(lambda: mark_ahead(self.flask, environ))
        if request.refused is None:
            return held.answer(self.app(environ, held))
        try:
            # Not through the inner middleware, which is the application's, too.
            return held.answer(type(self.flask).wsgi_app(self.flask, environ, held))
        except Exception as error:  # noqa: BLE001 (the application's; a refusal does not depend on it)
            record_unforeseen("Flask, on its way to a refusal,", error)
            return held.replaced(request.refused)


class Held:
    """A `start_response` that begins no answer that was not judged.

    For a token in the URL it also sees to it that no cache keeps what that opened.
    """

    def __init__(self, flask: Flask, request: GuardedRequest, start_response: StartResponse) -> None:
        self._flask = flask
        self._request = request
        self._start_response = start_response
        self._begun = False
        self._refused: Deny | None = None

    def __call__(self, status: str, headers: Headers, *exc_info: Any) -> Callable[[bytes], object]:
        """Begin the answer, or note that the refusal is to replace it."""
        self._begun = True
        if not self._request.settled:
            self._settle()
        if self._refused is not None:
            return _discard
        place = self._request.allow.place
        if place is not None and place.kind == "query":
            headers = no_store(headers)
        write: Callable[[bytes], object] = self._start_response(status, headers, *exc_info)
        return write

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

    def replaced(self, deny: Deny) -> Iterable[bytes]:
        """The refusal as it is, whatever the application answers."""
        request = self._request
        return start_refusal(request.policy.renderer.render(deny, request), self._start_response)


def _is_file(body: object, environ: dict[str, Any]) -> bool:
    """Whether this is a file in the server's own wrapper, which it may know a faster way for."""
    wrapper = environ.get("wsgi.file_wrapper")
    return isinstance(wrapper, type) and isinstance(body, wrapper)


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
