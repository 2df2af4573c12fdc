"""The surfaces: each builds a drawn application, behind a policy or bare, and sends requests to it in process.

Adding one is one function `build(app, policy, ledger) -> Served` under `@surface(name, framework)` in a module that is
imported here.
"""

from tests.property.surfaces import django, fastapi, flask, plain, starlette
from tests.property.surfaces.registry import SURFACES, Served, Surface

__all__ = ["SURFACES", "Served", "Surface", "django", "fastapi", "flask", "plain", "starlette"]
