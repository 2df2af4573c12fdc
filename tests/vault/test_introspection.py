"""Identity tokens that the stand-in for Vault is asked about, with a token of this service's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jwtmw import Policy
from jwtmw.decision import Allow, Reason
from jwtmw.issuers.introspection import Unanswered
from jwtmw.issuers.verdicts import Answer
from jwtmw.testing import Clock
from jwtmw.vault.introspection import VaultIntrospection
from jwtmw.vault.login import GivenToken, Userpass
from jwtmw.vault.server import Server, VaultFailed
from jwtmw.vault.service_token import ServiceToken
from tests.issuers.servers import response, serving
from tests.vault.standin import StandIn
from tests.vault.users import token_of, with_user

PASSWORD = "password-51ab"
MAY_ASK = 'path "identity/oidc/introspect" { capabilities = ["update"] }'
NO, CHECK = "it does not accept the request or the credentials", "check the credentials of [vault.main]"
USERPASS = {"userpass": {"username": "service", "password": PASSWORD}}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def turned(clock: Clock) -> Iterator[StandIn]:
    """A stand-in with a user who gets JWTs, and a service that may ask about them; its clock is turned by hand."""
    with StandIn(now=clock.time) as standin:
        with_user(standin)
        standin.policy("service", MAY_ASK)
        standin.call(
            *("POST", "auth/userpass/users/service"),
            password=PASSWORD,
            token_policies=["service"],
            token_ttl="1h",
            token_max_ttl="100h",
        )
        yield standin


def policy_for(vault: StandIn, clock: Clock, login: dict[str, Any] = USERPASS, **terms: Any) -> Policy:
    """`terms` are those of the issuer's `vault`."""
    issuer: dict[str, Any] = {"name": "edgex", "issuer": f"{vault.api_addr}/v1/identity/oidc", "audience": ["orders"]}
    issuer["vault"] = {"name": "main", "verify": "introspection", **terms}
    return Policy({"vault": {"main": {"url": vault.url, **login}}, "issuers": [issuer]}, clock=clock)


def decided(policy: Policy, token: str) -> Reason | str:
    """Who passes, or why not."""
    decision = policy.explain("GET", "/orders", token).decision
    return decision.principal.claims["name"] if isinstance(decision, Allow) else decision.reason


def test_the_vault_is_asked_and_its_word_is_kept(turned: StandIn, clock: Clock) -> None:
    """One login, one question for any number of requests within `ttl`; the caller is what the JWT says."""
    policy = policy_for(turned, clock)
    token = token_of(turned)
    assert ["alice"] * 3 == [decided(policy, token) for _ in range(3)]
    assert ["POST auth/userpass/login/service", "POST identity/oidc/introspect"] == turned.requests
    clock.advance(61)
    assert "alice" == decided(policy, token)
    assert "POST identity/oidc/introspect" == turned.requests[-1]
    assert 3 == len(turned.requests)


def test_a_user_who_is_removed_is_refused_within_the_ttl(turned: StandIn, clock: Clock) -> None:
    """Which the Vault's keys alone could not tell."""
    policy = policy_for(turned, clock, ttl=10)
    token = token_of(turned)
    assert "alice" == decided(policy, token)
    turned.call("DELETE", "identity/entity/name/alice")
    assert "alice" == decided(policy, token)
    clock.advance(10)
    assert Reason.TOKEN_INACTIVE is decided(policy, token)


def test_a_forged_token_is_not_active(turned: StandIn, clock: Clock) -> None:
    """The same claims, another key; nobody is asked again within `negative_ttl`."""
    with StandIn(now=clock.time, api_addr=turned.url) as other:
        with_user(other)
        forged = token_of(other)
    policy = policy_for(turned, clock, negative_ttl=10)
    assert [Reason.TOKEN_INACTIVE] * 2 == [decided(policy, forged) for _ in range(2)]
    assert 1 == turned.requests.count("POST identity/oidc/introspect")


