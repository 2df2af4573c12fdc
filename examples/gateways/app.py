"""The endpoint with an internal token: the public one ends at the gateway, and services take the gateway's own.

    jwtmw keys new --dir keys
    GATEWAY=nginx uvicorn app:app --port 9000 --ws none --no-access-log

Beside the endpoint the gateway's key set is published, and its metadata: a service behind is configured by
`issuer = "http://127.0.0.1:9000"` and `audience = ["orders"]`, and takes no public token any more.
"""

from __future__ import annotations

import os
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Mount, Route

from jwtmw import Policy
from jwtmw.gateway.asgi import ForwardAuth
from jwtmw.mint import JWKS, InternalTokens, KeyRing, Metadata, asgi

HERE = Path(__file__).parent
ISSUER = os.environ.get("INTERNAL_ISSUER", "http://127.0.0.1:9000")

policy = Policy(os.environ.get("POLICY_FILE", HERE / "jwtmw.toml"))
ring = KeyRing.load(os.environ.get("KEYS", HERE / "keys"))
internal = InternalTokens(ring, issuer=ISSUER, audience="orders", secure=policy.settings.secure)
forward_auth = ForwardAuth(policy, os.environ["GATEWAY"], internal=internal)

app = Starlette(
    routes=[
        Route("/.well-known/openid-configuration", asgi(Metadata(ring, issuer=ISSUER, jwks_uri=f"{ISSUER}/jwks.json"))),
        Route("/jwks.json", asgi(JWKS(ring))),
        # The endpoint answers at its own path, and 404 at every other.
        Mount("/", forward_auth),
    ]
)
