"""Django's own handlers with the middleware first in the list, called in process: by WSGI, and by ASGI with sync and
with async views.

The settings of Django are one for the process: those of each surface hold while it is made and called.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.urls import include, path, re_path
from django.views import View
from django.views.decorators.http import require_http_methods

from jwtmw import Policy, optional, public
from tests.conformance.drivers import calls, environs
from tests.conformance.drivers.registry import driver
from tests.conformance.endpoints import ENDPOINTS, Endpoint
from tests.conformance.schema import Answer, Case, Request
from tests.conformance.world import Ledger, World
from tests.django.project import OURS, Project

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "PURGE", "REPORT")
PLAIN = {"Content-Type": "text/plain", "Cache-Control": "max-age=60", "X-Orders": "7"}


class Dependency:
    """Stands for all that Django runs between its resolver and the view."""

    sync_capable = async_capable = True
    ledger: Ledger

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)
            setattr(self, "process_view", self._aprocess_view)  # noqa: B010

    def __call__(self, request: HttpRequest) -> Any:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *view: Any) -> None:
        """The view is about to be called."""
        self.ledger.dependencies += 1

    async def _aprocess_view(self, request: HttpRequest, *view: Any) -> None:
        self.ledger.dependencies += 1


DEPENDENCY = f"{Dependency.__module__}.{Dependency.__qualname__}"


def patterns_of(app: str, ledger: Ledger, is_async: bool, marked: bool) -> list[Any]:
    """The URL patterns of the cases; unmarked where no engine will stand before them."""
    if app == "plain":
        return [re_path("", _plain(ledger, is_async).as_view())]
    endpoints = ENDPOINTS if marked else [replace(each, marks=(), post=()) for each in ENDPOINTS]
    http = [each for each in endpoints if each.kind != "websocket"]
    nested = [_pattern(each, ledger, is_async, "/nested/") for each in http if each.nested]
    return [*(_pattern(each, ledger, is_async) for each in http if not each.nested), path("nested/", include(nested))]


def _pattern(endpoint: Endpoint, ledger: Ledger, is_async: bool, prefix: str = "/") -> Any:
    route = endpoint.path.removeprefix(prefix).replace("{", "<").replace("}", ">")
    if endpoint.kind == "class":
        return path(route, endpoint.mark(_class(endpoint, ledger, is_async)).as_view())
    methods = [*endpoint.methods, *(["HEAD"] if "GET" in endpoint.methods else [])]
    view = require_http_methods(methods)(_view(is_async, lambda request, **_: _order(ledger, request)))
    return path(route, endpoint.mark(view))


def _plain(ledger: Ledger, is_async: bool) -> Any:
    """A class, as Django passes a preflight to no function."""
    echo = _view(is_async, lambda view, request, **_: _echo(ledger, request))
    names = [method.lower() for method in METHODS]
    return type("Plain", (View,), {"http_method_names": names, **dict.fromkeys(names, echo)})


def _class(endpoint: Endpoint, ledger: Ledger, is_async: bool) -> Any:
    get = _view(is_async, lambda view, request: _order(ledger, request))
    post = _view(is_async, lambda view, request: _order(ledger, request))
    for mark in reversed(endpoint.post):
        post = mark(post)
    return type("Orders", (View,), {"get": get, "post": post})


def _view(is_async: bool, answer: Callable[..., HttpResponse]) -> Any:
    async def aview(*args: Any, **kwargs: Any) -> HttpResponse:
        return answer(*args, **kwargs)

    def view(*args: Any, **kwargs: Any) -> HttpResponse:
        return answer(*args, **kwargs)

    return aview if is_async else view


def _echo(ledger: Ledger, request: HttpRequest) -> HttpResponse:
    ledger.enter()
    ledger.find_environ(request.META)
    ledger.took = request.body
    return HttpResponse(b"%d bytes, " % len(request.body) + request.body[:8], headers=PLAIN)


def _order(ledger: Ledger, request: HttpRequest) -> HttpResponse:
    ledger.enter()
    return HttpResponse(b"%d bytes" % len(request.body), content_type="text/plain")


def cannot(case: Case) -> str | None:
    """What Django serves in no case, or answers before any middleware is asked."""
    request = case.request
    if request.websocket:
        return "Django itself serves no WebSockets"
    if request.cut:
        return "Django by ASGI answers nobody who has gone, before any middleware is asked"
    if type(request.scope.get("path", "")) is not str:
        return "Django itself fails on such a path, before any middleware is asked"
    if case.app == "routes" and _answers_405_itself(request):
        return "a function view of Django answers other methods itself, with its mark"
    return None


def _answers_405_itself(request: Request) -> bool:
    """Django's URL patterns know no methods: whom the mark lets in, the function tells that it takes others."""
    named = [each for each in ENDPOINTS if each.path.encode() == request.target and each.kind in ("sync", "async")]
    lifted = [each for each in named if public in each.marks or optional in each.marks]
    return any(request.method not in (*each.methods, "HEAD") for each in lifted)


def surface(kind: str, is_async: bool, world: World) -> Callable[[Policy | None, str], Project]:
    """What makes a project of this kind for a policy."""

    def build(policy: Policy | None, app: str) -> Project:
        patterns = patterns_of(app, world.ledger, is_async, marked=policy is not None)
        middleware = [DEPENDENCY] if policy is None else [OURS, DEPENDENCY]
        return Project(kind, patterns, MIDDLEWARE=middleware, JWTMW=policy)

    return build


@driver("django-wsgi", cannot)
def drive_wsgi(case: Case, world: World) -> Answer:
    """`WSGIHandler`, with sync views."""
    Dependency.ledger = world.ledger

    def send(project: Project, request: Request) -> Answer:
        with project.settings():
            return environs.call(world, project.handler, request)

    return world.play("django-wsgi", case, surface("wsgi", False, world), send)


@driver("django-asgi-sync", cannot)
def drive_asgi_sync(case: Case, world: World) -> Answer:
    """`ASGIHandler`, with sync views, which Django runs in threads."""
    return _drive_asgi("django-asgi-sync", False, case, world)


@driver("django-asgi-async", cannot)
def drive_asgi_async(case: Case, world: World) -> Answer:
    """`ASGIHandler`, with async views."""
    return _drive_asgi("django-asgi-async", True, case, world)


def _drive_asgi(name: str, is_async: bool, case: Case, world: World) -> Answer:
    Dependency.ledger = world.ledger

    def send(project: Project, request: Request) -> Answer:
        with project.settings():
            return call(world, project.handler, request)

    return world.play(name, case, surface("asgi", is_async, world), send)


def call(world: World, handler: Any, request: Request) -> Answer:
    """Call Django's ASGI handler, which makes tasks of its own: always on an event loop."""
    answers: list[Answer] = []

    async def answer() -> None:
        answers.append(await calls.asked(handler, request))

    world.run(answer(), waits=True)
    return answers[0]
