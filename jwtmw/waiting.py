"""Waiting for a flight: a thread blocks, a task does not block its loop. Asyncio's or trio's loop, any number of them.

Owns: the two ways of waiting.
Must never know: why something is waited for, tokens, policy.

Whatever is waited for is led by nobody here: a waiter that is cancelled or times out harms no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import wait as wait_for_futures
from contextlib import suppress
from typing import Any

from jwtmw.issuers.source import Flight


def wait_for(flight: Flight) -> None:
    """Block this thread until the flight has landed, or its deadline has passed."""
    wait_for_futures([flight.future], timeout=flight.remaining())


async def await_landing(flight: Flight) -> None:
    """The same for a task; its event loop goes on."""
    # Imported here: only who has to wait needs it, and httpx2 brings it.
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
