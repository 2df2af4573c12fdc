"""The engine: the order of the steps, the cache, marks, the second lock, report-only."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest

from jwtmw.adapter import Allow, Code, Deny, Mark, Policy, Reason, Request
from jwtmw.engine import PASS, Presented
from jwtmw.errors import Denied, KeysUnavailable, TokenRefused
from jwtmw.policy.rules import Access
from jwtmw.testing import TestIssuer
from jwtmw.token.locate import Place
from jwtmw.token.principal import ANONYMOUS
from tests.engine.facts import Facts, Waits, flight, mark, policy_of

RULES = [
    {"path": "/open/**", "allow": "public"},
    {"path": "/maybe", "allow": "optional"},
    {"path": "/maybe/read", "allow": "optional", "scopes": ["read"]},
    {"path": "/closed", "allow": "deny"},
    {"path": "/read", "scopes": ["read"]},
    {"path": "/write", "scopes": ["write"]},
    {"path": "/trial", "scopes": ["write"], "report_only": True},
    {"path": "/trial/closed", "allow": "deny", "report_only": True},
]
PREFLIGHT = {"origin": "https://shop.example", "access-control-request-method": "PUT"}


@pytest.fixture
def policy(jwtmw_issuer: TestIssuer) -> Policy:
    return policy_of(jwtmw_issuer, rules=RULES)


def reason_of(decision: Any) -> Reason | None:
    """Why the request was refused, None where it was not."""
    return decision.reason if isinstance(decision, Deny) else None


class Untouchable(Facts):
    """A request whose headers must not be asked for."""

    def header(self, name: bytes) -> bytes | None:
        raise AssertionError("a header was read")


class Broken(Facts):
    """A request whose headers cannot be read."""

    def header(self, name: bytes) -> bytes | None:
        raise self.error

    error: BaseException = RuntimeError("Bearer s3cret")


# Decisions

LOCAL: dict[str, tuple[Facts, Reason]] = {
    "path": (Facts("/a//b"), Reason.PATH_AMBIGUOUS),
    "path-of-bytes": (Facts(b"/orders"), Reason.PATH_AMBIGUOUS),
    "path-missing": (Facts(None), Reason.PATH_AMBIGUOUS),
    "method": (Facts(method="BREW"), Reason.METHOD_UNKNOWN),
    "method-in-lower-case": (Facts(method="get"), Reason.METHOD_UNKNOWN),
    "path-before-method": (Facts("//", "BREW"), Reason.PATH_AMBIGUOUS),
    "path-before-public": (Facts("/open/../x"), Reason.PATH_AMBIGUOUS),
    "denied": (Facts("/closed"), Reason.RULE_DENIES),
    "missing": (Facts(), Reason.TOKEN_MISSING),
    "empty": (Facts(headers={"authorization": ""}), Reason.TOKEN_MISSING),
    "other-scheme": (Facts(headers={"authorization": "Basic YTpi"}), Reason.TOKEN_MISSING),
    "malformed": (Facts(headers={"authorization": "Bearer"}), Reason.CREDENTIALS_MALFORMED),
    "repeated": (Facts(headers={"authorization": "Bearer a,Bearer b"}), Reason.CREDENTIALS_REPEATED),
    "too-large": (Facts(token="a" * 9000), Reason.TOKEN_TOO_LARGE),
    "garbage": (Facts(token="a.b.c"), Reason.TOKEN_FORMAT),
    "optional-and-garbage": (Facts("/maybe", token="a.b.c"), Reason.TOKEN_FORMAT),
}


@pytest.mark.parametrize(("request_", "reason"), LOCAL.values(), ids=LOCAL)
def test_what_is_wrong_in_itself_is_refused_at_once(policy: Policy, request_: Facts, reason: Reason) -> None:
    """Path, method, rule and the token's place are judged in this order and without waiting."""
    assert reason is reason_of(policy.engine.decide_now(request_))


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        pytest.param({"exp": 1}, Reason.EXPIRED, id="expired"),
        pytest.param({"iss": "https://x.example"}, Reason.ISSUER_UNKNOWN, id="issuer"),
        pytest.param({"aud": "billing"}, Reason.AUDIENCE_MISMATCH, id="audience"),
        pytest.param({"sub": 7}, Reason.CLAIMS_MALFORMED, id="claims"),
        pytest.param({"header": {"kid": "other"}}, None, id="a lone configured key serves any kid"),
        pytest.param({"header": {"typ": "logout+jwt"}}, Reason.TYPE_REFUSED, id="type"),
    ],
)
def test_a_token_is_refused_for_its_exact_reason(
    policy: Policy, jwtmw_issuer: TestIssuer, claims: dict[str, Any], reason: Reason | None
) -> None:
    """What a token fails at is named."""
    assert reason is reason_of(policy.engine.decide_now(Facts(token=jwtmw_issuer.token(**claims))))


