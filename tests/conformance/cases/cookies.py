"""Tokens in cookies, and the proof that a page of ours sent them: RFC 6265 section 4.2, RFC 6454, Fetch metadata."""

from __future__ import annotations

from jwtmw.decision import Reason
from tests.conformance.schema import (
    ANONYMOUS,
    CSRF,
    MALFORMED,
    MISSING,
    REPEATED,
    Case,
    Expect,
    Header,
    bearer,
    get,
    line,
    passes,
    refused,
    reported,
)
from tests.conformance.tokens import ALICE, EXPIRED, FOREIGN, GOOD, PARTNERS, partner

AS_ALICE = passes(ALICE)
STALE = refused(Reason.EXPIRED)
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
SAFE = ("GET", "HEAD", "OPTIONS", "TRACE", "QUERY")


def cookie(*values: bytes) -> tuple[Header, ...]:
    return tuple(line(value, b"cookie") for value in values)


def origin(*values: bytes) -> tuple[Header, ...]:
    return tuple(line(value, b"origin") for value in values)


def site(value: bytes) -> Header:
    return line(value, b"sec-fetch-site")


JWT = b"jwt=" + GOOD
READ: dict[str, tuple[bytes, Expect]] = {
    "alone": (JWT, AS_ALICE),
    "first": (JWT + b"; theme=dark", AS_ALICE),
    "last": (b"theme=dark; jwt=" + GOOD, AS_ALICE),
    "between": (b"a=1; jwt=" + GOOD + b"; b=2", AS_ALICE),
    "without-blanks": (b"a=1;jwt=" + GOOD + b";b=2", AS_ALICE),
    "blanks-around": (b"a=1;  jwt = " + GOOD + b" ; b=2", AS_ALICE),
    "empty-parts": (b";; ;jwt=" + GOOD + b";", AS_ALICE),
    "others-that-resemble": (b"xjwt=1; jwtx=2; JWT=3; jwt=" + GOOD, AS_ALICE),
    "other-cookies-only": (b"theme=dark; session=abc", MISSING),
    "other-case": (b"JWT=" + GOOD, MISSING),
    "host-prefix": (b"__Host-jwt=" + GOOD, MISSING),
    "encoded-name": (b"%6awt=" + GOOD, MISSING),
    "empty": (b"jwt=", MISSING),
    "blank": (b"jwt= ", MISSING),
    "name-alone": (b"jwt", MISSING),
    "value-alone": (GOOD, MISSING),
    "no-cookie": (b"", MISSING),
    "empty-and-good": (b"jwt=; jwt=" + GOOD, AS_ALICE),
    "twice": (JWT + b"; " + JWT, REPEATED),
    "twice-different": (JWT + b"; jwt=" + EXPIRED, REPEATED),
    "twice-joined-by-comma": (JWT + b"," + JWT, MALFORMED),
    "quoted": (b'jwt="' + GOOD + b'"', MALFORMED),
    "encoded": (b"jwt=" + GOOD.replace(b".", b"%2E"), MALFORMED),
    "with-scheme": (b"jwt=Bearer " + GOOD, MALFORMED),
    "version": (b"$Version=1; jwt=" + GOOD + b"; $Path=/", AS_ALICE),
    "comma-before": (b"a=1,jwt=" + GOOD, MISSING),
    "expired": (b"jwt=" + EXPIRED, STALE),
    "foreign": (b"jwt=" + FOREIGN, refused(Reason.SIGNATURE_INVALID)),
    "latin-1": (JWT + b"\xe9", MALFORMED),
}
PROOFS: dict[str, tuple[tuple[Header, ...], Expect]] = {
    "none": ((), CSRF),
    "origin": (origin(b"https://shop.example"), AS_ALICE),
    "second-origin": (origin(b"http://127.0.0.1:8000"), AS_ALICE),
    "foreign-origin": (origin(b"https://evil.example"), CSRF),
    "null": (origin(b"null"), CSRF),
    "empty-origin": (origin(b""), CSRF),
    "other-scheme": (origin(b"http://shop.example"), CSRF),
    "other-port": (origin(b"https://shop.example:8443"), CSRF),
    "default-port": (origin(b"https://shop.example:443"), CSRF),
    "other-case": (origin(b"https://Shop.example"), CSRF),
    "trailing-slash": (origin(b"https://shop.example/"), CSRF),
    "longer-host": (origin(b"https://shop.example.evil.example"), CSRF),
    "subdomain": (origin(b"https://a.shop.example"), CSRF),
    "user": (origin(b"https://shop.example@evil.example"), CSRF),
    "two-in-one": (origin(b"https://shop.example https://evil.example"), CSRF),
    "two-lines": (origin(b"https://shop.example", b"https://evil.example"), CSRF),
    "same-twice": (origin(b"https://shop.example", b"https://shop.example"), CSRF),
    "same-origin": ((site(b"same-origin"),), AS_ALICE),
    "same-origin-of-another-name": ((*origin(b"https://orders.example"), site(b"same-origin")), AS_ALICE),
    "same-site": ((site(b"same-site"),), CSRF),
    "cross-site": ((site(b"cross-site"),), CSRF),
    "by-hand": ((site(b"none"),), CSRF),
    "same-origin-twice": ((site(b"same-origin"), site(b"same-origin")), CSRF),
    "same-origin-upper-case": ((site(b"Same-Origin"),), CSRF),
    "cross-site-from-our-origin": ((*origin(b"https://shop.example"), site(b"cross-site")), AS_ALICE),
    "referer": ((line(b"https://shop.example/cart", b"referer"),), CSRF),
    "ajax": ((line(b"XMLHttpRequest", b"x-requested-with"),), CSRF),
    "host": ((line(b"shop.example", b"x-forwarded-host"),), CSRF),
}

