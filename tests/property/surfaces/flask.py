"""Flask: views, method views, nested blueprints.

Owns: a drawn application in Flask's words.
Must never know: how requests are judged.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Blueprint, Flask, request
from flask.views import MethodView
from werkzeug.routing import Rule

from jwtmw import Policy
from jwtmw_flask import JWTAuth
from tests.property.ledger import Ledger, Visit
from tests.property.model import App, Nest, Route
from tests.property.surfaces import cgi
from tests.property.surfaces.registry import Served, marked, surface


class UnbuiltRule(Rule):
    """Nobody makes URLs here, and preparing that is most of what a rule costs."""

    def _compile_builder(self, append_unknown: bool = True) -> Any:
        return lambda rule, **values: ("", "")


class Building:
    """One application while it is built; `late` is what is still to be done behind the first request."""

    def __init__(self, drawn: App, guarded: bool, ledger: Ledger) -> None:
        self.guarded, self.ledger = guarded, ledger
        self.late: list[Callable[[], object]] = []
        self.app = Flask("drawn", static_folder=None)
        self.app.url_rule_class = UnbuiltRule
        self.app.url_map.strict_slashes = not drawn.redirects
        self.app.url_map.merge_slashes = drawn.merges
        self.fill(self.app, drawn, "", "")
        setattr(self.app, "wsgi_app", cgi.around(self.app.wsgi_app, drawn))  # noqa: B010 - mypy: a method

    def fill(self, target: Flask | Blueprint, holder: App | Nest, prefix: str, names: str) -> None:
        """Add the routes and what is nested, as far as they are there from the start."""
        for route in holder.routes:
            view = self.view(route)
            if route.late:
                self.late.append(partial(self.add_late, route, prefix, names, view))
            else:
                target.add_url_rule(rule_of(route.path), route.name, view, methods=route.methods)
        for nest in holder.nests:
            # The import name only says where files are looked for.
            blueprint = Blueprint(nest.name, "drawn", url_prefix=rule_of(nest.prefix))
            self.fill(blueprint, nest, prefix + nest.prefix, f"{names}{nest.name}.")
            target.register_blueprint(marked(blueprint, nest.mark, self.guarded))

    def view(self, route: Route) -> Any:
        """A function or a class, marked."""

        def view(**values: str) -> str:
            self.ledger.visits.append(Visit(route.name, request.method, request.path))
            return route.name

        def handler(self: MethodView, **values: str) -> str:
            return view(**values)

        if route.kind == "function":
            return marked(view, route.mark, self.guarded)
        handlers = {method.lower(): handler for method in route.methods}
        cls: Any = type("Drawn", (MethodView,), {"methods": set(route.methods), **handlers})
        return marked(cls, route.mark, self.guarded).as_view(route.name)

    def add_late(self, route: Route, prefix: str, names: str, view: Any) -> None:
        """Behind its first request Flask refuses to add routes, its map does not."""
        rule: Any = self.app.url_rule_class(
            rule_of(prefix + route.path), methods=route.methods, endpoint=names + route.name
        )
        rule.provide_automatic_options = False
        self.app.view_functions[names + route.name] = view
        self.app.url_map.add(rule)


def rule_of(path: str) -> str:
    """The path in werkzeug's words."""
    return path.replace("{rest:path}", "<path:rest>").replace("{", "<").replace("}", ">")


@surface("flask", "flask", foresees=True)
def flask(app: App, policy: Policy | None, ledger: Ledger) -> Served:
    """`JWTAuth(app, policy)`."""
    building = Building(app, policy is not None, ledger)
    if policy is not None:
        JWTAuth(building.app, policy)
    return Served(cgi.sender(building.app, ledger), lambda: [add() for add in building.late])
