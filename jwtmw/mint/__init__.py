"""Issuing tokens: key rings, the key set to publish, internal tokens, a login, a sign endpoint for consumers.

Services that only check tokens never import this package. Names are loaded when they are asked for.

Owns: the public names.
Must never know: how any of it works.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jwtmw.endpoints.mounts import asgi, wsgi
    from jwtmw.errors import MintFailed
    from jwtmw.mint.consumer_tokens import SignEndpoint
    from jwtmw.mint.internal import InternalTokens
    from jwtmw.mint.jwks import JWKS, Metadata
    from jwtmw.mint.keyring import KeyRing
    from jwtmw.mint.login import Login
    from jwtmw.mint.signer import Publishes, Signer, Signs

__all__ = [
    "JWKS",
    "InternalTokens",
    "KeyRing",
    "Login",
    "Metadata",
    "MintFailed",
    "Publishes",
    "SignEndpoint",
    "Signer",
    "Signs",
    "asgi",
    "wsgi",
]

_HOMES = {
    "JWKS": "jwtmw.mint.jwks",
    "InternalTokens": "jwtmw.mint.internal",
    "KeyRing": "jwtmw.mint.keyring",
    "Login": "jwtmw.mint.login",
    "Metadata": "jwtmw.mint.jwks",
    "MintFailed": "jwtmw.errors",
    "Publishes": "jwtmw.mint.signer",
    "SignEndpoint": "jwtmw.mint.consumer_tokens",
    "Signer": "jwtmw.mint.signer",
    "Signs": "jwtmw.mint.signer",
    "asgi": "jwtmw.endpoints.mounts",
    "wsgi": "jwtmw.endpoints.mounts",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