def test_a_good_token_lets_its_subject_in(policy: Policy, jwtmw_issuer: TestIssuer) -> None:
    """The verified principal is the user, too, and the place of the token is told."""
    decision = policy.engine.decide_now(Facts(token=jwtmw_issuer.token("alice")))
    assert isinstance(decision, Allow)
    assert "alice" == decision.principal.subject
    assert decision.principal is decision.user
    assert Place("header", "Authorization", "Bearer") == decision.place


@pytest.mark.parametrize("path", ["/open/1", "/open"])
def test_a_public_route_reads_nothing(policy: Policy, path: str) -> None:
    """Not even a header is looked at where everybody may pass."""
    assert PASS == policy.engine.decide_now(Untouchable(path))


def test_an_absent_optional_token_is_anonymous(policy: Policy) -> None:
    """Nobody is believed to be anybody."""
    decision = policy.engine.decide_now(Facts("/maybe"))
    assert isinstance(decision, Allow)
    assert decision.principal is ANONYMOUS


def test_a_present_optional_token_must_meet_the_rule(policy: Policy, jwtmw_issuer: TestIssuer) -> None:
    """Absent passes, present must be good enough."""
    engine = policy.engine
    assert PASS == engine.decide_now(Facts("/maybe/read"))
    assert Reason.SCOPE_MISSING is reason_of(engine.decide_now(Facts("/maybe/read", token=jwtmw_issuer.token())))


@pytest.mark.parametrize(
    ("method", "headers", "switched_on", "reason"),
    [
        pytest.param("OPTIONS", PREFLIGHT, True, None, id="preflight"),
        pytest.param("OPTIONS", PREFLIGHT, False, Reason.TOKEN_MISSING, id="off"),
        pytest.param("PUT", PREFLIGHT, True, Reason.TOKEN_MISSING, id="other method"),
        pytest.param("OPTIONS", {"origin": "x"}, True, Reason.TOKEN_MISSING, id="no method asked for"),
        pytest.param(
            "OPTIONS", {"access-control-request-method": "PUT"}, True, Reason.TOKEN_MISSING, id="without origin"
        ),
        pytest.param("OPTIONS", PREFLIGHT | {"origin": ""}, True, Reason.TOKEN_MISSING, id="empty origin"),
    ],
)
def test_a_preflight_passes(
    jwtmw_issuer: TestIssuer, method: str, headers: dict[str, str], switched_on: bool, reason: Reason | None
) -> None:
    """OPTIONS with both headers passes, unless that is switched off."""
    policy = policy_of(jwtmw_issuer, cors_preflight=switched_on)
    assert reason is reason_of(policy.engine.decide_now(Facts(method=method, headers=headers)))


def test_nothing_is_judged_where_judging_is_off(jwtmw_issuer: TestIssuer) -> None:
    """Odd paths and methods pass, too, and nothing is read."""
    policy = policy_of(jwtmw_issuer, inbound=False)
    assert PASS is policy.engine.decide_now(Untouchable("//..", "BREW"))


# The cache of verified tokens


def test_a_token_seen_before_is_not_verified_again(policy: Policy, jwtmw_issuer: TestIssuer) -> None:
    """The same bytes are verified once; what the route wants is asked each time."""
    token = jwtmw_issuer.token(scope="read")
    reasons = [reason_of(policy.engine.decide_now(Facts(path, token=token))) for path in ("/read", "/write", "/x")]
    assert [None, Reason.SCOPE_MISSING, None] == reasons
    assert 1 == policy.metrics()["verified"]


