"""Ways from the middleware to the endpoint: rewriting, lost scopes, nested policies, shared routers."""

from __future__ import annotations

import contextlib
from typing import Any, cast

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.routing import Mount, Route, Router

from jwtmw import NotInstalledError, public, requires
from jwtmw.starlette import JWTMiddleware, protect
from tests.starlette.calls import Ran, ask, policy, refused, start, token

RULES = [{"path": "/open/**", "allow": "public"}, {"path": "/closed/**", "allow": "deny"}]
# For what lies behind two mounts.
RULES += [{"path": "/m/open/**", "allow": "public"}, {"path": "/m/closed/**", "allow": "deny"}]


@pytest.fixture
def ran() -> Ran:
    return Ran()


def to_closed(scope: Any) -> dict[str, Any]:
    return {"path": scope["path"].replace("open", "closed")}


def to_post(scope: Any) -> dict[str, Any]:
    return {"method": "POST"}


def to_root(scope: Any) -> dict[str, Any]:
    """`/open/x` below `/open` is `/x` to the router, and the rest of it is no prefix."""
    return {"path": f"{scope['path']}/closed/x", "root_path": scope["path"]}


def middleware(kind: str, change: Any) -> Any:
    """A rewriting middleware as people write them."""

    class InPlace:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                for name, value in change(scope).items():
                    scope[name] = value
            await self.app(scope, receive, send)

    class Copy(InPlace):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            new = {**scope, **change(scope)} if scope["type"] == "http" else scope
            await self.app(new, receive, send)

    class New(InPlace):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            kept = {name: value for name, value in scope.items() if not name.startswith("jwtmw") and name != "user"}
            await self.app({**kept, **change(scope)} if scope["type"] == "http" else scope, receive, send)

    async def dispatch(request: Any, call_next: Any) -> Any:
        request.scope.update(change(request.scope))
        return await call_next(request)

    if kind == "base":
        return Middleware(BaseHTTPMiddleware, dispatch=dispatch)
    return Middleware({"in-place": InPlace, "copy": Copy, "new": New}[kind])


KINDS = ("in-place", "copy", "new", "base")


def stacks(place: str, rewriting: Any, ran: Ran) -> tuple[Starlette, str]:
    """An application with the rewriting middleware in that place, and the prefix of its routes."""
    routes = [Route(path, ran(path)) for path in ("/open/x", "/closed/x")]
    routes += [Route("/rest", ran("get")), Route("/rest", ran("post"), methods=["POST"])]
    if place == "application":
        return Starlette(routes=routes, middleware=[rewriting]), ""
    if place == "router":
        app = Starlette()
        app.router = Router(routes, middleware=[rewriting])
        return app, ""
    inner: Any = {
        "mount": lambda: Mount("/m", routes=routes, middleware=[rewriting]),
        "sub-application": lambda: Mount("/m", app=Starlette(routes=routes, middleware=[rewriting])),
        "sub-router": lambda: Mount("/m", app=Router(routes, middleware=[rewriting])),
    }[place]()
    return Starlette(routes=[inner]), "/m"


PLACES = ("application", "router", "mount", "sub-application", "sub-router")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("change", [to_closed, to_root], ids=["path", "root_path"])
def test_a_changed_path_is_judged_again(ran, kind, place, change):
    """Wherever the path is rewritten behind the middleware: the rule of what is really routed holds, too."""
    app, prefix = stacks(place, middleware(kind, change), ran)
    app = protect(app, policy(rules=RULES))
    for bearer in (None, token("a")):
        refused(ask(app, f"{prefix}/open/x", bearer), ran, 403)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", PLACES)
def test_a_changed_method_is_judged_again(ran, kind, place):
    """A method override does not slip past the rule for the method."""
    app, prefix = stacks(place, middleware(kind, to_post), ran)
    rules = [{"path": f"{prefix}/rest", "methods": ["POST"], "scopes": ["w"]}]
    app = protect(app, policy(rules=rules))
    refused(ask(app, f"{prefix}/rest"), ran, 401)
    refused(ask(app, f"{prefix}/rest", token()), ran, 403)
    assert "post 5" == ask(app, f"{prefix}/rest", token("w")).body


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", PLACES)
def test_both_paths_must_let_the_caller_in(ran, kind, place):
    """A path that is closed does not open by being rewritten to one that is public."""
    change = lambda scope: {"path": scope["path"].replace("closed", "open")}  # noqa: E731
    app, prefix = stacks(place, middleware(kind, change), ran)
    app = protect(app, policy(rules=RULES))
    refused(ask(app, f"{prefix}/closed/x", token()), ran, 403)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", PLACES)
