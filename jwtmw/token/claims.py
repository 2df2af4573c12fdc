"""What a token says of itself: registered claims of the right types and ranges, and nothing that moves text around.

Owns: which claims may count at all (RFC 7519 section 4.1, RFC 8693, RFC 9449), whoever says
them: a signed token or an introspection.
Must never know: issuers, keys, the time, where claims come from. A `ClaimSet` proves nothing about its sender.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType, ValidationError, convert

from jwtmw.decision import Reason
from jwtmw.errors import TokenRefused
from jwtmw.token.frozen import MAX_LEVELS, FrozenDict, freeze_object

MAX_SUBJECT = 255
END_OF_9999 = 253402300799

# C0, DEL and C1 controls, line and paragraph separators, bidirectional overrides and isolates.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]").search


Full = Annotated[str, Meta(min_length=1)]
# RFC 7519, section 2, NumericDate: a number, which JSON's true and "1795303401" are not.
Date = Annotated[int, Meta(ge=0, le=END_OF_9999)] | Annotated[float, Meta(ge=0, le=END_OF_9999)]


class RegisteredClaims(Struct):
    """Types and ranges of RFC 7519, section 4.1, RFC 8693 (`client_id`, `scope`) and RFC 9449 (`htm`, `htu`).

    Null is none of them.
    """

    iss: Full | UnsetType = UNSET
    sub: Annotated[str, Meta(min_length=1, max_length=MAX_SUBJECT)] | UnsetType = UNSET
    aud: Full | list[Full] | UnsetType = UNSET
    exp: Date | UnsetType = UNSET
    nbf: Date | UnsetType = UNSET
    iat: Date | UnsetType = UNSET
    jti: Full | UnsetType = UNSET
    client_id: Full | UnsetType = UNSET
    scope: str | list[str] | UnsetType = UNSET
    htm: Full | UnsetType = UNSET
    htu: Full | UnsetType = UNSET


_NAMES = ("iss", "sub", "jti", "client_id")
_NO_NAMES = ("",) * len(_NAMES)
_FILLED = ("iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "htm", "htu", "bdy")


class ClaimSet:
    """The claims of one token, and those that everything hangs on.

    issuer        `iss`, None without one; so `subject` (`sub`)
    audience      `aud`, a lone text as a set of one
    expires_at    `exp` in epoch seconds, None without one; so `not_before` (`nbf`) and `issued_at` (`iat`)
    """

    __slots__ = ("audience", "claims", "expires_at", "issued_at", "issuer", "not_before", "subject")

    def __init__(self, claims: FrozenDict) -> None:
        self.claims = claims
        claim = claims.get
        self.issuer: str | None = claim("iss")
        self.subject: str | None = claim("sub")
        audience = claim("aud", ())
        self.audience = frozenset((audience,) if type(audience) is str else audience)
        self.expires_at: float | None = claim("exp")
        self.not_before: float | None = claim("nbf")
        self.issued_at: float | None = claim("iat")


def introspected(answer: dict[str, Any] | None, token: ClaimSet | None) -> ClaimSet:
    """What counts of a token that its issuer calls active. Raises `TokenRefused`.

    answer  what the issuer says (RFC 7662 section 2.2); None where it says no more than that
    token   what the token says of itself, where it can be read

    The registered claims that an answer leaves out are the token's own, and so is what binds it to one request. What an
    answer grants is not widened by the token: neither scopes nor private claims are added.
    """
    if answer is None:
        return token or ClaimSet(judge_claims({}))
    # A refresh token is active too, and a bound one is no bearer token; some servers name the kind of token instead.
    kind = answer.get("token_type", "Bearer")
    if not isinstance(kind, str) or kind.lower() not in {"bearer", "access_token"}:
        raise TokenRefused(Reason.TYPE_REFUSED)
    own = {} if token is None else {name: token.claims[name] for name in _FILLED if name in token.claims}
    said = {name: value for name, value in answer.items() if name != "active"}
    return ClaimSet(judge_claims({**own, **said}))


def judge_claims(members: dict[str, Any] | None) -> FrozenDict:
    """The members of a JSON object, read-only, once nothing is wrong with them. Raises `TokenRefused`."""
    claims = None if members is None else freeze_levels(members, MAX_LEVELS)
    if claims is None:
        raise TokenRefused(Reason.TOKEN_JSON)
    if not _is_well_typed(claims) or not all(map(is_safe, map(claims.get, _NAMES, _NO_NAMES))):
        raise TokenRefused(Reason.CLAIMS_MALFORMED)
    if "cnf" in claims:
        # RFC 7800: only the holder of a key may present it, and nothing here can tell who holds it.
        raise TokenRefused(Reason.PROOF_MISSING)
    return claims


def freeze_levels(members: dict[str, Any], levels: int) -> FrozenDict | None:
    """The object, read-only at every level; None where it is deeper than `levels`."""
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
