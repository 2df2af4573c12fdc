"""What a real server serves in these tests: any surface under any policy of the conformance table, as it is told.

Lives in the server's process. A request for `CONTROL` says what is played next, or asks what happened inside; every
other request goes to the surface in play.

Owns: the surfaces by name, the control requests, what is counted of bodies.
Must never know: cases, what is expected; which server this is.
"""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwtmw.asgi
import jwtmw.starlette
import jwtmw.wsgi
from jwtmw import Policy
from jwtmw.testing import Clock
from jwtmw_flask import JWTAuth
from tests.conformance.drivers import calls, django, environs, flask
from tests.conformance.drivers.starlette import make_app
from tests.conformance.policies import POLICIES
from tests.conformance.tokens import NOW
from tests.conformance.world import BARE, Ledger, Stand, make_policy
from tests.django.project import OURS, Project

CONTROL = "/-/conformance"
Build = Callable[[Policy | None, str, Ledger], Any]


def _asgi(policy: Policy | None, app: str, ledger: Ledger) -> Any:
    bare = calls.plain_app(ledger)
    return bare if policy is None else jwtmw.asgi.JWTMiddleware(bare, policy)


def _starlette(policy: Policy | None, app: str, ledger: Ledger) -> Any:
    bare = make_app(app, ledger, marked=policy is not None)
    if policy is not None:
        bare.add_middleware(jwtmw.starlette.JWTMiddleware, policy=policy)
    return bare


def _wsgi(policy: Policy | None, app: str, ledger: Ledger) -> Any:
    lazy = environs.plain_app(ledger)

    def bare(environ: Any, start_response: Any) -> Iterable[bytes]:
        # Granian takes status and headers as they are when the application returns, and a generator has given none yet.
        return list(lazy(environ, start_response))

    return bare if policy is None else jwtmw.wsgi.JWTMiddleware(bare, policy)


def _flask(policy: Policy | None, app: str, ledger: Ledger) -> Any:
    made = flask.make_app(app, ledger, marked=policy is not None)
    if policy is not None:
        JWTAuth(made, policy)
    return made


def _django(kind: str, is_async: bool) -> Build:
    def build(policy: Policy | None, app: str, ledger: Ledger) -> Any:
        django.Dependency.ledger = ledger
        patterns = django.patterns_of(app, ledger, is_async, marked=policy is not None)
        middleware = [django.DEPENDENCY] if policy is None else [OURS, django.DEPENDENCY]
        project = Project(kind, patterns, MIDDLEWARE=middleware, JWTMW=policy)
        return _by_asgi(project) if kind == "asgi" else _by_wsgi(project)

    return build


def _by_wsgi(project: Project) -> Any:
    def app(environ: Any, start_response: Any) -> Any:
        with project.settings():
            return project.handler(environ, start_response)

    return app


def _by_asgi(project: Project) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        with project.settings():
            # Django reads a body before any middleware is asked: that says nothing of a refusal.
            await project.handler(scope, receive.of_the_server, send)

    return app


SURFACES: dict[str, Build] = {
    "asgi": _asgi,
    "starlette": _starlette,
    "django-asgi": _django("asgi", is_async=True),
    "wsgi": _wsgi,
    "flask": _flask,
    "django-wsgi": _django("wsgi", is_async=False),
}


