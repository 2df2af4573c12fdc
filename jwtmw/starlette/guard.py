"""One request between the middleware and its endpoint: what was decided, and what is still pending.

Owns: the state of a request on its way, and asking the engine again when the endpoint or a new path is known.
Must never know: how to decide, how routers work.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jwtmw.asgi import Message, Scope, Send, admit, admit_send, send_response
from jwtmw.compose import Policy
from jwtmw.current import Judged
from jwtmw.decision import Allow, Decision, Deny, Reason
from jwtmw.engine import PASS
from jwtmw.errors import MarkError
from jwtmw.policy.marks import Mark, mark_of
from jwtmw.policy.paths import route_path
from jwtmw.records import record_unforeseen
from jwtmw.request import Request

# The scope's key for the guards of this request, outermost policy first.
GUARDS = "jwtmw.guards"


class Refused(BaseException):
    """The endpoint is known and the caller may not have it: unwinds from the router to its door, past `except Exception`."""

    def __init__(self, guard: Guard, deny: Deny) -> None:
        self.guard = guard
        self.deny = deny


class Waiting(BaseException):
    """The endpoint is known, and deciding has to wait: the door waits, then routes again."""

    def __init__(self, guard: Guard) -> None:
        self.guard = guard


class Guard(Judged):
    """A judged request of one policy, until the endpoint is known.

    `pending` is the refusal that only a mark can lift, `refused` the final one. `path`, `root_path` and `method` are
    what the router is expected to see; `prefix` is what mounts have taken off the path so far.
    """

    __slots__ = ("decided", "method", "outer", "path", "pending", "policy", "prefix", "refused", "root_path")

    def __init__(self, policy: Policy, request: Request, decision: Decision) -> None:
        self.judge = policy.engine
        self.policy = policy
        self.request = request
        self.mark: Mark | None = None
        self.outer: Mark | None = None
        self.decided: Decision | None = None
        self.refused: Deny | None = None
        self.path, self.root_path, self.method = request.path, request.root_path, request.method
        self.prefix = ""
        self.pending, self.allow = (decision, PASS) if isinstance(decision, Deny) else (None, decision)

    def has_moved(self, scope: Scope) -> bool:
        """Whether path, root path or method are not those that were judged."""
        if scope["path"] != self.path or (scope.get("root_path") or "") != self.root_path:
            return True
        return scope["type"] == "http" and scope["method"] != self.method

    def move(self, scope: Scope) -> MovedRequest:
        """Expect what the scope says now; returns the facts to judge: the same caller, the new path and method."""
        self.path, self.root_path = scope["path"], scope.get("root_path") or ""
        self.method = scope.get("method", "GET")
        return MovedRequest(self.request, self.method, self.prefix + route_path(self.path, self.root_path), scope)

    def enter(self, mounted: Any, child: Scope) -> None:
        """The router went into a mounted application: its mark adds up, and its prefix is expected from now on."""
        mark = mark_of(mounted, self.request.method)
        if mark is not None:
            if mark.access is not None:
                cure = "Mark the endpoints, or write a path rule with allow"
                raise MarkError(type(mounted).__name__, "a router cannot be public or optional", cure)
            self.outer = mark.within(self.outer, type(mounted).__name__)
        root_path = child.get("root_path", self.root_path)
        self.prefix += root_path[len(self.root_path) :]
        self.root_path = root_path

    def meet(self, scope: Scope, endpoint: Any, partial: bool, known: bool) -> None:
        """The router has found what will answer. Raises `Refused` or `Waiting` unless the caller may have it.

        `partial` says that the route will only answer 405: then no mark speaks. Unless it is `known` that the
        endpoint itself answers, nothing is lifted.
        """
        mark = None if partial else self._mark(endpoint)
        if mark is None and self.pending is None:
            return
        if mark is None or not (known or self.pending is None):
            decision: Decision | None = self._without_mark()
        else:
            decision = self.decided or self.policy.engine.add_mark(self, mark)
        if decision is None:
            raise Waiting(self)
        self.decided = None
        self.settle(scope, decision)
        self.mark = mark

    def _without_mark(self) -> Decision | None:
        if self.pending is not None and self.pending.reason is Reason.KEYS_UNAVAILABLE:
            # It was not waited for, in the hope of a public endpoint; or keys have come meanwhile.
            self.request.endpoint_known = True
            return self.decided or self.policy.engine.decide_now(self.request)
        return self.conclude()

    def _mark(self, endpoint: Any) -> Mark | None:
        mark = mark_of(endpoint, self.request.method)
        return self.outer if mark is None else mark.within(self.outer, getattr(endpoint, "__qualname__", "endpoint"))

    def conclude(self) -> Decision:
        """Nothing can lift the pending refusal any more: the refusal, or in report-only mode the pass."""
        if self.pending is None:
            return self.allow
        return self.refused or self.policy.engine.conclude(self.request, self.pending)

    def fail(self, scope: Scope, error: Exception) -> None:
        """A mark or a path that cannot be judged: 500, and in report-only mode a pass."""
        record_unforeseen(f"judging an endpoint ({error})" if isinstance(error, MarkError) else "the guard", error)
        self.settle(scope, self.policy.engine.conclude(self.request, Deny(Reason.INTERNAL, self.request.ask)))

    def settle(self, scope: Scope, decision: Decision) -> None:
        """Let the caller in as this principal, or raise `Refused`."""
        if isinstance(decision, Deny):
            self.refused = decision
            raise Refused(self, decision)
        self.allow, self.pending = decision, None
        introduce(scope, decision)

    async def refuse(self, deny: Deny, scope: Scope, send: Send) -> None:
        """Send the refusal instead of an answer."""
        await send_response(self.policy.renderer.render(deny, self.request), scope, send)


class MovedRequest(Request):
    """The facts of a request whose path or method was changed on the way: headers and token are the first ones."""

    __slots__ = ("_first",)

    def __init__(self, first: Request, method: str, path: str, scope: Scope) -> None:
        super().__init__(method, path, query_string=scope.get("query_string") or b"", websocket=first.websocket)
        self.endpoint_known = False
        self._first = first

    def header(self, name: bytes) -> bytes | None:
        """As in the request that came in."""
        return self._first.header(name)


class Gate:
    """`send` while it is open who answers: the first message passes only if the caller was let in by then."""

    def __init__(self, guard: Guard, scope: Scope, send: Send) -> None:
        self._guard = guard
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
        decision = self._guard.conclude()
        if isinstance(decision, Deny):
            self._closed = True
            return await self._guard.refuse(decision, self._scope, self._send)
        self._guard.pending = None
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
