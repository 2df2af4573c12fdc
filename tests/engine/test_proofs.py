"""What binds a token to its request: judged last and in full, once for a request, and for nobody else's."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from jwtmw import Policy
from jwtmw.adapter import Allow, BodyUnreadable, Decision, Deny, Reason, run
from jwtmw.effects import ReadBody, Wait
from jwtmw.engine import Engine
from jwtmw.errors import ReplaysUnavailable
from jwtmw.policy.rules import Access
from jwtmw.proof.body import body_hash
from jwtmw.proof.evidence import Proofs
from jwtmw.proof.shared import UsedAnywhere
from jwtmw.proof.single_use import Spending, UsedHere
from jwtmw.testing import Clock, TestIssuer
from jwtmw.token.claims import ClaimSet, introspected, judge_claims
from jwtmw.token.principal import ANONYMOUS
from tests.engine.facts import Facts, mark, policy_of

BODY = b'{"amount": 7}'
HASH = body_hash(BODY)
RULES = [
    {"path": "/bound", "body": "sha-256"},
    {"path": "/bound/512", "body": "sha-512"},
    {"path": "/bound/md5", "body": "md5"},
    {"path": "/bound/maybe", "body": "sha-256", "allow": "optional"},
    {"path": "/bound/write", "body": "sha-256", "scopes": ["write"]},
    {"path": "/bound/trial", "body": "sha-256", "report_only": True},
    {"path": "/once", "single_use": True},
    {"path": "/once/again", "single_use": True},
    {"path": "/once/write", "single_use": True, "scopes": ["write"]},
    {"path": "/once/trial", "single_use": True, "report_only": True},
    {"path": "/both", "body": "sha-256", "single_use": True},
    {"path": "/open", "allow": "public"},
    {"path": "/maybe", "allow": "optional"},
]


class Sender:
    """Who sends a body, and how often it is read."""

    def __init__(self, body: bytes | Exception | None = BODY) -> None:
        self.body = body
        self.limits: list[int] = []

    def __call__(self, limit: int) -> bytes | None:
        self.limits.append(limit)
        if isinstance(self.body, Exception):
            raise self.body
        return self.body


def nobody(limit: int) -> bytes | None:
    raise AssertionError("the body was read")


Ask = Callable[..., Any]


@pytest.fixture
def policy(jwtmw_issuer: TestIssuer) -> Policy:
    return policy_of(jwtmw_issuer, rules=RULES, cors_preflight=True)


def judged(policy: Policy, request: Facts, body: Callable[[int], bytes | None] = nobody) -> Reason | str | None:
    """Why it is refused, who passes, or that nobody in particular does."""
    decision = policy.engine.decide_now(request) or run(policy.engine, request, body)
    return told(decision)


def told(decision: Decision) -> Reason | str | None:
    return decision.reason if isinstance(decision, Deny) else decision.principal.subject


@pytest.fixture
def token(jwtmw_issuer: TestIssuer) -> Callable[..., str]:
    return lambda **claims: jwtmw_issuer.token("alice", **claims)


# The body


@pytest.mark.parametrize(
    ("path", "name"), [("/bound", "sha-256"), ("/bound/512", "sha-512"), ("/bound/md5", "md5")], ids=lambda value: value
)
def test_a_body_that_is_bound_passes(policy: Policy, token: Ask, path: str, name: str) -> None:
    """By the hash that the rule names and by no other, for a token that is seen again as well."""
    good = token(bdy=body_hash(BODY, name))
    assert ["alice", "alice"] == [judged(policy, Facts(path, token=good), Sender()) for _ in range(2)]
    for other in {"sha-256", "sha-512", "md5"} - {name}:
        bad = token(bdy=body_hash(BODY, other))
        assert Reason.BODY_MISMATCH is judged(policy, Facts(path, token=bad), Sender())


@pytest.mark.parametrize("body", [BODY[:-1], BODY + b" ", b'{"amount": 8}', b'{"amount":7}', b""])
def test_another_body_is_refused(policy: Policy, token: Ask, body: bytes) -> None:
    """One byte changed, cut off or appended, the same JSON written differently, or nothing at all."""
    assert Reason.BODY_MISMATCH is judged(policy, Facts("/bound", token=token(bdy=HASH)), Sender(body))


@pytest.mark.parametrize("bdy", ["", HASH.upper(), 7, [HASH], {"sha-256": HASH}], ids=repr)
def test_only_the_exact_claim_binds(policy: Policy, token: Ask, bdy: object) -> None:
    """A claim of another type or spelling is there, and is not the hash."""
    assert Reason.BODY_MISMATCH is judged(policy, Facts("/bound", token=token(bdy=bdy)), Sender())


def test_a_body_without_a_claim_is_refused(policy: Policy, token: Ask) -> None:
    """Only an empty body needs no binding; a claim that is there must be the hash of nothing."""
    assert Reason.BODY_NOT_BOUND is judged(policy, Facts("/bound", token=token()), Sender())
    assert "alice" == judged(policy, Facts("/bound", token=token()), Sender(b""))
    assert "alice" == judged(policy, Facts("/bound", token=token(bdy=body_hash(b""))), Sender(b""))


def test_a_body_larger_than_the_bound_is_refused(jwtmw_issuer: TestIssuer, token: Ask) -> None:
    """The reader is told how much it may read; 413, whatever the token says."""
    policy = policy_of(jwtmw_issuer, rules=RULES, max_body_bytes=10)
    sender = Sender(None)
    decision = run(policy.engine, Facts("/bound", token=token(bdy=HASH)), sender)
    assert isinstance(decision, Deny)
    assert ([10], Reason.BODY_TOO_LARGE, None) == (sender.limits, decision.reason, decision.principal)
    response = policy.renderer.render(decision, None)
    assert (413, []) == (response.status, [name for name, _ in response.headers if name == b"www-authenticate"])


def test_a_body_that_does_not_come_whole_is_refused(policy: Policy, token: Ask) -> None:
    """The caller has gone, or lies about the length: 401, as for any body that is not the one that was bound."""
    asked = Facts("/bound", token=token(bdy=HASH))
    assert Reason.BODY_UNREADABLE is judged(policy, asked, Sender(BodyUnreadable()))


def test_a_reader_that_fails_refuses(policy: Policy, token: Ask) -> None:
    """500, and the application is not called."""
    assert Reason.INTERNAL is judged(policy, Facts("/bound", token=token(bdy=HASH)), Sender(OSError("canary")))


@pytest.mark.parametrize(
    ("claims", "path", "reason"),
    [
        ({"exp": 1}, "/bound", Reason.EXPIRED),
        ({"aud": "others"}, "/bound", Reason.AUDIENCE_MISMATCH),
        ({}, "/bound/write", Reason.SCOPE_MISSING),
        ({"htm": "PUT"}, "/bound", Reason.TARGET_MISMATCH),
    ],
)
def test_a_refused_callers_body_is_never_read(
    policy: Policy, token: Ask, claims: dict[str, Any], path: str, reason: Reason
) -> None:
    """All that can be said without it is said first."""
    assert reason is judged(policy, Facts(path, token=token(bdy=HASH, **claims)))


def test_the_body_of_a_forgery_is_never_read(policy: Policy, token: Ask) -> None:
    """Nor that of a request without a token, or with one that cannot be verified."""
    head, _, _ = token(bdy=HASH).rpartition(".")
    assert Reason.SIGNATURE_INVALID is judged(policy, Facts("/bound", token=f"{head}.{'A' * 342}"))
    assert Reason.TOKEN_MISSING is judged(policy, Facts("/bound"))


def test_hooks_refuse_before_the_body_is_read(jwtmw_issuer: TestIssuer, token: Ask) -> None:
    """A check or a user that is missing; each hook is asked once for a request."""
    asked: list[str] = []

    def check(principal: Any, request: Any) -> bool:
        asked.append("check")
        return principal.subject == "alice"

    def load_user(principal: Any) -> object:
        asked.append("user")
        return principal.claims.get("bdy")

    policy = policy_of(jwtmw_issuer, rules=RULES, check=check, load_user=load_user)
    assert "alice" == judged(policy, Facts("/bound", token=token(bdy=HASH)), Sender())
    assert ["check", "user"] == asked
    assert Reason.USER_REFUSED is judged(policy, Facts("/bound", token=token()))
    assert Reason.CHECK_REFUSED is judged(policy, Facts("/bound", token=jwtmw_issuer.token("bob", bdy=HASH)))


def test_elsewhere_no_body_is_read(policy: Policy, token: Ask) -> None:
    """What a token says of a body counts only where the rule asks; a public route and a preflight ask for nothing."""
    preflight = {"origin": "https://shop.example", "access-control-request-method": "POST"}
    assert "alice" == judged(policy, Facts("/orders", token=token(bdy="of another body")))
    assert None is judged(policy, Facts("/open", token=token(bdy=HASH)))
    assert None is judged(policy, Facts("/bound", "OPTIONS", headers=preflight))


def test_an_optional_token_that_is_there_is_bound(policy: Policy, token: Ask) -> None:
    """Without one there is nothing to prove."""
    assert None is judged(policy, Facts("/bound/maybe"))
    assert Reason.BODY_NOT_BOUND is judged(policy, Facts("/bound/maybe", token=token()), Sender())


def test_a_handshake_has_no_body(policy: Policy, token: Ask) -> None:
    """What follows it is no part of the request: nothing is read, and a claim must be the hash of nothing."""
    asked = [Facts("/bound", token=token(**claims)) for claims in ({}, {"bdy": HASH}, {"bdy": body_hash(b"")})]
    for each in asked:
        each.websocket = True
    assert ["alice", Reason.BODY_MISMATCH, "alice"] == [judged(policy, each) for each in asked]


def test_a_mark_neither_adds_a_proof_nor_drops_one(policy: Policy, token: Ask) -> None:
    """Proofs are the operator's: they stay whatever developers decorate."""
    engine = policy.engine
    rule = engine.rules.find("GET", "/bound")
    for each in (None, mark(Access.PUBLIC), mark(Access.OPTIONAL), mark(scopes=["read"])):
        assert Proofs("sha-256") == engine.rules.ask(rule, each).proofs
        assert None is engine.rules.ask(None, each).proofs


