"""The middleware: `MIDDLEWARE = ["jwtmw_django.JWTMiddleware", ...]`.

Owns: the way of a request through Django's hooks, in threads and on event loops.
Must never know: how to decide, views, marks.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.module_loading import import_string

from jwtmw import ConfigurationError, Denied, NotInstalledError
from jwtmw.adapter import Request, arun, judged_request, refuse_unfit, run
from jwtmw_django.answers import go_on, instead_of, no_store, response_of
from jwtmw_django.caller import disclose, excuse_from_csrf, introduce, remind
from jwtmw_django.conf import current_policy
from jwtmw_django.facts import read_body
from jwtmw_django.visit import Step, Visit

# Where the request keeps its visit.
VISIT = "jwtmw_visit"
SERVER_ERROR = 500


class JWTMiddleware:
    """Protect a Django project, by WSGI or ASGI: the first in `MIDDLEWARE`.

    The policy is `settings.JWTMW`: a mapping, the path of a TOML file, or a `Policy`; without it, what the environment
    says. Raises `ConfigurationError` when the handler loads it, so that nothing is served. The caller is
    `request.principal`, `request.user` and `await request.auser()`.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        policy = current_policy()
        _refuse_twice()
        if not self._is_async:
            refuse_unfit(policy)
        else:
            # What is no coroutine function, Django runs in a thread when it serves by ASGI.
            markcoroutinefunction(self)
            setattr(self, "process_view", self._aprocess_view)  # noqa: B010 - mypy: a method, replaced on purpose

    def __call__(self, request: HttpRequest) -> Any:
        """Judge the path; let in, refuse, or pass on as pending."""
        if self._is_async:
            return self._acall(request)
        visit = Visit(current_policy(), request)
        _drive(visit.begin(request), visit, request)
        if (refusal := visit.refusal()) is not None:
            return response_of(refusal)
        before = _enter(visit, request)
        try:
            response = self.get_response(request)
            if not visit.reached:
                _drive(visit.end(request), visit, request)
            return _leave(visit, response)
        except Denied as denied:
            return _leave(visit, _denied(visit, denied))
        finally:
            _exit(visit, before)

    async def _acall(self, request: HttpRequest) -> HttpResponseBase:
        """As `__call__`, on an event loop."""
        visit = Visit(current_policy(), request)
        await _adrive(visit.begin(request), visit, request)
        if (refusal := visit.refusal()) is not None:
            return response_of(refusal)
        before = _enter(visit, request)
        try:
            response = await self.get_response(request)
            if not visit.reached:
                await _adrive(visit.end(request), visit, request)
            return _leave(visit, response)
        except Denied as denied:
            return _leave(visit, _denied(visit, denied))
        finally:
            _exit(visit, before)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> Any:  # noqa: ARG002
        """The view is known, and nothing of it has run: let in, or refuse."""
        visit = visit_of(request)
        _drive(visit.arrive(request, view), visit, request)
        return _arrived(visit, request)

    async def _aprocess_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> Any:  # noqa: ARG002
        """As `process_view`, on an event loop."""
        visit = visit_of(request)
        await _adrive(visit.arrive(request, view), visit, request)
        return _arrived(visit, request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The second lock inside the view has refused."""
        if isinstance(exception, Denied) and hasattr(request, VISIT):
            return _denied(visit_of(request), exception)
        return None


def visit_of(request: HttpRequest) -> Visit:
    """The visit of a request that the middleware has seen. Raises `NotInstalledError` for any other."""
    visit = getattr(request, VISIT, None)
    if not isinstance(visit, Visit):
        raise NotInstalledError("JWTMiddleware stands around a view, or the request was replaced behind it")
    return visit


def _refuse_twice() -> None:
    """Twice in the list is once too often: the second would judge what the first has let in."""
    found = [import_string(path) for path in settings.MIDDLEWARE]
    if sum(isinstance(each, type) and issubclass(each, JWTMiddleware) for each in found) > 1:
        raise ConfigurationError("MIDDLEWARE", "JWTMiddleware stands in the list twice", "Keep the first")


def _drive(step: Step | None, visit: Visit, request: HttpRequest) -> None:
    """Take the step in this thread."""
    if step is None:
        return
    try:
        facts = next(step)
        while True:
            facts = step.send(run(visit.policy.engine, facts, partial(read_body, request)))
    except StopIteration:
        return


async def _adrive(step: Step | None, visit: Visit, request: HttpRequest) -> None:
    """Take the step on this event loop."""
    if step is None:
        return

    async def read(limit: int) -> bytes | None:
        return read_body(request, limit)

    try:
        facts = next(step)
        while True:
            facts = step.send(await arun(visit.policy.engine, facts, read))
    except StopIteration:
        return


def _enter(visit: Visit, request: HttpRequest) -> Request | None:
    """From here on the application can ask who is calling. Returns what `_exit` wants."""
    setattr(request, VISIT, visit)
    _show(visit, request)
    before = judged_request.get()
    judged_request.set(visit.facts)
    return before


def _exit(visit: Visit, before: Request | None) -> None:
    """The application has answered, or has failed: who streams goes on by himself."""
    # Not by a token: under ASGI the way out may be in another context than the way in.
    judged_request.set(before)
    if not visit.streams:
        visit.facts.judge = None


def _show(visit: Visit, request: HttpRequest) -> None:
    allow = visit.allow
    if allow is visit.shown:
        return remind(request)
    visit.shown = allow
    introduce(request, allow)
    if visit.policy.disclosure is not None:
        disclose(request, visit.policy.disclosure, allow)


def _arrived(visit: Visit, request: HttpRequest) -> HttpResponse | None:
    if (refusal := visit.refusal()) is not None:
        return response_of(refusal)
    _show(visit, request)
    excuse_from_csrf(request, visit.allow)
    return None


def _denied(visit: Visit, denied: Denied) -> HttpResponse:
    return response_of(visit.refuse(denied.decision))


def _leave(visit: Visit, response: HttpResponseBase) -> HttpResponseBase:
    """The answer on its way out, past all other middleware; nothing of it is left where the request is refused."""
    facts = visit.facts
    if facts.denied is not None and response.status_code == SERVER_ERROR:
        # The second lock refused where Django asks no middleware about exceptions, and makes a 500 of them.
        visit.refuse(facts.denied)
    if (refusal := visit.refusal()) is not None:
        return instead_of(response, refusal)
    place = visit.allow.place
    if place is not None and place.kind == "query":
        no_store(response)
    visit.streams = go_on(response, facts)
    return response
