"""An orders service as its developers would write it: FastAPI, one line that protects it, scopes where they are wanted.

Owns: the endpoints, and a docs page that needs nothing from elsewhere.
Must never know: whose tokens count. The environment says that: two variables, or `JWTMW_CONFIG`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Security
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

from jwtmw import Principal, current_principal, public, requires
from jwtmw.fastapi import JWTMiddleware, jwt

SWAGGER_UI = Path(__file__).parent / "node_modules" / "swagger-ui-dist"

app = FastAPI(title="Orders", docs_url=None, redoc_url=None)
app.add_middleware(JWTMiddleware)
app.mount("/assets", StaticFiles(directory=SWAGGER_UI))


@app.get("/health")
@public
async def health() -> dict[str, str]:
    return {"status": "up"}


@app.get("/orders")
async def list_orders(caller: Annotated[Principal, Security(jwt, scopes=["orders:read"])]) -> dict[str, str | None]:
    return {"caller": caller.client_id, "issuer": caller.issuer}


@app.post("/orders", status_code=201)
def place_order(caller: Annotated[Principal, Security(jwt, scopes=["orders:write"])]) -> dict[str, str | None]:
    return {"caller": caller.client_id}


@app.delete("/orders", dependencies=[Security(jwt)])
@requires("orders:write")
async def clear_orders() -> dict[str, str | None]:
    return {"caller": current_principal().client_id}


@app.get("/docs", include_in_schema=False)
async def docs() -> HTMLResponse:
    return get_swagger_ui_html(
        openapi_url="/openapi.json",
        title="Orders",
        swagger_js_url="/assets/swagger-ui-bundle.js",
        swagger_css_url="/assets/swagger-ui.css",
        swagger_favicon_url="/assets/favicon-32x32.png",
    )
