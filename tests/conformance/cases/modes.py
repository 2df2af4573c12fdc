"""Non-secure, switched off, and report-only, with the environment's toggles."""

from __future__ import annotations

from jwtmw.decision import Reason
from tests.conformance.schema import (
    ANONYMOUS,
    BAD_METHOD,
    BAD_PATH,
    FORBIDDEN,
    MISSING,
    Case,
    Expect,
    Request,
    bearer,
    get,
    insufficient,
    line,
    passes,
    refused,
    reported,
)
from tests.conformance.tokens import ALICE, EXPIRED, FOREIGN, GARBAGE, GOOD, token

AS_ALICE, AS_NOBODY = passes(ALICE), passes(ANONYMOUS)
STALE = refused(Reason.EXPIRED)
SCOPE = insufficient(Reason.SCOPE_MISSING, b"stock:read")
READER = token(scope="stock:read")

# request, outcome where judged, outcome where only reported
REQUESTS: dict[str, tuple[Request, Expect, Expect]] = {
    "missing": (get(), MISSING, AS_NOBODY),
    "good": (get(bearer(GOOD)), AS_ALICE, AS_ALICE),
    "expired": (get(bearer(EXPIRED)), STALE, AS_NOBODY),
    "garbage": (get(bearer(GARBAGE)), refused(Reason.TOKEN_FORMAT), AS_NOBODY),
    "foreign": (get(bearer(FOREIGN)), refused(Reason.SIGNATURE_INVALID), AS_NOBODY),
    "unknown-issuer": (get(bearer(token(iss="https://x.example"))), refused(Reason.ISSUER_UNKNOWN), AS_NOBODY),
    "malformed": (get(line(b"Bearer")), refused(Reason.CREDENTIALS_MALFORMED), AS_NOBODY),
    "two-tokens": (get(bearer(GOOD), bearer(GOOD)), refused(Reason.CREDENTIALS_MALFORMED).but(reason=None), AS_NOBODY),
    "closed": (get(target=b"/closed/7"), FORBIDDEN, AS_NOBODY),
    "closed-with-token": (get(bearer(GOOD), target=b"/closed/7"), FORBIDDEN, passes()),
    "scope-missing": (get(bearer(GOOD), target=b"/scopes/one"), SCOPE, AS_ALICE),
    "scope-there": (get(bearer(READER), target=b"/scopes/one"), AS_ALICE, AS_ALICE),
    "open": (get(target=b"/open/7"), AS_NOBODY, AS_NOBODY),
    "open-with-bad-token": (get(bearer(EXPIRED), target=b"/open/7"), AS_NOBODY, AS_NOBODY),
    "odd-path": (get(target=b"/public/../admin"), BAD_PATH, AS_NOBODY),
    "two-slashes": (get(target=b"//admin"), BAD_PATH, AS_NOBODY),
    "line-feed": (get(target=b"/admin%0a"), BAD_PATH, AS_NOBODY),
    "twice-encoded": (get(target=b"/%2561dmin"), BAD_PATH, AS_NOBODY),
    "unknown-method": (get(method="FOO"), BAD_METHOD, AS_NOBODY),
    "post-with-body": (get(method="POST", body=b"x" * 5000), MISSING, AS_NOBODY),
    "head": (get(method="HEAD"), MISSING, AS_NOBODY),
    "websocket": (get(target=b"/chat", websocket=True), MISSING, AS_NOBODY),
    "websocket-with-garbage": (
        get(bearer(GARBAGE), target=b"/chat", websocket=True),
        refused(Reason.TOKEN_FORMAT),
        AS_NOBODY,
    ),
}
OFF = ("non-secure", "non-secure-by-env", "edgex-off", "inbound-off", "inbound-off-by-env")
ON = ("secure-by-env", "secure-env-empty", "edgex-on", "inbound-on-by-env", "judged-by-env")
REPORTED = ("report-only", "report-only-by-env")


def trial(judged: Expect, passed: Expect) -> Expect:
    """What passes although it would have been refused, and why."""
    return passed if judged.passes else reported(judged.reason, passed.caller)


CASES = [
    *(
        Case(f"{policy}-{name}", request, AS_NOBODY, policy)
        for policy in OFF
        for name, (request, _, _) in REQUESTS.items()
    ),
    *(
        Case(f"{policy}-{name}", request, judged, policy)
        for policy in ON
        for name, (request, judged, _) in REQUESTS.items()
    ),
    *(
        Case(f"{policy}-{name}", request, trial(judged, passed), policy)
        for policy in REPORTED
        for name, (request, judged, passed) in REQUESTS.items()
    ),
    Case("non-secure-without-issuers", get(), AS_NOBODY, "non-secure-bare"),
    Case("non-secure-without-issuers-garbage", get(bearer(GARBAGE)), AS_NOBODY, "non-secure-bare"),
    Case("non-secure-without-issuers-websocket", get(target=b"/chat", websocket=True), AS_NOBODY, "non-secure-bare"),
    Case(
        "report-only-keys-unavailable",
        get(bearer(GOOD)),
        reported(Reason.KEYS_UNAVAILABLE, ANONYMOUS),
        "report-only-down",
        fresh=True,
    ),
    Case("report-only-query", get(target=b"/orders/7?jwt=" + GOOD), passes(ALICE, no_store=True), "report-only-places"),
    Case(
        "report-only-query-scope-missing",
        get(target=b"/scopes/one?jwt=" + GOOD),
        reported(Reason.SCOPE_MISSING, ALICE).but(no_store=True),
        "report-only-places",
    ),
    Case(
        "report-only-rule-scope",
        get(bearer(GOOD), target=b"/trial/scopes"),
        reported(Reason.SCOPE_MISSING, ALICE),
        "report-only-rules",
    ),
    Case(
        "report-only-rule-missing",
        get(target=b"/trial/scopes"),
        reported(Reason.TOKEN_MISSING, ANONYMOUS),
        "report-only-rules",
    ),
    Case(
        "report-only-rule-expired",
        get(bearer(EXPIRED), target=b"/trial/scopes"),
        reported(Reason.EXPIRED, ANONYMOUS),
        "report-only-rules",
    ),
    Case(
        "report-only-rule-denied",
        get(target=b"/trial/closed"),
        reported(Reason.RULE_DENIES, ANONYMOUS),
        "report-only-rules",
    ),
    Case("report-only-rule-met", get(bearer(READER), target=b"/trial/scopes"), AS_ALICE, "report-only-rules"),
    Case("report-only-rule-not-its-neighbour", get(target=b"/trial/any"), MISSING, "report-only-rules"),
    Case("report-only-rule-not-the-default", get(target=b"/elsewhere"), MISSING, "report-only-rules"),
    Case("report-only-rule-not-odd-paths", get(target=b"/trial/scopes//"), BAD_PATH, "report-only-rules"),
]
