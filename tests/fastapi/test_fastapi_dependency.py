"""`Security(jwt, scopes=[...])`: judged like a mark, before anything of FastAPI runs, and locked a second time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Body, Depends, FastAPI, Security, WebSocket
from fastapi.testclient import TestClient

from jwtmw import MarkError, NotInstalledError, Principal, asgi, optional, public, requires
from jwtmw.fastapi import JWTBearer, jwt, protect
from tests.starlette.calls import EXTENSION, Ran, ask, policy, refused, token

Reader = Annotated[Principal, Security(jwt, scopes=["a"])]
Caller = Annotated[Principal, Depends(jwt)]


@pytest.fixture
def ran() -> Ran:
    return Ran()


def noting(ran: Ran) -> Any:
    """A dependency that must not run for who is refused."""

    async def note() -> None:
        ran.callers.append("dependency")

    return Depends(note)


def service(ran: Ran, **more: Any) -> FastAPI:
    """One operation that reads a body, in every place from which a dependency can ask for the scope `a`."""
    noted = noting(ran)

    async def parameter(size: Annotated[int, Body()], caller: Reader, other: None = noted) -> str | None:
        ran.callers.append(caller.subject)
        return caller.subject

    async def nothing(size: Annotated[int, Body()], other: None = noted) -> str:
        ran.callers.append("alice")
        return "alice"

    async def user(caller: Caller) -> Principal:
        return caller

    asks, known = Security(jwt, scopes=["a"]), Security(user, scopes=["a"])

    async def through(size: Annotated[int, Body()], caller: Principal = known, other: None = noted) -> str | None:
        ran.callers.append(caller.subject)
        return caller.subject

    asks = Security(jwt, scopes=["a"])

    async def number(caller: Reader) -> str | None:
        ran.callers.append(caller.subject)
        return caller.subject

    app = FastAPI(**more)
    app.get("/number")(number)
    app.post("/parameter")(parameter)
    app.post("/through")(through)
    app.post("/decorator", dependencies=[asks])(nothing)
    own, included, outer, inner = APIRouter(dependencies=[asks]), APIRouter(), APIRouter(), APIRouter(prefix="/in")
    for router in (own, included, inner):
        router.post("/x")(nothing)
    inner.post("/parameter")(parameter)
    app.include_router(own, prefix="/own")
    app.include_router(included, prefix="/included", dependencies=[asks])
    outer.include_router(inner, prefix="/nested")
    app.include_router(outer, prefix="/outer", dependencies=[asks])
    return app


PLACES = (
    *("/parameter", "/through", "/decorator", "/own/x", "/included/x"),
    *("/outer/nested/in/x", "/outer/nested/in/parameter"),
)
JSON: Any = {"headers": {"content-type": "application/json"}}


@pytest.mark.parametrize("path", PLACES)
def test_what_it_asks_is_judged_before_anything_else(ran, path):
    """Who lacks the scope is refused before body, validation, dependencies and endpoint, as by `@requires`."""
    app = protect(service(ran), policy())
    refused(ask(app, path, None, "POST", **JSON), ran, 401)
    refused(ask(app, path, token("b"), "POST", **JSON), ran, 403)
    # The body is no number: who may call learns of it.
    assert 422 == ask(app, path, token("a"), "POST", **JSON).status
    with TestClient(app) as client:
        answer = client.post(path, json=3, headers={"Authorization": f"Bearer {token('a')}"})
    assert (200, "alice") == (answer.status_code, answer.json())


@pytest.mark.parametrize("path", PLACES)
@pytest.mark.parametrize("scopes", [None, "", "b"], ids=["nobody", "none", "other"])
def test_a_refusal_is_that_of_a_mark_byte_for_byte(ran, path, scopes):
    """Status, headers and body are the engine's own."""
    app = service(ran)
    app.post("/marked")(requires("a")(ran()))
    protect(app, policy())
    bearer = None if scopes is None else token(*scopes)
    assert ask(app, "/marked", bearer, "POST").sent == ask(app, path, bearer, "POST").sent


def test_all_dependencies_apply(ran):
    """What application, inclusion, router, decorator and parameter ask adds up, with a decorator of ours too."""

    @requires("f")
    async def operation(caller: Annotated[Principal, Security(jwt, scopes=["e"])]) -> str | None:
        ran.callers.append(caller.subject)
        return caller.subject

    router = APIRouter(dependencies=[Security(jwt, scopes=["c"])])
    router.get("/x", dependencies=[Security(jwt, scopes=["d"])])(operation)
    app = FastAPI(dependencies=[Security(jwt, scopes=["a"])])
    app.include_router(router, dependencies=[Security(jwt, scopes=["b"])])
    protect(app, policy())
    for missing in "abcdef":
        answer = ask(app, "/x", token(*"abcdef".replace(missing, "")))
        refused(answer, ran, 403)
        challenge = (answer.header(b"www-authenticate") or b"").decode().partition('scope="')[2]
        assert set("abcdef") == set(challenge.strip('"').split())
    assert 200 == ask(app, "/x", token(*"abcdef")).status


