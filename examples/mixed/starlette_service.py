"""The small orders service in Starlette: `uvicorn starlette_service:app`.

    export JWTMW_CONFIG=policy.toml
    export ORDERS_ISSUER=https://id.example/ ORDERS_JWKS_URL=https://id.example/jwks

The same in FastAPI, Flask, Django and plain WSGI stands beside it; `jwtmw demo mixed` runs all five by one policy.
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from jwtmw import current_principal
from jwtmw.starlette import JWTMiddleware


async def answer(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"{request.method} {request.url.path} for {current_principal().subject or 'nobody'}\n")


app = Starlette(
    routes=[
        Route("/health", answer),
        Route("/catalogue", answer),
        Route("/orders", answer, methods=["GET", "POST"]),
        Route("/orders/{id}", answer, methods=["GET", "DELETE"]),
        Route("/internal/{rest:path}", answer),
    ]
)
app.add_middleware(JWTMiddleware)
