"""Marks in Django: functions, class-based views, view sets, included URLconfs, and where a mark would be lost."""

from __future__ import annotations

import functools
import weakref
from typing import Any

import pytest
from django.http import HttpResponse
from django.urls import ResolverMatch, URLPattern, URLResolver, include, path, re_path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from jwtmw import MarkError, optional, public, requires
from tests.django.asking import KINDS, Ran, ask, policy, reason, token
from tests.django.project import Project


@pytest.fixture
def ran() -> Ran:
    return Ran()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


def project(kind: str, *patterns: Any, **keys: Any) -> Project:
    return Project(kind, patterns, JWTMW=policy(**keys))


def statuses(made: Project, target: str, method: str = "GET") -> tuple[int, int, int]:
    """For nobody, for a good token, and for one with the scope `a`."""
    answers = [ask(made, target, sent, method=method) for sent in (None, token(), token(scope="a"))]
    return answers[0].status, answers[1].status, answers[2].status


EVERYBODY, CALLERS, READERS = (200, 200, 200), (401, 200, 200), (401, 403, 200)


def test_functions_of_either_kind(kind: str, ran: Ran) -> None:
    """A mark on a function counts, whether the view is async or not, and whatever serves it."""
    views: dict[str, Any] = {"sync": ran, "async": ran.in_async}
    for name, view in views.items():
        made = project(
            kind,
            path(f"{name}/plain", view()),
            path(f"{name}/public", public(view())),
            path(f"{name}/optional", optional(view())),
            path(f"{name}/a", requires("a")(view())),
        )
        assert CALLERS == statuses(made, f"/{name}/plain")
        assert EVERYBODY == statuses(made, f"/{name}/public")
        assert EVERYBODY == statuses(made, f"/{name}/optional")
        assert READERS == statuses(made, f"/{name}/a")
        assert 401 == ask(made, f"/{name}/optional", "a.b.c").status


def test_who_is_called_is_who_was_let_in(kind: str, ran: Ran) -> None:
    """A refused caller comes to no view; on a public one nobody is known."""
    made = project(kind, path("public", public(ran())), path("a", requires("a")(ran())))
    ask(made, "/a")
    ask(made, "/a", token())
    assert [] == ran.callers
    ask(made, "/a", token("alice", scope="a"))
    ask(made, "/public", token("alice"))
    assert ["alice", None] == ran.callers


def test_decorators_on_either_side(kind: str, ran: Ran) -> None:
    """Django's own decorators keep a mark below them, and stand below one."""
    made = project(
        kind,
        path("outside", csrf_exempt(never_cache(public(ran())))),
        path("inside", public(csrf_exempt(never_cache(ran())))),
        path("both", never_cache(requires("a")(csrf_exempt(ran())))),
    )
    assert EVERYBODY == statuses(made, "/outside")
    assert EVERYBODY == statuses(made, "/inside")
    assert READERS == statuses(made, "/both")


class Orders(View):
    def get(self, request: Any) -> HttpResponse:
        return HttpResponse("get")

    def post(self, request: Any) -> HttpResponse:
        return HttpResponse("post")


def test_a_class_by_all_ways_of_marking_it(kind: str) -> None:
    """A class-based view is marked as a class, by its functions, by its dispatch, or as what as_view() returned."""

    @requires("a")
    class Marked(Orders): ...

    class Post(Orders):
        @requires("a")
        def post(self, request: Any) -> HttpResponse:
            return HttpResponse("post")

    @method_decorator(requires("a"), name="dispatch")
    class Dispatched(Orders): ...

    class Overridden(Orders):
        @public
        def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
            return super().dispatch(request, *args, **kwargs)

    made = project(
        kind,
        path("marked", Marked.as_view()),
        path("post", Post.as_view()),
        path("dispatched", Dispatched.as_view()),
        path("overridden", Overridden.as_view()),
        path("public", public(Orders.as_view())),
        path("wrapped", requires("a")(Orders.as_view())),
        path("initialised", public(Orders.as_view(http_method_names=["get"]))),
    )
    assert READERS == statuses(made, "/marked")
    assert CALLERS == statuses(made, "/post")
    assert READERS == statuses(made, "/post", "POST")
    assert READERS == statuses(made, "/dispatched")
    assert EVERYBODY == statuses(made, "/overridden")
    assert EVERYBODY == statuses(made, "/public")
    assert READERS == statuses(made, "/wrapped")
    assert EVERYBODY == statuses(made, "/initialised")


