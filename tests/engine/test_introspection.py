"""Tokens about which their issuer is asked: opaque ones and JWTs, from the request to the decision."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jwt as pyjwt
import pytest

from jwtmw import ConfigurationError, Policy
from jwtmw.adapter import Allow, Decision, Deny, Reason, Request
from jwtmw.issuers.introspection import Introspector, Terms, Unkeyed
from jwtmw.issuers.issuer import Issuers
from jwtmw.issuers.verdicts import Answer
from jwtmw.testing import TestIssuer
from jwtmw.token.claims import ClaimSet
from jwtmw.token.frozen import FrozenDict
from jwtmw.verification import Good
from tests.engine.authority import Authority
from tests.engine.facts import Facts
from tests.engine.test_drive import drive
from tests.issuers.material import private_key, private_pem

OPAQUE = "ya29.a0AfH6SMB-_~+/x=="


@pytest.fixture
def authority(jwtmw_issuer: TestIssuer) -> Iterator[Authority]:
    with Authority(jwtmw_issuer) as authority:
        yield authority


def ask(policy: Policy, token: str = OPAQUE, path: str = "/orders", way: str = "thread") -> Decision:
    return drive(way, policy.engine, Facts(path, token=token))


def reason_of(decision: Decision) -> Reason | None:
    return decision.reason if isinstance(decision, Deny) else None


def allowed(decision: Decision) -> Allow:
    assert isinstance(decision, Allow), decision
    return decision


# What is asked, and how often


@pytest.mark.parametrize("way", ["thread", "asyncio", "trio"])
def test_an_opaque_token_is_introduced_by_its_issuer(authority: Authority, way: str) -> None:
    """The principal is made of the answer, in threads and on event loops alike."""
    authority.good(OPAQUE, scope="orders:read orders:write", client_id="shop", roles=["clerk"], team={"name": "a"})
    caller = allowed(ask(authority.policy(), way=way)).principal
    assert (
        "alice",
        authority.issuer.issuer,
        "shop",
        frozenset({"orders:read", "orders:write"}),
        frozenset({"clerk"}),
        frozenset({"orders"}),
        OPAQUE,
    ) == (caller.subject, caller.issuer, caller.client_id, caller.scopes, caller.roles, caller.audience, caller.token)
    assert {"name": "a"} == caller.claims["team"]
    assert "active" not in caller.claims
    assert "Bearer word" == authority.headers[0]["authorization"]


def test_one_question_serves_many_requests(authority: Authority) -> None:
    """And a token that was seen is answered without waiting."""
    authority.good(OPAQUE)
    policy = authority.policy()
    assert policy.engine.decide_now(Facts(token=OPAQUE)) is None
    allowed(ask(policy))
    for _ in range(5):
        assert isinstance(policy.engine.decide_now(Facts(token=OPAQUE)), Allow)
    assert ([OPAQUE], 1) == (authority.asked, policy.metrics()["verified"])


def test_without_the_cache_of_verified_tokens_nobody_is_asked_more_often(authority: Authority) -> None:
    """What the issuer said is remembered where it was asked."""
    authority.good(OPAQUE)
    policy = authority.policy(cache={"size": 0})
    assert [None] * 3 == [reason_of(ask(policy)) for _ in range(3)]
    assert [OPAQUE] == authority.asked


def test_a_token_that_is_revoked_at_the_issuer_is_refused_within_the_ttl(
    authority: Authority, jwtmw_clock: Any
) -> None:
    """The cache of verified tokens keeps it no longer than the answer."""
    authority.good(OPAQUE)
    policy = authority.policy({"introspection": {"url": authority.url, "token": "word", "ttl": 20}})
    allowed(ask(policy))
    authority.says.clear()
    jwtmw_clock.advance(19)
    allowed(ask(policy))
    jwtmw_clock.advance(1.1)
    assert Reason.TOKEN_INACTIVE == reason_of(ask(policy))


def test_a_bad_token_is_refused_without_asking_again(authority: Authority, jwtmw_clock: Any) -> None:
    """For the negative ttl: then it may have become good."""
    policy = authority.policy()
    assert [Reason.TOKEN_INACTIVE] * 3 == [reason_of(ask(policy)) for _ in range(3)]
    assert [OPAQUE] == authority.asked
    authority.good(OPAQUE)
    jwtmw_clock.advance(5.1)
    allowed(ask(policy))


# What counts in an answer


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        pytest.param({"iss": None}, None, id="no iss"),
        pytest.param({"iss": "https://other.example/"}, Reason.ISSUER_UNKNOWN, id="another iss"),
        pytest.param({"iss": ""}, Reason.CLAIMS_MALFORMED, id="empty iss"),
        pytest.param({"aud": None}, Reason.AUDIENCE_MISMATCH, id="no aud"),
        pytest.param({"aud": ["a", "orders"]}, None, id="aud of two"),
        pytest.param({"aud": "billing"}, Reason.AUDIENCE_MISMATCH, id="another aud"),
        pytest.param({"aud": 1}, Reason.CLAIMS_MALFORMED, id="aud of a wrong type"),
        pytest.param({"exp": None}, Reason.EXPIRY_MISSING, id="no exp"),
        pytest.param({"exp": 1}, Reason.EXPIRED, id="expired"),
        pytest.param({"exp": "1999999999"}, Reason.CLAIMS_MALFORMED, id="exp as text"),
        pytest.param({"exp": True}, Reason.CLAIMS_MALFORMED, id="exp as a boolean"),
        pytest.param({"nbf": 253402300799}, Reason.NOT_YET_VALID, id="not yet"),
        pytest.param({"iat": 253402300799}, Reason.ISSUED_IN_FUTURE, id="issued tomorrow"),
        pytest.param({"sub": 5}, Reason.CLAIMS_MALFORMED, id="sub as a number"),
        pytest.param({"sub": None}, None, id="no sub"),
        pytest.param({"scope": 5}, Reason.CLAIMS_MALFORMED, id="scope as a number"),
        pytest.param({"cnf": {"jkt": "a"}}, Reason.PROOF_MISSING, id="bound"),
        pytest.param({"token_type": "bearer"}, None, id="bearer"),
        pytest.param({"token_type": "access_token"}, None, id="access token"),
        pytest.param({"token_type": "refresh_token"}, Reason.TYPE_REFUSED, id="refresh token"),
        pytest.param({"token_type": "DPoP"}, Reason.TYPE_REFUSED, id="dpop"),
        pytest.param({"token_type": ["Bearer"]}, Reason.TYPE_REFUSED, id="kinds in a list"),
        pytest.param(
            {"deep": [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]},
            Reason.TOKEN_JSON,
            id="deep",
        ),
    ],
)
def test_an_answer_is_judged_like_a_token(authority: Authority, claims: dict[str, Any], reason: Reason | None) -> None:
    """Types, issuer, audience and times: `active` alone lets nobody in."""
    authority.good(OPAQUE, **claims)
    assert reason == reason_of(ask(authority.policy()))


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"required_claims": ["jti"]}, Reason.CLAIM_REQUIRED),
        ({"subjects": ["bob"]}, Reason.SUBJECT_REFUSED),
        ({"max_lifetime": 60}, Reason.LIFETIME_TOO_LONG),
        ({"max_age": 60}, Reason.TOO_OLD),
        ({"require_audience": False, "audience": None, "require_expiry": False}, None),
    ],
    ids=["required_claims", "subjects", "max_lifetime", "max_age", "opted out"],
)
def test_the_keys_of_the_issuer_hold_for_answers(
    authority: Authority, entry: dict[str, Any], reason: Reason | None
) -> None:
    """What it asks of its tokens, it asks of what is said of them."""
    authority.good(OPAQUE, **({"aud": None, "exp": None} if reason is None else {}))
    assert reason == reason_of(ask(authority.policy(entry)))


def test_what_the_route_wants_is_asked_of_the_answer(authority: Authority) -> None:
    """Scopes are those that the issuer names."""
    authority.good(OPAQUE, scope="orders:read")
    rules = [{"path": "/orders", "scopes": ["orders:read"]}, {"path": "/write", "scopes": ["orders:write"]}]
    policy = authority.policy(rules=rules)
    assert [None, Reason.SCOPE_MISSING] == [reason_of(ask(policy, path=path)) for path in ("/orders", "/write")]


def test_a_token_expires_while_its_answer_counts(authority: Authority, jwtmw_clock: Any) -> None:
    """The time is judged here, whatever the issuer said a while ago."""
    authority.good(OPAQUE, exp=int(jwtmw_clock.time()) + 10)
    policy = authority.policy({"leeway": 0})
    allowed(ask(policy))
    jwtmw_clock.advance(11)
    assert Reason.EXPIRED == reason_of(ask(policy))
    assert [OPAQUE] == authority.asked


# JWTs


def test_a_jwt_is_judged_locally_first(authority: Authority) -> None:
    """What cannot be good is never asked about."""
    policy, issuer = authority.policy(), authority.issuer
    bad = {
        issuer.token(aud="billing"): Reason.AUDIENCE_MISMATCH,
        issuer.token(exp=1): Reason.EXPIRED,
        issuer.token(iss="https://other.example/"): Reason.ISSUER_UNKNOWN,
        issuer.token(header={"typ": "dpop+jwt"}): Reason.TYPE_REFUSED,
        issuer.token(header={"alg": "none"}): Reason.ALGORITHM_REFUSED,
        issuer.token()[:-1] + "=": Reason.TOKEN_FORMAT,
        "a.b.c": Reason.TOKEN_FORMAT,
    }
    assert list(bad.values()) == [reason_of(ask(policy, token)) for token in bad]
    assert [] == authority.asked


@pytest.mark.parametrize("algorithm", ["ES256", "HS256", "PS512"])
def test_the_issuer_answers_for_the_signature(jwtmw_clock: Any, algorithm: str) -> None:
    """Whatever it signs with, with no key here: a JWT that it calls active is good, and only that."""
    issuer = TestIssuer(algorithm=algorithm, clock=jwtmw_clock)
    with Authority(issuer) as authority:
        entry = {"algorithms": None, "secret": None}
        policy = authority.policy(entry)
        good, bad = issuer.token("alice", jti="1"), issuer.token("alice", jti="2")
        authority.good(good)
        assert [None, Reason.TOKEN_INACTIVE] == [reason_of(ask(policy, token)) for token in (good, bad)]
        narrow = authority.policy({**entry, "algorithms": ["ES512"]})
        assert Reason.ALGORITHM_REFUSED == reason_of(ask(narrow, good))


def test_registered_claims_that_the_answer_leaves_out_are_the_tokens_own(authority: Authority) -> None:
    """Who, for whom and until when; never what it grants."""
    token = authority.issuer.token("bob", "orders:admin", jti="7", roles=["admin"], client_id="shop")
    authority.says[token] = {"active": True, "username": "Bob"}
    caller = allowed(ask(authority.policy(), token)).principal
    assert ("bob", "shop", "7", frozenset({"orders"})) == (
        caller.subject,
        caller.client_id,
        caller.claims["jti"],
        caller.audience,
    )
    assert (frozenset(), frozenset(), "Bob") == (caller.scopes, caller.roles, caller.claims["username"])


def test_the_answer_wins_over_the_token(authority: Authority) -> None:
    """What the issuer says now is newer."""
    token = authority.issuer.token("bob")
    authority.good(token, sub="alice", exp=1)
    assert Reason.EXPIRED == reason_of(ask(authority.policy(), token))


def test_an_issuer_may_say_no_more_than_yes(authority: Authority) -> None:
    """Then the token's own claims count; an opaque token has none."""
    policy = authority.policy()
    (issuer,) = policy.engine.verifier.issuers.by_name.values()
    source = Introspector("corp", lambda _: Answer(True), Terms(), clock=authority.issuer.clock.monotonic)  # type: ignore[attr-defined]
    issuer = replace(issuer, introspector=source, keys=Unkeyed(source))
    issuers = Issuers([issuer], policy.engine.locator.places)
    engine = replace(policy.engine, verifier=replace(policy.engine.verifier, issuers=issuers))
    token = authority.issuer.token("bob", "orders:read")
    caller = allowed(drive("thread", engine, Facts(token=token))).principal
    assert ("bob", frozenset({"orders:read"})) == (caller.subject, caller.scopes)
    assert Reason.AUDIENCE_MISMATCH == reason_of(drive("thread", engine, Facts(token=OPAQUE)))