# The target


@pytest.mark.parametrize("path", ["/orders", "/once", "/maybe"])
def test_a_token_for_one_request_fits_no_other(policy: Policy, token: Ask, path: str) -> None:
    """On every route that reads a token, known or not, seen before or not."""
    own = f"https://orders.example{path}"
    good = token(htm="PUT", htu=own, jti="one")
    assert "alice" == judged(policy, Facts(path, "PUT", token=good))
    for wrong in ({"htm": "PUT", "htu": f"{own}/7"}, {"htm": "GET"}, {"htm": "put"}, {"htu": "https://orders.example"}):
        refused = token(**wrong, jti="two")
        assert [Reason.TARGET_MISMATCH] * 2 == [judged(policy, Facts(path, "PUT", token=refused)) for _ in range(2)]
    assert Reason.TARGET_MISMATCH is judged(policy, Facts(path, "GET", token=good))


@pytest.mark.parametrize("claims", [{"htm": 7}, {"htu": ["a"]}, {"htm": ""}, {"htu": {}}, {"htu": True}])
def test_a_binding_of_a_wrong_type_refuses(policy: Policy, token: Ask, claims: dict[str, Any]) -> None:
    """As any registered claim of a wrong type does."""
    assert Reason.CLAIMS_MALFORMED is judged(policy, Facts(token=token(**claims)))


