"""Consumers through the engine: what the caller is, what is remembered, and what no caller can find out."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from jwtmw import ConfigurationError, Consumer, Policy
from jwtmw.adapter import Allow, Deny, run
from jwtmw.compose.consumers import Elsewhere
from jwtmw.decision import Decision, Reason
from jwtmw.testing import Clock, Signer
from jwtmw.token.principal import Principal
from tests.engine.facts import Facts

SECRET = "correct horse battery staple, and more"
JACK = Signer("HS256", key=SECRET, kid="")
ROSE = Signer("ES256", kid="")
SHOPS: dict[str, Any] = {"name": "shops", "require_issuer": False, "require_audience": False}
URL_CLAIM: dict[str, Any] = {"https://shops.example/key": "jack-key"}
CONSUMERS: list[dict[str, Any]] = [
    {"name": "jack", "key": "jack-key", "secret": SECRET, "custom_id": "c-1"},
    {"name": "rose", "key": "rose-key", "public_key": ROSE.public_pem},
]


def shops(clock: Clock | None = None, entry: dict[str, Any] | None = None, **keys: Any) -> Policy:
    given: Any = clock or Clock()
    return Policy(issuers=[SHOPS | {"consumers": CONSUMERS} | (entry or {})], clock=given, **keys)


def token(signer: Signer = JACK, key: Any = "jack-key", head: dict[str, Any] | None = None, **claims: Any) -> str:
    members = {"key": key, "exp": 4_000_000_000} | claims
    members = {name: value for name, value in members.items() if value is not None}
    return signer.sign(members, {"typ": "JWT", "kid": None, **(head or {})})


def decide(policy: Policy, made: str | None, path: str = "/orders") -> Decision:
    request = Facts(path, token=made)
    return policy.engine.decide_now(request) or run(policy.engine, request, lambda _: b"")


def caller(decision: Decision) -> Principal:
    assert isinstance(decision, Allow)
    return decision.principal


def reason(decision: Decision) -> Reason | None:
    return decision.reason if isinstance(decision, Deny) else None


def test_the_caller_is_a_consumer() -> None:
    """Its name, key and own id are there."""
    principal = caller(decide(shops(), token()))
    assert principal.consumer is not None
    assert ("jack", "jack-key", "c-1") == (
        principal.consumer.name,
        principal.consumer.key,
        principal.consumer.custom_id,
    )
    assert (None, "jack", "shops") == (principal.subject, principal.identity, principal.issuer_name)
    assert SECRET not in repr(principal)


@pytest.mark.parametrize("claims", [{"sub": "rose"}, {"client_id": "rose"}, {"azp": "rose"}], ids=str)
def test_no_consumer_passes_for_another(claims: dict[str, Any]) -> None:
    """It writes its tokens itself: whose key it was is its identity, whatever the token says beside."""
    assert "jack" == caller(decide(shops(), token(**claims))).identity


def test_a_caller_of_another_issuer_is_no_consumer(jwtmw_issuer: Any) -> None:
    """Where the issuer signs itself there is none, and the subject is the identity as ever."""
    policy = Policy(issuers=[jwtmw_issuer.settings()], clock=jwtmw_issuer.clock)
    principal = caller(decide(policy, jwtmw_issuer.token()))
    assert (None, "alice") == (principal.consumer, principal.identity)
    assert "" == Principal().identity


def test_a_token_seen_before_is_the_same_consumers() -> None:
    """The second time nothing is verified, and the caller is the same."""
    policy = shops()
    made = token()
    first, second = (caller(decide(policy, made)) for _ in range(2))
    assert first is second
    assert 1 == policy.metrics()["verified"]


def test_no_answer_tells_whether_there_is_such_a_consumer() -> None:
    """An unknown consumer, a bad signature, another's algorithm and a name of a wrong kind: one and the same answer."""
    policy = shops(error_format="message")
    stranger, curve = Signer("HS256", key="another horse battery staple, and more", kid=""), Signer("ES256", kid="")
    made = {
        Reason.CONSUMER_UNKNOWN: [
            token(key="nobody"),
            token(curve, "nobody"),
            token(key=None),
            token(key=["jack-key"]),
        ],
        Reason.SIGNATURE_INVALID: [token(stranger), token(curve, "rose-key")],
        Reason.ALGORITHM_REFUSED: [token(curve), token(stranger, "rose-key")],
    }
    decisions = {why: [decide(policy, each) for each in tokens] for why, tokens in made.items()}
    assert {why: [why] * len(found) for why, found in decisions.items()} == {
        why: [reason(each) for each in found] for why, found in decisions.items()
    }
    answers = {
        repr(policy.renderer.render(each, Facts()))
        for found in decisions.values()
        for each in found
        if isinstance(each, Deny)
    }
    assert 1 == len(answers)


