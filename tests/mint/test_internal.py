"""Internal tokens: what they say of the caller, what may be added, and what never may."""

from __future__ import annotations

import asyncio
import threading
import time
from itertools import count
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jwtmw import ConfigurationError, Consumer, Policy, Principal
from jwtmw.environ import WSGIRequest
from jwtmw.mint import InternalTokens, KeyRing, MintFailed, Signer
from jwtmw.mint.details import RESERVED
from jwtmw.testing import Clock, TestIssuer
from jwtmw.token.frozen import freeze_object
from tests.mint.rings import START

PAIR = Signer("EdDSA", kid="inner-1")
INNER = "https://gateway.internal"
PUBLIC = "https://id.example/"


class Ticks:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def tokens(**changes: Any) -> InternalTokens:
    clock = Clock(START)
    keys: dict[str, Any] = {"issuer": INNER, "audience": "inside", "clock": clock, **changes}
    return InternalTokens(keys.pop("signs", PAIR), **keys)


def caller(**members: Any) -> Principal:
    """Alice, let in by a public token that lives for ten minutes."""
    claims = members.pop("claims", {})
    good: dict[str, Any] = {
        "subject": "alice",
        "issuer": PUBLIC,
        "issuer_name": "corp",
        "client_id": "shop",
        "scopes": frozenset({"orders:read", "orders:write"}),
        "expires_at": START + 600,
        "is_authenticated": True,
        "token": "public-token",
    }
    return Principal(**(good | members), claims=freeze_object(claims))


def said(token: str) -> dict[str, Any]:
    key = jwt.PyJWK.from_dict(PAIR.public_jwk)
    options = {"verify_exp": False, "verify_iat": False, "verify_aud": False}
    return jwt.decode(token, key, options=options)  # type: ignore[arg-type]


def minted(principal: Principal | None = None, **changes: Any) -> dict[str, Any]:
    return said(tokens(**changes).mint(principal or caller()))


def test_it_says_who_the_caller_is_for_whom_and_for_how_long() -> None:
    """All of it is ours to say, but for who the caller is; and whose `alice` this is stands beside the name."""
    claims = minted()
    assert claims.pop("jti") != minted()["jti"]
    assert {
        "iss": INNER,
        "aud": "inside",
        "iat": START,
        "exp": START + 300,
        "sub": "alice",
        "sub_id": {"format": "iss_sub", "iss": PUBLIC, "sub": "alice"},
        "client_id": "shop",
        "scope": "orders:read orders:write",
        "roles": [],
        "act": {"sub": INNER},
    } == claims


def test_the_header_is_an_access_tokens_unless_told() -> None:
    """`typ` is that of RFC 9068, or one's own."""
    assert "at+jwt" == jwt.get_unverified_header(tokens().mint(caller()))["typ"]
    assert "inner+jwt" == jwt.get_unverified_header(tokens(typ="inner+jwt").mint(caller()))["typ"]


@pytest.mark.parametrize(
    ("expires_at", "expected"),
    [
        (START + 600, (START, START + 300)),
        (START + 299.9, (START, START + 299)),
        (START + 1, (START, START + 1)),
        (START - 20, (START - 20, START - 20)),
        (None, (START, START + 300)),
    ],
    ids=["later", "sooner", "a-second", "within-leeway", "never"],
)
def test_it_never_lives_longer_than_the_public_token(expires_at: float | None, expected: tuple[int, int]) -> None:
    """`exp` is the earlier of both; a caller within the leeway is within the next door's leeway too."""
    claims = minted(caller(expires_at=expires_at))
    assert expected == (claims["iat"], claims["exp"])


def test_several_audiences_are_a_list() -> None:
    """One is a text."""
    assert ["stock", "billing"] == minted(audience=["stock", "billing"])["aud"]
    assert "stock" == minted(audience=["stock"])["aud"]


def test_two_people_of_one_name_stay_two() -> None:
    """`sub` is one issuer's word; the token says whose."""
    other = minted(caller(issuer="https://login.partner.example"))
    assert ("alice", "https://login.partner.example") == (other["sub"], other["sub_id"]["iss"])


def test_who_is_no_subject_is_none() -> None:
    """A client without a subject keeps its own kind of name."""
    claims = minted(caller(subject=None))
    assert "shop" == claims["client_id"]
    assert set() == {"sub", "sub_id"} & claims.keys()


@pytest.mark.parametrize("subject", ["rose", None])
def test_a_consumer_is_who_its_key_says(subject: str | None) -> None:
    """It writes `sub` and `client_id` itself, and would pass for another one inside."""
    claims = minted(caller(subject=subject, consumer=Consumer("jack", key="jack-key")))
    assert ("jack", "jack", "jack") == (claims["sub"], claims["sub_id"]["sub"], claims["consumer"])
    assert "client_id" not in claims


