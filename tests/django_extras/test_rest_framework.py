"""Django REST framework behind the middleware: who is let in, who the views see, and what a refusal looks like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import RequestFactory
from django.urls import include, path
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.decorators import action, api_view, authentication_classes, permission_classes
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from jwtmw import NotInstalledError, Policy, Principal, optional, public, requires
from jwtmw_django.rest_framework import JWTAuthentication, JWTPermission
from tests.django_extras.service import CHALLENGE, Service

Made = Callable[..., Service]


class Base(APIView):
    authentication_classes = (JWTAuthentication,)
    permission_classes = (JWTPermission,)


class Orders(Base):
    def get(self, request: Request) -> Response:
        return Response({"user": request.user.get_username(), "scopes": sorted(request.auth.scopes)})

    @requires("orders:write")
    def post(self, request: Request) -> Response:
        return Response(request.data, status=201)


class Open(Base):
    @public
    def get(self, request: Request) -> Response:
        return Response({"user": str(request.user), "auth": request.auth})

    @optional
    def post(self, request: Request) -> Response:
        return Response({"known": request.auth is not None})


@requires("orders:read")
class Things(ViewSet):
    authentication_classes = (JWTAuthentication,)

    def list(self, request: Request) -> Response:
        return Response([])

    @requires("orders:write")
    def create(self, request: Request) -> Response:
        return Response({}, status=201)

    @action(detail=True, methods=["post"])
    @requires("orders:close")
    def closeIt(self, request: Request, pk: str) -> Response:  # noqa: N802 - a name that is no verb's
        return Response({"closed": pk})


class Health(ViewSet):
    authentication_classes = (JWTAuthentication,)

    @public
    def list(self, request: Request) -> Response:
        return Response("up")

    def create(self, request: Request) -> Response:
        return Response({}, status=201)


@api_view(["GET", "POST"])
@authentication_classes([JWTAuthentication])
@requires("orders:read")
def below(request: Request) -> Response:
    return Response({"caller": request.auth.subject})


@requires("orders:read")
@api_view(["GET"])
@authentication_classes([JWTAuthentication])
def above(request: Request) -> Response:
    return Response({"caller": request.auth.subject})


@api_view(["GET"])
@public
def health(request: Request) -> Response:
    return Response("up")


@public
@api_view(["GET"])
def health_above(request: Request) -> Response:
    return Response("up")


router = SimpleRouter()
router.register("things", Things, "thing")
router.register("up", Health, "up")
PATTERNS = [
    path("orders/", Orders.as_view()),
    path("open/", Open.as_view()),
    path("below/", below),
    path("above/", above),
    path("health/", health),
    path("health-above/", health_above),
    path("", include(router.urls)),
]


def answer(response: Any) -> tuple[int, str | None]:
    return response.status_code, response.headers.get("WWW-Authenticate")


def test_the_view_sees_the_caller_of_the_middleware(service: Made) -> None:
    """`request.user` is the user of the token, `request.auth` the principal."""
    response = service(PATTERNS).ask("/orders/", "orders:read")
    assert {"user": "alice", "scopes": ["orders:read"]} == response.json()


def test_the_user_is_the_one_of_load_user(service: Made) -> None:
    """What `Policy(load_user=...)` returned is DRF's user too."""

    class User:
        is_authenticated = True

        def get_username(self) -> str:
            return "of the database"

    made = service(PATTERNS)
    policy = Policy(made.overrides["JWTMW"], load_user=lambda principal: User())
    made.overrides["JWTMW"] = policy
    assert "of the database" == made.ask("/orders/", "").json()["user"]


INSUFFICIENT = 'Bearer realm="api", error="insufficient_scope", scope="{}"'


