"""How this service proves to an issuer who it is: RFC 6749 section 2.3.1, RFC 7523, or a token of its own.

Owns: the header fields and form fields of each way.
Must never know: what is asked for, keys (signing is handed in), HTTP. No repr here shows a secret.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from secrets import token_urlsafe
from typing import Any, NamedTuple
from urllib.parse import quote_plus

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# An assertion is made for one request, which has seconds to get there.
ASSERTION_SECONDS = 60


class Proof(NamedTuple):
    """What one request has to carry: header fields, and fields of its form."""

    headers: list[tuple[str, str]]
    form: dict[str, str]

    def __repr__(self) -> str:
        return "Proof(...)"


# Called for each request.
Credentials = Callable[[], Proof]


def basic(client_id: str, client_secret: str) -> Credentials:
    """`client_secret_basic`: both parts form-encoded before they are joined (RFC 6749 section 2.3.1)."""
    pair = f"{quote_plus(client_id, safe='')}:{quote_plus(client_secret, safe='')}"
    proof = Proof([("Authorization", f"Basic {b64encode(pair.encode()).decode()}")], {})
    return lambda: proof


def post(client_id: str, client_secret: str) -> Credentials:
    """`client_secret_post`."""
    proof = Proof([], {"client_id": client_id, "client_secret": client_secret})
    return lambda: proof


def bearer(token: str) -> Credentials:
    """A token of this service's own (RFC 7662 section 2.1 shows one)."""
    proof = Proof([("Authorization", f"Bearer {token}")], {})
    return lambda: proof


def private_key_jwt(
    client_id: str, audience: str, sign: Callable[[Mapping[str, Any]], str], clock: Callable[[], float]
) -> Credentials:
    """`private_key_jwt` (RFC 7523 section 2.2): a new assertion for each request.

    `sign` makes a compact JWS of claims; `clock` tells epoch seconds.
    """

    def prove() -> Proof:
        now = int(clock())
        claims = {"iss": client_id, "sub": client_id, "aud": audience, "iat": now, "exp": now + ASSERTION_SECONDS}
        assertion = sign({**claims, "jti": token_urlsafe(16)})
        form = {"client_id": client_id, "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
        return Proof([], form)

    return prove


def nobody() -> Proof:
    """No proof: for an endpoint that is guarded by the network alone."""
    return Proof([], {})
