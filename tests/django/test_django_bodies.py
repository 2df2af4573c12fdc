"""How long the caller is known, and by whom it is waited: bodies that are still made, threads and event loops."""

from __future__ import annotations

import asyncio
import threading
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from io import BytesIO
from typing import Any

import pytest
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import path

from jwtmw import NotInstalledError, current_principal, public, requires
from tests.conformance.drivers import calls
from tests.conformance.drivers.environs import environ_of
from tests.conformance.schema import Answer, Request
from tests.conformance.world import Ledger
from tests.django.asking import KINDS, Ran, ask, policy, token
from tests.django.middleware import between
from tests.django.project import OURS, Project


@pytest.fixture
def ran() -> Ran:
    return Ran()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


def project(kind: str, *patterns: Any, middleware: tuple[str, ...] = (), **keys: Any) -> Project:
    return Project(kind, patterns, MIDDLEWARE=[OURS, *middleware], JWTMW=policy(**keys))


# How long the caller is known


def test_a_streamed_body_knows_the_caller(kind: str) -> None:
    """current_principal() holds while the body is made, and no longer."""
    seen: list[str | None] = []
    kept: list[Callable[[], Any]] = []

    def parts() -> Iterator[bytes]:
        kept.append(current_principal)
        for part in (b"one, ", b"two"):
            seen.append(current_principal().subject)
            yield part

    made = project(kind, path("", lambda request: StreamingHttpResponse(parts())))
    with warnings.catch_warnings():
        # Django's: a plain iterator is collected first where it is served by ASGI.
        warnings.filterwarnings("ignore", "StreamingHttpResponse must consume", Warning)
        assert b"one, two" == ask(made, "/", token("alice")).body
    assert ["alice", "alice"] == seen
    with pytest.raises(NotInstalledError):
        kept[0]()


def test_an_async_streamed_body_knows_the_caller() -> None:
    """So does one that is made on the event loop; a task that outlives it is told that there is nobody."""
    seen: list[str | None] = []
    late: list[asyncio.Task[Any]] = []

    async def parts() -> AsyncIterator[bytes]:
        done = asyncio.Event()

        async def outlive() -> None:
            await done.wait()
            current_principal()

        late.append(asyncio.create_task(outlive()))
        for part in (b"one, ", b"two"):
            await asyncio.sleep(0)
            seen.append(current_principal().subject)
            yield part
        asyncio.get_running_loop().call_later(0, done.set)

    async def view(request: HttpRequest) -> StreamingHttpResponse:
        return StreamingHttpResponse(parts())

    made = project("asgi", path("", view))

    async def asked() -> Answer:
        headers = ((b"authorization", f"Bearer {token('alice')}".encode()),)
        answer = await calls.asked(made.handler, Request(target=b"/", headers=headers))
        with pytest.raises(NotInstalledError):
            await late[0]
        return answer

    with made.settings():
        assert b"one, two" == asyncio.run(asked()).body
    assert ["alice", "alice"] == seen


def test_a_body_that_nobody_reads(ran: Ran) -> None:
    """A response that is closed unread ends the caller's time as well."""
    made = project("wsgi", path("", lambda request: StreamingHttpResponse(iter([b"part"]))))
    with made.settings():
        headers = ((b"authorization", f"Bearer {token()}".encode()),)
        environ = environ_of(Request(target=b"/", headers=headers), Ledger())
        response = made.handler(environ, lambda status, headers: None)
        response.close()
        with pytest.raises(NotInstalledError):
            current_principal()


def test_a_body_that_breaks(kind: str) -> None:
    """What a body raises is the server's to know."""

    def parts() -> Iterator[bytes]:
        yield b"one"
        raise RuntimeError("broken")

    made = project("wsgi", path("", lambda request: StreamingHttpResponse(parts())))
    with pytest.raises(RuntimeError, match="broken"):
        ask(made, "/", token())


def test_a_file_is_left_to_the_server(kind: str) -> None:
    """A FileResponse keeps its file, which servers may send by themselves."""
    made = project("wsgi", path("", lambda request: FileResponse(BytesIO(b"file"))))
    assert b"file" == ask(made, "/", token()).body


def test_a_template_response_knows_the_caller(kind: str) -> None:
    """What is rendered behind the view is rendered for the caller."""

    class Told(TemplateResponse):
        def render(self) -> Any:
            self.content = f"{current_principal().subject}".encode()
            return self

    made = project(kind, path("", lambda request: Told(request, "none.html")))
    assert b"alice" == ask(made, "/", token("alice")).body


# Threads and event loops


def test_no_thread_is_asked_under_asgi(monkeypatch: pytest.MonkeyPatch) -> None:
    """Middleware, process_view and an async view all run on the event loop."""
    threads: set[int] = set()

    async def view(request: HttpRequest) -> HttpResponse:
        threads.add(threading.get_ident())
        return HttpResponse(b"view")

    def note(caller: Any, request: Any) -> bool:
        threads.add(threading.get_ident())
        return True

    made = project("asgi", path("", requires()(view)), check=note)
    assert 200 == ask(made, "/", token()).status
    assert {threading.get_ident()} == threads


def test_behind_a_synchronous_middleware_by_asgi(ran: Ran) -> None:
    """Django runs all that stands before it in a thread; what is decided is the same."""

    def onwards(request: HttpRequest, get_response: Callable[[HttpRequest], Any]) -> Any:
        return get_response(request)

    patterns = (path("a", requires("a")(ran())), path("public", public(ran.in_async())))
    made = project("asgi", *patterns, middleware=(between(onwards, sync_only=True),))
    assert [401, 403, 200] == [ask(made, "/a", sent).status for sent in (None, token(), token("alice", scope="a"))]
    assert [200, 401] == [ask(made, target).status for target in ("/public", "/nowhere")]
    assert ["alice", None] == ran.callers


def test_a_client_that_goes_away() -> None:
    """A view that is cancelled leaves no caller behind."""
    left: list[str] = []

    async def view(request: HttpRequest) -> HttpResponse:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            left.append(str(current_principal().subject))
            raise
        return HttpResponse()

    made = project("asgi", path("", view))

    async def asked() -> None:
        scope = calls.scope_of(Request(target=b"/", headers=((b"authorization", f"Bearer {token('alice')}".encode()),)))
        messages: list[Any] = [{"type": "http.request"}, {"type": "http.disconnect"}]

        async def receive() -> Any:
            return messages.pop(0)

        async def send(message: Any) -> None:
            raise AssertionError("something was sent")

        await made.handler(scope, receive, send)

    with made.settings():
        asyncio.run(asked())
    assert ["alice"] == left
