"""`@public`, `@optional` and `@requires`, and how they meet the operator's rules."""

from __future__ import annotations

from typing import Any

from jwtmw.decision import Reason
from tests.conformance.schema import (
    ANONYMOUS,
    BAD_PATH,
    BAD_REQUEST,
    FORBIDDEN,
    MALFORMED,
    MISSING,
    Case,
    Earlier,
    Expect,
    bearer,
    get,
    insufficient,
    line,
    passes,
    refused,
    reported,
)
from tests.conformance.tokens import ALICE, EXPIRED, FOREIGN, GARBAGE, GOOD, PARTNERS, partner, token

AS_ALICE, OPEN, PASSES = passes(ALICE), passes(ANONYMOUS), passes()
STALE = refused(Reason.EXPIRED)
ROUTE_ISSUER, ROUTE_AUDIENCE = refused(Reason.ROUTE_ISSUER), refused(Reason.ROUTE_AUDIENCE)
FORMAT = refused(Reason.TOKEN_FORMAT)
SCOPE, ROLE, CLAIM = Reason.SCOPE_MISSING, Reason.ROLE_MISSING, Reason.CLAIM_MISMATCH
READS = insufficient(SCOPE, b"stock:read")
READER, WRITER = token(scope="stock:read"), token(scope="stock:write")
BOTH = token(scope="stock:read stock:write")
DOWN = refused(Reason.KEYS_UNAVAILABLE).but(retry_after=b"30")


def case(name: str, path: str, made: bytes | None, expect: Expect, policy: str = "marks", **more: Any) -> Case:
    headers = () if made is None else (bearer(made),)
    fresh = policy == "marks-down"
    request = get(*headers, target=path.encode(), **more)
    return Case(f"{policy}-{name}", request, expect, policy, app="routes", fresh=fresh)


