"""The two drivers of the engine's flows: one for threads, one for event loops. How a wait is done is `waiting`'s.

An adapter asks `engine.decide_now` first, and drives only what that leaves open.

Owns: performing what a flow asks for: a wait, a body to be read.
Must never know: why something is waited for, tokens, policy.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from jwtmw.decision import Allow, Decision, Deny
from jwtmw.effects import Effect, Flow, ReadBody
from jwtmw.engine import Engine
from jwtmw.errors import ConfigurationError
from jwtmw.issuers.source import Flight
from jwtmw.request import Request
from jwtmw.waiting import await_landing, wait_for

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
        wait_for(effect.on)
        return None
    if isinstance(effect.on, Coroutine):
        effect.on.close()
    raise ConfigurationError("load_user", "an async load_user needs an ASGI application", "Make it a plain function")


async def _perform_async(effect: Effect, read_body: AsyncBodyReader) -> Any:
    if isinstance(effect, ReadBody):
        return await read_body(effect.limit)
    if isinstance(effect.on, Flight):
        return await await_landing(effect.on)
    return await effect.on
