"""One request between the middleware and its endpoint: what was decided, and what is still pending.

Owns: the state of a request on its way, and asking the engine again when the endpoint or a new path is known.
Must never know: how to decide, how routers work.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Self

from jwtmw.asgi import ASGIRequest, Message, Scope, Send, admit, admit_send, send_response
from jwtmw.compose import Policy
from jwtmw.decision import Allow, Decision, Deny, Reason
from jwtmw.engine import PASS
from jwtmw.errors import MarkError
from jwtmw.policy.marks import Mark, mark_of
from jwtmw.policy.paths import route_path
from jwtmw.records import record_unforeseen

# The scope's key for the innermost guarded request.
GUARDED = "jwtmw.request"


class Refused(BaseException):
    """The endpoint is known and the caller may not have it: unwinds past `except Exception` to who stands in front."""

    def __init__(self, request: GuardedRequest, deny: Deny) -> None:
        self.request = request
        self.deny = deny


class Waiting(BaseException):
    """The endpoint is known, and deciding has to wait: who stands in front waits, and routes again."""

    def __init__(self, request: GuardedRequest) -> None:
        self.request = request


class GuardedRequest(ASGIRequest):
    """A judged request of one policy, until the endpoint is known. Defaults are the class's, as in `Request`.

    pending   the refusal that only a mark can lift; `refused` the final one
    decided   what was decided while the router waited
    behind    the same request as an enclosing application, or an earlier path, had it judged: both must let it in
    outer     the marks of the routers on the way
    at        path, root path and method that the next router should see; None: those of this request
    prefix    what mounts have taken off the path so far
    """

    policy: Policy
    allow: Allow
    endpoint_known = False
    pending: Deny | None = None
    refused: Deny | None = None
    decided: Decision | None = None
    behind: GuardedRequest | None = None
    outer: Mark | None = None
    at: tuple[str, str, str] | None = None
    prefix = ""

    def take(self, policy: Policy, decision: Decision) -> None:
        """Note the first decision."""
        self.policy, self.judge = policy, policy.engine
        if isinstance(decision, Deny):
            self.pending, self.allow = decision, PASS
        else:
            self.allow = decision

    def all(self) -> Iterator[GuardedRequest]:
        """This request and those behind it."""
        request: GuardedRequest | None = self
        while request is not None:
            yield request
            request = request.behind

    def has_moved(self, scope: Scope) -> bool:
        """Whether path, root path or method are not those that were judged."""
        path, root_path, method = self.at or (self.path, self.root_path, self.method)
        if scope["path"] != path or (scope.get("root_path") or "") != root_path:
            return True
        return scope["type"] == "http" and scope["method"] != method

    def moved(self, scope: Scope) -> Self:
        """The same caller's request for the path and method that the scope names now."""
        path, root_path, method = scope["path"], scope.get("root_path") or "", scope.get("method", "GET")
        for request in self.all():
            request.at = (path, root_path, method)
        new = copy.copy(self)
        new.method, new.path = method, self.prefix + route_path(path, root_path)
        new.raw_path, new.root_path = None, ""
        new.mark = new.ask = new.judged_mark = new.pending = new.refused = new.decided = None
        new.endpoint_known = False
        new.behind = self
        return new

    def enter(self, mounted: Any, child: Scope) -> None:
        """The router goes into a mounted application: its mark adds up, and its prefix is expected from now on."""
        mark = mark_of(mounted, self.method)
        if mark is not None:
            if mark.access is not None:
                cure = "Mark the endpoints, or write a path rule with allow"
                raise MarkError(type(mounted).__name__, "a router cannot be public or optional", cure)
            self.outer = mark.within(self.outer, type(mounted).__name__)
        path, root_path, method = self.at or (self.path, self.root_path, self.method)
        entered = child.get("root_path", root_path)
        self.prefix += entered[len(root_path) :]
        self.at = (path, entered, method)

    def meet(self, scope: Scope, endpoint: Any, partial: bool, known: bool) -> None:
        """The router has found what will answer. Raises `Refused` or `Waiting` unless the caller may have it.

        `partial` says that the route will only answer 405: then no mark speaks. Unless it is `known` that the
        endpoint itself answers, nothing is lifted.
        """
        mark = None if partial else self._mark(endpoint)
        if mark is None and self.pending is None:
            return
        decision: Decision | None
        if mark is None or not (known or self.pending is None):
            decision = self._without_mark()
        else:
            decision = self.decided or self.policy.engine.add_mark(self, self.allow, mark)
        if decision is None:
            raise Waiting(self)
        self.decided = None
        self.settle(scope, decision)
        self.judged_mark = mark

    def _mark(self, endpoint: Any) -> Mark | None:
        mark = mark_of(endpoint, self.method)
        return self.outer if mark is None else mark.within(self.outer, getattr(endpoint, "__qualname__", "endpoint"))

    def _without_mark(self) -> Decision | None:
        if self.pending is not None and self.pending.reason is Reason.KEYS_UNAVAILABLE:
            # It was not waited for, in the hope of a public endpoint; or keys have come meanwhile.
            self.endpoint_known = True
            return self.decided or self.policy.engine.decide_now(self)
        return self.conclude()

    def conclude(self) -> Decision:
        """Nothing can lift the pending refusal any more: the refusal, or in report-only mode the pass."""
        if self.pending is None:
            return self.allow
        return self.refused or self.policy.engine.conclude(self, self.pending)

    def fail(self, scope: Scope, error: Exception) -> None:
        """A mark or a path that cannot be judged: 500, and in report-only mode a pass."""
        record_unforeseen(f"judging an endpoint ({error})" if isinstance(error, MarkError) else "the guard", error)
        self.settle(scope, self.policy.engine.conclude(self, Deny(Reason.INTERNAL, self.ask)))

    def settle(self, scope: Scope, decision: Decision) -> None:
        """Let the caller in as this principal, or raise `Refused`."""
        if isinstance(decision, Deny):
            self.refused = decision
            raise Refused(self, decision)
        self.allow, self.pending = decision, None
        introduce(scope, decision)

    async def refuse(self, deny: Deny, scope: Scope, send: Send) -> None:
        """Send the refusal instead of an answer."""
        await send_response(self.policy.renderer.render(deny, self), scope, send)