TABLE: list[tuple[str, str, bytes | None, Expect]] = [
    ("unmarked-missing", "/plain", None, MISSING),
    ("unmarked-good", "/plain", GOOD, AS_ALICE),
    ("unmarked-expired", "/plain", EXPIRED, STALE),
    ("unmarked-sync-missing", "/plain-sync", None, MISSING),
    ("unmarked-sync-good", "/plain-sync", GOOD, AS_ALICE),
    ("public-missing", "/marked/public", None, OPEN),
    ("public-good", "/marked/public", GOOD, OPEN),
    ("public-expired", "/marked/public", EXPIRED, OPEN),
    ("public-garbage", "/marked/public", GARBAGE, OPEN),
    ("public-foreign", "/marked/public", FOREIGN, OPEN),
    ("public-sync-missing", "/marked/public-sync", None, OPEN),
    ("public-sync-garbage", "/marked/public-sync", GARBAGE, OPEN),
    ("public-parameter", "/marked/item/7", None, OPEN),
    ("public-parameter-deeper", "/marked/item/7/8", None, MISSING),
    ("public-case", "/marked/Public", None, MISSING),
    ("public-encoded", "/marked/%70ublic", None, OPEN),
    ("optional-missing", "/marked/optional", None, OPEN),
    ("optional-good", "/marked/optional", GOOD, AS_ALICE),
    ("optional-expired", "/marked/optional", EXPIRED, STALE),
    ("optional-garbage", "/marked/optional", GARBAGE, refused(Reason.TOKEN_FORMAT)),
    ("token-missing", "/marked/token", None, MISSING),
    ("token-good", "/marked/token", GOOD, AS_ALICE),
    ("token-foreign", "/marked/token", FOREIGN, refused(Reason.SIGNATURE_INVALID)),
    ("reads-missing", "/marked/reads", None, MISSING),
    ("reads-expired", "/marked/reads", EXPIRED, STALE),
    ("reads-without-scope", "/marked/reads", GOOD, READS),
    ("reads-other-scope", "/marked/reads", WRITER, READS),
    ("reads-with-scope", "/marked/reads", READER, AS_ALICE),
    ("reads-sync-missing", "/marked/reads-sync", None, MISSING),
    ("reads-sync-without-scope", "/marked/reads-sync", GOOD, READS),
    ("reads-sync-with-scope", "/marked/reads-sync", READER, AS_ALICE),
    ("two-scopes-one", "/marked/two-scopes", READER, insufficient(SCOPE, b"stock:read stock:write")),
    ("two-scopes-both", "/marked/two-scopes", BOTH, AS_ALICE),
    ("stacked-both", "/marked/stacked", BOTH, AS_ALICE),
    ("any-scope-none", "/marked/any-scope", WRITER, insufficient(SCOPE, b"stock:read stock:admin")),
    ("any-scope-one", "/marked/any-scope", READER, AS_ALICE),
    ("roles-none", "/marked/roles", token(roles=["clerk"]), insufficient(ROLE)),
    ("roles-both", "/marked/roles", token(roles=["clerk", "auditor"]), AS_ALICE),
    ("any-role-none", "/marked/any-role", GOOD, insufficient(ROLE)),
    ("any-role-one", "/marked/any-role", token(roles=["auditor"]), AS_ALICE),
    ("claims-other", "/marked/claims", token(client_id="robot"), insufficient(CLAIM)),
    ("claims-one", "/marked/claims", token(client_id="kiosk"), AS_ALICE),
    ("issuers-other", "/marked/issuers", GOOD, ROUTE_ISSUER),
    ("issuers-right", "/marked/issuers", PARTNERS, AS_ALICE),
    ("audience-other", "/marked/audience", GOOD, ROUTE_AUDIENCE),
    ("audience-right", "/marked/audience", token(aud="back-office"), AS_ALICE),
    ("optional-reads-missing", "/marked/optional-reads", None, OPEN),
    ("optional-reads-expired", "/marked/optional-reads", EXPIRED, STALE),
    ("optional-reads-without-scope", "/marked/optional-reads", GOOD, READS),
    ("optional-reads-with-scope", "/marked/optional-reads", READER, AS_ALICE),
    ("reads-optional-missing", "/marked/reads-optional", None, OPEN),
    ("reads-optional-without-scope", "/marked/reads-optional", GOOD, READS),
    ("class-get-missing", "/class/reads", None, MISSING),
    ("class-get-without-scope", "/class/reads", GOOD, READS),
    ("class-get-with-scope", "/class/reads", READER, AS_ALICE),
    ("class-public-get", "/class/public", None, OPEN),
    ("class-plain-get-missing", "/class/plain", None, MISSING),
    ("class-plain-get-good", "/class/plain", GOOD, AS_ALICE),
    ("nested-plain-missing", "/nested/plain", None, MISSING),
    ("nested-plain-good", "/nested/plain", GOOD, AS_ALICE),
    ("nested-public", "/nested/public", None, OPEN),
    ("nested-public-garbage", "/nested/public", GARBAGE, OPEN),
    ("nested-reads-without-scope", "/nested/reads", GOOD, READS),
    ("nested-reads-with-scope", "/nested/reads", READER, AS_ALICE),
    ("nested-nowhere-missing", "/nested/nowhere", None, MISSING),
    ("nested-nowhere-good", "/nested/nowhere", GOOD, PASSES),
    # 404, 405 and redirects are nobody's to see without a token, beside a marked endpoint too.
    ("nowhere-missing", "/nowhere", None, MISSING),
    ("nowhere-expired", "/nowhere", EXPIRED, STALE),
    ("nowhere-good", "/nowhere", GOOD, PASSES),
    ("nowhere-below-marked", "/marked/public/x", None, MISSING),
    ("redirect-missing", "/plain/", None, MISSING),
    ("redirect-good", "/plain/", GOOD, PASSES),
    ("redirect-to-public-missing", "/marked/public/", None, MISSING),
    # An explicit rule holds whatever the endpoint says; the endpoint may only tighten it.
    ("rule-token-mark-public-missing", "/ruled/token/marked-public", None, MISSING),
    ("rule-token-mark-public-expired", "/ruled/token/marked-public", EXPIRED, STALE),
    ("rule-token-mark-public-good", "/ruled/token/marked-public", GOOD, AS_ALICE),
    ("rule-token-mark-optional-missing", "/ruled/token/marked-optional", None, MISSING),
    ("rule-token-mark-optional-good", "/ruled/token/marked-optional", GOOD, AS_ALICE),
    ("rule-token-mark-reads-missing", "/ruled/token/marked-reads", None, MISSING),
    ("rule-token-mark-reads-without-scope", "/ruled/token/marked-reads", GOOD, READS),
    ("rule-token-mark-reads-with-scope", "/ruled/token/marked-reads", READER, AS_ALICE),
    ("rule-writes-mark-reads-both", "/ruled/writes/marked-reads", BOTH, AS_ALICE),
    (
        "rule-writes-mark-reads-only-marks",
        "/ruled/writes/marked-reads",
        READER,
        insufficient(SCOPE, b"stock:write stock:read"),
    ),
    (
        "rule-writes-mark-reads-only-rules",
        "/ruled/writes/marked-reads",
        WRITER,
        insufficient(SCOPE, b"stock:write stock:read"),
    ),
    (
        "rule-writes-mark-reads-neither",
        "/ruled/writes/marked-reads",
        GOOD,
        insufficient(SCOPE, b"stock:write stock:read"),
    ),
    ("rule-open-mark-reads-missing", "/ruled/open/marked-reads", None, MISSING),
    ("rule-open-mark-reads-expired", "/ruled/open/marked-reads", EXPIRED, STALE),
    ("rule-open-mark-reads-without-scope", "/ruled/open/marked-reads", GOOD, READS),
    ("rule-open-mark-reads-with-scope", "/ruled/open/marked-reads", READER, AS_ALICE),
    ("rule-optional-mark-reads-missing", "/ruled/optional/marked-reads", None, MISSING),
    ("rule-optional-mark-reads-expired", "/ruled/optional/marked-reads", EXPIRED, STALE),
    ("rule-optional-mark-reads-without-scope", "/ruled/optional/marked-reads", GOOD, READS),
    ("rule-optional-mark-reads-with-scope", "/ruled/optional/marked-reads", READER, AS_ALICE),
    ("rule-deny-mark-public-missing", "/ruled/closed/marked-public", None, FORBIDDEN),
    ("rule-deny-mark-public-good", "/ruled/closed/marked-public", GOOD, FORBIDDEN),
    ("rule-deny-mark-reads-with-scope", "/ruled/closed/marked-reads", READER, FORBIDDEN),
    ("rule-open-mark-optional-reads-missing", "/ruled/open/marked-optional-reads", None, OPEN),
    ("rule-open-mark-optional-reads-expired", "/ruled/open/marked-optional-reads", EXPIRED, STALE),
    ("rule-open-mark-optional-reads-without-scope", "/ruled/open/marked-optional-reads", GOOD, READS),
    ("rule-open-mark-optional-reads-with-scope", "/ruled/open/marked-optional-reads", READER, AS_ALICE),
]
# name, path, token, outcomes under: default deny, default public, no keys, non-secure, report-only
WORLDS: list[tuple[str, str, bytes | None, Expect, Expect, Expect, Expect, Expect]] = [
    ("unmarked-missing", "/plain", None, FORBIDDEN, OPEN, MISSING, OPEN, reported(Reason.TOKEN_MISSING, ANONYMOUS)),
    ("unmarked-good", "/plain", GOOD, FORBIDDEN, OPEN, DOWN, OPEN, AS_ALICE),
    ("unmarked-expired", "/plain", EXPIRED, FORBIDDEN, OPEN, STALE, OPEN, reported(Reason.EXPIRED, ANONYMOUS)),
    ("public-missing", "/marked/public", None, OPEN, OPEN, OPEN, OPEN, OPEN),
    ("public-good", "/marked/public", GOOD, OPEN, OPEN, OPEN, OPEN, OPEN),
    ("public-garbage", "/marked/public", GARBAGE, OPEN, OPEN, OPEN, OPEN, OPEN),
    ("public-sync-missing", "/marked/public-sync", None, OPEN, OPEN, OPEN, OPEN, OPEN),
    ("optional-missing", "/marked/optional", None, OPEN, OPEN, OPEN, OPEN, OPEN),
    ("optional-good", "/marked/optional", GOOD, AS_ALICE, AS_ALICE, DOWN, OPEN, AS_ALICE),
    ("optional-expired", "/marked/optional", EXPIRED, STALE, STALE, STALE, OPEN, reported(Reason.EXPIRED, ANONYMOUS)),
    (
        "token-missing",
        "/marked/token",
        None,
        MISSING,
        MISSING,
        MISSING,
        OPEN,
        reported(Reason.TOKEN_MISSING, ANONYMOUS),
    ),
    ("token-good", "/marked/token", GOOD, AS_ALICE, AS_ALICE, DOWN, OPEN, AS_ALICE),
    (
        "reads-missing",
        "/marked/reads",
        None,
        MISSING,
        MISSING,
        MISSING,
        OPEN,
        reported(Reason.TOKEN_MISSING, ANONYMOUS),
    ),
    ("reads-garbage", "/marked/reads", GARBAGE, FORMAT, FORMAT, FORMAT, OPEN, reported(Reason.TOKEN_FORMAT, ANONYMOUS)),
    ("reads-without-scope", "/marked/reads", GOOD, READS, READS, DOWN, OPEN, reported(Reason.SCOPE_MISSING, ALICE)),
    ("reads-with-scope", "/marked/reads", READER, AS_ALICE, AS_ALICE, DOWN, OPEN, AS_ALICE),
    (
        "reads-sync-missing",
        "/marked/reads-sync",
        None,
        MISSING,
        MISSING,
        MISSING,
        OPEN,
        reported(Reason.TOKEN_MISSING, ANONYMOUS),
    ),
    ("optional-reads-missing", "/marked/optional-reads", None, OPEN, OPEN, OPEN, OPEN, OPEN),
    (
        "optional-reads-without-scope",
        "/marked/optional-reads",
        GOOD,
        READS,
        READS,
        DOWN,
        OPEN,
        reported(Reason.SCOPE_MISSING, ALICE),
    ),
    (
        "class-reads-missing",
        "/class/reads",
        None,
        MISSING,
        MISSING,
        MISSING,
        OPEN,
        reported(Reason.TOKEN_MISSING, ANONYMOUS),
    ),
    ("class-public-missing", "/class/public", None, OPEN, OPEN, OPEN, OPEN, OPEN),
    (
        "nested-plain-missing",
        "/nested/plain",
        None,
        FORBIDDEN,
        OPEN,
        MISSING,
        OPEN,
        reported(Reason.TOKEN_MISSING, ANONYMOUS),
    ),
    ("nested-public-missing", "/nested/public", None, OPEN, OPEN, OPEN, OPEN, OPEN),
    (
        "nested-reads-missing",
        "/nested/reads",
        None,
        MISSING,
        MISSING,
        MISSING,
        OPEN,
        reported(Reason.TOKEN_MISSING, ANONYMOUS),
    ),
    ("nowhere-missing", "/nowhere", None, FORBIDDEN, PASSES, MISSING, PASSES, reported(Reason.TOKEN_MISSING)),
    ("nowhere-good", "/nowhere", GOOD, FORBIDDEN, PASSES, DOWN, PASSES, PASSES),
    ("redirect-missing", "/plain/", None, FORBIDDEN, PASSES, MISSING, PASSES, reported(Reason.TOKEN_MISSING)),
]
# What a token asks of the response where it stood in the URL or in a subprotocol, whoever let the caller in.
IN_QUERY: list[tuple[str, str, bytes, Expect]] = [
    ("token", "/marked/token", GOOD, passes(ALICE, no_store=True)),
    ("reads", "/marked/reads", READER, passes(ALICE, no_store=True)),
    ("reads-sync", "/marked/reads-sync", READER, passes(ALICE, no_store=True)),
    ("reads-without-scope", "/marked/reads", GOOD, READS),
    ("reads-expired", "/marked/reads", EXPIRED, STALE),
    ("optional", "/marked/optional", GOOD, passes(ALICE, no_store=True)),
    ("nested-reads", "/nested/reads", READER, passes(ALICE, no_store=True)),
]
NAMES = ("marks-default-deny", "marks-default-public", "marks-down", "marks-non-secure", "marks-report-only")
CASES = [
    *(case(*row) for row in TABLE),
    *(
        case(name, path, made, expect, policy)
        for name, path, made, *expected in WORLDS
        for policy, expect in zip(NAMES, expected, strict=True)
    ),
    # Which scope is named first where two decorators stand above each other is nobody's business.
    case("stacked-none", "/marked/stacked", GOOD, insufficient(SCOPE, b"stock:write stock:read")),
    case("public-head", "/marked/public", None, OPEN, method="HEAD"),
    case("public-head-garbage", "/marked/public", GARBAGE, OPEN, method="HEAD"),
    case("reads-head-missing", "/marked/reads", None, MISSING, method="HEAD"),
    case("reads-head-without-scope", "/marked/reads", GOOD, READS, method="HEAD"),
    case("public-wrong-method-missing", "/marked/public", None, MISSING, method="POST", body=b"x"),
    case("public-wrong-method-good", "/marked/public", GOOD, PASSES, method="POST"),
    case("public-wrong-method-delete", "/marked/public", None, MISSING, method="DELETE"),
    case("public-options", "/marked/public", None, MISSING, method="OPTIONS"),
    case("plain-wrong-method-missing", "/plain", None, MISSING, method="POST"),
    case("plain-wrong-method-good", "/plain", GOOD, PASSES, method="POST"),
    case("public-posted", "/marked/public-posted", None, OPEN, method="POST", body=b"x" * 100),
    case("public-posted-get", "/marked/public-posted", None, MISSING),
    case("reads-posted-missing", "/marked/reads-posted", None, MISSING, method="POST", body=b"x" * 100),
    case("reads-posted-without-scope", "/marked/reads-posted", GOOD, READS, method="POST", body=b"x" * 100),
    case("reads-posted-with-scope", "/marked/reads-posted", READER, AS_ALICE, method="POST", body=b"x" * 100),
    case("posted-missing", "/posted", None, MISSING, method="POST", body=b"x" * 100),
    case("posted-good", "/posted", GOOD, AS_ALICE, method="POST", body=b"x" * 100),
    case("class-post-both", "/class/reads", BOTH, AS_ALICE, method="POST"),
    case("class-public-post", "/class/public", None, OPEN, method="POST"),
    case("class-plain-post-missing", "/class/plain", None, MISSING, method="POST"),
    case("class-plain-post-without-scope", "/class/plain", GOOD, READS, method="POST"),
    case("class-plain-post-with-scope", "/class/plain", READER, AS_ALICE, method="POST"),
    case(
        "class-post-only-classes", "/class/reads", READER, insufficient(SCOPE, b"stock:write stock:read"), method="POST"
    ),
    case(
        "class-post-only-methods", "/class/reads", WRITER, insufficient(SCOPE, b"stock:write stock:read"), method="POST"
    ),
    case("public-ambiguous-path", "/marked//public", None, BAD_PATH),
    case("public-line-feed", "/marked/public%0a", None, BAD_PATH),
    case("public-under-empty-format", "/marked/public", None, OPEN, "marks-empty-bodies"),
    case("nowhere-under-empty-format", "/nowhere", None, MISSING.but(body=b"", content_type=b""), "marks-empty-bodies"),
    case(
        "reads-under-empty-format",
        "/marked/reads",
        GOOD,
        READS.but(body=b"", content_type=b""),
        "marks-empty-bodies",
    ),
    Case("public-malformed", get(line(b"Bearer"), target=b"/marked/public"), OPEN, "marks", app="routes"),
    Case("public-two-tokens", get(bearer(GOOD), bearer(GOOD), target=b"/marked/public"), OPEN, "marks", app="routes"),
    Case("optional-malformed", get(line(b"Bearer"), target=b"/marked/optional"), MALFORMED, "marks", app="routes"),
    Case(
        "optional-two-tokens",
        get(bearer(GOOD), bearer(GOOD), target=b"/marked/optional"),
        BAD_REQUEST,
        "marks",
        app="routes",
    ),
    Case("reads-malformed", get(line(b"Bearer"), target=b"/marked/reads"), MALFORMED, "marks", app="routes"),
    Case(
        "partner-on-reads",
        get(bearer(partner(scope="stock:read")), target=b"/marked/reads"),
        AS_ALICE,
        "marks",
        app="routes",
    ),
    *(
        Case(f"seen-token-then-{name}", get(*headers, target=path), expect, "marks", app="routes", before=(seen,))
        for name, headers, path, expect, seen in (
            (
                "mark-wants-more",
                (bearer(GOOD),),
                b"/marked/reads",
                READS,
                Earlier(get(bearer(GOOD), target=b"/plain"), 200),
            ),
            (
                "public-is-anonymous",
                (bearer(GOOD),),
                b"/marked/public",
                OPEN,
                Earlier(get(bearer(GOOD), target=b"/plain"), 200),
            ),
            ("nobody", (), b"/plain", MISSING, Earlier(get(bearer(GOOD), target=b"/plain"), 200)),
            ("nobody-after-public", (), b"/plain", MISSING, Earlier(get(target=b"/marked/public"), 200)),
        )
    ),
    *(
        Case(f"{policy}-query-{name}", get(target=path.encode() + b"?jwt=" + made), expect, policy, app="routes")
        for policy in ("marks-places", "marks-default-deny-places")
        for name, path, made, expect in IN_QUERY
    ),
    *(
        Case(
            f"{policy}-subprotocol-{name}",
            get(line(b"chat, bearer, " + made, b"sec-websocket-protocol"), target=path, websocket=True),
            expect if expect.code else expect.but(subprotocol=b"bearer", offered=("chat", "bearer")),
            policy,
            app="routes",
        )
        for policy in ("marks-places", "marks-default-deny-places")
        for name, path, made, expect in (
            ("reads", b"/chat/reads", READER, AS_ALICE),
            ("reads-without-scope", b"/chat/reads", GOOD, READS),
            ("reads-expired", b"/chat/reads", EXPIRED, STALE),
            ("public", b"/chat/public", GOOD, OPEN),
        )
    ),
    *(
        Case(
            f"websocket-mark-{name}",
            get(*headers, target=path, websocket=True),
            expect,
            "websocket-marks",
            app="routes",
        )
        for name, path, headers, expect in (
            ("plain-missing", b"/chat/plain", (), MISSING),
            ("plain-good", b"/chat/plain", (bearer(GOOD),), AS_ALICE),
            ("public-missing", b"/chat/public", (), OPEN),
            ("public-garbage", b"/chat/public", (bearer(GARBAGE),), OPEN),
            ("reads-missing", b"/chat/reads", (), MISSING),
            ("reads-without-scope", b"/chat/reads", (bearer(GOOD),), READS),
            ("reads-with-scope", b"/chat/reads", (bearer(READER),), AS_ALICE),
            ("nowhere-missing", b"/chat/nowhere", (), MISSING),
        )
    ),
    *(
        Case(
            f"websocket-mark-without-extension-{name}",
            get(*headers, target=path, websocket=True, denial=False),
            expect.but(close=1008),
            "websocket-marks",
            app="routes",
        )
        for name, path, headers, expect in (
            ("plain-missing", b"/chat/plain", (), MISSING),
            ("reads-without-scope", b"/chat/reads", (bearer(GOOD),), READS),
            ("nowhere-missing", b"/chat/nowhere", (), MISSING),
        )
    ),
]
