"""Tokens for one use, two processes of a service, and a real Redis between them: shared, killed, frozen.

All is real: processes, sockets, time. Each wait has a bound.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from redis import Redis

from jwtmw.proof.redis import CLOCKS_DIFFER
from jwtmw.testing import TestIssuer
from tests.system.oidc import processes
from tests.system.oidc.processes import Answer, Service
from tests.system.revocation.server import RedisServer

pytestmark = pytest.mark.system

# What the configuration below says, and what a busy machine may add.
TIMEOUT, SLACK = 1, 5
APP = "examples.logout.app:app"
NAMES = count()


class RealTime:
    """The clock of the processes."""

    @staticmethod
    def time() -> float:
        """Epoch seconds."""
        return time.time()


class Fleet(NamedTuple):
    redis: RedisServer
    issuer: TestIssuer
    one: Service
    two: Service

    def token(self, **claims: Any) -> str:
        """A token of its own."""
        return self.issuer.token("alice", **{"jti": f"token {next(NAMES)}", **claims})


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """Redis, an issuer, and two processes of the service."""
    with ExitStack() as running:
        redis = running.enter_context(RedisServer(durable=True))
        issuer = running.enter_context(TestIssuer(clock=RealTime()))
        file = tmp_path / "jwtmw.toml"
        file.write_text(
            f"""
[replay]
store = "redis"
url = "$ENV://USED"
timeout = {TIMEOUT}

[[issuers]]
issuer = "{issuer.issuer}"
audience = ["orders"]
jwks_url = "{issuer.jwks_url}"

[[rules]]
path = "/orders"
methods = ["GET"]
single_use = true
""",
            encoding="utf-8",
        )
        environ = {"JWTMW_CONFIG": str(file), "USED": redis.url}
        services = []
        for name, server in (("one", "uvicorn"), ("two", "hypercorn-trio")):
            (tmp_path / name).mkdir()
            services.append(running.enter_context(processes.service(server, environ, tmp_path / name, APP)))
        yield Fleet(redis, issuer, *services)


def told(answer: Answer) -> tuple[int, str]:
    """The status, and the code of a refusal."""
    return answer.status, answer.json.get("code", "")


def test_a_token_counts_once_in_the_fleet(fleet: Fleet) -> None:
    """Whichever process it came to first; another token is another."""
    for first, second in ((fleet.one, fleet.two), (fleet.two, fleet.one)):
        token = fleet.token()
        assert (200, "") == told(first.ask("/orders", token))
        assert [(401, "token_invalid")] * 2 == [told(each.ask("/orders", token)) for each in (second, first)]


def test_of_many_at_once_one_is_the_first(fleet: Fleet) -> None:
    """However many use a token in the same moment, in both processes."""
    with ThreadPoolExecutor(12) as pool:
        for _ in range(5):
            token = fleet.token()
            services = [fleet.one, fleet.two] * 6
            answers = list(pool.map(lambda service, token=token: told(service.ask("/orders", token)), services))
            assert Counter({(200, ""): 1, (401, "token_invalid"): 11}) == Counter(answers)


def test_the_store_holds_digests_with_an_end(fleet: Fleet) -> None:
    """Neither issuer nor jti, and no longer than the token counts and clocks may differ."""
    assert 200 == fleet.one.ask("/orders", fleet.token(exp=int(time.time()) + 60)).status
    with Redis.from_url(fleet.redis.url) as client:
        (key,) = client.keys("*")
        assert key.startswith(b"jwtmw:used:")
        assert b"token" not in key
        assert 60 < client.ttl(key) <= 60 + 30 + CLOCKS_DIFFER


def test_the_store_is_killed_and_comes_back(fleet: Fleet) -> None:
    """Nobody passes meanwhile where one use is wanted, everybody elsewhere; what was used stays used."""
    used = fleet.token()
    assert 200 == fleet.one.ask("/orders", used).status
    fleet.redis.kill()
    for service in (fleet.one, fleet.two):
        for token in (used, fleet.token()):
            answer = service.ask("/orders", token)
            assert (503, "unavailable") == told(answer)
            assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert 200 == service.ask("/health").status
        assert 200 == service.ask("/orders", fleet.token(), "DELETE").status
        assert "single use cannot be checked: the store does not answer: ConnectionError" in service.log
    fleet.redis.start()
    for service in (fleet.one, fleet.two):
        assert [401, 200] == [service.ask("/orders", token).status for token in (used, fleet.token())]
        assert "pass-word" not in service.log


def test_a_store_that_hangs_holds_up_no_other_route(fleet: Fleet) -> None:
    """Who wants one use waits for the timeout and no longer; nobody else waits at all."""
    assert 200 == fleet.one.ask("/orders", fleet.token()).status
    fleet.redis.freeze()
    try:
        with ThreadPoolExecutor(12) as pool:
            for service in (fleet.one, fleet.two):
                waiting = [pool.submit(service.ask, "/orders", fleet.token()) for _ in range(10)]
                meanwhile = service.ask("/orders", fleet.token(), "DELETE")
                assert (200, True) == (meanwhile.status, meanwhile.seconds < SLACK)
                answers = [each.result(30) for each in waiting]
                assert {503} == {answer.status for answer in answers}
                assert all(answer.seconds < TIMEOUT + SLACK for answer in answers)
    finally:
        fleet.redis.thaw()
    for service in (fleet.one, fleet.two):
        statuses = {service.ask("/orders", fleet.token()).status for _ in range(3)}
        assert 200 in statuses
