"""drf-spectacular's document: the scheme, the scopes of each operation, and when the extension is there."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from django.apps import apps
from django.test import override_settings
from django.urls import include, path
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from rest_framework.decorators import action, api_view, authentication_classes, schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

import jwtmw_django.spectacular  # noqa: F401 - its import registers the extension
from jwtmw import optional, public, requires
from jwtmw_django.apps import JWTMWConfig
from jwtmw_django.rest_framework import JWTAuthentication
from tests.django.project import urlconf
from tests.django_extras.service import APPS

AUTH = (JWTAuthentication,)


class Subclass(JWTAuthentication):
    pass


class Orders(APIView):
    authentication_classes = AUTH
    schema = AutoSchema()

    def get(self, request: Request) -> Response:
        raise AssertionError("not called")

    @requires("orders:write")
    def post(self, request: Request) -> Response:
        raise AssertionError("not called")

    @optional
    @requires("orders:tip", any_scope=["a", "b"])
    def put(self, request: Request) -> Response:
        raise AssertionError("not called")

    @public
    def delete(self, request: Request) -> Response:
        raise AssertionError("not called")


@requires("orders:read")
class Things(ViewSet):
    authentication_classes = (Subclass,)
    schema = AutoSchema()

    def list(self, request: Request) -> Response:
        raise AssertionError("not called")

    @action(detail=True, methods=["post"])
    @requires("orders:close")
    def close(self, request: Request, pk: str) -> Response:
        raise AssertionError("not called")


@api_view(["GET"])
@authentication_classes(AUTH)
@schema(AutoSchema())
@requires("orders:read")
def below(request: Request) -> Response:
    raise AssertionError("not called")


router = SimpleRouter()
router.register("things", Things, "thing")


class Plain(APIView):
    """Its marks stand in the URLconf."""

    authentication_classes = AUTH
    schema = AutoSchema()

    def get(self, request: Request) -> Response:
        raise AssertionError("not called")


PATTERNS: list[Any] = [
    path("api/orders/", Orders.as_view()),
    requires("shop")(path("api/shop/", include(router.urls))),
    path("api/below/", below),
    path("api/plain/", Plain.as_view()),
    path("api/plain-public/", public(Plain.as_view())),
]
SCHEME = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


def document(patterns: list[Any] | None = None) -> dict[str, Any]:
    with override_settings(ROOT_URLCONF=urlconf(PATTERNS)):
        found: dict[str, Any] = SchemaGenerator(patterns=patterns).get_schema(request=None, public=True)
        return found


@pytest.mark.filterwarnings("ignore:.*unable to guess serializer")
def test_each_operation_shows_what_its_marks_ask(capsys: pytest.CaptureFixture[str]) -> None:
    """Scopes of methods, classes, actions, functions and includes; public ones show none."""
    found = document()
    assert {
        "get /api/orders/": [{"jwt": []}],
        "post /api/orders/": [{"jwt": ["orders:write"]}],
        "put /api/orders/": [{}, {"jwt": ["orders:tip", "a", "b"]}],
        "delete /api/orders/": None,
        "get /api/shop/things/": [{"jwt": ["orders:read", "shop"]}],
        "post /api/shop/things/{id}/close/": [{"jwt": ["orders:close", "orders:read", "shop"]}],
        "get /api/below/": [{"jwt": ["orders:read"]}],
        "get /api/plain/": [{"jwt": []}],
        "get /api/plain-public/": None,
    } == {
        f"{method} {url}": _asked(operation.get("security"))
        for url, operations in found["paths"].items()
        for method, operation in operations.items()
    }
    assert {"jwt": SCHEME} == found["components"]["securitySchemes"]
    capsys.readouterr()


def _asked(security: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    """Without the empty alternative at the end, which spectacular adds for its default permission, AllowAny."""
    return security[:-1] or None if security is not None and security[-1] == {} else security


def test_a_view_of_another_urlconf_asks_for_a_token(capsys: pytest.CaptureFixture[str]) -> None:
    """Where the document is of patterns that are not the project's, marks are unknown, and nothing is called public."""
    found = document([path("elsewhere/", public(Plain.as_view()))])
    assert [{"jwt": []}] == _asked(found["paths"]["/elsewhere/"]["get"]["security"])
    capsys.readouterr()


@pytest.mark.parametrize("installed", [False, True], ids=["without", "with"])
def test_ready_is_called_by_django(installed: bool) -> None:
    """The application is found by its package's name, and readies itself."""
    others = ["drf_spectacular"] if installed else []
    with override_settings(INSTALLED_APPS=[*APPS, "jwtmw_django", *others]):
        assert isinstance(apps.get_app_config("jwtmw_django"), JWTMWConfig)


PROGRAM = """
import sys
from django.conf import settings
settings.configure(INSTALLED_APPS=[{apps}], SECRET_KEY="x" * 50, LOGGING_CONFIG=None)
import django
django.setup()
print("jwtmw_django.spectacular" in sys.modules, "drf_spectacular" in sys.modules, "jwtmw_django.checks" in sys.modules)
"""


@pytest.mark.parametrize(
    ("installed", "expected"),
    [
        pytest.param(
            "'django.contrib.contenttypes', 'django.contrib.auth', 'jwtmw_django', 'drf_spectacular'",
            "True True True",
            id="installed",
        ),
        pytest.param("'jwtmw_django'", "False False True", id="not-installed"),
    ],
)
def test_the_application_loads_the_extension_where_it_is_wanted(installed: str, expected: str) -> None:
    """`ready` registers the checks always, the extension where drf-spectacular is an installed app."""
    program = [sys.executable, "-c", PROGRAM.format(apps=installed)]
    done = subprocess.run(program, check=True, capture_output=True, text=True, timeout=60)
    assert expected == done.stdout.strip()
