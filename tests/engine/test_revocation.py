"""What was revoked is refused: new tokens and those that were seen, whatever vouches for them."""

from __future__ import annotations

from typing import Any

import pytest

from jwtmw import Policy
from jwtmw.adapter import Allow, Decision, Deny, Reason
from jwtmw.revocation.revocations import Revocations
from jwtmw.revocation.shared import SharedRevocations
from jwtmw.testing import Signer, TestIssuer
from tests.engine.authority import Authority
from tests.engine.facts import Facts, policy_of
from tests.engine.test_drive import drive

# Nothing listens there.
NOWHERE = {"store": "redis", "url": "redis://127.0.0.1:9/0", "timeout": 1}


def reason_of(decision: Decision | None) -> Reason | None:
    assert decision is not None
    return decision.reason if isinstance(decision, Deny) else None


def test_a_seen_token_is_refused_as_soon_as_it_is_revoked(jwtmw_issuer: TestIssuer) -> None:
    """And passes again as soon as that is taken back; the next request knows, and nothing is waited for."""
    policy = policy_of(jwtmw_issuer)
    tokens = [jwtmw_issuer.token(jti=name) for name in ("one", "two")]

    def told() -> list[Reason | None]:
        return [reason_of(policy.engine.decide_now(Facts(token=token))) for token in tokens]

    assert [None, None] == told() == told()
    policy.revocations.revoke(jwtmw_issuer.issuer, jti="one")
    assert [Reason.TOKEN_REVOKED, None] == told() == told()
    policy.revocations.restore(jwtmw_issuer.issuer, jti="one")
    assert [None, None] == told()


def test_a_token_that_nobody_has_seen_is_refused(jwtmw_issuer: TestIssuer) -> None:
    """By token, subject or issuer; only once its signature is good."""
    policy = policy_of(jwtmw_issuer)
    policy.revocations.revoke(jwtmw_issuer.issuer, subject="alice")
    forged = jwtmw_issuer.token("alice")[:-3] + "AAA"
    told = [reason_of(policy.engine.decide_now(Facts(token=token))) for token in (jwtmw_issuer.token("alice"), forged)]
    assert [Reason.TOKEN_REVOKED, Reason.SIGNATURE_INVALID] == told
    policy.revocations.revoke(jwtmw_issuer.issuer)
    assert Reason.TOKEN_REVOKED == reason_of(policy.engine.decide_now(Facts(token=jwtmw_issuer.token("bob"))))


@pytest.mark.parametrize("called", ["name", "iss"])
def test_an_issuer_is_revoked_by_its_name_or_its_iss(
    jwtmw_issuer: TestIssuer, caplog: pytest.LogCaptureFixture, called: str
) -> None:
    """Whichever word is at hand, and `restore` takes back what either has revoked."""
    policy = policy_of(jwtmw_issuer, entry={"name": "corp"})
    facts = Facts(token=jwtmw_issuer.token("alice"))
    policy.revocations.revoke("corp" if called == "name" else jwtmw_issuer.issuer, subject="alice")
    assert Reason.TOKEN_REVOKED == reason_of(policy.engine.decide_now(facts))
    policy.revocations.restore(jwtmw_issuer.issuer if called == "name" else "corp", subject="alice")
    assert reason_of(policy.engine.decide_now(facts)) is None
    assert [] == [text for text in caplog.messages if text.startswith("revocations: ")]


def test_an_issuer_that_is_not_configured_is_a_warning(
    jwtmw_issuer: TestIssuer, caplog: pytest.LogCaptureFixture
) -> None:
    """A typing error would revoke nothing in silence; yet in a fleet another service may know that issuer."""
    policy = policy_of(jwtmw_issuer)
    policy.revocations.revoke(f"{jwtmw_issuer.issuer}/", subject="alice")
    assert ["revocations: no issuer of this configuration has this name or iss; no token here is meant"] == [
        text for text in caplog.messages if text.startswith("revocations: ")
    ]
    assert 1 == len(policy.revocations)


def test_consumers_that_iss_names_are_issuers_of_any_name(caplog: pytest.LogCaptureFixture) -> None:
    """Neither is a word taken for a configured name, nor is any of them unknown."""
    signer = Signer("HS256", kid="")
    jack = {"name": "jack", "key": "jack-iss", "secret": signer.secret.decode()}
    shops: dict[str, Any] = {"name": "shops", "require_audience": False, "consumer_claim": "iss", "consumers": [jack]}
    policy = Policy(issuers=[shops])
    facts = Facts(token=signer.sign({"iss": "jack-iss", "exp": 4_000_000_000}))
    assert reason_of(policy.engine.decide_now(facts)) is None
    policy.revocations.revoke("shops")
    assert reason_of(policy.engine.decide_now(facts)) is None
    policy.revocations.revoke("jack-iss")
    assert Reason.TOKEN_REVOKED == reason_of(policy.engine.decide_now(facts))
    assert "no issuer of this configuration" not in caplog.text