def test_a_public_token_does_not_say_whose_its_caller_is() -> None:
    """What a public issuer says of another's people is not passed on; what one of ours said is."""
    theirs = {"sub_id": {"format": "iss_sub", "iss": "https://bank.example", "sub": "alice"}, "consumer": "rose"}
    spoofed = minted(caller(claims=theirs))
    assert PUBLIC == spoofed["sub_id"]["iss"]
    assert "consumer" not in spoofed
    relayed = minted(caller(claims=theirs), relays=[PUBLIC])
    assert theirs == {name: relayed[name] for name in theirs}
    assert "sub_id" not in minted(caller(), relays=[PUBLIC])


# Scopes, roles and other claims


def test_a_scope_with_a_blank_does_not_become_two() -> None:
    """Some issuers list scopes; as one text, such a one would grant another."""
    assert ["admin read", "orders"] == minted(caller(scopes=frozenset({"admin read", "orders"})))["scope"]


def test_claims_are_copied_by_name() -> None:
    """From the public token, if they are there; without `scope` in the list nothing is said of scopes."""
    principal = caller(claims={"tenant": {"id": 7}, "email": "a@b.example"}, roles=frozenset({"b", "a"}))
    claims = minted(principal, copy=("tenant", "roles", "missing"))
    assert ({"id": 7}, ["a", "b"]) == (claims["tenant"], claims["roles"])
    assert set() == {"scope", "email", "missing"} & claims.keys()


def test_what_is_copied_comes_from_the_public_token_alone(caplog: pytest.LogCaptureFixture) -> None:
    """The loader can neither replace it nor supply it, nor a scope by its other name."""
    claims = minted(load=lambda _: {"scope": "admin", "roles": ["root"], "scp": ["admin"], "tenant": 1, "plan": "pro"})
    assert ("orders:read orders:write", [], "pro") == (claims["scope"], claims["roles"], claims["plan"])
    assert "scp" not in claims
    only = minted(load=lambda _: {"tenant": 1}, copy=("tenant",))
    assert "tenant" not in only
    assert "load sets claims that it may not set; they are left out: roles, scope, scp" in caplog.text


def test_a_loader_may_say_scopes_where_they_are_not_copied() -> None:
    """Whoever maps scopes by hand leaves them out of `copy`."""
    assert ["admin"] == minted(load=lambda _: {"scp": ["admin"]}, copy=())["scp"]


def test_another_spelling_of_a_reserved_claim_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    """Readers that do not tell `SUB` from `sub`, as Go's, would go by the last one."""
    forged = {"SUB": "admin", "Exp": 9_999_999_999, "i\u017fs": "other", "Roles": ["root"], "SCP": "all", "plan": "pro"}
    assert minted().keys() | {"plan"} == minted(load=lambda _: forged).keys()
    assert "they are left out: Exp, Roles, SCP, SUB, i\u017fs" in caplog.text


RESERVED_NAMES = st.sampled_from(sorted(RESERVED))


@given(
    details=st.dictionaries(
        RESERVED_NAMES | RESERVED_NAMES.map(str.upper) | st.text(max_size=5),
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8) | st.lists(st.integers()),
        max_size=12,
    )
)
def test_reserved_claims_always_win(details: dict[str, Any]) -> None:
    """Whatever a loader returns, a token with it says of the caller what one without says."""
    bare, full = minted(), minted(load=lambda _: details)
    fixed = RESERVED | {"scope", "roles"}
    assert {name: bare[name] for name in bare if name != "jti"} == {
        name: value for name, value in full.items() if name in fixed and name != "jti"
    }
    assert full["jti"] != details.get("jti")
    added = {name: value for name, value in details.items() if name.casefold() not in {*fixed, "scp"}}
    assert added == {name: value for name, value in full.items() if name not in fixed}


# The loader


def test_a_loader_is_asked_once_per_public_token_and_time() -> None:
    """The same token within its time is not asked about again; another token, or another issuer's, is."""
    asked, ticks = count(1), Ticks()
    made = tokens(load=lambda _: {"n": next(asked)}, cache_ttl=60, ticks=ticks)
    assert [1, 1, 2, 3, 1] == [
        said(made.mint(who))["n"]
        for who in (caller(), caller(), caller(token="other"), caller(issuer_name="partner"), caller())
    ]
    ticks.now = 60
    assert 4 == said(made.mint(caller()))["n"]


def test_a_cache_of_no_time_asks_each_time() -> None:
    """`cache_ttl` 0 remembers nothing."""
    asked = count(1)
    made = tokens(load=lambda _: {"n": next(asked)}, cache_ttl=0)
    assert [1, 2] == [said(made.mint(caller()))["n"] for _ in range(2)]
    assert 0 == len(made._kept)