def test_a_public_route_reads_no_binding(policy: Policy, token: Ask) -> None:
    """No token is read there at all."""
    assert None is judged(policy, Facts("/open", token=token(htm="DELETE")))


def test_the_host_counts_where_it_is_configured(jwtmw_issuer: TestIssuer, token: Ask) -> None:
    """`external_url` says it, and never a header."""
    headers = {"host": "evil.example", "x-forwarded-host": "evil.example"}
    policy = policy_of(jwtmw_issuer, external_url="https://orders.example")
    htus = ("https://orders.example/orders", "https://evil.example/orders")
    asked = [Facts(token=token(htu=htu), headers=headers) for htu in htus]
    assert ["alice", Reason.TARGET_MISMATCH] == [judged(policy, each) for each in asked]


def test_a_root_path_is_part_of_the_target(policy: Policy, token: Ask) -> None:
    """What callers send is the whole path."""
    good = token(htu="https://a.example/api/orders")
    for path in ("/orders", "/api/orders"):
        asked = Facts(path, token=good)
        asked.root_path = "/api"
        assert "alice" == judged(policy, asked)


def test_a_mark_lifts_what_only_the_default_refused(policy: Policy, token: Ask) -> None:
    """A token for another request is refused as any bad token: `@public` reads none, `@optional` refuses it."""
    for access, expected in ((Access.PUBLIC, None), (Access.OPTIONAL, Reason.TARGET_MISMATCH)):
        asked = Facts(token=token(htm="PUT"), known=False)
        first = policy.engine.decide_now(asked)
        assert isinstance(first, Deny)
        assert first.liftable
        decision = policy.engine.add_mark(asked, Allow(ANONYMOUS, ANONYMOUS), mark(access))
        assert decision is not None
        assert expected is told(decision)


