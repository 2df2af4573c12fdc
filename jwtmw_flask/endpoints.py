"""jwtmw's own endpoints as views of Flask.

    from jwtmw.mint import JWKS, KeyRing
    app.add_url_rule("/.well-known/jwks.json", view_func=view(JWKS(KeyRing.load("keys"))))

Owns: the translation between Flask and an endpoint.
Must never know: what is answered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import request
from werkzeug.wrappers import Response

from jwtmw import public
from jwtmw.adapter import Endpoint, wsgi_endpoint


def view(endpoint: Endpoint) -> Callable[..., Response]:
    """A view function for `add_url_rule`, named and marked as the endpoint says; its methods are the endpoint's.

    Raises `ConfigurationError` for an endpoint with an async function.
    """
    mounted = wsgi_endpoint(endpoint)

    def answer(**_: Any) -> Response:
        return Response.from_app(mounted, request.environ)

    answer.__name__ = endpoint.name
    answer.__dict__["methods"] = endpoint.methods  # what add_url_rule goes by
    return public(answer) if endpoint.public else answer
