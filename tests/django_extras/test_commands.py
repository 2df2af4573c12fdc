"""`manage.py jwtmw_check` and `manage.py jwtmw_routes`: what they print, and when their exit status is not 0."""

from __future__ import annotations

import re
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import include, path, re_path
from django.views import View

from jwtmw import Policy, optional, public, requires
from jwtmw.testing import TestIssuer
from jwtmw_django.management.commands import jwtmw_check, jwtmw_routes
from tests.django.project import urlconf


def ran(command: Any, *options: str, **overrides: Any) -> tuple[int, str, str]:
    """Exit status, output, and what is complained about."""
    out = StringIO()
    with override_settings(**overrides):
        try:
            call_command(command.Command(), *options, stdout=out, stderr=StringIO())
        except CommandError as error:
            return error.returncode, out.getvalue(), str(error)
    return 0, out.getvalue(), ""


def view(request: HttpRequest) -> HttpResponse:
    raise AssertionError("not called")


@public
def health(request: HttpRequest) -> HttpResponse:
    raise AssertionError("not called")


@requires("orders:read")
def marked(request: HttpRequest) -> HttpResponse:
    raise AssertionError("not called")


class Orders(View):
    @requires("orders:write")
    def post(self, request: HttpRequest) -> HttpResponse:
        raise AssertionError("not called")

    @optional
    def get(self, request: HttpRequest) -> HttpResponse:
        raise AssertionError("not called")


PATTERNS = [
    path("health/", health),
    path("marked/", marked),
    path("orders/<int:id>/", Orders.as_view()),
    path("plain/", view),
    path("shop/", include([path("<slug:name>", marked), re_path(r"^(?P<rest>.*)$", view)])),
]
RULES = [{"path": "/shop/{name}", "roles": ["clerk"]}, {"path": "/shop/**", "allow": "optional"}]
POLICY = {"issuers": [TestIssuer().settings(name="corp")], "rules": RULES}


def test_the_routes_are_shown() -> None:
    """Rule and mark together, for the methods that want the same; a regular expression is judged per request."""
    status, out, error = ran(jwtmw_routes, JWTMW=POLICY, ROOT_URLCONF=urlconf(PATTERNS))
    assert (0, "") == (status, error)
    regex = "judged per request: no token, or one; a token with role clerk"
    assert [
        ("methods", "route", "view", "needs", "said by"),
        ("all", "/health/", "health", "nothing", "mark"),
        ("all", "/marked/", "marked", "a token with scope orders:read", "mark"),
        ("GET HEAD", "/orders/{id}/", "Orders", "no token, or one", "mark"),
        ("OPTIONS", "/orders/{id}/", "Orders", "a token", "default"),
        ("POST", "/orders/{id}/", "Orders", "a token with scope orders:write", "mark"),
        ("all", "/plain/", "view", "a token", "default"),
        ("all", "/shop/{name}", "marked", "a token with scope orders:read and role clerk", "/shop/{name} and mark"),
        ("all", "/shop/^(?P<rest>.*)$", "view", regex, "/shop/**; /shop/{name}"),
    ] == [tuple(re.split(" {2,}", line.replace(f"{__name__}.", ""))) for line in out.splitlines()]


def test_that_nothing_is_judged_is_said() -> None:
    """In non-secure mode the table says what would be needed, and that it is not asked."""
    out = ran(jwtmw_routes, JWTMW={**POLICY, "secure": False}, ROOT_URLCONF=urlconf(PATTERNS))[1]
    assert out.endswith("\nRequests are not judged: secure or inbound is off.\n")


def test_strict_names_what_nobody_speaks_for() -> None:
    """`--strict` fails for routes under the default alone, after the table."""
    status, out, error = ran(jwtmw_routes, "--strict", JWTMW=POLICY, ROOT_URLCONF=urlconf(PATTERNS))
    assert 1 == status
    assert out.startswith("methods ")
    assert {"/orders/{id}/: OPTIONS", *(f"/plain/: {method}" for method in Policy(POLICY).engine.rules.methods)} == {
        line.removesuffix(": neither a rule nor a mark speaks") for line in error.splitlines()
    }


def test_strict_is_silent_where_all_is_said() -> None:
    """A rule for everything is enough."""
    policy = {**POLICY, "rules": [{"path": "/**"}]}
    assert 0 == ran(jwtmw_routes, "--strict", JWTMW=policy, ROOT_URLCONF=urlconf(PATTERNS))[0]


def test_a_mark_that_cannot_hold_fails_the_command() -> None:
    """It is named instead of shown; the other routes are shown."""
    patterns = [optional(path("in/", include([path("b/", view)]))), path("a/", view)]
    status, out, error = ran(jwtmw_routes, JWTMW=POLICY, ROOT_URLCONF=urlconf(patterns))
    assert 1 == status
    assert error.startswith("/in/b/: ")
    assert ["route", "/a/"] == [line.split()[1] for line in out.splitlines()]


def test_another_urlconf_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--urlconf` names a module, as `request.urlconf` may."""
    monkeypatch.setattr("tests.django.project.urlpatterns", [path("other/", health)])
    out = ran(jwtmw_routes, "--urlconf", "tests.django.project", JWTMW=POLICY, ROOT_URLCONF=urlconf(PATTERNS))[1]
    assert ["route", "/other/"] == [line.split()[1] for line in out.splitlines()]


@pytest.mark.parametrize("command", [jwtmw_check, jwtmw_routes], ids=["check", "routes"])
def test_a_configuration_that_cannot_work(command: Any) -> None:
    """Exit status 2, with key and cure, and no table."""
    status, out, error = ran(command, JWTMW={"realm": ""}, ROOT_URLCONF=urlconf([]))
    assert (2, "") == (status, out)
    assert error.startswith("JWTMW: realm: ")


def test_the_configuration_is_shown() -> None:
    """As `jwtmw check` shows it, with the source that it came from."""
    status, out, error = ran(jwtmw_check, JWTMW=POLICY)
    assert (0, "") == (status, error)
    assert "source   framework configuration\n" in out
    assert "nothing to complain about" in out


def test_complaints_fail_the_command() -> None:
    """Exit status 1, and each complaint in the output."""
    status, out, error = ran(jwtmw_check, JWTMW={**POLICY, "report_only": True, "default": "public"})
    assert (1, "2 to complain about") == (status, error)
    assert "- report-only mode: " in out
    assert "- default is public: " in out


def test_the_keys_are_fetched_if_asked_for(jwtmw_serving_issuer: TestIssuer) -> None:
    """`--fetch` shows the published keys."""
    policy = {"issuers": [jwtmw_serving_issuer.settings()]}
    assert "kid" not in ran(jwtmw_check, JWTMW=policy)[1]
    assert f"'{jwtmw_serving_issuer.signer.kid}'" in ran(jwtmw_check, "--fetch", JWTMW=policy)[1]
