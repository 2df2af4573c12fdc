"""drf-spectacular's document says which operations need a token, and with which scopes.

`jwtmw_django.apps` imports this where drf-spectacular is an installed app; its import registers the extension. The
scopes are those of the marks; rules of the configuration and its default are not shown: they are not the
application's. OpenAPI 3.0 knows scopes only for OAuth 2, 3.1 for a bearer token too: set `OAS_VERSION` to it.

Owns: the security scheme in that document.
Must never know: requests, how to decide.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

from jwtmw.adapter import Access, Mark
from jwtmw_django.routes import routes

NAME = "jwt"


class JWTScheme(OpenApiAuthenticationExtension):
    """The scheme `jwt`, for `JWTAuthentication` and its subclasses."""

    target_class = "jwtmw_django.rest_framework.JWTAuthentication"
    match_subclasses = True
    name = NAME

    def get_security_requirement(self, auto_schema: AutoSchema) -> Any:
        """None for a public operation; an empty requirement says that a token may be absent."""
        mark = _mark(auto_schema)
        if mark is None:
            return {NAME: []}
        if mark.access is Access.PUBLIC:
            return None
        asked = {NAME: list(mark.requirement.scopes_wanted)}
        return [{}, asked] if mark.access is Access.OPTIONAL else asked

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:  # noqa: ARG002 - its signature
        """A JWT as a bearer token (RFC 6750)."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


def _mark(auto_schema: AutoSchema) -> Mark | None:
    """The document's view is made anew of the class; the mark may stand on the function in the URLconf."""
    cls = type(auto_schema.view)
    for route in routes():
        if route.text == auto_schema.path_regex and getattr(route.pattern.callback, "cls", None) is cls:
            return route.mark(auto_schema.method)
    return None