# Opaque tokens


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("a b", Reason.CREDENTIALS_MALFORMED),
        ("a,b", Reason.CREDENTIALS_MALFORMED),
        ("a&token=b", Reason.CREDENTIALS_MALFORMED),
        ("=", Reason.CREDENTIALS_MALFORMED),
        ("x" * 8193, Reason.TOKEN_TOO_LARGE),
    ],
    ids=["blank", "comma", "ampersand", "padding", "large"],
)
def test_what_is_no_b64token_is_not_asked_about(authority: Authority, token: str, reason: Reason) -> None:
    """RFC 6750 section 2.1, and a limit on size."""
    assert reason == reason_of(ask(authority.policy(), token))
    assert [] == authority.asked


def test_nobody_is_asked_where_no_issuer_can_be(jwtmw_issuer: TestIssuer) -> None:
    """A token that is no JWT has no issuer to ask, and is malformed."""
    clock: Any = jwtmw_issuer.clock
    policy = Policy(issuers=[jwtmw_issuer.settings()], clock=clock)
    assert Reason.TOKEN_FORMAT == reason_of(ask(policy))


def places(authority: Authority, jwtmw_issuer: TestIssuer) -> list[dict[str, Any]]:
    asked = {"url": authority.url, "token": "word"}
    one = {"audience": ["orders"], "introspection": asked}
    return [{**one, "issuer": "https://a.example/"}, {**one, "issuer": "https://b.example/"}]


