"""A second time: judging what has changed on the way, and routing after a wait.

Owns: all that waits between the middleware and the endpoint.
Must never know: how to decide, how routers report what they found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jwtmw.drive import arun
from jwtmw.errors import Denied
from jwtmw.messages import ASGIApp, BufferedReceive, Receive, Send
from jwtmw.starlette.gate import refuse_inside
from jwtmw.starlette.guard import GuardedRequest, Refused, Waiting, Where

if TYPE_CHECKING:
    from jwtmw.starlette.door import GuardedScope


async def judged_again(request: GuardedRequest, here: Where, receive: BufferedReceive) -> GuardedRequest:
    """The requests for the new path, each in front of its first one: all must let the caller in."""
    if request.behind is not None:
        request.behind = await judged_again(request.behind, here, receive)
    if request.expected == here:
        return request
    moved = request.moved(here)
    engine = moved.policy.engine
    decision = engine.decide_now(moved) or await arun(engine, moved, receive.read)
    moved.take(moved.policy, decision)
    if moved.pending is not None and not moved.pending.liftable:
        moved.settle(moved.pending)
    if moved.outer is not None and moved.pending is None:
        # What was mounted on the way asks this one, too, whatever answers there.
        moved.settle(engine.add_mark(moved, moved.allow, moved.outer) or await arun(engine, moved, receive.read))
    return moved


async def answer(app: ASGIApp, scope: GuardedScope, receive: Receive, send: Send) -> None:
    """Let the router answer, and once more after each decision that has to wait; send the refusal if there is one."""
    request = scope.request
    # Nobody waits for a caller who was verified, so what would be needed to route again is not kept.
    before = {} if request.behind is None and request.allow.principal.is_authenticated else dict(scope)
    while True:
        try:
            return await app(scope, receive, send)
        except (Refused, Denied) as signal:
            return await refuse_inside(signal, request, scope, send)
        except Waiting as signal:
            waiting = signal.request
        receive = BufferedReceive(receive)
        waiting.decided = await arun(waiting.policy.engine, waiting, receive.read)
        # What opaque applications have noted on the way to the endpoint would lead the router elsewhere.
        scope.clear()
        dict.update(scope, before)
