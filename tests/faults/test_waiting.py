"""Who waits for an issuer and who never does, measured: hanging issuers, storms, first requests."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import trio

from jwtmw import Policy
from tests.faults import wire
from tests.faults.drivers import measuring, watched
from tests.faults.keyserver import JWKS, METADATA, Call, KeyServer
from tests.faults.world import KNOWN, NEW, Answered, World, aask, ask

# Far less than the deadline of 5 s, for a machine that is busy.
AT_ONCE = 1.0
FIRST = 300
STORM = 5000


@pytest.fixture(autouse=True)
def _measured() -> Iterator[None]:
    with measuring():
        yield


def slowly(call: Call) -> None:
    """Good keys, after a while."""
    call.wait(0.3)
    wire.good(call)


def held(call: Call) -> None:
    """Good keys, once the stand is told to let go."""
    call.wait(60)
    wire.good(call)


def warmed(server: KeyServer, timeout: float = 5.0, **options: bool) -> World:
    world = World(server.stand(), timeout, **options)
    assert ask(world.policy, world.seen).status == "200"
    return world


def seconds(answers: Iterable[Answered]) -> float:
    return max(answer.seconds for answer in answers)


def statuses(answers: Iterable[Answered]) -> dict[str, int]:
    return dict(Counter(answer.status for answer in answers))


def ms(name: str, value: float) -> str:
    return f"{name}: {value * 1000:.1f} ms"


# An issuer that hangs


def hanging(server: KeyServer, discovery: bool) -> tuple[World, list[str]]:
    """Warm keys whose refresh is due, an issuer that hangs, and tokens of the known key, seen before and not."""
    world = warmed(server, discovery=discovery)
    world.misbehave({JWKS: wire.hang(), METADATA: wire.hang()})
    world.clock.turn(250)
    return world, [world.token(KNOWN) if number % 2 else world.seen for number in range(400)]


@pytest.mark.parametrize("discovery", [False, True], ids=["jwks_url", "discovery"])
def test_a_hanging_issuer_delays_no_known_key_in_threads(
    key_server: KeyServer, figures: Callable[[str], None], discovery: bool
) -> None:
    """While the refresh hangs and a new key's request waits for it, known keys are answered at once."""
    world, tokens = hanging(key_server, discovery)
    with ThreadPoolExecutor(9) as pool:
        waiting = pool.submit(ask, world.policy, world.token(NEW))
        answers = list(pool.map(lambda token: ask(world.policy, token), tokens))
        assert not waiting.done()
        world.mend()
        assert "503" == waiting.result().status
    assert {"200": len(tokens)} == statuses(answers)
    figures(ms("known key while the issuer hangs, 8 threads, longest wait", seconds(answers)))
    assert seconds(answers) < AT_ONCE


@pytest.mark.parametrize("discovery", [False, True], ids=["jwks_url", "discovery"])
def test_a_hanging_issuer_delays_no_known_key_on_an_event_loop(
    key_server: KeyServer, figures: Callable[[str], None], discovery: bool
) -> None:
    """The same on one event loop, which is never kept from other tasks."""
    world, tokens = hanging(key_server, discovery)
    late: list[float] = []

    async def main() -> list[Answered]:
        waiting = asyncio.create_task(aask(world.policy, world.token(NEW)))
        async with watched(late):
            answers = []
            for token in tokens:
                answers.append(await aask(world.policy, token))
                await asyncio.sleep(0)
        assert not waiting.done()
        world.mend()
        assert "503" == (await waiting).status
        return answers

    answers = asyncio.run(main())
    assert {"200": len(tokens)} == statuses(answers)
    figures(ms("known key while the issuer hangs, event loop, longest wait", seconds(answers)))
    figures(ms("known key while the issuer hangs, event loop, longest stall", max(late)))
    assert max(seconds(answers), *late) < AT_ONCE


def test_an_issuer_that_hangs_slows_no_other(key_server: KeyServer, figures: Callable[[str], None]) -> None:
    """Two issuers of one policy: while one hangs, the other's first, known and new keys are answered as ever."""
    bad, good = World(key_server.stand(), 5.0), World(key_server.stand(), 5.0)
    both = Policy(
        issuers=[
            {"name": name, "issuer": world.issuer, "audience": ["orders"], "jwks_url": world.stand.url()}
            for name, world in (("bad", bad), ("good", good))
        ]
    )
    bad.misbehave({JWKS: wire.hang()})
    good.misbehave({})
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ask, both, bad.seen)
        answers = [ask(both, good.seen), ask(both, good.token(KNOWN))]
        good.publish(KNOWN, NEW)
        answers.append(ask(both, good.token(NEW)))
        assert not waiting.done()
        bad.mend()
        assert "503" == waiting.result().status
    assert ({"200": 3}, 2) == (statuses(answers), good.stand.requests)
    figures(ms("other issuer while one hangs, longest wait, its two fetches included", seconds(answers)))
    assert seconds(answers) < AT_ONCE


# First requests


def in_threads(world: World, tokens: list[str]) -> list[Answered]:
    with ThreadPoolExecutor(len(tokens)) as pool:
        return list(pool.map(lambda token: ask(world.policy, token), tokens))


def in_asyncio(world: World, tokens: list[str]) -> list[Answered]:
    async def main() -> list[Answered]:
        return await asyncio.gather(*(aask(world.policy, token) for token in tokens))

    return asyncio.run(main())