def test_two_issuers_of_opaque_tokens_in_one_place_are_an_error(authority: Authority, jwtmw_issuer: TestIssuer) -> None:
    """Nothing in an opaque token tells whose it is."""
    with pytest.raises(ConfigurationError, match="another issuer takes opaque tokens in the same place") as caught:
        Policy(issuers=places(authority, jwtmw_issuer))
    assert "issuers[1].introspection" == caught.value.key


def test_the_place_tells_whose_an_opaque_token_is(authority: Authority, jwtmw_issuer: TestIssuer) -> None:
    """Each issuer answers for the place that it lists, and what it says of its own name must be right."""
    first, second = places(authority, jwtmw_issuer)
    clock: Any = jwtmw_issuer.clock
    policy = Policy(issuers=[first, {**second, "token_from": [{"header": "X-B"}]}], clock=clock)
    authority.good(OPAQUE, iss="https://b.example/")

    def asked(request: Request) -> Reason | None:
        return reason_of(drive("thread", policy.engine, request))

    assert Reason.ISSUER_UNKNOWN == asked(Facts(token=OPAQUE))
    assert asked(Facts(headers={"x-b": OPAQUE})) is None


# Outages


@pytest.mark.parametrize("status", [500, 401, 302, 404, 429])
def test_an_issuer_that_does_not_answer_refuses_nobody(authority: Authority, jwtmw_clock: Any, status: int) -> None:
    """503 with the time to come back: the token may be good. And when it answers again, so it is."""
    authority.good(OPAQUE)
    authority.status = status
    policy = authority.policy()
    for token in ("a", "b", "c", OPAQUE):
        decision = ask(policy, token)
        assert isinstance(decision, Deny)
        assert Reason.INTROSPECTION_UNAVAILABLE == decision.reason
        assert 1 <= decision.retry_after <= 2
    assert 3 == len(authority.asked)
    (state,) = policy.issuers().values()
    assert (False, False) == (state["fresh"], state["last_error"] is None)
    authority.status = 200
    jwtmw_clock.advance(2)
    allowed(ask(policy))


