"""Methods, exact case, and CORS preflights: RFC 9110 section 9, Fetch section 4.8."""

from __future__ import annotations

from jwtmw.decision import Reason
from tests.conformance.schema import (
    ANONYMOUS,
    BAD_METHOD,
    BAD_PATH,
    FORBIDDEN,
    MISSING,
    Case,
    Header,
    bearer,
    get,
    insufficient,
    line,
    passes,
    refused,
)
from tests.conformance.tokens import ALICE, EXPIRED, GOOD, token

AS_ALICE, OPEN = passes(ALICE), passes(ANONYMOUS)
WRITE = insufficient(Reason.SCOPE_MISSING, b"stock:write")
KNOWN = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY")
UNKNOWN = (
    "get", "Get", "GeT", "post", "FOO", "CONNECT", "PRI", "PURGE", "REPORT", "PROPFIND", "LINK", "HEADER", "GETT", "GE",
    "OPTION", "X" * 300, "G-E-T", "0", "DEBUG", "SEARCH",
)  # fmt: skip
PREFLIGHT: tuple[Header, ...] = (
    line(b"https://shop.example", b"origin"),
    line(b"PUT", b"access-control-request-method"),
)
WITH_HEADERS = (*PREFLIGHT, line(b"authorization", b"access-control-request-headers"))


def case(name: str, method: str, target: str, expect: object, *headers: Header, policy: str = "methods") -> Case:
    return Case(name, get(*headers, method=method, target=target.encode()), expect, policy)  # type: ignore[arg-type]