def test_what_is_wrong_locally_is_never_asked_about(turned: StandIn, clock: Clock) -> None:
    """Garbage, another issuer's token, an expired one, one for another service."""
    policy = policy_for(turned, clock)
    expired = token_of(turned)
    clock.advance(3700)
    turned.call("POST", "identity/oidc/role/alice", client_id="billing")
    wrong = [decided(policy, token) for token in ("a.b.c", "opaque", expired, token_of(turned))]
    assert Reason.EXPIRED in wrong
    assert Reason.AUDIENCE_MISMATCH in wrong
    assert "alice" not in wrong
    assert [] == turned.requests


def test_the_client_id_is_sent(turned: StandIn, clock: Clock) -> None:
    """The Vault then wants this audience as well."""
    assert "alice" == decided(policy_for(turned, clock, client_id="orders"), token_of(turned))
    assert Reason.TOKEN_INACTIVE is decided(policy_for(turned, clock, client_id="other"), token_of(turned))


def test_an_approle_and_a_token_file_log_in_too(turned: StandIn, clock: Clock, tmp_path: Path) -> None:
    """All four ways end in the same question."""
    turned.call("POST", "auth/approle/role/service", token_policies=["service"])
    role_id = turned.call("GET", "auth/approle/role/service/role-id")[1]["data"]["role_id"]
    secret_id = turned.call("POST", "auth/approle/role/service/secret-id")[1]["data"]["secret_id"]
    token = turned.tokens.create(["default", "service"], ttl=3600).id
    (tmp_path / "token").write_text(token, encoding="ascii")
    logins: list[dict[str, Any]] = [
        {"approle": {"role_id": role_id, "secret_id": secret_id}},
        {"token": token},
        {"token_file": str(tmp_path / "token")},
    ]
    assert ["alice"] * 3 == [decided(policy_for(turned, clock, login), token_of(turned)) for login in logins]


def test_a_revoked_token_of_the_service_is_replaced_within_the_request(turned: StandIn, clock: Clock) -> None:
    """The caller notices nothing."""
    policy = policy_for(turned, clock)
    assert "alice" == decided(policy, token_of(turned))
    for held in [each for each in turned.tokens.by_id.values() if "service" in each.policies]:
        del turned.tokens.by_id[held.id]
    clock.advance(61)
    assert "alice" == decided(policy, token_of(turned))
    assert 2 == turned.requests.count("POST auth/userpass/login/service")


def test_a_token_is_renewed_while_it_serves(turned: StandIn, clock: Clock) -> None:
    """After two thirds of its life, beside a question."""
    server = Server("main", turned.url)
    own = ServiceToken(
        *(server, Userpass("userpass", "service", PASSWORD)),
        clock=clock.monotonic,
        launch=lambda job: job(),
        later=lambda delay, job: None,
    )
    ask = VaultIntrospection(server, own, None)
    for _ in range(3):
        assert Answer(True, None) == ask(token_of(turned).encode())
        clock.advance(2500)
    asked = [line for line in turned.requests if "introspect" not in line]
    assert ["POST auth/userpass/login/service", *["POST auth/token/renew-self"] * 2] == asked


@pytest.mark.parametrize(
    ("login", "reason"),
    [
        pytest.param({"userpass": {"username": "service", "password": "wrong"}}, f"400: {NO}; {CHECK}", id="password"),
        pytest.param({"token": "wrong"}, f"this; {CHECK}", id="token"),
        pytest.param({"token_file": "nowhere"}, "holds no token; check token_file of [vault.main]", id="no-file"),
        pytest.param(
            {"url": "http://127.0.0.1:1", "token": "a"}, "; check url of [vault.main], and that it is up", id="down"
        ),
    ],
)
def test_a_refused_login_is_no_fault_of_the_caller(
    turned: StandIn, clock: Clock, caplog: pytest.LogCaptureFixture, login: dict[str, Any], reason: str
) -> None:
    """503, and the log says whose fault it is and what to do, and shows no secret."""
    token = token_of(turned)
    assert Reason.INTROSPECTION_UNAVAILABLE is decided(policy_for(turned, clock, login), token)
    assert "issuer edgex: tokens cannot be introspected: this service has no token there" in caplog.text
    assert "vault main: no token could be had: " in caplog.text
    assert reason in caplog.text
    assert [] == [secret for secret in (PASSWORD, token, "wrong") if secret in caplog.text]


