"""`@public`, `@optional`, `@requires`: on every kind of object, combined, inherited, and where they cannot hold."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from jwtmw import (
    ConfigurationError,
    Denied,
    MarkError,
    NotInstalledError,
    current_principal,
    current_user,
    optional,
    public,
    requires,
)
from jwtmw.adapter import Allow, Mark, judged_request, mark_of
from jwtmw.policy.requirements import Requirement
from jwtmw.policy.rules import Access
from jwtmw.testing import TestIssuer
from tests.engine.facts import Facts, policy_of

Told = tuple[Access | None, tuple[str, ...]] | None
ANY: Told = (None, ())


def told(mark: Mark | None) -> Told:
    """What a mark says: its access, and the scopes that it wants."""
    return None if mark is None else (mark.access, mark.requirement.scopes)


def function() -> str:
    return "done"


def fresh(kind: str = "function") -> Any:
    """An endpoint of this kind that nobody has marked."""

    def plain(number: int = 7) -> str:
        return "done"

    async def plain_async(number: int = 7) -> str:
        return "done"

    return {"function": plain, "coroutine function": plain_async}[kind]


KINDS = ["function", "coroutine function"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("decorate", "expected"),
    [
        pytest.param(lambda f: f, None, id="none"),
        pytest.param(public, (Access.PUBLIC, ()), id="public"),
        pytest.param(optional, (Access.OPTIONAL, ()), id="optional"),
        pytest.param(requires(), ANY, id="requires"),
        pytest.param(requires("a", "b"), (None, ("a", "b")), id="requires scopes"),
        pytest.param(lambda f: requires("b")(requires("a")(f)), (None, ("a", "b")), id="stacked"),
        pytest.param(lambda f: optional(requires("a")(f)), (Access.OPTIONAL, ("a",)), id="optional above requires"),
        pytest.param(lambda f: requires("a")(optional(f)), (Access.OPTIONAL, ("a",)), id="requires above optional"),
    ],
)
def test_a_mark_is_found_on_what_is_registered(kind: str, decorate: Any, expected: Told) -> None:
    """Stacked marks add up."""
    assert expected == told(mark_of(decorate(fresh(kind)), "GET"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("decorate", [public, optional, requires("a")], ids=["public", "optional", "requires"])
def test_a_marked_function_looks_the_same(kind: str, decorate: Any) -> None:
    """Name, signature and being async are kept: frameworks read them."""
    plain = fresh(kind)
    marked = decorate(plain)
    assert plain.__name__ == marked.__name__
    assert inspect.signature(plain) == inspect.signature(marked)
    assert inspect.iscoroutinefunction(plain) is inspect.iscoroutinefunction(marked)


def test_everything_that_can_be_required_is_kept() -> None:
    """Each keyword is one member of the requirement."""
    asked: dict[str, Any] = {
        "any_scope": ["b"],
        "roles": ["c"],
        "any_role": ["d"],
        "claims": {"tenant": "e"},
        "issuers": ["f"],
        "audience": ["g"],
    }
    mark = mark_of(requires("a", **asked)(fresh()), "GET")
    assert mark is not None
    assert Requirement.of(scopes=["a"], **asked) == mark.requirement


# Where marks cannot hold

CONTRADICTIONS: dict[str, Any] = {
    "public above requires": lambda f: public(requires("a")(f)),
    "requires above public": lambda f: requires("a")(public(f)),
    "requires nothing above public": lambda f: requires()(public(f)),
    "public above optional": lambda f: public(optional(f)),
    "optional above public": lambda f: optional(public(f)),
    "public twice": lambda f: public(public(f)),
    "public above optional and requires": lambda f: public(optional(requires("a")(f))),
}


@pytest.mark.parametrize("decorate", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_marks_that_contradict_each_other_are_refused(decorate: Any, kind: str) -> None:
    """The error names the endpoint and the cure, when the module is imported."""
    with pytest.raises(MarkError, match=r"plain.*: .* on this endpoint\. Keep one of the two"):
        decorate(fresh(kind))


@pytest.mark.parametrize("mark", [public, optional, requires("a")], ids=["public", "optional", "requires"])
@pytest.mark.parametrize("wrapper", [staticmethod, classmethod, property], ids=["static", "class", "property"])
def test_a_mark_above_a_descriptor_is_refused(mark: Any, wrapper: Any) -> None:
    """There it would stand on the wrong object."""
    with pytest.raises(MarkError, match="@staticmethod, @classmethod or @property"):
        mark(wrapper(fresh()))


class Slotted:
    __slots__ = ()

    def method(self) -> None: ...


@pytest.mark.parametrize(
    "endpoint", [len, Slotted(), Slotted().method, 7], ids=["builtin", "slots", "bound method", "number"]
)
@pytest.mark.parametrize("mark", [public, optional], ids=["public", "optional"])
def test_what_cannot_carry_a_mark_is_refused(mark: Any, endpoint: Any) -> None:
    """Never accepted and lost."""
    with pytest.raises(MarkError, match="this object cannot carry a mark"):
        mark(endpoint)


def test_requires_without_parentheses_is_refused() -> None:
    """The function would be taken for a scope."""
    bare: Any = requires
    with pytest.raises(MarkError, match=r"function: @requires was used without parentheses\. Write @requires\(\)"):
        bare(function)


@pytest.mark.parametrize(
    ("scopes", "keywords", "key"),
    [
        pytest.param(("a b",), {}, "scopes", id="two in one"),
        pytest.param((7,), {}, "scopes", id="no text"),
        pytest.param((), {"roles": "admin"}, "roles", id="text for a list"),
        pytest.param((), {"any_scope": []}, "any_scope", id="empty list"),
        pytest.param((), {"claims": {"a": None}}, "claims.a", id="claim that cannot be compared"),
    ],
)
def test_a_requirement_that_cannot_be_meant_is_refused(scopes: Any, keywords: dict[str, Any], key: str) -> None:
    """The error names the keyword."""
    with pytest.raises(ConfigurationError) as raised:
        requires(*scopes, **keywords)
    assert key == raised.value.key


def test_a_mark_above_the_route_decorator_is_noticed() -> None:
    """The router has the function without its lock: nobody is served by it."""
    routes = []

    def route(endpoint: Any) -> Any:
        routes.append(endpoint)
        return endpoint

    requires("a")(route(fresh()))
    with pytest.raises(MarkError, match="wrong side of the route decorator"):
        mark_of(routes[0], "GET")


def test_a_bound_method_behind_a_lock_is_noticed_too() -> None:
    """Also where the mark was put around a method of one object."""

    class Orders:
        def list(self) -> str:
            return "done"

    orders = Orders()
    locked = requires("a")(orders.list)
    assert (None, ("a",)) == told(mark_of(locked, "GET"))
    with pytest.raises(MarkError, match="wrong side of the route decorator"):
        mark_of(orders.list, "GET")


def test_one_function_may_stand_behind_two_locks() -> None:
    """Each lock is an endpoint of its own."""
    plain = fresh()
    first, second = requires("a")(plain), requires("b")(plain)
    assert [(None, ("a",)), (None, ("b",))] == [told(mark_of(each, "GET")) for each in (first, second)]


def test_a_decorator_in_between_hands_the_mark_on() -> None:
    """functools.wraps copies it, as it copies the name; a decorator that does not leaves the endpoint unmarked."""

    def well_behaved(endpoint: Any) -> Any:
        def wrapper() -> Any:
            return endpoint()

        return functools.wraps(endpoint)(wrapper)

    marked = public(fresh())

    def careless() -> Any:
        return marked()

    assert (Access.PUBLIC, ()) == told(mark_of(well_behaved(public(fresh())), "GET"))
    assert (None, ("a",)) == told(mark_of(well_behaved(requires("a")(fresh())), "GET"))
    assert None is mark_of(careless, "GET")


# Partials, objects and bound methods


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        pytest.param(functools.partial(function), None, id="unmarked"),
        pytest.param(functools.partial(public(fresh())), None, id="of a public function"),
        pytest.param(functools.partial(optional(fresh())), None, id="of an optional function"),
        pytest.param(functools.partial(requires("a")(fresh())), (None, ("a",)), id="of a requiring function"),
        pytest.param(
            functools.partial(optional(requires("a")(fresh()))), (None, ("a",)), id="of an optional requiring function"
        ),
        pytest.param(public(functools.partial(function)), (Access.PUBLIC, ()), id="public itself"),
        pytest.param(requires("a")(functools.partial(function)), (None, ("a",)), id="requiring itself"),
        pytest.param(requires("b")(functools.partial(requires("a")(fresh()))), (None, ("b", "a")), id="both requiring"),
        pytest.param(
            functools.partial(functools.partial(requires("a")(fresh()))), (None, ("a",)), id="partial of a partial"
        ),
    ],
)
def test_a_partial_is_another_object(endpoint: Any, expected: Told) -> None:
    """What is required reaches through a partial, what only lifts the default does not."""
    assert expected == told(mark_of(endpoint, "GET"))


def test_a_public_partial_of_a_requiring_function_is_refused() -> None:
    """The two contradict each other as on one function."""
    endpoint = public(functools.partial(requires("a")(fresh())))
    with pytest.raises(MarkError, match="@public and @requires meet"):
        mark_of(endpoint, "GET")


def test_a_mark_on_an_object_is_its_own() -> None:
    """Router objects and callables carry a mark each; another object of the class does not."""

    class App:
        def __call__(self) -> None: ...

    one, other = public(App()), App()
    assert (Access.PUBLIC, ()) == told(mark_of(one, "GET"))
    assert None is mark_of(other, "GET")


@pytest.mark.parametrize(
    ("decorate", "expected"),
    [
        pytest.param(public, None, id="public"),
        pytest.param(optional, None, id="optional"),
        pytest.param(requires("a"), (None, ("a",)), id="requires"),
    ],
)
def test_an_object_inherits_what_its_class_requires(decorate: Any, expected: Told) -> None:
    """Of an object, and of a method bound to it, only the requirement of the class is inherited."""

    class Base:
        def __call__(self) -> None: ...
        def list(self) -> None: ...
        @classmethod
        def all(cls) -> None: ...

    class App(decorate(Base)):  # type: ignore[misc]
        pass

    app = App()
    assert [expected] * 3 == [told(mark_of(endpoint, "GET")) for endpoint in (app, app.list, App.all)]


def test_a_bound_method_has_the_mark_of_its_function() -> None:
    """And that of its class besides."""

    @requires("a")
    class Orders:
        @requires("b")
        def list(self) -> None: ...
        @public
        def ping(self) -> None: ...

    class Open:
        @public
        def ping(self) -> None: ...

    assert (None, ("b", "a")) == told(mark_of(Orders().list, "GET"))
    assert (Access.PUBLIC, ()) == told(mark_of(Open().ping, "GET"))
    with pytest.raises(MarkError, match="Orders: @public and @requires meet"):
        mark_of(Orders().ping, "GET")


@pytest.mark.parametrize("endpoint", [None, len, 7, object()], ids=["none", "builtin", "number", "object"])
def test_anything_may_be_asked_for_its_mark(endpoint: Any) -> None:
    """What cannot be marked has none."""
    assert None is mark_of(endpoint, "GET")


# Classes


class View:
    def get(self) -> str:
        return "get"

    def post(self) -> str:
        return "post"


def view(decorate: Any = lambda cls: cls, **methods: Any) -> Any:
    """A class-based view with these methods."""
    return decorate(type("View", (View,), methods))


@pytest.mark.parametrize(
    ("endpoint", "method", "expected"),
    [
        pytest.param(view(), "GET", None, id="unmarked"),
        pytest.param(view(public), "GET", (Access.PUBLIC, ()), id="public class"),
        pytest.param(view(requires("a")), "POST", (None, ("a",)), id="requiring class"),
        pytest.param(view(get=public(fresh())), "GET", (Access.PUBLIC, ()), id="public method"),
        pytest.param(view(get=public(fresh())), "POST", None, id="public method, another asked"),
        pytest.param(view(get=public(fresh())), "HEAD", (Access.PUBLIC, ()), id="head falls back to get"),
        pytest.param(view(get=public(fresh()), head=fresh()), "HEAD", None, id="head of its own"),
        pytest.param(view(requires("a"), get=requires("b")(fresh())), "GET", (None, ("b", "a")), id="both"),
        pytest.param(view(optional, get=public(fresh())), "GET", (Access.OPTIONAL, ()), id="public in optional"),
        pytest.param(view(requires("a"), get=optional(fresh())), "GET", (None, ("a",)), id="optional in requires"),
        pytest.param(view(optional, get=requires("a")(fresh())), "GET", (None, ("a",)), id="requires in optional"),
        pytest.param(view(get=staticmethod(requires("a")(fresh()))), "GET", (None, ("a",)), id="static method"),
        pytest.param(view(get=classmethod(public(fresh()))), "GET", (Access.PUBLIC, ()), id="class method"),
        pytest.param(view(), "QUERY", None, id="method that it does not have"),
    ],
)
def test_a_class_and_its_methods_combine(endpoint: Any, method: str, expected: Told) -> None:
    """Both marks must hold, the stricter access counts."""
    assert expected == told(mark_of(endpoint, method))


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        pytest.param(view(public), None, id="public class"),
        pytest.param(view(optional), None, id="optional class"),
        pytest.param(view(requires("a")), (None, ("a",)), id="requiring class"),
        pytest.param(view(lambda cls: optional(requires("a")(cls))), (None, ("a",)), id="optional requiring class"),
        pytest.param(view(get=public(fresh())), None, id="public method"),
        pytest.param(view(get=requires("a")(fresh())), (None, ("a",)), id="requiring method"),
        pytest.param(view(get=optional(requires("a")(fresh()))), (None, ("a",)), id="optional requiring method"),
    ],
)
def test_only_what_is_required_is_inherited(endpoint: Any, expected: Told) -> None:
    """A subclass is another object than the one that was marked."""
    assert expected == told(mark_of(type("Sub", (endpoint,), {}), "GET"))


def test_requirements_of_all_ancestors_add_up() -> None:
    """Whoever inherits from two inherits from both."""
    one, other = view(requires("a")), type("Other", (), {"get": lambda self: None})
    both = requires("c")(type("Both", (one, requires("b")(other)), {}))
    mark = mark_of(both, "GET")
    assert mark is not None
    assert {"a", "b", "c"} == set(mark.requirement.scopes)


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(lambda: view(requires("a"), get=public(fresh())), id="public method, requiring class"),
        pytest.param(lambda: view(public, get=requires("a")(fresh())), id="requiring method, public class"),
        pytest.param(lambda: public(type("Sub", (view(requires("a")),), {})), id="public subclass of a requiring one"),
        pytest.param(
            lambda: view(lambda cls: optional(requires("a")(cls)), get=public(fresh())),
            id="public method, optional requiring class",
        ),
    ],
)
def test_public_and_requires_never_meet(build: Any) -> None:
    """Not across a class and its methods either."""
    endpoint = build()
    with pytest.raises(MarkError, match="@public and @requires meet"):
        mark_of(endpoint, "GET")


def test_a_method_that_stands_behind_a_lock_is_noticed() -> None:
    """A class that has the function without its lock is not served."""
    plain = fresh()
    requires("a")(plain)
    with pytest.raises(MarkError, match="wrong side of the route decorator"):
        mark_of(view(get=plain), "GET")


def test_combined_marks_are_the_same_object_each_time() -> None:
    """The engine remembers by identity what a mark comes to."""
    endpoint = functools.partial(requires("a")(functools.partial(requires("b")(fresh()))))
    assert mark_of(endpoint, "GET") is mark_of(endpoint, "GET")


# The second lock


def call(endpoint: Any, *args: Any) -> Any:
    done = endpoint(*args)
    return asyncio.run(done) if inspect.iscoroutine(done) else done


@pytest.mark.parametrize("kind", KINDS)
def test_without_an_engine_the_lock_fails_loudly(kind: str) -> None:
    """A middleware that is missing is noticed at the first call."""
    with pytest.raises(NotInstalledError, match="add the JWTMiddleware"):
        call(requires("a")(fresh(kind)))


@pytest.mark.parametrize("ask", [current_principal, current_user], ids=["principal", "user"])
def test_outside_a_judged_request_there_is_no_caller(ask: Any, jwtmw_issuer: TestIssuer) -> None:
    """Neither without a request, nor for one that nobody has let in."""
    with pytest.raises(NotInstalledError):
        ask()
    request = Facts()
    token = judged_request.set(request)
    try:
        with pytest.raises(NotInstalledError):
            ask()
        request.judge = policy_of(jwtmw_issuer).engine
        with pytest.raises(NotInstalledError):
            ask()
    finally:
        judged_request.reset(token)


@pytest.fixture
def caller(jwtmw_issuer: TestIssuer) -> Iterator[Facts]:
    """A request of a caller with the scope a, let in without any mark."""
    policy = policy_of(jwtmw_issuer, load_user=lambda principal: principal.subject)
    request = Facts(token=jwtmw_issuer.token("alice", scope="a"))
    allow = policy.engine.decide_now(request)
    assert isinstance(allow, Allow)
    request.judge, request.allow = policy.engine, allow
    token = judged_request.set(request)
    yield request
    judged_request.reset(token)


def test_the_caller_is_known_while_the_request_is_answered(caller: Facts) -> None:
    """As principal, and as the application's own user."""
    assert ("alice", "alice") == (current_principal().subject, current_user())


