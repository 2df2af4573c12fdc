"""Django REST framework behind the middleware: its views find the caller whom the middleware has let in.

    REST_FRAMEWORK = {
        "DEFAULT_AUTHENTICATION_CLASSES": ["jwtmw_django.rest_framework.JWTAuthentication"],
        "DEFAULT_PERMISSION_CLASSES": ["jwtmw_django.rest_framework.JWTPermission"],
    }

Nothing is decided here. A refusal has left before a view runs; what a view refuses itself is answered with the
policy's challenge, so that it is a 401 and not a 403.

Owns: the authentication class and the permission.
Must never know: how to decide, tokens. Where no middleware judged the request, both raise `NotInstalledError`.
"""

from __future__ import annotations

from typing import Any, Literal

from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from jwtmw import Principal, current_principal
from jwtmw.adapter import Deny, Reason
from jwtmw_django.conf import current_policy

__all__ = ["JWTAuthentication", "JWTPermission"]


class JWTAuthentication(BaseAuthentication):
    """`request.user` is the user that the middleware has set, `request.auth` the `Principal`.

    An anonymous caller, on a public route or in non-secure mode, is left to the authentication classes behind.
    """

    def authenticate(self, request: Request) -> tuple[Any, Principal] | None:
        """The caller whom the middleware verified. Raises `NotInstalledError` where none stood in front."""
        principal = current_principal()
        return (request._request.user, principal) if principal.is_authenticated else None

    def authenticate_header(  # pyright: ignore[reportIncompatibleMethodOverride] - returns None where it is untyped
        self,
        request: Request,  # noqa: ARG002 - DRF's signature
    ) -> str:
        """The policy's challenge for a caller without a token; with it a refusal of DRF's is a 401."""
        refusal = current_policy().renderer.render(Deny(Reason.TOKEN_MISSING), None)
        return dict(refusal.headers)[b"www-authenticate"].decode("ascii")


class JWTPermission(BasePermission):
    """Whom the middleware let in may come in: by rules and marks, also as anonymous where these say so.

    Unlike `IsAuthenticated` it does not refuse what the policy's modes let pass. Write scopes with `@requires`.
    """

    def has_permission(self, request: Request, view: APIView) -> Literal[True]:  # noqa: ARG002 - DRF's signature
        """True. Raises `NotInstalledError` where no middleware judged the request."""
        current_principal()
        return True