class Gate:
    """`send` while it is open who answers: the first message passes only if the caller was let in by then."""

    def __init__(self, request: GuardedRequest, scope: Scope, send: Send) -> None:
        self._request = request
        self._scope = scope
        self._send = send
        self._decided = False
        self._closed = False

    async def __call__(self, message: Message) -> None:
        if not self._decided:
            self._decided = True
            await self._decide()
        if not self._closed:
            await self._send(message)

    async def _decide(self) -> None:
        decision = self._request.conclude()
        if isinstance(decision, Deny):
            self._closed = True
            return await self._request.refuse(decision, self._scope, self._send)
        self._request.pending = None
        self._send = admit_send(self._send, decision)


class Credentials:
    """`request.auth` as Starlette's own `@requires` reads it."""

    __slots__ = ("scopes",)

    def __init__(self, scopes: list[str]) -> None:
        self.scopes = scopes


@lru_cache(maxsize=1024)
def _credentials(scopes: frozenset[str], authenticated: bool) -> Credentials:
    # By Starlette's convention the scope "authenticated" says that there is a user at all.
    return Credentials([*(["authenticated"] if authenticated else []), *sorted(scopes)])


def introduce(scope: Scope, allow: Allow) -> None:
    """The caller as Starlette shows it: `request.user`, `request.auth`."""
    admit(scope, allow)
    scope["user"] = allow.user
    scope["auth"] = _credentials(allow.principal.scopes, allow.principal.is_authenticated)