@pytest.mark.parametrize("size", [0, 10])
def test_a_token_seen_before_expires_all_the_same(jwtmw_issuer: TestIssuer, jwtmw_clock: Any, size: int) -> None:
    """Time is judged again at each hit."""
    engine = policy_of(jwtmw_issuer, cache={"size": size}).engine
    token = jwtmw_issuer.token()
    assert None is reason_of(engine.decide_now(Facts(token=token)))
    jwtmw_clock.advance(3600 + 30)
    assert Reason.EXPIRED is reason_of(engine.decide_now(Facts(token=token)))


def test_a_clock_that_is_turned_back_is_noticed(policy: Policy, jwtmw_issuer: TestIssuer, jwtmw_clock: Any) -> None:
    """A token seen before does not count before its time either."""
    token = jwtmw_issuer.token()
    assert None is reason_of(policy.engine.decide_now(Facts(token=token)))
    jwtmw_clock.set_time(jwtmw_clock.time() - 1000)
    assert Reason.ISSUED_IN_FUTURE is reason_of(policy.engine.decide_now(Facts(token=token)))


def test_a_verdict_does_not_outlive_the_cache(jwtmw_issuer: TestIssuer, jwtmw_clock: Any) -> None:
    """After `max_age` the signature is checked again."""
    policy = policy_of(jwtmw_issuer, cache={"max_age": 60})
    token = jwtmw_issuer.token()
    for _ in range(3):
        policy.engine.decide_now(Facts(token=token))
        jwtmw_clock.advance(30)
    assert 2 == policy.metrics()["verified"]


def test_a_key_that_is_no_longer_trusted_is_looked_up_again(policy: Policy, jwtmw_issuer: TestIssuer) -> None:
    """A verdict falls with its key."""
    source = Waits(policy.engine, flight())
    token = jwtmw_issuer.token()
    source.on.future.set_result(True)
    flow = source.engine.decide(Facts(token=token))
    next(flow)
    with pytest.raises(StopIteration):
        flow.send(None)
    assert 1 == len(source.engine.cache)
    assert None is source.engine.decide_now(Facts(token=token))


def test_a_token_counts_where_it_was_verified_only(jwtmw_issuer: TestIssuer) -> None:
    """Of several places each is judged for itself, also for a token seen in another."""
    partners = TestIssuer("https://partners.example", clock=jwtmw_issuer.clock)
    clock: Any = jwtmw_issuer.clock
    policy = Policy(
        token_from=[{"header": "X-Token"}, {"query": "jwt"}],
        issuers=[jwtmw_issuer.settings(token_from=[{"query": "jwt"}]), partners.settings()],
        clock=clock,
    )
    token = jwtmw_issuer.token()
    in_query, in_header = Facts(query=f"jwt={token}".encode()), Facts(headers={"x-token": token})
    decisions = [policy.engine.decide_now(each) for each in (in_query, in_query, in_header)]
    assert [None, None, Reason.PLACE_REFUSED] == [reason_of(each) for each in decisions]
    assert 1 == policy.metrics()["verified"]


# Waiting, and what goes wrong


def test_what_must_be_waited_for_is_not_decided_now(policy: Policy, jwtmw_issuer: TestIssuer) -> None:
    """`decide_now` neither waits nor guesses, and counts nothing."""
    engine = Waits(policy.engine, flight()).engine
    assert None is engine.decide_now(Facts(token=jwtmw_issuer.token()))
    assert 0 == engine.metrics.allowed
    assert {} == engine.metrics.denied


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        pytest.param(KeysUnavailable(1.2), Deny(Reason.KEYS_UNAVAILABLE, retry_after=2), id="unavailable"),
        pytest.param(TokenRefused(Reason.KEY_UNKNOWN), Deny(Reason.KEY_UNKNOWN), id="unknown key"),
        pytest.param(ZeroDivisionError("s3cret"), Deny(Reason.INTERNAL), id="a bug"),
    ],
)
def test_what_fails_after_the_wait_refuses(
    policy: Policy, jwtmw_issuer: TestIssuer, raised: Exception, expected: Deny
) -> None:
    """Each failure has its own outcome; none lets anybody in."""
    source = Waits(policy.engine, flight(), raised)
    flow = source.engine.decide(Facts(token=jwtmw_issuer.token()))
    next(flow)
    with pytest.raises(StopIteration) as stop:
        flow.send(None)
    assert expected == stop.value.value._replace(ask=None, place=None)


