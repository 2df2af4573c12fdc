"""Hidden credentials: exactly the used one is gone, and every other byte is where it was."""

from __future__ import annotations

from tests.conformance.schema import ANONYMOUS, MISSING, Case, Expect, bearer, get, line, passes
from tests.conformance.tokens import ALICE, EXPIRED, GOOD

BEARER = b"Bearer " + GOOD
JWT = b"jwt=" + GOOD


def shown(no_store: bool = False, query: bytes | None = None, **headers: bytes | None) -> Expect:
    return passes(ALICE, no_store=no_store, query=query, sees=headers)


GONE = shown(authorization=None)
# the cookie line as sent, and as the application finds it
COOKIES: dict[str, tuple[bytes, bytes | None]] = {
    "alone": (JWT, None),
    "first": (JWT + b"; a=1", b"a=1"),
    "last": (b"a=1; " + JWT, b"a=1"),
    "between": (b"a=1; " + JWT + b"; b=2", b"a=1; b=2"),
    "without-blanks": (b"a=1;" + JWT + b";b=2", b"a=1;b=2"),
    "odd-others": (b'a="x; y";; b ;' + JWT + b"; c=%zz=1", b'a="x; y";; b ; c=%zz=1'),
    "resembling": (b"xjwt=1; jwt2=" + GOOD + b"; " + JWT, b"xjwt=1; jwt2=" + GOOD),
    "same-token-elsewhere": (b"other=" + GOOD + b"; " + JWT, b"other=" + GOOD),
}
QUERIES: dict[str, tuple[bytes, bytes]] = {
    "alone": (JWT, b""),
    "first": (JWT + b"&a=1", b"a=1"),
    "last": (b"a=1&" + JWT, b"a=1"),
    "between": (b"a=1&" + JWT + b"&b=2", b"a=1&b=2"),
    "odd-others": (b"a=%7e&&b+c&=d&" + JWT + b"&e=%zz&a=2", b"a=%7e&&b+c&=d&e=%zz&a=2"),
    "encoded-name": (b"%6awt=" + GOOD + b"&a=1", b"a=1"),
    "resembling": (b"xjwt=1&jwtx=2&JWT=3&" + JWT, b"xjwt=1&jwtx=2&JWT=3"),
}

CASES = [
    Case(
        "hiding-header",
        get(bearer(GOOD), line(b"a=1", b"cookie"), target=b"/orders/7?a=1"),
        shown(authorization=None, cookie=b"a=1", query=b"a=1"),
        "hiding",
    ),
    Case("hiding-seen-before", get(bearer(GOOD)), GONE, "hiding"),
    Case("hiding-raw-header", get(line(GOOD, b"jwt")), shown(jwt=None), "hiding"),
    Case(
        "hiding-raw-header-keeps-another-scheme",
        get(line(GOOD, b"jwt"), line(b"Basic YWJj")),
        shown(jwt=None, authorization=b"Basic YWJj"),
        "hiding",
    ),
    Case(
        "hiding-resembling-header",
        get(bearer(GOOD), line(b"7", b"x-authorization")),
        passes(ALICE, sees={"authorization": None, "x-authorization": b"7"}),
        "hiding",
    ),
    *(
        Case(f"hiding-cookie-{name}", get(line(sent, b"cookie")), shown(cookie=kept), "hiding")
        for name, (sent, kept) in COOKIES.items()
    ),
    *(
        Case(f"hiding-query-{name}", get(target=b"/orders/7?" + sent), shown(no_store=True, query=kept), "hiding")
        for name, (sent, kept) in QUERIES.items()
    ),
    Case(
        "hiding-nothing-used-on-public",
        get(bearer(GOOD), target=b"/open/7?" + JWT),
        passes(ANONYMOUS, sees={"authorization": BEARER}, query=JWT),
        "hiding",
    ),
    Case(
        "hiding-nothing-absent",
        get(line(b"Basic YWJj"), target=b"/maybe"),
        passes(ANONYMOUS, sees={"authorization": b"Basic YWJj"}),
        "hiding",
    ),
    Case(
        "hiding-non-secure",
        get(bearer(EXPIRED)),
        passes(ANONYMOUS, sees={"authorization": b"Bearer " + EXPIRED}),
        "hiding-non-secure",
    ),
    Case("hiding-refused", get(), MISSING, "hiding"),
    Case(
        "hiding-and-identity",
        get(bearer(GOOD), line(b"admin", b"x-consumer-username")),
        passes(ALICE, sees={"authorization": None, "x-consumer-username": ALICE.encode()}),
        "hiding-identity",
    ),
    Case("hiding-in-a-handshake", get(bearer(GOOD), websocket=True), GONE, "hiding"),
    Case("hiding-off-header", get(bearer(GOOD)), shown(authorization=BEARER), "not-hiding"),
    Case("hiding-off-cookie", get(line(JWT, b"cookie")), shown(cookie=JWT), "not-hiding"),
    Case("hiding-off-query", get(target=b"/orders/7?" + JWT), shown(no_store=True, query=JWT), "not-hiding"),
    Case(
        "hiding-crumbs-of-http-2",
        get(line(b"a=1", b"cookie"), line(JWT, b"cookie"), scope={"http_version": "2"}),
        shown(cookie=b"a=1"),
        "hiding",
    ),
]