def test_callers_without_a_token_are_not_taken_for_one_another() -> None:
    """A principal that the application made itself has nothing to be remembered by."""
    made = tokens(load=lambda who: {"of": who.subject})
    assert ["alice", "bob"] == [said(made.mint(caller(subject=name, token="")))["of"] for name in ("alice", "bob")]


def test_what_is_remembered_is_bounded() -> None:
    """By number, whoever calls."""
    made = tokens(load=lambda _: {}, cache_size=10)
    for number in range(100):
        made.mint(caller(token=str(number)))
    assert 10 >= len(made._kept)


def test_what_a_loader_changes_later_is_not_in_the_token() -> None:
    """What counts is what it said when it was asked."""
    mutable = {"teams": ["a"]}
    made = tokens(load=lambda _: mutable)
    made.mint(caller())
    mutable["teams"].append("admin")
    assert ["a"] == said(made.mint(caller()))["teams"]


def test_where_loading_fails_there_is_no_token() -> None:
    """The error tells the type, and has the loader's own as its cause."""

    def breaks(_: Principal) -> dict[str, Any]:
        raise LookupError("CANARY")

    for attempt in (tokens(load=breaks).mint, lambda who: asyncio.run(tokens(load=breaks).amint(who))):
        with pytest.raises(MintFailed) as caught:
            attempt(caller())
        assert "load failed with LookupError" == str(caught.value) == caught.value.reason
        assert isinstance(caught.value.__cause__, LookupError)


@pytest.mark.parametrize(
    "returned",
    [None, [], "x", {"a": object()}, {"a": float("nan")}, {"a": {1, 2}}, {(1,): 1}],
    ids=["none", "list", "text", "object", "nan", "set", "key"],
)
def test_what_is_no_json_is_no_token(returned: Any) -> None:
    """A loader returns a mapping of JSON values, or there is no token."""
    with pytest.raises(MintFailed, match="load returned no mapping of JSON values"):
        minted(load=lambda _: returned)


def test_an_async_loader_is_awaited_by_amint_only() -> None:
    """`mint` refuses it by name; one that hides what it is fails there as well, and leaves nothing unawaited."""

    async def load(who: Principal) -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"of": who.subject}

    assert "alice" == said(asyncio.run(tokens(load=load).amint(caller())))["of"]
    assert "alice" == said(asyncio.run(tokens(load=lambda who: load(who)).amint(caller())))["of"]  # noqa: PLW0108
    with pytest.raises(ConfigurationError, match=r"load: an async load is awaited by amint only. Call `await amint"):
        tokens(load=load).mint(caller())
    with pytest.raises(MintFailed, match="load failed with TypeError"):
        tokens(load=lambda who: load(who)).mint(caller())  # noqa: PLW0108


def test_a_sync_loader_does_not_block_the_loop() -> None:
    """`amint` calls it in another thread, and remembers what it said for both."""
    made = tokens(load=lambda _: {"thread": threading.get_ident()})
    first = asyncio.run(made.amint(caller()))
    assert threading.get_ident() != said(first)["thread"]
    again = made.mint(caller()), asyncio.run(made.amint(caller()))
    assert {said(first)["thread"]} == {said(token)["thread"] for token in again}


# Actors


def test_the_chain_of_actors_grows_at_the_front() -> None:
    """Who acts now is outermost; who acted before is kept as it was."""
    before = {"sub": "batch", "act": {"sub": "cron"}}
    assert {"sub": INNER, "act": before} == minted(caller(claims={"act": before}))["act"]


def chain(length: int) -> dict[str, Any]:
    return {"sub": "a"} if length == 1 else {"sub": "a", "act": chain(length - 1)}


def test_a_chain_of_actors_ends() -> None:
    """Seven have acted before at most; services that call each other in a circle come to an end."""
    assert minted(caller(claims={"act": chain(7)}))
    with pytest.raises(MintFailed, match="more than 8 actors act for one another"):
        minted(caller(claims={"act": chain(8)}))


@pytest.mark.parametrize("act", ["batch", [], 7, {"sub": "a", "act": "b"}, {"sub": "a", "act": False}])
def test_a_chain_that_is_none_is_no_token(act: Any) -> None:
    """What cannot be read is not passed on."""
    with pytest.raises(MintFailed, match="the caller's act claim is malformed"):
        minted(caller(claims={"act": act}))


# Anonymous callers, non-secure mode, and what cannot work