def test_a_token_can_expire_while_its_keys_are_waited_for(
    policy: Policy, jwtmw_issuer: TestIssuer, jwtmw_clock: Any
) -> None:
    """The time is read again after the wait."""
    source = Waits(policy.engine, flight())
    flow = source.engine.decide(Facts(token=jwtmw_issuer.token()))
    next(flow)
    jwtmw_clock.advance(4000)
    with pytest.raises(StopIteration) as stop:
        flow.send(None)
    assert Reason.EXPIRED is stop.value.value.reason


@pytest.mark.parametrize("token", [None, "a.b.c"])
def test_the_flow_decides_at_once_what_needs_no_waiting(policy: Policy, token: str | None) -> None:
    """A flow that has nothing to wait for ends with the decision."""
    with pytest.raises(StopIteration) as stop:
        next(policy.engine.decide(Facts(token=token)))
    assert isinstance(stop.value.value, Deny)


def test_the_unforeseen_refuses_and_tells_nobody(policy: Policy, caplog: pytest.LogCaptureFixture) -> None:
    """A bug is 500; its message, which may hold anything, is in no log."""
    with caplog.at_level(logging.DEBUG):
        decision = policy.engine.decide_now(Broken())
    assert Reason.INTERNAL is reason_of(decision)
    assert "RuntimeError" in caplog.text
    assert "s3cret" not in caplog.text


def test_what_is_no_exception_propagates(policy: Policy) -> None:
    """Who stops the process or cancels a task is not stopped here."""
    request = Broken()
    request.error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        policy.engine.decide_now(request)


def test_no_refusal_shows_the_token(policy: Policy, jwtmw_issuer: TestIssuer, caplog: pytest.LogCaptureFixture) -> None:
    """Neither records nor decisions hold a piece of what the caller sent."""
    sent = [jwtmw_issuer.token("mallory", exp=1), jwtmw_issuer.token("mallory", signer=TestIssuer().signer), "x.y.z"]
    with caplog.at_level(logging.DEBUG):
        shown = [repr(policy.engine.decide_now(Facts("/read", token=token))) for token in sent]
    told = caplog.text + "".join(shown) + "".join(repr(vars(record)) for record in caplog.records)
    assert 3 == len(caplog.records)
    assert [] == [
        piece for token in sent for piece in (*token.split("."), "mallory") if len(piece) > 1 and piece in told
    ]


def test_a_token_in_the_works_is_not_shown() -> None:
    """What stands in a frame of a traceback has a repr without the token."""
    presented = Presented(Any, Place("header", "X-Token"), None, b"s3cret", b"s3cret")  # type: ignore[arg-type]
    assert "Presented(header X-Token)" == repr(presented)


# What only the default refuses, while the endpoint is not known


@pytest.mark.parametrize(
    ("path", "liftable"),
    [
        pytest.param("/elsewhere", True, id="default"),
        pytest.param("/read", False, id="rule"),
        pytest.param("/closed", False, id="rule denies"),
        pytest.param("/a//b", False, id="path"),
    ],
)
def test_only_the_default_can_be_lifted(policy: Policy, path: str, liftable: bool) -> None:
    """While the endpoint is unknown, a refusal of the default is pending: neither final nor counted."""
    decision = policy.engine.decide_now(Facts(path, known=False))
    assert isinstance(decision, Deny)
    assert liftable is decision.liftable
    assert (0 if liftable else 1) == sum(policy.engine.metrics.denied.values())


def test_a_bug_is_never_lifted(policy: Policy) -> None:
    """No mark makes good what could not be judged."""
    decision = policy.engine.decide_now(Broken(known=False))
    assert isinstance(decision, Deny)
    assert not decision.liftable


def test_a_pending_refusal_that_is_concluded_is_final(policy: Policy) -> None:
    """It is counted then, and can be lifted no more."""
    request = Facts(known=False)
    pending = policy.engine.decide_now(request)
    assert isinstance(pending, Deny)
    final = policy.engine.conclude(request, pending)
    assert pending._replace(liftable=False) == final
    assert {Reason.TOKEN_MISSING: 1} == policy.engine.metrics.denied


# The endpoint's mark

