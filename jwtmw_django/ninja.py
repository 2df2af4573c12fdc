"""django-ninja behind the middleware: an `auth` that asks for a token and scopes, and hands over the caller.

    api = NinjaAPI(auth=JWTAuth())

    @api.get("/orders", auth=JWTAuth("orders:read"))
    def orders(request): ...          # request.auth is the Principal

    @api.get("/health", auth=None)
    @public
    def health(request): ...

What `JWTAuth` asks counts as a `@requires` of the operation: the middleware judges it when the operation is known,
before parameters and body are read. The object itself only asks the engine once more, as the second lock of
`@requires` does. Beside other callbacks in one list it is no alternative to them: it holds whatever they say.

Owns: the security scheme of the OpenAPI document, and what an operation asks there.
Must never know: how to decide, tokens, where the middleware finds an operation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any, NoReturn

from django.http import HttpRequest
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation
from ninja.security.base import AuthBase

from jwtmw import Denied, Principal, current_principal, optional, requires
from jwtmw.adapter import Access, judged_request, mark_of
from jwtmw_django.hidden import ASKED, operation_mark

__all__ = ["JWTAuth", "document_marks"]


class JWTAuth(AuthBase):
    """Asks for a valid token with all of these scopes, and whatever else is named as in `@requires`.

    Beside `@optional` the token may be absent; `request.auth` is the `Principal`, then an anonymous one.
    Raises `Denied`, which the middleware answers, and `NotInstalledError` where no middleware judged the request.
    """

    openapi_type = "http"
    openapi_scheme = "bearer"
    openapi_bearerFormat = "JWT"  # noqa: N815 - OpenAPI's name

    def __init__(
        self,
        *scopes: str,
        any_scope: Iterable[str] | None = None,
        roles: Iterable[str] | None = None,
        any_role: Iterable[str] | None = None,
        claims: Mapping[str, Any] | None = None,
        issuers: Iterable[str] | None = None,
        audience: Iterable[str] | None = None,
    ) -> None:
        super().__init__()
        # Called on an event loop it must be awaited there: else ninja moves it to a thread.
        self.is_async = True
        wanted = requires(
            *scopes,
            any_scope=any_scope,
            roles=roles,
            any_role=any_role,
            claims=claims,
            issuers=issuers,
            audience=audience,
        )
        self._lock = wanted(lambda: None)
        self._optional_lock = optional(wanted(lambda: None))
        setattr(self, ASKED, mark_of(self._lock, ""))

    def __call__(self, request: HttpRequest) -> Principal | Coroutine[Any, Any, Principal]:  # noqa: ARG002
        """The caller; on an event loop to be awaited, yet whoever is refused is refused at once."""
        judged = judged_request.get()
        mark = None if judged is None else judged.mark
        is_optional = mark is not None and mark.access is Access.OPTIONAL
        (self._optional_lock if is_optional else self._lock)()
        principal = current_principal()
        return _awaitable(principal) if _on_event_loop() else principal


def document_marks(api: NinjaAPI) -> None:
    """Show in the OpenAPI document which scopes each operation asks for, by `JWTAuth` and by marks.

    Rules of the configuration and its default are not shown: they are not the application's.
    """

    def get_openapi_schema(*, path_prefix: str | None = None, path_params: dict[str, Any] | None = None) -> _Document:
        return _Document(api, api.get_root_path(path_params or {}) if path_prefix is None else path_prefix)

    api.get_openapi_schema = get_openapi_schema  # type: ignore[method-assign]
    # With DEBUG, ninja itself answers an exception that it does not know; a refusal is the middleware's to answer.
    api.add_exception_handler(Denied, _pass_on)


class _Document(OpenAPISchema):
    """ninja's document, which by itself knows no scopes."""

    def operation_security(self, operation: Operation) -> list[dict[str, Any]] | None:
        """What the operation asks for; an empty requirement says that a token may be absent."""
        documented = super().operation_security(operation)
        mark = operation_mark(operation, operation.methods[0])
        if mark is None or mark.access is Access.PUBLIC:
            return documented
        auth = next((each for each in operation.auth_callbacks if isinstance(each, JWTAuth)), None) or JWTAuth()
        name = type(auth).__name__
        self.securitySchemes[name] = auth.openapi_security_schema
        asked = {name: list(mark.requirement.scopes_wanted)}
        return [{}, asked] if mark.access is Access.OPTIONAL else [asked]


def _pass_on(request: HttpRequest, refusal: Any) -> NoReturn:  # noqa: ARG001 - ninja's signature
    raise refusal


async def _awaitable(principal: Principal) -> Principal:
    return principal


def _on_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