@pytest.mark.parametrize("asked", ["ask", "ask_async"], ids=["wsgi", "asgi"])
@pytest.mark.parametrize(
    ("method", "url", "scope", "expected"),
    [
        pytest.param("GET", "/orders/", None, (401, CHALLENGE), id="no-token"),
        pytest.param("GET", "/orders/", "", (200, None), id="token"),
        pytest.param("POST", "/orders/", "", (403, INSUFFICIENT.format("orders:write")), id="method-lacks"),
        pytest.param("POST", "/orders/", "orders:write", (201, None), id="method-has"),
        pytest.param("DELETE", "/orders/", None, (401, CHALLENGE), id="no-handler-no-token"),
        pytest.param("DELETE", "/orders/", "", (405, None), id="no-handler-token"),
        pytest.param("GET", "/open/", None, (200, None), id="public-method"),
        pytest.param("HEAD", "/open/", None, (200, None), id="public-method-head"),
        pytest.param("POST", "/open/", None, (200, None), id="optional-method"),
        pytest.param("PUT", "/open/", None, (401, CHALLENGE), id="public-is-one-method"),
        pytest.param("GET", "/things/", "", (403, INSUFFICIENT.format("orders:read")), id="viewset-class"),
        pytest.param("GET", "/things/", "orders:read", (200, None), id="viewset-class-has"),
        pytest.param(
            "POST",
            "/things/",
            "orders:read",
            (403, INSUFFICIENT.format("orders:write orders:read")),
            id="viewset-action",
        ),
        pytest.param("POST", "/things/", "orders:read orders:write", (201, None), id="viewset-action-has"),
        pytest.param(
            "POST",
            "/things/7/closeIt/",
            "orders:read",
            (403, INSUFFICIENT.format("orders:close orders:read")),
            id="extra",
        ),
        pytest.param("POST", "/things/7/closeIt/", "orders:read orders:close", (200, None), id="extra-has"),
        pytest.param("GET", "/up/", None, (200, None), id="viewset-public"),
        pytest.param("HEAD", "/up/", None, (200, None), id="viewset-public-head"),
        pytest.param("POST", "/up/", None, (401, CHALLENGE), id="viewset-public-is-one-action"),
        pytest.param("GET", "/below/", None, (401, CHALLENGE), id="below-no-token"),
        pytest.param("GET", "/below/", "", (403, INSUFFICIENT.format("orders:read")), id="below-lacks"),
        pytest.param("HEAD", "/below/", "", (403, INSUFFICIENT.format("orders:read")), id="below-lacks-head"),
        pytest.param("GET", "/below/", "orders:read", (200, None), id="below-has"),
        pytest.param("GET", "/above/", "", (403, INSUFFICIENT.format("orders:read")), id="above-lacks"),
        pytest.param("GET", "/above/", "orders:read", (200, None), id="above-has"),
        pytest.param("GET", "/health/", None, (200, None), id="public-below"),
        pytest.param("OPTIONS", "/health/", None, (401, CHALLENGE), id="public-below-is-one-function"),
        pytest.param("GET", "/health-above/", None, (200, None), id="public-above"),
        pytest.param("OPTIONS", "/health-above/", None, (200, None), id="public-above-is-the-view"),
    ],
)
def test_marks_are_honoured(
    service: Made, asked: str, method: str, url: str, scope: str | None, expected: tuple[int, str | None]
) -> None:
    """Marks on methods, classes, actions and functions are judged by the middleware, by WSGI and ASGI."""
    assert expected == answer(getattr(service(PATTERNS), asked)(url, scope, method=method))


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_who_is_refused_reaches_neither_parser_nor_view(service: Made, method: str) -> None:
    """A mark is judged before DRF reads the body, authenticates or asks for permission."""
    touched: list[str] = []

    class Noted(BaseAuthentication):
        def authenticate(self, request: Request) -> None:
            touched.append("authentication")

    @api_view(["GET", "POST"])
    @authentication_classes([Noted])
    @requires("orders:write")
    def view(request: Request) -> Response:
        touched.append("view")
        return Response(request.data)

    made = service([path("a/", view)])
    assert 403 == made.ask("/a/", "", method=method, data=b"{", content_type="application/json").status_code
    assert [] == touched
    assert 200 == made.ask("/a/", "orders:write", method="GET").status_code
    assert ["authentication", "view"] == touched