PUBLIC, OPTIONAL, ANY, WRITE = (
    mark(Access.PUBLIC),
    mark(Access.OPTIONAL),
    mark(),
    mark(scopes=["write"]),
)
MARKED: dict[str, tuple[str, str | None, Mark, Reason | None]] = {
    "public-lifts-the-default": ("/x", None, PUBLIC, None),
    "public-lifts-no-rule": ("/closed", None, PUBLIC, Reason.RULE_DENIES),
    "optional-lifts-the-default": ("/x", None, OPTIONAL, None),
    "any-token-is-missing": ("/open/1", None, ANY, Reason.TOKEN_MISSING),
    "a-public-rule-is-tightened": ("/open/1", "read", WRITE, Reason.SCOPE_MISSING),
    "scope-there": ("/x", "write", WRITE, None),
    "scope-missing": ("/x", "read", WRITE, Reason.SCOPE_MISSING),
    "rule-and-mark": ("/read", "read", WRITE, Reason.SCOPE_MISSING),
    "rule-and-mark-both-met": ("/read", "read write", WRITE, None),
}


@pytest.mark.parametrize(("path", "scope", "endpoint", "reason"), MARKED.values(), ids=MARKED)
def test_a_mark_known_later_comes_to_the_same(
    policy: Policy, jwtmw_issuer: TestIssuer, path: str, scope: str | None, endpoint: Mark, reason: Reason | None
) -> None:
    """Whether the endpoint is known at once or only behind the router changes no outcome."""
    token = None if scope is None else jwtmw_issuer.token(scope=scope)
    at_once = policy.engine.decide_now(Facts(path, token=token, mark=endpoint))
    request = Facts(path, token=token, known=False)
    first = policy.engine.decide_now(request)
    assert first is not None
    final = isinstance(first, Deny) and not first.liftable
    allow = PASS if isinstance(first, Deny) else first
    later = first if final else policy.engine.add_mark(request, allow, endpoint)
    assert (reason, reason) == (reason_of(at_once), reason_of(later))


def test_a_verified_caller_keeps_the_verdict_when_the_mark_is_known(policy: Policy, jwtmw_issuer: TestIssuer) -> None:
    """Only what the route wants is asked again; a public endpoint has an anonymous caller."""
    request = Facts(token=jwtmw_issuer.token(scope="write"), known=False)
    allow = policy.engine.decide_now(request)
    assert isinstance(allow, Allow)
    assert allow is policy.engine.add_mark(request, allow, WRITE)
    assert PASS is policy.engine.add_mark(request, allow, PUBLIC)


def test_a_mark_does_not_change_what_was_not_judged(jwtmw_issuer: TestIssuer) -> None:
    """Non-secure, only reported, or a preflight: it passes, whatever the mark says."""
    off, reporting = policy_of(jwtmw_issuer, secure=False), policy_of(jwtmw_issuer, report_only=True)
    request = Facts("//", known=False)
    reported = reporting.engine.decide_now(request)
    assert isinstance(reported, Allow)
    assert reported is reporting.engine.add_mark(request, reported, WRITE)
    assert PASS is off.engine.add_mark(Facts(), PASS, WRITE)
    preflight = Facts(method="OPTIONS", headers=PREFLIGHT, known=False)
    judging = policy_of(jwtmw_issuer)
    assert PASS is judging.engine.decide_now(preflight)
    assert PASS is judging.engine.add_mark(preflight, PASS, WRITE)


# The second lock


def let_in(policy: Policy, request: Request) -> Allow:
    decision = policy.engine.decide_now(request)
    assert isinstance(decision, Allow)
    return decision


@pytest.mark.parametrize(
    ("path", "scope", "endpoint", "reason"),
    [
        pytest.param("/x", "write", WRITE, None, id="met"),
        pytest.param("/x", "read", WRITE, Reason.SCOPE_MISSING, id="scope missing"),
        pytest.param("/open/1", None, ANY, Reason.TOKEN_MISSING, id="anonymous"),
        pytest.param("/maybe", None, mark(Access.OPTIONAL, scopes=["write"]), None, id="anonymous where optional"),
    ],
)
def test_the_second_lock_asks_the_same_question(
    policy: Policy, jwtmw_issuer: TestIssuer, path: str, scope: str | None, endpoint: Mark, reason: Reason | None
) -> None:
    """Whoever came in without the mark's being asked is asked in the application."""
    request = Facts(path, token=None if scope is None else jwtmw_issuer.token(scope=scope))
    allow = let_in(policy, request)
    if reason is None:
        policy.engine.enforce(request, allow, endpoint)
        return
    with pytest.raises(Denied) as raised:
        policy.engine.enforce(request, allow, endpoint)
    assert reason is raised.value.decision.reason
    assert 1 == policy.engine.metrics.denied[reason]


