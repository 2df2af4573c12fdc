"""Flask, with the extension, called in process: views, async views, a class-based view, nested blueprints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flask import Blueprint, Flask, Response, request
from flask.views import MethodView

from jwtmw import Policy
from jwtmw_flask import JWTAuth
from tests.conformance.drivers.environs import call, cannot
from tests.conformance.drivers.registry import driver
from tests.conformance.endpoints import ENDPOINTS, Endpoint
from tests.conformance.schema import Answer, Case
from tests.conformance.world import Ledger, World

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "PURGE", "REPORT")


def make_app(app: str, ledger: Ledger, marked: bool) -> Flask:
    """The application of the cases, without protection; unmarked where no engine will stand before it."""
    made = Flask("orders", static_folder=None)

    # All that Flask runs in front of a view.
    @made.url_value_preprocessor
    def preprocess(endpoint: str | None, values: dict[str, Any] | None) -> None:
        ledger.dependencies += 1

    @made.before_request
    def before() -> None:
        ledger.dependencies += 1

    if app == "plain":
        plain = _plain(ledger)
        for path in ("/", "/<path:path>"):
            made.add_url_rule(path, "plain", plain, methods=METHODS, provide_automatic_options=False)
        return made
    outer, inner = Blueprint("outer", "orders", url_prefix="/nested"), Blueprint("inner", "orders")
    for each in ENDPOINTS:
        if each.kind != "websocket":
            _register(inner if each.nested else made, each if marked else replace(each, marks=(), post=()), ledger)
    outer.register_blueprint(inner)
    made.register_blueprint(outer)
    return made


def _register(target: Flask | Blueprint, endpoint: Endpoint, ledger: Ledger) -> None:
    path = endpoint.path.removeprefix("/nested") if endpoint.nested else endpoint.path
    rule = path.replace("{", "<").replace("}", ">")
    name = endpoint.path.strip("/").replace("/", "-")
    view = _KINDS[endpoint.kind](ledger, endpoint, name)
    target.add_url_rule(rule, name, view, methods=endpoint.methods)


def _plain(ledger: Ledger) -> Any:
    def plain(path: str = "") -> Response:
        ledger.enter()
        ledger.find_environ(request.environ)
        body = ledger.took = request.get_data()
        headers = {"Cache-Control": "max-age=60", "X-Orders": "7"}
        return Response(b"%d bytes, %s" % (len(body), body[:8]), headers=headers, mimetype="text/plain")

    return plain


def _async(ledger: Ledger, endpoint: Endpoint, name: str) -> Any:
    async def order(**values: str) -> str:
        ledger.enter()
        return f"{len(request.get_data())} bytes"

    return endpoint.mark(order)


def _sync(ledger: Ledger, endpoint: Endpoint, name: str) -> Any:
    def order(**values: str) -> str:
        ledger.enter()
        return "in this thread"

    return endpoint.mark(order)


def _class(ledger: Ledger, endpoint: Endpoint, name: str) -> Any:
    def get(self: MethodView) -> str:
        ledger.enter()
        return "by a class"

    async def post(self: MethodView) -> str:
        ledger.enter()
        return "posted to a class"

    marked: Any = post
    for mark in reversed(endpoint.post):
        marked = mark(marked)
    return endpoint.mark(type("View", (MethodView,), {"get": get, "post": marked})).as_view(name)


_KINDS: dict[str, Callable[[Ledger, Endpoint, str], Any]] = {"async": _async, "sync": _sync, "class": _class}


@driver("flask", cannot)
def drive(case: Case, world: World) -> Answer:
    """`JWTAuth(app, policy)`."""

    def build(policy: Policy | None, app: str) -> Flask:
        made = make_app(app, world.ledger, marked=policy is not None)
        if policy is not None:
            JWTAuth(made, policy)
        return made

    return world.play("flask", case, build, lambda app, asked: call(world, app, asked))
