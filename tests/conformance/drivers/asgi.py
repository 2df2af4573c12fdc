"""`jwtmw.asgi.JWTMiddleware` around a bare ASGI application, called in process."""

from __future__ import annotations

from jwtmw import Policy
from jwtmw.asgi import JWTMiddleware
from tests.conformance.drivers.calls import App, call, plain_app
from tests.conformance.drivers.registry import driver
from tests.conformance.schema import Answer, Case
from tests.conformance.world import World


def cannot(case: Case) -> str | None:
    """Plain ASGI has path rules only."""
    return "jwtmw.asgi sees no endpoints, hence no marks" if case.app == "routes" else None


@driver("asgi", cannot)
def drive(case: Case, world: World) -> Answer:
    """Call the wrapped application."""

    def build(policy: Policy | None, app: str) -> App:
        assert app == "plain"
        bare = plain_app(world.ledger)
        return bare if policy is None else JWTMiddleware(bare, policy)

    return world.play("asgi", case, build, lambda app, request: call(world, app, request))
