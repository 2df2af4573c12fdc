"""Where the token sits in a request: exactly one credential, in one configured place.

Owns: the grammar of each place (RFC 6750, RFC 9110), and that two credentials are one too many.
Must never know: what a token says, issuers, frameworks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, NamedTuple
from urllib.parse import unquote_to_bytes

from jwtmw.decision import Reason
from jwtmw.errors import TokenRefused
from jwtmw.request import Request
from jwtmw.token.strict import is_b64token

# RFC 9110, section 5.6.2: what a scheme is made of.
_TCHARS = frozenset(
    bytes([octet]) for octet in b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)
_BLANK = b" \t"
_COMMA = 0x2C

Kind = Literal["header", "query", "cookie", "subprotocol"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where tokens may be: a header with a scheme or raw (`scheme` None), a query parameter, a cookie, a subprotocol.

    `scheme_optional` admits the bare token as well. Header names and schemes are the same in any case.
    """

    kind: Kind
    name: str = field(compare=False)
    scheme: str | None = field(default=None, compare=False)
    scheme_optional: bool = False
    _key: tuple[str, str | None] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        name = self.name.lower() if self.kind == "header" else self.name
        object.__setattr__(self, "_key", (name, self.scheme and self.scheme.lower()))

    @property
    def label(self) -> str:
        """For logs and people: `header Authorization (Bearer)`."""
        if self.scheme is None:
            return f"{self.kind} {self.name}"
        return f"{self.kind} {self.name} ({self.scheme}{', optional' if self.scheme_optional else ''})"


class Found(NamedTuple):
    """A credential and the configured place that held it."""

    token: bytes
    place: Place

    def __repr__(self) -> str:
        return f"Found({self.place.label})"


# What `Found(...)` does, without a Python frame.
_found = partial(tuple.__new__, Found)

Reader = Callable[[Request], bytes | None]


class Locator:
    """Finds the one credential of a request in the configured places; other places are not read.

    `lone` is the lower-case name of the header where that is the only place, else None.
    """

    __slots__ = ("_header", "_length", "_limit", "_longest", "_place", "_prefix", "_readers", "lone")

    def __init__(self, places: Sequence[Place], max_bytes: int) -> None:
        self._readers = [(place, _reader(place, max_bytes)) for place in dict.fromkeys(places)]
        self._limit = max_bytes
        self._prefix = b""
        lone = self._readers[0][0] if len(self._readers) == 1 else None
        self.lone = lone.name.lower().encode() if lone is not None and lone.kind == "header" else None
        if lone is not None and lone.kind == "header" and lone.scheme is not None:
            self._place, self._header = lone, lone.name.lower().encode()
            self._prefix = lone.scheme.lower().encode() + b" "
            self._length = len(self._prefix)
            self._longest = self._length + max_bytes

    @property
    def places(self) -> list[Place]:
        """All places that are read, in the order of the configuration."""
        return [place for place, _ in self._readers]

    def find(self, request: Request) -> Found | None:
        """The credential, None where there is none.

        That it is the only one and not too large is settled here; so is that it is a b64token, except in a lone
        header with a scheme: there `parse` tells, so that a token verified before is not read byte by byte again.

        Raises `TokenRefused`: CREDENTIALS_MALFORMED, CREDENTIALS_REPEATED or TOKEN_TOO_LARGE.
        """
        if self._prefix:
            value = request.header(self._header)
            if not value:
                return None
            length = self._length
            if value[:length].lower() == self._prefix and len(value) <= self._longest and _COMMA not in value:
                return _found((value[length:], self._place))
        return self._search(request)

    def offered(self, request: Request) -> Place | None:
        """The place among the subprotocols of a handshake that offers a token there, whether it is read or not."""
        items = _items(request.header(b"sec-websocket-protocol") or b"") if request.websocket else []
        return next(
            (place for place in self.places if place.kind == "subprotocol" and place.name.encode() in items), None
        )

    def _search(self, request: Request) -> Found | None:
        found = [Found(token, place) for place, read in self._readers if (token := read(request)) is not None]
        if not found:
            return None
        if len(found) > 1:
            # RFC 6750, section 2: no more than one method, were it twice the same token.
            raise TokenRefused(Reason.CREDENTIALS_REPEATED)
        if len(found[0].token) > self._limit:
            raise TokenRefused(Reason.TOKEN_TOO_LARGE)
        return found[0]


def without_token(header_value: bytes, place: Place) -> list[str]:
    """The subprotocols of a `Sec-WebSocket-Protocol` value without the token; the name before it stays."""
    items = _items(header_value)
    name = place.name.encode()
    kept = [item for before, item in zip([b"", *items], items, strict=False) if before != name and item]
    return [item.decode("latin-1") for item in kept]


