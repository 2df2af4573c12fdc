"""The middleware for Starlette applications, and `protect` for sub-applications.

Owns: the way of a request up to the router, and that nothing is served when the start has failed.
Must never know: how to decide, how the router reports its endpoint.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, cast

from starlette.applications import Starlette
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.routing import Router

from jwtmw.asgi import send_response
from jwtmw.challenge import Renderer
from jwtmw.compose import Policy, PolicySource
from jwtmw.current import judged_request
from jwtmw.decision import Decision, Deny, Reason
from jwtmw.drive import arun
from jwtmw.errors import ConfigurationError, Denied, JWTMWError
from jwtmw.messages import ASGIApp, BufferedReceive, Receive, Scope, Send
from jwtmw.policy.marks import Mark
from jwtmw.policy.rules import Access
from jwtmw.records import record_unforeseen
from jwtmw.starlette.caller import introduce
from jwtmw.starlette.check import check_application, is_ours, misplaced, refuse_single_route
from jwtmw.starlette.door import Door, GuardedScope
from jwtmw.starlette.gate import Gate, refuse_inside
from jwtmw.starlette.guard import GUARDED, GuardedRequest, Refused
from jwtmw.starlette.layers import look_ahead, target

logger = logging.getLogger("jwtmw.starlette")

App = TypeVar("App", bound=Starlette)


class JWTMiddleware:
    """Protect a Starlette application: `app.add_middleware(JWTMiddleware, policy=policy)`.

    `policy` is a `Policy`, a mapping, the path of a TOML file, or None for the environment. Bad configuration and bad
    marks are answered with `lifespan.startup.failed`; without lifespan, every request is answered with 500.
    The caller is `request.user`, `request.auth` and `scope["jwtmw.principal"]`.
    """

    def __init__(self, app: ASGIApp, policy: PolicySource = None) -> None:
        refuse_single_route(app)
        self.app = app
        self._source = policy
        self._policy: Policy | None = None
        self._failure: JWTMWError | None = None
        self._router: Any = Router()
        # The router's door, where nothing but Starlette itself stands between this middleware and it.
        self._next: Door | None = None
        # What is asked of all endpoints: marks of the application itself.
        self._mark: Mark | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Judge the path; let in, refuse, or pass on as pending."""
        kind = scope.get("type")
        policy = self._policy
        if policy is None or kind not in ("http", "websocket"):
            return await self._serve(kind, scope, receive, send)
        request = GuardedRequest(scope)
        behind = scope.get(GUARDED)
        if behind is not None:
            request.stand_before(behind, scope)
        engine = policy.engine
        decision = engine.decide_now(request)
        if decision is None:
            receive = BufferedReceive(receive)
            decision = await self._wait(policy, request, scope, receive)
        request.take(policy, decision)
        if type(decision) is Deny and not decision.liftable:
            # The challenge names all that is wanted here, what the endpoint adds to the rule included.
            return await request.refuse(request.named(decision, self._ahead(request, scope)), scope, send)
        allow = request.allow
        introduce(scope, request)
        if scope["headers"] is not request.headers:
            request.shown = scope["headers"], scope.get("query_string")
        token = judged_request.set(request)
        try:
            if allow.place is None or allow.place.kind != "header" or kind != "http":
                # Who is anonymous so far may yet be let in, by a token that asks something of the response.
                send = Gate(request, scope, send)
            elif behind is None and self._router.middleware_stack is self._next:
                scope[GUARDED] = request
                guarded = GuardedScope(scope)
                guarded.origin, guarded.request, guarded.door = scope, request, self._next
                return await self.app(guarded, receive, send)
            if engine.judging:
                scope[GUARDED] = request
                request.enter(self._mark, None, "the application")
                request.meet_outer(self._ahead(request, scope))
            await self.app(scope, receive, send)
        except (Refused, Denied) as signal:
            await refuse_inside(signal, request, scope, send)
        finally:
            # Who asks for the caller from now on, in a task that lives longer, is told that there is none.
            request.judge = None
            judged_request.reset(token)

    def _ahead(self, request: GuardedRequest, scope: Scope) -> Callable[[], Mark | None]:
        return partial(look_ahead, self._router, scope, request.method, self._mark)

    async def _serve(self, kind: object, scope: Scope, receive: Receive, send: Send) -> None:
        """The start, what is no request, and requests that find no policy."""
        if self._policy is None and self._failure is None:
            self._start(scope)
            return await self(scope, receive, send)
        if kind == "lifespan":
            return await self._lifespan(scope, receive, send)
        if kind not in ("http", "websocket"):
            return logger.error("a scope that is neither http, websocket nor lifespan is not passed on")
        logger.error("every request is refused: %s", self._failure)
        await send_response(Renderer().render(Deny(Reason.INTERNAL), None), scope, send)

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._failure is None:
            return await self.app(scope, receive, send)
        await receive()
        await send({"type": "lifespan.startup.failed", "message": str(self._failure)})
        # As Starlette does: servers have what they need by now, and its test client waits for this.
        raise self._failure

    def _start(self, scope: Scope) -> None:
        """Load the policy and hang the doors; what fails here is kept, and nothing is served."""
        try:
            policy = Policy.load(self._source)
            app = _application(self.app, scope)
            source = self._source if app is self.app else app
            door = check_application(app, JWTMiddleware, policy, source)
            self._mark = target(app).mark("GET")
            if door is not None and self._mark is None and _is_next_to(self.app, app.router):
                self._next = door
            self._policy, self._router = policy, app.router
        except JWTMWError as error:
            self._failure = error
        except Exception as error:  # noqa: BLE001 (whatever it is, nothing is served)
            record_unforeseen("the start", error)
            self._failure = JWTMWError("something unforeseen failed at the start; the log says where")

    async def _wait(self, policy: Policy, request: GuardedRequest, scope: Scope, receive: BufferedReceive) -> Decision:
        """Something must be waited for; but a public endpoint ahead must not wait for anybody's keys.

        Only a hint: the door judges the endpoint that the router then really takes.
        """
        mark = self._ahead(request, scope)()
        if request.ask is not None and request.ask.by_default and mark is not None and mark.access is Access.PUBLIC:
            return Deny(Reason.KEYS_UNAVAILABLE, request.ask, liftable=True)
        return await arun(policy.engine, request, receive.read)


