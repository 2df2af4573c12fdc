"""One endpoint behind every door that it can be mounted at, and one request sent through.

Where the framework's adapter reads marks, the application is protected by the policy that is given, so that a public
endpoint shows that it is.

Owns: the mounting, as users do it.
Must never know: what must come back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from django.urls import path
from fastapi import FastAPI
from flask import Flask
from starlette.applications import Starlette
from starlette.routing import Route

import jwtmw_django
import jwtmw_flask
from jwtmw import Policy
from jwtmw.endpoints.endpoint import Endpoint
from jwtmw.endpoints.mounts import asgi, wsgi
from jwtmw.starlette import JWTMiddleware
from jwtmw.testing import TestIssuer
from tests.conformance.drivers import calls, environs
from tests.conformance.schema import Answer, Request
from tests.conformance.world import Ledger
from tests.django.project import Project

ISSUER = TestIssuer("https://id.example/")
AT = "/at"
Door = Callable[[Request], Answer]


def policy(**keys: Any) -> Policy:
    return Policy({"issuers": [ISSUER.settings()], **keys})


def ask(door: Door, *headers: tuple[str, str], method: str = "GET", query: str = "", body: bytes = b"") -> Answer:
    lines = tuple((name.encode(), value.encode()) for name, value in headers)
    target = AT.encode() + (b"?" + query.encode() if query else b"")
    return door(Request(method=method, target=target, headers=lines, body=body))


def _asgi(endpoint: Endpoint, policy: Policy) -> Door:
    return _served(asgi(endpoint))


def _wsgi(endpoint: Endpoint, policy: Policy) -> Door:
    return _called(wsgi(endpoint))


def _starlette(endpoint: Endpoint, policy: Policy) -> Door:
    app = Starlette(routes=[Route(AT, asgi(endpoint))])
    app.add_middleware(JWTMiddleware, policy=policy)
    return _served(app)


def _fastapi(endpoint: Endpoint, policy: Policy) -> Door:
    app = FastAPI()
    app.add_route(AT, asgi(endpoint))  # type: ignore[arg-type]
    app.add_middleware(JWTMiddleware, policy=policy)
    return _served(app)


def _flask(endpoint: Endpoint, policy: Policy) -> Door:
    app = Flask("minting", static_folder=None)
    app.add_url_rule(AT, view_func=jwtmw_flask.view(endpoint))
    jwtmw_flask.JWTAuth(app, policy)
    return _called(app)


def _django(kind: str) -> Callable[[Endpoint, Policy], Door]:
    def mounted(endpoint: Endpoint, policy: Policy) -> Door:
        project = Project(kind, [path(AT[1:], jwtmw_django.view(endpoint))], JWTMW=policy)
        door = _called(project.handler) if kind == "wsgi" else _served(project.handler)

        def entered(request: Request) -> Answer:
            with project.settings():
                return door(request)

        return entered

    return mounted


def _served(app: Any) -> Door:
    return lambda request: asyncio.run(calls.asked(app, request))


def _called(app: Any) -> Door:
    return lambda request: environs.answer(app, environs.environ_of(request, Ledger()))


DOORS: dict[str, Callable[[Endpoint, Policy], Door]] = {
    "asgi": _asgi,
    "wsgi": _wsgi,
    "starlette": _starlette,
    "fastapi": _fastapi,
    "flask": _flask,
    "django-wsgi": _django("wsgi"),
    "django-asgi": _django("asgi"),
}
# Those where an async function of the user's can be awaited; Django does that by WSGI, too.
ASYNC_DOORS = [name for name in DOORS if name not in ("wsgi", "flask")]
# Those whose adapter stands in front.
GUARDED_DOORS = [name for name in DOORS if name not in ("asgi", "wsgi")]
