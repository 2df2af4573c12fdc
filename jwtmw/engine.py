"""The order of the steps: from the facts of a request to one decision. All decisions leave here.

    facts -> path, method -> rule and mark -> token found -> [cache] -> parsed -> issuer -> claims -> key -> signature
      -> principal -> check -> requirement -> user -> Allow | Deny

Owns: the order, and that anything unforeseen denies.
Must never know: HTTP status, frameworks, threads, sockets. `decide` yields what it must wait for; drive.py waits.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Any, NamedTuple, Protocol

from jwtmw.decision import Allow, Code, Decision, Deny, Reason
from jwtmw.errors import Denied, KeysUnavailable, TokenRefused
from jwtmw.issuers.issuer import Issuers
from jwtmw.issuers.source import Flight
from jwtmw.metrics import Metrics
from jwtmw.policy.marks import Mark
from jwtmw.policy.rules import Access, Ask, RuleBook
from jwtmw.records import record_refusal, record_unforeseen
from jwtmw.request import Request
from jwtmw.token.cache import Entry, TokenCache
from jwtmw.token.locate import Found, Locator
from jwtmw.token.parse import parse
from jwtmw.token.principal import ANONYMOUS, Principal, principal_of
from jwtmw.token.verify import check_claims, check_signature, valid_from, valid_until

Check = Callable[[Principal, Request], object]
LoadUser = Callable[[Principal], Any]


class Clock(Protocol):
    """Where the time comes from: `time()` in epoch seconds, `monotonic()` in seconds."""

    def time(self) -> float: ...
    def monotonic(self) -> float: ...


class Wait(NamedTuple):
    """An effect: wait until the flight has landed or is overdue, or send back the coroutine's result."""

    on: Flight | Coroutine[Any, Any, Any]


class ReadBody(NamedTuple):
    """An effect: read the request's body, at most `limit` bytes, and send it back whole."""

    limit: int


Effect = Wait | ReadBody
Flow = Generator[Effect, Any, Decision]


