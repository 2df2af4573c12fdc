"""FastAPI behind the engine: the middleware, and a security dependency that FastAPI documents.

    from jwtmw.fastapi import JWTMiddleware, jwt

    @app.get("/orders")
    async def orders(caller: Annotated[Principal, Security(jwt, scopes=["orders:read"])]): ...

What `Security(jwt, scopes=[...])` asks counts as a `@requires` of the path operation: the middleware judges it when the
router has found the route, before the body is read and before any dependency runs. The dependency itself only asks
the engine once more, as the second lock of `@requires` does, and hands over the caller.

Owns: the OpenAPI security scheme, reading what a route's dependencies ask, the public names.
Must never know: how to decide, tokens, how a router reports its endpoint.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_parameterless_sub_dependant
from fastapi.encoders import jsonable_encoder
from fastapi.openapi.models import HTTPBearer, OpenIdConnect
from fastapi.security import SecurityScopes
from fastapi.security.base import SecurityBase

from jwtmw.current import current_principal, enforce, judged_request
from jwtmw.policy.marks import Mark, mark_of
from jwtmw.policy.requirements import Requirement
from jwtmw.policy.rules import Access
from jwtmw.starlette import JWTMiddleware, protect
from jwtmw.starlette.guard import joined
from jwtmw.starlette.included import NOTHING, Asked, Leaf, leaves, readers
from jwtmw.token.principal import Principal

__all__ = ["JWTBearer", "JWTMiddleware", "document_marks", "jwt", "protect"]

# What was read of a route, kept on the route.
READ = "__jwtmw_asked__"


class JWTBearer(SecurityBase):
    """The security scheme of the OpenAPI document, as a dependency: `Security(jwt, scopes=["orders:read"])`.

    Asks for a valid token with all of these scopes, and gives the `Principal`; beside `@optional` it is anonymous where
    the token is absent. `openid_connect_url` documents OpenID Connect in the place of a bearer token.
    Raises `NotInstalledError` where no middleware judged the request.
    """

    def __init__(
        self,
        *,
        scheme_name: str | None = None,
        description: str | None = None,
        openid_connect_url: str | None = None,
    ) -> None:
        self.scheme_name = scheme_name or type(self).__name__
        if openid_connect_url is None:
            self.model = HTTPBearer(bearerFormat="JWT", description=description)
        else:
            self.model = OpenIdConnect(openIdConnectUrl=openid_connect_url, description=description)

    async def __call__(self, security_scopes: SecurityScopes) -> Principal:
        """Ask the engine once more, and hand over the caller."""
        request = judged_request.get()
        mark = None if request is None else request.mark
        optional = mark is not None and mark.access is Access.OPTIONAL
        enforce(_mark(tuple(security_scopes.scopes), Access.OPTIONAL if optional else None))
        return current_principal()


jwt = JWTBearer()


def document_marks(app: FastAPI, scheme: JWTBearer = jwt) -> None:
    """Show what `@requires` and `@optional` ask in the OpenAPI document, for operations that name no scheme themselves.

    Call it once. Rules of the configuration and its default are not shown: they are not the application's.
    """
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        for leaf in leaves(app.routes):
            if getattr(leaf.route, "include_in_schema", False) and hasattr(leaf.route, "dependant"):
                _document(document, leaf, scheme)
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _document(document: dict[str, Any], leaf: Leaf, scheme: JWTBearer) -> None:
    route = leaf.route
    for method in getattr(route, "methods", None) or ():
        mark = leaf.together(mark_of(route.endpoint, method), route.path_format)
        if mark is None or mark.access is Access.PUBLIC:
            continue
        schemes = document.setdefault("components", {}).setdefault("securitySchemes", {})
        schemes.setdefault(scheme.scheme_name, jsonable_encoder(scheme.model, by_alias=True, exclude_none=True))
        asked: list[dict[str, list[str]]] = [{scheme.scheme_name: list(mark.requirement.scopes_wanted)}]
        # An empty requirement says that a token may be absent.
        asked = [{}, *asked] if mark.access is Access.OPTIONAL else asked
        document["paths"][route.path_format][method.lower()].setdefault("security", asked)


@lru_cache(maxsize=1024)
def _mark(scopes: tuple[str, ...], access: Access | None = None) -> Mark:
    """The same object for the same scopes, as the engine remembers by identity what a mark comes to."""
    return Mark(access, Requirement.of(scopes=scopes or None))


def _read(route: Any, included: Any) -> Asked:
    """What the dependencies of a route ask; those that its router was included with stand with the inclusion."""
    if not isinstance(dependant := getattr(route, "dependant", None), Dependant):
        return NOTHING
    asked = _kept(route, dependant.dependencies)
    if included is None:
        return asked
    depends = included.include_context.dependencies
    around = _kept(included, [get_parameterless_sub_dependant(depends=each, path="") for each in depends])
    return asked._replace(around=joined(asked.around, around.around, included.original_router.prefix))


def _kept(holder: Any, dependencies: list[Dependant]) -> Asked:
    asked: Asked | None = vars(holder).get(READ)
    if asked is None:
        asked = Asked(
            # A parameter of the path operation speaks for it alone; those of a list may be its router's.
            _all(each for each in dependencies if each.name is not None),
            _all(each for each in dependencies if each.name is None),
        )
        vars(holder)[READ] = asked
    return asked


def _all(dependencies: Iterator[Dependant]) -> Mark | None:
    scopes = [scopes for each in dependencies for scopes in _scopes(each)]
    return _mark(tuple(dict.fromkeys(scope for each in scopes for scope in each))) if scopes else None


def _scopes(dependant: Dependant) -> Iterator[tuple[str, ...]]:
    """For each of our schemes in this tree, the scopes that it is asked for: those around it included."""
    if isinstance(dependant.call, JWTBearer):
        yield (*(dependant.parent_oauth_scopes or ()), *(dependant.own_oauth_scopes or ()))
    for each in dependant.dependencies:
        yield from _scopes(each)


readers.append(_read)
