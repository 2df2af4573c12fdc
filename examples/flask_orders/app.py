"""The orders service in Flask: marks on views, on a class and on a blueprint, in an application factory.

    export JWTMW_ISSUER=https://id.example/
    export JWTMW_AUDIENCE=orders
    flask --app app run

`jwtmw issuer` serves an issuer on this machine and prints these lines for it. `flask --app app jwtmw routes` shows what
each route needs.
"""

from __future__ import annotations

from flask import Blueprint, Flask, Response, abort, jsonify, request
from flask.typing import ResponseReturnValue
from flask.views import MethodView

from jwtmw import Denied, optional, public, requires
from jwtmw_flask import JWTAuth, Refused, current_principal

PRICES = {"tea": 4, "cake": 6}
auth = JWTAuth()


@public
def health() -> ResponseReturnValue:
    return {"status": "up"}


@optional
def catalogue() -> ResponseReturnValue:
    discount = 1 if current_principal.is_authenticated else 0
    return {article: price - discount for article, price in PRICES.items()}


class Orders(MethodView):
    """Reading and writing need a scope each."""

    def __init__(self, orders: dict[int, dict[str, str | None]]) -> None:
        self.orders = orders

    @requires("orders:read")
    def get(self) -> ResponseReturnValue:
        return jsonify(self.orders)

    @requires("orders:write")
    async def post(self) -> ResponseReturnValue:
        article = request.get_data(as_text=True)
        if article not in PRICES:
            abort(400, f"the body must be one of {', '.join(PRICES)}")
        order: dict[str, str | None] = {"article": article, "by": current_principal.subject}
        self.orders[len(self.orders) + 1] = order
        return order, 201


def administration(orders: dict[int, dict[str, str | None]]) -> Blueprint:
    """All of it is for administrators: the mark is the blueprint's."""
    admin = Blueprint("admin", __name__, url_prefix="/admin")

    @admin.delete("/orders/<int:number>")
    def cancel_order(number: int) -> ResponseReturnValue:
        return orders.pop(number, None) or abort(404)

    return requires(roles=["admin"])(admin)


def refusal(error: Refused) -> ResponseReturnValue:
    """The application's own words; status and challenge stay."""
    return {"error": error.name}, error.code


def allow_shop(response: Response) -> Response:
    """Browsers may read what the service answers, refusals too."""
    response.headers["Access-Control-Allow-Origin"] = "https://shop.example"
    return response


def create_app() -> Flask:
    app = Flask(__name__)
    orders: dict[int, dict[str, str | None]] = {1: {"article": "tea", "by": "alice"}}
    app.add_url_rule("/health", view_func=health)
    app.add_url_rule("/catalogue", view_func=catalogue)
    app.add_url_rule("/orders", view_func=Orders.as_view("orders", orders))
    app.register_blueprint(administration(orders))
    app.register_error_handler(Denied, refusal)
    app.after_request(allow_shop)
    auth.init_app(app)
    return app
