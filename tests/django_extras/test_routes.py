"""The routes of a project: their templates, and which rule speaks for them."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import include, path, re_path
from django.urls.converters import StringConverter, register_converter
from django.views import View
from ninja import NinjaAPI

from jwtmw import Policy
from jwtmw.testing import TestIssuer
from jwtmw_django.routes import Route, name_of, routes
from tests.django.project import urlconf


class Several(StringConverter):
    regex = "[a-z]+/[a-z]+"


register_converter(Several, "several")


def view(request: HttpRequest) -> HttpResponse:
    raise AssertionError("not called")


class Classy(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        raise AssertionError("not called")

    def post(self, request: HttpRequest) -> HttpResponse:
        raise AssertionError("not called")


def found(*patterns: Any) -> list[Route]:
    with override_settings(ROOT_URLCONF=urlconf(patterns)):
        return list(routes())


def policy(*rules: dict[str, Any]) -> Policy:
    return Policy({"issuers": [TestIssuer().settings()], "rules": list(rules)})


@pytest.mark.parametrize(
    ("pattern", "template"),
    [
        pytest.param(path("", view), "/", id="root"),
        pytest.param(path("orders/<int:id>/", view), "/orders/{id}/", id="converter"),
        pytest.param(path("orders/<id>", view), "/orders/{id}", id="no-converter"),
        pytest.param(path("files/<path:rest>", view), "/files/{rest}", id="path"),
        pytest.param(path("<slug:a>-<slug:b>/", view), "/{a}-{b}/", id="two-in-a-segment"),
        pytest.param(path("api/", include([path("orders/<int:id>", view)])), "/api/orders/{id}", id="include"),
        pytest.param(re_path(r"^old/(?P<id>\d+)$", view), r"/^old/(?P<id>\d+)$", id="regex"),
        pytest.param(path("api/", include([re_path(r"^a$", view)])), "/api/^a$", id="regex-in-include"),
        pytest.param(*i18n_patterns(path("a/", view)), "/{language}/a/", id="language"),
    ],
)
def test_a_pattern_as_a_template(pattern: Any, template: str) -> None:
    """As a rule would write it; a regular expression stays what it is."""
    (route,) = found(pattern)
    assert template == route.template


def labels(route: Route, *rules: dict[str, Any], method: str = "GET") -> list[str]:
    return [ask.label for ask in route.asks(policy(*rules), method)]


RULES = ({"path": "/a/{x}"}, {"path": "/a/**", "allow": "public"}, {"path": "/b/{x}/c"})


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        pytest.param(path("a/<int:id>/", view), ["/a/{x}"], id="one-segment"),
        pytest.param(path("a/x-<int:id>/", view), ["/a/{x}"], id="part-of-a-segment"),
        pytest.param(path("a", view), ["/a/**"], id="the-tail-itself"),
        pytest.param(path("a/<path:rest>", view), ["/a/{x}", "/a/**"], id="path-is-judged-per-request"),
        pytest.param(path("a/b/<path:rest>", view), ["/a/**"], id="path-below-a-tail"),
        pytest.param(path("b/<path:rest>/c", view), ["/b/{x}/c", "default"], id="path-in-the-middle"),
        pytest.param(path("b/<several:two>/c", view), ["/b/{x}/c", "default"], id="own-converter"),
        pytest.param(path("c/", view), ["default"], id="no-rule"),
        pytest.param(path("a/", include([re_path(".*", view)])), ["/a/**", "/a/{x}"], id="regex"),
        pytest.param(re_path(".*", view), ["default"], id="regex-from-the-start"),
        pytest.param(*i18n_patterns(path("c", view)), ["default"], id="language"),
    ],
)
def test_the_rule_of_a_route(pattern: Any, expected: list[str]) -> None:
    """One where each path of the route meets the same; else all of them."""
    (route,) = found(pattern)
    assert expected == labels(route, *RULES)


def test_a_language_may_be_absent() -> None:
    """The default language without a prefix is a path of its own."""
    (route,) = found(*i18n_patterns(path("a/", view), prefix_default_language=False))
    assert ["default", "/a"] == labels(route, {"path": "/a"})
    assert ["/{language}/a", "default"] == labels(route, {"path": "/{language}/a"})


def test_a_rule_may_be_for_one_method() -> None:
    """Rules are asked for the method."""
    (route,) = found(path("a/", view))
    rules = ({"path": "/a", "methods": ["POST"]},)
    assert (["default"], ["/a"]) == (labels(route, *rules), labels(route, *rules, method="POST"))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        pytest.param(path("a/", view), ["GET", "HEAD", "POST", "PUT"], id="function"),
        pytest.param(path("a/", Classy.as_view()), ["GET", "HEAD", "POST"], id="class"),
    ],
)
def test_the_methods_of_a_view(pattern: Any, expected: list[str]) -> None:
    """A class tells; a function does not, and has all that are known."""
    (route,) = found(pattern)
    assert expected == route.methods(["PUT", "POST", "HEAD", "GET"])


def test_the_operations_of_a_path_are_one_route() -> None:
    """ninja gives Django one pattern for each operation; only the first is ever asked."""
    api = NinjaAPI(urls_namespace="routes", docs_url=None, openapi_url=None)
    api.get("/a")(lambda request: "in")
    api.post("/a")(lambda request: "in")
    api.get("/b")(lambda request: "in")
    listed = {route.template: route.methods(["GET", "POST", "PUT"]) for route in found(path("", api.urls))}
    assert {"/a": ["GET", "POST"], "/b": ["GET"]} == {name: listed[name] for name in ("/a", "/b")}
    assert 3 == len(found(path("", api.urls)))  # and the root, which ninja adds


def test_a_view_is_named_as_in_the_code() -> None:
    """Functions, classes, and what a partial is of."""
    assert [f"{__name__}.view", f"{__name__}.Classy", f"{__name__}.view"] == [
        name_of(view),
        name_of(Classy.as_view()),
        name_of(partial(view)),
    ]
