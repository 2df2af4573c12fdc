"""django-ninja behind the middleware: `JWTAuth` on sync and async operations, marks, and the OpenAPI document."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import RequestFactory, override_settings
from django.urls import path
from ninja import NinjaAPI, Router, Schema
from ninja.security import APIKeyHeader

from jwtmw import Denied, MarkError, NotInstalledError, optional, public, requires
from jwtmw_django.hidden import hidden_mark
from jwtmw_django.ninja import JWTAuth, document_marks
from tests.django_extras.service import CHALLENGE, Service

Made = Callable[..., Service]
INSUFFICIENT = 'Bearer realm="api", error="insufficient_scope", scope="{}"'


class Item(Schema):
    name: str


def made_api(**options: Any) -> NinjaAPI:
    """Sync and async operations, with the authentication of the API, their own, and marks."""
    api = NinjaAPI(**options)

    @api.get("/sync")
    def sync_operation(request: Any) -> dict[str, Any]:
        return {"caller": request.auth.subject}

    @api.get("/async")
    async def async_operation(request: Any) -> dict[str, Any]:
        return {"caller": request.auth.subject}

    @api.post("/sync", auth=JWTAuth("orders:write"))
    def sync_write(request: HttpRequest, item: Item) -> str:
        return item.name

    @api.post("/async", auth=JWTAuth("orders:write"))
    async def async_write(request: HttpRequest, item: Item) -> str:
        return item.name

    @api.get("/marked", auth=None)
    @requires("orders:read")
    def marked(request: HttpRequest) -> str:
        return "in"

    @api.get("/health", auth=None)
    @public
    async def health(request: HttpRequest) -> str:
        return "up"

    @public
    @api.get("/health-above", auth=None)
    def health_above(request: HttpRequest) -> str:
        return "up"

    @api.get("/optional", auth=JWTAuth("orders:read"))
    @optional
    def optional_operation(request: Any) -> bool:
        return request.auth.is_authenticated

    @api.get("/optional-async", auth=JWTAuth("orders:read"))
    @optional
    async def optional_async(request: Any) -> bool:
        return request.auth.is_authenticated

    return api


@pytest.fixture(scope="module")
def patterns() -> list[Any]:
    return [path("", made_api(auth=JWTAuth(), urls_namespace="main").urls)]


def answer(response: Any) -> tuple[int, str | None]:
    return response.status_code, response.headers.get("WWW-Authenticate")


@pytest.mark.parametrize("debug", [False, True], ids=["production", "debug"])
@pytest.mark.parametrize("asked", ["ask", "ask_async"], ids=["wsgi", "asgi"])
@pytest.mark.parametrize(
    ("method", "url", "scope", "expected"),
    [
        *[
            pytest.param(method, url, scope, expected, id=f"{url[1:]}-{name}")
            for url in ("/sync", "/async")
            for method, scope, expected, name in [
                ("GET", None, (401, CHALLENGE), "no-token"),
                ("GET", "", (200, None), "token"),
                ("POST", None, (401, CHALLENGE), "write-no-token"),
                ("POST", "orders:read", (403, INSUFFICIENT.format("orders:write")), "write-lacks"),
                ("POST", "orders:write", (200, None), "write-has"),
                ("DELETE", None, (401, CHALLENGE), "no-operation-no-token"),
                ("DELETE", "", (405, None), "no-operation-token"),
            ]
        ],
        pytest.param("GET", "/marked", None, (401, CHALLENGE), id="mark-no-token"),
        pytest.param("GET", "/marked", "", (403, INSUFFICIENT.format("orders:read")), id="mark-lacks"),
        pytest.param("GET", "/marked", "orders:read", (200, None), id="mark-has"),
        pytest.param("GET", "/health", None, (200, None), id="public"),
        pytest.param("POST", "/health", None, (401, CHALLENGE), id="public-is-one-operation"),
        pytest.param("GET", "/health-above", None, (200, None), id="public-above"),
        *[
            pytest.param("GET", url, scope, expected, id=f"{url[1:]}-{name}")
            for url in ("/optional", "/optional-async")
            for scope, expected, name in [
                (None, (200, None), "no-token"),
                ("", (403, INSUFFICIENT.format("orders:read")), "lacks"),
                ("orders:read", (200, None), "has"),
            ]
        ],
        pytest.param("GET", "/openapi.json", None, (401, CHALLENGE), id="document-no-token"),
        pytest.param("GET", "/docs", None, (401, CHALLENGE), id="docs-no-token"),
    ],
)
def test_operations_are_judged(
    service: Made,
    patterns: list[Any],
    debug: bool,
    asked: str,
    method: str,
    url: str,
    scope: str | None,
    expected: tuple[int, str | None],
) -> None:
    """Marks and `JWTAuth` hold on sync and async operations, by WSGI and ASGI, with the policy's challenge."""
    made = service(patterns, {"DEBUG": debug})
    options: dict[str, Any] = {"data": b'{"name": "x"}', "content_type": "application/json"}
    assert expected == answer(getattr(made, asked)(url, scope, method=method, **options))