def test_one_router_included_twice_asks_for_each(ran):
    """What an inclusion asks counts there and nowhere else."""
    router = APIRouter()
    router.get("/x")(requires()(ran()))
    app = FastAPI()
    for name in "ab":
        app.include_router(router, prefix=f"/{name}", dependencies=[Security(jwt, scopes=[name])])
    app.include_router(router, prefix="/free")
    protect(app, policy())
    assert [403, 200, 200] == [start_status(app, f"/{name}/x", token("b")) for name in ("a", "b", "free")]
    assert [200, 403, 200] == [start_status(app, f"/{name}/x", token("a")) for name in ("a", "b", "free")]


def start_status(app: Any, path: str, bearer: str | None) -> int:
    return ask(app, path, bearer).status


def test_without_scopes_any_token_will_do_also_under_a_public_default(ran):
    """`Depends(jwt)` is `@requires()`."""

    async def operation(caller: Caller) -> str | None:
        ran.callers.append(caller.subject)
        return caller.subject

    app = FastAPI()
    app.get("/x")(operation)
    app.get("/open")(ran())
    protect(app, policy(default="public"))
    refused(ask(app, "/x"), ran, 401)
    assert [200, 200] == [ask(app, "/x", token()).status, ask(app, "/x", token(), "GET").status]


def test_a_public_rule_is_tightened(ran):
    """An explicit rule and what a dependency asks must both hold."""
    rules = [{"path": "/**", "allow": "public"}, {"path": "/parameter", "scopes": ["z"]}]
    app = protect(service(ran), policy(rules=rules))
    refused(ask(app, "/through", None, "POST"), ran, 401)
    answer = ask(app, "/parameter", token("a"), "POST")
    refused(answer, ran, 403)
    assert b'scope="z a"' in (answer.header(b"www-authenticate") or b"")


def test_optional_beside_a_parameter_stays_optional(ran):
    """`@optional` with `Security(jwt, scopes=[...])` as a parameter is what it is with `@requires`."""

    @optional
    async def operation(caller: Reader) -> str | None:
        ran.callers.append(caller.subject)
        return caller.subject

    app = FastAPI()
    app.get("/x")(operation)
    protect(app, policy())
    assert ("null", 200) == ((answer := ask(app, "/x")).body, answer.status)
    ran.callers.clear()
    refused(ask(app, "/x", token("b")), ran, 403)
    refused(ask(app, "/x", token("a", exp=1)), ran, 401)
    assert '"alice"' == ask(app, "/x", token("a")).body


def test_optional_does_not_loosen_what_stands_around_it(ran):
    """A list of dependencies may be the router's: it asks for a token whatever the endpoint says."""
    app = FastAPI(dependencies=[Depends(jwt)])
    app.get("/x")(optional(ran()))
    protect(app, policy())
    refused(ask(app, "/x"), ran, 401)


def contradiction(**where: Any) -> FastAPI:
    async def operation() -> None: ...

    async def asking(caller: Caller) -> None: ...

    app = FastAPI(dependencies=where.get("app"))
    router = APIRouter(dependencies=where.get("router"))
    router.get("/x")(public(asking if where.get("parameter") else operation))
    app.include_router(router, dependencies=where.get("include"))
    return app


@pytest.mark.parametrize("where", ["app", "router", "include", "parameter"])
def test_public_and_a_dependency_contradict_each_other(where):
    """An endpoint cannot be public and ask for a token: that does not start."""
    with pytest.raises(MarkError, match="@public and @requires meet"):
        protect(contradiction(**{where: [Depends(jwt)]}), policy())


def test_a_contradiction_that_comes_late_is_answered_with_500(ran):
    """A route that is added while the service runs fails loudly."""
    app = protect(FastAPI(), policy())
    app.get("/x", dependencies=[Depends(jwt)])(public(ran()))
    refused(ask(app, "/x", token()), ran, 500)


def test_scopes_that_cannot_be_meant_do_not_start(ran):
    """One text with two scopes would be met by nobody."""
    app = FastAPI()
    app.get("/x", dependencies=[Security(jwt, scopes=["a b"])])(ran())
    with pytest.raises(ValueError, match="scope"):
        protect(app, policy())


@pytest.mark.parametrize("path", ["/parameter", "/included/x"])
def test_without_middleware_it_fails_loudly(ran, path):
    """A service whose middleware was forgotten answers nobody."""
    client = TestClient(service(ran))
    with pytest.raises(NotInstalledError):
        client.post(path, json=3, headers={"Authorization": f"Bearer {token('a')}"})
    assert "alice" not in ran.callers


def test_behind_plain_asgi_it_is_the_only_lock(ran):
    """Path rules alone see no routes: the dependency refuses, with the same answer."""
    seen = policy()
    app, marked = service(ran), protect(service(ran), seen)
    app.add_middleware(asgi.JWTMiddleware, policy=seen)
    early = ask(marked, "/number", token("b"))
    late = ask(app, "/number", token("b"))
    assert (403, early.sent) == (late.status, late.sent)
    assert [] == ran.callers
    with TestClient(app) as client:
        assert 200 == client.post("/parameter", json=3, headers={"Authorization": f"Bearer {token('a')}"}).status_code


