"""The drivers: each carries a case's request to a policy on one surface and brings the answer back.

Adding one is one function `drive(case, world) -> Answer` under `@driver(name, cannot)`; `cannot` says why a case
cannot be expressed there, None where it can. Those under tests/system register themselves when they are imported.
"""

from tests.conformance.drivers import asgi, django, engine, fastapi, flask, forward_auth, starlette, wsgi
from tests.conformance.drivers.registry import DRIVERS, Driver, driver

__all__ = [
    "DRIVERS",
    "Driver",
    "asgi",
    "django",
    "driver",
    "engine",
    "fastapi",
    "flask",
    "forward_auth",
    "starlette",
    "wsgi",
]
