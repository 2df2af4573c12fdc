"""System checks: each id, once where it must come, and silence where all is well."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import CheckMessage, run_checks
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import include, path
from django.views import View
from ninja import NinjaAPI, Router
from rest_framework.decorators import api_view
from rest_framework.routers import SimpleRouter

import jwtmw_django.checks
from jwtmw import Policy, optional, public, requires
from jwtmw.testing import TestIssuer
from jwtmw_django import JWTMiddleware
from jwtmw_django.checks import DEPLOY
from jwtmw_django.ninja import JWTAuth
from tests.django.project import OURS, urlconf

GOOD = "django.middleware.security.SecurityMiddleware"
COMMON = "django.middleware.common.CommonMiddleware"
CSRF = "django.middleware.csrf.CsrfViewMiddleware"
LOGIN = "django.contrib.auth.middleware.LoginRequiredMiddleware"


class Derived(JWTMiddleware):
    pass


DERIVED = f"{__name__}.Derived"


def view(request: HttpRequest) -> HttpResponse:
    raise AssertionError("not called")


def checked(patterns: list[Any] | None = None, *, deploy: bool = False, **overrides: Any) -> list[CheckMessage]:
    """What our checks say of a project, which is good but for the overrides."""
    policy = {"issuers": [TestIssuer().settings()]}
    project = {"JWTMW": policy, "MIDDLEWARE": [OURS], "ROOT_URLCONF": urlconf(patterns or [path("a/", view)])}
    with override_settings(**{**project, **overrides}):
        found = run_checks(include_deployment_checks=deploy)
    return [message for message in found if message.id is not None and message.id.startswith("jwtmw.")]


def ids(found: list[CheckMessage]) -> list[str | None]:
    return [message.id for message in found]


@pytest.mark.parametrize("deploy", [False, True], ids=["check", "deploy"])
def test_a_good_project_is_silent(deploy: bool) -> None:
    """Nothing is said where there is nothing to say."""
    assert [] == checked(deploy=deploy)


def test_a_configuration_that_does_not_load() -> None:
    """E001 names the key and the cure; nothing else is said of the configuration."""
    (error,) = checked(JWTMW={"realm": ""}, deploy=True)
    assert "jwtmw.E001" == error.id
    assert error.is_serious()
    assert error.msg.startswith("JWTMW: realm: ")


def test_a_policy_object_is_a_configuration_too() -> None:
    """What is made already is taken as it is; its modes are complained about all the same."""
    policy = Policy({"issuers": [TestIssuer().settings()], "report_only": True})
    assert [] == checked(JWTMW=policy)
    assert ["jwtmw.W012"] == ids(checked(JWTMW=policy, deploy=True))


@pytest.mark.parametrize(
    ("middleware", "expected"),
    [
        pytest.param([OURS], [], id="alone"),
        pytest.param([DERIVED], [], id="derived"),
        pytest.param([], ["jwtmw.E002"], id="missing"),
        pytest.param([COMMON], ["jwtmw.E002"], id="others-only"),
        pytest.param([OURS, OURS], ["jwtmw.E003"], id="twice"),
        pytest.param([OURS, DERIVED], ["jwtmw.E003"], id="twice-derived"),
        pytest.param([GOOD, OURS, COMMON], [], id="harmless-before"),
        pytest.param([GOOD, COMMON, OURS], ["jwtmw.W001"], id="not-first"),
        pytest.param(["no.such.Middleware", OURS], ["jwtmw.W001"], id="unknown-before"),
        pytest.param([OURS, CSRF, LOGIN], [], id="hasty-behind"),
        pytest.param([CSRF, OURS], ["jwtmw.W002"], id="csrf-before"),
        pytest.param([LOGIN, OURS], ["jwtmw.W002"], id="login-before"),
        pytest.param([COMMON, CSRF, LOGIN, OURS], ["jwtmw.W001", "jwtmw.W002", "jwtmw.W002"], id="all-before"),
    ],
)
def test_the_middleware_and_its_place(middleware: list[str], expected: list[str]) -> None:
    """E002, E003, W001, W002: there, once, and before what it protects."""
    assert expected == ids(checked(MIDDLEWARE=middleware))


def test_what_stands_before_is_named() -> None:
    """W001 names what is not judged, and only that."""
    (warning,) = checked(MIDDLEWARE=[GOOD, COMMON, OURS])
    assert f"{COMMON}: before JWTMiddleware; what is answered there is not judged" == warning.msg


class Contradicting(View):
    @public
    def get(self, request: HttpRequest) -> HttpResponse:
        raise AssertionError("not called")


def _wrong_side() -> list[Any]:
    api = NinjaAPI(urls_namespace="checks-wrong-side")
    requires("a")(api.get("/a")(lambda request: "in"))
    return [path("", api.urls)]


def _auth_and_public() -> list[Any]:
    api = NinjaAPI(urls_namespace="checks-public", auth=JWTAuth())
    api.get("/a")(public(lambda request: "in"))
    return [path("", api.urls)]


def _below_and_above() -> list[Any]:
    return [path("a/", requires("a")(api_view(["GET"])(public(_fresh()))))]


def _fresh() -> Any:
    """A view of its own, as marks stay on what they were put on."""

    def fresh(request: HttpRequest) -> HttpResponse:
        raise AssertionError("not called")

    return fresh


@pytest.mark.parametrize(
    ("patterns", "text"),
    [
        pytest.param(
            lambda: [path("a/", requires("a")(Contradicting.as_view()))], "/a/: .*@public and @requires", id="class"
        ),
        pytest.param(
            lambda: [requires("a")(path("in/", include([path("b/", public(_fresh()))])))],
            "/in/b/: .*@public and @requires",
            id="include",
        ),
        pytest.param(
            lambda: [optional(path("in/", include([path("b/", _fresh())])))],
            "/in/b/: .*cannot be public or optional",
            id="optional-include",
        ),
        pytest.param(_wrong_side, "/a: .*wrong side of the route decorator", id="ninja-wrong-side"),
        pytest.param(_auth_and_public, "/a: .*@public meets JWTAuth", id="ninja-public"),
        pytest.param(_below_and_above, "/a/: .*@public and @requires", id="api-view"),
    ],
)
def test_marks_that_cannot_hold(patterns: Callable[[], list[Any]], text: str) -> None:
    """E004: one for each route, whatever the number of its methods."""
    (error,) = checked(patterns())
    assert "jwtmw.E004" == error.id
    assert re.match(text, str(error.msg))


@pytest.mark.parametrize(
    ("router", "hint"), [(SimpleRouter, "Mark the views"), (Router, "auth=JWTAuth")], ids=["rest-framework", "ninja"]
)
def test_marks_that_nobody_reads(router: Callable[[], Any], hint: str) -> None:
    """E005: a router hands Django only what is registered with it."""
    marked = requires("a")(router())
    (error,) = checked()
    assert "jwtmw.E005" == error.id
    assert error.hint is not None
    assert hint in error.hint
    del marked


def test_a_project_without_a_urlconf_has_no_routes() -> None:
    """Then there are no marks to check."""
    assert [] == checked(ROOT_URLCONF=None)


SHORT = {"secret": "0123456789", "allow_short_secret": True, "algorithms": ["HS256"], "jwks": None}


@pytest.mark.parametrize(
    ("code", "keys"),
    [
        pytest.param("non_secure", {"secure": False}, id="non-secure"),
        pytest.param("inbound_off", {"inbound": False}, id="inbound-off"),
        pytest.param("report_only", {"report_only": True}, id="report-only"),
        pytest.param("expose_reason", {"expose_reason": True}, id="expose-reason"),
        pytest.param("default_public", {"default": "public"}, id="default-public"),
        pytest.param("report_only_rule", {"rules": [{"path": "/a", "report_only": True}]}, id="report-only-rule"),
        pytest.param("short_secret", {"issuers": [TestIssuer().settings(**SHORT)]}, id="short-secret"),
    ],
)
def test_what_is_not_fit_for_production(code: str, keys: dict[str, Any]) -> None:
    """W010 to W016: silent in development, a warning with --deploy."""
    policy = {"issuers": [TestIssuer().settings()], **keys}
    assert [] == checked(JWTMW=policy)
    (warning,) = checked(JWTMW=policy, deploy=True)
    assert DEPLOY[code] == warning.id
    assert not warning.is_serious()


def test_what_a_start_would_warn_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """W017: any other warning of the start, as of a variable that is set and not used."""
    monkeypatch.setenv("JWTMW_REALM", "unused")
    (warning,) = checked(deploy=True)
    assert "jwtmw.W017" == warning.id
    assert "JWTMW_REALM" in warning.msg


def test_every_id_is_documented() -> None:
    """The table of docs/django.md has each id once, and no other."""
    page = (Path(__file__).parents[2] / "docs" / "django.md").read_text(encoding="utf-8")
    known = set(re.findall(r'"(jwtmw\.[EW]\d{3})"', Path(jwtmw_django.checks.__file__).read_text(encoding="utf-8")))
    listed = re.findall(r"^\| `(jwtmw\.[EW]\d{3})` \|", page, re.MULTILINE)
    assert sorted(known) == sorted(listed)


def test_no_check_shows_a_secret() -> None:
    """Neither texts nor hints hold what the configuration keeps secret."""
    policy = {"issuers": [TestIssuer().settings(**SHORT)], "expose_reason": True}
    found = checked(JWTMW=policy, deploy=True)
    assert ["jwtmw.W013", "jwtmw.W014"] == sorted(map(str, ids(found)))
    assert "0123456789" not in repr(found)
