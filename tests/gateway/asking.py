"""Gateways as the forward-auth endpoint knows them: what each sends, to the ASGI and to the WSGI application.

Owns: the gateway's own request, and the reading of the answer.
Must never know: how to decide.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from jwtmw import Policy
from jwtmw.gateway import asgi, wsgi
from tests.conformance.drivers import calls, environs
from tests.conformance.schema import Answer, Header, Request
from tests.conformance.world import Ledger

REPORTS = {
    "nginx": (b"X-Original-Method", b"X-Original-URI"),
    "traefik": (b"X-Forwarded-Method", b"X-Forwarded-Uri"),
    "caddy": (b"X-Forwarded-Method", b"X-Forwarded-Uri"),
}
GATEWAYS = (*REPORTS, "envoy")
IN_HEADERS = tuple(REPORTS)
SURFACES = ("asgi", "wsgi")
SERVER = "gunicorn/27.0"
Ask = Callable[..., Answer]


class Asker:
    """One endpoint for one gateway on one surface."""

    def __init__(self, surface: str, policy: Any, gateway: str, **keys: Any) -> None:
        self.gateway = gateway
        self.policy = Policy.load(policy)
        served: Any = asgi if surface == "asgi" else wsgi
        self.app = served.ForwardAuth(self.policy, gateway, **keys)
        self._send = self._by_asgi if surface == "asgi" else self._by_wsgi
        self.ledger = Ledger()

    def __call__(self, method: str = "GET", target: bytes = b"/orders", *headers: Header, own: str = "GET") -> Answer:
        """Ask about an original request, as the gateway does; `own` is the method of its own request."""
        if self.gateway == "envoy":
            return self.raw(method, b"/auth" + target, *headers)
        names = REPORTS[self.gateway]
        return self.raw(own, b"/auth", *zip(names, (method.encode("latin-1"), target), strict=True), *headers)

    def raw(self, method: str, target: bytes, *headers: Header, **rest: Any) -> Answer:
        """Send a request as it is."""
        answer: Answer = self._send(Request(method, target, headers, **rest))
        assert answer.status != 200 or b"" == answer.body
        assert b"%d" % len(answer.body) == answer.header(b"content-length") or method == "HEAD" or answer.close
        assert 0 == self.ledger.body_reads
        return answer

    def _by_asgi(self, request: Request) -> Answer:
        sent: list[Any] = []

        async def receive() -> Any:
            self.ledger.body_reads += 1

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(self.app(calls.scope_of(request), receive, send))
        return calls.read(sent)

    def _by_wsgi(self, request: Request) -> Answer:
        environ = {"SERVER_SOFTWARE": SERVER, **environs.environ_of(request, self.ledger)}
        return environs.answer(self.app, environ)


def bearer(token: str) -> Header:
    return b"Authorization", f"Bearer {token}".encode()