# Single use


def test_a_token_counts_once(policy: Policy, token: Ask) -> None:
    """On every route that wants one for single use; another token is another."""
    first, second = token(jti="one"), token(jti="two")
    assert "alice" == judged(policy, Facts("/once", token=first))
    assert [Reason.REPLAYED] * 2 == [judged(policy, Facts(path, token=first)) for path in ("/once", "/once/again")]
    assert "alice" == judged(policy, Facts("/once/again", token=second))


def test_one_name_in_two_tokens_is_one_use(policy: Policy, token: Ask) -> None:
    """A replay with another signature, target or body is a replay."""
    assert "alice" == judged(policy, Facts("/once", token=token(jti="one")))
    assert Reason.REPLAYED is judged(policy, Facts("/once", token=token(jti="one", htm="GET", nonce="other")))


def test_elsewhere_a_token_is_not_spent(policy: Policy, token: Ask) -> None:
    """A route that does not ask neither spends it nor minds that it is spent."""
    one = token(jti="one")
    assert ["alice"] * 3 == [judged(policy, Facts(path, token=one)) for path in ("/orders", "/once", "/orders")]


@pytest.mark.parametrize("claims", [{"jti": None}, {"exp": None}], ids=["no jti", "no exp"])
def test_a_token_that_could_not_be_remembered_is_refused(jwtmw_issuer: TestIssuer, claims: dict[str, Any]) -> None:
    """What has no name or no end cannot be for one use; it is good elsewhere."""
    policy = policy_of(jwtmw_issuer, entry={"require_expiry": False}, rules=RULES)
    token = jwtmw_issuer.token("alice", **{"jti": "one", **claims})
    assert Reason.NOT_SINGLE_USE is judged(policy, Facts("/once", token=token))
    assert "alice" == judged(policy, Facts("/orders", token=token))


def test_a_refused_request_spends_nothing(policy: Policy, token: Ask) -> None:
    """Single use is last: what is refused for scopes, target or body may be sent again as it should be."""
    one = token(jti="one", bdy=HASH, htm="POST")
    assert Reason.SCOPE_MISSING is judged(policy, Facts("/once/write", "POST", token=one))
    assert Reason.TARGET_MISMATCH is judged(policy, Facts("/once", token=one))
    assert Reason.BODY_MISMATCH is judged(policy, Facts("/both", "POST", token=one), Sender(b"other"))
    assert "alice" == judged(policy, Facts("/both", "POST", token=one), Sender())
    assert Reason.REPLAYED is judged(policy, Facts("/both", "POST", token=one), Sender())


def test_a_token_is_remembered_as_long_as_it_counts(
    policy: Policy, jwtmw_issuer: TestIssuer, jwtmw_clock: Clock, token: Ask
) -> None:
    """Until its exp and the leeway behind it; from then on it is refused as expired."""
    one = token(jti="one", exp=int(jwtmw_issuer.clock.time()) + 60)
    assert "alice" == judged(policy, Facts("/once", token=one))
    jwtmw_clock.advance(89)
    assert Reason.REPLAYED is judged(policy, Facts("/once", token=one))
    jwtmw_clock.advance(1)
    assert Reason.EXPIRED is judged(policy, Facts("/once", token=one))


def test_a_body_that_takes_longer_than_the_token_counts_spends_nothing(
    policy: Policy, jwtmw_issuer: TestIssuer, jwtmw_clock: Clock, token: Ask
) -> None:
    """Else two slow uploads could use a token whose first use is forgotten already."""
    one = token(jti="one", bdy=HASH, exp=int(jwtmw_issuer.clock.time()) + 60)

    def slowly(limit: int) -> bytes:
        jwtmw_clock.advance(90)
        return BODY

    assert Reason.EXPIRED is judged(policy, Facts("/both", token=one), slowly)


