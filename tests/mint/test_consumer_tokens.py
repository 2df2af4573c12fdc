"""The sign endpoint: who may ask, what it answers, and that a payload says nothing that is not its to say."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jwtmw import ConfigurationError, Consumer, Policy, requires
from jwtmw.decision import Allow
from jwtmw.drive import run
from jwtmw.environ import WSGIRequest
from jwtmw.mint import SignEndpoint, Signer
from jwtmw.mint.consumer_tokens import RESERVED
from jwtmw.testing import Clock
from tests.conformance.schema import Answer
from tests.endpoints.doors import ASYNC_DOORS, DOORS, GUARDED_DOORS, ISSUER, ask
from tests.mint.rings import START

SECRET = "correct horse battery staple, and more"
ROSE = Signer("ES256")
CLOCK = Clock(START)
SHOPS: dict[str, Any] = {
    "name": "shops",
    "issuer": "https://shops.example",
    "audience": ["orders"],
    "consumers": [
        {"name": "jack", "key": "jack-key", "secret": SECRET},
        {"name": "rose", "key": "rose-key", "public_key": ROSE.public_pem, "expires_in": 300},
    ],
}


def shops(entry: dict[str, Any] | None = None, **keys: Any) -> Policy:
    """A policy with the consumers, and with an issuer of those who may ask."""
    given: Any = keys.pop("clock", CLOCK)
    made = {name: value for name, value in (SHOPS | (entry or {})).items() if value is not None}
    rule = [{"path": "/at", "allow": "public"}] if keys.pop("open", True) else []
    return Policy(issuers=[made, *keys.pop("issuers", [])], rules=rule, clock=given, **keys)


def endpoint(policy: Policy, guard: Any = lambda _: True, **keys: Any) -> SignEndpoint:
    return SignEndpoint(policy, **{"issuer": "shops", "guard": guard, "clock": CLOCK, **keys})


def sign(policy: Policy | None = None, door: str = "wsgi", made: SignEndpoint | None = None, **query: str) -> Answer:
    known = policy or shops()
    query.setdefault("key", "jack-key")
    return ask(DOORS[door](made or endpoint(known), known), query=urllib.parse.urlencode(query))


def claims(answer: Answer) -> dict[str, Any]:
    import jwt

    return jwt.decode(answer.body.decode(), options={"verify_signature": False})


def judged(policy: Policy, token: str) -> Any:
    request = WSGIRequest({"REQUEST_METHOD": "GET", "PATH_INFO": "/in", "HTTP_AUTHORIZATION": f"Bearer {token}"})
    return policy.engine.decide_now(request) or run(policy.engine, request, lambda _: b"")


@pytest.mark.parametrize("door", DOORS)
def test_a_consumers_token_is_the_bare_answer(door: str) -> None:
    """As text, kept by nobody; with the payload, the consumer's key, and a day to live; and the policy takes it."""
    policy = shops()
    answer = sign(policy, door, payload='{"plan": "pro"}')
    assert (200, b"no-store") == (answer.status, answer.header(b"cache-control"))
    assert (answer.header(b"content-type") or b"").startswith(b"text/plain")
    expected = {"plan": "pro", "key": "jack-key", "iat": START, "exp": START + 86_400}
    assert expected | {"iss": "https://shops.example", "aud": ["orders"]} == claims(answer)
    decision = judged(policy, answer.body.decode())
    assert "jack" == decision.principal.consumer.name


@pytest.mark.parametrize("guard", [lambda _: False, lambda _: None, lambda _: 1, lambda _: "yes"], ids=range(4))
def test_only_true_passes_the_guard(guard: Callable[[Any], Any]) -> None:
    """What a guard forgot to say is no."""
    policy = shops()
    answer = sign(policy, made=endpoint(policy, guard))
    assert (403, b'{"error": "access_denied"}') == (answer.status, answer.body)


def test_a_guard_that_fails_is_500_and_no_token(caplog: pytest.LogCaptureFixture) -> None:
    """Nor does the log say what it said."""

    def breaks(_: Any) -> bool:
        raise LookupError("CANARY")

    policy = shops()
    assert 500 == sign(policy, made=endpoint(policy, breaks)).status
    assert "CANARY" not in caplog.text


def test_the_guard_is_asked_before_anything_else() -> None:
    """Who may not ask learns neither which keys there are, nor what is wrong with the question."""
    policy = shops()
    made = endpoint(policy, lambda _: False)
    assert {403} == {
        sign(policy, made=made, key=key, payload=text).status for key in ("jack-key", "x") for text in "{}"
    }


def test_the_guard_sees_the_request() -> None:
    """A header of its own, say."""
    policy = shops()
    made = endpoint(policy, lambda asked: asked.headers.get("x-internal") == "yes")
    mounted = DOORS["asgi"](made, policy)
    assert [200, 403] == [ask(mounted, ("X-Internal", word), query="key=jack-key").status for word in ("yes", "no")]


@pytest.mark.parametrize("door", ASYNC_DOORS)
def test_the_guard_may_be_async(door: str) -> None:
    """Where an event loop serves."""

    async def guard(asked: Any) -> bool:
        return asked.query.startswith("key=jack")

    policy = shops()
    assert [200, 403] == [sign(policy, door, endpoint(policy, guard), key=key).status for key in ("jack-key", "rose")]


