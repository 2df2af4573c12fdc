"""A service that issues tokens: its key set, and a token for whoever asks, signed by the ring in the folder KEYS.

Owns: the endpoints.
Must never know: when keys rotate.
"""

from __future__ import annotations

import os
import secrets
import time

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from jwtmw.mint import JWKS, KeyRing, asgi

ISSUER = "https://mint.example"

ring = KeyRing.load(os.environ["KEYS"])


async def health(request: Request) -> JSONResponse:
    return JSONResponse({"status": "up"})


async def token(request: Request) -> JSONResponse:
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": "orders", "sub": "alice", "iat": now, "exp": now + 300, "jti": secrets.token_hex(8)}
    return JSONResponse({"token": ring.sign(claims)})


app = Starlette(routes=[Route("/health", health), Route("/token", token), Route("/jwks", asgi(JWKS(ring, max_age=1)))])
