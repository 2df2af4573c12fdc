"""The order of the steps: from the facts of a request to one decision. All decisions leave here.

    facts -> path, method -> rule and mark -> token found -> [cache, or verification] -> principal
      -> check -> requirement -> user -> proofs -> Allow | Deny

Owns: the order, and that anything unforeseen denies.
Must never know: HTTP status, frameworks, threads, sockets. `decide` yields what it must wait for; drive.py waits.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Any, NamedTuple

from jwtmw.decision import Allow, Code, Decision, Deny, Reason
from jwtmw.effects import Effect, Flow
from jwtmw.errors import Denied, TokenRefused, Unavailable
from jwtmw.hooks import Check, LoadUser, awaited_user, passes, user_of
from jwtmw.metrics import Metrics
from jwtmw.policy.marks import Mark
from jwtmw.policy.rules import Access, Ask, RuleBook
from jwtmw.proving import Prover
from jwtmw.records import record_refusal, record_unforeseen
from jwtmw.request import Request
from jwtmw.token.cache import Entry, TokenCache
from jwtmw.token.locate import Locator, Place
from jwtmw.token.origins import Origins
from jwtmw.token.principal import ANONYMOUS, Principal
from jwtmw.verification import Clock, Verifier


class Presented(NamedTuple):
    """A token that is still to be verified, or a caller of whom more is still to be asked.

    `principal` is None where the token is still to be verified; `credential` is what the cache will know it by.
    """

    ask: Ask
    place: Place
    principal: Principal | None
    token: bytes = b""
    credential: bytes = b""

    def __repr__(self) -> str:
        return f"Presented({self.place.label})"


# What has nothing to prove: public routes, absent optional tokens, preflights, non-secure mode.
PASS = Allow(ANONYMOUS, ANONYMOUS)
# What `Allow(...)` does, without a Python frame: one is made for each request.
_allow = partial(tuple.__new__, Allow)

# A refusal for one of these is not the default's: no mark lifts it.
NEVER_LIFTED = frozenset({Code.BAD_PATH, Code.BAD_METHOD, Code.INTERNAL_ERROR})


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Judges requests by one policy. Immutable; shared by all surfaces and threads of a process."""

    rules: RuleBook
    locator: Locator
    verifier: Verifier
    prover: Prover
    cache: TokenCache
    clock: Clock
    metrics: Metrics
    origins: Origins
    cors_preflight: bool = True
    judging: bool = True
    report_only: bool = False
    check: Check | None = None
    load_user: LoadUser | None = None
    awaits_user: bool = False
    # As whom a caller passes whose optional token is absent: anonymous, perhaps with a consumer's name.
    stranger: Allow = PASS

    def decide_now(self, request: Request) -> Decision | None:
        """The decision where nothing must be waited for, else None: then drive `decide`.

        Answers public routes, refusals, tokens seen before and known keys. Never raises an `Exception`.
        """
        if not self.judging:
            return self._anonymous(request)
        try:
            opened = self._open(request)
        except Exception as error:  # noqa: BLE001 (whatever it is, it denies)
            return self._failed(request, error)
        if type(opened) is Allow:
            # By far the usual end: settled here, without another call.
            self.metrics.allowed += 1
            return opened
        if not isinstance(opened, Presented):
            return self._settle(request, opened)
        if self.awaits_user or opened.ask.proofs is not None:
            # Asked from the beginning by who can wait: neither a hook is called nor a token spent for nothing.
            return None
        try:
            next(self._judged(request, opened))
        except StopIteration as judged:
            decision: Decision = judged.value
            return decision
        return None

    def decide(self, request: Request) -> Flow:
        """The same decision as a generator of effects, for what has to wait. Never raises an `Exception`."""
        if not self.judging:
            return self._anonymous(request)
        try:
            opened = self._open(request)
        except Exception as error:  # noqa: BLE001 (whatever it is, it denies)
            return self._failed(request, error)
        if isinstance(opened, Presented):
            return (yield from self._judged(request, opened))
        return self._settle(request, opened)

    def add_mark(self, request: Request, allow: Allow, mark: Mark) -> Decision | None:
        """Judge again, now that the endpoint's mark is known; None where that has to wait.

        A caller who was verified keeps the verdict: only what the route wants is asked again.
        """
        request.mark, request.endpoint_known = mark, True
        if not self.judging or allow.would_deny is not None or request.ask is None:
            return allow
        if not allow.principal.is_authenticated:
            return self.decide_now(request)
        ask = request.ask = self.rules.ask(request.ask.rule, mark)
        if ask.access is Access.PUBLIC:
            return self._anonymous(request)
        reason = ask.requirement.unmet(allow.principal)
        return allow if reason is None else self.conclude(request, _lacking(reason, ask, allow))

    def enforce(self, request: Request, allow: Allow, mark: Mark) -> None:
        """The second lock: raise `Denied` unless the caller who was let in as `allow` says meets the mark."""
        if not self.judging or allow.would_deny is not None or request.ask is None:
            return
        ask = self.rules.ask(request.ask.rule, mark)
        reason = _unmet(ask, allow.principal)
        if reason is not None:
            decision = self.conclude(request, _lacking(reason, ask, allow))
            if isinstance(decision, Deny):
                request.denied = decision
                raise Denied(decision)

    def conclude(self, request: Request, deny: Deny) -> Decision:
        """A refusal becomes final: counted and recorded, and in report-only mode turned into a pass."""
        reported = self._only_reports(deny.ask)
        record_refusal(self.metrics, deny, reported)
        if not reported:
            return deny._replace(liftable=False)
        principal = deny.principal or ANONYMOUS
        place = deny.place or self.locator.offered(request)
        return Allow(principal, principal if deny.user is None else deny.user, place, deny.reason)

    def _only_reports(self, ask: Ask | None) -> bool:
        return self.report_only or (ask is not None and ask.report_only)

    def _anonymous(self, request: Request) -> Allow:
        """A pass without proof. A token among the subprotocols is to be hidden all the same, and its name chosen."""
        return PASS._replace(place=self.locator.offered(request)) if request.websocket else PASS

    def _open(self, request: Request) -> Decision | Presented:
        """All that is local: path, method, rule, mark, the token's place and the cache."""
        rule = self.rules.route(request.method, request.path, request.raw_path, request.root_path)
        if isinstance(rule, Reason):
            return Deny(rule)
        if request.method == "OPTIONS" and self.cors_preflight and not request.any_method and _is_preflight(request):
            return PASS
        ask = request.ask = self.rules.ask(rule, request.mark)
        if ask.access is Access.PUBLIC:
            return self._anonymous(request)
        if ask.access is Access.DENY:
            return Deny(Reason.RULE_DENIES, ask)
        # A lone header is looked up as it came: what was verified before is not taken apart again.
        lone = self.locator.lone
        credential = None if lone is None else request.header(lone)
        if credential and (entry := self.cache.get(credential)) is not None and (seen := self._seen(ask, entry)):
            return seen
        found = self.locator.find(request)
        if found is None:
            return self.stranger if ask.access is Access.OPTIONAL else Deny(Reason.TOKEN_MISSING, ask)
        if found.place.kind == "cookie" and not self.origins.vouch(request):
            return Deny(Reason.CSRF, ask, place=found.place)
        if credential is None:
            credential = found.token
            entry = self.cache.get(credential)
            if entry is not None and entry.place is found.place and (seen := self._seen(ask, entry)):
                return seen
        return Presented(ask, found.place, None, found.token, credential)

    def _seen(self, ask: Ask, entry: Entry) -> Decision | Presented | None:
        """A token that was verified before: what this route wants is asked anew.

        None where the verdict counts no more: time, key and revocation are judged again at each hit.
        """
        if not entry.not_before <= self.clock.time() < entry.not_after:
            return None
        if entry.key is not None and not entry.issuer.keys.trusts(entry.key, entry.generation):
            return None
        if not self.verifier.revocations.clears(entry):
            return None
        principal = entry.principal
        if ask.proofs is not None or entry.bound or self.check is not None or self.load_user is not None:
            return Presented(ask, entry.place, principal)
        if ask.wants and (reason := ask.requirement.unmet(principal)) is not None:
            return Deny(reason, ask, principal, place=entry.place)
        allow: Allow = _allow((principal, principal, entry.place, None))
        return allow

    def _judged(self, request: Request, presented: Presented) -> Flow:
        """The decision on what was presented; it leads to one, whatever happens on the way."""
        try:
            return self._settle(request, (yield from self._proved(request, presented)))
        except Exception as error:  # noqa: BLE001 (whatever it is, it denies)
            return self._failed(request, error, presented.place)

    def _proved(self, request: Request, presented: Presented) -> Generator[Effect, Any, Decision]:
        """Verification, check, requirement, user, and what binds the token to this request."""
        ask, place, principal, token, credential = presented
        if principal is None:
            principal = yield from self.verifier.verify(token, place, credential)
            self.metrics.verified += 1
        if self.check is not None and not passes(self.check, principal, request):
            return Deny(Reason.CHECK_REFUSED, ask, place=place)
        reason = ask.requirement.unmet(principal)
        if reason is not None and not self._only_reports(ask):
            return Deny(reason, ask, principal, place=place)
        user: Any = principal
        if self.load_user is not None:
            user = user_of(self.load_user, principal, self.awaits_user)
            if self.awaits_user:
                user = yield from awaited_user(user)
        allow = Allow(principal, user, place)
        if reason is not None:
            return _lacking(reason, ask, allow)
        leeway = self.verifier.issuers.by_name[principal.issuer_name].leeway
        yield from self.prover.prove(request, ask.proofs, principal, leeway)
        return allow

    def _failed(self, request: Request, error: Exception, place: Place | None = None) -> Decision:
        """Every way in which a step can fail, the unforeseen one included, is a refusal."""
        ask = request.ask
        if isinstance(error, TokenRefused):
            return self._settle(request, Deny(error.reason, ask, place=place))
        if isinstance(error, Unavailable):
            retry_after = ceil(error.retry_after)
            return self._settle(request, Deny(error.reason, ask, retry_after=retry_after, place=place))
        record_unforeseen("the engine", error)
        return self._settle(request, Deny(Reason.INTERNAL, ask, place=place))

    def _settle(self, request: Request, decision: Decision) -> Decision:
        """Count a pass; make a refusal final, unless only the default refused and a mark may still speak."""
        if isinstance(decision, Allow):
            self.metrics.allowed += 1
            return decision
        by_default = decision.ask is not None and decision.ask.by_default
        if by_default and not request.endpoint_known and decision.reason.code not in NEVER_LIFTED:
            return decision._replace(liftable=True)
        return self.conclude(request, decision)


def _lacking(reason: Reason, ask: Ask, allow: Allow) -> Deny:
    """The refusal of a caller whose token was good."""
    return Deny(reason, ask, allow.principal, place=allow.place, user=allow.user)


def _unmet(ask: Ask, principal: Principal) -> Reason | None:
    if principal.is_authenticated:
        return ask.requirement.unmet(principal)
    return Reason.TOKEN_MISSING if ask.access > Access.OPTIONAL else None


def _is_preflight(request: Request) -> bool:
    """A CORS preflight carries both headers (Fetch, section 4.8); browsers send it without credentials."""
    return bool(request.header(b"origin") and request.header(b"access-control-request-method"))