@pytest.mark.usefixtures("caller")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("decorate", "opens"),
    [
        pytest.param(requires("a"), True, id="met"),
        pytest.param(requires("b"), False, id="unmet"),
        pytest.param(lambda f: requires("b")(requires("a")(f)), False, id="outer unmet"),
        pytest.param(lambda f: requires("a")(requires("b")(f)), False, id="inner unmet"),
        pytest.param(lambda f: optional(requires("a")(f)), True, id="optional and met"),
    ],
)
def test_the_lock_opens_to_whom_it_may(kind: str, decorate: Any, opens: bool) -> None:
    """It asks the engine that let the request in."""
    endpoint = decorate(fresh(kind))
    if opens:
        assert "done" == call(endpoint)
        return
    with pytest.raises(Denied, match="scope_missing"):
        call(endpoint)


def test_a_mark_that_was_judged_at_the_door_is_not_asked_again(caller: Facts) -> None:
    """The adapter notes the mark that it has asked about."""
    endpoint = requires("b")(fresh())
    caller.judged_mark = mark_of(endpoint, "GET")
    assert "done" == endpoint()


@pytest.mark.usefixtures("caller")
def test_methods_are_locked() -> None:
    """Methods, bound ones, and those of a class that was marked as a whole."""

    class Orders:
        @requires("b")
        def list(self) -> str:
            return "done"

        def detail(self) -> str:
            return "done"

    assert "done" == Orders().detail()
    for endpoint in (Orders().list, requires("b")(Orders().detail), view(requires("b"))().get):
        with pytest.raises(Denied):
            endpoint()
    assert "get" == view(requires("a"))().get()