def test_who_is_shown_is_who_was_judged_last(ran, kind, place):
    """Behind a path that is rewritten `request.user` and `current_principal()` are one and the same."""
    seen = []

    async def endpoint(request: Any) -> PlainTextResponse:
        from jwtmw import current_principal

        seen.append((current_principal().subject, request.user.subject, request.scope["jwtmw.principal"].subject))
        return PlainTextResponse("")

    change = lambda scope: {"path": scope["path"].replace("open", "else")}  # noqa: E731
    app, prefix = stacks(place, middleware(kind, change), ran)
    router: Any = app.router if prefix == "" else cast("Mount", app.routes[0]).app
    while not hasattr(router, "routes"):
        router = router.app
    router.routes.append(Route("/else/x", endpoint))
    app = protect(app, policy(rules=RULES))
    refused(ask(app, f"{prefix}/open/x"), ran, 401)
    assert 200 == ask(app, f"{prefix}/open/x", token()).status
    assert [("alice", "alice", "alice")] == seen


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", PLACES)
def test_middlewares_lose_nothing(ran, kind, place):
    """Marks are seen through scopes that were copied or made anew; what nobody rewrites is judged once."""
    app, prefix = stacks(place, middleware(kind, lambda scope: {}), ran)
    router: Any = app.router if prefix == "" else cast("Mount", app.routes[0]).app
    while not hasattr(router, "routes"):
        router = router.app
    router.routes.extend([Route("/p", public(ran())), Route("/a", requires("a")(ran()))])
    app = protect(app, (judged := policy()))
    refused(ask(app, f"{prefix}/a", token()), ran, 403)
    refused(ask(app, f"{prefix}/rest"), ran, 401)
    refused(ask(app, f"{prefix}/nowhere"), ran, 401)
    assert {"scope_missing": 1, "token_missing": 2} == judged.metrics()["denied"]
    assert [200, 200] == [ask(app, f"{prefix}/p").status, ask(app, f"{prefix}/a", token("a")).status]


def test_a_router_stack_changed_late_is_noticed(ran):
    """Middleware put around the router after the start stands behind the middleware like any other."""
    app = protect(Starlette(routes=[Route("/open/x", ran()), Route("/closed/x", ran())]), policy(rules=RULES))
    assert 200 == ask(app, "/open/x", token()).status
    app.router.middleware_stack = middleware("in-place", to_closed).cls(app.router.middleware_stack)
    for bearer in (None, token()):
        assert 403 == ask(app, "/open/x", bearer).status
    assert 1 == len(ran.callers)


def test_a_router_mounted_in_itself_is_judged_again(ran):
    """Who comes to the same door a second time has been elsewhere."""
    app = Starlette(routes=[Route("/closed/x", ran())])
    rewriting = middleware("in-place", lambda scope: {"path": "/again/closed/x"})
    app.router.routes.insert(0, Mount("/again", app=app.router, middleware=[rewriting]))
    protect(app, policy(rules=[*RULES, {"path": "/again/closed/**", "allow": "deny"}]))
    refused(ask(app, "/again/open/x", token()), ran, 403)


def opaque(app: Any, copying: bool = False) -> Any:
    """A middleware that hides what is behind it."""

    async def hidden(scope: Any, receive: Any, send: Any) -> None:
        await app(dict(scope) if copying else scope, receive, send)

    return hidden