# How this service proves itself


def test_the_ways_to_prove_oneself(authority: Authority, jwtmw_clock: Any, tmp_path: Any) -> None:
    """Each way that the configuration knows, as the endpoint sees it."""
    authority.good(OPAQUE)
    client = {"client_id": "orders", "client_secret": "p w"}
    (tmp_path / "key.pem").write_text(private_pem("ed25519"), encoding="utf-8")
    for proof in (
        client,
        {**client, "auth": "post"},
        {"auth": "none"},
        {"client_id": "orders", "private_key": private_pem("rsa"), "key_id": "one"},
        {"client_id": "orders", "private_key_file": str(tmp_path / "key.pem"), "assertion_audience": "them"},
    ):
        (issuer,) = authority.policy(proof=proof).engine.verifier.issuers.by_name.values()
        assert issuer.introspector is not None
        assert issuer.introspector._ask(OPAQUE.encode()).active
    basic, post, none, rsa, file = authority.forms
    assert ["Basic b3JkZXJzOnArdw==", None, None, None, None] == [
        head.get("authorization") for head in authority.headers
    ]
    hint = {"token": OPAQUE, "token_type_hint": "access_token"}
    assert [hint, {**hint, **client}, hint] == [basic, post, none]
    for form, kind, algorithm, header, audience in (
        (rsa, "rsa", "RS256", {"kid": "one"}, authority.issuer.issuer),
        (file, "ed25519", "EdDSA", {}, "them"),
    ):
        assertion = form["client_assertion"]
        claims = pyjwt.decode(
            assertion,
            private_key(kind, 0).public_key(),
            [algorithm],
            audience=audience,
            options={"verify_exp": False, "verify_iat": False},
        )
        assert {"alg": algorithm, "typ": "JWT", **header} == pyjwt.get_unverified_header(assertion)
        assert ("orders", "orders", int(jwtmw_clock.time()) + 60) == (claims["iss"], claims["sub"], claims["exp"])
        assert "orders" == form["client_id"]