def test_a_memory_that_is_full_refuses_for_now(jwtmw_issuer: TestIssuer, token: Ask) -> None:
    """503: neither is a token forgotten that counts, nor is one let in that could not be remembered."""
    policy = policy_of(jwtmw_issuer, rules=RULES, replay={"max_entries": 1})
    assert "alice" == judged(policy, Facts("/once", token=token(jti="one")))
    decision = policy.engine.decide_now(Facts("/once", token=token(jti="two"))) or run(
        policy.engine, Facts("/once", token=token(jti="two")), nobody
    )
    assert isinstance(decision, Deny)
    assert (Reason.REPLAYS_UNAVAILABLE, True) == (decision.reason, decision.retry_after > 0)
    assert 503 == policy.renderer.render(decision, None).status


# In a store


class Shared:
    """A store of a fleet whose answer has to be waited for."""

    def __init__(self, answer: bool | None = True) -> None:
        self.answer = answer
        self.spent: list[str] = []

    def spend(self, key: str, until: float, after: Spending | None = None) -> bool | Spending:
        if after is None:
            self.spent.append(key)
            waited = Spending(0.0, 5.0, lambda: 0.0)
            waited.future.set_result(True)
            return waited
        if self.answer is None:
            raise ReplaysUnavailable(3.0)
        return self.answer


def with_store(policy: Policy, store: Any) -> Engine:
    engine = policy.engine
    return replace(engine, prover=replace(engine.prover, uses=store))


@pytest.mark.parametrize(
    ("answer", "expected"), [(True, "alice"), (False, Reason.REPLAYED), (None, Reason.REPLAYS_UNAVAILABLE)]
)
def test_a_store_is_waited_for(policy: Policy, token: Ask, answer: bool | None, expected: object) -> None:
    """What it says holds, and who gets no answer does not pass; it is asked once for a request."""
    store = Shared(answer)
    engine = with_store(policy, store)
    asked = Facts("/once", token=token(jti="one"))
    assert None is engine.decide_now(asked)
    assert [] == store.spent
    assert expected == told(run(engine, asked, nobody))
    assert 1 == len(store.spent)


def effects(engine: Engine, request: Facts, answers: list[Any]) -> Iterator[str]:
    """The names of the effects of a decision, each answered from the list."""
    flow = engine.decide(request)
    try:
        effect = next(flow)
        while True:
            yield type(effect).__name__
            effect = flow.send(answers.pop(0))
    except StopIteration as stop:
        yield type(stop.value).__name__


def test_the_order_of_what_has_to_wait(policy: Policy, token: Ask) -> None:
    """The body first; the store, which cannot be asked to forget, last."""
    engine = with_store(policy, Shared())
    asked = Facts("/both", token=token(jti="one", bdy=HASH))
    assert [ReadBody.__name__, Wait.__name__, Allow.__name__] == list(effects(engine, asked, [BODY, None]))


# One request, judged twice


def moved(request: Facts, path: str) -> Facts:
    """As an adapter presents a request whose path was changed on the way."""
    new = copy.copy(request)
    new.path, new.sent, new.ask = path, request.sent or request, None
    return new


def test_a_request_that_is_judged_again_is_proved_once(policy: Policy, token: Ask) -> None:
    """Its path was changed on the way: both must allow, and nothing is read or spent a second time for it."""
    one = token(jti="one", bdy=HASH, htu="https://orders.example/both")
    first, sender = Facts("/both", token=one), Sender()
    assert "alice" == judged(policy, first, sender)
    assert ["alice"] * 3 == [judged(policy, moved(first, path), sender) for path in ("/both", "/once", "/bound")]
    assert 1 == len(sender.limits)
    again = moved(moved(first, "/once"), "/once/again")
    assert "alice" == judged(policy, again, sender)
    assert Reason.REPLAYED is judged(policy, Facts("/both", token=one), sender)


