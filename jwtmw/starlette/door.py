"""The door directly around a router, and the scope that reports what the router has found.

Owns: standing around routers, and telling the guards what a router has found.
Must never know: how to decide, tokens, policy, what it is to wait.
"""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial
from types import FunctionType
from typing import Any, Self

from starlette.routing import Router

from jwtmw.current import judged_request
from jwtmw.errors import ConfigurationError, NotInstalledError
from jwtmw.messages import ASGIApp, BufferedReceive, Receive, Scope, Send
from jwtmw.policy.marks import Mark, mark_of
from jwtmw.request import Request
from jwtmw.starlette.again import answer, judged_again
from jwtmw.starlette.caller import introduce
from jwtmw.starlette.gate import Gate
from jwtmw.starlette.guard import GUARDED, GuardedRequest, Refused, Where, where
from jwtmw.starlette.included import FASTAPI, asked_by, entered, is_included, leaf_taken, mark_around, readers, taken
from jwtmw.starlette.layers import answers, found_by, look_ahead, name_of


class GuardedScope(dict[str, Any]):
    """A scope that asks before it takes an endpoint, and writes through to the scope that it stands for.

    `door` is the one door that may let it through unseen: nothing stands between it and who made this scope.
    `router` is the one that routes now.
    """

    __slots__ = ("door", "origin", "request", "router")

    origin: Scope
    request: GuardedRequest
    door: Door | None
    router: Router

    def update(self, child: Any = (), /, **more: Any) -> None:
        """What the router has found, told all at once and before it hands over."""
        if more or type(child) is not dict:
            child = dict(child, **more)
        endpoint = child.get("endpoint")
        request = self.request
        if request.watched or type(endpoint) is not FunctionType:
            meet(self, child)
        # The plain case, as it is the one that most requests pay: a function without any mark.
        elif endpoint.__dict__ or readers:
            _meet_function(self, request, endpoint, child.get("route"))
        dict.update(self, child)
        route = self.get("route")
        told = {} if route is None else {"route": route}
        scope = self.origin
        while isinstance(scope, GuardedScope):
            # Past the scopes behind: they were asked when they were passed.
            dict.update(scope, child, **told)
            scope = scope.origin
        scope.update(child, **told)


class PendingScope(GuardedScope):
    """The scope of a caller whom only a mark can let in: no way of naming an endpoint goes unasked."""

    __slots__ = ()

    def __setitem__(self, key: str, value: Any) -> None:
        if key == "endpoint":
            return self.update({key: value})
        super().__setitem__(key, value)

    def __ior__(self, child: Any, /) -> Self:  # type: ignore[override,misc]
        self.update(child)
        return self


def guarded_scope(scope: Scope, request: GuardedRequest, router: Router) -> GuardedScope:
    """The scope to route with."""
    pending = request.watched and any(each.pending is not None for each in request.all())
    guarded = (PendingScope if pending else GuardedScope)(scope)
    guarded.origin, guarded.request, guarded.door, guarded.router = scope, request, None, router
    dict.__setitem__(guarded, GUARDED, request)
    return guarded


def meet(scope: GuardedScope, child: Scope) -> None:
    """Tell the guards what will answer; a mounted application only adds to what they expect behind it."""
    request = scope.request
    endpoint = child.get("endpoint")
    route = child.get("route") or scope.get("route")
    if endpoint is None:
        if request.chosen:
            # No router is choosing: a middleware keeps a note of its own.
            return
        # What an included router takes is told next, and more than its own mark is asked there.
        request.watched = True
    on_the_way = endpoint is None and type(scope) is PendingScope and is_included(taken(scope.router.routes, scope))
    shown = request.allow
    for each in request.all():
        try:
            if on_the_way:
                _enter_included(each, scope, endpoint)
            else:
                _ask(each, scope, child, endpoint, route)
        except Exception as error:  # noqa: BLE001 (whatever it is, it denies)
            each.fail(error)
    request.chosen = endpoint is not None
    if request.allow is not shown:
        announce(scope, request)


def _meet_function(scope: GuardedScope, request: GuardedRequest, endpoint: FunctionType, route: Any) -> None:
    """As `meet`, where there is one request that wants nothing of its own and a function that answers."""
    shown = request.allow
    try:
        mark = mark_of(endpoint, request.method)
        if readers:
            mark = asked_by(route).together(mark, endpoint.__qualname__)
        if mark is not None:
            request.meet(mark, True, endpoint.__qualname__)
    except Exception as error:  # noqa: BLE001 (whatever it is, it denies)
        request.fail(error)
    if request.allow is not shown:
        announce(scope, request)


