"""What this service's calls carry: which token goes into which field, to which hosts.

Owns: the order of the checks before a call, and the ways to get a token for one.
Must never know: how a source comes by its tokens, HTTP clients. Nothing here shows a token.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Mapping
from typing import TYPE_CHECKING

from jwtmw.client.call import Call
from jwtmw.client.hosts import AllowedHosts, names
from jwtmw.client.sources import TokenSource, is_token
from jwtmw.errors import CallNotSent, ConfigurationError, TokenUnavailable
from jwtmw.issuers.source import Flight
from jwtmw.waiting import await_landing, wait_for

if TYPE_CHECKING:
    from jwtmw.client.aiohttp import OutgoingMiddleware
    from jwtmw.client.httpx2 import OutgoingAuth
    from jwtmw.client.requests import OutgoingAuth as RequestsAuth

# RFC 9110 section 5.6.2
_FIELD_WORD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)


class Outgoing:
    """Puts the tokens of `source` into calls to `hosts`, and into no others.

    hosts   origins as `https://herald.example`; http only on loopback
    header  the field that carries the token
    scheme  what stands before it, "" for the token alone
    secure  False adds nothing to any call: where there is no issuer, calls go out as they are

    What is to carry a token and cannot is not sent: `NotAllowedHost`, `TokenUnavailable` or another `CallNotSent`.
    Threads and event loops may share one. Raises `ConfigurationError`.
    """

    __slots__ = ("_hosts", "_source", "header", "scheme", "secure")

    def __init__(
        self,
        source: TokenSource,
        *,
        hosts: Iterable[str],
        header: str = "Authorization",
        scheme: str = "Bearer",
        secure: bool = True,
    ) -> None:
        for key, word in (("header", header), ("scheme", scheme)):
            if not (_FIELD_WORD.fullmatch(word) or (key == "scheme" and word == "")):
                raise ConfigurationError(
                    key, "is no word that a header can hold", 'The defaults: "Authorization", "Bearer"'
                )
        self._source = source
        self._hosts = AllowedHosts(hosts)
        self.header = header
        self.scheme = scheme
        self.secure = secure

    def httpx2(self) -> OutgoingAuth:
        """The `auth` of an `httpx2.Client` or `AsyncClient`, or of one request."""
        from jwtmw.client.httpx2 import OutgoingAuth

        return OutgoingAuth(self)

    def requests(self) -> RequestsAuth:
        """The `auth` of a `requests.Session`, or of one request."""
        from jwtmw.client.requests import OutgoingAuth

        return OutgoingAuth(self)

    def aiohttp(self) -> OutgoingMiddleware:
        """One of the `middlewares` of an `aiohttp.ClientSession`, or of one request."""
        from jwtmw.client.aiohttp import OutgoingMiddleware

        return OutgoingMiddleware(self)

    def token(self, url: str, method: str = "GET", body: bytes = b"") -> str | None:
        """The token for one call, for clients of another kind; None in non-secure mode. May block. As `call` raises."""
        if not self.secure:
            return None
        return self.wait(self.call(method, url, {}, body))

    async def atoken(self, url: str, method: str = "GET", body: bytes = b"") -> str | None:
        """The same on an event loop, which is not blocked."""
        if not self.secure:
            return None
        return await self.await_token(self.call(method, url, {}, body))

    # For the modules of the HTTP clients

    @property
    def binds_body(self) -> bool:
        """Whether a call must show its body."""
        return self._source.binds_body

    def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Call:
        """A call that may have a token. Raises `NotAllowedHost`, or `CallNotSent` for fields that stand in the way."""
        origin = self._hosts.origin(url)
        if any(name.lower() == self.header.lower() for name in headers):
            raise CallNotSent(f"the call has a field {self.header} already; it is not overwritten")
        if any(name.lower() == "host" and not names(origin, value) for name, value in headers.items()):
            # A server of many names goes by this field, not by where the connection leads.
            raise CallNotSent(f"the call's Host field names another than {origin}")
        return Call(method, url.partition("#")[0], origin, body)

    def steps(self, call: Call) -> Generator[Flight, None, str]:
        """The flights to wait for, one at most, and then the token. Raises `TokenUnavailable`."""
        found = self._source.look_up(call)
        if isinstance(found, Flight):
            yield found
            found = self._source.look_up(call, found)
        if not isinstance(found, str) or not is_token(found):
            raise TokenUnavailable("what the source gave is no token that a header can hold")
        return found

    def wait(self, call: Call) -> str:
        """The token; blocks this thread where it must be waited for. Raises `TokenUnavailable`."""
        steps = self.steps(call)
        try:
            while True:
                wait_for(next(steps))
        except StopIteration as stop:
            token: str = stop.value
            return token

    async def await_token(self, call: Call) -> str:
        """The same on an event loop, which is not blocked."""
        steps = self.steps(call)
        try:
            while True:
                await await_landing(next(steps))
        except StopIteration as stop:
            token: str = stop.value
            return token

    def refuse(self, call: Call, token: str) -> bool:
        """The call was answered with 401. Whether another token is worth a second try."""
        return self._source.refuse(call, token)

    def value(self, token: str) -> str:
        """What the field holds."""
        return f"{self.scheme} {token}" if self.scheme else token

    def __repr__(self) -> str:
        return f"Outgoing(hosts={self._hosts!r})"
