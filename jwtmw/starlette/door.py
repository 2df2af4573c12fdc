"""The door directly around a router, and the scope that reports what the router has found.

Owns: standing around routers, judging again what has changed on the way, routing again after a wait.
Must never know: how to decide, tokens, policy.
"""

from __future__ import annotations

from collections.abc import Awaitable
from types import FunctionType
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Router

from jwtmw.asgi import ASGIApp, BufferedReceive, Receive, Scope, Send
from jwtmw.current import judged_request
from jwtmw.drive import arun
from jwtmw.errors import ConfigurationError, Denied, NotInstalledError
from jwtmw.starlette.guard import GUARDED, Gate, GuardedRequest, Refused, Waiting


class GuardedScope(dict[str, Any]):
    """A scope that asks before it takes an endpoint, and writes through to the scope that it stands for.

    `door` is the one door that may let it through unseen: nothing stands between it and who made this scope.
    """

    __slots__ = ("door", "origin", "request")

    def __init__(self, origin: Scope, request: GuardedRequest, door: Door | None = None) -> None:
        dict.__init__(self, origin)
        self.origin = origin
        self.request = request
        self.door = door

    def update(self, child: Scope) -> None:  # type: ignore[override]
        """What the router has found, told all at once and before it hands over."""
        endpoint = child.get("endpoint")
        request = self.request
        # The plain case first, as it is the one that every request pays: a function without any mark.
        plain = type(endpoint) is FunctionType and not endpoint.__dict__
        if not plain or request.pending is not None or request.behind is not None or request.outer is not None:
            meet(self, child)
        scope: Scope = self
        while isinstance(scope, GuardedScope):
            # Past the scopes behind: they were asked when they were passed.
            dict.update(scope, child)
            scope = scope.origin
        scope.update(child)
        scope["route"] = self.get("route")


class PendingScope(GuardedScope):
    """The scope of a caller whom only a mark can let in: no way of naming an endpoint goes unasked."""

    __slots__ = ()

    def __setitem__(self, key: str, value: Any) -> None:
        if key == "endpoint":
            meet(self, {key: value})
        super().__setitem__(key, value)


def guarded_scope(scope: Scope, request: GuardedRequest, door: Door | None = None) -> GuardedScope:
    """The scope to route with."""
    pending = any(each.pending is not None for each in request.all())
    return (PendingScope if pending else GuardedScope)(scope, request, door)


def meet(scope: GuardedScope, child: Scope) -> None:
    """Tell the guards what will answer; a mounted application only adds to what they expect behind it."""
    endpoint = child.get("endpoint")
    router = None if type(endpoint) is FunctionType else router_behind(endpoint)
    route = child.get("route") or scope.get("route")
    known = endpoint is not None and getattr(route, "endpoint", None) is endpoint
    methods = getattr(route, "methods", None) if known else None
    partial = bool(methods) and scope["type"] == "http" and scope["method"] not in methods
    for request in scope.request.all():
        try:
            if router is not None:
                hang_door(router)
                request.enter(endpoint, child)
            else:
                request.meet(scope, endpoint, partial, known)
        except Exception as error:
            request.fail(scope, error)


class Door:
    """Stands directly around one router. `owned` says that it is the router of a protected application itself."""

    def __init__(self, router: Router, owned: bool) -> None:
        self.router = router
        self.app: ASGIApp = router.app
        self.owned = owned

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Route under guard."""
        if type(scope) is GuardedScope and scope.door is self:
            return self.app(scope, receive, send)
        return self._stand(scope, receive, send)

    async def _stand(self, scope: Scope, receive: Receive, send: Send) -> None:
        # A middleware that made a scope of its own has lost the request; the context has not.
        request = scope.get(GUARDED) or judged_request.get()
        if scope["type"] == "lifespan" or not isinstance(request, GuardedRequest):
            if self.owned and scope["type"] != "lifespan":
                raise NotInstalledError("a protected application's router was called without its JWTMiddleware")
            return await self.app(scope, receive, send)
        await self.guard(request, scope, receive, send)

    async def guard(self, request: GuardedRequest, scope: Scope, receive: Receive, send: Send) -> None:
        """Judge again what has changed on the way, then route; who is refused there is answered here."""
        token = None
        try:
            if request.has_moved(scope):
                request = await _judge_again(request, scope, receive)
                token = judged_request.set(request)
                send = Gate(request, scope, send)
            await answer(self.app, guarded_scope(scope, request), receive, send)
        except Refused as signal:
            await signal.request.refuse(signal.deny, scope, send)
        finally:
            if token is not None:
                judged_request.reset(token)


async def answer(app: ASGIApp, scope: GuardedScope, receive: Receive, send: Send) -> None:
    """Let the router answer, and once more after each decision that has to wait; send the refusal if there is one."""
    while True:
        try:
            return await app(scope, receive, send)
        except Refused as signal:
            return await signal.request.refuse(signal.deny, scope, send)
        except Denied as denied:
            return await scope.request.refuse(denied.decision, scope, send)
        except Waiting as signal:
            waiting = signal.request
        receive = BufferedReceive(receive)
        waiting.decided = await arun(waiting.policy.engine, waiting, receive.read)


async def _judge_again(request: GuardedRequest, scope: Scope, receive: Receive) -> GuardedRequest:
    """The request for the new path, in front of the first one: both must let the caller in."""
    moved = request.moved(scope)
    engine = moved.policy.engine
    decision = engine.decide_now(moved) or await arun(engine, moved, BufferedReceive(receive).read)
    moved.take(moved.policy, decision)
    if moved.pending is not None and not moved.pending.liftable:
        moved.settle(scope, moved.pending)
    return moved


class Fallback:
    """Stands around what a router calls where no route matches: who is pending does not get there."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """No mark can speak for what is no endpoint."""
        if isinstance(scope, GuardedScope):
            for request in scope.request.all():
                request.meet(scope, None, partial=True, known=False)
        await self.app(scope, receive, send)


def router_behind(app: Any) -> Router | None:
    """The router that an application, perhaps behind its middleware, hands over to; None where it cannot be seen."""
    seen: set[int] = set()
    while app is not None and id(app) not in seen:
        if isinstance(app, Starlette):
            return app.router
        if isinstance(app, Router):
            return app
        seen.add(id(app))
        app = None if isinstance(app, type | FunctionType) else getattr(app, "app", None)
    return None


def hang_door(router: Router, owned: bool = False) -> Door:
    """Put a door directly around the router, inside its own middleware; a second time changes nothing.

    Raises `ConfigurationError` where a middleware of the router hides it.
    """
    if not isinstance(router.default, Fallback):
        router.default = Fallback(router.default)
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
