"""Tokens in the calls of requests.

Owns: the token of a prepared request, a second try after 401, and what becomes of redirects.
Must never know: how a source comes by its tokens, where they may go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests
from requests.auth import AuthBase
from requests.cookies import extract_cookies_to_jar

from jwtmw.client.call import Call
from jwtmw.client.hosts import origin_of, require_no_proxy
from jwtmw.errors import CallNotSent

if TYPE_CHECKING:
    from jwtmw.client.outgoing import Outgoing

_UNAUTHORIZED = 401


class OutgoingAuth(AuthBase):
    """The `auth` of a session, or of one request: `Outgoing.requests`. Blocks while a token is fetched.

    Before a redirect is followed the token is taken out of the request, whichever field it is in. A redirect that stays
    at the same origin is asked again with a token of its own where it is answered with 401; one that has led elsewhere
    never is, not even where it comes back: another host would say what is called with our token.
    """

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        """As requests asks for it. Raises `CallNotSent`."""
        if self._outgoing.secure:
            # Hooks are copied to what a redirect leads to.
            r.register_hook("response", _Visit(self._outgoing, r).answered)
        return r


class _Visit:
    """One call and what it is redirected to."""

    def __init__(self, outgoing: Outgoing, request: requests.PreparedRequest) -> None:
        self._outgoing = outgoing
        self._call = self._call_of(request)
        self._token = _put(outgoing, request, self._call)
        self._has_left = False

    def answered(self, response: requests.Response, **keys: Any) -> requests.Response:
        """Called with every response, before a redirect is followed; returns what takes its place."""
        request = response.request
        carried = self._outgoing.header in request.headers
        self._has_left = self._has_left or origin_of(request.url or "") != self._call.origin
        if response.is_redirect:
            request.headers.pop(self._outgoing.header, None)
        if response.status_code != _UNAUTHORIZED or _is_stream(request):
            return response
        if carried:
            return self._refused(response, keys)
        return response if self._has_left else self._followed(response, keys)

    def _refused(self, response: requests.Response, keys: dict[str, Any]) -> requests.Response:
        if not self._outgoing.refuse(self._call, self._token):
            return response
        again = _copy(response, self._outgoing.header)
        fresh = _put(self._outgoing, again, self._call)
        if fresh == self._token:
            return response
        # If the second answer is a redirect, requests makes what it leads to of this request and not of the second.
        response.request.headers.pop(self._outgoing.header, None)
        return _sent_again(again, response, keys)

    def _followed(self, response: requests.Response, keys: dict[str, Any]) -> requests.Response:
        """What a redirect led to was sent without a token: once more with one, if that is the same origin."""
        again = _copy(response, self._outgoing.header)
        call = self._call_of(again)
        _put(self._outgoing, again, call)
        return _sent_again(again, response, keys)

    def _call_of(self, request: requests.PreparedRequest) -> Call:
        body = _body(request) if self._outgoing.binds_body else None
        headers = {name: str(value) for name, value in request.headers.items()}
        call = self._outgoing.call(request.method or "", request.url or "", headers, body)
        require_no_proxy(call.origin)
        return call


def _put(outgoing: Outgoing, request: requests.PreparedRequest, call: Call) -> str:
    token = outgoing.wait(call)
    request.headers[outgoing.header] = outgoing.value(token)
    return token


def _body(request: requests.PreparedRequest) -> bytes:
    """The bytes as they are sent; text becomes them here, so that nobody else makes others of it."""
    body = request.body
    if isinstance(body, str):
        request.body = body = body.encode()
    if body is not None and not isinstance(body, bytes):
        raise CallNotSent("requests would stream this body, and the token is bound to it: hand over its bytes instead")
    return body or b""


def _is_stream(request: requests.PreparedRequest) -> bool:
    return not isinstance(request.body, str | bytes | None)


def _copy(response: requests.Response, header: str) -> requests.PreparedRequest:
    """The request once more, without the token, with the cookies that the answer has set."""
    again = response.request.copy()
    again.headers.pop(header, None)
    jar: Any = again._cookies  # as requests' own HTTPDigestAuth does
    extract_cookies_to_jar(jar, response.request, response.raw)
    again.prepare_cookies(jar)
    return again


def _sent_again(
    request: requests.PreparedRequest, response: requests.Response, keys: dict[str, Any]
) -> requests.Response:
    """Sent the way that the first one took; the first answer becomes history."""
    # Read to its end, the connection is free.
    response.content  # noqa: B018
    response.close()
    connection: Any = response.connection  # set by requests' adapters
    answer: requests.Response = connection.send(request, **keys)
    answer.history.append(response)
    answer.request = request
    return answer
