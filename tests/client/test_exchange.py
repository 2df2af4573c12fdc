"""The caller's token exchanged: one for each caller, held, bounded, and one back-off for all."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest

from jwtmw.client import Exchange, HttpSettings, Outgoing, TokenEndpoint, TokenUnavailable, basic
from jwtmw.client.exchange import THREADS, WAITING
from jwtmw.issuers.source import Flight
from tests.client.callers_in_hand import NOBODY, InHand, caller
from tests.client.peers import Peer, Reply, Seen, peer

HERALD = "https://herald.example"


def exchanged(seen: Seen) -> Reply:
    """For each subject token one of its own."""
    form = dict(parse_qsl(seen.body.decode()))
    answer = {"access_token": f"for-{form['subject_token']}", "token_type": "Bearer", "expires_in": 300}
    return Reply(200, {}, json.dumps({**answer, "issued_token_type": form["requested_token_type"]}).encode())


@pytest.fixture
def endpoint() -> Any:
    with peer(exchanged) as served:
        yield served


class World:
    """Callers come and go; a clock to turn; flights land when they are told to, where `launch` is ours."""

    def __init__(self, endpoint: Peer, **keys: Any) -> None:
        self.now = 1000.0
        self.in_hand = InHand(caller(token="alices"))
        self.jobs: list[Callable[[], None]] = []
        self.source = Exchange(
            TokenEndpoint(f"{endpoint.url}/token", basic("orders", "word"), HttpSettings(timeout=5)),
            **{"who_calls": self.in_hand, "clock": lambda: self.now, "launch": self.jobs.append, **keys},
        )
        self.out = Outgoing(self.source, hosts=[HERALD])
        self.call = self.out.call("GET", HERALD, {}, None)

    def token(self, of: str = "alices") -> str:
        self.in_hand.principal = caller(token=of)
        found = self.source.look_up(self.call)
        if isinstance(found, Flight):
            self.land()
            found = self.source.look_up(self.call, found)
        assert isinstance(found, str)
        return found

    def land(self) -> None:
        jobs, self.jobs[:] = self.jobs[:], []
        for job in jobs:
            job()


def test_what_is_asked(endpoint: Peer) -> None:
    """RFC 8693 section 2.1, with the service's own proof."""
    world = World(endpoint, scopes=["a", "b"], audience=["herald"], resource=["https://r.example"])
    assert "for-alices" == world.token()
    (seen,) = endpoint.seen
    assert [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("scope", "a b"),
        ("audience", "herald"),
        ("resource", "https://r.example"),
        ("subject_token", "alices"),
    ] == parse_qsl(seen.body.decode())
    assert "Basic b3JkZXJzOndvcmQ=" == seen.token


def test_each_caller_has_a_token_of_its_own(endpoint: Peer) -> None:
    """Asked for once, and never another's."""
    world = World(endpoint)
    tokens = [world.token(name) for name in ("alices", "bobs", "alices", "bobs")]
    assert ["for-alices", "for-bobs"] * 2 == tokens
    assert 2 == len(endpoint.seen)


@pytest.mark.parametrize("in_hand", [InHand(), InHand(NOBODY)], ids=["no request", "anonymous"])
def test_nobodys_token_is_not_exchanged(endpoint: Peer, in_hand: InHand) -> None:
    """The endpoint is not asked."""
    with pytest.raises(TokenUnavailable, match="in nobody's name"):
        World(endpoint, who_calls=in_hand).source.look_up(World(endpoint).call)
    assert [] == endpoint.seen


def test_the_last_callers_are_remembered(endpoint: Peer) -> None:
    """As many as there is room for; another is asked for again."""
    world = World(endpoint, size=2)
    for name in ("a", "b", "a", "c"):
        world.token(name)
    assert (2, 3) == (len(world.source._held), len(endpoint.seen))
    world.token("a")
    assert 3 == len(endpoint.seen)
    world.token("b")
    assert 4 == len(endpoint.seen)


def test_one_callers_refusal_is_not_the_others(endpoint: Peer) -> None:
    """Status 400 is about the token that was brought."""
    endpoint.answer = lambda seen: Reply(400) if b"=bobs" in seen.body else exchanged(seen)
    world = World(endpoint)
    with pytest.raises(TokenUnavailable, match="exchange: no token can be had: status 400"):
        world.token("bobs")
    assert "for-alices" == world.token("alices")


def test_an_outage_is_everybodys(endpoint: Peer) -> None:
    """For a second nobody else asks the endpoint; then one does."""
    endpoint.answer = lambda seen: Reply(503)
    world = World(endpoint)
    for name in ("a", "b", "c"):
        with pytest.raises(TokenUnavailable, match="status 503"):
            world.token(name)
    assert 1 == len(endpoint.seen)
    endpoint.answer = exchanged
    world.now += 1
    assert "for-d" == world.token("d")


def test_a_crowd_is_bounded(endpoint: Peer) -> None:
    """A few threads, a line before them, and whoever finds it full is told."""
    world = World(endpoint)
    for number in range(THREADS + WAITING):
        world.in_hand.principal = caller(token=f"of-{number}")
        assert isinstance(world.source.look_up(world.call), Flight)
    assert THREADS == len(world.jobs)
    world.in_hand.principal = caller(token="one-too-many")
    flight = world.source.look_up(world.call)
    while isinstance(flight, Flight) and not flight.future.done():
        world.in_hand.principal = caller(token=f"{world.in_hand.principal.token}-more")
        flight = world.source.look_up(world.call)
    assert isinstance(flight, Flight)
    with pytest.raises(TokenUnavailable, match="no thread can be started"):
        world.source.look_up(world.call, flight)


def test_a_refused_token_is_replaced_unless_it_is_fresh(endpoint: Peer) -> None:
    """The refusal is of this caller's token."""
    world = World(endpoint)
    world.token()
    assert not world.source.refuse(world.call, "for-alices")
    world.now += 60
    assert world.source.refuse(world.call, "for-alices")
    assert "for-alices" == world.token()
    assert 2 == len(endpoint.seen)


def test_a_callers_token_in_real_threads(endpoint: Peer) -> None:
    """With the process's own worker and clock, and the real caller outside of a request."""
    source = Exchange(TokenEndpoint(f"{endpoint.url}/token", basic("a", "b")), who_calls=InHand(caller(token="alices")))
    assert "for-alices" == Outgoing(source, hosts=[HERALD]).token(HERALD)
    with pytest.raises(TokenUnavailable):
        Outgoing(Exchange(TokenEndpoint(endpoint.url, basic("a", "b"))), hosts=[HERALD]).token(HERALD)
