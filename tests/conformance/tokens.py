"""Tokens built by hand from bytes, so that no library repairs what a case wants broken.

Owns: the claims of a good token, the makers of good, odd and malformed ones, the moment at which the world starts.
Must never know: jwtmw.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from typing import Any

from tests.conformance.keys import RSA, RSA_FOREIGN, RSA_PARTNER, Signer, b64

NOW = 1_800_000_000
CORP = "https://id.corp.example/"
PARTNER = "https://login.partner.example"
AUDIENCE = "orders-service"
ALICE = "alice-5f0c"
# Put in the place of a claim or header member, it leaves that member out.
DROP = object()


class Raw(str):
    """JSON text that goes into the token as it is, valid or not."""

    __slots__ = ()


def encode(members: Mapping[str, Any]) -> bytes:
    """Members as JSON, in order; `Raw` values byte for byte, `DROP` left out."""
    kept = [(name, value) for name, value in members.items() if value is not DROP]
    texts = [f"{json.dumps(name)}:{value if isinstance(value, Raw) else _text(value)}" for name, value in kept]
    return ("{" + ",".join(texts) + "}").encode("utf-8")


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def jws(header: bytes, payload: bytes, key: Signer = RSA, alg: str = "") -> bytes:
    """A compact JWS over exactly these bytes."""
    return signed(b64(header) + b"." + b64(payload), key, alg)


def signed(signing_input: bytes, key: Signer = RSA, alg: str = "") -> bytes:
    """A signature over exactly this signing input, whatever it is."""
    return signing_input + b"." + b64(key.sign(signing_input, alg))


def header_of(key: Signer = RSA, **members: Any) -> dict[str, Any]:
    return {"alg": key.alg, "kid": key.kid, "typ": "at+jwt"} | members


def claims_of(**members: Any) -> dict[str, Any]:
    good = {"iss": CORP, "aud": AUDIENCE, "sub": ALICE, "iat": NOW - 10, "exp": NOW + 600, "jti": "jti-91ac2e"}
    return good | members


def token(key: Signer = RSA, head: Mapping[str, Any] | None = None, /, **claims: Any) -> bytes:
    """A good token of the first issuer but for the given header members and claims."""
    header = header_of(key, **(head or {}))
    return jws(encode(header), encode(claims_of(**claims)), key)


def with_header(header: bytes) -> bytes:
    """A well signed token with exactly this header."""
    return jws(header, encode(claims_of()))


def with_payload(payload: bytes) -> bytes:
    """A well signed token with exactly this payload."""
    return jws(encode(header_of()), payload)


def partner(**claims: Any) -> bytes:
    """A good token of the second issuer."""
    return token(RSA_PARTNER, **({"iss": PARTNER, "aud": "partner-orders"} | claims))


def of_size(size: int) -> bytes:
    """A good token of exactly this many bytes."""
    fill = (size - len(token(fill=""))) * 3 // 4
    # No segment of base64url has 4n + 1 characters, so a spare header member shifts the sum where needed.
    for spare, near in itertools.product(range(4), range(fill - 24, fill + 3)):
        made = token(RSA, {"spare": "s" * spare}, fill="f" * near)
        if len(made) == size:
            return made
    raise AssertionError("no token of this size")


def flipped(text: bytes, index: int) -> bytes:
    """The same token with one character of base64url exchanged for another."""
    other = b"A" if text[index : index + 1] != b"A" else b"B"
    return text[:index] + other + text[index + 1 :]


GOOD = token()
EXPIRED = token(exp=NOW - 31)
GARBAGE = b"not-a-token"
PARTNERS = partner()
FOREIGN = jws(encode(header_of()), encode(claims_of()), RSA_FOREIGN)
EXPIRED_PARTNERS = partner(exp=NOW - 31)
