"""ASGI applications asked in process, and the middlewares of a drawn ASGI application.

Owns: the event loop of all draws, reading an answer, rewriting and answering between jwtmw and the router.
Must never know: jwtmw.
"""

from __future__ import annotations

import asyncio
from functools import cache

from starlette.middleware import Middleware

from tests.conformance.drivers.calls import App, Receive, Scope, Send, asked
from tests.conformance.schema import Answer, Request
from tests.property import model
from tests.property.ledger import Visit
from tests.property.model import Rewrite

BODY = b"by a middleware"


@cache
def loop() -> asyncio.AbstractEventLoop:
    """One for the run; `close_loop` closes it."""
    return asyncio.new_event_loop()


def close_loop() -> None:
    """Close the loop if there is one."""
    if loop.cache_info().currsize:
        loop().run_until_complete(loop().shutdown_default_executor())
        loop().close()
        loop.cache_clear()


def ask(app: App, request: Request) -> Answer:
    """Ask as a server does."""
    return loop().run_until_complete(asked(app, request))


def below(path: str, root: str) -> str:
    """What a router goes by: the path less the root path, cut on a segment edge."""
    if root and (path == root or path.startswith(root + "/")):
        return path[len(root) :] or "/"
    return path


def seen(name: str, scope: Scope) -> Visit:
    """What is reached, and by which path: that of its own router behind the prefixes of the mounts around it."""
    root = scope.get("root_path", "")
    mounts = root[len(scope.get("app_root_path", root)) :]
    rest = below(scope["path"], root)
    return Visit(name, scope["method"], mounts + rest)


class Rewriting:
    """Between jwtmw and a router."""

    def __init__(self, app: App, rewrite: Rewrite) -> None:
        self.app = app
        self.rewrite = rewrite

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            root = scope.get("root_path", "")
            path = below(scope["path"], root)
            scope = dict(scope) if self.rewrite.copies else scope
            scope["method"], new, more = self.rewrite.apply(scope["method"], path)
            if new != path:
                scope["root_path"], scope["path"] = root + more, root + more + new
        await self.app(scope, receive, send)


class Answering:
    """Answers some paths itself, as one that serves files does."""

    def __init__(self, app: App, paths: str) -> None:
        self.app = app
        self.paths = Rewrite(paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self.paths.applies(below(scope["path"], scope.get("root_path", ""))):
            headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(BODY))]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            return await send({"type": "http.response.body", "body": BODY})
        await self.app(scope, receive, send)


def around(app: model.App) -> list[Middleware]:
    """The middlewares of a drawn application, from the outside in."""
    stack = []
    if app.answers:
        stack.append(Middleware(Answering, paths=app.answers))
    if app.rewrite:
        stack.append(Middleware(Rewriting, rewrite=app.rewrite))
    return stack
