"""Two services that call each other, each with a key pair of its own and a registry of those whom it trusts.

    export ORDERS_URL=https://orders.example PRINTING_URL=https://printing.example
    export ORDERS_KEYS_URL=https://orders.example/keys.json
    export SHOP_PUBLIC_KEY="$(cat shop.pem)"
    openssl genpkey -algorithm ed25519 -out orders.key
    openssl genpkey -algorithm ed25519 -out printing.key
    uvicorn services:orders --factory      # reads orders.key and orders.toml
    uvicorn services:printing --factory    # reads printing.key, printing.toml and machine.pem

A call says in the header JWT who calls (`iss`), whom (`aud`) and for which user (`sub`). The registries in orders.toml
and printing.toml are all the trust there is: no code below looks at a token.
"""

from __future__ import annotations

import os
import time
import uuid
from pathlib import Path

import httpx2
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from jwtmw import Policy, Principal, current_principal, current_user
from jwtmw.mint.signer import Signer
from jwtmw.starlette import JWTMiddleware

# The users of both services by the `sub` of the calls made for them; whoever is not here is refused with 401.
USERS = {"https://users.example/alice": "alice", "https://users.example/bob": "bob"}


class Identity:
    """A service as its partners know it: its URL and its key."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self.signer = Signer("EdDSA", key=key)

    async def call(self, partner: str, path: str, user: str) -> None:
        """Call a partner for a user. The token is good for one minute, and for this partner alone."""
        now = int(time.time())
        claims = {"iss": self.url, "aud": partner, "sub": user, "iat": now, "exp": now + 60, "jti": str(uuid.uuid4())}
        async with httpx2.AsyncClient() as client:
            answer = await client.post(partner + path, headers={"JWT": self.signer.sign(claims, {"typ": "JWT"})})
        if not answer.is_success:
            raise HTTPException(502, f"{path} answered {answer.status_code}")

    async def keys(self, request: Request) -> JSONResponse:
        """What partners check its tokens with."""
        return JSONResponse({"keys": [self.signer.public_jwk]})


def user_of(caller: Principal) -> str | None:
    return USERS.get(caller.subject or "")


def service(name: str, identity: Identity, folder: Path, routes: list[Route]) -> Starlette:
    app = Starlette(routes=[Route("/keys.json", identity.keys), *routes])
    app.add_middleware(JWTMiddleware, policy=Policy(folder / f"{name}.toml", load_user=user_of))
    return app


def orders(folder: Path = Path()) -> Starlette:
    """Takes orders from the shop, has them printed, and hears when they are."""
    identity = Identity(os.environ["ORDERS_URL"], (folder / "orders.key").read_text())
    states: dict[str, dict[str, str]] = {}

    async def place(request: Request) -> JSONResponse:
        number = str(len(states) + 1)
        states[number] = {"by": current_user(), "state": "printing"}
        await identity.call(os.environ["PRINTING_URL"], f"/jobs?order={number}", current_principal().subject or "")
        return JSONResponse({"order": number}, 201)

    async def show(request: Request) -> JSONResponse:
        return JSONResponse(states.get(request.path_params["id"]))

    async def printed(request: Request) -> JSONResponse:
        states[request.path_params["id"]] |= {"state": "printed", "told by": current_principal().issuer_name}
        return JSONResponse(None)

    routes = [
        Route("/orders", place, methods=["POST"]),
        Route("/orders/{id}", show),
        Route("/orders/{id}/printed", printed, methods=["POST"]),
    ]
    return service("orders", identity, folder, routes)


def printing(folder: Path = Path()) -> Starlette:
    """Takes jobs from the orders service, hears from the machine, and tells the orders service."""
    identity = Identity(os.environ["PRINTING_URL"], (folder / "printing.key").read_text())
    jobs: dict[str, dict[str, str]] = {}

    async def take(request: Request) -> JSONResponse:
        number = str(len(jobs) + 1)
        jobs[number] = {"order": request.query_params["order"], "for": current_principal().subject or ""}
        return JSONResponse({"job": number}, 201)

    async def done(request: Request) -> JSONResponse:
        job = jobs[request.path_params["id"]]
        await identity.call(os.environ["ORDERS_URL"], f"/orders/{job['order']}/printed", job["for"])
        return JSONResponse(None)

    routes = [Route("/jobs", take, methods=["POST"]), Route("/jobs/{id}/done", done, methods=["POST"])]
    return service("printing", identity, folder, routes)
