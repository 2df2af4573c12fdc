"""The gate, which the gateway asks: a public token goes in, an internal one comes out.

The internal token is the gate's own: nobody outside has one, and it says what the public one does not, the customer's
number. It lives for a minute. Who wants to check it finds the keys at /jwks.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route

from jwtmw import Policy, Principal
from jwtmw.gateway.asgi import ForwardAuth
from jwtmw.mint import JWKS, InternalTokens, KeyRing, asgi

# Refusals are logged at INFO.
logging.basicConfig(level=logging.INFO)

CUSTOMERS = {"alice": 1001, "bob": 1002}

policy = Policy(Path(__file__).with_name("gate.toml"))
secure = policy.settings.secure
keys = KeyRing.load(os.environ["GATE_KEYS"]) if secure else None


def details(caller: Principal) -> dict[str, int]:
    """What the services behind need not look up again."""
    return {"customer": CUSTOMERS[caller.subject or ""]}


inner = InternalTokens(keys, issuer=os.environ["GATE_URL"], audience="fleet", ttl=60, load=details, secure=secure)
routes: list[BaseRoute] = [Mount("/", ForwardAuth(policy, internal=inner))]
if keys is not None:
    routes.insert(0, Route("/jwks", asgi(JWKS(keys))))
app = Starlette(routes=routes)