def _reader(place: Place, limit: int) -> Reader:
    if place.kind == "query":
        return _query_reader(place.name.encode(), limit)
    if place.kind == "cookie":
        return _cookie_reader(place.name.encode(), limit)
    if place.kind == "subprotocol":
        return _subprotocol_reader(place.name.encode(), limit)
    return _header_reader(place.name.lower().encode(), _header_grammar(place, limit))


def _header_reader(name: bytes, credential: Callable[[bytes], bytes | None]) -> Reader:
    def read(request: Request) -> bytes | None:
        value = request.header(name)
        return credential(value) if value and value.strip(_BLANK) else None

    return read


def _header_grammar(place: Place, limit: int) -> Callable[[bytes], bytes | None]:
    """What a header's value, all lines joined by commas, holds for this place: a credential or None."""
    if place.scheme is None:
        return lambda value: _whole(value, limit)
    scheme = place.scheme.lower().encode()
    bare_too = place.scheme_optional
    follows = re.compile(rb",[ \t\r\n]*" + re.escape(scheme) + rb"(?=[ \t\r\n,]|\Z)", re.IGNORECASE).search

    def credential(value: bytes) -> bytes | None:
        rest = _behind(scheme, value)
        if (rest is None or len(rest) <= limit) and _COMMA in value and follows(value):
            raise TokenRefused(Reason.CREDENTIALS_REPEATED)
        if rest is not None:
            # RFC 6750, section 2.1: exactly one space, here.
            return _whole(rest[1:] if rest.startswith(b" ") else b"", limit)
        return _whole(value, limit) if bare_too and b" " not in value else None

    return credential


def _behind(scheme: bytes, value: bytes) -> bytes | None:
    """What follows `scheme` in `value`, None where another scheme stands there (RFC 9110, section 11.1)."""
    length = len(scheme)
    if value[:length].lower() != scheme or value[length : length + 1] in _TCHARS:
        return None
    return value[length:]


def _query_reader(name: bytes, limit: int) -> Reader:
    def read(request: Request) -> bytes | None:
        if not request.query_string:
            return None
        values = [_value(member) for member in request.query_string.split(b"&") if is_member(member, name)]
        if len(values) > 1:
            raise TokenRefused(Reason.CREDENTIALS_REPEATED)
        return _whole(_unquote(values[0]), limit) if values else None

    return read


def is_member(member: bytes, name: bytes) -> bool:
    """Whether this part of a query is called `name` once decoded."""
    return _unquote(member.partition(b"=")[0]) == name


def _value(pair: bytes) -> bytes:
    return pair.partition(b"=")[2]


def _unquote(text: bytes) -> bytes:
    """A query's name or value, decoded once, as frameworks do it."""
    return unquote_to_bytes(text.replace(b"+", b" ")) if b"%" in text or b"+" in text else text


def _cookie_reader(name: bytes, limit: int) -> Reader:
    def read(request: Request) -> bytes | None:
        cookies = (request.header(b"cookie") or b"").split(b";")
        # An empty cookie is an absent one.
        values = [value for each in cookies if is_cookie(each, name) and (value := _value(each).strip(_BLANK))]
        if len(values) > 1:
            raise TokenRefused(Reason.CREDENTIALS_REPEATED)
        return _whole(values[0], limit) if values else None

    return read


def is_cookie(cookie: bytes, name: bytes) -> bool:
    """Whether this part of a `Cookie` header is the cookie of this name (RFC 6265, section 4.2.1)."""
    before, equals, _ = cookie.partition(b"=")
    return equals == b"=" and before.strip(_BLANK) == name


def _subprotocol_reader(name: bytes, limit: int) -> Reader:
    def read(request: Request) -> bytes | None:
        value = request.header(b"sec-websocket-protocol") if request.websocket else None
        items = _items(value or b"")
        named = items.count(name)
        if named > 1:
            raise TokenRefused(Reason.CREDENTIALS_REPEATED)
        return _whole(b"".join(items[items.index(name) + 1 :][:1]), limit) if named else None

    return read


def _items(value: bytes) -> list[bytes]:
    return [item.strip(_BLANK) for item in value.split(b",")]


def _whole(text: bytes, limit: int) -> bytes:
    """`text` if it is one b64token. One that is too large is not read, and refused when all places were looked at."""
    if len(text) <= limit and not is_b64token(text):
        raise TokenRefused(Reason.CREDENTIALS_MALFORMED)
    return text
