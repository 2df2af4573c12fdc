"""A microservice of EdgeX: who may call it is said by `service.toml`, in EdgeX's own variables.

export SECRETSTORE_URL=http://localhost:8200
export SECRETSTORE_TOKENFILE=/tmp/edgex/secrets/core-metadata/secrets-token.json
uvicorn app:app

jwtmw vault add-user --user alice | jwtmw vault get-token > alice.jwt
curl -H "Authorization: Bearer $(cat alice.jwt)" http://localhost:8000/api/v3/version
"""

from __future__ import annotations

import logging
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from jwtmw import current_principal
from jwtmw.starlette import JWTMiddleware

logging.basicConfig(level=logging.INFO)

DEVICES = [{"name": "thermometer-1", "adminState": "UNLOCKED"}]


async def ping(request: Request) -> JSONResponse:
    return JSONResponse({"apiVersion": "v3", "serviceName": "core-metadata"})


async def version(request: Request) -> JSONResponse:
    return JSONResponse({"apiVersion": "v3", "version": "4.0.0", "serviceName": "core-metadata"})


async def devices(request: Request) -> JSONResponse:
    # The template of the caller's role has its name; without security there is nobody.
    caller = current_principal().claims.get("name", "nobody")
    return JSONResponse({"apiVersion": "v3", "statusCode": 200, "devices": DEVICES, "caller": caller})


app = Starlette(
    routes=[
        Route("/api/v3/ping", ping),
        Route("/api/v3/version", version),
        Route("/api/v3/device/all", devices),
    ]
)
app.add_middleware(JWTMiddleware, policy=Path(__file__).with_name("service.toml"))
