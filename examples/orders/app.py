"""An orders service that checks the tokens of its callers itself.

    export JWTMW_ISSUER=https://id.example/
    export JWTMW_JWKS_URL=https://id.example/jwks
    export JWTMW_AUDIENCE=orders
    uvicorn app:app

No line below says whose tokens count: the environment does. `jwtmw issuer` serves an issuer on this machine and prints
the three lines for it; `jwtmw demo` runs both.
"""

from __future__ import annotations

import logging

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from jwtmw import current_principal, optional, public, requires
from jwtmw.starlette import JWTMiddleware

# Callers are told little; why exactly somebody was refused is in the log.
logging.basicConfig(level=logging.INFO)

PRICES = {"tea": 4, "cake": 6}
ORDERS: dict[str, dict[str, str | None]] = {
    "1": {"article": "tea", "state": "open"},
    "2": {"article": "cake", "state": "open"},
}


@public
async def health(request: Request) -> JSONResponse:
    return JSONResponse({"status": "up"})


@optional
async def catalogue(request: Request) -> JSONResponse:
    discount = 1 if current_principal().is_authenticated else 0
    return JSONResponse({article: price - discount for article, price in PRICES.items()})


@requires("orders:read")
async def list_orders(request: Request) -> JSONResponse:
    return JSONResponse(ORDERS)


@requires("orders:read")
async def show_order(request: Request) -> JSONResponse:
    return JSONResponse(_order(request))


@requires("orders:write")
async def place_order(request: Request) -> JSONResponse:
    article = (await request.body()).decode("ascii", "replace")
    if article not in PRICES:
        raise HTTPException(400, f"the body must be one of {', '.join(PRICES)}")
    order = {"article": article, "state": "open", "by": current_principal().subject}
    ORDERS[str(len(ORDERS) + 1)] = order
    return JSONResponse(order, 201)


@requires(roles=["admin"])
async def cancel_order(request: Request) -> JSONResponse:
    order = _order(request)
    order["state"] = "cancelled"
    return JSONResponse(order)


def _order(request: Request) -> dict[str, str | None]:
    try:
        return ORDERS[request.path_params["id"]]
    except KeyError:
        raise HTTPException(404) from None


app = Starlette(
    routes=[
        Route("/health", health),
        Route("/catalogue", catalogue),
        Route("/orders", list_orders),
        Route("/orders", place_order, methods=["POST"]),
        Route("/orders/{id}", show_order),
        Route("/orders/{id}", cancel_order, methods=["DELETE"]),
    ]
)
app.add_middleware(JWTMiddleware)
# Added last, so outermost: then browsers may read refusals too.
app.add_middleware(CORSMiddleware, allow_origins=["https://shop.example"])
