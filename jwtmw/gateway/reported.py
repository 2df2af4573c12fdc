"""The original request, as a gateway reports it to the endpoint that it asks first.

nginx, Traefik and Caddy put method and target into two headers of a request of their own; Envoy sends method, path and
headers of the original, with a prefix before the path. What they say is believed because the configuration names the
gateway, and only its own two headers are read: whatever else a caller wrote there is nobody's.

Owns: which gateway reports how, and what of a report can be read in one way only. What cannot has no path, or no
method, and so the engine refuses it.
Must never know: how to decide, ASGI, WSGI, what a gateway is answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes

from jwtmw.policy.paths import route_path
from jwtmw.request import Request

Lines = Iterable[tuple[bytes, bytes]]


class Gateway(NamedTuple):
    """How one kind of gateway asks, and what it makes of the answer.

    method_header, target_header  where it reports the original; "" where its own request has both
    removes                       it takes out of the original request the headers that the answer names
    statuses                      the refusals that it passes on; None: every one
    """

    name: str
    method_header: str = ""
    target_header: str = ""
    removes: bool = False
    statuses: frozenset[int] | None = None


GATEWAYS: Final = {
    gateway.name: gateway
    for gateway in (
        # `proxy_set_header` sets both; any other refusal than these two becomes a 500 of nginx's own.
        Gateway("nginx", "X-Original-Method", "X-Original-URI", statuses=frozenset({401, 403})),
        Gateway("traefik", "X-Forwarded-Method", "X-Forwarded-Uri"),
        Gateway("caddy", "X-Forwarded-Method", "X-Forwarded-Uri"),
        Gateway("envoy", removes=True),
    )
}

# What is no target (RFC 9112, section 3.2), is cut by some readers, or may be two that somebody joined. The path's own
# ambiguities are the engine's.
_UNREADABLE: Final = re.compile(rb"[\x00-\x20\x7f#]|,/")


class Reported(Request):
    """The facts of the original request. `lines` are its headers, as far as the gateway sends them on."""

    def __init__(
        self, own: Request, lines: Lines, method: str, path: str, raw_path: bytes | None, query_string: bytes
    ) -> None:
        super().__init__(method, path, raw_path, query_string)
        self.lines = lines
        self._own = own
        # Gateways drop `Upgrade`, which is between two hops, but not the key, which no page's script can set: so a
        # handshake is known (RFC 6455, section 4.1), where a cookie alone proves nothing.
        upgrade = self.header(b"upgrade") or b""
        self.websocket = b"websocket" in upgrade.lower() or self.header(b"sec-websocket-key") is not None

    def header(self, name: bytes) -> bytes | None:
        """As it came with the gateway's own request."""
        return self._own.header(name)


class Reporter:
    """Reads what one gateway reports at one path: "/auth", or for Envoy what stands before the original path.

    `method_header` and `target_header` stand in for the gateway's usual ones.
    """

    def __init__(self, gateway: Gateway, path: str, method_header: str = "", target_header: str = "") -> None:
        self._path = path
        self._method = (method_header or gateway.method_header).lower().encode("ascii")
        self._target = (target_header or gateway.target_header).lower().encode("ascii")

    @property
    def reads_headers(self) -> bool:
        """Whether method and target are in headers, and not the gateway's own."""
        return bool(self._target)

    def read(self, own: Request, lines: Lines) -> Reported | None:
        """The original of the gateway's own request; None where that came to another path than the endpoint's."""
        if not self.reads_headers:
            return self._behind_prefix(own, lines)
        if route_path(own.path, own.root_path) != self._path:
            return None
        method, target = _only(lines, self._method), _only(lines, self._target)
        raw_path, _, query = (b"" if _UNREADABLE.search(target) else target).partition(b"?")
        return Reported(own, lines, method.decode("latin-1"), _decoded(raw_path), raw_path, query)

    def missing(self, lines: Lines) -> str | None:
        """A header that the gateway should send and does not; None where all are there."""
        sent = {name for name, _ in lines}
        return next((name.decode() for name in (self._method, self._target) if name and name not in sent), None)

    def _behind_prefix(self, own: Request, lines: Lines) -> Reported | None:
        prefix = self._path.rstrip("/")
        path = route_path(own.path, own.root_path)
        if not path.startswith(f"{prefix}/"):
            return None
        raw_path = own.raw_path
        if raw_path is not None:
            # Servers differ in whether it has the root path, too; what begins with neither is no path.
            before = (own.root_path + prefix).encode()
            before = before if raw_path.startswith(before) else prefix.encode()
            raw_path = raw_path[len(before) :] if raw_path.startswith(before) else b""
        return Reported(own, lines, own.method, path[len(prefix) :], raw_path, own.query_string)


def _only(lines: Lines, name: bytes) -> bytes:
    """The one value of this header; b"" where there is none, or more than one."""
    values = [value for key, value in lines if key == name]
    return values[0] if len(values) == 1 else b""


def _decoded(raw_path: bytes) -> str:
    """The path as a router sees it, decoded once; "" where it is no UTF-8."""
    try:
        return unquote_to_bytes(raw_path).decode()
    except UnicodeDecodeError:
        return ""
