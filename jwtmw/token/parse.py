"""The strict front end: the bytes of a token -> `ParsedToken`, before any key or library sees them.

Owns: what a compact JWS with JSON claims may look like (RFC 7515, RFC 7519), whoever issued it.
Must never know: issuers, keys, the time. Nothing here is verified: a `ParsedToken` proves nothing about its sender.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from msgspec import UNSET, Meta, Struct, UnsetType, ValidationError, convert

from jwtmw.decision import Reason
from jwtmw.errors import TokenRefused
from jwtmw.token.frozen import MAX_LEVELS, FrozenDict, freeze_object
from jwtmw.token.strict import decode_segment, is_b64token, read_object

MAX_HEADER_BYTES = 2048
MAX_HEADER_MEMBERS = 32
MAX_HEADER_LEVELS = 2
MAX_HEADERS_KEPT = 128
MAX_KID = 1024
MAX_SUBJECT = 255
END_OF_9999 = 253402300799

# RFC 7515, section 4.1.11 (crit) and RFC 7797 (b64) change what is signed, RFC 7516 (zip) what is read.
_REFUSED_PARAMETERS = frozenset({"crit", "b64", "zip"})

# C0, DEL and C1 controls, line and paragraph separators, bidirectional overrides and isolates.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]").search


Full = Annotated[str, Meta(min_length=1)]
# RFC 7519, section 2, NumericDate: a number, which JSON's true and "1795303401" are not.
Date = Annotated[int, Meta(ge=0, le=END_OF_9999)] | Annotated[float, Meta(ge=0, le=END_OF_9999)]


class RegisteredClaims(Struct):
    """Types and ranges of RFC 7519, section 4.1, and RFC 8693 (`client_id`, `scope`); null is none of them."""

    iss: Full | UnsetType = UNSET
    sub: Annotated[str, Meta(min_length=1, max_length=MAX_SUBJECT)] | UnsetType = UNSET
    aud: Full | list[Full] | UnsetType = UNSET
    exp: Date | UnsetType = UNSET
    nbf: Date | UnsetType = UNSET
    iat: Date | UnsetType = UNSET
    jti: Full | UnsetType = UNSET
    client_id: Full | UnsetType = UNSET
    scope: str | list[str] | UnsetType = UNSET


_NAMES = ("iss", "sub", "jti", "client_id")
_NO_NAMES = ("",) * len(_NAMES)


class Header(NamedTuple):
    """A JOSE header's members, and those that count; the same object for every token with the same header."""

    members: FrozenDict
    alg: str
    kid: str | None
    typ: str


class ParsedToken:
    """A well-formed token; none of it is verified.

    typ           lower-case, without "application/" (RFC 7515, section 4.1.9); "" without one
    issuer        `iss`, None without one; so `subject` (`sub`)
    audience      `aud`, a lone text as a set of one
    expires_at    `exp` in epoch seconds, None without one; so `not_before` (`nbf`) and `issued_at` (`iat`)
    """

    __slots__ = (
        "alg",
        "audience",
        "claims",
        "expires_at",
        "header",
        "issued_at",
        "issuer",
        "kid",
        "not_before",
        "signature",
        "signing_input",
        "subject",
        "typ",
    )

    def __init__(self, header: Header, claims: FrozenDict, signing_input: bytes, signature: bytes) -> None:
        self.header, self.alg, self.kid, self.typ = header
        self.claims = claims
        self.signing_input = signing_input
        self.signature = signature
        claim = claims.get
        self.issuer: str | None = claim("iss")
        self.subject: str | None = claim("sub")
        audience = claim("aud", ())
        self.audience = frozenset((audience,) if type(audience) is str else audience)
        self.expires_at: float | None = claim("exp")
        self.not_before: float | None = claim("nbf")
        self.issued_at: float | None = claim("iat")


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
    return ParsedToken(header, _read_claims(payload), signing_input, signature)


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
    frozen = _freeze(members, MAX_HEADER_LEVELS)
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


def _read_claims(payload: bytes) -> FrozenDict:
    members = read_object(payload)
    claims = None if members is None else _freeze(members, MAX_LEVELS)
    if claims is None:
        raise TokenRefused(Reason.TOKEN_JSON)
    if not _is_well_typed(claims) or not all(map(is_safe, map(claims.get, _NAMES, _NO_NAMES))):
        raise TokenRefused(Reason.CLAIMS_MALFORMED)
    if "cnf" in claims:
        # RFC 7800: only the holder of a key may present it, and nothing here can tell who holds it.
        raise TokenRefused(Reason.PROOF_MISSING)
    return claims


def _freeze(members: dict[str, Any], levels: int) -> FrozenDict | None:
    try:
        return freeze_object(members, levels)
    except ValueError:
        return None


def _is_well_typed(claims: FrozenDict) -> bool:
    try:
        convert(claims, RegisteredClaims)
    except ValidationError:
        return False
    return True


def is_safe(text: str) -> bool:
    """Whether `text` may stand for somebody in a log or a header: nothing in it moves the text around it."""
    # Whatever is printable needs no search; most that is not, such as a joiner in a name, is harmless.
    return text.isprintable() or _UNSAFE(text) is None
