"""One request between the gate and what answers it: what was decided, and what is still pending.

Owns: the state of a request on its way, and asking the engine again when the endpoint or a new path is known.
Must never know: how to decide, how Flask routes.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from functools import partial
from typing import Any

from jwtmw import Policy
from jwtmw.adapter import (
    PASS,
    Allow,
    Code,
    Decision,
    Deny,
    Mark,
    Reason,
    WSGIRequest,
    admit_environ,
    read_body,
    record_unforeseen,
    run,
)

Environ = MutableMapping[str, Any]
# What a router goes by: the path below SCRIPT_NAME, and the method.
Where = tuple[str, str]


class GuardedRequest(WSGIRequest):
    """A judged request until the endpoint is known. Defaults are the class's, as in `Request`.

    first     what was decided without the endpoint: `Allow`, a refusal, or None where that would have to wait for keys,
              though a mark may yet say that no token is read
    refused   the final refusal
    settled   whether what answers now was judged: the marked endpoint, or the refusal
    rule, verb  Flask's rule and the method that were judged last; before, a rule that is none
    native    the environ that came in; `environ` is a copy of it where something is taken out of it
    unread    the body's stream as it came in: who still has it when the body was read has an empty one
    source    the environ from which a body is read: the native one, unless middleware has put a body into another
    taken     what was taken out, as it was
    """

    policy: Policy
    # Set by `open`.
    allow: Allow
    endpoint_known = False
    first: Decision | None = None
    refused: Deny | None = None
    settled = False
    rule: object = ()
    verb = ""
    native: Environ
    unread: object = None
    source: Environ
    taken: Mapping[str, Any] = {}

    def open(self, policy: Policy) -> None:
        """Judge the request as it came in, and show who it is as far as that is known."""
        engine = policy.engine
        self.policy, self.judge, self.native = policy, engine, self.environ
        self.source = self.native
        self.unread = self.native.get("wsgi.input")
        if policy.disclosure is not None:
            # Who is judged again is judged by what was sent.
            self.environ = dict(self.native)
        decision = engine.decide_now(self)
        if decision is None and not (self.ask and self.ask.by_default):
            decision = self._waited()
        self.first = decision
        self.allow = decision if isinstance(decision, Allow) else PASS
        if isinstance(decision, Deny) and not decision.liftable:
            self.refused = decision
        self._show(self.native, self.allow)
        if self.environ is not self.native:
            self.taken = {name: self.environ[name] for name in self.environ if self._is_taken(name)}

    def let_in(self, allow: Allow, environ: Environ) -> None:
        """Show the caller to the application: in the environ that came in, and in the one that it looks at."""
        self.allow = allow  # pyright: ignore[reportIncompatibleVariableOverride]
        self._show(self.native, allow)
        if environ is not self.native:
            if self.unread is not None and environ.get("wsgi.input") is self.unread:
                environ["wsgi.input"] = self.native.get("wsgi.input")
            self._show(environ, allow)

    def _show(self, environ: Environ, allow: Allow) -> None:
        admit_environ(environ, allow)
        disclosure = self.policy.disclosure
        if disclosure is None:
            return
        environ.update(self.taken)
        disclosure.environ(environ, allow)

    def _is_taken(self, name: str) -> bool:
        sent = name.startswith("HTTP_") or name in ("QUERY_STRING", "RAW_URI", "REQUEST_URI")
        return sent and self.native.get(name) != self.environ[name]

    def look_at(self, environ: Environ) -> None:
        """The body that the view will read is judged: middleware may have read it, for an environ of its own."""
        stream = environ.get("wsgi.input")
        if stream is not self.unread and stream is not self.native.get("wsgi.input"):
            self.source = environ

    def meet(self, mark: Mark | None, places: Iterable[Where]) -> Decision:
        """What will answer is known: its mark, and the paths and methods by which it was found. All must allow."""
        decision = self.first if mark is None and isinstance(self.first, Allow) else self._met(mark)
        # What the router should see.
        expected = (self.path[len(self.root_path) :] or "/", self.method)
        for where in places:
            if where != expected and isinstance(decision, Allow):
                decision = self._moved(mark, where)
        return decision

    def foresee(self, mark_ahead: Callable[[], Mark | None]) -> None:
        """Keep a pending caller from what stands in front of Flask, unless a mark ahead speaks for this path.

        What stands there acts before its answer could be replaced.
        """
        mark = None
        try:
            mark = mark_ahead()
            if mark is not None and mark.access is not None:
                return
            decision = self.meet(mark, ())
        except Exception as error:  # noqa: BLE001 (whatever it is, it denies)
            decision = self.fail(error)
        if isinstance(decision, Deny):
            self.refused = decision
        elif mark is None:
            self.first = decision
            self.let_in(decision, self.native)

    def fail(self, error: Exception) -> Decision:
        """A mark or a path that cannot be judged: 500, and in report-only mode a pass."""
        record_unforeseen("judging an endpoint", error)
        return self.policy.engine.conclude(self, Deny(Reason.INTERNAL, self.ask))

    def conclude(self) -> Decision:
        """Nothing that was judged has answered: no mark can lift the first decision any more."""
        return self._met(None)

    def name_all(self, mark: Mark | None) -> None:
        """The refusal's challenge names all that is wanted, what the endpoint adds to the rule included."""
        deny = self.refused
        if deny is not None and deny.ask is not None and deny.reason.code is Code.INSUFFICIENT_SCOPE:
            self.refused = deny._replace(ask=self.policy.engine.rules.ask(deny.ask.rule, mark))

    def _met(self, mark: Mark | None) -> Decision:
        first, engine = self.first, self.policy.engine
        if isinstance(first, Allow):
            if mark is None:
                return first
            return engine.add_mark(self, first, mark) or self._waited()
        if first is not None and mark is None:
            return engine.conclude(self, first)
        self.mark, self.endpoint_known = mark, True
        return self._decided()

    def _moved(self, mark: Mark | None, where: Where) -> Decision:
        """The same caller's request for the path and method that the router went by."""
        moved = copy.copy(self)
        moved.path, moved.method = where
        moved.raw_path, moved.root_path = None, ""
        moved.sent = self.sent or self
        moved.ask, moved.mark, moved.endpoint_known = None, mark, True
        return moved._decided()

    def _decided(self) -> Decision:
        return self.policy.engine.decide_now(self) or self._waited()

    def _waited(self) -> Decision:
        return run(self.policy.engine, self, partial(read_body, self.source))