def test_async_classes(kind: str) -> None:
    """A class of async functions is no different."""

    @requires("a")
    class Marked(View):
        async def get(self, request: Any) -> HttpResponse:
            return HttpResponse("get")

    class Unmarked(View):
        async def get(self, request: Any) -> HttpResponse:
            return HttpResponse("get")

    made = project(kind, path("", Marked.as_view()), path("wrapped", requires("a")(Unmarked.as_view())))
    assert READERS == statuses(made, "/")
    assert READERS == statuses(made, "/wrapped")


def test_what_is_inherited(kind: str) -> None:
    """A subclass asks what its bases ask, and is open to nobody because they are."""

    @requires("a")
    class Asks(Orders): ...

    @public
    class Open(Orders): ...

    class OpenDispatch(Orders):
        @optional
        def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
            return super().dispatch(request, *args, **kwargs)

    subclasses: list[Any] = [type("Sub", (base,), {}) for base in (Asks, Open, OpenDispatch)]
    asks, opens, dispatches = subclasses
    made = project(
        kind,
        path("asks", asks.as_view()),
        path("opens", opens.as_view()),
        path("dispatches", dispatches.as_view()),
        path("dispatches-a", requires("a")(dispatches.as_view())),
        path("dispatches-optional", optional(dispatches.as_view())),
    )
    assert READERS == statuses(made, "/asks")
    assert CALLERS == statuses(made, "/opens")
    assert CALLERS == statuses(made, "/dispatches")
    assert READERS == statuses(made, "/dispatches-a")
    assert EVERYBODY == statuses(made, "/dispatches-optional")


def test_a_405_is_for_those_who_were_let_in(kind: str) -> None:
    """What a class does not answer tells nobody that the class is there."""
    made = project(kind, path("", public(Orders.as_view())))
    assert (401, 405) == (ask(made, "/", method="DELETE").status, ask(made, "/", token(), method="DELETE").status)
    assert (200, 200) == (ask(made, "/", method="HEAD").status, ask(made, "/", method="OPTIONS").status)


def test_partials_pass_on_what_is_asked(kind: str, ran: Ran) -> None:
    """A partial asks what its function asks; what lifts must stand on the partial itself."""

    @requires("a")
    class Marked(Orders): ...

    made = project(
        kind,
        path("a", functools.partial(requires("a")(ran()))),
        path("public", functools.partial(public(ran()))),
        path("lifted", public(functools.partial(ran()))),
        path("class", functools.partial(Marked.as_view())),
        path("unmarked", functools.partial(View.as_view())),
    )
    assert READERS == statuses(made, "/a")
    assert CALLERS == statuses(made, "/public")
    assert EVERYBODY == statuses(made, "/lifted")
    assert READERS == statuses(made, "/class")
    assert (401, 405, 405) == statuses(made, "/unmarked")


class Called:
    @requires("a")
    def __call__(self, request: Any) -> HttpResponse:
        return HttpResponse("called")


def test_an_object_that_is_called(kind: str) -> None:
    """The `__call__` of an instance is its second lock."""
    assert READERS == statuses(project(kind, path("", Called())), "/")


def made_of(cls: type, **actions: str) -> Any:
    def view(request: Any, **parameters: Any) -> Any:
        instance: Any = cls()
        return getattr(instance, actions[request.method.lower()])(request)

    view.cls, view.actions = cls, actions  # type: ignore[attr-defined]
    return view


def test_view_sets(kind: str) -> None:
    """Where a view maps methods to functions of its class, the function that will answer is the one that is asked."""

    class Marked:
        http_method_names = ("get", "head")

        @public
        def list(self, request: Any) -> HttpResponse:
            return HttpResponse("list")

        @requires("a")
        def listAll(self, request: Any) -> HttpResponse:  # noqa: N802
            return HttpResponse("all")

    made = project(kind, path("list", made_of(Marked, get="list")), path("all", made_of(Marked, get="listAll")))
    assert EVERYBODY == statuses(made, "/list")
    assert READERS == statuses(made, "/all")


