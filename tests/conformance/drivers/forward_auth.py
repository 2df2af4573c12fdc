"""`jwtmw.gateway.asgi.ForwardAuth`, asked about each case's request as Traefik and Caddy report it.

The decision must be the same as where the service itself is asked; there is no application behind it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from jwtmw import Policy
from jwtmw.gateway.asgi import ForwardAuth
from jwtmw.gateway.identity import folded
from jwtmw.token.principal import Principal
from tests.conformance.drivers.calls import App, call
from tests.conformance.drivers.registry import driver
from tests.conformance.policies import POLICIES
from tests.conformance.schema import ANONYMOUS, Answer, Case, Request
from tests.conformance.world import Ledger, World

METHOD, TARGET = b"X-Forwarded-Method", b"X-Forwarded-Uri"
# What no script of a page can set, and every handshake has (RFC 6455, section 4.1).
HANDSHAKE = (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ==")


def cannot(case: Case) -> str | None:
    """What a gateway does not report, or cannot do."""
    keys = POLICIES[case.policy].keys
    request = case.request
    if case.app == "routes":
        return "a gateway sees no endpoints, hence no marks"
    if set(request.scope) - {"http_version"} or request.root_path:
        return "a gateway reports bytes, and no scope made by hand"
    if request.websocket and not request.denial:
        return "a gateway asks by plain requests, which nobody closes"
    if keys.get("hide_credentials"):
        return "what a gateway can hide is less, tests/gateway has it"
    if any(rule.get("body") for rule in keys.get("rules", ())):
        return "a gateway does not send the body"
    if _spells_otherwise(request, keys):
        return "another spelling of an identity header is refused here"
    return None


def _spells_otherwise(request: Request, keys: Any) -> bool:
    names = {name.lower().encode() for name in keys.get("identity_headers", ())}
    folds = {folded(name) for name in names}
    return any(folded(name) in folds and name.lower() not in names for name, _ in request.headers)


class Noted:
    """Mints for whoever passes as somebody, and notes who that is."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def mint(self, principal: Principal) -> str:
        self._ledger.caller = principal.subject or ""
        return "internal"

    async def amint(self, principal: Principal) -> str:
        return self.mint(principal)


@driver("forward-auth", cannot, has_app=False)
def drive(case: Case, world: World) -> Answer:
    """Report the request; a pass counts as reaching the endpoint."""

    def build(policy: Policy | None, app: str) -> App:
        assert policy is not None
        return ForwardAuth(policy, "traefik", internal=Noted(world.ledger))

    def send(app: App, request: Request) -> Answer:
        method = "GET" if request.websocket else request.method
        report = ((METHOD, method.encode()), (TARGET, request.target))
        handshake = (HANDSHAKE,) if request.websocket else ()
        # It writes its report in the place of the caller's own.
        others = (line for line in request.headers if line[0].lower() not in (METHOD.lower(), TARGET.lower()))
        headers = (*report, *handshake, *others)
        asked = replace(request, method="GET", target=b"/auth", headers=headers, websocket=False, body=b"")
        answer = call(world, app, asked)
        if answer.status != 200:
            # A gateway passes no body on to who asked by HEAD.
            return replace(answer, body=b"") if method == "HEAD" else answer
        world.ledger.endpoint += 1
        world.ledger.caller = world.ledger.caller or ANONYMOUS
        return Answer(200, [], b"")

    return world.play("forward-auth", case, build, send)
