"""A CORS preflight is for whoever answers OPTIONS: middleware, a class-based view. A function answers it like a GET."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views import View

from jwtmw import public, requires
from tests.django.asking import KINDS, Header, Ran, ask, policy, token
from tests.django.middleware import between
from tests.django.project import OURS, Project

PREFLIGHT: tuple[Header, ...] = ((b"origin", b"https://shop.example"), (b"access-control-request-method", b"GET"))
DENIED = [{"path": "/denied", "allow": "deny"}, {"path": "/options", "methods": ["OPTIONS"], "allow": "public"}]


@pytest.fixture
def ran() -> Ran:
    return Ran()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


def project(kind: str, *patterns: Any, middleware: tuple[str, ...] = (), **keys: Any) -> Project:
    return Project(kind, patterns, MIDDLEWARE=[OURS, *middleware], JWTMW=policy(rules=DENIED, **keys))


def preflight(made: Project, target: str, given: str | None = None, *more: Header) -> int:
    return ask(made, target, given, *PREFLIGHT, *more, method="OPTIONS").status


def test_a_function_is_no_preflights_to_run(kind: str, ran: Ran) -> None:
    """The headers of a preflight are anybody's to send, and Django sends a function whatever comes."""
    view = ran.in_async if kind == "asgi" else ran
    made = project(
        kind,
        path("any", view()),
        path("scoped", requires("a")(view())),
        path("denied", view()),
        path("bound", functools.partial(ran(), number=7)),
    )
    given = {target: preflight(made, target) for target in ("/any", "/scoped", "/denied", "/bound")}
    assert {"/any": 401, "/scoped": 401, "/denied": 403, "/bound": 401} == given
    assert [] == ran.callers


def test_whoever_may_call_the_function_may_send_it_a_preflight(kind: str, ran: Ran) -> None:
    """By a token that is good enough, by a mark, or by a rule for OPTIONS."""
    made = project(
        kind,
        path("any", ran()),
        path("scoped", requires("a")(ran())),
        path("public", public(ran())),
        path("options", ran()),
    )
    assert 200 == preflight(made, "/any", token(sub="ann"))
    assert (200, 403) == (preflight(made, "/scoped", token(sub="ann", scope="a")), preflight(made, "/scoped", token()))
    assert (200, 200) == (preflight(made, "/public"), preflight(made, "/options"))
    assert ["ann", "ann", None, None] == ran.callers


def test_a_class_answers_preflights_by_its_own_function(kind: str, ran: Ran) -> None:
    """It tells methods apart: what answers GET is not asked."""

    @requires("a")
    class Orders(View):
        def get(self, request: HttpRequest) -> Any:
            return ran()(request)

    assert 200 == preflight(project(kind, path("x", Orders.as_view())), "/x")
    assert [] == ran.callers


def test_middleware_answers_preflights_before_the_view(kind: str, ran: Ran) -> None:
    """As those for CORS do; and where there is no view, Django tells so."""

    def cors(request: HttpRequest, get_response: Callable[[HttpRequest], Any]) -> Any:
        return HttpResponse(status=204) if request.path_info == "/x" else get_response(request)

    made = project(kind, path("x", ran()), middleware=(between(cors),))
    assert (204, 404) == (preflight(made, "/x"), preflight(made, "/nowhere"))
    assert [] == ran.callers


def test_a_preflight_that_becomes_another_request_is_judged_as_that(kind: str, ran: Ran) -> None:
    """An override of the method makes no way past the view's function."""

    def override(request: HttpRequest, get_response: Callable[[HttpRequest], Any]) -> Any:
        request.method = "GET"
        return get_response(request)

    made = project(kind, path("x", ran()), middleware=(between(override),))
    assert (401, 200) == (preflight(made, "/x"), preflight(made, "/x", token(sub="ann")))
    assert ["ann"] == ran.callers
