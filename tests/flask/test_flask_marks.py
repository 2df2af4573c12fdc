"""Marks in Flask: what they let in, what they keep out, wherever they stand."""

from __future__ import annotations

import functools
from typing import Any, ClassVar

import pytest
from flask import Blueprint, Flask
from flask.views import MethodView, View

from jwtmw import optional, public, requires
from tests.flask.apps import Ran, ask, made, protected, refused, token


@pytest.fixture
def ran() -> Ran:
    return Ran()


def wrapped(view: Any) -> Any:
    @functools.wraps(view)
    def wrapper(**values: Any) -> Any:
        return view(**values)

    return wrapper


def classes(ran: Ran) -> dict[str, Any]:  # noqa: C901 (one of each kind)
    class Verbs(MethodView):
        @requires("a")
        def get(self) -> str:
            ran.note("get")
            return "get"

        @public
        async def post(self) -> str:
            ran.note("post")
            return "post"

        def put(self) -> str:
            ran.note("put")
            return "put"

    class VerbsHeir(Verbs):
        """Inherits what is asked, not what is lifted."""

    @requires("a")
    class Whole(MethodView):
        def get(self) -> str:
            ran.note("get")
            return "get"

        @requires("b")
        def post(self) -> str:
            ran.note("post")
            return "post"

    class Heir(Whole):
        def get(self) -> str:
            ran.note("heir")
            return "heir"

    @public
    class Open(MethodView):
        def get(self) -> str:
            ran.note("get")
            return "get"

    class OpenHeir(Open):
        pass

    class Plain(View):
        @requires("a")
        def dispatch_request(self) -> str:
            ran.note("plain")
            return "plain"

    class PlainOpen(View):
        init_every_request = False

        @public
        def dispatch_request(self) -> str:
            ran.note("plain")
            return "plain"

    class PlainOpenHeir(PlainOpen):
        pass

    class Decorated(MethodView):
        decorators: ClassVar = [requires("a"), wrapped]

        def get(self) -> str:
            ran.note("decorated")
            return "decorated"

    class DecoratedOpen(MethodView):
        decorators: ClassVar = [public]

        def get(self) -> str:
            ran.note("decorated")
            return "decorated"

    found: dict[str, Any] = dict(locals())
    del found["ran"]
    return {name: cls.as_view(name) for name, cls in found.items()}


class Called:
    """A view that is an object."""

    def __init__(self, ran: Ran) -> None:
        self.ran = ran
        self.__name__ = "called"

    def __call__(self) -> str:
        self.ran.note("called")
        return "called"


