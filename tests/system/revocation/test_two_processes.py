"""Two processes of a service, and the list of what was revoked in a real Redis: shared, killed, frozen, forgetful.

All is real: processes, sockets, time. Each wait has a bound.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import NamedTuple

import pytest

from jwtmw import Policy
from jwtmw.cli import main
from jwtmw.errors import RevocationFailed
from jwtmw.testing import TestIssuer
from tests.system.oidc import processes
from tests.system.oidc.processes import Answer, Service
from tests.system.revocation.server import RedisServer

pytestmark = pytest.mark.system

# What the example's configuration is given here, and what a busy machine may add.
REFRESH, TIMEOUT, MAX_STALE, SLACK = 0.5, 1, 10, 5
APP = "examples.logout.app:app"
CONFIG = Path(__file__).parents[3] / "examples" / "logout" / "jwtmw.toml"


class Fleet(NamedTuple):
    redis: RedisServer
    issuer: TestIssuer
    environ: dict[str, str]
    one: Service
    two: Service


@contextmanager
def fleet(folder: Path, durable: bool = True) -> Iterator[Fleet]:
    """Redis, an issuer, and two processes of the service."""
    with ExitStack() as running:
        redis = running.enter_context(RedisServer(durable))
        issuer = running.enter_context(TestIssuer(clock=RealTime()))
        file = folder / "jwtmw.toml"
        shorter = f"[revocation]\nrefresh = {REFRESH}\ntimeout = {TIMEOUT}\nmax_stale = {MAX_STALE}\n"
        file.write_text(CONFIG.read_text(encoding="utf-8").replace("[revocation]\n", shorter), encoding="utf-8")
        known = {"ISSUER": issuer.issuer, "JWKS_URL": issuer.jwks_url, "REVOCATIONS": redis.url}
        environ = {"JWTMW_CONFIG": str(file), **known}
        services = []
        for name, server in (("one", "uvicorn"), ("two", "hypercorn-trio")):
            (folder / name).mkdir()
            services.append(running.enter_context(processes.service(server, environ, folder / name, APP)))
        yield Fleet(redis, issuer, environ, *services)


class RealTime:
    """The clock of the processes."""

    @staticmethod
    def time() -> float:
        """Epoch seconds."""
        return time.time()


def told(answer: Answer) -> tuple[int, str]:
    """The status, and the code of a refusal."""
    return answer.status, answer.json.get("code", "")


def statuses(fleet: Fleet, token: str) -> list[int]:
    return [service.ask("/orders", token).status for service in (fleet.one, fleet.two)]


def until(service: Service, token: str, status: int, within: float, meanwhile: int = 200) -> float:
    """Ask until the answer has this status, and `meanwhile` until then; the seconds that it took."""
    start = monotonic()
    while (answer := service.ask("/orders", token)).status != status:
        assert meanwhile == answer.status
        assert monotonic() - start < within, f"no {status} within {within} s:\n{service.log}"
        sleep(0.05)
    return monotonic() - start


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Fleet]:
    with fleet(tmp_path) as running:
        yield running


def test_who_logs_out_of_one_process_is_refused_by_the_other(running: Fleet) -> None:
    """Here at once, there within one refresh and one look, also where the token was seen; nobody else is."""
    token, other = (running.issuer.token("alice", jti=name) for name in ("one", "two"))
    assert [[200, 200], [200, 200]] == [statuses(running, each) for each in (token, other)]
    assert 200 == running.one.ask("/orders", token, "DELETE").status
    assert (401, "token_invalid") == told(running.one.ask("/orders", token))
    until(running.two, token, 401, REFRESH + TIMEOUT + SLACK)
    assert [[401, 401], [200, 200]] == [statuses(running, each) for each in (token, other)]


def test_a_command_revokes_for_the_whole_fleet(running: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """A subject, by the service's own configuration; and it is taken back."""
    for name, value in running.environ.items():
        monkeypatch.setenv(name, value)
    token, other = running.issuer.token("mallory"), running.issuer.token("alice")
    assert [[200, 200], [200, 200]] == [statuses(running, each) for each in (token, other)]
    command = ["revoke", "--issuer", running.issuer.issuer]
    for words, status, before in ((["--subject", "mallory"], 401, 200), (["--subject", "mallory", "--undo"], 200, 401)):
        assert 0 == main([*command, *words])
        for service in (running.one, running.two):
            until(service, token, status, REFRESH + TIMEOUT + SLACK, meanwhile=before)
    assert [200, 200] == statuses(running, other)


