"""A whole request through Starlette, in process: bare, behind nothing, behind jwtmw, behind the naive middleware.

Owns: the candidates.
Must never know: how they are measured.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import cycle
from typing import Any

import jwt
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from benchmarks.measure import Run
from benchmarks.world import AUDIENCE, ISSUER, issuer_table, scope_of, signer_of, tokens_of
from jwtmw import asgi, requires
from jwtmw.starlette import JWTMiddleware

NEW_TOKENS = 2000
# Smaller than the number of tokens that take turns, so that none is found again.
TOO_SMALL = {"size": 64}


async def order(request: Request) -> Response:
    """The endpoint; the route's parameter is read, as endpoints do."""
    return PlainTextResponse(request.path_params["id"])


@requires("orders:read")
async def marked_order(request: Request) -> Response:
    """The same behind a mark."""
    return PlainTextResponse(request.path_params["id"])


class NoOp:
    """The cheapest ASGI middleware there can be."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass on."""
        await self.app(scope, receive, send)


class NaivePyJWT(NoOp):
    """What services write by hand: decode with PyJWT at every request."""

    def __init__(self, app: Any, key: Any, algorithm: str) -> None:
        super().__init__(app)
        self.key, self.algorithm = key, algorithm

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Verify, then pass on."""
        header = dict(scope["headers"])[b"authorization"].decode()
        token = header.removeprefix("Bearer ")
        scope["claims"] = jwt.decode(token, self.key, [self.algorithm], audience=AUDIENCE, issuer=ISSUER)
        await self.app(scope, receive, send)


def candidates(algorithm: str) -> dict[str, Run]:
    """The bare app first; "bare again" is the A/A control."""
    signer = signer_of(algorithm)
    key = jwt.PyJWK(signer.public_jwk).key
    table = issuer_table(signer)
    policy = {"issuers": [table]}
    seen = tokens_of(signer, 1)
    new = tokens_of(signer, NEW_TOKENS)
    return {
        "bare Starlette": _run(_app(order), seen),
        "bare again (A/A control)": _run(_app(order), seen),
        "no-op middleware": _run(_app(order, NoOp), seen),
        "jwtmw.asgi, seen token": _run(_app(order, asgi.JWTMiddleware, policy=policy), seen),
        "jwtmw.starlette, seen token": _run(_app(order, JWTMiddleware, policy=policy), seen),
        "jwtmw.starlette, seen token, @requires": _run(_app(marked_order, JWTMiddleware, policy=policy), seen),
        "jwtmw.starlette, new token": _run(_app(order, JWTMiddleware, policy={**policy, "cache": TOO_SMALL}), new),
        "naive PyJWT middleware": _run(_app(order, NaivePyJWT, key=key, algorithm=algorithm), new),
    }


def _app(endpoint: Any, middleware: Any = None, **options: Any) -> Starlette:
    app = Starlette(routes=[Route("/orders/{id}", endpoint)])
    if middleware is not None:
        app.add_middleware(middleware, **options)
    return app


def _run(app: Any, tokens: list[str]) -> Run:
    turn = cycle(tokens)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        # A benchmark of refusals would be fast and worthless.
        if message.get("status", 200) != 200:
            raise AssertionError(message["status"])

    def run(repeat: int) -> Callable[[], Awaitable[None]]:
        # Each request has bytes of its own, as from a server: no hash of an earlier one helps.
        scopes = [scope_of(next(turn)) for _ in range(repeat)]

        async def job() -> None:
            for scope in scopes:
                await app(scope, receive, send)

        return job

    return run
