"""`Policy`: from which source, what it says of itself, what it counts."""

from __future__ import annotations

import _thread
import logging
import threading
from pathlib import Path
from typing import Any

import pytest

from jwtmw import ConfigurationError, Policy
from jwtmw.adapter import Allow, Deny, Reason
from jwtmw.testing import TestIssuer
from tests.engine.facts import Facts, policy_of

FILE = """
realm = "file"
[[issuers]]
issuer = "https://id.example/"
audience = ["orders"]
jwks_url = "https://id.example/jwks"
"""
VARIABLES = {
    "JWTMW_ISSUER": "https://id.example/",
    "JWTMW_AUDIENCE": "orders",
    "JWTMW_JWKS_URL": "https://id.example/jwks",
    "JWTMW_REALM": "environment",
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "jwtmw.toml"
    path.write_text(FILE, encoding="utf-8")
    return path


# Sources


def test_a_policy_is_made_from_keys_a_mapping_or_a_file(jwtmw_issuer: TestIssuer, config: Path) -> None:
    """All say the same in the same keys."""
    keys: dict[str, Any] = {"realm": "mapping", "issuers": [jwtmw_issuer.settings()]}
    policies = [Policy(**keys), Policy(keys), Policy(str(config)), Policy(config)]
    assert ["mapping", "mapping", "file", "file"] == [policy.settings.realm for policy in policies]


def test_the_environment_is_read_where_nothing_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """With three variables a service is protected."""
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    assert ["environment"] * 2 == [policy.settings.realm for policy in (Policy(), Policy.load())]


def test_sources_never_merge(jwtmw_issuer: TestIssuer, config: Path) -> None:
    """Keys beside a source are refused; the framework's own configuration counts where no source is given."""
    with pytest.raises(ConfigurationError, match=r"both a source and keys\. Give one of the two"):
        Policy(config, realm="keys")
    framework = {"realm": "framework", "issuers": [jwtmw_issuer.settings()]}
    assert "framework" == Policy.load(None, framework).settings.realm
    assert "file" == Policy.load(config, framework).settings.realm


def test_a_policy_is_loaded_as_it_is(jwtmw_issuer: TestIssuer) -> None:
    """Where a source is expected, a policy will do."""
    policy = policy_of(jwtmw_issuer)
    assert policy is Policy.load(policy)


@pytest.mark.parametrize(
    ("source", "key"),
    [
        pytest.param({"relm": "api"}, "relm", id="unknown key"),
        pytest.param({"issuers": [{"issuer": "https://id.example/"}]}, "issuers[0].audience", id="audience missing"),
        pytest.param({"rules": [{"path": "orders", "allow": "public"}], "default": "deny"}, "rules[0].path", id="path"),
        pytest.param(
            {"rules": [{"path": "/a*", "allow": "public"}], "default": "deny"}, "rules[0].path", id="template"
        ),
        pytest.param(
            {"rules": [{"path": "/a", "allow": "public"}] * 2, "default": "deny"}, "rules[1].path", id="same path"
        ),
        pytest.param(
            {"rules": [{"path": "/a", "allow": "deny", "scopes": ["a"]}], "default": "deny"},
            "rules[0].allow",
            id="deny with a requirement",
        ),
        pytest.param(
            {"rules": [{"path": "/a", "allow": "public", "any_of": [{"scopes": ["a"]}]}], "default": "deny"},
            "rules[0].allow",
            id="public with alternatives",
        ),
    ],
)
def test_what_cannot_work_does_not_start(source: dict[str, Any], key: str) -> None:
    """The error names the key, and says what to write instead."""
    with pytest.raises(ConfigurationError) as raised:
        Policy(source)
    assert key == raised.value.key
    assert raised.value.cure


def test_every_key_of_a_rule_reaches_the_engine(jwtmw_issuer: TestIssuer) -> None:
    """What a rule says is what the engine asks."""
    rule = {
        "path": "/orders/{id}",
        "methods": ["GET", "BREW"],
        "scopes": ["a"],
        "any_scope": ["b"],
        "roles": ["c"],
        "any_role": ["d"],
        "claims": {"tenant": ["e", 7]},
        "issuers": [jwtmw_issuer.issuer],
        "audience": ["orders"],
        "any_of": [{"scopes": ["f"]}, {"roles": ["g"]}],
        "report_only": True,
    }
    policy = policy_of(jwtmw_issuer, rules=[rule], default="deny")
    (found,) = policy.engine.rules.rules
    assert ("/orders/{id}", frozenset({"GET", "BREW"}), True, "rules[0]") == (
        found.path,
        found.methods,
        found.report_only,
        found.key,
    )
    assert ("a", "b", "f") == found.requirement.scopes_wanted
    good: dict[str, Any] = {"scope": "a b f", "roles": ["c", "d"], "tenant": "e"}
    reasons = [
        decision.would_deny
        for lacking in [{}, *({name: None} for name in good)]
        if isinstance(
            decision := policy.engine.decide_now(
                Facts("/orders/7", "BREW", token=jwtmw_issuer.token(**(good | lacking)))
            ),
            Allow,
        )
    ]
    assert [None, Reason.SCOPE_MISSING, Reason.ROLE_MISSING, Reason.CLAIM_MISMATCH] == reasons
    refused = policy.engine.decide_now(Facts())
    assert isinstance(refused, Deny)
    assert Reason.RULE_DENIES is refused.reason


def test_every_key_of_an_issuer_reaches_the_engine(jwtmw_issuer: TestIssuer) -> None:
    """What an issuer's entry says is what its tokens are held to."""
    policy = policy_of(
        jwtmw_issuer,
        leeway=0,
        entry={
            "name": "corp",
            "algorithms": ["ES256"],
            "token_types": ["application/at+JWT"],
            "required_claims": ["tenant"],
            "max_lifetime": 100,
            "max_age": 50,
            "subjects": ["spiffe://td/*"],
            "scope_claim": ["permissions"],
            "roles_claim": "realm.roles",
            "leeway": 5,
            "token_from": [{"query": "jwt"}],
        },
    )
    issuer = policy.engine.verifier.issuers.by_name["corp"]
    assert {
        "issuer": jwtmw_issuer.issuer,
        "audience": {"orders"},
        "require_audience": True,
        "client_id_as_audience": False,
        "algorithms": {"ES256"},
        "token_types": {"at+jwt"},
        "require_expiry": True,
        "required_claims": ("tenant",),
        "max_lifetime": 100,
        "max_age": 50,
        "subjects": ("spiffe://td/*",),
        "scope_claim": ("permissions",),
        "roles_claim": "realm.roles",
        "leeway": 5,
        "require_issuer": True,
        "introspector": None,
        "consumers": None,
        "consumer_claim": "key",
    } == {name: getattr(issuer, name) for name in issuer.__dataclass_fields__ if name not in ("name", "keys", "places")}
    assert ["query jwt"] == [place.label for place in issuer.places or ()]


# Places

AUTHORIZATION = "header Authorization (Bearer)"


@pytest.mark.parametrize(
    ("everywhere", "own", "labels"),
    [
        pytest.param(None, None, [AUTHORIZATION], id="default"),
        pytest.param(
            [{"header": "JWT"}, {"subprotocol": "bearer"}], None, ["header JWT", "subprotocol bearer"], id="global"
        ),
        pytest.param(None, [{"query": "jwt"}], ["query jwt"], id="an issuer's own replace them"),
        pytest.param(
            [{"header": "Authorization", "scheme": "JWT", "scheme_optional": True}],
            None,
            ["header Authorization (JWT, optional)"],
            id="optional scheme",
        ),
    ],
)
def test_tokens_are_looked_for_in_the_configured_places(
    jwtmw_issuer: TestIssuer, everywhere: Any, own: Any, labels: list[str]
) -> None:
    """In no other, whoever uses them by default."""
    keys = {} if everywhere is None else {"token_from": everywhere}
    policy = policy_of(jwtmw_issuer, entry={"token_from": own}, **keys)
    assert labels == [place.label for place in policy.engine.locator.places]


def test_without_issuers_the_global_places_are_read() -> None:
    """A service that denies or opens everything has places, too."""
    assert [AUTHORIZATION] == [place.label for place in Policy(default="deny").engine.locator.places]


# What it says of itself


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        pytest.param({}, None, id="judging"),
        pytest.param({"secure": False}, "non-secure mode: every request passes and no token is believed", id="off"),
        pytest.param({"inbound": False}, "inbound is off: requests are not judged", id="inbound"),
        pytest.param(
            {"report_only": True}, "report-only mode: refusals are recorded, every request passes", id="report"
        ),
        pytest.param({"secure": False, "report_only": True}, "non-secure mode: every request passes", id="both"),
    ],
)
def test_protection_that_is_off_is_announced(
    jwtmw_issuer: TestIssuer, caplog: pytest.LogCaptureFixture, keys: dict[str, Any], text: str | None
) -> None:
    """One warning at the start, with the source of the switch."""
    with caplog.at_level(logging.DEBUG):
        policy_of(jwtmw_issuer, **keys)
    records = [record for record in caplog.records if record.name == "jwtmw.policy"]
    assert ([] if text is None else [logging.WARNING]) == [record.levelno for record in records]
    assert all(text and record.message.startswith(text) and "(mapping" in record.message for record in records)