def test_what_was_not_asked_at_first_is_asked_for_the_new_path(policy: Policy, token: Ask) -> None:
    """A path that wants no proof is no way around one that does."""
    one = token(jti="one")
    first = Facts("/orders", token=one)
    assert "alice" == judged(policy, first)
    assert Reason.BODY_NOT_BOUND is judged(policy, moved(first, "/both"), Sender())
    assert "alice" == judged(policy, moved(first, "/once"))
    assert Reason.REPLAYED is judged(policy, Facts("/once", token=one))


def test_another_hash_is_made_of_the_body_itself(policy: Policy, token: Ask) -> None:
    """What was read for one hash proves nothing for another."""
    first, sender = Facts("/bound", token=token(bdy=HASH)), Sender()
    assert "alice" == judged(policy, first, sender)
    assert Reason.BODY_MISMATCH is judged(policy, moved(first, "/bound/512"), sender)
    assert 2 == len(sender.limits)


# Report-only, explanations, the usual case


def test_report_only_judges_in_full(policy: Policy, token: Ask, caplog: pytest.LogCaptureFixture) -> None:
    """What would be refused passes as nobody, is recorded, and the token is spent all the same."""
    caplog.set_level(logging.INFO)
    one = token(jti="one")
    asked = [Facts(path, token=one) for path in ("/once/trial", "/once/trial", "/bound/trial")]
    decisions = [run(policy.engine, each, Sender()) for each in asked]
    assert ["alice", None, None] == [told(decision) for decision in decisions]
    would = [decision.would_deny for decision in decisions if isinstance(decision, Allow)]
    assert [None, Reason.REPLAYED, Reason.BODY_NOT_BOUND] == would
    assert ["would deny: replayed (/once/trial)", "would deny: body_not_bound (/bound/trial)"] == caplog.messages


def test_what_lacks_a_scope_spends_nothing_where_it_is_only_reported(jwtmw_issuer: TestIssuer, token: Ask) -> None:
    """As it would spend nothing where it is refused."""
    policy = policy_of(jwtmw_issuer, rules=RULES, report_only=True)
    one = token(jti="one")
    decisions = [run(policy.engine, Facts("/once/write", token=one), nobody) for _ in range(2)]
    assert [Reason.SCOPE_MISSING] * 2 == [each.would_deny for each in decisions if isinstance(each, Allow)]


def test_an_explanation_spends_nothing(policy: Policy, token: Ask) -> None:
    """It says what is wanted, and that neither is judged: there is no request whose body it could be."""
    one = token(jti="one")
    for _ in range(2):
        told = str(policy.explain("POST", "/both", one))
        assert "wants a token bound to the body by sha-256, for one use: without a request, that is not judged" in told
        assert "passes as a caller" in told
    assert "alice" == judged(policy, Facts("/once", token=one))


def test_an_explanation_tells_what_needs_no_request(policy: Policy, token: Ask) -> None:
    """A token for another request, or one that can never be for one use."""
    wrong = token(jti="one", htu="https://orders.example/elsewhere")
    assert "(target_mismatch)" in str(policy.explain("POST", "/once", wrong))
    assert "(not_single_use)" in str(policy.explain("POST", "/once", token(jti=None)))


def test_a_token_of_an_introspected_issuer_keeps_its_binding() -> None:
    """What a token says of its request is not lifted by an answer that leaves it out."""
    token = ClaimSet(judge_claims({"sub": "alice", "htm": "PUT", "htu": "https://a.example/", "bdy": HASH}))
    assert {"sub": "alice", "htm": "PUT", "htu": "https://a.example/", "bdy": HASH} == introspected({}, token).claims


def test_a_store_is_used_where_a_rule_asks_for_it(jwtmw_issuer: TestIssuer) -> None:
    """And only where requests are judged: who asks for nothing, or judges nothing, makes no client."""
    store = {"store": "redis", "url": "redis://127.0.0.1:9/0"}
    once = [{"path": "/once", "single_use": True}]
    policies = [
        policy_of(jwtmw_issuer, replay=store, **keys)
        for keys in ({"rules": once}, {}, {"rules": once, "inbound": False})
    ]
    assert [UsedAnywhere, UsedHere, UsedHere] == [type(policy.engine.prover.uses) for policy in policies]


def test_the_default_memory_is_this_process(policy: Policy) -> None:
    """Without a store, and where nothing asks for one, no client is made."""
    assert isinstance(policy.engine.prover.uses, UsedHere)