def _ask(request: GuardedRequest, scope: GuardedScope, child: Scope, endpoint: Any, route: Any) -> None:
    target = found_by(endpoint, scope, request.passed)
    included = _enter_included(request, scope, endpoint)
    if target.router is not None:
        hang_door(target.router)
        request.passed = (*request.passed, target.router)
        mark = target.mark(request.method)
        request.enter(mark, child.get("root_path"), "" if mark is None else name_of(endpoint))
        if request.outer is not None:
            request.meet_outer(partial(_ahead, request, target.router, scope, child))
    else:
        known, name = answers(route, endpoint, scope), name_of(endpoint)
        if not known and request.pending is not None:
            # Not every router names the route that it takes.
            known = answers(leaf_taken(scope.router.routes, scope), endpoint, scope)
        mark = target.mark(request.method) if known or request.pending is None else None
        wanted = asked_by(route, included).together(mark, name)
        if endpoint is None and request.pending is None:
            return request.meet_outer(partial(_ahead, request, scope.router, scope, {FASTAPI: {}}), wanted)
        request.meet(wanted, known, name)


def _ahead(request: GuardedRequest, router: Router, scope: Scope, child: Scope) -> Mark | None:
    return look_ahead(router, {**scope, **child}, request.method, request.outer)


def _enter_included(request: GuardedRequest, scope: GuardedScope, endpoint: Any) -> Any:
    """The included router that is routing now, if any; its mark is asked of all that it leads to."""
    included = entered(scope)
    if included is not None:
        request.enter(mark_around(included), None, name_of(endpoint))
    return included


def announce(scope: Scope, request: GuardedRequest) -> None:
    """Show the caller who was let in late in every scope on the way."""
    inner = scope
    while isinstance(scope, GuardedScope):
        introduce(scope, request)
        scope = scope.origin
    introduce(scope, request)
    request.shown = inner["headers"], inner.get("query_string")


class Door:
    """Stands directly around one router. `owned` says that it is the router of a protected application itself."""

    def __init__(self, router: Router, owned: bool) -> None:
        self.router = router
        self.app: ASGIApp = router.app
        self.owned = owned

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Route under guard."""
        if type(scope) is GuardedScope and scope.door is self:
            # Once: who comes here again has been elsewhere.
            scope.door, scope.router = None, self.router
            return self.app(scope, receive, send)
        return self._stand(scope, receive, send)

    async def _stand(self, scope: Scope, receive: Receive, send: Send) -> None:
        # A middleware that made a scope of its own has lost the request; the context has not.
        current = judged_request.get()
        request = scope.get(GUARDED) or current
        if scope["type"] == "lifespan" or not isinstance(request, GuardedRequest) or request.judge is None:
            if self.owned and scope["type"] != "lifespan":
                raise NotInstalledError("a protected application's router was called without its JWTMiddleware")
            return await self.app(scope, receive, send)
        close_default(self.router)
        request.chosen = False
        here = where(scope)
        if not request.is_at(here):
            return await self._stand_again(request, here, scope, BufferedReceive(receive), send)
        if not isinstance(scope, GuardedScope) or scope.request is not request:
            scope = guarded_scope(scope, request, self.router)
        scope.router = self.router
        if not _is_foreign(current, request):
            return await answer(self.app, scope, receive, send)
        token = judged_request.set(request)
        try:
            await answer(self.app, scope, receive, send)
        finally:
            judged_request.reset(token)

    async def _stand_again(
        self, request: GuardedRequest, here: Where, scope: Scope, receive: BufferedReceive, send: Send
    ) -> None:
        """Judge again what has changed on the way, then route; who is refused there is answered here."""
        token = judged_request.set(request)
        try:
            request = await judged_again(request, here, receive)
            judged_request.set(request)
            announce(scope, request)
            await answer(self.app, guarded_scope(scope, request, self.router), receive, Gate(request, scope, send))
        except Refused as signal:
            await signal.request.refuse(signal.deny, scope, send)
        finally:
            request.judge = None
            judged_request.reset(token)


def _is_foreign(current: Request | None, request: GuardedRequest) -> bool:
    """Whether the context is another request's, or nobody's: that of a task which a middleware keeps for many."""
    if current is None or current.judge is None:
        return True
    return current is not request and isinstance(current, GuardedRequest) and current.policy is request.policy


class Fallback:
    """Stands around what a router calls where no route matches: who is pending does not get there."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """No mark can speak for what is no endpoint."""
        if isinstance(scope, GuardedScope):
            for request in scope.request.all():
                request.meet(None, False, "")
        await self.app(scope, receive, send)


def close_default(router: Router) -> None:
    """Stand around the router's default too, also one that was set meanwhile."""
    if not isinstance(router.default, Fallback):
        router.default = Fallback(router.default)


def hang_door(router: Router, owned: bool = False) -> Door:
    """Put a door directly around the router, inside its own middleware; a second time changes nothing.

    Raises `ConfigurationError` where a middleware of the router hides it.
    """
    close_default(router)
    holder: Any = router
    name = "middleware_stack"
    while (inner := getattr(holder, name, None)) != router.app:
        if isinstance(inner, Door):
            inner.owned = inner.owned or owned
            return inner
        if inner is None or isinstance(inner, FunctionType):
            problem = f"the middleware {type(holder).__name__} hides the router behind it"
            raise ConfigurationError("middleware", problem, "Let it keep the inner application as self.app")
        holder, name = inner, "app"
    door = Door(router, owned)
    setattr(holder, name, door)
    return door
