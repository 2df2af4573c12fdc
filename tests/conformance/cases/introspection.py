"""Tokens that their issuer is asked about: RFC 7662."""

from __future__ import annotations

from jwtmw.decision import Reason
from tests.conformance.schema import (
    ANONYMOUS,
    MISSING,
    Case,
    Earlier,
    Expect,
    Request,
    bearer,
    get,
    insufficient,
    passes,
    refused,
)
from tests.conformance.tokens import ALICE, EXPIRED, FOREIGN, GOOD, PARTNERS, token

INACTIVE = refused(Reason.TOKEN_INACTIVE)
UNAVAILABLE = refused(Reason.INTROSPECTION_UNAVAILABLE)
DOWN = UNAVAILABLE.but(retry_after=b"30")
AS_ALICE = passes(ALICE)
SCOPES = b"/scopes/one"

# What is sent, what must happen, how often the issuer was asked.
ASKED: dict[str, tuple[bytes, Expect, int]] = {
    "opaque": (b"opaque-alice", AS_ALICE, 1),
    "opaque-with-signs": (b"opaque+alice/~._-==", AS_ALICE, 1),
    "opaque-unknown": (b"opaque-of-nobody", INACTIVE, 1),
    "opaque-inactive": (b"opaque-inactive", INACTIVE, 1),
    "opaque-four-dots": (b"eyJhbGciOiJkaXIifQ..a.b.c", INACTIVE, 1),
    "answer-without-iss": (b"opaque-no-iss", AS_ALICE, 1),
    "answer-of-another-issuer": (b"opaque-other-iss", refused(Reason.ISSUER_UNKNOWN), 1),
    "answer-without-aud": (b"opaque-no-aud", refused(Reason.AUDIENCE_MISMATCH), 1),
    "answer-for-another-audience": (b"opaque-other-aud", refused(Reason.AUDIENCE_MISMATCH), 1),
    "answer-without-exp": (b"opaque-no-exp", refused(Reason.EXPIRY_MISSING), 1),
    "answer-expired": (b"opaque-expired", refused(Reason.EXPIRED), 1),
    "answer-exp-as-text": (b"opaque-exp-text", refused(Reason.CLAIMS_MALFORMED), 1),
    "answer-bound": (b"opaque-bound", refused(Reason.PROOF_MISSING), 1),
    "answer-refresh-token": (b"opaque-refresh", refused(Reason.TYPE_REFUSED), 1),
    "active-as-text": (b"opaque-active-text", UNAVAILABLE.but(retry_after=b"1"), 1),
    "active-as-number": (b"opaque-active-1", UNAVAILABLE.but(retry_after=b"1"), 1),
    "active-missing": (b"opaque-active-missing", UNAVAILABLE.but(retry_after=b"1"), 1),
    "answer-no-object": (b"opaque-list", UNAVAILABLE.but(retry_after=b"1"), 1),
    "jwt": (GOOD, AS_ALICE, 1),
    "jwt-inactive": (FOREIGN, INACTIVE, 1),
    "jwt-expired": (EXPIRED, refused(Reason.EXPIRED), 0),
    "jwt-other-audience": (token(aud="billing"), refused(Reason.AUDIENCE_MISMATCH), 0),
    "jwt-of-another-issuer": (PARTNERS, refused(Reason.ISSUER_UNKNOWN), 0),
    "two-dots": (b"a.b.c", refused(Reason.TOKEN_FORMAT), 0),
    "too-large": (b"x" * 8193, refused(Reason.TOKEN_TOO_LARGE), 0),
    "padding-alone": (b"==", refused(Reason.CREDENTIALS_MALFORMED), 0),
}


def asked(name: str, request: Request, expect: Expect, *before: Earlier, policy: str = "asked", at: float = 0) -> Case:
    """A case with an issuer of its own to ask."""
    return Case(f"asked-{name}", request, expect, policy, at=at, before=before, fresh=True)


def asks(made: bytes, path: bytes = b"/orders/7") -> Request:
    return get(bearer(made), target=path)


CASES = [
    *(asked(name, asks(made), expect.but(fetches=count)) for name, (made, expect, count) in ASKED.items()),
    asked("no-token", get(), MISSING.but(fetches=0)),
    asked("public-route", asks(b"opaque-of-nobody", b"/open/7"), passes(ANONYMOUS, fetches=0)),
    asked("scope-granted", asks(b"opaque-reads", SCOPES), AS_ALICE),
    asked(
        "scope-not-granted",
        asks(b"opaque-alice", SCOPES),
        insufficient(Reason.SCOPE_MISSING, b"stock:read"),
    ),
    asked("twice", asks(b"opaque-alice"), AS_ALICE.but(fetches=1), Earlier(asks(b"opaque-alice"), 200)),
    asked("after-ttl", asks(b"opaque-alice"), AS_ALICE.but(fetches=2), Earlier(asks(b"opaque-alice"), 200), at=61),
    asked("revoked-there", asks(b"opaque-once"), INACTIVE, Earlier(asks(b"opaque-once"), 200), at=61),
    asked("revoked-there-within-ttl", asks(b"opaque-once"), AS_ALICE, Earlier(asks(b"opaque-once"), 200), at=59),
    asked("negative-twice", asks(b"a"), INACTIVE.but(fetches=1), Earlier(asks(b"a"), 401), at=4),
    asked("negative-later", asks(b"a"), INACTIVE.but(fetches=2), Earlier(asks(b"a"), 401), at=6),
    asked("websocket", get(bearer(b"opaque-of-nobody"), target=b"/chat", websocket=True), INACTIVE),
    asked("down", asks(b"opaque-alice"), DOWN, policy="asked-down"),
    asked("down-jwt", asks(GOOD), DOWN, policy="asked-down"),
    asked("down-needs-no-answer", asks(EXPIRED), refused(Reason.EXPIRED), policy="asked-down"),
    asked("down-again", asks(b"b"), DOWN.but(fetches=1), Earlier(asks(b"a"), 503), policy="asked-down"),
    asked("credentials-refused", asks(b"a"), UNAVAILABLE.but(retry_after=b"1"), policy="asked-unauthorized"),
    asked("redirect", asks(b"a"), UNAVAILABLE.but(retry_after=b"1"), policy="asked-redirect"),
    # Without an issuer to ask, what is no JWT is malformed.
    Case("asked-nobody", asks(b"opaque-alice"), refused(Reason.TOKEN_FORMAT)),
]
