"""A Flask service that has left its gateway: it checks consumers' tokens itself, as APISIX's jwt-auth did for it.

    export JACK_SECRET=... BASE_SECRET=... ROSE_PUBLIC_KEY="$(cat rose.pem)"
    flask --app app run

The views are what they were behind the gateway: they read who is calling from headers. The configuration beside this
file sets them, and takes away whatever a caller sends under their names.
"""

from __future__ import annotations

from pathlib import Path

from flask import Flask, request
from flask.typing import ResponseReturnValue

from jwtmw_flask import JWTAuth

HEADERS = ("X-Consumer-Username", "X-Credential-Identifier", "X-Consumer-Custom-ID", "X-Anonymous-Consumer")


def caller() -> dict[str, str]:
    return {name: request.headers[name] for name in HEADERS if name in request.headers}


def create_app() -> Flask:
    app = Flask(__name__)

    @app.get("/orders")
    @app.post("/orders")
    def orders() -> ResponseReturnValue:
        return caller()

    @app.get("/catalogue")
    def catalogue() -> ResponseReturnValue:
        return caller()

    JWTAuth(app, Path(__file__).with_name("jwtmw.toml"))
    return app
