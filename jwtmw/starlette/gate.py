"""Who answers a caller that was not let in yet: nobody but a marked endpoint.

Owns: holding back answers, and whether an answer has begun.
Must never know: how to decide, how routers work.
"""

from __future__ import annotations

from jwtmw.asgi import POLICY_VIOLATION, admit_send
from jwtmw.decision import Deny
from jwtmw.errors import Denied
from jwtmw.messages import Message, Scope, Send
from jwtmw.starlette.guard import GuardedRequest, Refused


class Gate:
    """`send` while it is open who answers: the first message passes only if the caller was let in by then."""

    def __init__(self, request: GuardedRequest, scope: Scope, send: Send) -> None:
        self._request = request
        self._scope = scope
        self._send = send
        self._decided = False
        self._closed = False

    async def __call__(self, message: Message) -> None:
        """Send, or swallow what comes instead of a refusal."""
        if not self._decided:
            self._decided = self._request.answering = True
            await self._decide()
        if not self._closed:
            await self._send(message)

    async def _decide(self) -> None:
        for request in self._request.all():
            decision = request.conclude()
            if isinstance(decision, Deny):
                self._closed = True
                request.refused = decision
                return await request.refuse(decision, self._scope, self._send)
            request.pending = None
        self._send = admit_send(self._send, self._request.allow)


async def refuse_inside(signal: Refused | Denied, request: GuardedRequest, scope: Scope, send: Send) -> None:
    """Send the refusal that came from behind: by the guard, or by the second lock, when an answer may have begun."""
    if isinstance(signal, Refused):
        return await signal.request.refuse(signal.deny, scope, send)
    if not request.answering:
        return await request.refuse(signal.decision, scope, send)
    if scope["type"] != "websocket":
        raise signal
    await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": ""})
