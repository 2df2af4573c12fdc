"""What a refusal looks like, in every format: RFC 9457, RFC 6750, and the bodies of APISIX and EdgeX."""

from __future__ import annotations

import json

from jwtmw.decision import Reason
from tests.conformance.schema import (
    BAD_METHOD,
    BAD_PATH,
    FORBIDDEN,
    MALFORMED,
    MISSING,
    Case,
    Expect,
    bearer,
    get,
    insufficient,
    line,
    passes,
    refused,
)
from tests.conformance.tokens import ALICE, EXPIRED, FOREIGN, GOOD

STALE = refused(Reason.EXPIRED)
SCOPE = insufficient(Reason.SCOPE_MISSING, b"stock:read")
# One request for each outcome that needs no outage.
OUTCOMES = {
    "missing": (get(), MISSING),
    "malformed": (get(line(b"Bearer")), MALFORMED),
    "path": (get(target=b"/x//y"), BAD_PATH),
    "method": (get(method="FOO"), BAD_METHOD),
    "expired": (get(bearer(EXPIRED)), STALE),
    "signature": (get(bearer(FOREIGN)), refused(Reason.SIGNATURE_INVALID)),
    "scope": (get(bearer(GOOD), target=b"/scopes/one"), SCOPE),
    "denied": (get(target=b"/closed/7"), FORBIDDEN),
    "missing-on-head": (get(method="HEAD"), MISSING),
    "expired-on-head": (get(bearer(EXPIRED), method="HEAD"), STALE),
    "scope-on-head": (get(bearer(GOOD), target=b"/scopes/one", method="HEAD"), SCOPE),
    "denied-on-head": (get(target=b"/closed/7", method="HEAD"), FORBIDDEN),
    "path-on-head": (get(target=b"/x//y", method="HEAD"), BAD_PATH),
    "missing-on-post": (get(method="POST", body=b"x" * 9000), MISSING),
    "expired-on-delete": (get(bearer(EXPIRED), method="DELETE"), STALE),
}
APISIX = {
    "missing": "Missing JWT token in request",
    "expired": "failed to verify jwt",
    "signature": "failed to verify jwt",
}


def shown(name: str, expect: Expect, style: str) -> Expect:
    """The same outcome in another format; the texts that are fixed by other products are compared exactly."""
    if style == "empty":
        return expect.but(body=b"", content_type=b"")
    if style == "on-deny":
        body = b"" if name.endswith("-head") else b"no: %d" % expect.status
        return expect.but(body=body, content_type=b"text/plain; charset=utf-8")
    if style == "message" and name in APISIX:
        body = json.dumps({"message": APISIX[name]}, separators=(",", ":")).encode()
        return expect.but(body=body, content_type=b"application/json")
    plain = style in ("problem", "expose-reason", "on-deny-raises")
    return expect.but(content_type=b"application/problem+json" if plain else b"application/json")


STYLES = ("problem", "message", "edgex", "empty", "expose-reason", "on-deny", "on-deny-raises")
CASES = [
    *(
        Case(f"{style}-{name}", request, shown(name, expect, style), style)
        for style in STYLES
        for name, (request, expect) in OUTCOMES.items()
    ),
    *(Case(f"{style}-passes", get(bearer(GOOD)), passes(ALICE), style) for style in STYLES),
    Case("accept-does-not-choose", get(line(b"text/html", b"accept")), MISSING, "problem"),
    Case("accept-language-does-not-choose", get(line(b"de", b"accept-language")), MISSING, "problem"),
    Case(
        "if-modified-since-does-not-choose", get(line(b"Sun, 22 Nov 2026 00:00:00 GMT", b"if-modified-since")), MISSING
    ),
]