def test_the_caller_in_hand_can_be_logged_out(jwtmw_issuer: TestIssuer) -> None:
    """This token alone, as a logout endpoint would."""
    policy = policy_of(jwtmw_issuer)
    token, other = (jwtmw_issuer.token(jti=name) for name in ("one", "two"))
    decision = policy.engine.decide_now(Facts(token=token))
    assert isinstance(decision, Allow)
    policy.revocations.revoke_token(decision.principal)
    told = [reason_of(policy.engine.decide_now(Facts(token=each))) for each in (token, other)]
    assert [Reason.TOKEN_REVOKED, None] == told


def test_an_opaque_token_is_revoked_by_what_its_issuer_says_of_it(jwtmw_issuer: TestIssuer) -> None:
    """Also where the answer does not name the issuer: the configured one counts."""
    with Authority(jwtmw_issuer) as authority:
        authority.good("opaque", iss=None, jti="one")
        policy = authority.policy({"name": "corp"})
        decision = drive("thread", policy.engine, Facts(token="opaque"))
        assert isinstance(decision, Allow)
        assert jwtmw_issuer.issuer == decision.principal.issuer
        policy.revocations.revoke(jwtmw_issuer.issuer, jti="one")
        assert Reason.TOKEN_REVOKED == reason_of(drive("thread", policy.engine, Facts(token="opaque")))


def test_an_issuer_without_iss_is_revoked_by_its_name(jwtmw_issuer: TestIssuer) -> None:
    """It has no other."""
    policy = policy_of(jwtmw_issuer, entry={"issuer": None, "name": "legacy", "require_issuer": False})
    token = jwtmw_issuer.token("alice", iss=None)
    assert reason_of(policy.engine.decide_now(Facts(token=token))) is None
    policy.revocations.revoke("legacy", subject="alice")
    assert Reason.TOKEN_REVOKED == reason_of(policy.engine.decide_now(Facts(token=token)))


@pytest.mark.parametrize("way", ["thread", "asyncio", "trio"])
def test_where_nobody_can_say_what_was_revoked_nobody_passes(jwtmw_issuer: TestIssuer, way: str) -> None:
    """A store that is down is a 503, and no event loop waits for its socket."""
    policy = policy_of(jwtmw_issuer, revocation=NOWHERE)
    assert policy.engine.decide_now(Facts(token=jwtmw_issuer.token())) is None
    decision = drive(way, policy.engine, Facts(token=jwtmw_issuer.token()))
    assert isinstance(decision, Deny)
    assert (Reason.REVOCATIONS_UNAVAILABLE, 2) == (decision.reason, decision.retry_after)


def test_what_needs_no_list_waits_for_none(jwtmw_issuer: TestIssuer) -> None:
    """Public routes, and tokens that are bad anyway."""
    policy = policy_of(jwtmw_issuer, revocation=NOWHERE, rules=[{"path": "/open", "allow": "public"}])
    assert reason_of(policy.engine.decide_now(Facts("/open"))) is None
    assert Reason.EXPIRED == reason_of(policy.engine.decide_now(Facts(token=jwtmw_issuer.token(exp=1))))


def test_fail_open_lets_them_pass(jwtmw_issuer: TestIssuer) -> None:
    """If the operator wants it so."""
    policy = policy_of(jwtmw_issuer, revocation={**NOWHERE, "fail_open": True})
    assert reason_of(drive("thread", policy.engine, Facts(token=jwtmw_issuer.token()))) is None


def test_the_configuration_chooses_the_list(jwtmw_issuer: TestIssuer) -> None:
    """In memory by default and where nothing is judged; the store's address is nowhere to be seen."""
    redis: Any = {**NOWHERE, "url": "redis://:canary@127.0.0.1:9/0"}
    lists = [
        policy_of(jwtmw_issuer).revocations,
        policy_of(jwtmw_issuer, revocation=redis).revocations,
        Policy(secure=False, revocation=redis).revocations,
    ]
    assert [Revocations, SharedRevocations, Revocations] == [type(each) for each in lists]
    policy = policy_of(jwtmw_issuer, revocation=redis)
    assert "canary" not in f"{policy!r} {policy.settings.revocation!r} {policy.engine!r} {lists!r}"


def test_a_clock_of_the_application_is_used(jwtmw_issuer: TestIssuer, jwtmw_clock: Any) -> None:
    """Entries end by the clock that judges tokens."""
    policy = policy_of(jwtmw_issuer)
    policy.revocations.revoke(jwtmw_issuer.issuer, jti="one", until=jwtmw_clock.time() + 10)
    token = jwtmw_issuer.token(jti="one")
    assert Reason.TOKEN_REVOKED == reason_of(policy.engine.decide_now(Facts(token=token)))
    jwtmw_clock.advance(311)
    assert reason_of(policy.engine.decide_now(Facts(token=token))) is None
