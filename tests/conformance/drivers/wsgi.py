"""`jwtmw.wsgi.JWTMiddleware` around a bare WSGI application, called in process."""

from __future__ import annotations

from jwtmw import Policy
from jwtmw.wsgi import JWTMiddleware
from tests.conformance.drivers import environs
from tests.conformance.drivers.environs import App, call, plain_app
from tests.conformance.drivers.registry import driver
from tests.conformance.schema import Answer, Case
from tests.conformance.world import World


def cannot(case: Case) -> str | None:
    """Plain WSGI has path rules only."""
    if case.app == "routes":
        return "jwtmw.wsgi sees no endpoints, hence no marks"
    return environs.cannot(case)


@driver("wsgi", cannot)
def drive(case: Case, world: World) -> Answer:
    """Call the wrapped application."""

    def build(policy: Policy | None, app: str) -> App:
        assert app == "plain"
        bare = plain_app(world.ledger)
        return bare if policy is None else JWTMiddleware(bare, policy)

    return world.play("wsgi", case, build, lambda app, request: call(world, app, request))
