"""What all benchmarks share: tokens of a usual size, policies, and a request as a server presents it.

Owns: the workload.
Must never know: how it is measured.
"""

from __future__ import annotations

import time
import uuid
from typing import Any

from jwtmw.testing import Signer

ISSUER = "https://id.example"
AUDIENCE = "orders"
SECRET = "b0f3d9a1c7e84426-9a35-4c0e-8f71-benchmark"
ASYMMETRIC = ("RS256", "ES256", "EdDSA")
ALGORITHMS = (*ASYMMETRIC, "HS256")


def signer_of(algorithm: str) -> Signer:
    """A fresh key, or the secret, for this algorithm."""
    return Signer(algorithm, key=SECRET if algorithm == "HS256" else None)


def tokens_of(signer: Signer, count: int, issuer: str = ISSUER, **claims: Any) -> list[str]:
    """Distinct tokens with the members and the size that authorization servers usually give them."""
    now = int(time.time())
    common = {
        "iss": issuer,
        "sub": "auth0|5f7c8ec7c33c6c004bbafe82",
        "aud": [AUDIENCE, "https://id.example/userinfo"],
        "iat": now,
        "exp": now + 3600,
        "client_id": "web-frontend",
        "scope": "openid profile email orders:read orders:write",
        "roles": ["user", "clerk"],
        **claims,
    }
    return [signer.sign({**common, "jti": str(uuid.uuid4())}) for _ in range(count)]


def issuer_table(signer: Signer, issuer: str = ISSUER) -> dict[str, Any]:
    """The configuration of the signer's issuer, with the key at hand: nothing is fetched."""
    keys = {"secret": SECRET} if signer.symmetric else {"jwks": {"keys": [signer.public_jwk]}}
    return {"issuer": issuer, "audience": [AUDIENCE], "algorithms": [signer.algorithm], **keys}


def scope_of(token: str | None, path: str = "/orders/1234") -> dict[str, Any]:
    """A GET as uvicorn presents it, with the headers of a usual client."""
    headers = [
        (b"host", b"orders.example"),
        (b"user-agent", b"python-httpx2/2.16"),
        (b"accept", b"*/*"),
        (b"accept-encoding", b"gzip, deflate"),
        (b"connection", b"keep-alive"),
    ]
    if token is not None:
        headers.append((b"authorization", b"Bearer " + token.encode()))
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "scheme": "http",
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }
