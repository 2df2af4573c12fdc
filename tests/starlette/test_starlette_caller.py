"""The caller as the application sees it, and that no caller is taken for another."""

from __future__ import annotations

import asyncio
import gc
import json
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from starlette.applications import Starlette
from starlette.authentication import requires as starlette_requires
from starlette.background import BackgroundTask
from starlette.endpoints import WebSocketEndpoint
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute

from jwtmw import Denied, NotInstalledError, current_principal, current_user, optional, public, requires
from jwtmw.starlette import protect
from jwtmw.starlette.guard import GuardedRequest
from tests.starlette.calls import EXTENSION, Ran, ask, fresh, policy, refused, scope_of, send_to, token


@pytest.fixture
def ran() -> Ran:
    return Ran()


async def who(request: Any) -> JSONResponse:
    principal = current_principal()
    assert principal is request.scope["jwtmw.principal"]
    return JSONResponse(
        [principal.subject, request.user.is_authenticated, request.user.display_name, *request.auth.scopes]
    )


def test_the_caller_is_where_starlette_looks():
    """`request.user`, `request.auth`, the scope and `current_principal()` say the same."""
    app = protect(
        Starlette(routes=[Route("/x", who), Route("/p", public(fresh(who))), Route("/o", optional(fresh(who)))]),
        policy(),
    )
    assert '["alice",true,"alice","authenticated","a","b"]' == ask(app, "/x", token("b", "a")).body
    assert ['[null,false,""]'] * 2 == [ask(app, path).body for path in ("/p", "/o")]
    assert '[null,false,""]' == ask(app, "/p", token()).body
    assert '["alice",true,"alice","authenticated"]' == ask(app, "/o", token()).body


def test_starlettes_own_requires_works(ran):
    """Starlette's decorator reads the token's scopes, and "authenticated" for any caller."""

    @starlette_requires(["authenticated", "a"])
    async def endpoint(request: Any) -> PlainTextResponse:
        return PlainTextResponse("")

    app = protect(Starlette(routes=[Route("/x", endpoint)]), policy(rules=[{"path": "/x", "allow": "optional"}]))
    assert [403, 403, 200] == [ask(app, "/x", bearer).status for bearer in (None, token("b"), token("a"))]


def test_nobody_can_write_to_what_callers_share():
    """`request.auth` is the same object for the same scopes, and read-only."""

    async def endpoint(request: Any) -> PlainTextResponse:
        with pytest.raises(AttributeError):
            request.auth.scopes = ("admin",)
        with pytest.raises(AttributeError):
            request.auth.scopes.append("admin")
        return PlainTextResponse(" ".join(request.auth.scopes))

    app = protect(Starlette(routes=[Route("/x", endpoint)]), policy())
    assert ["authenticated a"] * 2 == [ask(app, "/x", token("a", sub=name)).body for name in ("alice", "mallory")]


def test_the_applications_own_user():
    """What `load_user` returns is `request.user` and `current_user()`; nobody it does not know comes in."""

    async def endpoint(request: Any) -> PlainTextResponse:
        return PlainTextResponse(f"{request.user} {current_user()}")

    async def load_user(principal: Any) -> Any:
        await anyio.lowlevel.checkpoint()
        return {"alice": "Alice"}.get(principal.subject)

    app = protect(
        Starlette(routes=[Route("/x", endpoint), Route("/a", requires("a")(fresh(endpoint)))]),
        policy(load_user=load_user),
    )
    assert ["Alice Alice", "Alice Alice"] == [ask(app, path, token("a")).body for path in ("/x", "/a")]
    assert [401, 401] == [ask(app, path, token("a", sub="mallory")).status for path in ("/x", "/a")]