@pytest.mark.parametrize(
    ("path", "method", "nobody", "anybody", "scope_a"),
    [
        pytest.param("/unmarked", "GET", 401, 200, 200, id="unmarked"),
        pytest.param("/asks", "GET", 401, 403, 200, id="asks"),
        pytest.param("/asks-async", "GET", 401, 403, 200, id="asks-async"),
        pytest.param("/open-async", "GET", 200, 200, 200, id="open-async"),
        pytest.param("/wrapped-asks", "GET", 401, 403, 200, id="wrapped-asks"),
        pytest.param("/wrapped-open", "GET", 200, 200, 200, id="wrapped-open"),
        pytest.param("/optional", "GET", 200, 200, 200, id="optional"),
        pytest.param("/optional-asks", "GET", 200, 403, 200, id="optional-asks"),
        pytest.param("/object", "GET", 200, 200, 200, id="object"),
        pytest.param("/partial", "GET", 401, 403, 200, id="partial"),
        pytest.param("/method", "GET", 401, 403, 200, id="bound-method"),
        pytest.param("/Verbs", "GET", 401, 403, 200, id="verb-asks"),
        pytest.param("/Verbs", "HEAD", 401, 403, 200, id="verb-asks-head"),
        pytest.param("/Verbs", "POST", 200, 200, 200, id="verb-open"),
        pytest.param("/Verbs", "PUT", 401, 200, 200, id="verb-unmarked"),
        pytest.param("/Verbs", "DELETE", 401, 405, 405, id="verb-missing"),
        pytest.param("/VerbsHeir", "GET", 401, 403, 200, id="verb-asks-inherited"),
        pytest.param("/VerbsHeir", "POST", 401, 200, 200, id="verb-open-not-inherited"),
        pytest.param("/Whole", "GET", 401, 403, 200, id="class-asks"),
        pytest.param("/Whole", "POST", 401, 403, 403, id="class-and-verb-ask"),
        pytest.param("/Heir", "GET", 401, 403, 200, id="class-asks-inherited"),
        pytest.param("/Open", "GET", 200, 200, 200, id="class-open"),
        pytest.param("/OpenHeir", "GET", 401, 200, 200, id="class-open-not-inherited"),
        pytest.param("/Plain", "GET", 401, 403, 200, id="view-asks"),
        pytest.param("/PlainOpen", "GET", 200, 200, 200, id="view-open"),
        pytest.param("/PlainOpenHeir", "GET", 401, 200, 200, id="view-open-not-inherited"),
        pytest.param("/Decorated", "GET", 401, 403, 200, id="decorators-ask"),
        pytest.param("/DecoratedOpen", "GET", 200, 200, 200, id="decorators-open"),
        pytest.param("/marked-open-view", "GET", 200, 200, 200, id="as-view-open"),
    ],
)
def test_a_mark_holds_where_it_stands(
    path: str, method: str, nobody: int, anybody: int, scope_a: int, ran: Ran
) -> None:
    """On functions, async functions, objects, methods, classes and their verbs; and only there."""
    app = made()
    orders = Orders(ran)
    for name, view in {
        "unmarked": ran.view(),
        "asks": requires("a")(ran.view()),
        "asks-async": requires("a")(ran.async_view()),
        "open-async": public(ran.async_view()),
        "wrapped-asks": wrapped(requires("a")(ran.view())),
        "wrapped-open": wrapped(public(ran.view())),
        "optional": optional(ran.view()),
        "optional-asks": optional(requires("a")(ran.view())),
        "object": public(Called(ran)),
        "partial": functools.partial(requires("a")(ran.view())),
        "method": orders.list,
        "marked-open-view": public(Unmarked.as_view("u", ran)),
        **classes(ran),
    }.items():
        app.add_url_rule(f"/{name}", name, view)
    protected(app)
    for who, status in ((None, nobody), (token(), anybody), (token("a"), scope_a)):
        ran.notes.clear()
        answer = ask(app, path, who, method)
        if status < 400 or status == 405:
            assert (status, int(status == 200)) == (answer.status_code, len(ran.notes))
        else:
            refused(answer, ran, status)


class Unmarked(MethodView):
    def __init__(self, ran: Ran) -> None:
        self.ran = ran

    def get(self) -> str:
        self.ran.note("get")
        return "get"


class Orders:
    def __init__(self, ran: Ran) -> None:
        self.ran = ran

    @requires("a")
    def list(self) -> str:
        self.ran.note("list")
        return "list"


def nested(ran: Ran, outer_mark: Any, inner_mark: Any, view_mark: Any) -> Flask:
    """`/outer/inner/view`, `/outer/view`, and `/view` beside them."""
    app = made()
    outer, inner = Blueprint("outer", "orders", url_prefix="/outer"), Blueprint("inner", "orders", url_prefix="/inner")
    inner.add_url_rule("/view", "view", view_mark(ran.view()))
    outer.add_url_rule("/view", "view", view_mark(ran.view()))
    app.add_url_rule("/view", "view", view_mark(ran.view()))
    outer_mark(outer).register_blueprint(inner_mark(inner))
    app.register_blueprint(outer)
    return protected(app)


def nothing(endpoint: Any) -> Any:
    return endpoint


@pytest.mark.parametrize(
    ("marks", "path", "nobody", "scope_a", "scopes_ab"),
    [
        pytest.param((requires("a"), nothing, nothing), "/outer/view", 401, 200, 200, id="blueprint"),
        pytest.param((requires("a"), nothing, nothing), "/outer/inner/view", 401, 200, 200, id="outer-reaches-in"),
        pytest.param((requires("b"), nothing, nothing), "/outer/inner/view", 401, 403, 200, id="outer-keeps-out"),
        pytest.param((requires("b"), nothing, nothing), "/view", 401, 200, 200, id="beside"),
        pytest.param((nothing, requires("b"), nothing), "/outer/view", 401, 200, 200, id="inner-not-outer"),
        pytest.param((requires("a"), requires("b"), nothing), "/outer/inner/view", 401, 403, 200, id="both"),
        pytest.param((requires("a"), nothing, requires("b")), "/outer/view", 401, 403, 200, id="with-views"),
        pytest.param((public, nothing, nothing), "/outer/inner/view", 200, 200, 200, id="open"),
        pytest.param((public, nothing, nothing), "/view", 401, 200, 200, id="open-beside"),
        pytest.param((optional, nothing, public), "/outer/view", 200, 200, 200, id="open-within-optional"),
        pytest.param((optional, nothing, requires("b")), "/outer/view", 401, 403, 200, id="asks-within-optional"),
    ],
)
def test_marks_of_blueprints_add_up(
    marks: tuple[Any, Any, Any], path: str, nobody: int, scope_a: int, scopes_ab: int, ran: Ran
) -> None:
    """A blueprint's mark holds for all that is registered on it, nested ones too, together with theirs."""
    app = nested(ran, *marks)
    for who, status in ((None, nobody), (token("a"), scope_a), (token("a", "b"), scopes_ab)):
        ran.notes.clear()
        answer = ask(app, path, who)
        if status == 200:
            assert (200, 1) == (answer.status_code, len(ran.notes))
        else:
            refused(answer, ran, status)