@pytest.mark.parametrize("door", GUARDED_DOORS)
def test_the_guard_may_be_a_requirement(door: str) -> None:
    """Then the caller's own token must meet it, by the policy that stands in front."""
    policy = shops(issuers=[ISSUER.settings()], open=False, clock=ISSUER.clock)
    mounted = DOORS[door](endpoint(policy, requires("tokens:sign")), policy)
    statuses = [ask(mounted, query="key=jack-key").status]
    for scope in ("other", "tokens:sign"):
        header = ("Authorization", f"Bearer {ISSUER.token(scope=scope)}")
        statuses.append(ask(mounted, header, query="key=jack-key").status)
    assert [401, 403, 200] == statuses


@pytest.mark.parametrize("door", GUARDED_DOORS)
@pytest.mark.parametrize("mode", [{"report_only": True}, {"report_only": True, "open": True}], ids=["closed", "open"])
def test_report_only_lets_nobody_sign(door: str, mode: dict[str, Any]) -> None:
    """A policy that only reports lets everybody in; a consumer's token would open doors that do not."""
    policy = shops(issuers=[ISSUER.settings()], clock=ISSUER.clock, **({"open": False} | mode))
    mounted = DOORS[door](endpoint(policy, requires("tokens:sign")), policy)
    statuses = [ask(mounted, query="key=jack-key").status]
    for scope in ("other", "tokens:sign"):
        header = ("Authorization", f"Bearer {ISSUER.token(scope=scope)}")
        statuses.append(ask(mounted, header, query="key=jack-key").status)
    # Where the path is open no token is read, and so nobody is known to meet anything.
    assert ([403, 403, 403] if mode.get("open") else [403, 403, 200]) == statuses


def test_a_requirement_in_non_secure_mode_lets_nobody_sign() -> None:
    """Nobody is known there."""
    policy = shops(secure=False)
    assert 403 == sign(policy, "starlette", endpoint(policy, requires("tokens:sign"))).status


def test_a_requirement_without_an_engine_in_front_is_500(caplog: pytest.LogCaptureFixture) -> None:
    """It fails loudly, and closed."""
    policy = shops()
    assert 500 == sign(policy, made=endpoint(policy, requires("tokens:sign"))).status
    assert "NotInstalledError" in caplog.text


QUESTIONS = {
    "no-key": "payload=%7B%7D",
    "nothing": "",
    "empty-key": "key=",
    "key-twice": "key=jack-key&key=rose-key",
    "key-twice-alike": "key=jack-key&key=jack-key",
    "payload-twice": "key=jack-key&payload=%7B%7D&payload=%7B%7D",
    "payload-list": "key=jack-key&payload=%5B%5D",
    "payload-no-json": "key=jack-key&payload=x",
    "payload-empty": "key=jack-key&payload=",
    "payload-null": "key=jack-key&payload=null",
    "payload-member-twice": "key=jack-key&payload=" + urllib.parse.quote('{"a":1,"a":2}'),
    "payload-nan": "key=jack-key&payload=" + urllib.parse.quote('{"a":NaN}'),
    "no-utf-8": "key=%ff",
    "many": "key=jack-key" + "&a=b" * 20,
    "long": "key=jack-key&a=" + "b" * 8192,
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_that_cannot_be_read_is_400(name: str) -> None:
    """One key, and a payload that is one strict JSON object, if any."""
    policy = shops()
    answer = ask(DOORS["wsgi"](endpoint(policy), policy), query=QUESTIONS[name])
    assert (400, b'{"error": "invalid_request"}') == (answer.status, answer.body)


def test_raw_bytes_in_a_query_are_400() -> None:
    """They could be read in two ways."""
    policy = shops()
    from jwtmw.endpoints.endpoint import Asked, answer

    assert 400 == answer(endpoint(policy), Asked("GET", "/at", {}, "key=jack-keyé", b"")).status


def test_who_is_nobodys_key_is_404() -> None:
    """An unknown one, and one whose private half is elsewhere."""
    assert [404, 404] == [sign(key=key).status for key in ("nobody", "rose-key")]


def test_a_private_key_signs_where_it_is_given() -> None:
    """For a consumer with a public key; it lives no longer than the consumer's tokens may."""
    policy = shops()
    answer = sign(policy, made=endpoint(policy, keys={"rose-key": ROSE}), key="rose-key")
    assert 300 == claims(answer)["exp"] - START
    assert "rose" == judged(policy, answer.body.decode()).principal.consumer.name


def test_a_key_of_another_kind_is_500_and_no_token(caplog: pytest.LogCaptureFixture) -> None:
    """What verifiers would refuse is not signed."""
    policy = shops()
    made = endpoint(policy, keys={"rose-key": Signer("EdDSA")})
    assert 500 == sign(policy, made=made, key="rose-key").status


def test_a_token_lives_no_longer_than_the_issuer_takes_them() -> None:
    """The shortest of the three counts."""
    policy = shops({"max_lifetime": 60})
    assert 60 == claims(sign(policy))["exp"] - START
    assert 7 == claims(sign(policy, made=endpoint(policy, expires_in=7)))["exp"] - START


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        pytest.param({"issuer": None, "require_issuer": False}, {"key", "aud"}, id="no-issuer"),
        pytest.param({"audience": None, "require_audience": False}, {"key", "iss"}, id="no-audience"),
        pytest.param({"consumer_claim": "client.id"}, {"client.id", "iss", "aud"}, id="path"),
        pytest.param({"consumer_claim": "kid"}, {"iss", "aud"}, id="kid"),
        pytest.param({"issuer": None, "consumer_claim": "iss"}, {"iss", "aud"}, id="iss"),
        pytest.param({"token_types": ["shop+jwt", ""]}, {"key", "iss", "aud"}, id="typ"),
        pytest.param({"token_types": [""]}, {"key", "iss", "aud"}, id="no-typ"),
    ],
)
def test_whatever_the_issuer_asks_of_tokens_they_have(entry: dict[str, Any], expected: set[str]) -> None:
    """The policy takes each, as that consumer's."""
    policy = shops(entry)
    answer = sign(policy)
    assert expected | {"iat", "exp"} == claims(answer).keys()
    assert "jack" == judged(policy, answer.body.decode()).principal.consumer.name


