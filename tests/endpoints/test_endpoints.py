"""An endpoint behind every door: methods, bodies, failures, and functions of the user's."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest

from jwtmw import ConfigurationError, Denied, Reason, requires
from jwtmw.decision import Deny
from jwtmw.endpoints.endpoint import (
    Asked,
    Call,
    Endpoint,
    Flow,
    Response,
    aanswer,
    answer,
    cacheable,
    json_response,
)
from jwtmw.endpoints.mounts import asgi, wsgi
from tests.endpoints.doors import ASYNC_DOORS, DOORS, GUARDED_DOORS, ISSUER, ask, policy


class Echo(Endpoint):
    """Answers with what it was asked."""

    name = "echo"
    methods = ("GET", "HEAD", "POST")
    max_body = 8

    def respond(self, asked: Asked) -> Response:
        document = {"query": asked.query, "body": (asked.body or b"").decode(), "path": asked.path}
        named = {name: value for name, value in asked.headers.items() if name.startswith(("content-t", "x-"))}
        return json_response(200, {**document, **named}, {"X-Echo": "ü"})


class Asks(Endpoint):
    """Answers with what a function of the user's says."""

    name = "asks"

    def __init__(self, function: Any, awaits: bool = False) -> None:
        self.function = function
        self.awaits = awaits

    def respond(self, asked: Asked) -> Flow:
        try:
            said = yield Call(self.function, (asked.query,))
        except KeyError:
            said = "nothing"
        return json_response(200, said)


def asked(method: str = "GET", body: bytes | None = b"", **headers: str) -> Asked:
    return Asked(method, "/at", headers, "q", body)


@pytest.fixture(params=DOORS)
def door(request: pytest.FixtureRequest) -> str:
    return request.param


def test_what_was_asked_arrives_and_what_is_answered_leaves(door: str) -> None:
    """Path, query, headers and body come through every door, and so does the answer, without a token."""
    answered = ask(DOORS[door](Echo(), policy()), ("X-One", "1"), ("Content-Type", "a/b"), method="POST", body=b"body")
    assert 200 == answered.status
    expected = {"query": "", "body": "body", "path": "/at", "x-one": "1", "content-type": "a/b"}
    assert expected == json.loads(answered.body)
    assert "ü".encode("latin-1") == answered.header(b"x-echo")
    assert str(len(answered.body)).encode() == answered.header(b"content-length")
    assert b"application/json" == answered.header(b"content-type")


def test_a_query_arrives_undecoded(door: str) -> None:
    """How it is read is the endpoint's business."""
    assert "a=%2B&a" == json.loads(ask(DOORS[door](Echo(), policy()), query="a=%2B&a").body)["query"]


def test_head_is_get_without_its_body(door: str) -> None:
    """The headers are those of GET."""
    mounted = DOORS[door](Echo(), policy())
    got, headed = ask(mounted), ask(mounted, method="HEAD")
    assert (200, b"") == (headed.status, headed.body)
    assert got.header(b"content-length") == headed.header(b"content-length")


def test_another_method_is_405_and_runs_nothing(door: str) -> None:
    """What is not answered is refused by name."""
    mounted = DOORS[door](Asks(lambda _: pytest.fail("called")), policy())
    # With a token: where a framework knows of no such route, deny by default stands before its 405.
    answered = ask(mounted, ("Authorization", f"Bearer {ISSUER.token()}"), method="DELETE")
    assert 405 == answered.status
    assert {"GET", "HEAD"} <= set((answered.header(b"allow") or b"").decode().split(", "))


@pytest.mark.parametrize(("size", "status"), [(0, 200), (8, 200), (9, 413), (100_000, 413)])
def test_a_body_is_bounded(door: str, size: int, status: int) -> None:
    """A larger one than the endpoint takes is 413."""
    assert status == ask(DOORS[door](Echo(), policy()), method="POST", body=b"x" * size).status


def test_an_exception_is_500_and_says_nothing(door: str, caplog: pytest.LogCaptureFixture) -> None:
    """The caller reads a fixed text; the log has the type and the place, never the message."""

    def breaks(_: str) -> None:
        raise ValueError("CANARY")

    answered = ask(DOORS[door](Asks(breaks), policy()))
    assert (500, b'{"error": "server_error"}') == (answered.status, answered.body)
    assert b"no-store" == answered.header(b"cache-control")
    assert "asks failed with ValueError" in caplog.text
    assert "CANARY" not in caplog.text


def test_an_endpoint_may_know_an_exception(door: str) -> None:
    """What a function of the user's raises is raised where it was asked for."""

    def breaks(_: str) -> None:
        raise KeyError

    assert b'"nothing"' == ask(DOORS[door](Asks(breaks), policy())).body


@pytest.mark.parametrize("name", ["wsgi", "asgi"])
def test_functions_are_called_one_after_the_other(name: str) -> None:
    """An endpoint may ask more than once, also after a failure."""

    class Twice(Endpoint):
        def respond(self, asked: Asked) -> Flow:
            said = []
            for function in (int, int, str):
                try:
                    said.append((yield Call(function, (asked.query,))))
                except ValueError:
                    said.append("failed")
            return json_response(200, said)

    assert b'["failed", "failed", "a"]' == ask(DOORS[name](Twice(), policy()), query="a").body


@pytest.mark.parametrize("name", ASYNC_DOORS)
def test_an_async_function_is_awaited(name: str) -> None:
    """On an event loop, and by Django in either way."""

    async def says(query: str) -> str:
        await asyncio.sleep(0)
        return query

    assert b'"a"' == ask(DOORS[name](Asks(says, awaits=True), policy()), query="a").body