@pytest.mark.parametrize(
    ("keys", "gauges"),
    [
        pytest.param({}, (1, 1, 0), id="judging"),
        pytest.param({"secure": False}, (0, 1, 0), id="non-secure"),
        pytest.param({"inbound": False}, (1, 0, 0), id="inbound off"),
        pytest.param({"report_only": True}, (1, 1, 1), id="report-only"),
    ],
)
def test_the_modes_are_gauges(jwtmw_issuer: TestIssuer, keys: dict[str, Any], gauges: tuple[int, int, int]) -> None:
    """Monitoring sees what the service does not judge."""
    metrics = policy_of(jwtmw_issuer, **keys).metrics()
    assert gauges == (metrics["secure"], metrics["inbound"], metrics["report_only"])


def test_what_is_decided_is_counted(jwtmw_issuer: TestIssuer) -> None:
    """Passes, refusals by reason, and signatures that were checked."""
    policy = policy_of(jwtmw_issuer)
    token = jwtmw_issuer.token()
    for request in (Facts(), Facts(), Facts(token="a.b.c"), Facts(token=token), Facts(token=token)):
        policy.engine.decide_now(request)
    assert {
        "secure": 1,
        "inbound": 1,
        "report_only": 0,
        "allowed": 2,
        "verified": 1,
        "denied": {"token_missing": 2, "token_format": 1},
        "would_deny": [],
    } == policy.metrics()


