"""The two drivers of the engine's flows: one for threads, one for event loops. The only module that waits.

An adapter asks `engine.decide_now` first, and drives only what that leaves open.

Owns: waiting, and reading a body when asked to.
Must never know: why something is waited for, tokens, policy.

Whatever is waited for is led by nobody here: a waiter that is cancelled or times out harms no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import wait as wait_for_futures
from contextlib import suppress
from typing import Any

from jwtmw.decision import Allow, Decision, Deny
from jwtmw.effects import Effect, Flow, ReadBody
from jwtmw.engine import Engine
from jwtmw.errors import ConfigurationError
from jwtmw.issuers.source import Flight
from jwtmw.request import Request

# Given a limit in bytes: the whole body, or None where it is larger.
BodyReader = Callable[[int], bytes | None]
AsyncBodyReader = Callable[[int], Awaitable[bytes | None]]


def run(engine: Engine, request: Request, read_body: BodyReader) -> Decision:
    """Decide in this thread; blocks while something must be waited for."""
    flow = engine.decide(request)
    step = _advance(flow, None, None)
    while not isinstance(step, Allow | Deny):
        try:
            answer = _perform(step, read_body)
        except Exception as error:  # noqa: BLE001 (the flow judges it)
            step = _advance(flow, None, error)
        else:
            step = _advance(flow, answer, None)
    return step


async def arun(engine: Engine, request: Request, read_body: AsyncBodyReader) -> Decision:
    """Decide on this event loop, asyncio's or trio's; never blocks it."""
    flow = engine.decide(request)
    step = _advance(flow, None, None)
    while not isinstance(step, Allow | Deny):
        try:
            answer = await _perform_async(step, read_body)
        except Exception as error:  # noqa: BLE001 (the flow judges it)
            step = _advance(flow, None, error)
        else:
            step = _advance(flow, answer, None)
    return step


def _advance(flow: Flow, answer: Any, error: Exception | None) -> Effect | Decision:
    """The flow's next effect, or the decision where it has come to one."""
    try:
        return flow.send(answer) if error is None else flow.throw(error)
    except StopIteration as stop:
        decision: Decision = stop.value
        return decision


def _perform(effect: Effect, read_body: BodyReader) -> Any:
    if isinstance(effect, ReadBody):
        return read_body(effect.limit)
    if isinstance(effect.on, Flight):
        wait_for_futures([effect.on.future], timeout=effect.on.remaining())
        return None
    if isinstance(effect.on, Coroutine):
        effect.on.close()
    raise ConfigurationError("load_user", "an async load_user needs an ASGI application", "Make it a plain function")


async def _perform_async(effect: Effect, read_body: AsyncBodyReader) -> Any:
    if isinstance(effect, ReadBody):
        return await read_body(effect.limit)
    if isinstance(effect.on, Flight):
        return await _landed(effect.on)
    return await effect.on


async def _landed(flight: Flight) -> None:
    # Imported here: only a request that has to wait needs it, and httpx2 brings it.
    import anyio

    landed = anyio.Event()
    wake = _waker()

    def on_landing(_: object) -> None:
        # The loop may have ended before the flight did: nobody waits there any more (trio.RunFinishedError is one too).
        with suppress(RuntimeError):
            wake(landed.set)

    flight.future.add_done_callback(on_landing)
    with anyio.move_on_after(flight.remaining()):
        await landed.wait()


def _waker() -> Callable[[Callable[[], None]], Any]:
    """How another thread may run a function in this loop without waiting for it."""
    try:
        return asyncio.get_running_loop().call_soon_threadsafe
    except RuntimeError:
        import trio

        return trio.lowlevel.current_trio_token().run_sync_soon
