"""The endpoint with an internal token, as a user would write it: under uvicorn, configured by `JWTMW_CONFIG`.

Owns: the endpoint.
Must never know: which gateway asks; the variable GATEWAY says that.
"""

from __future__ import annotations

import os

from jwtmw.gateway.asgi import ForwardAuth
from jwtmw.token.principal import Principal


class Internal:
    """Mints what a test can recognise."""

    def mint(self, principal: Principal) -> str:
        if principal.subject == "nobody":
            raise LookupError("no token for nobody")
        if principal.subject == "large":
            return f"internal.{'a' * 7000}.token"
        return f"internal.{principal.subject}.token"

    async def amint(self, principal: Principal) -> str:
        return self.mint(principal)


app = ForwardAuth(None, os.environ["GATEWAY"], internal=Internal())