@pytest.mark.parametrize(
    ("signer", "key"),
    [
        (JACK, "nobody"),
        (ROSE, "nobody"),
        (ROSE, "jack-key"),
        (JACK, "rose-key"),
        (JACK, "jack-key"),
        (ROSE, "rose-key"),
    ],
)
def test_each_token_costs_one_signature(signer: Signer, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of its own algorithm, whoever it names: the time tells nobody whether there is such a consumer."""
    from jwtmw.issuers.keys import Key

    asked: list[str] = []
    verify = Key.verify

    def counted(self: Key, alg: str, signing_input: bytes, signature: bytes) -> bool:
        asked.append(alg)
        return verify(self, alg, signing_input, signature)

    policy = shops()
    monkeypatch.setattr(Key, "verify", counted)
    decide(policy, token(signer, key))
    assert [signer.algorithm] == asked


def test_a_life_is_judged_behind_the_signature() -> None:
    """`expires_in` is the consumer's: a forger does not learn of it."""
    policy = shops(Clock(1000), {"consumers": [{**CONSUMERS[0], "expires_in": 60}]})
    stranger = Signer("HS256", key="another horse battery staple, and more", kid="")
    lives = [
        token(iat=1000, exp=1060),
        token(iat=1000, exp=1061),
        token(exp=1060),
        token(exp=1061),
        token(stranger, exp=1061),
    ]
    too_long = Reason.LIFETIME_TOO_LONG
    expected = [None, too_long, None, too_long, Reason.SIGNATURE_INVALID]
    assert expected == [reason(decide(policy, made)) for made in lives]


def test_a_token_without_end_lives_too_long() -> None:
    """Where `require_expiry` is waived, a consumer's own bound still holds."""
    policy = shops(None, {"consumers": [{**CONSUMERS[0], "expires_in": 60}, CONSUMERS[1]], "require_expiry": False})
    assert Reason.LIFETIME_TOO_LONG is reason(decide(policy, token(exp=None)))
    assert None is reason(decide(policy, token(ROSE, "rose-key", exp=None)))


@pytest.mark.parametrize(
    ("claim", "made"),
    [
        pytest.param("key", token(), id="key"),
        pytest.param("kid", token(key=None, head={"kid": "jack-key"}), id="kid"),
        pytest.param("azp", token(key=None, azp="jack-key"), id="another-claim"),
        pytest.param("client.id", token(key=None, client={"id": "jack-key"}), id="path"),
        pytest.param("https://shops.example/key", token(key=None, **URL_CLAIM), id="url"),
    ],
)
def test_another_claim_may_name_the_consumer(claim: str, made: str) -> None:
    """Whichever is configured, and no other."""
    if claim != "key":
        assert Reason.CONSUMER_UNKNOWN is reason(decide(shops(), made))
    principal = caller(decide(shops(None, {"consumer_claim": claim}), made))
    assert principal.consumer is not None
    assert "jack" == principal.consumer.name


# iss


def by_iss(**keys: Any) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": "shops",
        "require_audience": False,
        "consumers": CONSUMERS,
        "consumer_claim": "iss",
    }
    return {key: value for key, value in (entry | keys).items() if value is not None}


def test_an_iss_may_name_the_consumer(jwtmw_issuer: Any) -> None:
    """Beside another issuer, whose own iss stays its own; without iss a token is nobody's."""
    clock: Any = jwtmw_issuer.clock
    policy = Policy(issuers=[jwtmw_issuer.settings(name="corp"), by_iss()], clock=clock)
    found = caller(decide(policy, token(key=None, iss="jack-key")))
    assert ("jack", "jack-key", "shops") == (found.identity, found.issuer, found.issuer_name)
    assert "corp" == caller(decide(policy, jwtmw_issuer.token())).issuer_name
    assert Reason.CONSUMER_UNKNOWN is reason(decide(policy, token(key="jack-key", iss="https://nobody.example")))
    assert Reason.ISSUER_UNKNOWN is reason(decide(policy, token()))