@pytest.mark.parametrize("url", ["/sync", "/async"])
@pytest.mark.parametrize("asked", ["ask", "ask_async"], ids=["wsgi", "asgi"])
def test_the_operation_sees_the_caller(service: Made, patterns: list[Any], asked: str, url: str) -> None:
    """`request.auth` is the principal itself, also where it had to be awaited."""
    assert {"caller": "alice"} == getattr(service(patterns), asked)(url, "").json()


@pytest.mark.parametrize("url", ["/sync", "/async"])
def test_a_refusal_comes_before_the_body_is_read(service: Made, patterns: list[Any], url: str) -> None:
    """Who lacks a scope is told so, and not what is wrong with his body."""
    made = service(patterns)
    options: dict[str, Any] = {"method": "POST", "data": b"{", "content_type": "application/json"}
    assert 403 == made.ask(url, "orders:read", **options).status_code
    assert 400 == made.ask(url, "orders:write", **options).status_code


@pytest.mark.parametrize("keys", [{"secure": False}, {"report_only": True}], ids=["non-secure", "report-only"])
@pytest.mark.parametrize("url", ["/sync", "/async"])
def test_modes_pass(service: Made, keys: dict[str, Any], url: str) -> None:
    """What passes in non-secure and report-only mode passes `JWTAuth`, as an anonymous caller."""
    patterns = [path("", made_api(auth=JWTAuth("orders:read"), urls_namespace=f"modes{url}{keys}").urls)]
    assert {"caller": None} == service(patterns, **keys).ask(url).json()


def test_routers_are_judged(service: Made) -> None:
    """What the authentication of a router asks holds for its operations, where they are mounted."""
    api, router = NinjaAPI(urls_namespace="routers"), Router(auth=JWTAuth("orders:read"))

    @router.get("/a")
    def operation(request: HttpRequest) -> str:
        return "in"

    api.add_router("/mounted", router)
    made = service([path("api/", api.urls)])
    assert (403, INSUFFICIENT.format("orders:read")) == answer(made.ask("/api/mounted/a", ""))
    assert 200 == made.ask("/api/mounted/a", "orders:read").status_code


class Key(APIKeyHeader):
    param_name = "X-Key"

    def authenticate(self, request: HttpRequest, key: str | None) -> str | None:
        return key


