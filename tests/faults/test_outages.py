"""Keys over time: outages, removal, rotation, forks; and what an observer sees of it."""

from __future__ import annotations

import heapq
import json
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from jwtmw import Policy
from jwtmw.issuers.remote import RemoteKeys
from jwtmw.testing import TestIssuer
from tests.faults import wire
from tests.faults.keyserver import JWKS, KeyServer
from tests.faults.world import KNOWN, NEW, Answered, World, ask

ROOT = Path(__file__).parents[2]


def run_timers(world: World) -> Callable[[], None]:
    """Let timers keep the turned clock's time, and fetches land at once; call the result after each turn."""
    assert isinstance(world.source, RemoteKeys)
    due: list[tuple[float, int, Callable[[], None]]] = []
    numbers = count()
    world.source._later = lambda delay, job: heapq.heappush(due, (world.clock.monotonic() + delay, next(numbers), job))
    world.source._launch = lambda job: job()

    def run() -> None:
        while due and due[0][0] <= world.clock.monotonic():
            heapq.heappop(due)[2]()

    return run


def asked(world: World, token: str | None = None) -> str:
    """The status alone, without Retry-After."""
    return ask(world.policy, token or world.token(KNOWN)).status[:3]


def test_an_hours_outage_fails_no_known_key(key_server: KeyServer, figures: Callable[[str], None]) -> None:
    """The issuer fails for an hour, second by second: every request with a known key is 200, and it is asked seldom."""
    world = World(key_server.stand(), 5.0, still=True)
    run = run_timers(world)
    assert "200" == asked(world, world.seen)
    world.misbehave({JWKS: wire.status(503)})
    answers: list[Answered] = []
    for second in range(3600):
        world.clock.turn(1)
        run()
        answers.append(ask(world.policy, world.seen if second % 4 else world.token(KNOWN)))
    assert {"200"} == {answer.status for answer in answers}
    assert world.state["stale"]
    assert 100 < world.stand.requests < 130
    figures(f"an hour's outage: {world.stand.requests} fetches, no request failed of {len(answers)}")
    world.publish(KNOWN, NEW)
    world.clock.turn(30)
    run()
    assert ("200", True) == (asked(world, world.token(NEW)), world.state["fresh"])


def test_stale_keys_end_at_max_stale(key_server: KeyServer) -> None:
    """An outage that is longer than max_stale is 503 for all, and over with the first good answer."""
    world = World(key_server.stand(), 5.0, still=True)
    run = run_timers(world)
    asked(world)
    world.misbehave({JWKS: wire.status(503)})
    answers = []
    for turned in (300 + 3599, 2):
        for _ in range(turned):
            world.clock.turn(1)
            run()
        answers.append(asked(world))
    world.publish(KNOWN)
    world.clock.turn(30)
    run()
    assert ["200", "503", "200"] == [*answers, asked(world)]


@pytest.mark.parametrize(("timers", "turned"), [(True, 241), (False, 301)], ids=["timer", "asleep"])
def test_a_removed_key_is_dead_within_the_ttl(key_server: KeyServer, timers: bool, turned: int) -> None:
    """At the latest when the time of the keys is over, for tokens that were verified before as for others."""
    world = World(key_server.stand(), 5.0, still=True)
    run = run_timers(world)
    assert "200" == asked(world, world.seen)
    world.publish(NEW)
    world.clock.turn(200)
    before = [asked(world, token) for token in (world.seen, world.token(KNOWN))]
    world.clock.turn(turned - 200)
    if timers:
        run()
    assert ["200", "200", "401", "401"] == [*before, *(asked(world, t) for t in (world.seen, world.token(KNOWN)))]


@pytest.mark.parametrize("discovery", [False, True], ids=["jwks_url", "discovery"])
def test_a_new_key_works_after_one_fetch(key_server: KeyServer, discovery: bool) -> None:
    """Its first request fetches and is 200; the next ones ask nobody."""
    world = World(key_server.stand(), 5.0, discovery=discovery)
    asked(world)
    world.publish(KNOWN, NEW)
    world.misbehave({JWKS: world.stand.answers[JWKS]})
    assert ["200"] * 3 == [asked(world, token) for token in (world.token(NEW), world.token(NEW), world.token(KNOWN))]
    assert 1 == world.stand.hits[JWKS]


# Processes


def test_a_forked_child_fetches_for_itself() -> None:
    """Neither the parent's timers nor its fetch in the air exist in the child, which asks by itself in both cases."""
    program = [sys.executable, "-W", "ignore::DeprecationWarning", "-m", "tests.faults.forking"]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (0, "") == (done.returncode, done.stderr)
    assert {
        "child behind the ttl": ["200", 1],
        "child of a parent that waits": ["200", 1],
        "parent that waited": ["200", 1],
    } == json.loads(done.stdout)


# What users set and see


def test_issuer_and_audience_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two variables: keys are found by discovery, and found again after a rotation."""
    with TestIssuer(audience=("orders",)) as issuer:
        monkeypatch.setenv("JWTMW_ISSUER", issuer.issuer)
        monkeypatch.setenv("JWTMW_AUDIENCE", "orders")
        policy = Policy()
        answers = [ask(policy, issuer.token()).status]
        issuer.rotate()
        answers += [ask(policy, token).status for token in (issuer.token(), issuer.token(aud="billing"))]
    assert ["200", "200", "401"] == answers


def test_observers_see_how_the_keys_are(key_server: KeyServer) -> None:
    """By the issuer's name, and asking fetches nothing."""
    world = World(key_server.stand(), 5.0, still=True)
    run = run_timers(world)

    def seen(**members: Any) -> bool:
        nothing = {"fresh": False, "stale": False, "cooling_down": False, "last_error": None}
        return {"corp": {**nothing, **members}} == world.policy.issuers()

    assert seen()
    assert 0 == world.stand.requests
    asked(world)
    assert seen(fresh=True)
    asked(world, world.token(KNOWN, kid="unknown"))
    assert seen(fresh=True, cooling_down=True)
    world.misbehave({JWKS: wire.status(503)})
    world.clock.turn(301)
    run()
    assert seen(stale=True, last_error="status 503: not a success")


def test_observers_of_configured_keys_and_of_none() -> None:
    """Configured keys are always fresh; in non-secure mode there is nothing to see."""
    issuer = TestIssuer()
    fresh = {"fresh": True, "stale": False, "cooling_down": False, "last_error": None}
    assert {issuer.issuer: fresh} == Policy(issuers=[issuer.settings()]).issuers()
    assert {} == Policy(issuers=[issuer.settings()], secure=False).issuers()