@pytest.mark.parametrize("keys", [{"secure": False}, {"report_only": True}], ids=["non-secure", "report-only"])
def test_the_second_lock_stands_open_where_nothing_is_refused(jwtmw_issuer: TestIssuer, keys: dict[str, Any]) -> None:
    """What passes the engine in these modes passes the lock, also where only the lock would refuse."""
    policy = policy_of(jwtmw_issuer, rules=RULES, **keys)
    for path in ("/x", "/open/1"):
        request = Facts(path)
        policy.engine.enforce(request, let_in(policy, request), WRITE)


# Report-only


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        pytest.param("/trial", Reason.SCOPE_MISSING, id="the rule's requirement"),
        pytest.param("/trial/closed", Reason.RULE_DENIES, id="a rule that denies"),
    ],
)
def test_a_rule_can_be_only_reported(
    policy: Policy, jwtmw_issuer: TestIssuer, caplog: pytest.LogCaptureFixture, path: str, reason: Reason
) -> None:
    """The request passes, and is counted and recorded under route and reason."""
    decision = policy.engine.decide_now(Facts(path, token=jwtmw_issuer.token()))
    assert isinstance(decision, Allow)
    assert reason is decision.would_deny
    assert [{"route": path, "reason": reason.value, "count": 1}] == policy.metrics()["would_deny"]
    assert f"would deny: {reason.value} ({path})" in caplog.messages


def test_a_caller_who_is_only_reported_is_the_verified_one(jwtmw_issuer: TestIssuer) -> None:
    """Token good, scope missing: principal, the application's user and the token's place are those of a pass."""
    policy = policy_of(jwtmw_issuer, rules=RULES, report_only=True, load_user=lambda principal: [principal.subject])
    for _ in range(2):
        decision = policy.engine.decide_now(Facts("/read", token=jwtmw_issuer.token("alice")))
        assert isinstance(decision, Allow)
        assert ("alice", ["alice"]) == (decision.principal.subject, decision.user)
        assert "header Authorization (Bearer)" == (decision.place and decision.place.label)


def test_a_bad_token_that_is_only_reported_is_nobody(jwtmw_issuer: TestIssuer) -> None:
    """No claim of a token that was refused is believed; its place is known, so that it can be hidden."""
    policy = policy_of(jwtmw_issuer, report_only=True)
    decision = policy.engine.decide_now(Facts(token=jwtmw_issuer.token(exp=1)))
    assert isinstance(decision, Allow)
    assert (ANONYMOUS, ANONYMOUS, Reason.EXPIRED) == (decision.principal, decision.user, decision.would_deny)
    assert decision.place is not None


def test_a_mark_that_is_only_reported_keeps_user_and_place(jwtmw_issuer: TestIssuer) -> None:
    """What was known of the caller before the endpoint is not lost there."""
    policy = policy_of(jwtmw_issuer, report_only=True, load_user=lambda principal: [principal.subject])
    request = Facts(token=jwtmw_issuer.token("alice"), known=False)
    allow = let_in(policy, request)
    marked = policy.engine.add_mark(request, allow, WRITE)
    assert allow._replace(would_deny=Reason.SCOPE_MISSING) == marked


# Vocabulary


@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.value)
def test_a_reason_shows_its_value(reason: Reason) -> None:
    """In texts a reason is its value; it has a code and a meaning."""
    assert reason.value == str(reason) == f"{reason}"
    assert reason.code in Code
    assert reason.meaning


def test_a_request_has_no_headers_of_its_own() -> None:
    """Every adapter says how a header is read."""
    with pytest.raises(NotImplementedError):
        Request("GET", "/").header(b"host")


def test_the_engine_is_immutable(policy: Policy) -> None:
    """Shared by all threads, it has nothing to change."""
    with pytest.raises(AttributeError):
        policy.engine.report_only = True  # type: ignore[misc]
    assert replace(policy.engine, report_only=True).report_only