@pytest.mark.usefixtures("caller")
@pytest.mark.parametrize("name", ["dispatch", "dispatch_request"])
def test_a_class_is_locked_at_its_one_door(name: str) -> None:
    """Where a class dispatches, its verbs stay as they are; a mark that comes later counts, too."""

    def door(self: Any) -> str:
        return "done"

    async def async_door(self: Any) -> str:
        return "done"

    for each in (door, async_door):
        cls = requires("a")(type("View", (View,), {name: each}))
        assert ("done", "get") == (call(getattr(cls(), name)), cls().get())
        requires("b")(cls)
        with pytest.raises(Denied):
            call(getattr(cls(), name))
        assert "get" == cls().get()


def test_what_is_no_plain_method_of_a_class_is_left() -> None:
    """A static or class method keeps its kind; the mark is on the class."""
    cls: Any = requires("a")(type("View", (), {"get": staticmethod(function)}))
    assert "done" == cls.get()
    assert (None, ("a",)) == told(mark_of(cls, "GET"))


@pytest.mark.usefixtures("caller")
def test_builtin_functions_are_locked_too() -> None:
    """The lock carries the mark; there is nothing to flag on what it hides."""
    assert 2 == requires("a")(len)("ab")
    with pytest.raises(Denied):
        requires("b")(len)("ab")


@pytest.mark.usefixtures("caller")
def test_generators_are_locked_before_they_begin() -> None:
    """A lock that opened at the first item would open after the response has begun."""

    def items() -> Iterator[int]:
        yield 7

    async def async_items() -> AsyncIterator[int]:
        yield 7

    async def first() -> int:
        return await anext(requires("a")(async_items)())

    for endpoint in (items, async_items):
        with pytest.raises(Denied):
            requires("b")(endpoint)()
    assert [7] == list(requires("a")(items)())
    assert 7 == asyncio.run(first())


def test_no_invented_method_is_remembered() -> None:
    """Where refusals are only reported any method comes this far, and callers would choose what fills the memory."""
    from jwtmw.policy import marks

    class Endpoint:
        @requires("a")
        def get(self) -> None: ...

    assert (None, ("a",)) == told(mark_of(Endpoint, "HEAD"))
    before = marks._class_mark.cache_info().currsize
    assert {None} == {mark_of(Endpoint, f"M{number}") for number in range(20)}
    assert marks._class_mark.cache_info().currsize <= before + 1