def test_before_inside_and_after(ran):
    """Outside a judged request there is no caller; in between there is nobody yet; then there is."""
    seen: list[Any] = []

    def note() -> None:
        try:
            seen.append(current_principal().subject)
        except NotInstalledError:
            seen.append("nobody asked")

    def noting(app: Any) -> Any:
        async def noted(scope: Any, receive: Any, send: Any) -> None:
            note()
            await app(scope, receive, send)
            note()
            seen.append(scope["user"].subject)

        return noted

    @requires()
    async def endpoint(request: Any) -> PlainTextResponse:
        note()
        return PlainTextResponse("", background=BackgroundTask(note))

    rules = [{"path": "/x", "allow": "public"}]
    app = Starlette(routes=[Route("/x", endpoint)], middleware=[Middleware(noting)])
    protect(app, policy(rules=rules))
    app.user_middleware.insert(0, Middleware(noting))
    assert 200 == ask(app, "/x", token()).status
    assert ["nobody asked", None, "alice", "alice", "alice", "alice", "nobody asked", "alice"] == seen


def test_streams_keep_their_caller():
    """The caller stays until the last chunk of the body."""

    async def chunks() -> Any:
        for _ in range(3):
            await anyio.lowlevel.checkpoint()
            yield f"{current_principal().subject} "

    async def endpoint(request: Any) -> StreamingResponse:
        return StreamingResponse(chunks())

    def sync(request: Any) -> PlainTextResponse:
        return PlainTextResponse(str(current_principal().subject))

    app = protect(Starlette(routes=[Route("/x", endpoint), Route("/sync", requires()(sync))]), policy())
    assert "alice alice alice " == ask(app, "/x", token()).body
    assert "alice" == ask(app, "/sync", token()).body


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("between", [False, True], ids=["next", "between"])
def test_no_caller_is_taken_for_another(backend, between):
    """Five hundred callers at once: each endpoint sees its own, and the refused see nothing."""

    async def endpoint(request: Any) -> PlainTextResponse:
        seen = [current_principal().subject]
        await anyio.sleep(0.001)
        seen += [current_principal().subject, request.user.subject, request.scope["jwtmw.principal"].subject]
        return PlainTextResponse(" ".join(map(str, seen)))

    async def dispatch(request: Any, call_next: Any) -> Any:
        return await call_next(request)

    inner = [Route("/x", endpoint), Route("/a", requires("a")(fresh(endpoint))), Route("/p", public(fresh(endpoint)))]
    stack = [Middleware(BaseHTTPMiddleware, dispatch=dispatch)] if between else []
    app = protect(Starlette(routes=[*inner, Mount("/m", app=Starlette(routes=inner))], middleware=stack), policy())
    bearers = [token("a", sub=f"u{number}") for number in range(10)]
    answers: dict[int, tuple[int, str]] = {}

    async def one(number: int) -> None:
        path = f"{'/m' * (number % 2)}/{'xap'[number % 3]}"
        bearer = None if number % 7 == 0 else bearers[number % 10]
        answer = await send_to(app, path, bearer)
        answers[number] = (answer.status, answer.body if answer.status == 200 else "")

    async def everybody() -> None:
        async with anyio.create_task_group() as group:
            for number in range(500):
                group.start_soon(one, number)

    anyio.run(everybody, backend=backend)

    def expected(number: int) -> tuple[int, str]:
        if number % 3 == 2:
            return (200, " ".join(["None"] * 4))
        return (401, "") if number % 7 == 0 else (200, " ".join([f"u{number % 10}"] * 4))

    assert {number: expected(number) for number in range(500)} == answers


@pytest.mark.parametrize(
    ("path", "bearer"), [("/x", token()), ("/m/a", token("a")), ("/m/a", token()), ("/p", None), ("/n", None)]
)
def test_no_request_is_kept(path, bearer):
    """After the answer nothing of a request is left, not even for the garbage collector."""
    inner = [Route("/x", who), Route("/a", requires("a")(fresh(who))), Route("/p", public(fresh(who)))]
    app = protect(Starlette(routes=[*inner, Mount("/m", routes=inner)]), policy())
    ask(app, path, bearer)
    scope = scope_of(path, bearer, "GET", "http", {})

    async def run() -> None:
        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            pass

        await app(scope, receive, send)

    def kept() -> set[int]:
        return {id(each) for each in gc.get_objects() if type(each) is GuardedRequest}

    before = kept()
    anyio.run(run)
    scope.clear()
    gc.collect()
    assert set() == kept() - before


