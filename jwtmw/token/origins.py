"""Cookies travel with every request that a browser makes, whoever's page made it do so: what proves it was ours.

Owns: which requests need that proof, and what counts as one.
Must never know: tokens, policy, who is calling.
"""

from __future__ import annotations

from collections.abc import Iterable

from jwtmw.request import Request

# RFC 9110, section 9.2.1, and the QUERY method: what should change nothing.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "QUERY"})


class Origins:
    """The origins whose pages may send a token in a cookie: exact texts, as browsers write them (RFC 6454)."""

    __slots__ = ("_allowed",)

    def __init__(self, allowed: Iterable[str]) -> None:
        self._allowed = frozenset(origin.encode("ascii") for origin in allowed)

    def vouch(self, request: Request) -> bool:
        """Whether one of them sent this request, as far as that matters: safe methods need no proof.

        A handshake is never safe: any page may open a WebSocket, and no same-origin policy stands behind it. Browsers
        let no script set `Origin` or `Sec-Fetch-Site`; a request that has neither comes from no page we know.
        """
        if request.method in SAFE_METHODS and not _opens_websocket(request):
            return True
        return request.header(b"origin") in self._allowed or request.header(b"sec-fetch-site") == b"same-origin"


def _opens_websocket(request: Request) -> bool:
    """Where the server knows no handshakes (WSGI), an application may take one for itself (RFC 6455, section 4.1)."""
    return request.websocket or b"websocket" in (request.header(b"upgrade") or b"").lower()
