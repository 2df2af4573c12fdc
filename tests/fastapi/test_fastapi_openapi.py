"""The OpenAPI document: scheme and scopes stand where the docs page's Authorize button looks for them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Security
from starlette.routing import Route

from jwtmw import optional, public, requires
from jwtmw.fastapi import JWTBearer, document_marks, jwt, protect
from tests.starlette.calls import ask, policy, token


async def operation() -> None: ...


def security(app: FastAPI, path: str, method: str = "get") -> Any:
    return app.openapi()["paths"][path][method].get("security")


def test_scheme_and_scopes_are_documented():
    """An HTTP bearer scheme, format JWT, and each operation's scopes, those of routers included."""
    router = APIRouter(dependencies=[Security(jwt, scopes=["a"])])
    router.get("/x", dependencies=[Security(jwt, scopes=["b"])])(operation)
    app = FastAPI()
    app.include_router(router, prefix="/in")
    app.get("/any", dependencies=[Depends(jwt)])(operation)
    app.get("/none")(operation)
    protect(app, policy(rules=[{"path": "/openapi.json", "allow": "public"}]))
    scheme = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    assert {"JWTBearer": scheme} == app.openapi()["components"]["securitySchemes"]
    assert [{"JWTBearer": ["a", "b"]}] == security(app, "/in/x")
    assert [{"JWTBearer": []}] == security(app, "/any")
    assert security(app, "/none") is None
    assert '"bearerFormat":"JWT"' in ask(app, "/openapi.json").body


def test_name_and_description_can_be_given():
    """They say to readers of the docs page where a token is to be had."""
    corp = JWTBearer(scheme_name="Corp", description="From `corp login`")
    app = FastAPI()
    app.get("/x", dependencies=[Security(corp, scopes=["a"])])(operation)
    scheme = app.openapi()["components"]["securitySchemes"]["Corp"]
    assert ("http", "From `corp login`") == (scheme["type"], scheme["description"])


def test_openid_connect_can_be_documented_instead():
    """The docs page then finds the issuer itself; what is asked stays the same."""
    corp = JWTBearer(openid_connect_url="https://id.example/.well-known/openid-configuration")
    app = FastAPI()
    app.get("/x", dependencies=[Security(corp, scopes=["a"])])(operation)
    protect(app, policy())
    expected = {"type": "openIdConnect", "openIdConnectUrl": "https://id.example/.well-known/openid-configuration"}
    assert {"JWTBearer": expected} == app.openapi()["components"]["securitySchemes"]
    assert [401, 403, 200] == [ask(app, "/x", bearer).status for bearer in (None, token("b"), token("a"))]


def marked() -> FastAPI:
    app, router = FastAPI(), APIRouter()

    @public
    async def free() -> None: ...

    @optional
    async def either() -> None: ...

    @requires("a", any_scope=["b", "c"])
    async def asked() -> None: ...

    for path, endpoint in {"/free": free, "/either": either, "/asked": asked, "/none": operation}.items():
        router.get(path)(endpoint)
        app.get(path)(endpoint)
    router.post("/asked", dependencies=[Security(jwt, scopes=["d"])])(asked)
    app.get("/hidden", include_in_schema=False)(asked)
    app.router.routes.append(Route("/route", asked))
    app.websocket("/chat")(asked)
    app.include_router(router, prefix="/in")
    return app


def test_marks_can_be_documented():
    """Operations with marks are shown as those with the dependency, which speaks for itself where it is there."""
    app = marked()
    document_marks(app)
    for prefix in ("", "/in"):
        assert [{"JWTBearer": ["a", "b", "c"]}] == security(app, f"{prefix}/asked")
        assert [{}, {"JWTBearer": []}] == security(app, f"{prefix}/either")
        assert [None, None] == [security(app, f"{prefix}/{name}") for name in ("free", "none")]
    assert [{"JWTBearer": ["d"]}] == security(app, "/in/asked", "post")
    assert {"/hidden", "/route", "/chat"}.isdisjoint(app.openapi()["paths"])
    assert app.openapi() is app.openapi()


def test_marks_are_documented_under_another_name():
    """A scheme of one's own stands for the marks too; without marks there is nothing to show."""
    app = FastAPI()
    document_marks(app, JWTBearer(scheme_name="Corp"))
    assert "components" not in app.openapi()
    app.get("/x")(requires()(fresh_operation()))
    app.openapi_schema = None
    assert [{"Corp": []}] == security(app, "/x")
    assert ["Corp"] == list(app.openapi()["components"]["securitySchemes"])


def fresh_operation() -> Any:
    async def operation() -> None: ...

    return operation
