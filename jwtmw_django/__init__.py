"""jwtmw for Django: one middleware, the first in the list.

    MIDDLEWARE = ["jwtmw_django.JWTMiddleware", ...]
    JWTMW = {...}                 # a mapping, the path of a TOML file, a `Policy`; without it the environment

    server -> JWTMiddleware -> [other middleware] -> URL resolver -> process_view -> view
              judges the path                                        judges the view, and a changed path again

Importing this package imports no Django.

Owns: the public names. Must never know: how to decide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jwtmw_django.conf import current_policy
    from jwtmw_django.endpoints import view
    from jwtmw_django.middleware import JWTMiddleware
    from jwtmw_django.user import TokenUser

__all__ = ["JWTMiddleware", "TokenUser", "current_policy", "view"]


def __getattr__(name: str) -> object:
    if name == "JWTMiddleware":
        from jwtmw_django.middleware import JWTMiddleware

        return JWTMiddleware
    if name == "TokenUser":
        from jwtmw_django.user import TokenUser

        return TokenUser
    if name == "current_policy":
        from jwtmw_django.conf import current_policy

        return current_policy
    if name == "view":
        from jwtmw_django.endpoints import view

        return view
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