def test_marks_that_meet_are_joined_once():
    """However many requests come, the rule book learns a pair of marks once."""
    app = Starlette(routes=[Mount("/m", app=requires("a")(Starlette(routes=[Route("/x", requires("b")(fresh(who)))])))])
    protect(app, (judged := policy()))
    assert [200] * 5 == [ask(app, "/m/x", token("a", "b")).status for _ in range(5)]
    assert 1 == len(
        {id(mark) for mark, _ in judged.engine.rules._memo.values() if mark.requirement.scopes == ("b", "a")}
    )


# The second lock


def test_a_marked_function_inside_an_endpoint_refuses():
    """An endpoint that calls what the caller may not have: the refusal is the answer."""

    @requires("b")
    def inner() -> None:
        pass

    async def endpoint(request: Any) -> PlainTextResponse:
        inner()
        return PlainTextResponse("")

    inside = [Route("/x", endpoint)]
    routes = [*inside, Mount("/m", app=Starlette(routes=inside))]
    app = protect(Starlette(routes=routes), policy())
    assert [403, 403] == [ask(app, path, token("a")).status for path in ("/x", "/m/x")]
    assert [200, 200] == [ask(app, path, token("b")).status for path in ("/x", "/m/x")]


def test_a_refusal_is_no_second_answer():
    """Where the response has begun, what the caller may not have ends it as any error does."""

    @requires("b")
    def inner() -> str:
        return "b"

    async def chunks() -> Any:
        yield "a"
        yield inner()

    async def endpoint(request: Any) -> StreamingResponse:
        return StreamingResponse(chunks())

    app = protect(Starlette(routes=[Route("/x", endpoint)]), policy(token_from=[{"query": "jwt"}]))
    answer = ask(app, f"/x?jwt={token('a')}", raises=Denied)
    assert (200, "a") == (answer.status, answer.body)
    assert "ab" == ask(app, f"/x?jwt={token('b')}").body


class Chat(WebSocketEndpoint):
    encoding = "text"

    @requires("talk")
    async def on_receive(self, websocket: Any, data: Any) -> None:
        await websocket.send_text(current_principal().subject)


def test_an_open_websocket_is_closed():
    """A refusal after the handshake closes with 1008, whatever the server could have answered before."""
    app = protect(
        Starlette(routes=[WebSocketRoute("/x", Chat), Mount("/m", routes=[WebSocketRoute("/x", Chat)])]), policy()
    )
    for path in ("/x", "/m/x"):
        answer = ask(app, path, token(), "GET", "websocket", extensions=EXTENSION)
        assert ["websocket.accept", "websocket.close"] == [message["type"] for message in answer.sent]
        assert 1008 == answer.sent[-1]["code"]
        answer = ask(app, path, token("talk"), "GET", "websocket", extensions=EXTENSION)
        assert ["websocket.accept", "websocket.send"] == [message["type"] for message in answer.sent][:2]


# WebSockets


async def socket(websocket: Any) -> None:
    await websocket.accept()
    await websocket.send_text(str(current_principal().subject))


SOCKETS = [
    WebSocketRoute("/x", socket),
    WebSocketRoute("/a", requires("a")(fresh(socket))),
    WebSocketRoute("/p", public(fresh(socket))),
    WebSocketRoute("/class", requires("a")(type("Marked", (Chat,), {}))),
]


@pytest.mark.parametrize("prefix", ["", "/m"])
@pytest.mark.parametrize("path", ["/x", "/a", "/class", "/nowhere"])
def test_a_handshake_is_refused_before_it_is_accepted(prefix, path):
    """With the extension the refusal is a response like any other, without it the handshake is closed with 1008."""
    app = protect(Starlette(routes=[*SOCKETS, Mount("/m", routes=SOCKETS)]), policy())
    refused(ask(app, prefix + path, None, "GET", "websocket"), Ran(), 1008)
    refused(ask(app, prefix + path, None, "GET", "websocket", extensions=EXTENSION), Ran(), 401)
    if path in ("/a", "/class"):
        refused(ask(app, prefix + path, token(), "GET", "websocket", extensions=EXTENSION), Ran(), 403)


