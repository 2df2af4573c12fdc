"""An orders service whose callers can log out, one of several processes of a fleet: `uvicorn app:app`.

    export JWTMW_CONFIG=jwtmw.toml
    export ISSUER=https://id.example/ JWKS_URL=https://id.example/jwks
    export REVOCATIONS=rediss://:password@revocations.example:6379/0

A token that was logged out of one process is refused by all; `jwtmw revoke` refuses a user, or a whole issuer.
"""

from __future__ import annotations

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from jwtmw import Policy, current_principal, public
from jwtmw.errors import RevocationFailed
from jwtmw.starlette import protect

policy = Policy()


@public
async def health(request: Request) -> JSONResponse:
    return JSONResponse({"status": "up"})


async def orders(request: Request) -> JSONResponse:
    return JSONResponse({"caller": current_principal().subject})


async def log_out(request: Request) -> JSONResponse:
    """The caller's own token is good no more, in the whole fleet."""
    try:
        await anyio.to_thread.run_sync(policy.revocations.revoke_token, current_principal())
    except RevocationFailed:
        return JSONResponse({"status": "not now"}, 503)
    return JSONResponse({"status": "logged out"})


app = protect(
    Starlette(
        routes=[Route("/health", health), Route("/orders", orders), Route("/orders", log_out, methods=["DELETE"])]
    ),
    policy,
)