def test_a_refusal_of_the_framework_is_a_401_with_the_challenge(service: Made) -> None:
    """A permission that a public route's anonymous caller lacks is answered with the policy's challenge, not 403."""

    @api_view(["GET"])
    @authentication_classes([JWTAuthentication])
    @permission_classes([IsAuthenticated])
    @optional
    def view(request: Request) -> Response:
        return Response("in")

    made = service([path("a/", view)], realm="orders")
    assert (401, 'Bearer realm="orders"') == answer(made.ask("/a/"))
    assert 200 == made.ask("/a/", "").status_code


@pytest.mark.parametrize(
    ("raised", "expected"),
    [(AuthenticationFailed, (401, CHALLENGE)), (PermissionDenied, (403, None))],
    ids=["not-authenticated", "denied"],
)
def test_what_a_view_raises_is_its_own(
    service: Made, raised: type[Exception], expected: tuple[int, str | None]
) -> None:
    """DRF's own exceptions keep their status; a 401 carries the challenge."""

    class View(Base):
        def get(self, request: Request) -> Response:
            raise raised

    assert expected == answer(service([path("a/", View.as_view())]).ask("/a/", ""))


def test_a_denial_inside_is_the_policy_s(service: Made) -> None:
    """A second lock inside the view refuses with the policy's own response, past DRF's handlers."""

    @requires("orders:write")
    def helper() -> None:
        raise AssertionError("not reached")

    class View(Base):
        def get(self, request: Request) -> Response:
            helper()
            return Response("in")

    response = service([path("a/", View.as_view())]).ask("/a/", "orders:read")
    assert (403, INSUFFICIENT.format("orders:write")) == answer(response)
    assert "insufficient_scope" == response.json()["code"]


def test_an_anonymous_caller_is_left_to_the_next_class(service: Made) -> None:
    """On a public route the session's user is DRF's user, as without jwtmw."""

    class Next(SessionAuthentication):
        def authenticate(self, request: Request) -> tuple[str, str]:
            return "from the session", "session"

    @api_view(["GET"])
    @authentication_classes([JWTAuthentication, Next])
    @public
    def view(request: Request) -> Response:
        return Response([request.user, request.auth])

    assert ["from the session", "session"] == service([path("a/", view)]).ask("/a/").json()


@pytest.mark.parametrize("keys", [{"secure": False}, {"report_only": True}], ids=["non-secure", "report-only"])
def test_modes_pass_the_permission(service: Made, keys: dict[str, Any]) -> None:
    """What passes in non-secure and report-only mode passes `JWTPermission` as well, as an anonymous caller."""

    @api_view(["GET"])
    @authentication_classes([JWTAuthentication])
    @permission_classes([JWTPermission])
    @requires("orders:read")
    def view(request: Request) -> Response:
        assert isinstance(request.auth, Principal | None)
        return Response(request.auth is None)

    assert service([path("a/", view)], **keys).ask("/a/").json() is True


@pytest.mark.parametrize(
    "view", [Orders.as_view(), Open.as_view(), below, above], ids=["class", "public", "below", "above"]
)
def test_without_the_middleware_it_fails_loudly(service: Made, view: Any) -> None:
    """No view of these classes answers where no middleware judged the request, not even a public one."""
    made = service([path("a/", view)], {"MIDDLEWARE": []})
    with pytest.raises(NotInstalledError):
        made.ask("/a/", "orders:read")


def test_the_permission_alone_fails_loudly_too() -> None:
    """`JWTPermission` beside other authentication is never open by mistake."""

    class View(APIView):
        authentication_classes = ()
        permission_classes = (JWTPermission,)

        def get(self, request: Request) -> Response:
            raise AssertionError("not reached")

    with pytest.raises(NotInstalledError):
        View.as_view()(RequestFactory().get("/"))