CASES = [
    *(Case(f"known-{method.lower()}-good", get(bearer(GOOD), method=method), AS_ALICE) for method in KNOWN),
    *(Case(f"known-{method.lower()}-missing", get(method=method), MISSING) for method in KNOWN),
    *(
        Case(f"known-{method.lower()}-bad", get(bearer(EXPIRED), method=method), refused(Reason.EXPIRED))
        for method in KNOWN
    ),
    *(Case(f"unknown-{i}-{method[:9]}", get(method=method), BAD_METHOD) for i, method in enumerate(UNKNOWN)),
    *(
        Case(f"unknown-with-token-{i}-{method[:9]}", get(bearer(GOOD), method=method), BAD_METHOD)
        for i, method in enumerate(UNKNOWN)
    ),
    *(
        Case(f"unknown-where-all-is-open-{i}", get(method=method), BAD_METHOD, "everything-open")
        for i, method in enumerate(UNKNOWN)
    ),
    Case("unknown-of-10-kb", get(bearer(GOOD), method="M" * 10_000), BAD_METHOD),
    Case("unknown-empty", get(bearer(GOOD), method=""), BAD_METHOD),
    Case("unknown-with-blank", get(bearer(GOOD), method="GET "), BAD_METHOD),
    Case("unknown-with-line-feed", get(bearer(GOOD), method="GET\n"), BAD_METHOD),
    Case("unknown-full-width", get(bearer(GOOD), method="ＧＥＴ"), BAD_METHOD),
    Case("ambiguous-path-and-unknown-method", get(method="FOO", target=b"/x//y"), BAD_PATH),
    Case("unknown-under-default-public", get(method="FOO"), BAD_METHOD, "default-public"),
    Case("unknown-under-default-deny", get(method="FOO"), BAD_METHOD, "default-deny"),
    case("rule-names-purge-missing", "PURGE", "/purge", MISSING),
    case("rule-names-purge-good", "PURGE", "/purge", AS_ALICE, bearer(GOOD)),
    case("rule-names-purge-elsewhere", "PURGE", "/orders/7", MISSING),
    case("rule-names-purge-not-purge-in-lower-case", "purge", "/purge", BAD_METHOD),
    case("rule-names-report-open", "REPORT", "/report", OPEN),
    case("rule-names-report-not-propfind", "PROPFIND", "/report", BAD_METHOD),
    case("get-open-get", "GET", "/get-open", OPEN),
    case("get-open-head", "HEAD", "/get-open", OPEN),
    case("get-open-get-with-bad-token", "GET", "/get-open", OPEN, bearer(EXPIRED)),
    *(
        case(f"get-open-{method.lower()}", method, "/get-open", MISSING)
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY")
    ),
    case("get-open-post-with-override", "POST", "/get-open", MISSING, line(b"GET", b"x-http-method-override")),
    case("head-own-get", "GET", "/head-own", OPEN),
    case("head-own-head", "HEAD", "/head-own", FORBIDDEN),
    case("head-open-head", "HEAD", "/head-open", OPEN),
    case("head-open-get", "GET", "/head-open", MISSING),
    case("post-open-post", "POST", "/post-open", OPEN),
    case("post-open-get", "GET", "/post-open", MISSING),
    case("options-open", "OPTIONS", "/options-open", OPEN),
    case("options-open-get", "GET", "/options-open", MISSING),
    case("both-get", "GET", "/both", OPEN),
    case("both-delete", "DELETE", "/both", OPEN),
    case("both-post-missing", "POST", "/both", MISSING),
    case("both-post-without-scope", "POST", "/both", WRITE, bearer(GOOD)),
    case("both-put-without-scope", "PUT", "/both", WRITE, bearer(GOOD)),
    case("both-post-with-scope", "POST", "/both", AS_ALICE, bearer(token(scope="stock:write"))),
    # Preflights: OPTIONS, Origin and Access-Control-Request-Method, all present.
    case("preflight", "OPTIONS", "/orders/7", OPEN, *PREFLIGHT),
    case("preflight-with-headers", "OPTIONS", "/orders/7", OPEN, *WITH_HEADERS),
    case("preflight-with-expired-token", "OPTIONS", "/orders/7", OPEN, *PREFLIGHT, bearer(EXPIRED)),
    case("preflight-with-two-tokens", "OPTIONS", "/orders/7", OPEN, *PREFLIGHT, bearer(GOOD), bearer(GOOD)),
    case("preflight-with-good-token", "OPTIONS", "/orders/7", OPEN, *PREFLIGHT, bearer(GOOD)),
    case("preflight-of-null-origin", "OPTIONS", "/orders/7", OPEN, line(b"null", b"origin"), PREFLIGHT[1]),
    case("preflight-on-a-scoped-route", "OPTIONS", "/both", OPEN, *PREFLIGHT),
    case("preflight-without-origin", "OPTIONS", "/orders/7", MISSING, PREFLIGHT[1]),
    case("preflight-without-method", "OPTIONS", "/orders/7", MISSING, PREFLIGHT[0]),
    case("preflight-with-neither", "OPTIONS", "/orders/7", MISSING),
    case("preflight-with-neither-but-a-token", "OPTIONS", "/orders/7", AS_ALICE, bearer(GOOD)),
    case("preflight-lower-case-options", "options", "/orders/7", BAD_METHOD, *PREFLIGHT),
    case("preflight-on-get", "GET", "/orders/7", MISSING, *PREFLIGHT),
    case("preflight-on-post", "POST", "/orders/7", MISSING, *PREFLIGHT),
    case("preflight-on-head", "HEAD", "/orders/7", MISSING, *PREFLIGHT),
    case(
        "preflight-by-override", "POST", "/orders/7", MISSING, *PREFLIGHT, line(b"OPTIONS", b"x-http-method-override")
    ),
    case("preflight-ambiguous-path", "OPTIONS", "/public/../admin", BAD_PATH, *PREFLIGHT),
    case(
        "preflight-without-origin-with-bad-token",
        "OPTIONS",
        "/orders/7",
        refused(Reason.EXPIRED),
        PREFLIGHT[1],
        bearer(EXPIRED),
    ),
    case("preflight-switched-off", "OPTIONS", "/orders/7", MISSING, *PREFLIGHT, policy="no-preflight"),
    case(
        "preflight-switched-off-good", "OPTIONS", "/orders/7", AS_ALICE, *PREFLIGHT, bearer(GOOD), policy="no-preflight"
    ),
    case(
        "preflight-switched-off-bad",
        "OPTIONS",
        "/orders/7",
        refused(Reason.EXPIRED),
        *PREFLIGHT,
        bearer(EXPIRED),
        policy="no-preflight",
    ),
    case("preflight-under-default-deny", "OPTIONS", "/orders/7", OPEN, *PREFLIGHT, policy="public-default-preflight"),
    case("options-under-default-deny", "OPTIONS", "/orders/7", FORBIDDEN, policy="public-default-preflight"),
    # A cross-origin request that is no preflight gets no special way.
    case("cross-origin-get", "GET", "/orders/7", MISSING, PREFLIGHT[0]),
    case("cross-origin-get-good", "GET", "/orders/7", AS_ALICE, PREFLIGHT[0], bearer(GOOD)),
    # Conditional and partial requests are judged first.
    case("if-none-match", "GET", "/orders/7", MISSING, line(b'"etag"', b"if-none-match")),
    case("range", "GET", "/orders/7", MISSING, line(b"bytes=0-1", b"range")),
    case("expect-continue", "POST", "/orders/7", MISSING, line(b"100-continue", b"expect")),
    case("accept-html", "GET", "/orders/7", MISSING, line(b"text/html", b"accept")),
]