def in_trio(world: World, tokens: list[str]) -> list[Answered]:
    answers: list[Answered] = []

    async def one(token: str) -> None:
        answers.append(await aask(world.policy, token))

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for token in tokens:
                nursery.start_soon(one, token)

    trio.run(main)
    return answers


TOGETHER = {"threads": in_threads, "asyncio": in_asyncio, "trio": in_trio}


@pytest.mark.parametrize("together", TOGETHER.values(), ids=TOGETHER)
def test_first_requests_share_one_fetch(
    key_server: KeyServer, together: Callable[[World, list[str]], list[Answered]]
) -> None:
    """300 requests at once, before any key is known: one fetch, and 200 for all."""
    world = World(key_server.stand(), 5.0)
    world.misbehave({JWKS: slowly})
    answers = together(world, [world.token(KNOWN) for _ in range(FIRST)])
    assert ({"200": FIRST}, 1) == (statuses(answers), world.stand.requests)


# Storms of unknown kids


STORMS = {"while the issuer is well": (wire.good, "401"), "while it fails": (wire.status(503), "503")}


@pytest.mark.parametrize(("answer", "expected"), STORMS.values(), ids=STORMS)
@pytest.mark.parametrize("driver", ["threads", "asyncio"])
def test_a_storm_of_unknown_kids_is_one_fetch(
    key_server: KeyServer, driver: str, answer: Callable[[Call], None], expected: str
) -> None:
    """5,000 random kids at one time: one fetch; the known key is served amidst them."""
    world = warmed(key_server, still=True)
    world.misbehave({JWKS: answer})
    tokens = [world.token(KNOWN, kid=f"random-{number}") for number in range(STORM)]
    tokens[STORM // 2] = world.seen
    if driver == "threads":
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda token: ask(world.policy, token), tokens))
    else:
        answers = in_asyncio(world, tokens)
    assert {expected: STORM - 1, "200": 1} == statuses(answers)
    assert ("200", 1) == (answers[STORM // 2].status, world.stand.requests)


@pytest.mark.parametrize("storm", [False, True], ids=["one kid", "a storm"])
def test_a_storm_adds_no_fetch_to_an_outage(key_server: KeyServer, storm: bool) -> None:
    """For a whole cool-down of failures a hundred kids a second are no more fetches than one: the back-off's."""
    world = warmed(key_server, still=True)
    world.misbehave({JWKS: wire.status(503)})
    for second in range(30):
        for number in range(100 if storm else 1):
            assert "503" == ask(world.policy, world.token(KNOWN, kid=f"random-{second}-{number}")).status[:3]
        world.clock.turn(1)
    # After 0, 2, 6 and 14 seconds.
    assert 4 == world.stand.requests


def test_a_storm_keeps_no_new_key_out(key_server: KeyServer) -> None:
    """A kid published in the midst of a storm serves once the cool-down is over, after one more fetch."""
    world = warmed(key_server, still=True)
    world.misbehave({})
    assert "401" == ask(world.policy, world.token(KNOWN, kid="random")).status
    world.publish(KNOWN, NEW)
    assert "401" == ask(world.policy, world.token(NEW)).status
    world.clock.turn(30)
    assert ("200", 2) == (ask(world.policy, world.token(NEW)).status, world.stand.requests)


# Waiters that go away


def test_a_cancelled_waiter_harms_nobody(key_server: KeyServer) -> None:
    """The request that started the fetch is cancelled; the others get its outcome."""
    world = World(key_server.stand(), 5.0)
    world.misbehave({JWKS: held})

    async def main() -> list[Answered]:
        tasks = [asyncio.create_task(aask(world.policy, world.token(KNOWN))) for _ in range(10)]
        await asyncio.sleep(0.1)
        assert tasks[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
        world.stand.released.set()
        return await asyncio.gather(*tasks[1:])

    assert ({"200": 9}, 1) == (statuses(asyncio.run(main())), world.stand.requests)


async def given_up(coroutine: Awaitable[Answered]) -> None:
    """Wait for a short time only."""
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(coroutine, 0.1)


def test_a_loop_that_ends_in_mid_flight_harms_nobody(key_server: KeyServer) -> None:
    """The event loop whose request started the fetch is closed; the next one takes what the fetch brings."""
    world = World(key_server.stand(), 5.0)
    world.misbehave({JWKS: held})
    asyncio.run(given_up(aask(world.policy, world.seen)))
    world.stand.released.set()
    assert ("200", 1) == (asyncio.run(aask(world.policy, world.seen)).status, world.stand.requests)


def test_a_trio_loop_that_ends_in_mid_flight_harms_nobody(key_server: KeyServer) -> None:
    """The same with trio, whose next run is another loop."""
    world = World(key_server.stand(), 5.0)
    world.misbehave({JWKS: held})

    async def main() -> None:
        with trio.move_on_after(0.1):
            await aask(world.policy, world.seen)

    trio.run(main)
    world.stand.released.set()
    assert ("200", 1) == (trio.run(aask, world.policy, world.seen).status, world.stand.requests)


def test_loops_and_threads_share_one_fetch(key_server: KeyServer) -> None:
    """Two event loops, a trio loop and a thread ask at once: one fetch."""
    world = World(key_server.stand(), 5.0)
    world.misbehave({JWKS: slowly})
    tokens = [world.token(KNOWN) for _ in range(20)]
    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(together, world, tokens) for together in (in_asyncio, in_asyncio, in_trio, in_threads)]
        assert [{"200": 20}] * 4 == [statuses(run.result()) for run in runs]
    assert 1 == world.stand.requests
