"""Flask's own way from the routed request to its view, with the engine in front of every function of the application.

    wsgi_app: session, routing -> full_dispatch_request -> url_value_preprocessors, before_request -> dispatch_request
                                  judged here                                       judged again if something changed

Owns: where in Flask the endpoint is known, and the way out of a refusal: handlers, after_request, signals.
Must never know: how to decide, how a refusal looks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, cast

from flask import Flask, Request, Response
from flask.globals import request_ctx
from werkzeug.local import LocalProxy
from werkzeug.routing import MapAdapter

from jwtmw import Denied, MarkError, Policy
from jwtmw.adapter import Decision, Deny, judged_request
from jwtmw_flask.environs import read_anew
from jwtmw_flask.guard import GuardedRequest, Where
from jwtmw_flask.marks import ApplicationMarks
from jwtmw_flask.refusal import refuse
from jwtmw_flask.signals import request_allowed, tell_allowed, tell_denied

# The context itself: each attribute of its proxy would look for it again.
_current = cast("LocalProxy[Any]", request_ctx)._get_current_object


class Door:
    """Stands in three methods of one application. `key` is where its environs keep the guarded request."""

    def __init__(self, app: Flask, policy: Policy, marks: ApplicationMarks, key: str) -> None:
        self.app, self.policy, self.marks, self.key = app, policy, marks, key
        self._full: Callable[..., Response] = app.full_dispatch_request
        self._dispatch: Callable[..., Any] = app.dispatch_request
        self._handle: Callable[..., Any] = app.handle_user_exception

    def hang(self) -> None:
        """Stand in the application's methods, as extensions that handle errors do."""
        for method in (self.full_dispatch_request, self.dispatch_request, self.handle_user_exception):
            setattr(self.app, method.__name__, method)

    def full_dispatch_request(self, *context: Any) -> Response:
        """The endpoint is known, and nothing of the application has run: let in, or refuse."""
        current = _current()
        request = current.request
        guarded = self._guarded(request)
        if guarded is None:
            with self._judged_here(request):
                return self.full_dispatch_request(*context)
        if guarded.refused is None:
            self._meet(guarded, request, current.url_adapter)
        else:
            self._name_all(guarded, request)
        if guarded.refused is not None:
            guarded.settled = True
            return self._finished(self._answer(guarded, guarded.refused), context)
        try:
            return self._full(*context)
        except Denied as denied:
            # From where Flask handles no exceptions, as in functions after the request: not once more past them.
            return self._answer(guarded, denied.decision)

    def dispatch_request(self, *context: Any) -> Any:
        """The view is about to be called: the one that was judged, or one that must be judged now."""
        current = _current()
        request = current.request
        guarded = self._guarded(request)
        if guarded is None:
            with self._judged_here(request):
                return self.dispatch_request(*context)
        if guarded.rule is not request.url_rule or guarded.verb != request.method:
            self._meet(guarded, request, current.url_adapter)
        if guarded.refused is not None:
            raise Denied(guarded.refused)
        return self._dispatch(*context)

    def handle_user_exception(self, *arguments: Any) -> Any:
        """The second lock inside the application refuses as the engine does, whatever handles other exceptions."""
        error = arguments[-1]
        guarded = self._guarded(request_ctx.request)
        if guarded is None or not isinstance(error, Denied):
            return self._handle(*arguments)
        return self._answer(guarded, error.decision)

    def _guarded(self, request: Request) -> GuardedRequest | None:
        """The request as it was judged when it came in, until it ends."""
        guarded: GuardedRequest | None = request.environ.get(self.key)
        return None if guarded is None or guarded.judge is None else guarded

    @contextmanager
    def _judged_here(self, request: Request) -> Iterator[None]:
        """Judge a request that came in by no gate: a test pushes its context by hand."""
        guarded = GuardedRequest(request.environ)
        guarded.open(self.policy)
        request.environ[self.key] = guarded
        token = judged_request.set(guarded)
        try:
            yield
        finally:
            judged_request.reset(token)
            guarded.judge = None

    def _meet(self, guarded: GuardedRequest, request: Request, adapter: MapAdapter | None) -> None:
        """Ask for what the router has found."""
        mark = own = None
        guarded.look_at(request.environ)
        try:
            if self.policy.engine.judging:
                mark, own = self.marks.of_request(request)
            decision: Decision = guarded.meet(mark, _places(request, adapter))
        except Exception as error:  # noqa: BLE001 (whatever it is, it denies)
            decision = guarded.fail(error)
        if isinstance(decision, Deny):
            guarded.refused = decision
            return
        guarded.rule, guarded.verb = request.url_rule, request.method
        # The view's own lock asks no more than was asked here.
        guarded.judged_mark = own
        guarded.settled = True
        if decision is not guarded.allow or request.environ is not guarded.native:
            guarded.let_in(decision, request.environ)
            if self.policy.disclosure is not None:
                read_anew(request)
        if request_allowed.receivers:
            tell_allowed(self.app, decision)

    def _name_all(self, guarded: GuardedRequest, request: Request) -> None:
        """The challenge names what the endpoint adds to the rule; where that cannot be said, what the rule wants."""
        with suppress(MarkError):
            guarded.name_all(self.marks.of_request(request)[0])

    def _answer(self, guarded: GuardedRequest, deny: Deny) -> Response:
        tell_denied(self.app, deny)
        rendered = self.policy.renderer.render(deny, guarded)
        return refuse(self.app, request_ctx.request.blueprints, deny, rendered)

    def _finished(self, response: Response, context: tuple[Any, ...]) -> Response:
        """Past the functions after the request, as CORS headers come from there; one that fails spoils no refusal."""
        finalize: Callable[..., Response] = self.app.finalize_request
        return finalize(*context, response, from_error_handler=True)


def _places(request: Request, adapter: MapAdapter | None) -> tuple[Where, ...]:
    """Path and method as the router and as views go by them; a request class of the application may tell them apart."""
    if adapter is None:
        return ((request.path, request.method),)
    path = adapter.path_info or "/"
    routed = (path, adapter.default_method.upper())
    return (routed,) if routed[1] == request.method else (routed, (path, request.method))
