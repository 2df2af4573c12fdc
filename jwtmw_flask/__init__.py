"""jwtmw for Flask: comes with a later release. This version protects no Flask application.

Importing this package does nothing, and asking it for `JWTAuth` is an ImportError.

Owns: saying so.
Must never know: anything that could be mistaken for protection.
"""

from __future__ import annotations


def __getattr__(name: str) -> object:
    if name == "JWTAuth":
        raise ImportError(
            "jwtmw_flask.JWTAuth comes with a later release of jwtmw; this version protects no Flask application"
        )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
