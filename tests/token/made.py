"""Tokens, issuers and requests made for the tests of the token room; nothing here is signed.

Owns: the spelling of a token from parts of any kind, good or bad.
Must never know: how the front end reads them.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import Any

from jwtmw.issuers.issuer import Issuer
from jwtmw.request import Request
from jwtmw.token.parse import ParsedToken, parse

NOW = 1_800_000_000
LIMIT = 8192
HEADER: dict[str, Any] = {"alg": "RS256", "typ": "at+jwt", "kid": "one"}
CLAIMS: dict[str, Any] = {
    "iss": "https://id.example/",
    "sub": "alice",
    "aud": ["orders"],
    "exp": NOW + 300,
    "iat": NOW,
    "scope": "orders:read orders:write",
}
SIGNATURE = bytes(range(64))


def segment(octets: bytes) -> bytes:
    """Canonical base64url without padding."""
    return urlsafe_b64encode(octets).rstrip(b"=")


def compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def spelt(header: bytes, payload: bytes, signature: bytes = SIGNATURE) -> bytes:
    """A token of exactly these octets."""
    return b".".join(map(segment, (header, payload, signature)))


def token(header: object = HEADER, claims: object = CLAIMS) -> bytes:
    return spelt(compact(header), compact(claims))


def with_header(**members: object) -> bytes:
    return token(HEADER | members)


def with_claims(**members: object) -> bytes:
    return token(HEADER, CLAIMS | members)


def parsed(**claims: object) -> ParsedToken:
    """A parsed token with these claims beside the usual ones; `...` leaves one out."""
    return parse(token(HEADER, {name: value for name, value in (CLAIMS | claims).items() if value is not ...}), LIMIT)


def issuer(**changes: Any) -> Issuer:
    """The issuer of `CLAIMS`, with the defaults of the configuration and a leeway of 30 seconds."""
    settings: dict[str, Any] = {
        "name": "corp",
        "issuer": "https://id.example/",
        "audience": frozenset({"orders"}),
        "require_audience": True,
        "algorithms": frozenset({"RS256"}),
        "token_types": frozenset({"at+jwt", "jwt", ""}),
        "require_expiry": True,
        "required_claims": (),
        "max_lifetime": None,
        "max_age": None,
        "subjects": (),
        "scope_claim": ("scope", "scp"),
        "roles_claim": "roles",
        "leeway": 30.0,
        "require_issuer": True,
        "places": None,
        "keys": None,
    }
    return Issuer(**(settings | changes))


class Asked(Request):
    """A request with these headers, names in lower case."""

    __slots__ = ("headers",)

    def __init__(self, query: bytes = b"", websocket: bool = False, **headers: bytes) -> None:
        super().__init__("GET", "/", query_string=query)
        self.websocket = websocket
        self.headers = {name.replace("_", "-").encode(): value for name, value in headers.items()}

    def header(self, name: bytes) -> bytes | None:
        return self.headers.get(name)
