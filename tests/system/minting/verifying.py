"""An orders service that knows its issuer by the key set alone. `JWTMW_CONFIG` says where that is.

Owns: the endpoints.
Must never know: how tokens are issued.
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from jwtmw import current_principal, public
from jwtmw.starlette import JWTMiddleware


@public
async def health(request: Request) -> JSONResponse:
    return JSONResponse({"status": "up"})


async def orders(request: Request) -> JSONResponse:
    return JSONResponse({"caller": current_principal().subject})


app = Starlette(routes=[Route("/health", health), Route("/orders", orders)])
app.add_middleware(JWTMiddleware)
