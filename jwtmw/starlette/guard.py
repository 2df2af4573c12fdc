"""One request between the middleware and its endpoint: what was decided, and what is still pending.

Owns: the state of a request on its way, and asking the engine again when the endpoint or a new path is known.
Must never know: how to decide, how routers work.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Self

from jwtmw.asgi import ASGIRequest, send_response
from jwtmw.challenge import Response
from jwtmw.compose import Policy
from jwtmw.decision import Allow, Code, Decision, Deny, Reason
from jwtmw.engine import PASS
from jwtmw.messages import Scope, Send
from jwtmw.policy.marks import Mark
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


# What routers go by: path, root path and method.
Where = tuple[str, str, str]


def where(scope: Scope) -> Where:
    """What the scope says now."""
    method = scope["method"] if scope["type"] == "http" else "GET"
    return scope["path"], scope.get("root_path") or "", method


class GuardedRequest(ASGIRequest):
    """A judged request of one policy, until the endpoint is known. Defaults are the class's, as in `Request`.

    pending   the refusal that only a mark can lift; `refused` the final one, `rendered` its response
    decided   what was decided while the router waited
    behind    the same request as an enclosing application, or an earlier path, had it judged: both must let it in
    outer     the marks of what was mounted on the way
    watched   whether even an unmarked function must be asked about: one of the three above is set
    answering  whether an answer has begun, where a gate is there to see it
    shown     the headers and the query that the application sees, the very objects
    at        what the next router should see; None: what this request says itself
    chosen    whether the last router has named what answers; `passed` are those of mounted applications on the way
    prefix    what mounts have taken off the path so far
    """

    policy: Policy
    # Set from the start, by `take`.
    allow: Allow
    endpoint_known = False
    pending: Deny | None = None
    refused: Deny | None = None
    rendered: Response | None = None
    decided: Decision | None = None
    behind: GuardedRequest | None = None
    outer: Mark | None = None
    watched = False
    answering = False
    shown: tuple[object, object] = (None, None)
    at: Where | None = None
    chosen = False
    passed: tuple[Any, ...] = ()
    prefix = ""

    def take(self, policy: Policy, decision: Decision) -> None:
        """Note the first decision."""
        self.policy, self.judge = policy, policy.engine
        if isinstance(decision, Deny):
            self.pending, self.allow, self.watched = decision, PASS, True
        else:
            self.allow = decision

    def stand_before(self, behind: GuardedRequest, scope: Scope) -> None:
        """Another policy has judged this request before: both must let it in."""
        self.behind, self.watched = behind, True
        # A token that was hidden from the application is not hidden from its own policy.
        headers, query = behind.shown
        if scope["headers"] is headers:
            self.headers = behind.headers
        if query is not None and scope.get("query_string") is query:
            self.query_string = behind.query_string

    def all(self) -> Iterator[GuardedRequest]:
        """This request and those behind it."""
        request: GuardedRequest | None = self
        while request is not None:
            yield request
            request = request.behind

    def is_at(self, here: Where) -> bool:
        """Whether this and those behind it have been judged for what the scope says now."""
        return here == self.expected and (self.behind is None or self.behind.is_at(here))

    @property
    def expected(self) -> Where:
        """What the next router should see."""
        return self.at or (self.path, self.root_path, self.method)

    def moved(self, to: Where) -> Self:
        """The same caller's request for the path and method that the scope names now, in front of this one."""
        new = copy.copy(self)
        path, root_path, new.method = to
        new.path = self.prefix + route_path(path, root_path)
        new.raw_path, new.root_path = None, ""
        new.mark = new.ask = new.judged_mark = new.pending = new.refused = new.rendered = new.decided = None
        new.endpoint_known, new.answering, new.watched = False, False, True
        self.at = new.at = to
        new.behind, new.sent = self, self.sent or self
        return new

    def enter(self, mark: Mark | None, root_path: str | None, name: str) -> None:
        """The router goes into a mounted application: its marks add up, and its prefix is expected from now on."""
        if mark is not None:
            self.outer, self.watched = joined(mark, self.outer, name), True
        if root_path is not None:
            path, before, method = self.expected
            self.prefix += root_path[len(before) :]
            if not before or path.startswith(before):
                self.at = (path, root_path, method)
            # Else the root path was never in front of the path, and the router inside looks for the whole path below
            # the mount: that is another path than the one that was judged.

    def meet_outer(self, ahead: Callable[[], Mark | None], mark: Mark | None = None) -> None:
        """Ask for what was mounted itself, as not only endpoints answer there: its middleware does, and a redirect.

        `ahead` is for the challenge, `mark` what else is asked already. Raises `Refused` or `Waiting`.
        """
        if self.pending is None:
            try:
                self.meet(mark, False, "")
            except Refused as signal:
                raise Refused(self, self.named(signal.deny, ahead)) from None

    def meet(self, mark: Mark | None, known: bool, name: str) -> None:
        """The router has found what will answer. Raises `Refused` or `Waiting` unless the caller may have it.

        Unless it is `known` that what carries the mark answers itself, nothing is lifted.
        """
        own = mark
        if self.outer is not None:
            mark = joined(mark, self.outer, name)
        if mark is None and self.pending is None:
            return
        decided, self.decided = self.decided, None
        if not known and self.pending is not None:
            mark = None
        if decided is None or self.mark is not mark:
            # Routing again may have led to another endpoint than the one that was waited for.
            decided = self._without_mark() if mark is None else self.policy.engine.add_mark(self, self.allow, mark)
        if decided is None:
            raise Waiting(self)
        if decided is not self.allow or self.pending is not None:
            self.settle(decided)
        # The endpoint's own lock asks no more than was asked here.
        self.judged_mark = own

    def _without_mark(self) -> Decision | None:
        if self.pending is not None and self.pending.reason is Reason.KEYS_UNAVAILABLE:
            # It was not waited for, in the hope of a public endpoint; or keys have come meanwhile.
            self.mark, self.endpoint_known = None, True
            return self.policy.engine.decide_now(self)
        return self.conclude()

    def conclude(self) -> Decision:
        """Nothing can lift the pending refusal any more: the refusal, or in report-only mode the pass."""
        if self.pending is None:
            return self.allow
        return self.refused or self.policy.engine.conclude(self, self.pending)

    def fail(self, error: Exception) -> None:
        """A mark or a path that cannot be judged: 500, and in report-only mode a pass."""
        record_unforeseen("judging an endpoint", error)
        self.settle(self.policy.engine.conclude(self, Deny(Reason.INTERNAL, self.ask)))

    def settle(self, decision: Decision) -> None:
        """Let the caller in, or raise `Refused`."""
        if isinstance(decision, Deny):
            self._note_refused(decision)
            raise Refused(self, decision)
        self.allow = decision  # pyright: ignore[reportIncompatibleVariableOverride]
        self.pending = None

    def named(self, deny: Deny, ahead: Callable[[], Mark | None]) -> Deny:
        """The refusal whose challenge names all that is wanted, what the endpoint adds to it included."""
        if deny.ask is None or deny.reason.code is not Code.INSUFFICIENT_SCOPE:
            return deny
        deny = deny._replace(ask=self.policy.engine.rules.ask(deny.ask.rule, ahead()))
        self._note_refused(deny)
        return deny

    def _note_refused(self, deny: Deny) -> None:
        """Whoever holds back answers, perhaps for an earlier path of this request, is to tell this refusal."""
        for each in self.all():
            if each.policy is self.policy:
                each.refused = deny

    async def refuse(self, deny: Deny, scope: Scope, send: Send) -> None:
        """Send the refusal instead of an answer; it is rendered once, however many stand in between."""
        if self.rendered is None:
            # For HEAD it has no body, and that is what the caller has sent.
            self.rendered = self.policy.renderer.render(deny, self.sent or self)
        await send_response(self.rendered, scope, send)


def joined(mark: Mark | None, outer: Mark | None, name: str) -> Mark | None:
    """A mark and those around it, the same object for the same marks. Raises `MarkError` where they contradict."""
    return outer if mark is None else mark if outer is None else _within(mark, outer, name)


@lru_cache(maxsize=4096)
def _within(mark: Mark, outer: Mark, name: str) -> Mark:
    return mark.within(outer, name)
