"""Starlette behind the engine: path rules and marks.

    from jwtmw.starlette import JWTMiddleware, protect

    server -> [outer middleware] -> JWTMiddleware -> [inner middleware] -> Door -> router -> endpoint
                                    judges the path                        judges the endpoint, and a changed path again

Starlette routes behind its middleware, so only the router knows the endpoint. A `Door` stands directly around every
router that a request comes to and hands it a scope that reports the endpoint in the moment the router has found it:
before the body is read and dependencies run. Who can be let in only by a mark comes to the door as pending; if
anything but the marked endpoint answers, the answer is replaced by the refusal.

Owns: the public names. Must never know: how to decide.
"""

from jwtmw.starlette.middleware import JWTMiddleware, protect

__all__ = ["JWTMiddleware", "protect"]
