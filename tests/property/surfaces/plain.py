"""Any ASGI and any WSGI application: one endpoint that answers everything; path rules alone.

Owns: the plain applications.
Must never know: frameworks.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import jwtmw.asgi
import jwtmw.wsgi
from jwtmw import Policy
from tests.conformance.drivers.calls import Receive, Scope, Send
from tests.property.ledger import Ledger, Visit
from tests.property.model import App
from tests.property.surfaces import wire
from tests.property.surfaces.cgi import path_of, sender
from tests.property.surfaces.registry import Served, surface

NAME = "plain"


def nothing() -> None:
    """There are no routes to be added."""


@surface("asgi", "asgi", routes=False)
def asgi(app: App, policy: Policy | None, ledger: Ledger) -> Served:
    """`jwtmw.asgi.JWTMiddleware`."""

    async def plain(scope: Scope, receive: Receive, send: Send) -> None:
        ledger.visits.append(wire.seen(NAME, scope))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": NAME.encode()})

    return Served(partial(wire.ask, plain if policy is None else jwtmw.asgi.JWTMiddleware(plain, policy)), nothing)


@surface("wsgi", "wsgi", routes=False)
def wsgi(app: App, policy: Policy | None, ledger: Ledger) -> Served:
    """`jwtmw.wsgi.JWTMiddleware`."""

    def plain(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        ledger.visits.append(Visit(NAME, environ["REQUEST_METHOD"], path_of(environ)))
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [NAME.encode()]

    return Served(sender(plain if policy is None else jwtmw.wsgi.JWTMiddleware(plain, policy), ledger), nothing)