def test_a_process_that_starts_later_knows_the_list(running: Fleet, tmp_path: Path) -> None:
    """Its first token waits for the list."""
    token = running.issuer.token("alice", jti="one")
    assert 200 == running.one.ask("/orders", token, "DELETE").status
    (tmp_path / "three").mkdir()
    with processes.service("uvicorn", running.environ, tmp_path / "three", APP) as three:
        assert [401, 200] == [three.ask("/orders", each).status for each in (token, running.issuer.token(jti="two"))]


def test_the_store_is_killed_and_comes_back(running: Fleet) -> None:
    """Copies serve for a while, then nobody passes; never does the revoked token, never is the good one refused."""
    token, good = (running.issuer.token("alice", jti=name) for name in ("one", "two"))
    assert [200, 200] == statuses(running, good)
    assert 200 == running.one.ask("/orders", token, "DELETE").status
    until(running.two, token, 401, REFRESH + TIMEOUT + SLACK)
    running.redis.kill()
    assert [[401, 401], [200, 200]] == [statuses(running, each) for each in (token, good)]
    # What cannot be kept is not revoked, and the caller is told so.
    answer = running.one.ask("/orders", good, "DELETE")
    assert (503, "not now") == (answer.status, answer.json["status"])
    for service in (running.one, running.two):
        until(service, good, 503, MAX_STALE + TIMEOUT + SLACK)
        answer = service.ask("/orders", good)
        assert (503, "unavailable") == told(answer)
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert (503, "unavailable") == told(service.ask("/orders", token))
        assert 200 == service.ask("/health").status
        assert "revocations cannot be read: the store does not answer: ConnectionError" in service.log
    running.redis.start()
    for service in (running.one, running.two):
        until(service, good, 200, REFRESH + TIMEOUT + SLACK, meanwhile=503)
        assert 401 == service.ask("/orders", token).status
        assert "pass-word" not in service.log


def test_a_store_that_hangs_holds_up_no_request(running: Fleet) -> None:
    """The copies serve without a wait, and behind their time nobody passes; a hang is not a moment longer than that."""
    good = running.issuer.token("alice", jti="two")
    assert [200, 200] == statuses(running, good)
    running.redis.freeze()
    try:
        for service in (running.one, running.two):
            until(service, good, 503, MAX_STALE + TIMEOUT + SLACK)
            assert service.ask("/orders", good).seconds < TIMEOUT + SLACK
    finally:
        running.redis.thaw()
    for service in (running.one, running.two):
        until(service, good, 200, REFRESH + 2 * TIMEOUT + SLACK, meanwhile=503)


def test_a_store_that_forgets_lets_nobody_in_who_was_known(tmp_path: Path) -> None:
    """Killed and started without its data: who was refused stays refused where that was known, and the log says so."""
    with fleet(tmp_path, durable=False) as running:
        token, good = (running.issuer.token("alice", jti=name) for name in ("one", "two"))
        assert [200, 200] == statuses(running, good)
        assert 200 == running.one.ask("/orders", token, "DELETE").status
        until(running.two, token, 401, REFRESH + TIMEOUT + SLACK)
        running.redis.kill()
        running.redis.start()
        for service in (running.one, running.two):
            until_logged(service, "the store of revocations has lost its memory")
            assert [401, 200] == [service.ask("/orders", each).status for each in (token, good)]


def until_logged(service: Service, text: str) -> None:
    start = monotonic()
    while text not in service.log:
        assert monotonic() - start < REFRESH + 2 * TIMEOUT + SLACK, service.log
        sleep(0.05)


def test_an_operator_revokes_from_elsewhere(running: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy of the same configuration, in any process, is enough: for a subject, and back again."""
    alice, bob = (running.issuer.token(name) for name in ("alice", "bob"))
    assert [[200, 200], [200, 200]] == [statuses(running, each) for each in (alice, bob)]
    for name, value in running.environ.items():
        monkeypatch.setenv(name, value)
    policy = Policy(tmp_path / "jwtmw.toml")
    policy.revocations.revoke(running.issuer.issuer, subject="alice")
    for service in (running.one, running.two):
        until(service, alice, 401, REFRESH + TIMEOUT + SLACK)
    assert [200, 200] == statuses(running, bob)
    policy.revocations.restore(running.issuer.issuer, subject="alice")
    for service in (running.one, running.two):
        until(service, alice, 200, REFRESH + TIMEOUT + SLACK, meanwhile=401)
    running.redis.kill()
    with pytest.raises(RevocationFailed):
        policy.revocations.revoke(running.issuer.issuer, subject="alice")