def test_a_service_that_may_not_ask_is_told(turned: StandIn, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """503, without a second login: the next token would be allowed no more."""
    turned.policy("service", 'path "kv/*" { capabilities = ["read"] }')
    assert Reason.INTROSPECTION_UNAVAILABLE is decided(policy_for(turned, clock), token_of(turned))
    cure = "a policy of [vault.main] must allow update on identity/oidc/introspect"
    assert f"status 403: it does not accept the token, or no policy of the token allows this; {cure}" in caplog.text
    assert 1 == turned.requests.count("POST auth/userpass/login/service")


def test_a_sealed_vault_is_an_outage(turned: StandIn, clock: Clock) -> None:
    """503 for a token that nobody has asked about, and the verdicts at hand serve until their end."""
    policy = policy_for(turned, clock)
    known, unknown = token_of(turned), ""
    assert "alice" == decided(policy, known)
    clock.advance(1)
    unknown = token_of(turned)
    turned.sealed = True
    assert ["alice", Reason.INTROSPECTION_UNAVAILABLE] == [decided(policy, token) for token in (known, unknown)]


def test_nothing_is_asked_or_started_before_a_request(turned: StandIn, clock: Clock) -> None:
    """Nor shown: not by the policy, not by its settings."""
    policy = policy_for(turned, clock)
    assert [] == turned.requests
    assert PASSWORD not in repr(policy.settings.issuers[0].key_material) + repr(policy.settings) + repr(policy)
    assert {"edgex": True} == {name: state["fresh"] for name, state in policy.issuers().items()}


def asking(url: str) -> VaultIntrospection:
    server = Server("main", url)
    return VaultIntrospection(server, ServiceToken(server, GivenToken("a")), None)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ('{"active": "true"}', "does not say whether the token is active"),
        ("{}", "does not say whether the token is active"),
        ("[]", "no JSON object"),
    ],
)
def test_what_only_looks_like_an_answer_is_none(answer: str, reason: str) -> None:
    """Nothing but true and false is a word on the token: the caller is not refused for it."""
    lookup = b'{"data": {"ttl": 0}}'
    with serving(in_turn(response(lookup), response(answer.encode()))) as stub:
        ask = asking(stub.url(""))
        with pytest.raises(VaultFailed, match=reason):
            ask(b"a.b.c")


def test_a_token_that_the_vault_cannot_take_is_no_outage() -> None:
    """Else any caller could make one."""
    with serving(in_turn(response(b'{"data": {"ttl": 0}}'), response(b"{}", "413 Too Large"))) as stub:
        ask = asking(stub.url(""))
        with pytest.raises(Unanswered, match="status 413"):
            ask(b"a.b.c")


def test_a_second_try_is_made_with_a_new_token_only(turned: StandIn) -> None:
    """A token that was refused is used once more if it is new; what else goes wrong is told as it is."""
    now = 1000.0
    server = Server("main", turned.url)
    own = ServiceToken(server, Userpass("userpass", "service", PASSWORD), clock=lambda: now)
    ask = VaultIntrospection(server, own, None)
    token = token_of(turned).encode()
    assert Answer(True, None) == ask(token)
    now += 31
    for held in [each for each in turned.tokens.by_id.values() if "service" in each.policies]:
        del turned.tokens.by_id[held.id]
    assert Answer(True, None) == ask(token)
    turned.policy("service", 'path "kv/*" { capabilities = ["read"] }')
    with pytest.raises(VaultFailed, match="status 403"):
        ask(token)
    turned.sealed = True
    with pytest.raises(VaultFailed, match="status 503"):
        ask(token)


def in_turn(*answers: bytes):
    """One answer for each connection, in this order."""
    left = list(answers)

    def answer(stream, server) -> None:
        stream.sendall(left.pop(0))

    return answer