class Host:
    """The surfaces of one process, of which one is in play.

    `shared` is a file with the policies as the process has them that made keys and tokens, and with the address of its
    key server. What only Python can give does not travel, and is this process's own.
    """

    def __init__(self, shared: Path) -> None:
        policies, self._key_server = pickle.loads(shared.read_bytes())
        for name, spec in policies.items():
            POLICIES[name] = replace(spec, python=POLICIES[name].python)
        self.ledger = Ledger()
        self._stands: dict[tuple[str, str, str], Stand[Any]] = {}
        self._stand: Stand[Any] | None = None

    @property
    def surface(self) -> Any:
        """The application in play."""
        assert self._stand is not None
        return self._stand.surface

    def make_all(self, surface: str) -> None:
        """Make this surface under every policy now, before the process forks."""
        for name in POLICIES:
            self._stands[surface, name, "plain"] = self._made(surface, name, "plain")

    def told(self, body: bytes) -> bytes:
        """Do what a control request says: put a surface into play, turn its clock; or tell what happened."""
        message = pickle.loads(body)
        if message is not None:
            stand, fresh, at = message
            if stand is not None:
                self._stand = self._made(*stand) if fresh else self._kept(stand)
            self._turn(NOW + at)
            self.ledger.clear()
            return pickle.dumps(None)
        assert self._stand is not None
        told = pickle.dumps((self.ledger, self._stand.counted()))
        self.ledger.clear()
        return told

    def _kept(self, key: tuple[str, str, str]) -> Stand[Any]:
        if key not in self._stands:
            self._stands[key] = self._made(*key)
        return self._stands[key]

    def _made(self, surface: str, name: str, app: str) -> Stand[Any]:
        clock = Clock(NOW)
        policy = None if name == BARE else make_policy(name, clock, self._key_server)
        return Stand(SURFACES[surface](policy, app, self.ledger), policy, clock, lambda: 0)

    def _turn(self, now: float) -> None:
        assert self._stand is not None
        ahead = now - self._stand.clock.time()
        if ahead > 0:
            self._stand.clock.advance(ahead)
        elif ahead < 0:
            self._stand.clock.set_time(now)


def asgi(host: Host) -> calls.App:
    """The application for an ASGI server."""
    busy: set[object] = set()

    async def app(scope: calls.Scope, receive: calls.Receive, send: calls.Send) -> None:
        if scope["type"] == "lifespan":
            return await _lifespan(receive, send)
        if scope["path"] == CONTROL:
            # The answer may have been read before the application has returned.
            while busy:  # noqa: ASYNC110 (one wait in a thousand)
                await asyncio.sleep(0.001)
            answer = host.told(await _body(receive))
            await send({"type": "http.response.start", "status": 200, "headers": []})
            return await send({"type": "http.response.body", "body": answer})
        me = object()
        busy.add(me)
        try:
            await host.surface(scope, _Received(receive, scope, host.ledger), send)
        finally:
            busy.discard(me)

    return app


class _Received:
    """The server's `receive`, which notes in the ledger that a body is read."""

    def __init__(self, receive: calls.Receive, scope: calls.Scope, ledger: Ledger) -> None:
        self.of_the_server = receive
        self._reads = scope["type"] == "http"
        self._ledger = ledger

    async def __call__(self) -> Any:
        self._ledger.body_reads += self._reads
        return await self.of_the_server()


async def _lifespan(receive: calls.Receive, send: calls.Send) -> None:
    for event in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{event}.complete"})


async def _body(receive: calls.Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


def wsgi(host: Host) -> environs.App:
    """The application for a WSGI server."""

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] == CONTROL:
            answer = host.told(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
            start_response("200 OK", [("Content-Length", str(len(answer)))])
            return [answer]
        environ["wsgi.input"] = _Counted(environ, host.ledger)
        answered: Iterable[bytes] = host.surface(environ, start_response)
        return answered

    return app


class _Counted:
    """The server's stream, which notes in the ledger that it is read; it ends with the body."""

    def __init__(self, environ: Any, ledger: Ledger) -> None:
        self._stream = environ["wsgi.input"]
        self._length = None if environ.get("wsgi.input_terminated") else int(environ.get("CONTENT_LENGTH") or 0)
        self._ledger = ledger

    def read(self, size: int | None = None) -> bytes:
        return self._counted(self._stream.read, size)

    def readline(self, size: int | None = None) -> bytes:
        return self._counted(self._stream.readline, size)

    def _counted(self, read: Callable[[int | None], bytes], size: int | None) -> bytes:
        self._ledger.body_reads += 1
        return read(self._length if size is None or size < 0 else size)