class Presented(NamedTuple):
    """A token that is still to be proved, or a caller still to be turned into the application's user.

    `credential` is what the cache knows the token by.
    """

    ask: Ask
    found: Found
    credential: bytes
    principal: Principal | None


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
    issuers: Issuers
    cache: TokenCache
    clock: Clock
    metrics: Metrics
    max_token_bytes: int
    cors_preflight: bool = True
    judging: bool = True
    report_only: bool = False
    check: Check | None = None
    load_user: LoadUser | None = None
    awaits_user: bool = False

    def decide_now(self, request: Request) -> Decision | None:
        """The decision where nothing must be waited for, else None: then drive `decide`.

        Answers public routes, refusals, tokens seen before and known keys. Never raises an `Exception`.
        """
        opened = self._open(request)
        if not isinstance(opened, Presented):
            return opened
        if self.awaits_user:
            return None
        try:
            proved = self._proved(request, opened)
            return None if isinstance(proved, Flight) else self._settle(request, proved)
        except Exception as error:
            return self._failed(request, error)

    def decide(self, request: Request) -> Flow:
        """The same decision as a generator of effects, for what has to wait. Never raises an `Exception`."""
        opened = self._open(request)
        if not isinstance(opened, Presented):
            return opened
        try:
            proved = self._proved(request, opened)
            if isinstance(proved, Flight):
                yield Wait(proved)
                proved = self._proved(request, opened, proved)
            if self.awaits_user and isinstance(proved, Allow):
                proved = proved._replace(user=(yield from self._awaited_user(proved.user)))
            return self._settle(request, proved)
        except Exception as error:
            return self._failed(request, error)

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
            return PASS
        reason = ask.requirement.unmet(allow.principal)
        return allow if reason is None else self.conclude(request, Deny(reason, ask, allow.principal))

    def enforce(self, request: Request, mark: Mark) -> None:
        """The second lock: raise `Denied` unless the caller of the judged request meets the mark."""
        allow = request.allow
        if not self.judging or request.ask is None or allow is None or allow.would_deny is not None:
            return
        ask = self.rules.ask(request.ask.rule, mark)
        reason = _unmet(ask, allow.principal)
        if reason is not None:
            decision = self.conclude(request, Deny(reason, ask, allow.principal))
            if isinstance(decision, Deny):
                raise Denied(decision)

    def conclude(self, request: Request, deny: Deny) -> Decision:
        """A refusal becomes final: counted and recorded, and in report-only mode turned into a pass."""
        reported = self.report_only or (deny.ask is not None and deny.ask.report_only)
        record_refusal(self.metrics, request, deny, reported)
        if not reported:
            return deny._replace(liftable=False)
        principal = deny.principal or ANONYMOUS
        return Allow(principal, principal, None, deny.reason)

    def _open(self, request: Request) -> Decision | Presented:
        """All that is local: path, method, rule, mark, the token's place and the cache."""
        if not self.judging:
            return PASS
        try:
            opened = self._asked(request)
            return opened if type(opened) is Presented else self._settle(request, opened)
        except Exception as error:
            return self._failed(request, error)

    def _asked(self, request: Request) -> Decision | Presented:
        rule = self.rules.route(request.method, request.path, request.raw_path, request.root_path)
        if isinstance(rule, Reason):
            return Deny(rule)
        if request.method == "OPTIONS" and self.cors_preflight and _is_preflight(request):
            return PASS
        ask = request.ask = self.rules.ask(rule, request.mark)
        if ask.access is Access.PUBLIC:
            return PASS
        if ask.access is Access.DENY:
            return Deny(Reason.RULE_DENIES, ask)
        # A lone header is looked up as it came: what was verified before is not taken apart again.
        lone = self.locator.lone
        credential = None if lone is None else request.header(lone)
        if credential and (entry := self.cache.get(credential)) is not None and self._holds(entry):
            return self._seen(ask, entry, credential)
        found = self.locator.find(request)
        if found is None:
            return PASS if ask.access is Access.OPTIONAL else Deny(Reason.TOKEN_MISSING, ask)
        if credential is None:
            credential = found.token
            entry = self.cache.get(credential)
            if entry is not None and entry.place is found.place and self._holds(entry):
                return self._seen(ask, entry, credential)
        return Presented(ask, found, credential, None)

    def _holds(self, entry: Entry) -> bool:
        """Whether a verdict still counts: time and key are judged again at each hit."""
        if entry.not_before <= self.clock.time() < entry.not_after:
            return entry.issuer.keys.trusts(entry.key, entry.generation)
        return False

    def _seen(self, ask: Ask, entry: Entry, credential: bytes) -> Decision | Presented:
        """A token that was verified before; what this route wants is asked anew."""
        principal = entry.principal
        if self.check is not None or self.load_user is not None:
            return Presented(ask, Found(credential, entry.place), credential, principal)
        reason = ask.requirement.unmet(principal)
        return _allow((principal, principal, entry.place, None)) if reason is None else Deny(reason, ask, principal)

    def _proved(self, request: Request, presented: Presented, after: Flight | None = None) -> Decision | Flight:
        """Signature, check, requirement, user; or the flight to wait for, `after` which it is asked again."""
        ask, found, credential, principal = presented
        if principal is None:
            verified = self._verified(found, credential, after)
            if isinstance(verified, Flight):
                return verified
            principal = verified
        if self.check is not None and not _passes(self.check, principal, request):
            return Deny(Reason.CHECK_REFUSED, ask)
        reason = ask.requirement.unmet(principal)
        if reason is not None:
            return Deny(reason, ask, principal)
        return Allow(principal, principal if self.load_user is None else self._user(principal), found.place)

    def _verified(self, found: Found, credential: bytes, after: Flight | None) -> Principal | Flight:
        """Cheap and local before costly and remote: an unknown issuer or a stale token never causes a fetch."""
        token = parse(found.token, self.max_token_bytes)
        issuer = self.issuers.find(token.issuer, found.place)
        now = self.clock.time()
        check_claims(token, issuer, now)
        generation = issuer.keys.generation
        keys = issuer.keys.look_up(token.kid, token.alg, after)
        if isinstance(keys, Flight):
            return keys
        key = check_signature(token, keys)
        self.metrics.verified += 1
        principal = principal_of(token, issuer, found.token)
        until = min(valid_until(token, issuer), now + self.cache.max_age)
        since = valid_from(token, issuer)
        weight = len(found.token)
        self.cache.put(credential, Entry(principal, issuer, key, generation, found.place, since, until, weight))
        return principal

    def _user(self, principal: Principal) -> Any:
        """The application's own user; the coroutine that will bring it where `load_user` is async."""
        try:
            user = self.load_user(principal) if self.load_user is not None else principal
        except Exception as error:
            record_unforeseen("load_user", error)
            user = None
        if user is None:
            raise TokenRefused(Reason.USER_REFUSED)
        return user

    def _awaited_user(self, coroutine: Coroutine[Any, Any, Any]) -> Generator[Effect, Any, Any]:
        try:
            user = yield Wait(coroutine)
        except Exception as error:
            record_unforeseen("load_user", error)
            user = None
        if user is None:
            raise TokenRefused(Reason.USER_REFUSED)
        return user

    def _failed(self, request: Request, error: Exception) -> Decision:
        """Every way in which a step can fail, the unforeseen one included, is a refusal."""
        if isinstance(error, TokenRefused):
            return self._settle(request, Deny(error.reason, request.ask))
        if isinstance(error, KeysUnavailable):
            return self._settle(request, Deny(Reason.KEYS_UNAVAILABLE, request.ask, None, ceil(error.retry_after)))
        record_unforeseen("the engine", error)
        return self._settle(request, Deny(Reason.INTERNAL, request.ask))

    def _settle(self, request: Request, decision: Any) -> Any:
        """Count a pass; make a refusal final, unless only the default refused and a mark may still speak."""
        if type(decision) is Deny:
            if not request.endpoint_known and decision.reason.code not in NEVER_LIFTED and _by_default(decision):
                return decision._replace(liftable=True)
            return self.conclude(request, decision)
        if type(decision) is Allow:
            self.metrics.allowed += 1
        return decision


def _by_default(deny: Deny) -> bool:
    return deny.ask is not None and deny.ask.by_default


def _unmet(ask: Ask, principal: Principal) -> Reason | None:
    if principal.is_authenticated:
        return ask.requirement.unmet(principal)
    return Reason.TOKEN_MISSING if ask.access > Access.OPTIONAL else None


def _passes(check: Check, principal: Principal, request: Request) -> bool:
    """Only True passes: what a check forgot to return, or to await, refuses."""
    try:
        return check(principal, request) is True
    except Exception as error:
        record_unforeseen("check", error)
        return False


def _is_preflight(request: Request) -> bool:
    """A CORS preflight carries both headers (Fetch, section 4.8); browsers send it without credentials."""
    return bool(request.header(b"origin") and request.header(b"access-control-request-method"))