@pytest.mark.parametrize("auth", [[Key(), JWTAuth("a")], [JWTAuth("a"), Key()]], ids=["before", "behind"])
def test_another_callback_is_no_way_around(service: Made, auth: list[Any]) -> None:
    """Whoever satisfies the other callback of a list still needs the token and its scopes."""
    api = NinjaAPI(
        urls_namespace=f"around{auth.index(next(each for each in auth if isinstance(each, Key)))}", auth=auth
    )

    @api.get("/a")
    def operation(request: HttpRequest) -> str:
        return "in"

    made = service([path("", api.urls)])
    assert (401, CHALLENGE) == answer(made.ask("/a", HTTP_X_KEY="key"))
    assert (403, INSUFFICIENT.format("a")) == answer(made.ask("/a", "b", HTTP_X_KEY="key"))
    assert 200 == made.ask("/a", "a").status_code


def test_public_beside_the_authentication_of_the_api_is_a_contradiction(service: Made) -> None:
    """Neither wins: the request fails, and the operation is not called."""
    api = NinjaAPI(urls_namespace="contradiction", auth=JWTAuth())

    @api.get("/a")
    @public
    def operation(request: HttpRequest) -> str:
        raise AssertionError("not reached")

    patterns = [path("", api.urls)]
    assert 500 == service(patterns).ask("/a", "").status_code
    (view,) = [pattern.callback for pattern in api.urls[0] if str(pattern.pattern) == "a"]
    with pytest.raises(MarkError, match=r"@public meets JWTAuth.*auth=None"):
        hidden_mark(view, "GET")


def test_a_mark_on_the_wrong_side_is_refused(service: Made) -> None:
    """ninja has registered the function without its lock: the request fails."""
    api = NinjaAPI(urls_namespace="wrong-side")

    @requires("orders:read")
    @api.get("/a")
    def operation(request: HttpRequest) -> str:
        raise AssertionError("not reached")

    assert 500 == service([path("", api.urls)]).ask("/a", "orders:read").status_code


# The authentication itself, as if nobody had judged in front of it.


@pytest.mark.parametrize("url", ["/sync", "/async"])
@pytest.mark.parametrize("asked", ["ask", "ask_async"], ids=["wsgi", "asgi"])
def test_without_the_middleware_it_fails_loudly(service: Made, patterns: list[Any], asked: str, url: str) -> None:
    """Neither a sync nor an async operation is called where no middleware judged the request."""
    made = service(patterns, {"MIDDLEWARE": []})
    with pytest.raises(NotInstalledError):
        getattr(made, asked)(url, "orders:read")


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("asked", ["ask", "ask_async"], ids=["wsgi", "asgi"])
def test_it_is_a_lock_of_its_own(service: Made, monkeypatch: pytest.MonkeyPatch, asked: str, kind: str) -> None:
    """Where the middleware does not see the operation, `JWTAuth` still refuses, and the operation is not called."""
    monkeypatch.setattr("jwtmw_django.marks.hidden_mark", lambda view, method: None)
    api = NinjaAPI(urls_namespace=f"lock-{kind}-{asked}", auth=JWTAuth("orders:read"))
    called: list[str] = []

    def operation(request: HttpRequest) -> str:
        called.append("sync")
        return "in"

    async def async_operation(request: HttpRequest) -> str:
        called.append("async")
        return "in"

    api.get("/a")(operation if kind == "sync" else async_operation)
    made = service([path("", api.urls)])
    assert (403, INSUFFICIENT.format("orders:read")) == answer(getattr(made, asked)("/a", ""))
    assert [] == called
    assert 200 == getattr(made, asked)("/a", "orders:read").status_code
    assert [kind] == called


