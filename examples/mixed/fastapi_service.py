"""The small orders service in FastAPI: `uvicorn fastapi_service:app`."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse

from jwtmw import current_principal
from jwtmw.starlette import JWTMiddleware

app = FastAPI(default_response_class=PlainTextResponse)


@app.get("/health")
@app.get("/catalogue")
@app.get("/orders")
@app.post("/orders")
@app.get("/orders/{id}")
@app.delete("/orders/{id}")
@app.get("/internal/{rest:path}")
async def answer(request: Request) -> str:
    return f"{request.method} {request.url.path} for {current_principal().subject or 'nobody'}\n"


app.add_middleware(JWTMiddleware)
