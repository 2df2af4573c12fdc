"""exp, nbf, iat, leeway, lifetimes, and what a seen token is worth later: RFC 7519 section 4.1, at whole seconds."""

from __future__ import annotations

from typing import Any

from jwtmw.decision import Reason
from tests.conformance.schema import Case, Earlier, Expect, bearer, get, passes, refused
from tests.conformance.tokens import ALICE, DROP, GOOD, NOW, Raw, token

EXPIRED = refused(Reason.EXPIRED)
EXPIRY_MISSING = refused(Reason.EXPIRY_MISSING)
NOT_YET = refused(Reason.NOT_YET_VALID)
FUTURE = refused(Reason.ISSUED_IN_FUTURE)
LONG = refused(Reason.LIFETIME_TOO_LONG)
OLD = refused(Reason.TOO_OLD)
CLAIMS = refused(Reason.CLAIMS_MALFORMED)
JSON = refused(Reason.TOKEN_JSON)
AS_ALICE = passes(ALICE)
YEAR_9999 = 253402300799

# name: policy, claims, outcome; the world stands at NOW.
TABLE: dict[str, tuple[str, dict[str, Any], Expect]] = {
    "exp-within-leeway": ("default", {"exp": NOW - 29, "iat": NOW - 99}, AS_ALICE),
    "exp-at-leeway": ("default", {"exp": NOW - 30, "iat": NOW - 99}, EXPIRED),
    "exp-beyond-leeway": ("default", {"exp": NOW - 31, "iat": NOW - 99}, EXPIRED),
    "exp-long-past": ("default", {"exp": 1, "iat": 0}, EXPIRED),
    "exp-zero": ("default", {"exp": 0, "iat": DROP}, EXPIRED),
    "exp-missing": ("default", {"exp": DROP}, EXPIRY_MISSING),
    "exp-now-without-leeway": ("no-leeway", {"exp": NOW}, EXPIRED),
    "exp-next-second-without-leeway": ("no-leeway", {"exp": NOW + 1}, AS_ALICE),
    "exp-half-a-second-without-leeway": ("no-leeway", {"exp": NOW + 0.5}, AS_ALICE),
    "exp-half-a-second-ago-without-leeway": ("no-leeway", {"exp": NOW - 0.5}, EXPIRED),
    "exp-fraction": ("default", {"exp": NOW + 600.75}, AS_ALICE),
    "exp-fraction-at-leeway": ("default", {"exp": NOW - 29.5, "iat": NOW - 99}, AS_ALICE),
    "exp-exponent": ("default", {"exp": Raw("1.9e9")}, AS_ALICE),
    "exp-year-9999": ("default", {"exp": YEAR_9999}, AS_ALICE),
    "exp-year-10000": ("default", {"exp": YEAR_9999 + 1}, CLAIMS),
    "exp-2-to-the-63": ("default", {"exp": 2**63}, CLAIMS),
    "exp-1e300": ("default", {"exp": Raw("1e300")}, CLAIMS),
    "exp-1e999": ("default", {"exp": Raw("1e999")}, JSON.but(reason=None)),
    "exp-401-digits": ("default", {"exp": 10**400}, CLAIMS.but(reason=None)),
    "exp-5000-digits": ("default", {"exp": Raw("9" * 5000)}, CLAIMS.but(reason=None)),
    "exp-negative": ("default", {"exp": -1}, CLAIMS),
    "exp-negative-zero": ("default", {"exp": Raw("-0.0"), "iat": DROP}, EXPIRED.but(reason=None)),
    "exp-not-a-number": ("default", {"exp": Raw("NaN")}, JSON),
    "exp-infinity": ("default", {"exp": Raw("Infinity")}, JSON),
    "exp-text": ("default", {"exp": str(NOW + 600)}, CLAIMS),
    "exp-text-with-blanks": ("default", {"exp": f" {NOW + 600} "}, CLAIMS),
    "exp-true": ("default", {"exp": True}, CLAIMS),
    "exp-false": ("default", {"exp": False}, CLAIMS),
    "exp-null": ("default", {"exp": None}, CLAIMS),
    "exp-list": ("default", {"exp": [NOW + 600]}, CLAIMS),
    "exp-object": ("default", {"exp": {"at": NOW + 600}}, CLAIMS),
    "exp-in-capitals": ("default", {"exp": DROP, "EXP": NOW + 600}, EXPIRY_MISSING),
    "exp-missing-allowed": ("no-expiry", {"exp": DROP}, AS_ALICE),
    "exp-past-where-none-is-needed": ("no-expiry", {"exp": NOW - 31, "iat": NOW - 99}, EXPIRED),
    "exp-null-where-none-is-needed": ("no-expiry", {"exp": None}, CLAIMS),
    "nbf-past": ("default", {"nbf": NOW - 100}, AS_ALICE),
    "nbf-zero": ("default", {"nbf": 0}, AS_ALICE),
    "nbf-at-leeway": ("default", {"nbf": NOW + 30}, AS_ALICE),
    "nbf-beyond-leeway": ("default", {"nbf": NOW + 31}, NOT_YET),
    "nbf-fraction-beyond-leeway": ("default", {"nbf": NOW + 30.5}, NOT_YET),
    "nbf-now-without-leeway": ("no-leeway", {"nbf": NOW}, AS_ALICE),
    "nbf-next-second-without-leeway": ("no-leeway", {"nbf": NOW + 1}, NOT_YET),
    "nbf-after-exp": ("default", {"nbf": NOW + 10, "exp": NOW + 5}, NOT_YET),
    "nbf-after-exp-far": ("default", {"nbf": NOW + 700, "exp": NOW + 600}, NOT_YET),
    "nbf-text": ("default", {"nbf": str(NOW)}, CLAIMS),
    "nbf-true": ("default", {"nbf": True}, CLAIMS),
    "nbf-null": ("default", {"nbf": None}, CLAIMS),
    "nbf-negative": ("default", {"nbf": -5}, CLAIMS),
    "nbf-year-10000": ("default", {"nbf": YEAR_9999 + 1}, CLAIMS),
    "nbf-not-a-number": ("default", {"nbf": Raw("NaN")}, JSON),
    "iat-missing": ("default", {"iat": DROP}, AS_ALICE),
    "iat-1970": ("default", {"iat": 0}, AS_ALICE),
    "iat-at-leeway": ("default", {"iat": NOW + 30}, AS_ALICE),
    "iat-beyond-leeway": ("default", {"iat": NOW + 31}, FUTURE),
    "iat-after-exp": ("default", {"iat": NOW + 10, "exp": NOW + 5}, FUTURE),
    "iat-text": ("default", {"iat": str(NOW)}, CLAIMS),
    "iat-true": ("default", {"iat": True}, CLAIMS),
    "iat-null": ("default", {"iat": None}, CLAIMS),
    "iat-list": ("default", {"iat": []}, CLAIMS),
    "iat-negative": ("default", {"iat": -1}, CLAIMS),
    "iat-year-10000": ("default", {"iat": YEAR_9999 + 1}, CLAIMS),
    "iat-infinity": ("default", {"iat": Raw("Infinity")}, JSON),
    "issuer-leeway-rules-within": ("issuer-leeway", {"exp": NOW - 4, "iat": NOW - 99}, AS_ALICE),
    "issuer-leeway-rules-beyond": ("issuer-leeway", {"exp": NOW - 10, "iat": NOW - 99}, EXPIRED),
    "leeway-of-300": ("long-leeway", {"exp": NOW - 299, "iat": NOW - 999}, AS_ALICE),
    "leeway-of-300-ends": ("long-leeway", {"exp": NOW - 300, "iat": NOW - 999}, EXPIRED),
    "lifetime-at-maximum": ("max-lifetime", {"iat": NOW - 10, "exp": NOW + 3590}, AS_ALICE),
    "lifetime-over-maximum": ("max-lifetime", {"iat": NOW - 10, "exp": NOW + 3591}, LONG),
    "lifetime-over-maximum-old-token": ("max-lifetime", {"iat": NOW - 7200, "exp": NOW + 60}, LONG),
    "lifetime-without-iat-at-maximum": ("max-lifetime", {"iat": DROP, "exp": NOW + 3600}, AS_ALICE),
    "lifetime-without-iat-over-maximum": ("max-lifetime", {"iat": DROP, "exp": NOW + 3601}, LONG),
    "lifetime-without-exp": ("max-lifetime", {"exp": DROP}, EXPIRY_MISSING),
    "age-within": ("max-age", {"iat": NOW - 60}, AS_ALICE),
    "age-at-leeway": ("max-age", {"iat": NOW - 90}, AS_ALICE),
    "age-beyond-leeway": ("max-age", {"iat": NOW - 91}, OLD),
    "age-120-seconds": ("max-age", {"iat": NOW - 120}, OLD),
    "age-unknown": ("max-age", {"iat": DROP}, OLD),
    "age-in-the-future": ("max-age", {"iat": NOW + 31}, FUTURE),
}


