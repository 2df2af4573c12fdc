"""`flask jwtmw routes`: what each route needs, as the engine would ask."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import Result
from flask import Blueprint, Flask
from flask.views import MethodView

from jwtmw import optional, public, requires
from jwtmw.adapter import Rule
from jwtmw_flask.templates import may_cover
from tests.flask.apps import Ran, made, protected


class Orders(MethodView):
    @requires("orders:read")
    def get(self) -> str:
        return "get"

    @requires("orders:write", roles=["clerk"])
    def post(self) -> str:
        return "post"


RULES: list[dict[str, Any]] = [
    {"path": "/ruled/{name}", "scopes": ["a"]},
    {"path": "/ruled/new", "allow": "public"},
    {"path": "/ruled/{name}", "methods": ["POST"], "allow": "deny"},
    {"path": "/files/**", "allow": "optional"},
    {"path": "/files/{name}/secret", "allow": "deny"},
    {"path": "/ruled-and-marked", "scopes": ["a"]},
    {"path": "/elsewhere/{name}/deep", "allow": "public"},
]


def service(**keys: Any) -> Flask:
    ran, app = Ran(), made()
    app.add_url_rule("/orders", view_func=Orders.as_view("orders"))
    app.add_url_rule("/health", "health", public(ran.view()))
    app.add_url_rule("/catalogue", "catalogue", optional(requires("b")(ran.view())))
    app.add_url_rule("/plain/<int:number>", "plain", ran.view())
    app.add_url_rule("/ruled/<name>", "ruled", ran.view(), methods=["GET", "POST"])
    app.add_url_rule("/ruled-and-marked", "both", requires("b")(ran.view()))
    app.add_url_rule("/files/<path:name>", "files", ran.view())
    app.add_url_rule("/elsewhere/<name>", "elsewhere", ran.view())
    blueprint = requires("shop")(Blueprint("shop", "shop", url_prefix="/shop"))
    blueprint.add_url_rule("/cart", "cart", ran.view())
    app.register_blueprint(blueprint)
    return protected(app, rules=RULES, **keys)


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["jwtmw", "routes", *arguments])


def rows(result: Result) -> set[tuple[str, ...]]:
    """The cells of each line."""
    return {tuple(cell.strip() for cell in line.split("  ") if cell.strip()) for line in result.output.splitlines()}


def test_every_route_is_shown_with_what_it_needs() -> None:
    """Rule and mark put together, for each method that needs something else, and the default for the rest."""
    result = run(service())
    assert 0 == result.exit_code
    assert {
        ("methods", "route", "endpoint", "needs", "said by"),
        ("GET", "/orders", "orders", "a token with scope orders:read", "mark"),
        ("POST", "/orders", "orders", "a token with scope orders:write and role clerk", "mark"),
        ("GET", "/health", "health", "nothing", "mark"),
        ("GET", "/catalogue", "catalogue", "no token, or one with scope b", "mark"),
        ("GET", "/plain/<int:number>", "plain", "a token", "default"),
        ("GET", "/ruled/<name>", "ruled", "a token with scope a; other values: /ruled/new", "/ruled/{name}"),
        ("POST", "/ruled/<name>", "ruled", "nobody passes; other values: /ruled/new", "/ruled/{name}"),
        ("GET", "/ruled-and-marked", "both", "a token with scope a and scope b", "/ruled-and-marked and mark"),
        (
            "GET",
            "/files/<path:name>",
            "files",
            "no token, or one; other values: /files/{name}/secret",
            "/files/**",
        ),
        ("GET", "/elsewhere/<name>", "elsewhere", "a token", "default"),
        ("GET", "/shop/cart", "shop.cart", "a token with scope shop", "mark"),
        ("any", "what no route or rule has", "a token", "default"),
    } == rows(result)


def test_all_methods_are_shown_when_asked_for() -> None:
    """OPTIONS that Flask answers itself is no view's; HEAD is GET's."""
    found = rows(run(service(), "--all-methods"))
    assert ("GET HEAD", "/health", "health", "nothing", "mark") in found
    assert ("OPTIONS", "/health", "health", "a token", "default") in found
    assert ("HEAD OPTIONS", "/orders", "orders") not in found


@pytest.mark.parametrize(("arguments", "code"), [((), 0), (("--strict",), 1)])
def test_strict_fails_where_nobody_speaks(arguments: tuple[str, ...], code: int) -> None:
    """With it, a route for which neither a rule nor a mark speaks is an error."""
    assert code == run(service(), *arguments).exit_code


def test_strict_passes_where_somebody_speaks_for_every_route() -> None:
    """The default for the rest of the world is no route's."""
    app = made()
    app.add_url_rule("/health", "health", public(Ran().view()))
    assert 0 == run(protected(app), "--strict").exit_code


def test_a_mark_that_cannot_hold_is_shown_and_fails() -> None:
    """Such a route is a 500 for everybody."""
    app = protected(made())
    view = Ran().view()
    app.add_url_rule("/late", view_func=view)
    requires("a")(view)
    result = run(app)
    assert 1 == result.exit_code
    assert "nobody passes: view: @requires stands on the wrong side" in result.output


def test_the_table_says_that_nothing_is_judged() -> None:
    """In non-secure mode what a route needs is not asked."""
    assert "Requests are not judged" in run(service(secure=False)).output


@pytest.mark.parametrize(("default", "words"), [("deny", "nobody passes"), ("public", "nothing")])
def test_the_default_is_shown(default: str, words: str) -> None:
    """In words."""
    assert ("any", "what no route or rule has", words, "default") in rows(run(protected(made(), default=default)))


def test_hosts_are_part_of_a_route() -> None:
    """Two routes at one path are told apart."""
    app = made(host_matching=True)
    app.add_url_rule("/", "shop", public(Ran().view()), host="shop.example")
    assert ("GET", "shop.example/", "shop", "nothing", "mark") in rows(run(protected(app)))


@pytest.mark.parametrize(
    ("rule", "route", "expected"),
    [
        ("/a/b", "/a/<name>", True),
        ("/a/{x}", "/a/<name>", False),
        ("/a/{x}", "/a/b", False),
        ("/a/b", "/a/c", False),
        ("/a/b/**", "/a/<name>", True),
        ("/a/**", "/a/<name>", False),
        ("/a/b/**", "/a/<name>/c", True),
        ("/a/b", "/a/<name>/c", False),
        ("/a/b/c", "/a/<name>", False),
        ("/a", "/a/<path:rest>", False),
        ("/a/b", "/a/<path:rest>", True),
        ("/a/**", "/a/<path:rest>", False),
        ("/a/b-1", "/a/b-<int:number>", True),
        ("/b/**", "/a/<path:rest>", False),
    ],
)
def test_a_rule_that_speaks_for_some_values_only_is_found(rule: str, route: str, expected: bool) -> None:
    """Where a route has variables, a rule may speak for some of their values."""
    assert expected is may_cover(Rule(rule), "GET", route)


def test_a_rule_for_another_method_speaks_for_no_value() -> None:
    """GET covers HEAD, and nothing else."""
    rule = Rule("/a/b", frozenset({"GET"}))
    assert [True, True, False] == [may_cover(rule, method, "/a/<name>") for method in ("GET", "HEAD", "POST")]
