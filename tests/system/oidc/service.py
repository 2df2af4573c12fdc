"""An orders service as its developers would write it: FastAPI, and one line that protects it.

Owns: the endpoints, and a docs page that needs nothing from elsewhere.
Must never know: whose tokens count. The environment says that: two variables, or `JWTMW_CONFIG`.
"""

from __future__ import annotations

from pathlib import Path

from fastapi import Depends, FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.security import HTTPBearer
from fastapi.staticfiles import StaticFiles

from jwtmw import current_principal, public, requires
from jwtmw.starlette import JWTMiddleware

SWAGGER_UI = Path(__file__).parent / "node_modules" / "swagger-ui-dist"

# For the docs page's Authorize button only; the middleware has judged the token by then.
bearer = Depends(HTTPBearer(auto_error=False))

app = FastAPI(title="Orders", docs_url=None, redoc_url=None)
app.add_middleware(JWTMiddleware)
app.mount("/assets", StaticFiles(directory=SWAGGER_UI))


@app.get("/health")
@public
async def health() -> dict[str, str]:
    return {"status": "up"}


@app.get("/orders", dependencies=[bearer])
@requires("orders:read")
async def list_orders() -> dict[str, str | None]:
    caller = current_principal()
    return {"caller": caller.client_id, "issuer": caller.issuer}


@app.post("/orders", status_code=201, dependencies=[bearer])
@requires("orders:write")
def place_order() -> dict[str, str | None]:
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