@pytest.mark.parametrize("copying", [False, True], ids=["same-scope", "copied"])
def test_behind_what_cannot_be_seen_nothing_is_public(ran, copying):
    """Nobody who is pending goes into an opaque application; callers with a token do, and `@requires` still holds."""
    inner = Router([Route("/p", public(ran())), Route("/a", requires("a")(ran())), Route("/x", ran())])
    app = protect(Starlette(routes=[Mount("/m", app=opaque(inner, copying))]), policy())
    for path in ("/m/p", "/m/a", "/m/x"):
        refused(ask(app, path), ran, 401)
    answer = ask(app, "/m/a", token())
    assert (403, []) == (answer.status, ran.callers)
    assert [200, 200, 200] == [ask(app, f"/m/{name}", token("a")).status for name in "pax"]


def test_an_opaque_application_answers_itself(ran):
    """A mounted ASGI application is covered by the default."""
    app = protect(Starlette(routes=[Mount("/m", app=ran.asgi())]), policy())
    refused(ask(app, "/m/x"), ran, 401)
    assert (200, ["opaque"]) == (ask(app, "/m/x", token()).status, ran.callers)


# Nested policies


def nested(ran: Ran, inner: Any, outer: Any, *between: Any) -> Starlette:
    routes = [Route("/p", public(ran())), Route("/a", requires("a")(ran())), Route("/closed/x", ran())]
    sub = protect(Starlette(routes=[*routes, Route("/x", ran())]), inner)
    for each in between:
        sub.user_middleware.insert(0, each)
    return protect(Starlette(routes=[Mount("/sub", app=sub)]), outer)


def test_nested_policies_must_both_allow(ran):
    """A sub-application with a policy of its own is judged by both, each by its own paths and its own rules."""
    app = nested(
        ran, policy(rules=[{"path": "/x", "scopes": ["i"]}]), policy(rules=[{"path": "/sub/x", "scopes": ["o"]}])
    )
    refused(ask(app, "/sub/x"), ran, 401)
    for scopes in ((), ("i",), ("o",)):
        refused(ask(app, "/sub/x", token(*scopes)), ran, 403)
    assert 200 == ask(app, "/sub/x", token("i", "o")).status
    refused(ask(app, "/sub/a", token("i")), Ran(), 403)
    assert [200, 200] == [ask(app, "/sub/p").status, ask(app, "/sub/a", token("a")).status]


def test_a_mark_does_not_lift_the_rule_of_the_outer_policy(ran):
    """`@public` inside lifts both defaults, but neither policy's rules."""
    app = nested(ran, policy(), policy(rules=[{"path": "/sub/p", "scopes": ["o"]}]))
    refused(ask(app, "/sub/p"), ran, 401)
    refused(ask(app, "/sub/p", token()), ran, 403)
    inside = nested(ran, policy(rules=[{"path": "/p", "scopes": ["o"]}]), policy())
    refused(ask(inside, "/sub/p"), ran, 401)


@pytest.mark.parametrize("kind", ["in-place", "copy", "base"])
def test_the_outer_policy_judges_what_was_rewritten_before_the_inner_one(ran, kind):
    """A path rewritten between two policies is new to the outer one, though the inner one never saw another."""
    change = lambda scope: {"path": "/sub/closed/x", "raw_path": None}  # noqa: E731
    rules = [{"path": "/sub/closed/**", "allow": "deny"}]
    app = nested(ran, policy(), policy(rules=rules), middleware(kind, change))
    refused(ask(app, "/sub/x", token()), ran, 403)
    lenient = nested(
        ran, policy(), policy(rules=[{"path": "/sub/closed/**", "scopes": ["o"]}]), middleware(kind, change)
    )
    refused(ask(lenient, "/sub/x"), ran, 401)
    refused(ask(lenient, "/sub/x", token()), ran, 403)
    assert 200 == ask(lenient, "/sub/x", token("o")).status


def test_the_inner_policy_says_who_is_calling(ran):
    """With two policies the application sees the caller of its own, whatever the outer one makes of the token."""
    seen = []

    @requires()
    async def endpoint(request: Any) -> PlainTextResponse:
        from jwtmw import current_user

        seen.append((request.user, current_user()))
        return PlainTextResponse("")

    rules = [{"path": "/**", "allow": "optional"}]
    sub = protect(Starlette(routes=[Route("/x", endpoint)]), policy(load_user=lambda principal: "inner", rules=rules))
    outer = policy(load_user=lambda principal: "outer", rules=rules)
    app = protect(Starlette(routes=[Mount("/sub", app=sub)]), outer)
    assert 200 == ask(app, "/sub/x", token()).status
    assert [("inner", "inner")] == seen