def test_who_is_nobody_gets_no_token_unless_told() -> None:
    """An anonymous caller is refused; where it is wanted, the token says nobody's name and asks no loader."""
    with pytest.raises(MintFailed, match="the caller is anonymous"):
        tokens().mint(Principal())
    claims = minted(Principal(), anonymous=True, load=lambda _: pytest.fail("asked"))
    assert {"iss", "aud", "iat", "exp", "jti"} == claims.keys()


def test_in_non_secure_mode_there_is_no_token_and_no_key() -> None:
    """`mint` says "", for whoever calls, and asks nobody."""
    for signs in (None, PAIR):
        made = tokens(signs=signs, secure=False, load=lambda _: pytest.fail("asked"))
        assert ["", "", ""] == [made.mint(caller()), made.mint(Principal()), asyncio.run(made.amint(caller()))]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"signs": None}, "signs: there is no key to sign with. Give a KeyRing", id="signs"),
        pytest.param({"issuer": ""}, "issuer: is no name", id="issuer-empty"),
        pytest.param({"issuer": 7}, "issuer: is no name", id="issuer-type"),
        pytest.param({"issuer": "a\nb"}, "issuer: is no name", id="issuer-control"),
        pytest.param({"audience": []}, "audience: is no name, and no list of names", id="audience-none"),
        pytest.param({"audience": ""}, "audience: is no name", id="audience-empty"),
        pytest.param({"audience": ["a", 7]}, "audience: is no name", id="audience-type"),
        pytest.param({"ttl": 0}, "ttl: is no lifetime. Give whole seconds, at least one", id="ttl"),
        pytest.param({"ttl": 1.5}, "ttl: is no lifetime", id="ttl-float"),
        pytest.param({"ttl": True}, "ttl: is no lifetime", id="ttl-bool"),
        pytest.param({"load": 7}, "load: cannot be called", id="load"),
        pytest.param({"copy": "scope"}, "copy: is no list of claims", id="copy-text"),
        pytest.param({"copy": [""]}, "copy: is no list of claims", id="copy-empty"),
        pytest.param({"copy": ["sub"]}, "copy: sub is said by the internal token itself", id="copy-reserved"),
        pytest.param({"relays": PUBLIC}, "relays: is no list of issuers", id="relays"),
    ],
)
def test_what_cannot_work_does_not_start(changes: dict[str, Any], message: str) -> None:
    """The error names the argument."""
    with pytest.raises(ConfigurationError) as caught:
        tokens(**changes)
    assert str(caught.value).startswith(message)


def test_a_token_lives_within_its_key_ring(tmp_path: Any) -> None:
    """A longer `ttl` than the ring's is refused at the start, and by the ring itself where it was changed since."""
    ring = KeyRing.create(tmp_path / "keys", "EdDSA", lifetime=300)
    keys = {"issuer": INNER, "audience": "inside"}
    with pytest.raises(ConfigurationError, match=r"ttl: is longer than the key ring's lifetime. Give at most 300"):
        InternalTokens(ring, ttl=301, **keys)  # type: ignore[arg-type]
    made = InternalTokens(ring, clock=Clock(time.time() + 3600), **keys)  # type: ignore[arg-type]
    with pytest.raises(MintFailed, match="a token of this key ring has an exp"):
        made.mint(caller(expires_at=None))


def test_a_token_that_no_door_takes_is_not_minted() -> None:
    """Its length is bounded, as doors bound it."""
    with pytest.raises(MintFailed, match="the token would be longer than 8192 bytes"):
        minted(load=lambda _: {"fill": "x" * 8000})
    assert minted(load=lambda _: {"fill": "x" * 8000}, max_bytes=20_000)


# Doors


def test_each_door_takes_its_own_tokens_only() -> None:
    """An internal token at the public door, and a public one at the inner: refused, for issuer and key."""
    clock = Clock(START)
    outside = TestIssuer(PUBLIC, audience=("orders",), clock=clock)
    public = Policy(issuers=[outside.settings(name="corp")], clock=clock)
    inner = Policy(issuers=[{"issuer": INNER, "audience": ["inside"], "jwks": PAIR.jwks()}], clock=clock)

    def door(policy: Policy, token: str) -> Any:
        return policy.engine.decide_now(WSGIRequest({"REQUEST_METHOD": "GET", "HTTP_AUTHORIZATION": f"Bearer {token}"}))

    coming = outside.token(scope="orders:read", roles=["clerk"])
    allowed = door(public, coming)
    token = tokens(clock=clock).mint(allowed.principal)
    within = door(inner, token).principal
    assert ("alice", {"orders:read"}, INNER) == (within.subject, within.scopes, within.issuer)
    assert ("issuer_unknown", "issuer_unknown") == (door(public, token).reason.value, door(inner, coming).reason.value)
