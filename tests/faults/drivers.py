"""Rows, performed by threads and by an event loop.

Owns: waiting for several requests at once, and how late the event loop was.
Must never know: what a row asks.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager

from tests.faults.rows import Ask, Observed, Row, Step
from tests.faults.world import Answered, World, aask, ask

# Enough that rows which wait overlap, few enough that two cores keep up with the rest.
AT_A_TIME = 12
# So long the first request has been on its way when the others are asked.
_HEAD_START = 0.05
_PATIENCE = 20.0

Result = Observed | Exception
Work = tuple[Row, World]


def by_threads(rows: Iterable[Work]) -> list[Result]:
    """Each row in a thread, each of its requests that may wait in another."""
    with ThreadPoolExecutor(AT_A_TIME) as rows_pool, ThreadPoolExecutor(AT_A_TIME) as requests_pool:

        def performed(work: Work) -> Result:
            row, world = work
            try:
                step = next(row)
                while True:
                    step = row.send(_perform(step, world, requests_pool))
            except StopIteration as stop:
                observed: Observed = stop.value
                return observed
            except Exception as error:  # noqa: BLE001 (the test of this row raises it)
                return error

        return list(rows_pool.map(performed, rows))


def _perform(step: Step, world: World, pool: ThreadPoolExecutor) -> list[Answered] | None:
    if isinstance(step, Ask):
        if not step.meanwhile:
            return [ask(world.policy, step.token)]
        first = pool.submit(ask, world.policy, step.token)
        time.sleep(_HEAD_START)
        others = [ask(world.policy, token) for token in step.meanwhile]
        return [first.result(), *others]
    until = time.monotonic() + _PATIENCE
    while world.is_fetching and time.monotonic() < until:
        time.sleep(0.005)
    return None


def by_event_loop(rows: Iterable[Work]) -> tuple[list[Result], float]:
    """All rows on one event loop; also the longest that the loop was kept from a task that was due, in seconds."""

    async def main() -> tuple[list[Result], float]:
        turn = asyncio.Semaphore(AT_A_TIME)
        late: list[float] = []
        tasks = [asyncio.create_task(_performed(work, turn)) for work in rows]
        async with watched(late):
            results = await asyncio.gather(*tasks)
        return results, max(late)

    return asyncio.run(main())


@asynccontextmanager
async def watched(late: list[float]) -> AsyncIterator[None]:
    """Note again and again how late a task is woken."""

    async def watch() -> None:
        while True:
            due = time.perf_counter() + 0.005
            await asyncio.sleep(0.005)
            late.append(time.perf_counter() - due)

    await asyncio.sleep(0)
    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()


@contextmanager
def measuring() -> Iterator[None]:
    """While waits are measured no garbage is collected: all of a test process takes longer than what is looked for."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def _performed(work: Work, turn: asyncio.Semaphore) -> Result:
    row, world = work
    async with turn:
        try:
            step = next(row)
            while True:
                step = row.send(await _aperform(step, world))
        except StopIteration as stop:
            observed: Observed = stop.value
            return observed
        except Exception as error:  # noqa: BLE001 (the test of this row raises it)
            return error


async def _aperform(step: Step, world: World) -> list[Answered] | None:
    if isinstance(step, Ask):
        first = asyncio.create_task(aask(world.policy, step.token))
        if step.meanwhile:
            await asyncio.sleep(_HEAD_START)
        others = [await aask(world.policy, token) for token in step.meanwhile]
        return [await first, *others]
    until = time.monotonic() + _PATIENCE
    while world.is_fetching and time.monotonic() < until:  # noqa: ASYNC110 (nothing tells of it)
        await asyncio.sleep(0.005)
    return None
