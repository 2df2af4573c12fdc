"""The middleware for Starlette applications, and `protect` for sub-applications.

Owns: where it may stand, what is checked at start-up, and that nothing is served when that fails.
Must never know: how to decide, how the router reports its endpoint.
"""

from __future__ import annotations

import functools
import logging
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.routing import Match, Router

from jwtmw.asgi import ASGIApp, BufferedReceive, Receive, Scope, Send, send_response
from jwtmw.challenge import Renderer
from jwtmw.compose import Policy, PolicySource
from jwtmw.current import judged_request
from jwtmw.decision import Decision, Deny, Reason
from jwtmw.drive import arun
from jwtmw.errors import ConfigurationError, JWTMWError
from jwtmw.policy.marks import mark_of
from jwtmw.policy.rules import Access
from jwtmw.records import record_unforeseen
from jwtmw.starlette.door import Door, answer, guarded_scope, hang_door, router_behind
from jwtmw.starlette.guard import GUARDED, Gate, GuardedRequest, introduce

logger = logging.getLogger("jwtmw.starlette")

App = TypeVar("App", bound=Starlette)
SUB_APPLICATION = "Protect a sub-application with jwtmw.starlette.protect(app, policy) instead"


class JWTMiddleware:
    """Protect a Starlette application: `app.add_middleware(JWTMiddleware, policy=policy)`.

    `policy` is a `Policy`, a mapping, the path of a TOML file, or None for the environment. Bad configuration and bad
    marks are answered with `lifespan.startup.failed`; without lifespan, every request is answered with 500.
    The caller is `request.user`, `request.auth` and `scope["jwtmw.principal"]`.
    """

    def __init__(self, app: ASGIApp, policy: PolicySource = None) -> None:
        _refuse_single_route(app)
        self.app = app
        self._source = policy
        self._policy: Policy | None = None
        self._failure: JWTMWError | None = None
        self._router = Router()
        # The router's door, where nothing but Starlette itself stands between this middleware and it.
        self._door: Door | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Judge the path; let in, refuse, or pass on as pending."""
        kind = scope.get("type")
        if self._policy is None and self._failure is None:
            self._start(scope)
        if kind == "lifespan":
            return await self._lifespan(scope, receive, send)
        if kind not in ("http", "websocket"):
            return logger.error("a scope that is neither http, websocket nor lifespan is not passed on")
        policy = self._policy
        if policy is None:
            logger.error("every request is refused: %s", self._failure)
            return await send_response(Renderer().render(Deny(Reason.INTERNAL), None), scope, send)
        request = _facts(scope)
        if request is None:
            return await send_response(policy.renderer.render(Deny(Reason.INTERNAL), None), scope, send)
        decision = policy.engine.decide_now(request)
        if decision is None:
            receive = BufferedReceive(receive)
            decision = await _undecided(policy, self._router, request, scope, receive)
        if type(decision) is Deny and not decision.liftable:
            return await send_response(policy.renderer.render(decision, request), scope, send)
        request.take(policy, decision)
        introduce(scope, request.allow)
        request.behind = scope.get(GUARDED)
        token = judged_request.set(request)
        try:
            if not policy.engine.judging:
                return await self.app(scope, receive, send)
            scope[GUARDED] = request
            if request.allow.place is None or request.allow.place.kind != "header":
                # Who is anonymous so far may yet be let in, by a token that asks something of the response.
                send = Gate(request, scope, send)
            if self._door is None or request.behind is not None:
                return await self.app(scope, receive, send)
            return await answer(self.app, guarded_scope(scope, request, self._door), receive, send)
        finally:
            judged_request.reset(token)

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._failure is None:
            return await self.app(scope, receive, send)
        await receive()
        await send({"type": "lifespan.startup.failed", "message": str(self._failure)})

    def _start(self, scope: Scope) -> None:
        """Load the policy and hang the door; what fails here is kept, and nothing is served."""
        try:
            policy = Policy.load(self._source)
            app = _application(self.app, scope)
            door = check_application(app, policy)
            self._door = door if _is_next_to(self.app, app) else None
            self._policy, self._router = policy, app.router
        except JWTMWError as error:
            self._failure = error
        except Exception as error:
            record_unforeseen("the start", error)
            self._failure = JWTMWError("something unforeseen failed at the start; the log says where")


def protect(app: App, policy: PolicySource = None) -> App:
    """Protect an application or sub-application: adds the middleware, outermost of those that are there by now.

    Checks policy, routes and marks at once and raises `ConfigurationError`. Returns the application.
    """
    if not isinstance(app, Starlette):
        cure = "Protect the Starlette application that it belongs to, or wrap any ASGI app in jwtmw.asgi.JWTMiddleware"
        raise ConfigurationError("app", f"protect() was given a {type(app).__name__}", cure)
    policy = Policy.load(policy)
    app.add_middleware(JWTMiddleware, policy=policy)
    check_application(app, policy)
    return app


def check_application(app: Starlette, policy: Policy) -> Door | None:
    """Check what can be known before the first request, and hang the door. Raises `ConfigurationError`."""
    sources = [_source_of(entry) for entry in app.user_middleware if _is_ours(entry.cls)]
    for index, source in enumerate(sources):
        if any(source is other or source == other for other in sources[:index]):
            raise ConfigurationError("policy", "the same policy is applied twice to one application", "Add it once")
    _check_routes(app.router, policy, set())
    return hang_door(app.router, owned=True) if policy.engine.judging else None


def _check_routes(router: Router, policy: Policy, seen: set[int]) -> None:
    """Marks on the wrong side, marks that contradict each other, and middleware on a single route."""
    seen.add(id(router))
    for route in router.routes:
        for method in sorted(getattr(route, "methods", None) or {"GET"}):
            policy.engine.rules.ask(None, mark_of(getattr(route, "endpoint", None), method))
        app = getattr(route, "app", None)
        _refuse_misplaced(app)
        inner = router_behind(app)
        if inner is not None and id(inner) not in seen:
            _check_routes(inner, policy, seen)


def _refuse_misplaced(app: Any) -> None:
    for _ in range(64):
        if isinstance(app, JWTMiddleware) and not isinstance(app.app, Starlette):
            raise ConfigurationError("JWTMiddleware", "stands on a single route, mount or router", SUB_APPLICATION)
        if app is None or isinstance(app, Starlette):
            return
        app = getattr(app, "app", None)


def _refuse_single_route(app: Any) -> None:
    """A route hands its own function to its middleware, a router itself: both come before there is a request."""
    name = getattr(app, "__qualname__", "")
    bound_to = getattr(app, "__self__", app)
    if isinstance(bound_to, Router) or name.startswith(("request_response.", "websocket_session.")):
        raise ConfigurationError("JWTMiddleware", "stands on a single route, mount or router", SUB_APPLICATION)


def _application(inner: ASGIApp, scope: Scope) -> Starlette:
    """The application that the middleware protects: the one it wraps, or the one that it was added to."""
    if isinstance(inner, Starlette):
        return inner
    app = scope.get("app")
    if not isinstance(app, Starlette):
        cure = "Use jwtmw.asgi.JWTMiddleware around other ASGI applications"
        raise ConfigurationError("JWTMiddleware", "there is no Starlette application around it", cure)
    if not any(_is_ours(entry.cls) for entry in app.user_middleware):
        raise ConfigurationError("JWTMiddleware", "stands on a single route, mount or router", SUB_APPLICATION)
    return app


def _is_next_to(inner: Any, app: Starlette) -> bool:
    for _ in range(8):
        if inner is app.router:
            return True
        if type(inner).__module__.partition(".")[0] not in ("starlette", "fastapi"):
            return False
        inner = getattr(inner, "app", None)
    return False


def _facts(scope: Scope) -> GuardedRequest | None:
    try:
        return GuardedRequest(scope)
    except Exception as error:
        record_unforeseen("reading the scope", error)
        return None


def _is_ours(cls: Any) -> bool:
    cls = cls.func if isinstance(cls, functools.partial) else cls
    return isinstance(cls, type) and issubclass(cls, JWTMiddleware)


def _source_of(entry: Any) -> Any:
    return entry.kwargs.get("policy", entry.args[0] if entry.args else None)


async def _undecided(
    policy: Policy, router: Router, request: GuardedRequest, scope: Scope, receive: BufferedReceive
) -> Decision:
    """Something must be waited for; but a public endpoint ahead must not wait for anybody's keys.

    Only a hint: the door judges the endpoint that the router then really takes.
    """
    if request.ask is not None and request.ask.by_default and _is_public(router, scope, request.method):
        return Deny(Reason.KEYS_UNAVAILABLE, request.ask, liftable=True)
    return await arun(policy.engine, request, receive.read)


def _is_public(router: Router, scope: Scope, method: str) -> bool:
    for route in router.routes:
        match, child = route.matches(scope)
        if match is Match.FULL:
            endpoint = child.get("endpoint")
            inner = router_behind(endpoint)
            if inner is not None:
                return _is_public(inner, {**scope, **child}, method)
            mark = mark_of(endpoint, method)
            return mark is not None and mark.access is Access.PUBLIC
    return False
