"""ASGI's messages: their types, a body that is read and received again, and a lifespan in which nothing is to be done.

Owns: receiving what a server sends.
Must never know: decisions, tokens, frameworks.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from jwtmw.errors import BodyUnreadable

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
# Each framework has types of its own for the three.
ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]


class BufferedReceive:
    """The app's `receive`, after the engine has read the body: what was read is received again first.

    However many pieces it came in, it is one from then on: nothing is kept for each of them.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._read: Message | None = None
        self._behind: Message | None = None

    async def read(self, limit: int) -> bytes | None:
        """The whole body, or None where it is larger than `limit` bytes. A second time it is the same.

        Raises `BodyUnreadable` where the client goes away before its end.
        """
        body, more = bytearray(), True
        if self._read is not None:
            body += self._read["body"]
            more = self._read["more_body"]
        while more and len(body) <= limit and self._behind is None:
            message = await self._receive()
            if message["type"] == "http.request":
                body += message.get("body", b"")
                more = message.get("more_body", False)
            else:
                self._behind = message
        whole = bytes(body)
        self._read = {"type": "http.request", "body": whole, "more_body": more}
        if len(whole) > limit:
            return None
        if more:
            raise BodyUnreadable
        return whole

    async def __call__(self) -> Message:
        """The next message: first those that were read already."""
        message, self._read = self._read, None
        if message is None:
            message, self._behind = self._behind, None
        return await self._receive() if message is None else message


async def live(receive: Receive, send: Send) -> None:
    """A server's start and end, for a whole application that has nothing to do at either."""
    while True:
        event = (await receive())["type"]
        await send({"type": f"{event}.complete"})
        if event == "lifespan.shutdown":
            return