def test_a_payload_is_not_over_another_spelling_of_a_reserved_claim() -> None:
    """Readers that do not tell `KEY` from `key`, as Go's, would take the token for that of another consumer."""
    forged = {"KEY": "rose-key", "Exp": 9_999_999_999, "i\u017fs": "other", "plan": "pro"}
    policy = shops()
    assert {"plan"} == claims(sign(policy, payload=json.dumps(forged))).keys() - claims(sign(policy)).keys()


VALUES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=6) | st.lists(st.integers())


NAMES = st.sampled_from([*sorted(RESERVED), "key"])


@given(
    payload=st.dictionaries(NAMES | NAMES.map(str.title) | st.text(max_size=4), VALUES, max_size=8),
    who=st.sampled_from(["jack-key", "rose-key"]),
)
def test_a_payload_is_never_over_reserved_claims(payload: dict[str, Any], who: str) -> None:
    """Whatever it holds: whose token it is, whose issuer's, for whom and for how long are as without it."""
    policy = shops()
    made = endpoint(policy, keys={"rose-key": ROSE})
    text = json.dumps(payload)
    bare, full = claims(sign(policy, made=made, key=who)), claims(sign(policy, made=made, key=who, payload=text))
    assert bare == {name: value for name, value in full.items() if name in RESERVED or name == "key"}
    rest = {name: value for name, value in payload.items() if name.casefold() not in {*RESERVED, "key"}}
    assert rest == {name: value for name, value in full.items() if name not in bare}


class Store:
    """A store with one consumer, that may fail."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def find(self, identifier: str) -> Consumer | None:
        if self.error is not None:
            raise self.error
        return Consumer.with_secret("jack", "jack-key", SECRET) if identifier == "jack-key" else None


@pytest.mark.parametrize("door", ["wsgi", "asgi"])
def test_consumers_may_be_in_a_store(door: str) -> None:
    """It is waited for; where it does not answer, that is 503 and nobody's 404."""
    stored: dict[str, Any] = {"consumers": None, "consumer_store": {}}
    policy = shops(stored, consumers=Store())
    assert [200, 404] == [sign(policy, door, key=key).status for key in ("jack-key", "x")]
    away = sign(shops(stored, consumers=Store(OSError())), door)
    assert (503, b'{"error": "unavailable"}') == (away.status, away.body)


def test_in_non_secure_mode_nobodys_token_is_signed() -> None:
    """No secret is known there, and none is resolved."""
    policy = shops(secure=False)
    assert [503, 503] == [sign(policy, key=key).status for key in ("jack-key", "x")]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        pytest.param(
            {"guard": None}, "guard: whoever reaches this endpoint can act as any consumer. Give a", id="guard"
        ),
        pytest.param({"issuer": "nobody"}, "issuer: the policy has no issuer of this name with consumers", id="issuer"),
        pytest.param({"issuer": ISSUER.issuer}, "issuer: the policy has no issuer of this name with", id="keys"),
        pytest.param({"expires_in": 0}, "expires_in: is no lifetime", id="expires-in"),
    ],
)
def test_what_cannot_work_does_not_start(keys: dict[str, Any], message: str) -> None:
    """Above all nothing without a guard."""
    policy = shops(issuers=[ISSUER.settings()])
    with pytest.raises(ConfigurationError) as caught:
        endpoint(policy, **keys)
    assert str(caught.value).startswith(message)


def test_it_is_not_public() -> None:
    """Deny by default stands in front of it, too: the path must be opened by a rule, or the caller have a token."""
    policy = shops(open=False)
    assert {401} == {sign(policy, door).status for door in GUARDED_DOORS}


def test_a_judged_token_is_let_in() -> None:
    """The helper above sees what the engine says."""
    policy = shops()
    assert isinstance(judged(policy, sign(policy).body.decode()), Allow)
