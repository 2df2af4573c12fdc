"""Django, by WSGI with sync views and by ASGI with async ones: functions, class-based views, included URLconfs.

Owns: a drawn application in Django's words.
Must never know: how requests are judged.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views import View

from jwtmw import Policy
from tests.conformance.schema import Answer, Request
from tests.django.project import OURS, Project, urlconf
from tests.property.ledger import Ledger, Visit
from tests.property.model import App, Nest, Rewrite, Route
from tests.property.surfaces import cgi, wire
from tests.property.surfaces.flask import rule_of
from tests.property.surfaces.registry import Served, marked, surface

NAME = "drawn_name"


class Between:
    """The drawn middlewares; where there is nothing to protect, it also notes the view that is named."""

    sync_capable = async_capable = True
    # Django makes the middleware itself: this is what the next one is made for.
    building: Building

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response, self.drawn, self.ledger = get_response, self.building.drawn, self.building.ledger
        self.bare = not self.building.guarded
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)
            setattr(self, "process_view", self._aprocess_view)  # noqa: B010

    def __call__(self, request: HttpRequest) -> Any:
        """Answer, or change the request and pass it on."""
        if self.drawn.answers and Rewrite(self.drawn.answers).applies(request.path_info):
            return self.answer() if iscoroutinefunction(self) else HttpResponse(wire.BODY, "text/plain")
        if self.drawn.rewrite:
            request.method, request.path_info, _ = self.drawn.rewrite.apply(request.method or "", request.path_info)
        return self.get_response(request)

    async def answer(self) -> HttpResponse:
        return HttpResponse(wire.BODY, "text/plain")

    def process_view(self, request: HttpRequest, view: Any, *rest: Any) -> None:
        """The view is about to be called."""
        if self.bare:
            self.ledger.passed.append(seen(getattr(getattr(view, "view_class", view), NAME), request))

    async def _aprocess_view(self, request: HttpRequest, view: Any, *rest: Any) -> None:
        Between.process_view(self, request, view)


BETWEEN = f"{Between.__module__}.{Between.__qualname__}"
SLASHES = "django.middleware.common.CommonMiddleware"


def seen(name: str, request: HttpRequest) -> Visit:
    """As Django tells it."""
    return Visit(name, request.method or "", request.path_info)


class Building:
    """One project while it is built; `late` is what is still to be done behind the first request."""

    def __init__(self, drawn: App, policy: Policy | None, ledger: Ledger, kind: str) -> None:
        self.drawn, self.guarded, self.ledger, self.kind = drawn, policy is not None, ledger, kind
        self.late: list[Callable[[], object]] = []
        urls = urlconf([])
        self.fill(urls.urlpatterns, drawn)
        Between.building = self
        middleware = [OURS, BETWEEN, SLASHES] if self.guarded else [BETWEEN, SLASHES]
        self.project = Project(kind, urls, MIDDLEWARE=middleware, JWTMW=policy, APPEND_SLASH=drawn.redirects)

    def fill(self, patterns: list[Any], holder: App | Nest) -> None:
        """Add the routes and what is nested, as far as they are there from the start."""
        for route in holder.routes:
            add = partial(patterns.append, path(rule_of(route.path)[1:], self.view(route)))
            self.late.append(add) if route.late else add()
        for nest in holder.nests:
            inner: list[Any] = []
            self.fill(inner, nest)
            patterns.append(marked(path(rule_of(nest.prefix)[1:] + "/", include(inner)), nest.mark, self.guarded))

    def view(self, route: Route) -> Any:
        """A function, which takes every method, or a class with a function for each."""
        answer = partial(self.answer, route)

        def view(request: HttpRequest, **values: str) -> HttpResponse:
            return answer(request)

        async def aview(request: HttpRequest, **values: str) -> HttpResponse:
            return answer(request)

        def handler(self: View, request: HttpRequest, **values: str) -> HttpResponse:
            return answer(request)

        async def ahandler(self: View, request: HttpRequest, **values: str) -> HttpResponse:
            return answer(request)

        is_async = self.kind == "asgi"
        if route.kind == "function":
            function = aview if is_async else view
            setattr(function, NAME, route.name)
            return marked(function, route.mark, self.guarded)
        names = [method.lower() for method in route.methods]
        # Django never asks whether a class's own OPTIONS is async.
        is_async = is_async and names != ["options"]
        handlers = dict.fromkeys(names, ahandler if is_async else handler)
        allowed = [*names, "head"] if "get" in names else names
        cls: Any = type("Drawn", (View,), {NAME: route.name, "http_method_names": allowed, **handlers})
        return marked(cls, route.mark, self.guarded).as_view()

    def answer(self, route: Route, request: HttpRequest) -> HttpResponse:
        self.ledger.visits.append(seen(route.name, request))
        return HttpResponse(route.name, "text/plain")

    def served(self, ask: Callable[[Request], Answer]) -> Served:
        """What answers, under its own settings."""

        def send(request: Request) -> Answer:
            with self.project.settings():
                return ask(request)

        return Served(send, lambda: [add() for add in self.late])


@surface("django-wsgi", "django", any_method=True)
def wsgi(app: App, policy: Policy | None, ledger: Ledger) -> Served:
    """`WSGIHandler`, with sync views."""
    building = Building(app, policy, ledger, "wsgi")
    return building.served(cgi.sender(building.project.handler, ledger))


@surface("django-asgi", "django", any_method=True)
def asgi(app: App, policy: Policy | None, ledger: Ledger) -> Served:
    """`ASGIHandler`, with async views."""
    building = Building(app, policy, ledger, "asgi")
    return building.served(partial(wire.ask, building.project.handler))