def test_an_iss_names_consumers_in_the_issuers_places_only() -> None:
    """Elsewhere an unknown issuer is refused as ever."""
    policy = Policy(issuers=[by_iss(token_from=[{"header": "X-Shop"}])], token_from=[{"header": "JWT"}])
    made = token(key=None, iss="jack-key")
    assert isinstance(policy.engine.decide_now(Facts(headers={"x-shop": made})), Allow)
    other = Policy(
        issuers=[
            by_iss(token_from=[{"header": "X-Shop"}]),
            {"issuer": "https://id.example/", "audience": ["a"], "public_key": ROSE.public_pem},
        ]
    )
    assert Reason.ISSUER_UNKNOWN is reason(decide(other, made))


def test_two_issuers_cannot_take_any_iss_in_one_place() -> None:
    """Nobody could say whose consumer it is."""
    with pytest.raises(
        ConfigurationError, match=r"issuers\[1\].consumer_claim: another issuer finds its consumers by iss"
    ):
        Policy(issuers=[by_iss(), by_iss(name="others")])
    apart = by_iss(name="others", token_from=[{"header": "X-Shop"}])
    assert 2 == len(Policy(issuers=[by_iss(), apart]).issuers())


# Without a token

OPTIONAL = {"rules": [{"path": "/maybe", "allow": "optional"}, {"path": "/open", "allow": "public"}]}
GUEST = {"consumers": [*CONSUMERS, {"name": "guest", "custom_id": "c-0"}], "anonymous_consumer": "guest"}


def test_who_needs_no_token_may_have_a_name() -> None:
    """The anonymous consumer stands for a missing token where none is needed; nobody is authenticated by it."""
    principal = caller(decide(shops(None, GUEST, **OPTIONAL), None, "/maybe"))
    assert principal.consumer is not None
    assert ("guest", None, "c-0", False) == (
        principal.consumer.name,
        principal.consumer.key,
        principal.consumer.custom_id,
        principal.is_authenticated,
    )


def test_the_anonymous_consumer_stands_for_a_missing_token_only() -> None:
    """A bad one stays refused, a needed one stays needed, and public routes know nobody."""
    policy = shops(None, GUEST, **OPTIONAL)
    assert Reason.CONSUMER_UNKNOWN is reason(decide(policy, token(key="nobody"), "/maybe"))
    assert Reason.TOKEN_MISSING is reason(decide(policy, None))
    assert None is caller(decide(policy, None, "/open")).consumer
    assert "jack" == caller(decide(policy, token(), "/maybe")).identity


def test_a_consumer_with_a_key_may_be_the_anonymous_one_too() -> None:
    """Then it is shown without its key: nobody has shown one."""
    policy = shops(None, {"anonymous_consumer": "jack"}, **OPTIONAL)
    principal = caller(decide(policy, None, "/maybe"))
    assert principal.consumer is not None
    assert ("jack", None, None) == (principal.consumer.name, principal.consumer.key, principal.consumer.credential)


def test_in_non_secure_mode_there_is_no_consumer() -> None:
    """Nothing of a token is believed, and no key is looked at."""
    policy = shops(None, GUEST, secure=False, **OPTIONAL)
    assert [None, None] == [caller(decide(policy, made, "/maybe")).consumer for made in (None, token())]


# A store


class Store:
    """A store with jack in it that counts how often it is asked, and by how many threads."""

    def __init__(self) -> None:
        self.held = {"jack-key": Consumer.with_secret("jack", "jack-key", SECRET)}
        self.asked: list[tuple[str, str]] = []

    def find(self, identifier: str) -> Consumer | None:
        self.asked.append((identifier, threading.current_thread().name))
        return self.held.get(identifier)


def stored(store: Any, clock: Clock, entry: dict[str, Any] | None = None, **keys: Any) -> Policy:
    given: Any = clock
    return Policy(issuers=[SHOPS | {"consumer_store": {}} | (entry or {})], consumers=store, clock=given, **keys)


def test_a_store_is_asked_beside_the_request() -> None:
    """What has to wait is left open by `decide_now`; the store is asked in a thread of its own."""
    store, clock = Store(), Clock()
    policy = stored(store, clock)
    request = Facts(token=token())
    assert None is policy.engine.decide_now(request)
    assert "jack" == caller(run(policy.engine, request, lambda _: b"")).identity
    ((identifier, thread),) = store.asked
    assert "jack-key" == identifier
    assert threading.current_thread().name != thread


