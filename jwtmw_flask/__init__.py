"""jwtmw for Flask: one extension, judged before any function of the application.

    from jwtmw import public, requires
    from jwtmw_flask import JWTAuth, current_principal

    server -> [outer WSGI] -> Gate -> [inner WSGI] -> Flask: session, routing -> Door -> before_request, view
                              judges the path                                    judges the endpoint, and a changed path

Owns: the public names. Must never know: how to decide.
"""

from jwtmw_flask.endpoints import view
from jwtmw_flask.extension import JWTAuth
from jwtmw_flask.proxies import current_principal, current_user
from jwtmw_flask.refusal import Refused
from jwtmw_flask.signals import request_allowed, request_denied

__all__ = ["JWTAuth", "Refused", "current_principal", "current_user", "request_allowed", "request_denied", "view"]
