"""Tokens in the calls of httpx2, sync and async.

Owns: the flow of one call: the token, a second try after 401, and what becomes of redirects.
Must never know: how a source comes by its tokens, where they may go.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import httpx2

from jwtmw.client.call import Call
from jwtmw.client.hosts import origin_of, require_no_proxy
from jwtmw.errors import CallNotSent
from jwtmw.issuers.source import Flight
from jwtmw.waiting import await_landing, wait_for

if TYPE_CHECKING:
    from jwtmw.client.outgoing import Outgoing

_Flow = Generator[Flight | httpx2.Request, Any, None]
_UNAUTHORIZED = 401


class OutgoingAuth(httpx2.Auth):
    """The `auth` of a client, or of one request: `Outgoing.httpx2`.

    The token is on the wire only: no redirect, copy or repr of the request has it. A redirect that stays at the same
    origin is asked again with a token of its own where it is answered with 401; one that has led elsewhere never is,
    not even where it comes back: another host would say what is called with our token.
    """

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing

    def sync_auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        """As httpx2 asks for it; blocks while a token is fetched. Raises `CallNotSent`."""
        if self._outgoing.secure and self._outgoing.binds_body:
            request.read()
        with closing(self._flow(request)) as flow:
            answer = None
            while (step := _advance(flow, answer)) is not None:
                answer = None
                if isinstance(step, Flight):
                    wait_for(step)
                else:
                    answer = yield step

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """The same on an event loop, which is not blocked."""
        if self._outgoing.secure and self._outgoing.binds_body:
            await request.aread()
        with closing(self._flow(request)) as flow:
            answer = None
            while (step := _advance(flow, answer)) is not None:
                answer = None
                if isinstance(step, Flight):
                    await await_landing(step)
                else:
                    answer = yield step

    def _flow(self, request: httpx2.Request) -> _Flow:
        outgoing = self._outgoing
        if not outgoing.secure:
            yield request
            return
        call = self._call(request)
        token = yield from outgoing.steps(call)
        response = yield from self._sent(request, token)
        if response.status_code != _UNAUTHORIZED:
            return
        if response.request is not request:
            yield from self._followed(response, call)
        elif isinstance(request.stream, httpx2.ByteStream) and outgoing.refuse(call, token):
            fresh = yield from outgoing.steps(call)
            if fresh != token:
                yield from self._sent(request, fresh)

    def _followed(self, response: httpx2.Response, first: Call) -> _Flow:
        """What a redirect led to was sent without a token: once more with one, if no step of it left the origin."""
        request = response.request
        visited = {origin_of(str(each.request.url)) for each in (*response.history, response)}
        if isinstance(request.stream, httpx2.ByteStream) and visited == {first.origin}:
            token = yield from self._outgoing.steps(self._call(request))
            yield from self._sent(request, token)

    def _call(self, request: httpx2.Request) -> Call:
        body = request.read() if self._outgoing.binds_body else None
        call = self._outgoing.call(request.method, str(request.url), request.headers, body)
        require_no_proxy(call.origin)
        if "target" in request.extensions:
            # As with the Host field: `http://other/` in the request line is where a server of many names would go by.
            raise CallNotSent("the extension `target` puts another target into the request than that of the URL")
        return call

    def _sent(self, request: httpx2.Request, token: str) -> Generator[httpx2.Request, Any, httpx2.Response]:
        plain = request.headers
        request.headers = _OnTheWire(plain, self._outgoing.header, self._outgoing.value(token))
        try:
            response: httpx2.Response = yield request
        finally:
            request.headers = plain
        return response


def _advance(flow: _Flow, answer: httpx2.Response | None) -> Flight | httpx2.Request | None:
    """The flow's next step, None at its end."""
    try:
        return flow.send(answer)
    except StopIteration:
        return None


class _OnTheWire(httpx2.Headers):
    """Fields with one more, which is sent (`raw`) and can be read by its name, and is not part of any copy or repr.

    A redirect's request is made with a copy; httpx2 itself leaves out `Authorization` there and no other field.
    """

    def __init__(self, fields: httpx2.Headers, name: str, value: str) -> None:
        super().__init__(fields)
        self._one_more = (name, value)

    @property
    def raw(self) -> list[tuple[bytes, bytes]]:
        """All fields as they are sent."""
        name, value = self._one_more
        return [*super().raw, (name.encode(), value.encode())]

    def __getitem__(self, key: str) -> str:
        name, value = self._one_more
        return value if key.lower() == name.lower() else super().__getitem__(key)