def test_a_non_secure_application_inside_a_secure_one(ran):
    """Non-secure is the inner policy's word; the outer one still judges."""
    app = nested(ran, policy(secure=False), policy())
    refused(ask(app, "/sub/x"), ran, 401)
    refused(ask(app, "/sub/a", token()), ran, 403)
    assert [200, 200] == [ask(app, "/sub/p").status, ask(app, "/sub/a", token("a")).status]


def test_a_secure_application_inside_a_non_secure_one(ran):
    """The inner policy judges for itself."""
    app = nested(ran, policy(), policy(secure=False))
    refused(ask(app, "/sub/x"), ran, 401)
    assert [200, 200] == [ask(app, "/sub/p").status, ask(app, "/sub/x", token()).status]


def test_wrapping_from_outside_is_nesting(ran):
    """Around an application that has its own, another policy judges as well."""
    inner = protect(Starlette(routes=[Route("/x", ran())]), policy(rules=[{"path": "/x", "scopes": ["i"]}]))
    app: Any = JWTMiddleware(inner, policy(rules=[{"path": "/x", "scopes": ["o"]}]))
    assert "lifespan.startup.complete" == start(app)[0]["type"]
    for scopes in ((), ("i",), ("o",)):
        refused(ask(app, "/x", token(*scopes)), ran, 403)
    assert 200 == ask(app, "/x", token("i", "o")).status


# Shared routers


def test_a_router_shared_with_an_unprotected_application(ran):
    """A mounted router that two applications share is guarded where there is a guard, and untouched elsewhere."""
    shared = Router([Route("/x", ran()), Route("/a", requires("a")(ran()))])
    app = protect(Starlette(routes=[Mount("/m", app=shared)]), policy())
    shared.routes.append(Mount("/plain", app=ran.asgi()))
    other = Starlette(routes=[Mount("/m", app=shared)])
    refused(ask(app, "/m/x"), ran, 401)
    assert [200, 200, 404] == [
        ask(app, "/m/x", token()).status,
        ask(other, "/m/plain/").status,
        ask(other, "/m/nowhere").status,
    ]


def test_a_router_shared_by_two_policies(ran):
    """Each application's own policy judges."""
    shared = Router([Route("/x", ran()), Route("/p", public(ran()))])
    first = protect(Starlette(routes=[Mount("/m", app=shared)]), policy(rules=[{"path": "/m/x", "scopes": ["1"]}]))
    second = protect(Starlette(routes=[Mount("/m", app=shared)]), policy(rules=[{"path": "/m/x", "scopes": ["2"]}]))
    refused(ask(first, "/m/x", token("2")), ran, 403)
    refused(ask(second, "/m/x", token("1")), ran, 403)
    assert [200, 200] == [ask(first, "/m/x", token("1")).status, ask(second, "/m/x", token("2")).status]
    assert [200, 200] == [ask(each, "/m/p").status for each in (first, second)]


def test_the_router_of_a_protected_application_does_not_work_without_it(ran):
    """Mounted elsewhere past its middleware, a protected application's router fails loudly."""
    app = protect(Starlette(routes=[Route("/x", ran())]), policy())
    other = Starlette(routes=[Mount("/m", app=app.router)])
    assert (500, []) == (ask(other, "/m/x", token(), raises=NotInstalledError).status, ran.callers)


# Who is pending


def test_a_redirect_needs_a_token(ran):
    """A slash redirect tells what there is."""
    app = protect(Starlette(routes=[Route("/x/", public(ran()))]), policy())
    refused(ask(app, "/x"), ran, 401)
    assert 307 == ask(app, "/x", token()).status


@pytest.mark.parametrize("late", [False, True], ids=["before", "late"])
@pytest.mark.parametrize("where", ["application", "mounted"])
def test_a_default_of_the_routers_is_no_endpoint(ran, late, where):
    """What a router calls where nothing matches is not reached by the pending, whenever it was set."""
    inner = Router(default=None if late else ran.asgi("default"))
    app = Starlette(routes=[Mount("/m", app=inner)])
    if not late:
        app.router.default = ran.asgi("default")
    protect(app, policy())
    refused(ask(app, "/m/nowhere"), ran, 401)
    inner.default = app.router.default = ran.asgi("default")
    path = "/m/nowhere" if where == "mounted" else "/nowhere"
    refused(ask(app, path), ran, 401)
    assert (200, ["default"]) == (ask(app, path, token()).status, ran.callers)