@pytest.mark.parametrize("name", ["wsgi", "flask"])
def test_where_nobody_can_await_an_async_function_does_not_start(name: str) -> None:
    """The error names the endpoint and the cure."""
    with pytest.raises(ConfigurationError, match=r"asks: an async function needs an ASGI application. Make it a plain"):
        DOORS[name](Asks(None, awaits=True), policy())


def test_a_sync_function_does_not_block_the_loop() -> None:
    """It runs in another thread."""
    threads: list[int] = []
    said = asyncio.run(aanswer(Asks(lambda _: threads.append(threading.get_ident())), asked()))
    assert 200 == said.status
    assert [threading.get_ident()] != threads


def test_a_function_that_hides_that_it_is_async_is_awaited_on_a_loop_and_fails_in_a_thread(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is never taken for its own result."""

    async def says(query: str) -> str:
        return query

    def hides(query: str) -> Any:
        return says(query)

    class Later:
        def __await__(self) -> Any:
            yield

    assert b'"q"' == asyncio.run(aanswer(Asks(hides), asked())).body
    assert 500 == answer(Asks(hides), asked()).status
    assert 500 == answer(Asks(lambda _: Later()), asked()).status
    assert 2 == caplog.text.count("asks failed with TypeError")


@pytest.mark.parametrize("name", GUARDED_DOORS)
def test_a_second_lock_inside_is_a_refusal(name: str) -> None:
    """`Denied` is no failure: whoever stands in front makes the refusal of it."""

    class Locked(Endpoint):
        public = False

        def respond(self, asked: Asked) -> Response:
            return requires("tokens:sign")(lambda: json_response(200, "in"))()

    mounted = DOORS[name](Locked(), policy())
    assert 401 == ask(mounted).status
    assert 403 == ask(mounted, ("Authorization", f"Bearer {ISSUER.token(scope='other')}")).status
    good = ask(mounted, ("Authorization", f"Bearer {ISSUER.token(scope='tokens:sign')}"))
    assert (200, b'"in"') == (good.status, good.body)


def test_a_second_lock_without_an_engine_goes_on_to_the_caller() -> None:
    """Both drivers let it through."""

    class Shut(Endpoint):
        def respond(self, asked: Asked) -> Response:
            raise Denied(Deny(Reason.SCOPE_MISSING))

    with pytest.raises(Denied):
        answer(Shut(), asked())
    with pytest.raises(Denied):
        asyncio.run(aanswer(Shut(), asked()))


def test_an_endpoint_that_answers_nothing_is_500(caplog: pytest.LogCaptureFixture) -> None:
    """A subclass without `respond` is a bug, and says so."""
    assert 500 == answer(Endpoint(), asked()).status
    assert "NotImplementedError" in caplog.text


@pytest.mark.parametrize("known", ['"{tag}"', 'W/"{tag}"', '"a", "{tag}"', "*"])
def test_who_has_it_already_is_told_so(known: str) -> None:
    """304 with the validators, no body, and no length of one."""
    full = json_response(200, {"keys": []})
    first = cacheable(full, {}, 300)
    tag = first.headers["ETag"].strip('"')
    assert "max-age=300" == first.headers["Cache-Control"]
    again = cacheable(full, {"if-none-match": known.format(tag=tag)}, 300)
    assert (304, b"") == (again.status, again.body)
    assert {"ETag", "Cache-Control"} == set(again.headers)


@pytest.mark.parametrize("known", ["", '"other"', "{tag}", '"{tag}'])
def test_who_has_another_gets_it_whole(known: str) -> None:
    """A tag that is not exactly this one's is another's; without `max_age` nothing is said of keeping."""
    full = json_response(200, {"keys": []})
    tag = cacheable(full, {}, None).headers["ETag"].strip('"')
    again = cacheable(full, {"if-none-match": known.format(tag=tag)}, None)
    assert (200, full.body) == (again.status, again.body)
    assert "Cache-Control" not in again.headers


def converse(app: Any, scope: dict[str, Any], *messages: dict[str, Any]) -> list[dict[str, Any]]:
    incoming, sent = list(messages), []

    async def receive() -> dict[str, Any]:
        return incoming.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent


def test_as_a_whole_application_it_starts_and_stops() -> None:
    """There is nothing to do for it."""
    events = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent = converse(asgi(Echo()), {"type": "lifespan"}, *events)
    assert ["lifespan.startup.complete", "lifespan.shutdown.complete"] == [message["type"] for message in sent]


def test_a_websocket_is_closed() -> None:
    """It is not accepted."""
    assert [{"type": "websocket.close", "code": 1008, "reason": ""}] == converse(asgi(Echo()), {"type": "websocket"})


def test_a_caller_who_goes_away_is_not_taken_for_one_who_has_sent_all() -> None:
    """A body that did not arrive is none."""
    scope = {"type": "http", "method": "POST", "path": "/at", "headers": [(b"x-a", b"1"), (b"x-a", b"2")]}
    chunk = {"type": "http.request", "body": b"half", "more_body": True}
    sent = converse(asgi(Echo()), scope, chunk, {"type": "http.disconnect"})
    assert 413 == sent[0]["status"]
    whole = converse(asgi(Echo()), scope, chunk, {"type": "http.request", "body": b"more"})
    assert {"body": "halfmore", "x-a": "1, 2"}.items() <= json.loads(whole[1]["body"]).items()


def test_only_a_public_endpoint_carries_the_mark() -> None:
    """What is not public waits for whoever may."""
    hidden = type("Hidden", (Echo,), {"public": False})()
    assert 401 == ask(DOORS["starlette"](hidden, policy())).status
    assert not hasattr(asgi(hidden), "__jwtmw_mark__")
    assert wsgi(hidden).endpoint is hidden