def test_a_mark_on_the_application_holds_for_all(ran: Ran) -> None:
    """The application is the outermost of what surrounds a view."""
    app = made()
    app.add_url_rule("/view", view_func=ran.view())
    protected(requires("a")(app))
    refused(ask(app, "/view", token()), ran, 403)
    assert 200 == ask(app, "/view", token("a")).status_code


def test_a_blueprint_registered_twice_has_its_mark_twice(ran: Ran) -> None:
    """The mark is the object's, under whatever names it is registered."""
    blueprint = requires("a")(Blueprint("orders", "orders"))
    blueprint.add_url_rule("/view", "view", ran.view())
    app = made()
    app.register_blueprint(blueprint, url_prefix="/one")
    app.register_blueprint(blueprint, url_prefix="/two", name="two")
    protected(app)
    refused(ask(app, "/one/view", token()), ran, 403)
    refused(ask(app, "/two/view", token()), ran, 403)


def test_an_endpoint_with_a_dot_belongs_to_nobody_that_is_not_there(ran: Ran) -> None:
    """A name that only looks like a blueprint's changes nothing."""
    app = made()
    app.add_url_rule("/view", "admin.orders.view", public(ran.view()))
    assert 200 == ask(protected(app), "/view").status_code


def test_contradicting_marks_are_a_500_where_they_come_late(ran: Ran) -> None:
    """Nobody passes where a blueprint is public and its view asks."""
    app = protected(made())
    blueprint = public(Blueprint("orders", "orders"))
    blueprint.add_url_rule("/view", "view", requires("a")(ran.view()))
    app.register_blueprint(blueprint)
    refused(ask(app, "/view", token("a")), ran, 500)


def test_the_challenge_names_what_rule_and_mark_want(ran: Ran) -> None:
    """Where the rule refuses already, what the endpoint adds is named with it."""
    app = made()
    app.add_url_rule("/orders", view_func=requires("b")(ran.view()))
    app.add_url_rule("/plain", view_func=ran.view("plain"))
    rules = [{"path": "/orders", "scopes": ["a"]}, {"path": "/plain", "scopes": ["a"]}]
    protected(app, rules=rules)
    answer = ask(app, "/orders", token())
    refused(answer, ran, 403)
    assert 'scope="a b"' in answer.headers["WWW-Authenticate"]
    assert 'scope="a"' in ask(app, "/plain", token()).headers["WWW-Authenticate"]


def test_a_view_that_is_not_there_is_no_way_in(ran: Ran) -> None:
    """A rule without a view function answers nobody without a token."""
    app = made()
    app.add_url_rule("/hole", "hole")
    protected(app)
    refused(ask(app, "/hole"), ran, 401)


def test_a_mark_that_comes_later_is_seen(ran: Ran) -> None:
    """Also on a blueprint, and on the application, after the first request."""
    app, blueprint = made(), Blueprint("shop", "shop", url_prefix="/shop")
    blueprint.add_url_rule("/view", "view", ran.view())
    app.register_blueprint(blueprint)
    protected(app)
    assert 200 == ask(app, "/shop/view", token()).status_code
    requires("a")(blueprint)
    assert [403, 200] == [ask(app, "/shop/view", who).status_code for who in (token(), token("a"))]
    requires("b")(app)
    assert [403, 200] == [ask(app, "/shop/view", who).status_code for who in (token("a"), token("a", "b"))]


def test_an_exchanged_view_is_asked_for_its_own_mark(ran: Ran) -> None:
    """What is called counts, not what was registered first."""
    app = made()
    app.add_url_rule("/view", "view", public(ran.view()))
    protected(app)
    assert 200 == ask(app, "/view").status_code
    app.view_functions["view"] = ran.view("other")
    ran.notes.clear()
    refused(ask(app, "/view"), ran, 401)