@pytest.mark.parametrize("base", [False, True], ids=["plain", "base"])
def test_a_middleware_that_answers_itself_answers_nobody_pending(ran, base):
    """The answer of a middleware in between is replaced by the refusal, recorded once and rendered once."""
    shown = []

    async def dispatch(request: Any, call_next: Any) -> Any:
        return RedirectResponse("/login")

    class Plain:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await RedirectResponse("/login")(scope, receive, send)

    def on_deny(problem: Any, request: Any) -> tuple[str, str]:
        shown.append(problem.code)
        return "text/plain", "no"

    between = Middleware(BaseHTTPMiddleware, dispatch=dispatch) if base else Middleware(Plain)
    judged = policy(on_deny=on_deny)
    app = protect(Starlette(routes=[Route("/x", public(ran()))], middleware=[between]), judged)
    refused(ask(app, "/x"), ran, 401)
    assert (["token_missing"], {"token_missing": 1}) == (shown, judged.metrics()["denied"])
    assert 307 == ask(app, "/x", token()).status
    reporting = protect(Starlette(middleware=[between]), policy(report_only=True))
    assert 307 == ask(reporting, "/x").status


def test_a_middleware_cannot_replace_the_refusal(ran):
    """An error page, a retry: what comes instead of the refusal, or after it, is the refusal."""

    class Retry:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            async def drop(message: Any) -> None:
                pass

            await self.app(scope, receive, drop)
            await self.app(scope, receive, drop)
            await PlainTextResponse("nothing to see")(scope, receive, send)

    shown = []

    def on_deny(problem: Any, request: Any) -> tuple[str, str]:
        shown.append(1)
        return "text/plain", "no"

    judged = policy(on_deny=on_deny)
    app = protect(Starlette(routes=[Route("/x", ran())], middleware=[Middleware(Retry)]), judged)
    refused(ask(app, "/x"), ran, 401)
    assert ([1], {"token_missing": 1}) == (shown, judged.metrics()["denied"])


def test_the_applications_error_handlers_see_no_refusal(ran):
    """Handlers for 401, 403, 404 and 405, and for everything, are for the application's own errors."""

    def handler(request: Any, error: Exception) -> PlainTextResponse:
        ran.callers.append("handler")
        return PlainTextResponse("handled", status_code=299)

    routes = [Route("/x", ran()), Route("/a", requires("a")(ran()))]
    app = Starlette(routes=routes, exception_handlers=dict.fromkeys((401, 403, 404, 405, Exception), handler))
    protect(app, policy())
    for path, method in (("/x", "GET"), ("/nowhere", "GET"), ("/x", "DELETE"), ("/a", "GET")):
        refused(ask(app, path, None, method), ran, 401)
    refused(ask(app, "/a", token()), ran, 403)
    assert 299 == ask(app, "/nowhere", token()).status


def test_a_middleware_that_asks_for_more_than_the_path_did(ran):
    """A marked function that a middleware calls refuses the caller there, with one answer."""

    @requires("a")
    def inner() -> None:
        ran.callers.append("inner")

    class Asking:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                inner()
            await self.app(scope, receive, send)

    app = protect(Starlette(routes=[Route("/x", public(ran()))], middleware=[Middleware(Asking)]), policy())
    refused(ask(app, "/x"), ran, 401)
    refused(ask(app, "/x", token()), ran, 403)


@contextlib.asynccontextmanager
async def lifespan(app: Any) -> Any:
    yield {"pool": 1}


def test_the_lifespan_passes(ran):
    """The application's own start and end are untouched, its state too."""
    app = protect(Starlette(routes=[Route("/x", ran())], lifespan=lifespan), policy())
    assert ["lifespan.startup.complete", "lifespan.shutdown.complete"] == [each["type"] for each in start(app)]