def protect(app: App, policy: PolicySource = None) -> App:
    """Protect an application or sub-application: adds the middleware, outermost of those that are there by now.

    Checks policy, routes and marks at once and raises `ConfigurationError`. Returns the application.
    """
    if not isinstance(cast("object", app), Starlette):
        cure = "Protect the Starlette application that it belongs to, or wrap any ASGI app in jwtmw.asgi.JWTMiddleware"
        raise ConfigurationError("app", f"protect() was given a {type(app).__name__}", cure)
    policy = Policy.load(policy)
    app.add_middleware(JWTMiddleware, policy=policy)
    check_application(app, JWTMiddleware, policy, app)
    return app


def _application(inner: ASGIApp, scope: Scope) -> Starlette:
    """The application that the middleware protects: the one it wraps, or the one that it was added to."""
    if isinstance(inner, Starlette):
        return inner
    app = scope.get("app")
    if not isinstance(app, Starlette):
        cure = "Use jwtmw.asgi.JWTMiddleware around other ASGI applications"
        raise ConfigurationError("JWTMiddleware", "there is no Starlette application around it", cure)
    if not any(is_ours(entry.cls, JWTMiddleware) for entry in app.user_middleware):
        raise misplaced()
    return app


def _is_next_to(inner: Any, router: Router) -> bool:
    """Whether only what routes nothing and rewrites nothing stands between."""
    while type(inner) is ExceptionMiddleware or type(inner).__module__ == "fastapi.middleware.asyncexitstack":
        inner = inner.app
    return inner is router and type(router).__call__ is Router.__call__
