"""One request between the middleware and its view: what was decided, and what is still pending.

A step is a generator: it yields the facts on which the engine has to wait, and is sent the decision. So the same
steps serve threads and event loops.

Owns: the state of a request on its way, and asking the engine again when the view or a new path is known.
Must never know: how to decide, Django's responses, what it is to wait.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from django.http import HttpRequest
from django.urls import Resolver404, get_resolver

from jwtmw import Policy
from jwtmw.adapter import PASS, Access, Allow, Code, Decision, Deny, Mark, Reason, Response, record_unforeseen
from jwtmw_django.facts import Facts, facts_of, where
from jwtmw_django.marks import answers, mark_for, tells_methods_apart

Step = Generator[Facts, Decision, None]


class Visit:
    """A request that is judged by one policy.

    facts    the request as it came in
    allow    who the caller is so far
    judged   the same, and behind it those for paths and methods that it was changed to: all must let the caller in
    shown    who the application was shown last
    refused  the final refusal
    reached  whether the view is known
    streams  whether the answer's body is still to be made
    """

    __slots__ = ("_rendered", "allow", "facts", "judged", "policy", "reached", "refused", "shown", "streams")

    def __init__(self, policy: Policy, request: HttpRequest) -> None:
        self.policy = policy
        self.facts = facts = facts_of(request)
        facts.judge = policy.engine
        facts.allow = self.allow = PASS
        self.judged: list[Facts] = []
        self.shown: Allow | None = None
        self.refused: Deny | None = None
        self.reached = self.streams = False
        self._rendered: Response | None = None

    def begin(self, request: HttpRequest) -> Step | None:
        """Judge the request as it came in. None where there is nothing to wait for, as mostly."""
        facts = self.facts
        decision = self.policy.engine.decide_now(facts)
        if type(decision) is not Allow or facts.seen != where(request):
            return self._safe(self._begin(request, decision))
        self.judged.append(facts)
        facts.first = facts.allow = self.allow = decision
        return None

    def arrive(self, request: HttpRequest, view: Any) -> Step | None:
        """The view is known: judge its mark, and a path that was changed on the way.

        Middleware may ask for an answer a second time: what a mark has lifted, it has lifted for its own view.
        None where there is nothing to wait for.
        """
        self.reached = True
        if not self.policy.engine.judging or self._is_judged(request, view):
            return None
        return self._safe(self._arrive(request, view))

    def end(self, request: HttpRequest) -> Step:
        """No view was reached: the answer is not for those whom only a mark could have let in."""
        return self._safe(self._end(request))

    def refusal(self) -> Response | None:
        """What stands in the place of any answer, if the request is refused."""
        return None if self.refused is None else self.refuse(self.refused)

    def refuse(self, deny: Deny) -> Response:
        """The request is refused; the refusal is rendered once, however many hooks ask for it."""
        if self._rendered is None:
            self.refused, self._rendered = deny, self.policy.renderer.render(deny, self.facts)
        return self._rendered

    def _safe(self, step: Step) -> Step:
        """What cannot be judged, whatever the reason: 500, and in report-only mode a pass."""
        try:
            yield from step
        except Exception as error:  # noqa: BLE001 (whatever it is, it denies)
            record_unforeseen("judging a request", error)
            decision = self.policy.engine.conclude(self.facts, Deny(Reason.INTERNAL, self.facts.ask))
            for facts in self.judged or [self.facts]:
                self._settle(facts, decision)

    def _is_judged(self, request: HttpRequest, view: Any) -> bool:
        """The usual case, without a step: who was let in comes to a view that wants nothing, or no more than he has."""
        facts = self.facts
        # Without an ask it is a preflight, which is another matter.
        if facts.ask is None or self.allow is not facts.first or len(self.judged) != 1 or facts.seen != where(request):
            return False
        try:
            mark = mark_for(request.resolver_match, view, request.method or "")
        except Exception:  # noqa: BLE001 (the step meets it again, and answers it)
            return False
        if mark is None:
            return True
        decision = self.policy.engine.add_mark(facts, self.allow, mark)
        if decision is not None:
            self._settle(facts, decision, mark)
        return decision is not None

    def _begin(self, request: HttpRequest, decision: Decision | None) -> Step:
        yield from self._judge(self.facts, request, decision)
        yield from self._judge_moved(request)

    def _arrive(self, request: HttpRequest, view: Any) -> Step:
        method = request.method or ""
        mark = mark_for(request.resolver_match, view, method)
        yield from self._judge_moved(request)
        if mark is not None and self._pending and not answers(view, method):
            # The answer will be 405, which is nobody's to see who was not let in.
            mark = None
        for facts in self.judged:
            facts.any_method = not tells_methods_apart(view)
            if self.refused is None:
                yield from self._meet(facts, mark)

    def _end(self, request: HttpRequest) -> Step:
        yield from self._judge_moved(request)
        for facts in self.judged:
            if self.refused is None and isinstance(facts.first, Deny):
                self._settle(facts, self.policy.engine.conclude(facts, facts.first))

    @property
    def _pending(self) -> bool:
        return any(isinstance(facts.first, Deny) for facts in self.judged)

    def _judge_moved(self, request: HttpRequest) -> Step:
        here = where(request)
        if self.refused is None and here != self.judged[-1].seen:
            moved = self.facts.moved(here)
            yield from self._judge(moved, request, self.policy.engine.decide_now(moved))

    def _judge(self, facts: Facts, request: HttpRequest, decision: Decision | None) -> Step:
        self.judged.append(facts)
        decision = decision or self._hoped(facts, request) or (yield facts)
        facts.first = decision
        if isinstance(decision, Allow) or not decision.liftable:
            self._settle(facts, self._named(decision, request))

    def _hoped(self, facts: Facts, request: HttpRequest) -> Deny | None:
        """A public view ahead must not wait for anybody's keys. Only a hint: what is then reached is judged."""
        if facts.ask is None or not facts.ask.by_default:
            return None
        mark = _ahead(request)
        if mark is None or mark.access is not Access.PUBLIC:
            return None
        return Deny(Reason.KEYS_UNAVAILABLE, facts.ask, liftable=True)

    def _named(self, decision: Decision, request: HttpRequest) -> Decision:
        """The refusal whose challenge names all that is wanted, what the view adds to the rule included."""
        if isinstance(decision, Allow) or decision.ask is None or decision.reason.code is not Code.INSUFFICIENT_SCOPE:
            return decision
        return decision._replace(ask=self.policy.engine.rules.ask(decision.ask.rule, _ahead(request)))

    def _meet(self, facts: Facts, mark: Mark | None) -> Step:
        engine, first = self.policy.engine, facts.first
        decision: Decision | None = first
        if facts.any_method and facts.ask is None and first is PASS:
            # A preflight has come past all middleware to a function, which answers it with whatever it answers GET.
            facts.mark, facts.endpoint_known = mark, True
            decision = engine.decide_now(facts)
        elif mark is not None:
            decision = engine.add_mark(facts, first if isinstance(first, Allow) else PASS, mark)
        elif isinstance(first, Deny) and first.reason is Reason.KEYS_UNAVAILABLE:
            # It was not waited for, in the hope of a public view; or keys have come meanwhile.
            facts.mark, facts.endpoint_known = None, True
            decision = engine.decide_now(facts)
        elif isinstance(first, Deny):
            decision = engine.conclude(facts, first)
        if decision is None:
            decision = yield facts
        self._settle(facts, decision, mark)

    def _settle(self, facts: Facts, decision: Decision, mark: Mark | None = None) -> None:
        # The view's own lock asks no more than was asked here.
        self.facts.judged_mark = mark
        if isinstance(decision, Allow):
            facts.allow = self.facts.allow = self.allow = decision
        else:
            self.refused = self.refused or decision


def _ahead(request: HttpRequest) -> Mark | None:
    """What is asked by what the resolver would find now: a hint, as anything may still change."""
    path: str = request.path_info
    try:
        match = get_resolver(getattr(request, "urlconf", None)).resolve(path)
        return mark_for(match, match.func, request.method or "")
    except Resolver404:
        return None
    except Exception as error:  # noqa: BLE001 (it will be met again when it matters)
        record_unforeseen("looking ahead", error)
        return None
