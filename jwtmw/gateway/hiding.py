"""Taking exactly one credential out of a request, and leaving every other byte where it was.

Owns: the removal from a header's lines, a query, a cookie line.
Must never know: what a credential says, whether it was good.
"""

from __future__ import annotations

from collections.abc import Iterable

from jwtmw.token.locate import Place, is_cookie, is_member

Headers = Iterable[tuple[bytes, bytes]]


def headers_without(headers: Headers, place: Place) -> list[tuple[bytes, bytes]]:
    """The header lines without the credential that sits in `place`; always a new list."""
    name = place.name.encode()
    if place.kind == "header":
        lower = name.lower()
        return [line for line in headers if line[0] != lower]
    if place.kind != "cookie":
        return [*headers]
    return [
        (header, kept)
        for header, value in headers
        if (kept := cookies_without(value, name) if header == b"cookie" else value) or header != b"cookie"
    ]


def query_without(query: bytes, name: bytes) -> bytes:
    """The query without the members that are called `name` once decoded."""
    return b"&".join(member for member in query.split(b"&") if not is_member(member, name))


def cookies_without(value: bytes, name: bytes) -> bytes:
    """The value of a `Cookie` header without the cookies of this name; b"" where none is left."""
    cookies = value.split(b";")
    kept = [cookie for cookie in cookies if not is_cookie(cookie, name)]
    if len(kept) == len(cookies):
        return value
    # A blank that stood before the removed cookie's follower begins no line.
    return b";".join(kept) if kept[:1] == cookies[:1] else b";".join(kept).lstrip(b" \t")