def test_an_override_gives_another_caller_and_opens_nothing(ran):
    """`dependency_overrides[jwt]` replaces who is handed over; what the route asks is still asked."""
    app = protect(service(ran), policy())
    app.dependency_overrides[jwt] = lambda: Principal(subject="bob")
    refused(ask(app, "/parameter", None, "POST"), ran, 401)
    refused(ask(app, "/parameter", token("b"), "POST"), ran, 403)
    with TestClient(app) as client:
        answer = client.post("/parameter", json=3, headers={"Authorization": f"Bearer {token('a')}"})
    assert "bob" == answer.json()


def test_an_override_is_all_that_a_test_without_protection_needs(ran):
    """Without middleware, or in non-secure mode, the override alone says who calls."""
    for app in (service(ran), protect(service(ran), policy(secure=False))):
        app.dependency_overrides[jwt] = lambda: Principal(subject="bob")
        with TestClient(app) as client:
            assert "bob" == client.post("/parameter", json=3).json()


def test_an_override_that_asks_for_more_locks_late(ran):
    """What an override asks itself cannot be read ahead: the dependency refuses when it runs."""
    app = service(ran)

    async def strict(caller: Annotated[Principal, Security(jwt, scopes=["z"])]) -> Principal:
        return caller

    def nobody() -> None: ...

    @app.get("/x", dependencies=[Depends(nobody)])
    async def operation() -> None:
        ran.callers.append("endpoint")

    app.dependency_overrides[nobody] = strict
    protect(app, policy())
    refused(ask(app, "/x", token("a")), ran, 403)
    assert 200 == ask(app, "/x", token("z")).status


def test_non_secure_and_report_only_pass(ran):
    """Where nothing is judged the caller is anonymous; where it is only reported, the request passes."""
    with TestClient(protect(service(ran), policy(secure=False))) as client:
        assert client.post("/parameter", json=3).json() is None
    seen = policy(report_only=True)
    with TestClient(protect(service(ran), seen)) as client:
        assert client.post("/parameter", json=3).json() is None
        bearer = {"Authorization": f"Bearer {token('b')}"}
        assert "alice" == client.post("/parameter", json=3, headers=bearer).json()
    assert {"token_missing": 1, "scope_missing": 1} == {
        row["reason"]: row["count"] for row in seen.metrics()["would_deny"]
    }


@pytest.mark.parametrize("prefix", ["", "/in"], ids=["direct", "included"])
def test_websockets_are_refused_before_they_are_accepted(ran, prefix):
    """A dependency of a WebSocket asks as that of an operation does."""

    async def chat(websocket: WebSocket, caller: Reader) -> None:
        await websocket.accept()
        await websocket.send_text(caller.subject or "")
        await websocket.close()

    app, router = FastAPI(), APIRouter()
    (router if prefix else app).websocket("/chat")(chat)
    app.include_router(router, prefix="/in")
    protect(app, policy())
    refused(ask(app, f"{prefix}/chat", None, "GET", "websocket", extensions=EXTENSION), ran, 401)
    refused(ask(app, f"{prefix}/chat", token("b"), "GET", "websocket", extensions=EXTENSION), ran, 403)
    refused(ask(app, f"{prefix}/chat", token("b"), "GET", "websocket"), ran, 1008)
    with TestClient(app).websocket_connect(
        f"{prefix}/chat", headers={"Authorization": f"Bearer {token('a')}"}
    ) as socket:
        assert "alice" == socket.receive_text()


def test_dependencies_with_yield_end_around_the_late_lock(ran):
    """A refusal by the second lock unwinds what FastAPI has entered by then."""

    async def session() -> AsyncIterator[str]:
        ran.callers.append("open")
        try:
            yield "session"
        finally:
            ran.callers.append("closed")

    async def operation() -> None:
        ran.callers.append("endpoint")

    app, asks = FastAPI(), Security(jwt, scopes=["a"])
    app.get("/x", dependencies=[asks, Depends(session)])(operation)
    app.get("/late", dependencies=[Depends(session), asks])(operation)
    app.add_middleware(asgi.JWTMiddleware, policy=policy())
    assert 403 == ask(app, "/x", token("b")).status
    assert [] == ran.callers
    assert 403 == ask(app, "/late", token("b")).status
    assert ["open", "closed"] == ran.callers


def test_a_scheme_of_ones_own_asks_too(ran):
    """Several schemes may be used side by side."""
    corp = JWTBearer(scheme_name="Corp", description="From the corporate login")
    app = FastAPI()
    app.get("/x", dependencies=[Security(corp, scopes=["a"]), Security(jwt, scopes=["b"])])(ran())
    protect(app, policy())
    refused(ask(app, "/x", token("a")), ran, 403)
    refused(ask(app, "/x", token("b")), ran, 403)
