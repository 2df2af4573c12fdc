"""jwtmw for Django: comes with a later release. This version protects no Django application.

Importing this package does nothing, and asking it for `JWTMiddleware` is an ImportError.

Owns: saying so.
Must never know: anything that could be mistaken for protection.
"""

from __future__ import annotations


def __getattr__(name: str) -> object:
    if name == "JWTMiddleware":
        raise ImportError(
            "jwtmw_django.JWTMiddleware comes with a later release of jwtmw; this version protects no Django project"
        )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
