"""What was revoked, although nothing else is wrong with it."""

from __future__ import annotations

from jwtmw.decision import Reason
from tests.conformance.schema import ANONYMOUS, MISSING, Case, Earlier, bearer, get, passes, refused
from tests.conformance.tokens import ALICE, DROP, EXPIRED, FOREIGN, NOW, PARTNERS, token

REVOKED = refused(Reason.TOKEN_REVOKED)
UNAVAILABLE = refused(Reason.REVOCATIONS_UNAVAILABLE).but(retry_after=b"2")
LISTED, OTHER = token(jti="jti-listed"), token(jti="jti-other")
AS_ALICE = passes(ALICE)

# The list of this policy: the token jti-listed, the subject mallory-1, and of the partner whatever is of before.
JUDGED = {
    "token": (LISTED, REVOKED),
    "token-without-subject": (token(jti="jti-listed", sub=DROP), REVOKED),
    "token-with-other-claims": (token(jti="jti-listed", scope="stock:read", iat=NOW), REVOKED),
    "another-token": (OTHER, AS_ALICE),
    "token-without-jti": (token(jti=DROP), AS_ALICE),
    "jti-in-another-case": (token(jti="JTI-LISTED"), AS_ALICE),
    "jti-with-a-blank": (token(jti="jti-listed "), AS_ALICE),
    "subject": (token(sub="mallory-1"), REVOKED),
    "subject-with-another-token": (token(sub="mallory-1", jti="jti-other", iat=NOW), REVOKED),
    "jti-that-is-a-subject": (token(jti="mallory-1"), AS_ALICE),
    "issuer-before": (PARTNERS, REVOKED),
    "forged": (FOREIGN, refused(Reason.SIGNATURE_INVALID)),
    "expired": (token(jti="jti-listed", exp=NOW - 31), refused(Reason.EXPIRED)),
}

CASES = [
    *(Case(f"revoked-{name}", get(bearer(made)), expect, "revocations") for name, (made, expect) in JUDGED.items()),
    Case("revoked-seen", get(bearer(LISTED)), REVOKED, "revocations", before=(Earlier(get(bearer(LISTED)), 401),)),
    Case(
        "revoked-beside-seen", get(bearer(OTHER)), AS_ALICE, "revocations", before=(Earlier(get(bearer(OTHER)), 200),)
    ),
    Case("revoked-no-token", get(), MISSING, "revocations"),
    Case("revoked-public-route", get(bearer(LISTED), target=b"/open/7"), passes(ANONYMOUS), "revocations"),
    Case("revoked-optional-route", get(bearer(LISTED), target=b"/maybe"), REVOKED, "revocations"),
    Case("revoked-websocket", get(bearer(LISTED), target=b"/chat", websocket=True), REVOKED, "revocations"),
    Case("revoked-long-ago", get(bearer(token(jti="jti-past"))), AS_ALICE, "revocations"),
    # Nobody can say what was revoked: not the caller's fault, and no reason to let anybody in.
    *(
        Case(f"revocations-away-{name}", request, expect, "revocations-away", fresh=True)
        for name, request, expect in (
            ("good", get(bearer(OTHER)), UNAVAILABLE),
            ("expired", get(bearer(EXPIRED)), refused(Reason.EXPIRED)),
            ("forged", get(bearer(FOREIGN)), refused(Reason.SIGNATURE_INVALID)),
            ("no-token", get(), MISSING),
            ("public-route", get(bearer(OTHER), target=b"/open/7"), passes(ANONYMOUS)),
        )
    ),
    Case("revocations-away-open", get(bearer(OTHER)), AS_ALICE, "revocations-away-open", fresh=True),
]