def test_nothing_secret_is_shown(authority: Authority, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the token nor this service's own proof, whatever goes wrong."""
    authority.status = 500
    policy = authority.policy(proof={"client_id": "canary-id", "client_secret": "canary-secret"})
    decision = ask(policy, "canary-token")
    (issuer,) = policy.engine.verifier.issuers.by_name.values()
    shown = [policy, policy.settings, policy.settings.issuers, policy.engine, issuer, issuer.introspector, decision]
    shown += [policy.settings.issuers[0].key_material, policy.metrics(), policy.issuers(), caplog.text]
    assert "canary" not in repr(shown) + str(shown)
    assert "Good(corp)" == repr(Good(replace(issuer, name="corp"), ClaimSet(FrozenDict({"sub": "a"})), None, 0, 0.0, 0))


def test_a_token_of_no_type_can_be_kept_out(authority: Authority) -> None:
    """A server that calls refresh tokens active, without a type and an audience, is asked for the type."""
    policy = authority.policy({"audience": None, "require_audience": False, "required_claims": ["token_type"]})
    authority.good(OPAQUE, aud=None)
    authority.good("access", aud=None, token_type="Bearer")
    assert [Reason.CLAIM_REQUIRED, None] == [reason_of(ask(policy, token)) for token in (OPAQUE, "access")]


def test_a_clock_that_is_set_back_prolongs_nothing(authority: Authority, jwtmw_clock: Any) -> None:
    """What the issuer revokes is refused within `ttl`, whatever an administrator or NTP does to the wall clock."""
    policy = authority.policy()
    authority.good(OPAQUE, exp=int(jwtmw_clock.time()) + 86_400)
    allowed(ask(policy))
    jwtmw_clock.set_time(jwtmw_clock.time() - 3600)
    allowed(ask(policy))
    assert [OPAQUE] == authority.asked
    del authority.says[OPAQUE]
    jwtmw_clock.advance(60)
    assert Reason.TOKEN_INACTIVE == reason_of(ask(policy))
