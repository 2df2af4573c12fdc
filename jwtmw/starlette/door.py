"""The door directly around a router, and the scope that reports what the router has found.

Owns: standing around routers, judging again what has changed on the way, routing again after a wait.
Must never know: how to decide, tokens, policy.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Router

from jwtmw.asgi import ASGIApp, BufferedReceive, Receive, Scope, Send
from jwtmw.current import judged_request
from jwtmw.drive import arun
from jwtmw.errors import ConfigurationError, Denied, NotInstalledError
from jwtmw.starlette.guard import GUARDS, Gate, Guard, Refused, Waiting


class GuardedScope(dict[str, Any]):
    """A scope that asks the guards before it takes an endpoint, and writes through to the scope that it stands for."""

    __slots__ = ("guards", "origin")

    def __init__(self, origin: Scope, guards: tuple[Guard, ...]) -> None:
        super().__init__(origin)
        self.origin = origin
        self.guards = guards

    def update(self, child: Scope) -> None:  # type: ignore[override]
        """What the router has found, told all at once and before it hands over."""
        meet(self, child)
        self._write(child)

    def __setitem__(self, key: str, value: Any) -> None:
        if key == "endpoint":
            meet(self, {key: value})
        self._write({key: value})

    def _write(self, child: Scope) -> None:
        """Past the guards of the scopes behind: they were asked when they were passed."""
        scope: Scope = self
        while isinstance(scope, GuardedScope):
            dict.update(scope, child)
            scope = scope.origin
        scope.update(child)


def meet(scope: GuardedScope, child: Scope) -> None:
    """Tell the guards what will answer; a mounted application only adds to what they expect behind it."""
    endpoint = child.get("endpoint")
    router = None if type(endpoint) is FunctionType else router_behind(endpoint)
    route = child.get("route") or scope.get("route")
    known = endpoint is not None and getattr(route, "endpoint", None) is endpoint
    methods = getattr(route, "methods", None) if known else None
    partial = bool(methods) and scope["type"] == "http" and scope["method"] not in methods
    for guard in scope.guards:
        try:
            if router is not None:
                hang_door(router)
                guard.enter(endpoint, child)
            else:
                guard.meet(scope, endpoint, partial, known)
        except Exception as error:
            guard.fail(scope, error)


class Door:
    """Stands directly around one router. `owned` says that it is the router of a protected application itself."""

    def __init__(self, router: Router, owned: bool) -> None:
        self.router = router
        self.app: ASGIApp = router.app
        self.owned = owned

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Judge again what has changed on the way, then route under guard."""
        guards: tuple[Guard, ...] = scope.get(GUARDS) or _lost_guards()
        if scope["type"] == "lifespan" or not (guards or self.owned):
            return await self.app(scope, receive, send)
        if not guards:
            raise NotInstalledError("a protected application's router was called without its JWTMiddleware")
        try:
            scope = GuardedScope(scope, guards)
            for guard in guards:
                if guard.has_moved(scope):
                    scope, send = await _judge_again(scope, guard, receive, send)
            await self._route(scope, receive, send)
        except Refused as refused:
            await refused.guard.refuse(refused.deny, scope, send)
        except Denied as denied:
            await guards[-1].refuse(denied.decision, scope, send)

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        _guard_default(self.router)
        try:
            return await self.app(scope, receive, send)
        except Waiting as waiting:
            guard = waiting.guard
        buffered = BufferedReceive(receive)
        guard.decided = await arun(guard.policy.engine, guard.request, buffered.read)
        await self._route(scope, buffered, send)


class Fallback:
    """Stands around what a router calls where no route matches: who is pending does not get there."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """No mark can speak for what is no endpoint."""
        for guard in getattr(scope, "guards", ()):
            guard.meet(scope, None, partial=False, known=False)
        await self.app(scope, receive, send)


async def _judge_again(scope: GuardedScope, guard: Guard, receive: Receive, send: Send) -> tuple[GuardedScope, Send]:
    """A second guard for the new path: both must let the caller in."""
    request = guard.move(scope)
    engine = guard.policy.engine
    decision = engine.decide_now(request)
    if decision is None:
        decision = await arun(engine, request, BufferedReceive(receive).read)
    moved = Guard(guard.policy, request, decision)
    moved.path, moved.root_path, moved.prefix = guard.path, guard.root_path, guard.prefix
    if moved.pending is not None:
        if not moved.pending.liftable:
            moved.settle(scope, moved.pending)
        send = Gate(moved, scope, send)
    elif moved.allow.principal.is_authenticated and guard.pending is None:
        guard.allow = moved.allow
    return GuardedScope(scope, (*scope.guards, moved)), send


def _lost_guards() -> tuple[Guard, ...]:
    """A middleware that made a scope of its own has lost the guards; the context has not."""
    judged = judged_request.get(None)
    return (judged,) if isinstance(judged, Guard) else ()


def _guard_default(router: Router) -> None:
    if not isinstance(router.default, Fallback):
        router.default = Fallback(router.default)


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


def hang_door(router: Router, owned: bool = False) -> None:
    """Put a door directly around the router, inside its own middleware; a second time changes nothing.

    Raises `ConfigurationError` where a middleware of the router hides it.
    """
    holder: Any = router
    name = "middleware_stack"
    while (inner := getattr(holder, name, None)) != router.app:
        if isinstance(inner, Door):
            inner.owned = inner.owned or owned
            return
        if inner is None or isinstance(inner, FunctionType):
            problem = f"the middleware {type(holder).__name__} hides the router behind it"
            raise ConfigurationError("middleware", problem, "Let it keep the inner application as self.app")
        holder, name = inner, "app"
    setattr(holder, name, Door(router, owned))