def later(name: str, policy: str, made: bytes, at: float, expect: Expect) -> Case:
    """A token that was good at the start, `at` seconds later."""
    request = get(bearer(made))
    return Case(name, request, expect, policy, at=at, before=(Earlier(request, 200),))


SHORT = token(exp=NOW + 60)
NO_IAT = token(exp=NOW + 60, iat=DROP)
CASES = [
    *(
        Case(f"time-{name}", get(bearer(token(**claims))), expect, policy)
        for name, (policy, claims, expect) in TABLE.items()
    ),
    later("seen-token-still-good", "default", SHORT, 59, AS_ALICE),
    later("seen-token-within-leeway", "default", SHORT, 89, AS_ALICE),
    later("seen-token-expires-at-leeway", "default", SHORT, 90, EXPIRED),
    later("seen-token-expires-without-iat", "default", NO_IAT, 90, EXPIRED),
    later("seen-token-expires-long-after", "default", SHORT, 100_000, EXPIRED),
    later("seen-token-expires-without-leeway", "no-leeway", SHORT, 60, EXPIRED),
    later("seen-token-good-without-leeway", "no-leeway", SHORT, 59, AS_ALICE),
    later("seen-token-expires-without-cache", "no-cache", SHORT, 90, EXPIRED),
    later("seen-token-good-beyond-cache-age", "default", GOOD, 400, AS_ALICE),
    later("seen-token-grows-too-old", "max-age", token(iat=NOW), 91, OLD),
    later("seen-token-of-good-age", "max-age", token(iat=NOW), 90, AS_ALICE),
    later("seen-token-and-the-clock-turned-back", "default", token(iat=NOW), -100, FUTURE),
    later("seen-nbf-and-the-clock-turned-back", "default", token(iat=DROP, nbf=NOW), -100, NOT_YET),
    later("unexpiring-token-seen-a-day-ago", "no-expiry", token(exp=DROP), 86_400, AS_ALICE),
    Case(
        "refused-token-grows-good",
        get(bearer(token(nbf=NOW + 100))),
        AS_ALICE,
        at=100,
        before=(Earlier(get(bearer(token(nbf=NOW + 100))), 401),),
    ),
    Case(
        "cache-of-one-keeps-callers-apart",
        get(bearer(GOOD)),
        AS_ALICE,
        "cache-of-one",
        before=(
            Earlier(get(bearer(GOOD)), 200),
            Earlier(get(bearer(token(sub="bob-77aa"))), 200),
            Earlier(get(bearer(GOOD)), 200),
        ),
    ),
    Case(
        "two-callers-are-never-swapped",
        get(bearer(token(sub="bob-77aa"))),
        passes("bob-77aa"),
        before=(Earlier(get(bearer(GOOD)), 200), Earlier(get(bearer(token(sub="carol-12"))), 200)),
    ),
    Case("no-cache-good", get(bearer(GOOD)), AS_ALICE, "no-cache"),
]
