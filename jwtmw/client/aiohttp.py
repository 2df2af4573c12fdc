"""Tokens in the calls of aiohttp's client.

Owns: the token of a request, and a second try after 401.
Must never know: how a source comes by its tokens, where they may go.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from aiohttp import ClientHandlerType, ClientRequest, ClientResponse
from aiohttp.payload import BytesIOPayload, BytesPayload, Payload

from jwtmw.client.call import Call
from jwtmw.errors import CallNotSent, NotAllowedHost

if TYPE_CHECKING:
    from jwtmw.client.outgoing import Outgoing

_UNAUTHORIZED = 401


class OutgoingMiddleware:
    """One of a session's `middlewares`, or of one request's: `Outgoing.aiohttp`. As the last it sees what is sent.

    aiohttp makes a new request of every redirect and calls the middlewares for it: it is a call like any other, so
    that one to a host that is not listed is not followed but raises `NotAllowedHost`.
    """

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """As aiohttp asks for it. Raises `CallNotSent`."""
        outgoing = self._outgoing
        if not outgoing.secure:
            return await handler(request)
        call = await self._call_of(request)
        token = await outgoing.await_token(call)
        response = await self._sent(request, handler, token)
        if response.status != _UNAUTHORIZED or not _is_bytes(request) or not outgoing.refuse(call, token):
            return response
        fresh = await outgoing.await_token(call)
        if fresh == token:
            return response
        response.release()
        return await self._sent(request, handler, fresh)

    async def _sent(self, request: ClientRequest, handler: ClientHandlerType, token: str) -> ClientResponse:
        """The token is on the wire only: aiohttp's errors show all fields of a request in their repr."""
        request.headers[self._outgoing.header] = self._outgoing.value(token)
        try:
            return await handler(request)
        finally:
            request.headers.pop(self._outgoing.header, None)

    async def _call_of(self, request: ClientRequest) -> Call:
        body = await _body(request) if self._outgoing.binds_body else None
        call = self._outgoing.call(request.method, str(request.url), request.headers, body)
        if request.proxy is not None and request.url.scheme == "http":
            raise NotAllowedHost(f"a proxy would read what is sent to {call.origin}")
        return call


def _is_bytes(request: ClientRequest) -> bool:
    """Whether the body, if there is one, can be sent twice."""
    return not request.body or isinstance(request.body, BytesPayload | BytesIOPayload)


async def _body(request: ClientRequest) -> bytes:
    """The bytes as they are sent. A streamed body is read first, and sent as what was read."""
    if request.compress:
        raise CallNotSent("aiohttp would compress this body on its way, and the token is bound to it: hand over bytes")
    if not isinstance(request.body, Payload):
        return b""
    octets = await request.body.as_bytes()
    if not isinstance(request.body, BytesPayload):
        # Not as bytes: aiohttp warns where these are many.
        await request.update_body(BytesIO(octets))
    return octets
