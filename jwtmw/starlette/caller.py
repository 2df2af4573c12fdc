"""The caller as Starlette shows it, and the request as the application may see it.

Owns: `request.user`, `request.auth`, and what is hidden from the application.
Must never know: how to decide, routers.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from jwtmw.asgi import PRINCIPAL, hide_subprotocol
from jwtmw.messages import Scope
from jwtmw.starlette.guard import GuardedRequest


class Credentials(NamedTuple):
    """`request.auth` as Starlette's own `@requires` reads it; shared by requests, so nobody can write to it."""

    scopes: tuple[str, ...]


NOBODY = Credentials(())


@lru_cache(maxsize=1024)
def _credentials(scopes: frozenset[str]) -> Credentials:
    # By Starlette's convention the scope "authenticated" says that there is a user at all.
    return Credentials(("authenticated", *sorted(scopes)))


def introduce(scope: Scope, request: GuardedRequest) -> None:
    """The caller as Starlette shows it: `request.user`, `request.auth`, and the request as the application may see it.

    Whoever calls this notes what is `shown` from now on.
    """
    allow = request.allow
    if request.policy.disclosure is not None or request.behind is not None:
        _disclose(scope, request)
    scope[PRINCIPAL] = principal = allow.principal
    if allow.place is not None and allow.place.kind == "subprotocol":
        hide_subprotocol(scope, allow.place)
    scope["user"] = allow.user
    scope["auth"] = _credentials(principal.scopes) if principal.is_authenticated else NOBODY


def _disclose(scope: Scope, request: GuardedRequest) -> None:
    """What an earlier decision hid is hidden no more, unless somebody has changed it since."""
    headers, query = request.shown
    if scope["headers"] is headers:
        scope["headers"] = request.headers
    if query is not None and scope["query_string"] is query:
        scope["query_string"] = request.query_string
    for each in reversed([*request.all()]):
        if each.policy.disclosure is not None:
            each.policy.disclosure.scope(scope, each.allow)
