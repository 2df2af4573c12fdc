"""The strict front end: the bytes of a token -> `ParsedToken`, before any key or library sees them.

Owns: what a compact JWS with JSON claims may look like (RFC 7515, RFC 7519), whoever issued it.
Must never know: issuers, keys, the time. Nothing here is verified: a `ParsedToken` proves nothing about its sender.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from jwtmw.decision import Reason
from jwtmw.errors import TokenRefused
from jwtmw.token.claims import ClaimSet, freeze_levels, is_safe, judge_claims
from jwtmw.token.frozen import FrozenDict
from jwtmw.token.strict import decode_segment, is_b64token, read_object

MAX_HEADER_BYTES = 2048
MAX_HEADER_MEMBERS = 32
MAX_HEADER_LEVELS = 2
MAX_HEADERS_KEPT = 128
MAX_KID = 1024

# RFC 7515, section 4.1.11 (crit) and RFC 7797 (b64) change what is signed, RFC 7516 (zip) what is read.
_REFUSED_PARAMETERS = frozenset({"crit", "b64", "zip"})


class Header(NamedTuple):
    """A JOSE header's members, and those that count; the same object for every token with the same header."""

    members: FrozenDict
    alg: str
    kid: str | None
    typ: str


class ParsedToken(ClaimSet):
    """A well-formed token; none of it is verified.

    typ  lower-case, without "application/" (RFC 7515, section 4.1.9); "" without one
    """

    __slots__ = ("alg", "header", "kid", "signature", "signing_input", "typ")

    def __init__(self, header: Header, claims: FrozenDict, signing_input: bytes, signature: bytes) -> None:
        super().__init__(claims)
        self.header, self.alg, self.kid, self.typ = header
        self.signing_input = signing_input
        self.signature = signature


def parse(token: bytes, max_bytes: int) -> ParsedToken:
    """Read `token`, at most `max_bytes` long. Any other exception than `TokenRefused` is a bug."""
    if len(token) > max_bytes:
        raise TokenRefused(Reason.TOKEN_TOO_LARGE)
    signing_input, _, last = token.rpartition(b".")
    first, _, middle = signing_input.partition(b".")
    payload, signature = decode_segment(middle), decode_segment(last)
    if not payload or not signature:
        raise _misspelt(token)
    header = _headers.get(first) or _read_header(first, token)
    return ParsedToken(header, judge_claims(read_object(payload)), signing_input, signature)


def check_opaque(token: bytes, max_bytes: int) -> None:
    """What can be asked of a token that only its issuer can read: at most `max_bytes`, and a b64token.

    Raises `TokenRefused`.
    """
    if len(token) > max_bytes:
        raise TokenRefused(Reason.TOKEN_TOO_LARGE)
    if not is_b64token(token):
        raise TokenRefused(Reason.CREDENTIALS_MALFORMED)


def _misspelt(token: bytes) -> TokenRefused:
    """Whether the place holds no b64token at all (RFC 6750, section 2.1), or one that is no compact JWS.

    Asked here because whatever parses is a b64token: good tokens are not read once more to know it.
    """
    return TokenRefused(Reason.TOKEN_FORMAT if is_b64token(token) else Reason.CREDENTIALS_MALFORMED)


# An issuer's tokens share their header, byte for byte. Only good headers are kept, and at most so many.
_headers: dict[bytes, Header] = {}


def _read_header(segment: bytes, token: bytes) -> Header:
    text = decode_segment(segment)
    if not text:
        raise _misspelt(token)
    if len(text) > MAX_HEADER_BYTES:
        raise TokenRefused(Reason.HEADER_REFUSED)
    members = read_object(text)
    if members is None:
        raise TokenRefused(Reason.TOKEN_JSON)
    header = _judge_header(members)
    if len(_headers) >= MAX_HEADERS_KEPT:
        _headers.clear()
    _headers[segment] = header
    return header


def _judge_header(members: dict[str, Any]) -> Header:
    frozen = freeze_levels(members, MAX_HEADER_LEVELS)
    alg, kid = members.get("alg"), members.get("kid")
    typ, content = _media_type(members, "typ"), _media_type(members, "cty")
    if (
        frozen is None
        or len(members) > MAX_HEADER_MEMBERS
        or not members.keys().isdisjoint(_REFUSED_PARAMETERS)
        or type(alg) is not str
        or not alg
        or ("kid" in members and not (type(kid) is str and len(kid) <= MAX_KID and is_safe(kid)))
        or typ is None
        or content is None
        # A JWT within a JWT (RFC 7519, section 5.2) is signed by whoever made the inner one.
        or content == "jwt"
    ):
        raise TokenRefused(Reason.HEADER_REFUSED)
    return Header(frozen, alg, kid, typ)


def _media_type(members: Mapping[str, Any], name: str) -> str | None:
    """RFC 7515, sections 4.1.9 and 4.1.10: without regard to case, "application/" may be left out."""
    value = members.get(name, "")
    if type(value) is not str or not value.isascii():
        return None
    kind, slash, rest = value.lower().partition("/")
    return rest if kind == "application" and rest and "/" not in rest else kind + slash + rest
