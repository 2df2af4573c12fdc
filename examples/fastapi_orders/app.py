"""The orders service in FastAPI: what each operation asks is judged first, and shown in its documentation.

    export JWTMW_ISSUER=https://id.example/
    export JWTMW_AUDIENCE=orders
    uvicorn app:app

`jwtmw issuer` serves an issuer on this machine and prints these lines for it. `/docs` needs a token like everything
else; a rule in the configuration opens it: `[[rules]] path = "/docs"`, `allow = "public"`, and so for `/openapi.json`.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, FastAPI, HTTPException, Security
from pydantic import BaseModel

from jwtmw import Principal, public, requires
from jwtmw.fastapi import JWTMiddleware, document_marks, jwt

Reader = Annotated[Principal, Security(jwt, scopes=["orders:read"])]
Writer = Annotated[Principal, Security(jwt, scopes=["orders:write"])]


class Order(BaseModel):
    article: str
    by: str | None = None


ORDERS = {1: Order(article="tea", by="alice")}

orders = APIRouter(prefix="/orders", tags=["orders"])


@orders.get("")
async def list_orders(caller: Reader) -> dict[int, Order]:
    return ORDERS


@orders.get("/{number}")
async def show_order(number: int, caller: Reader) -> Order:
    if number not in ORDERS:
        raise HTTPException(404)
    return ORDERS[number]


@orders.post("", status_code=201)
async def place_order(order: Order, caller: Writer) -> Order:
    ORDERS[len(ORDERS) + 1] = order.model_copy(update={"by": caller.subject})
    return ORDERS[len(ORDERS)]


@orders.delete("/{number}", status_code=204)
@requires(roles=["admin"])
async def cancel_order(number: int) -> None:
    ORDERS.pop(number, None)


app = FastAPI(title="Orders")
app.include_router(orders)


@app.get("/health")
@public
async def health() -> dict[str, str]:
    return {"status": "up"}


document_marks(app)
app.add_middleware(JWTMiddleware)
