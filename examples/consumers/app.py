"""A service whose callers are rows of a table, each with a key of its own.

    export DATABASE_URL=sqlite:///shops.db
    uvicorn app:app

A caller signs its tokens with its own secret and names itself in the claim `key`. A row that goes is refused within
`ttl`; a row that comes is let in within `negative_ttl`. `jwtmw` asks for one row at a time, in a thread of its own, so
the event loop never waits for the database.
"""

from __future__ import annotations

import os

from sqlalchemy import Engine, String, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from jwtmw import Consumer, Policy, current_principal, optional
from jwtmw.starlette import JWTMiddleware


class Base(DeclarativeBase):
    pass


class Shop(Base):
    """One key of one shop. Either a secret or a public key is given."""

    __tablename__ = "shops"

    key: Mapped[str] = mapped_column(String(256), primary_key=True)
    name: Mapped[str]
    custom_id: Mapped[str | None] = mapped_column(default=None)
    algorithm: Mapped[str] = mapped_column(default="HS256")
    secret: Mapped[str | None] = mapped_column(default=None)
    public_key: Mapped[str | None] = mapped_column(default=None)


class Shops:
    """The shops as consumers. What it is asked for is a caller's word: a parameter, never a part of the query."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def find(self, identifier: str) -> Consumer | None:
        with Session(self.engine) as session:
            shop = session.scalar(select(Shop).where(Shop.key == identifier))
        if shop is None:
            return None
        if shop.public_key is not None:
            return Consumer.with_public_key(
                shop.name, shop.key, shop.public_key, shop.algorithm, custom_id=shop.custom_id
            )
        return Consumer.with_secret(shop.name, shop.key, shop.secret or "", shop.algorithm, custom_id=shop.custom_id)


async def orders(request: Request) -> JSONResponse:
    shop = current_principal().consumer
    return JSONResponse({"of": shop and shop.name, "header": request.headers.get("x-consumer-custom-id")})


@optional
async def catalogue(request: Request) -> JSONResponse:
    return JSONResponse({"for": request.headers.get("x-consumer-username", "everybody")})


engine = create_engine(os.environ["DATABASE_URL"])
Base.metadata.create_all(engine)
policy = Policy(
    {
        "issuers": [
            {
                "name": "shops",
                "require_issuer": False,
                "require_audience": False,
                "max_lifetime": 3600,
                "consumer_store": {"ttl": 60, "negative_ttl": 5},
            }
        ],
        "identity_headers": {
            "X-Consumer-Username": "@consumer.name",
            "X-Credential-Identifier": "@consumer.key",
            "X-Consumer-Custom-ID": "@consumer.custom_id",
        },
    },
    consumers=Shops(engine),
)
app = Starlette(routes=[Route("/orders", orders), Route("/catalogue", catalogue)])
app.add_middleware(JWTMiddleware, policy=policy)