def test_the_lock_is_the_policy_s_with_debug_too(service: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """With DEBUG, ninja answers unknown exceptions itself; `document_marks` leaves refusals to the middleware."""
    monkeypatch.setattr("jwtmw_django.marks.hidden_mark", lambda view, method: None)
    api = NinjaAPI(urls_namespace="debug", auth=JWTAuth("orders:read"))
    document_marks(api)

    @api.get("/a")
    def operation(request: HttpRequest) -> str:
        raise AssertionError("not reached")

    made = service([path("", api.urls)], {"DEBUG": True})
    assert (403, INSUFFICIENT.format("orders:read")) == answer(made.ask("/a", ""))


def test_on_an_event_loop_no_thread_is_asked(service: Made) -> None:
    """An async operation is authenticated on the loop that calls it."""
    threads: list[int] = []

    class Noted(JWTAuth):
        def __call__(self, request: HttpRequest) -> Any:
            threads.append(threading.get_ident())
            return super().__call__(request)

    api = NinjaAPI(urls_namespace="threads", auth=Noted())

    @api.get("/a")
    async def operation(request: HttpRequest) -> str:
        threads.append(threading.get_ident())
        return "in"

    assert 200 == service([path("", api.urls)]).ask_async("/a", "").status_code
    assert 2 == len(threads)
    assert 1 == len(set(threads))


def test_on_an_event_loop_a_refusal_needs_no_await() -> None:
    """Even a caller who forgets to await the answer is not let in by that."""

    async def call() -> None:
        JWTAuth()(RequestFactory().get("/"))

    with pytest.raises(NotInstalledError):
        asyncio.run(call())


# The document


def document(api: NinjaAPI) -> dict[str, Any]:
    return api.get_openapi_schema(path_prefix="/")


def test_the_document_shows_the_scopes() -> None:
    """Each operation shows what it asks by `JWTAuth` and marks; an optional token is an empty alternative."""
    api = made_api(auth=JWTAuth(), urls_namespace="document")
    document_marks(api)
    paths = document(api)["paths"]
    assert {
        "GET /sync": [{"JWTAuth": []}],
        "POST /sync": [{"JWTAuth": ["orders:write"]}],
        "GET /async": [{"JWTAuth": []}],
        "POST /async": [{"JWTAuth": ["orders:write"]}],
        "GET /marked": [{"JWTAuth": ["orders:read"]}],
        "GET /health": None,
        "GET /health-above": None,
        "GET /optional": [{}, {"JWTAuth": ["orders:read"]}],
        "GET /optional-async": [{}, {"JWTAuth": ["orders:read"]}],
    } == {
        f"{method.upper()} {url}": operation.get("security")
        for url, operations in paths.items()
        for method, operation in operations.items()
    }
    scheme = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    assert {"JWTAuth": scheme} == document(api)["components"]["securitySchemes"]


def test_the_document_is_served_with_them(service: Made) -> None:
    """The page that ninja serves is that document."""
    api = made_api(auth=JWTAuth(), urls_namespace="served")
    document_marks(api)
    served = service([path("api/", api.urls)]).ask("/api/openapi.json", "").json()
    assert [{"JWTAuth": ["orders:write"]}] == served["paths"]["/api/sync"]["post"]["security"]


def test_an_operation_without_either_is_documented_as_ninja_does() -> None:
    """Other authentication is left as it is, and so is none; a mark without `JWTAuth` names the scheme all the same."""
    api = NinjaAPI(urls_namespace="others", auth=Key())
    document_marks(api)

    @api.get("/key")
    def key(request: HttpRequest) -> str:
        return "in"

    @api.get("/none", auth=None)
    def none(request: HttpRequest) -> str:
        return "in"

    found = document(api)
    assert [{"Key": []}] == found["paths"]["/key"]["get"]["security"]
    assert "security" not in found["paths"]["/none"]["get"]
    assert ["Key"] == list(found["components"]["securitySchemes"])


def test_a_refusal_is_no_answer_of_the_api_s() -> None:
    """The handler that `document_marks` adds hands the exception on as it is."""
    api = NinjaAPI(urls_namespace="handler")
    document_marks(api)
    from jwtmw.adapter import Deny, Reason

    refusal = Denied(Deny(Reason.TOKEN_MISSING))
    with override_settings(DEBUG=True), pytest.raises(Denied) as raised:
        api.on_exception(RequestFactory().get("/"), refusal)
    assert refusal is raised.value
