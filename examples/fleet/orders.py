"""Orders, in FastAPI: takes an order, and has herald announce it for the same caller."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx2
from fastapi import FastAPI, Header, Request
from hop import Hop, hop  # type: ignore[import-not-found]
from pydantic import BaseModel

from jwtmw import Policy
from jwtmw.fastapi import JWTMiddleware

policy = Policy(Path(__file__).with_name("orders.toml"))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    async with httpx2.AsyncClient(
        base_url=os.environ["HERALD_URL"], auth=policy.outgoing("herald").httpx2(), timeout=10
    ) as herald:
        yield {"herald": herald}


class Order(BaseModel):
    article: str


app = FastAPI(lifespan=lifespan)
app.add_middleware(JWTMiddleware, policy=policy)


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "up"}


@app.post("/orders", status_code=201)
async def place(order: Order, request: Request, x_user: Annotated[str | None, Header()] = None) -> Hop:
    answer = await request.state.herald.post("/announcements", json={"article": order.article})
    answer.raise_for_status()
    return hop("orders", then=answer.json(), user=x_user)