@pytest.mark.parametrize("prefix", ["", "/m"])
def test_a_handshake_passes(prefix):
    """With the right token, or on a public endpoint without any."""
    app = protect(Starlette(routes=[*SOCKETS, Mount("/m", routes=SOCKETS)]), policy())
    assert [101] * 3 == [ask(app, prefix + path, token("a"), "GET", "websocket").status for path in ("/x", "/a", "/p")]
    assert "None" == ask(app, f"{prefix}/p", None, "GET", "websocket").sent[1]["text"]


def test_a_token_as_subprotocol_with_two_policies():
    """The token is hidden from the application, not from the application's own policy; the name is chosen."""
    places = [{"subprotocol": "bearer"}]
    seen = []

    async def endpoint(websocket: Any) -> None:
        seen.append((websocket.scope["subprotocols"], websocket.headers["sec-websocket-protocol"]))
        await websocket.accept()

    sub = protect(Starlette(routes=[WebSocketRoute("/x", requires("a")(fresh(endpoint)))]), policy(token_from=places))
    app = protect(Starlette(routes=[Mount("/sub", app=sub)]), policy(token_from=places))
    headers = {"sec-websocket-protocol": f"chat, bearer, {token('a')}"}
    answer = ask(app, "/sub/x", None, "GET", "websocket", headers=headers)
    assert [{"type": "websocket.accept", "subprotocol": "bearer", "headers": []}] == answer.sent
    assert [(["chat", "bearer"], "chat, bearer")] == seen
    refused(ask(app, "/sub/x", None, "GET", "websocket"), Ran(), 1008)


def test_a_query_token_is_not_kept():
    """Also where it is read only for the mark's sake, the answer says no-store."""
    routes = [Route("/x", requires("a")(fresh(who))), Route("/o", optional(fresh(who)))]
    rules = [{"path": "/x", "allow": "public"}]
    app = protect(Starlette(routes=routes), policy(rules=rules, token_from=[{"query": "jwt"}]))
    for path in ("/x", "/o"):
        answer = ask(app, f"{path}?jwt={token('a')}")
        assert (200, b"no-store") == (answer.status, answer.header(b"cache-control"))
    assert None is ask(app, "/o").header(b"cache-control")


class OneWorker:
    """A middleware that lets one long-lived task, begun in its first request, answer all of them."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.jobs: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self.jobs is None:
            self.jobs = asyncio.Queue()
            self.worker = asyncio.create_task(self.work())
        answered = asyncio.Event()
        await self.jobs.put((scope, receive, send, answered))
        await answered.wait()

    async def work(self) -> None:
        while True:
            *call, answered = await self.jobs.get()
            await self.app(*call)
            answered.set()


def test_a_task_that_serves_many_requests_knows_each_caller():
    """It was begun with the first caller in its context, and takes nobody else for that one."""
    routes = [Route("/x", who), Route("/a", requires("a")(fresh(who))), Route("/p", public(fresh(who)))]
    app = protect(Starlette(routes=routes, middleware=[Middleware(OneWorker)]), policy())
    asked = [("/x", "first", "a"), ("/x", "second", ""), ("/a", "third", "a"), ("/a", "fourth", ""), ("/p", None, "")]

    async def main() -> list[Any]:
        bearers = [token(*scope.split(), sub=sub) if sub else None for _, sub, scope in asked]
        answers = [await send_to(app, path, bearer) for (path, _, _), bearer in zip(asked, bearers, strict=True)]
        return [json.loads(answer.body)[0] if answer.status == 200 else answer.status for answer in answers]

    assert ["first", "second", "third", 403, None] == asyncio.run(main())


def test_a_task_that_outlives_its_request_has_no_caller():
    """Whatever is still running when the response has ended is told so, and is not shown the caller it began with."""
    tasks: list[asyncio.Task[Any]] = []
    ended = asyncio.Event()

    async def later() -> Any:
        await ended.wait()
        return current_principal()

    async def begin(request: Any) -> PlainTextResponse:
        tasks.append(asyncio.create_task(later()))
        return PlainTextResponse(str(current_principal().subject))

    async def main() -> None:
        answer = await send_to(protect(Starlette(routes=[Route("/x", begin)]), policy()), "/x", token(sub="alice"))
        assert "alice" == answer.body
        ended.set()
        with pytest.raises(NotInstalledError):
            await tasks[0]

    asyncio.run(main())