def test_included_urlconfs(kind: str, ran: Ran) -> None:
    """A mark around path(..., include(...)) is asked of all behind it, beside their own; nested ones add up."""
    inner = [path("plain", ran()), path("b", requires("b")(ran())), re_path(r"^(?P<number>\d+)$", ran())]
    made = project(
        kind,
        requires("a")(path("shop/", include(inner))),
        path("far/", include([requires("a")(path("shop/", include((inner, "shop"))))])),
        path("open/", include(inner)),
    )
    for prefix in ("/shop/", "/far/shop/"):
        assert READERS == statuses(made, f"{prefix}plain")
        assert READERS == statuses(made, f"{prefix}7")
        assert (401, 403, 403) == statuses(made, f"{prefix}b")
        assert 200 == ask(made, f"{prefix}b", token(scope="a b")).status
        assert (401, 404, 404) == statuses(made, f"{prefix}nowhere")
    assert CALLERS == statuses(made, "/open/plain")


def test_what_asks_around_a_public_view_contradicts_it(kind: str, ran: Ran, caplog: pytest.LogCaptureFixture) -> None:
    """A public view behind a marked include is an error, for everybody and loudly."""
    made = project(kind, requires("a")(path("shop/", include([path("", public(ran()))]))))
    assert (500, 500, 500) == statuses(made, "/shop/")
    assert [] == ran.callers
    assert "@public and @requires meet" in caplog.text


@pytest.mark.parametrize("mark", [public, optional])
def test_an_include_is_never_lifted(kind: str, ran: Ran, mark: Any, caplog: pytest.LogCaptureFixture) -> None:
    """What lifts must stand on the view itself."""
    made = project(kind, mark(path("shop/", include([path("", ran())]))))
    assert (500, 500, 500) == statuses(made, "/shop/")
    assert [] == ran.callers
    assert "an include() cannot be public or optional" in caplog.text


def test_a_mark_where_it_cannot_hold(ran: Ran) -> None:
    """On a URL pattern, on what include() returns, or on a list of patterns it is refused at once."""
    for misplaced in (path("", ran()), re_path("", Orders.as_view())):
        for mark in (public, requires("a")):
            with pytest.raises(MarkError, match="stands on a route"):
                mark(misplaced)
    for unmarkable in (include([path("", ran())]), [path("", ran())]):
        with pytest.raises(MarkError, match="cannot carry a mark"):
            requires("a")(unmarkable)


def test_the_wrong_side_is_loud(kind: str, ran: Ran, caplog: pytest.LogCaptureFixture) -> None:
    """A view that was registered before it was marked answers nobody."""
    view = ran()
    pattern = path("", view)
    requires("a")(view)
    made = project(kind, pattern)
    assert (500, 500, 500) == statuses(made, "/")
    assert [] == ran.callers
    assert {"internal": 3} == reason(made)
    assert "wrong side" in caplog.text


class Silent(URLResolver):
    """A resolver of somebody's own, which does not tell by which way it has found a view."""

    def resolve(self, path: str) -> ResolverMatch:
        found = super().resolve(path)
        return ResolverMatch(found.func, found.args, found.kwargs, route=found.route, extra_kwargs={})


def silent(route: str, patterns: list[URLPattern | URLResolver]) -> URLResolver:
    usual: Any = path(route, include(patterns))
    return Silent(usual.pattern, patterns)


def test_a_resolver_that_does_not_tell_its_way(kind: str, ran: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody marks an include nothing is lost; where somebody does, what cannot be judged is refused."""
    marked: list[Any] = []
    monkeypatch.setattr("jwtmw_django.marks.marked_objects", marked)
    made = project(kind, silent("", [path("public", public(ran())), path("plain", ran())]))
    assert EVERYBODY == statuses(made, "/public")
    assert CALLERS == statuses(made, "/plain")
    shop = requires("a")(path("shop/", include([path("", ran())])))
    marked.append(weakref.ref(shop))
    assert (500, 500, 500) == statuses(made, "/public")