def test_a_verdict_lives_no_longer_than_its_consumer() -> None:
    """A token seen before is refused once its consumer is gone and the answer's time is over."""
    store, clock = Store(), Clock()
    policy = stored(store, clock)
    made = token()
    caller(decide(policy, made))
    store.held.clear()
    clock.advance(59)
    assert None is reason(decide(policy, made))
    assert 1 == len(store.asked)
    clock.advance(1)
    assert Reason.CONSUMER_UNKNOWN is reason(decide(policy, made))


def test_a_consumers_new_key_counts_within_its_time() -> None:
    """The old one is refused then, a token seen before too."""
    store, clock = Store(), Clock()
    policy = stored(store, clock)
    made, fresh = token(), Signer("HS256", key="another horse battery staple, and more", kid="")
    caller(decide(policy, made))
    store.held["jack-key"] = Consumer.with_secret("jack", "jack-key", fresh.secret)
    clock.advance(60)
    assert Reason.SIGNATURE_INVALID is reason(decide(policy, made))
    assert "jack" == caller(decide(policy, token(fresh))).identity


def test_a_token_may_run_out_while_the_store_is_asked() -> None:
    """It is judged again when the answer is there."""
    store, clock = Store(), Clock(1000)
    policy = stored(store, clock)
    request = Facts(token=token(exp=1001))
    assert None is policy.engine.decide_now(request)
    flow = policy.engine.decide(request)
    next(flow)
    clock.advance(60)
    with pytest.raises(StopIteration) as stop:
        next(flow)
    assert Reason.EXPIRED is reason(stop.value.value)


def test_garbage_is_asked_of_nobody() -> None:
    """Whatever can be told without the store is told without it."""
    store, clock = Store(), Clock(1000)
    policy = stored(store, clock, {"audience": ["orders"], "require_audience": True})
    for made in ("garbage", token(), token(exp=1), token(key="k" * 257, aud="orders"), token(key=7, aud="orders")):
        assert isinstance(decide(policy, made), Deny)
    assert [] == store.asked


def test_how_a_store_is_can_be_seen() -> None:
    """`policy.issuers()` says of it what it says of keys."""

    class Down:
        def find(self, identifier: str) -> Consumer | None:
            raise ConnectionError

    policy = stored(Down(), Clock())
    assert (True, None) == tuple(policy.issuers()["shops"][name] for name in ("fresh", "last_error"))
    assert Reason.KEYS_UNAVAILABLE is reason(decide(policy, token()))
    assert (False, "the store raised ConnectionError") == tuple(
        policy.issuers()["shops"][name] for name in ("fresh", "last_error")
    )


class AsyncStore:
    async def find(self, identifier: str) -> Consumer | None:
        return None


@pytest.mark.parametrize(
    ("store", "entry", "message"),
    [
        pytest.param(
            None, {"consumer_store": {}}, r"issuers\[0\].consumer_store: there is no store. Give one", id="none"
        ),
        pytest.param(Store(), {"consumers": CONSUMERS}, "consumers: no issuer takes its consumers", id="nobody-asks"),
        pytest.param({}, {"consumer_store": {}}, "consumers: has no method find", id="mapping"),
        pytest.param(AsyncStore(), {"consumer_store": {}}, "consumers: its find is async", id="async"),
    ],
)
def test_a_store_that_cannot_work_does_not_start(store: Any, entry: dict[str, Any], message: str) -> None:
    """Nor does one that nobody would ask, nor an issuer that would ask none."""
    with pytest.raises(ConfigurationError, match=message):
        Policy(issuers=[SHOPS | entry], consumers=store)


def test_in_non_secure_mode_no_store_is_needed() -> None:
    """The same code runs where there is no database."""
    for store in (None, Store()):
        assert Policy(issuers=[SHOPS | {"consumer_store": {}}], consumers=store, secure=False) is not None


def test_a_policy_can_be_looked_at_without_its_store() -> None:
    """What only shows a configuration has no database; nobody is found, and nobody is said not to exist."""
    entries: list[dict[str, Any]] = [{"consumer_store": {}}, {"consumers": CONSUMERS}]
    for entry in entries:
        assert Policy(issuers=[SHOPS | entry], consumers=Elsewhere()) is not None
    with pytest.raises(LookupError):
        Elsewhere().find("jack-key")
