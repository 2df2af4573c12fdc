"""A FastAPI service with two variables, under two servers, and npm's oidc-provider: what callers see of its keys' life.

All is real: processes, sockets, time. Each wait has a bound, and each bound a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from time import monotonic, sleep
from typing import NamedTuple

import pytest

from tests.system.oidc import processes
from tests.system.oidc.load import Load, refused, tally, with_kid
from tests.system.oidc.processes import ALGORITHMS, READ, SERVERS, WRITE, Answer, Provider, Service

pytestmark = pytest.mark.system

# Defaults of the configuration: `http.timeout`, the longest back-off, and the shortest time to live of keys.
TIMEOUT, BACK_OFF, SHORTEST_TTL = 5, 30, 30
# What a busy machine may add to a wait that has a bound.
SLACK = 2

Figure = Callable[[str], None]


def environ(provider: Provider) -> dict[str, str]:
    """The whole configuration."""
    return {"JWTMW_ISSUER": provider.issuer, "JWTMW_AUDIENCE": "orders"}


def minted(provider: Provider, count: int) -> list[str]:
    """`count` new tokens of each algorithm, mixed."""
    return list(chain.from_iterable(zip(*provider.tokens(count).values(), strict=True)))


def works_again(service: Service, token: str, within: float) -> float:
    """Ask until the answer is 200, for at most `within` seconds; until then it is 503. The seconds that it took."""
    start = monotonic()
    while (answer := service.ask("/orders", token)).status != 200:
        assert (503, "unavailable") == (answer.status, answer.json["code"])
        assert monotonic() - start < within, f"no recovery within {within} s:\n{service.log}"
        sleep(0.2)
    return monotonic() - start


def assert_unavailable(answer: Answer) -> None:
    """503 with Retry-After, within the limit on time."""
    assert (503, "unavailable") == (answer.status, answer.json["code"])
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert answer.seconds < TIMEOUT + SLACK


class Pair(NamedTuple):
    provider: Provider
    service: Service


@pytest.fixture(params=SERVERS)
def pair(request: pytest.FixtureRequest, folder: Path) -> Iterator[Pair]:
    """A provider, and a service that has just started."""
    with processes.provider(folder) as provider, processes.service(request.param, environ(provider), folder) as service:
        yield Pair(provider, service)


@pytest.fixture(params=SERVERS, scope="module")
def lasting(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """The same for tests that change nothing."""
    folder = tmp_path_factory.mktemp("lasting")
    with processes.provider(folder) as provider, processes.service(request.param, environ(provider), folder) as service:
        yield Pair(provider, service)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_scopes_of_a_token_decide(lasting: Pair, algorithm: str) -> None:
    """With the scope 200 and 201, and the endpoint knows the caller; without it 403, and the challenge says which."""
    provider, service = lasting
    reads, writes = provider.tokens()[algorithm][0], provider.tokens(scope=WRITE)[algorithm][0]
    listed, placed = service.ask("/orders", reads), service.ask("/orders", writes, "POST")
    assert (200, {"caller": "shop", "issuer": provider.issuer}) == (listed.status, listed.json)
    assert (201, {"caller": "shop"}) == (placed.status, placed.json)
    assert 200 == service.ask("/orders", writes, "DELETE").status
    for token, method, wanted in ((reads, "POST", WRITE), (reads, "DELETE", WRITE), (writes, "GET", READ)):
        answer = service.ask("/orders", token, method)
        assert (403, "insufficient_scope") == (answer.status, answer.json["code"])
        challenge = answer.headers["www-authenticate"]
        assert 'error="insufficient_scope"' in challenge
        assert f'scope="{wanted}"' in challenge


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_token_that_is_not_good_is_401(lasting: Pair, algorithm: str) -> None:
    """A foreign audience, and every part of a good token joined to parts of another good one."""
    provider, service = lasting
    first, second = (token.split(".") for token in provider.tokens(2)[algorithm])
    foreign = provider.tokens(audience="billing")[algorithm][0]
    other = provider.tokens()[ALGORITHMS[ALGORITHMS.index(algorithm) - 1]][0].split(".")
    mixed = [
        [first[0], first[1], second[2]],
        [first[0], second[1], first[2]],
        [other[0], first[1], first[2]],
        [first[0], first[1], other[2]],
    ]
    for token in [foreign, *(".".join(parts) for parts in mixed)]:
        answer = service.ask("/orders", token)
        assert (401, "token_invalid") == (answer.status, answer.json["code"])
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_no_token_is_401(lasting: Pair) -> None:
    """Without a token there is a challenge and no error, and that on unknown paths and the docs page too."""
    for path in ("/orders", "/nowhere", "/docs", "/openapi.json", "/assets/swagger-ui.css"):
        answer = lasting.service.ask(path)
        assert (401, "token_missing") == (answer.status, answer.json["code"])
        assert 'Bearer realm="api"' == answer.headers["www-authenticate"]


def test_no_request_fails_while_keys_rotate(pair: Pair, figure: Figure) -> None:
    """Published, used, the old removed: every good token is answered with 200, and the service fetches twice in all."""
    provider, service = pair
    before = provider.show()
    # However busy the machine, the first fetch is over before anything is published.
    assert 200 == service.ask("/orders", minted(provider, 1)[0]).status
    with Load(service.address, minted(provider, 30)) as load:
        load.during("warm", 1.5)
        provider.publish()
        load.during("published", 1.5, minted(provider, 30))
        after = provider.use()
        load.during("used", 2, minted(provider, 60))
        fetched = provider.retire().fetches
        load.during("removed", 1.5, minted(provider, 60))
    assert before.signing.isdisjoint(after.signing)
    assert [] == refused(load.samples)
    for phase, kids in (("warm", before), ("published", before), ("used", after), ("removed", after)):
        news = {sample.kid for sample in load.of(kids.signing, phase) if sample.is_new}
        assert kids.signing == news, f"not every key was tried while {phase}"
    assert (0, 2) == (before.fetches, fetched)
    assert 2 == provider.show().fetches
    figure(f"warm: {tally(load.of(before.signing, 'warm'))}")
    figure(f"keys of before, later: {tally([s for s in load.of(before.signing) if s.phase != 'warm'])}")
    figure(f"keys that rotated in: {tally(load.of(after.signing))}")


def test_an_outage_is_not_the_callers_fault(pair: Pair, figure: Figure) -> None:
    """The provider dies: known keys serve seen and new tokens. It comes back with new keys: they serve too."""
    provider, service = pair
    known = provider.show().signing
    with Load(service.address, minted(provider, 20)) as load:
        load.during("warm", 1)
        supply = minted(provider, 60)
        unknown = with_kid(supply[0], "never-published")
        provider.stop()
        load.during("outage", 1, supply)
        assert_unavailable(service.ask("/orders", unknown))
        load.during("outage", 2)
        new = provider.start().signing
        load.phase = "back"
        waited = works_again(service, minted(provider, 1)[0], within=BACK_OFF + TIMEOUT)
        load.during("back", 1.5, minted(provider, 30))
    assert [] == refused(load.samples)
    assert known == {sample.kid for sample in load.of(known, "outage") if sample.is_new}
    assert new == {sample.kid for sample in load.of(new, "back") if sample.is_new}
    figure(f"warm: {tally(load.of(known, 'warm'))}")
    figure(f"provider dead: {tally(load.of(known, 'outage'))}; back after {waited:.1f} s")


def test_a_provider_that_hangs_delays_no_known_key(pair: Pair, figure: Figure) -> None:
    """A fetch hangs to its time limit: whoever needs it is told 503, everybody else is answered meanwhile."""
    provider, service = pair
    known = provider.show().signing
    with Load(service.address, minted(provider, 20)) as load:
        load.during("warm", 1)
        supply = minted(provider, 100)
        unknown = with_kid(supply[0], "never-published")
        provider.freeze()
        load.during("hanging", 0, supply)
        answer = service.ask("/orders", unknown)
        load.phase = "over"
        provider.thaw()
    assert_unavailable(answer)
    assert TIMEOUT - SLACK < answer.seconds, "the fetch did not hang"
    assert [] == refused(load.samples)
    during = load.of(known, "hanging")
    assert known == {sample.kid for sample in during if sample.is_new}
    # A request that waited for the fetch would have waited for all of it.
    assert max(sample.seconds for sample in during) < TIMEOUT - SLACK
    figure(f"warm: {tally(load.of(known, 'warm'))}")
    figure(f"provider hanging: {tally(during)}")


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("hangs", [False, True], ids=["refuses", "hangs"])
def test_a_cold_start_in_an_outage_recovers(server: str, hangs: bool, folder: Path, figure: Figure) -> None:
    """No keys yet and none to be had: 503 with Retry-After within the time limit; later 200, without a restart."""
    with processes.provider(folder) as provider:
        token = minted(provider, 1)[0]
        provider.freeze() if hangs else provider.stop()
        with processes.service(server, environ(provider), folder) as service:
            first = service.ask("/orders", token)
            assert_unavailable(first)
            assert_unavailable(service.ask("/orders", token))
            provider.thaw() if hangs else provider.start()
            waited = works_again(service, minted(provider, 1)[0], within=BACK_OFF + TIMEOUT)
            assert all(200 == service.ask("/orders", token).status for token in minted(provider, 1))
    figure(f"503 after {first.seconds:.2f} s, 200 {waited:.1f} s after the provider was there")


def test_keys_age(folder: Path, figure: Figure) -> None:
    """A removed key is dead within the time to live, known tokens too; old keys outlive theirs if refreshing fails.

    The provider allows the least that counts, 30 s. Both servers are tried at once, as this takes its time.
    """
    with ExitStack() as stack:
        provider = stack.enter_context(processes.provider(folder, max_age=SHORTEST_TTL))
        settings = environ(provider)
        services = [stack.enter_context(processes.service(server, settings, folder)) for server in SERVERS]
        old = minted(provider, 1)
        assert all(200 == service.ask("/orders", token).status for service in services for token in old)
        provider.publish()
        provider.use()
        provider.retire()
        removed = monotonic()
        # All that the services hear of it is what they ask for by themselves.
        dead = [_until_dead(service, old, removed + SHORTEST_TTL + SLACK) - removed for service in services]
        new = minted(provider, 2)
        waits = [service.ask("/orders", token) for service in services for token in new[:4]]
        assert {200} == {answer.status for answer in waits}
        provider.stop()
        sleep(SHORTEST_TTL + SLACK)
        late = [service.ask("/orders", token) for service in services for token in new]
    assert {200} == {answer.status for answer in late}
    figure(f"removed keys dead after {', '.join(f'{seconds:.1f} s' for seconds in dead)}")
    longest = max(answer.seconds for answer in late)
    figure(f"{len(late)} requests past the time to live, provider dead: longest wait {longest * 1000:.0f} ms")


def _until_dead(service: Service, tokens: list[str], deadline: float) -> float:
    """When the last of these tokens was refused."""
    left = list(tokens)
    while left:
        assert monotonic() < deadline, f"{len(left)} tokens of removed keys still pass"
        answers = {token: service.ask("/orders", token).status for token in left}
        assert set(answers.values()) <= {200, 401}
        left = [token for token, status in answers.items() if status == 200]
        sleep(0.25)
    return monotonic()