def test_a_policy_shows_no_secret() -> None:
    """Neither itself, nor its parts."""
    secret = "0123456789abcdef0123456789abcdef"
    issuer = {"issuer": "https://id.example/", "audience": ["orders"], "secret": secret}
    policy = Policy(issuers=[issuer])
    parts = (
        policy,
        policy.settings,
        policy.engine,
        *policy.engine.verifier.issuers.by_name.values(),
        *policy.settings.issuers,
    )
    assert "Policy(Settings(source='mapping', secure=True))" == repr(policy)
    assert [] == [part for part in parts if secret in repr(part)]


@pytest.mark.parametrize("keys", [{"secure": False}, {"inbound": False}], ids=["non-secure", "inbound off"])
def test_where_nothing_is_judged_nothing_is_fetched(
    jwtmw_serving_issuer: TestIssuer, keys: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No thread starts, no issuer needs to be reachable."""
    starters: list[int] = []
    start = _thread.start_new_thread

    def noted(*job: Any) -> int:
        starters.append(threading.get_ident())
        return start(*job)

    # Other tests' timers may start threads meanwhile, in threads of theirs.
    monkeypatch.setattr(_thread, "start_new_thread", noted)
    policy = policy_of(jwtmw_serving_issuer, **keys)
    policy.engine.decide_now(Facts(token=jwtmw_serving_issuer.token()))
    assert {} == policy.engine.verifier.issuers.by_name
    assert threading.get_ident() not in starters
    assert 0 == jwtmw_serving_issuer.requests.total()


def test_the_state_of_each_issuers_keys_is_told(jwtmw_serving_issuer: TestIssuer) -> None:
    """Asking fetches nothing: keys behind a URL that nobody has needed yet are neither fresh nor stale."""
    configured = {"fresh": True, "stale": False, "cooling_down": False, "last_error": None}
    partners = TestIssuer("https://partners.example")
    policy = Policy(
        issuers=[partners.settings(name="partners"), jwtmw_serving_issuer.settings(name="corp")],
    )
    assert {"partners": configured, "corp": configured | {"fresh": False}} == policy.issuers()
    assert 0 == jwtmw_serving_issuer.requests.total()