CASES = [
    *(Case(f"cookie-{name}", get(*cookie(value)), expect, "cookie") for name, (value, expect) in READ.items()),
    *(
        Case(f"cookie-proof-{name}", get(*cookie(JWT), *headers, method="POST", body=b"x"), expect, "cookie")
        for name, (headers, expect) in PROOFS.items()
    ),
    *(
        Case(f"cookie-handshake-{name}", get(*cookie(JWT), *headers, websocket=True), expect, "cookie")
        for name, (headers, expect) in PROOFS.items()
    ),
    *(
        # A handshake to whoever takes it for one, as applications behind WSGI do.
        Case(
            f"cookie-upgrade-{len(upgrade)}-{name}",
            get(*cookie(JWT), *headers, line(upgrade, b"upgrade")),
            expect,
            "cookie",
        )
        for upgrade in (b"websocket", b"h2c, WebSocket")
        for name, (headers, expect) in PROOFS.items()
        if name in ("none", "origin", "foreign-origin", "same-origin", "cross-site")
    ),
    Case("cookie-upgrade-to-something-else", get(*cookie(JWT), line(b"h2c", b"upgrade")), AS_ALICE, "cookie"),
    *(Case(f"cookie-unsafe-{method}", get(*cookie(JWT), method=method), CSRF, "cookie-only") for method in UNSAFE),
    *(Case(f"cookie-safe-{method}", get(*cookie(JWT), method=method), AS_ALICE, "cookie-only") for method in SAFE),
    *(
        Case(
            f"cookie-safe-foreign-{method}",
            get(*cookie(JWT), *origin(b"https://evil.example"), method=method),
            AS_ALICE,
            "cookie-only",
        )
        for method in SAFE
    ),
    Case("cookie-header-needs-no-proof", get(bearer(GOOD), method="POST"), AS_ALICE, "cookie"),
    Case("cookie-header-beside-other-cookie", get(bearer(GOOD), *cookie(b"a=1"), method="POST"), AS_ALICE, "cookie"),
    Case("cookie-and-header", get(bearer(GOOD), *cookie(JWT)), REPEATED, "cookie"),
    Case("cookie-and-bad-header", get(bearer(EXPIRED), *cookie(JWT)), REPEATED, "cookie"),
    Case("cookie-bad-and-header", get(bearer(GOOD), *cookie(b"jwt=x")), REPEATED, "cookie"),
    Case("cookie-and-other-scheme", get(line(b"Basic YWJj"), *cookie(JWT)), AS_ALICE, "cookie"),
    Case("cookie-missing-needs-no-proof", get(method="POST"), MISSING, "cookie"),
    Case("cookie-stale-without-proof", get(*cookie(b"jwt=" + EXPIRED), method="POST"), CSRF, "cookie"),
    Case("cookie-malformed-without-proof", get(*cookie(b'jwt="x"'), method="POST"), MALFORMED, "cookie"),
    Case("cookie-open", get(*cookie(JWT), method="POST", target=b"/open/7"), passes(ANONYMOUS), "cookie"),
    Case("cookie-optional-without-proof", get(*cookie(JWT), method="POST", target=b"/maybe"), CSRF, "cookie"),
    Case("cookie-optional-absent", get(method="POST", target=b"/maybe"), passes(ANONYMOUS), "cookie"),
    Case("cookie-two-names-first", get(*cookie(JWT)), AS_ALICE, "cookies"),
    Case("cookie-two-names-second", get(*cookie(b"session=" + GOOD)), AS_ALICE, "cookies"),
    Case("cookie-two-names-both", get(*cookie(JWT + b"; session=" + GOOD)), REPEATED, "cookies"),
    Case("cookie-of-its-issuer", get(*cookie(b"jwt=" + PARTNERS)), passes(), "cookie-of-one-issuer"),
    Case(
        "cookie-of-its-issuer-unproved", get(*cookie(b"jwt=" + PARTNERS), method="POST"), CSRF, "cookie-of-one-issuer"
    ),
    Case("cookie-of-another-issuer", get(*cookie(JWT)), refused(Reason.PLACE_REFUSED), "cookie-of-one-issuer"),
    Case("cookie-issuer-in-header", get(bearer(partner())), refused(Reason.PLACE_REFUSED), "cookie-of-one-issuer"),
    Case("cookie-reported", get(*cookie(JWT), method="POST"), reported(Reason.CSRF, ANONYMOUS), "cookie-reported"),
    Case("cookie-two-lines", get(*cookie(b"a=1", JWT)), MISSING, "cookie"),
    Case("cookie-two-lines-twice", get(*cookie(JWT, JWT)), MALFORMED, "cookie"),
    Case(
        "cookie-crumbs-of-http-2",
        get(*cookie(b"a=1", JWT, b"b=2"), scope={"http_version": "2"}),
        AS_ALICE,
        "cookie",
    ),
    Case("cookie-crumbs-twice", get(*cookie(JWT, JWT), scope={"http_version": "2"}), REPEATED, "cookie"),
    Case(
        "cookie-mark-public",
        get(*cookie(JWT), method="POST", target=b"/marked/public-posted"),
        passes(ANONYMOUS),
        "cookie-marks",
        app="routes",
    ),
    Case(
        "cookie-mark-requires",
        get(*cookie(JWT), method="POST", target=b"/marked/reads-posted"),
        CSRF,
        "cookie-marks",
        app="routes",
    ),
    Case("cookie-no-mark", get(*cookie(JWT), method="POST", target=b"/posted"), CSRF, "cookie-marks", app="routes"),
]
