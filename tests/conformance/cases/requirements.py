"""What a route wants, and which refusal it is: RFC 6750 section 3.1."""

from __future__ import annotations

from typing import Any

from jwtmw.decision import Reason
from tests.conformance.keys import RSA
from tests.conformance.schema import (
    ANONYMOUS,
    BAD_REQUEST,
    CHALLENGES,
    FORBIDDEN,
    MALFORMED,
    MISSING,
    Case,
    Earlier,
    Expect,
    bearer,
    get,
    insufficient,
    invalid,
    line,
    passes,
    refused,
)
from tests.conformance.tokens import ALICE, EXPIRED, FOREIGN, GARBAGE, GOOD, PARTNERS, Raw, partner, token

AS_ALICE, AS_NOBODY = passes(ALICE), passes(ANONYMOUS)
STALE = refused(Reason.EXPIRED)
ROUTE_ISSUER = refused(Reason.ROUTE_ISSUER)
ROUTE_AUDIENCE = refused(Reason.ROUTE_AUDIENCE)
CLAIM = insufficient(Reason.CLAIM_MISMATCH)
SCOPE = Reason.SCOPE_MISSING
ROLE = Reason.ROLE_MISSING


def on(path: str, made: bytes | None = None, method: str = "GET") -> Any:
    headers = () if made is None else (bearer(made),)
    return get(*headers, target=path.encode(), method=method)


# Every kind of credential, on a public, an optional, a denied and an ordinary route.
CREDENTIALS: dict[str, tuple[tuple[tuple[bytes, bytes], ...], Expect, Expect]] = {
    "absent": ((), AS_NOBODY, MISSING),
    "empty": ((line(b""),), AS_NOBODY, MISSING),
    "other-scheme": ((line(b"Basic YWJj"),), AS_NOBODY, MISSING),
    "good": ((bearer(GOOD),), AS_ALICE, AS_ALICE),
    "expired": ((bearer(EXPIRED),), STALE, STALE),
    "garbage": ((bearer(GARBAGE),), refused(Reason.TOKEN_FORMAT), refused(Reason.TOKEN_FORMAT)),
    "foreign-signature": ((bearer(FOREIGN),), refused(Reason.SIGNATURE_INVALID), refused(Reason.SIGNATURE_INVALID)),
    "unknown-issuer": (
        (bearer(token(iss="https://x.example")),),
        refused(Reason.ISSUER_UNKNOWN),
        refused(Reason.ISSUER_UNKNOWN),
    ),
    "malformed": ((line(b"Bearer"),), MALFORMED, MALFORMED),
    "two": ((bearer(GOOD), bearer(GOOD)), BAD_REQUEST, BAD_REQUEST),
}
ROUTES = [
    case
    for name, (headers, optional, needed) in CREDENTIALS.items()
    for case in (
        Case(f"public-route-{name}", get(*headers, target=b"/open/7"), AS_NOBODY, "requirements"),
        Case(f"optional-route-{name}", get(*headers, target=b"/maybe"), optional, "requirements"),
        Case(f"denied-route-{name}", get(*headers, target=b"/closed/7"), FORBIDDEN, "requirements"),
        Case(f"ruled-route-{name}", get(*headers, target=b"/any-token"), needed, "requirements"),
        Case(f"unruled-route-{name}", get(*headers, target=b"/no-rule-here"), needed, "requirements"),
        Case(f"default-deny-{name}", get(*headers, target=b"/no-rule-here"), FORBIDDEN, "default-deny"),
        Case(f"default-deny-ruled-{name}", get(*headers, target=b"/any-token"), needed, "default-deny"),
        Case(f"default-deny-public-{name}", get(*headers, target=b"/open/7"), AS_NOBODY, "default-deny"),
        Case(f"default-public-{name}", get(*headers, target=b"/no-rule-here"), AS_NOBODY, "default-public"),
        Case(f"default-public-ruled-{name}", get(*headers, target=b"/any-token"), needed, "default-public"),
        Case(f"default-public-denied-{name}", get(*headers, target=b"/closed/7"), FORBIDDEN, "default-public"),
    )
]

# path, claims of the token, outcome
TABLE: dict[str, tuple[str, dict[str, Any], Expect]] = {
    "one-scope": ("/scopes/one", {"scope": "stock:read"}, AS_ALICE),
    "one-scope-missing": ("/scopes/one", {"scope": "stock:write"}, insufficient(SCOPE, b"stock:read")),
    "all-scopes": ("/scopes/all", {"scope": "stock:write x stock:read"}, AS_ALICE),
    "all-scopes-first-only": (
        "/scopes/all",
        {"scope": "stock:read"},
        insufficient(SCOPE, b"stock:read stock:write"),
    ),
    "all-scopes-second-only": (
        "/scopes/all",
        {"scope": "stock:write"},
        insufficient(SCOPE, b"stock:read stock:write"),
    ),
    "all-scopes-none": ("/scopes/all", {}, insufficient(SCOPE, b"stock:read stock:write")),
    "any-scope-first": ("/scopes/any", {"scope": "stock:read"}, AS_ALICE),
    "any-scope-second": ("/scopes/any", {"scope": "stock:admin"}, AS_ALICE),
    "any-scope-none": ("/scopes/any", {"scope": "stock:count"}, insufficient(SCOPE, b"stock:read stock:admin")),
    "scope-and-any-scope": ("/scopes/both", {"scope": "stock:read stock:count"}, AS_ALICE),
    "scope-and-any-scope-one-half": (
        "/scopes/both",
        {"scope": "stock:read"},
        insufficient(SCOPE, b"stock:read stock:count stock:admin"),
    ),
    "scope-and-any-scope-other-half": (
        "/scopes/both",
        {"scope": "stock:admin"},
        insufficient(SCOPE, b"stock:read stock:count stock:admin"),
    ),
    "scope-and-role": ("/scopes/and-role", {"scope": "stock:read", "roles": ["clerk"]}, AS_ALICE),
    "scope-and-role-no-role": ("/scopes/and-role", {"scope": "stock:read"}, insufficient(ROLE, b"stock:read")),
    "scope-and-role-no-scope": ("/scopes/and-role", {"roles": ["clerk"]}, insufficient(SCOPE, b"stock:read")),
    "any-role-first": ("/roles/any", {"roles": ["clerk"]}, AS_ALICE),
    "any-role-second": ("/roles/any", {"roles": ["auditor"]}, AS_ALICE),
    "any-role-text": ("/roles/any", {"roles": "auditor"}, AS_ALICE),
    "any-role-none": ("/roles/any", {"roles": ["guest"]}, insufficient(ROLE)),
    "claim-first-value": ("/claims/client", {"client_id": "shop"}, AS_ALICE),
    "claim-second-value": ("/claims/client", {"client_id": "kiosk"}, AS_ALICE),
    "claim-other-value": ("/claims/client", {"client_id": "robot"}, CLAIM),
    "claim-missing": ("/claims/client", {}, CLAIM),
    "claim-never-split": ("/claims/client", {"client_id": "shop kiosk"}, CLAIM),
    "claim-upper-case": ("/claims/client", {"client_id": "SHOP"}, CLAIM),
    "claim-azp-does-not-stand-in": ("/claims/client", {"azp": "shop"}, CLAIM),
    "two-claims": ("/claims/two", {"client_id": "shop", "level": 1}, AS_ALICE),
    "two-claims-one-missing": ("/claims/two", {"client_id": "shop"}, CLAIM),
    "two-claims-one-other": ("/claims/two", {"client_id": "shop", "level": 2}, CLAIM),
    "one-is-one": ("/claims/one", {"level": 1}, AS_ALICE),
    "one-point-zero-is-one": ("/claims/one", {"level": Raw("1.0")}, AS_ALICE),
    "true-is-not-one": ("/claims/one", {"level": True}, CLAIM),
    "text-is-not-one": ("/claims/one", {"level": "1"}, CLAIM),
    "one-in-a-list": ("/claims/one", {"level": [3, 1]}, AS_ALICE),
    "true-in-a-list-is-not-one": ("/claims/one", {"level": [True]}, CLAIM),
    "one-in-a-nested-list": ("/claims/one", {"level": [[1]]}, CLAIM),
    "one-in-an-object": ("/claims/one", {"level": {"1": 1}}, CLAIM),
    "null-is-not-one": ("/claims/one", {"level": None}, CLAIM),
    "empty-list-is-not-one": ("/claims/one", {"level": []}, CLAIM),
    "true-is-true": ("/claims/true", {"level": True}, AS_ALICE),
    "one-is-not-true": ("/claims/true", {"level": 1}, CLAIM),
    "text-is-not-true": ("/claims/true", {"level": "true"}, CLAIM),
    "float-is-float": ("/claims/float", {"level": 1.5}, AS_ALICE),
    "float-other": ("/claims/float", {"level": 1.25}, CLAIM),
    "text-is-text": ("/claims/text", {"level": "1"}, AS_ALICE),
    "one-is-not-text": ("/claims/text", {"level": 1}, CLAIM),
    "nested-claim": ("/claims/nested", {"realm": {"tier": "gold"}}, AS_ALICE),
    "nested-claim-whole-name": ("/claims/nested", {"realm.tier": "gold"}, AS_ALICE),
    "nested-claim-whole-name-first": ("/claims/nested", {"realm.tier": "tin", "realm": {"tier": "gold"}}, CLAIM),
    "nested-claim-other": ("/claims/nested", {"realm": {"tier": "tin"}}, CLAIM),
    "nested-claim-in-a-text": ("/claims/nested", {"realm": "tier"}, CLAIM),
    "nested-claim-in-a-list": ("/claims/nested", {"realm": [{"tier": "gold"}]}, CLAIM),
    "issuer-narrowed-right": ("/issuers/corp", {}, AS_ALICE),
    "issuer-narrowed-wrong": ("/issuers/partner", {}, ROUTE_ISSUER),
    "issuer-narrowed-to-both": ("/issuers/both", {}, AS_ALICE),
    "issuer-wrong-beats-scope": ("/issuers/and-scope", {}, ROUTE_ISSUER),
    "audience-narrowed-right": ("/audience/back-office", {"aud": "back-office"}, AS_ALICE),
    "audience-narrowed-both": ("/audience/back-office", {"aud": ["orders-service", "back-office"]}, AS_ALICE),
    "audience-narrowed-wrong": ("/audience/back-office", {}, ROUTE_AUDIENCE),
    "audience-wrong-beats-scope": ("/audience/and-scope", {}, ROUTE_AUDIENCE),
    "audience-right-scope-missing": (
        "/audience/and-scope",
        {"aud": "back-office"},
        insufficient(SCOPE, b"stock:read"),
    ),
    "either-first": ("/either", {"scope": "stock:read"}, AS_ALICE),
    "either-second": ("/either", {"roles": ["clerk"]}, AS_ALICE),
    "either-both": ("/either", {"scope": "stock:read", "roles": ["clerk"]}, AS_ALICE),
    "either-neither": ("/either", {"scope": "stock:count"}, insufficient(SCOPE, b"stock:read").but(reason=None)),
    "either-scopes-half-of-the-first": (
        "/either/scopes",
        {"scope": "stock:read"},
        insufficient(SCOPE, b"stock:read stock:count stock:admin"),
    ),
    "either-scopes-second": ("/either/scopes", {"scope": "stock:admin"}, AS_ALICE),
    "either-issuer-or-scope-by-scope": ("/either/issuer-or-scope", {"scope": "stock:admin"}, AS_ALICE),
    "either-issuer-or-scope-neither": ("/either/issuer-or-scope", {}, insufficient(SCOPE, b"stock:admin")),
    "either-issuer-or-audience-neither": ("/either/issuer-or-audience", {}, invalid()),
    "either-issuer-or-audience-by-audience": ("/either/issuer-or-audience", {"aud": "back-office"}, AS_ALICE),
    "either-issuer-and-scope-wrong-issuer": (
        "/either/issuer-and-scope",
        {"scope": "stock:admin"},
        ROUTE_ISSUER,
    ),
    "either-and-scope": ("/either/and-scope", {"scope": "stock:read", "roles": ["auditor"]}, AS_ALICE),
    "either-and-scope-no-scope": (
        "/either/and-scope",
        {"roles": ["auditor"]},
        insufficient(SCOPE, b"stock:read"),
    ),
    "either-and-scope-no-role": ("/either/and-scope", {"scope": "stock:read"}, insufficient(ROLE, b"stock:read")),
    "optional-with-scope": ("/maybe/reads", {"scope": "stock:read"}, AS_ALICE),
    "optional-without-scope": ("/maybe/reads", {}, insufficient(SCOPE, b"stock:read")),
}
SEEN = Earlier(on("/any-token", GOOD), 200)
CASES = [
    *ROUTES,
    *(
        Case(f"wants-{name}", on(path, token(**claims)), expect, "requirements")
        for name, (path, claims, expect) in TABLE.items()
    ),
    *(
        Case(f"no-token-{path.strip('/').replace('/', '-')}", on(path), MISSING, "requirements")
        for path in ("/scopes/one", "/roles/any", "/claims/one", "/issuers/partner", "/audience/back-office", "/either")
    ),
    *(
        Case(f"bad-token-{path.strip('/').replace('/', '-')}", on(path, EXPIRED), STALE, "requirements")
        for path in ("/scopes/one", "/roles/any", "/claims/one", "/issuers/partner", "/audience/back-office", "/either")
    ),
    Case("optional-with-scopes-absent", on("/maybe/reads"), AS_NOBODY, "requirements"),
    Case("optional-with-scopes-expired", on("/maybe/reads", EXPIRED), STALE, "requirements"),
    Case("partner-where-partner-is-wanted", on("/issuers/partner", PARTNERS), AS_ALICE, "requirements"),
    Case("partner-where-corp-is-wanted", on("/issuers/corp", PARTNERS), ROUTE_ISSUER, "requirements"),
    Case("partner-where-either-is-wanted", on("/either/issuer-or-scope", PARTNERS), AS_ALICE, "requirements"),
    Case(
        "partner-with-issuer-and-scope",
        on("/either/issuer-and-scope", partner(scope="stock:admin")),
        AS_ALICE,
        "requirements",
    ),
    Case(
        "partner-with-issuer-without-scope",
        on("/either/issuer-and-scope", PARTNERS),
        insufficient(SCOPE, b"stock:admin"),
        "requirements",
    ),
    Case("scope-missing-on-head", on("/scopes/one", GOOD, "HEAD"), insufficient(SCOPE, b"stock:read"), "requirements"),
    Case("scope-missing-on-post", on("/scopes/one", GOOD, "POST"), insufficient(SCOPE, b"stock:read"), "requirements"),
    Case(
        "scope-missing-realm",
        on("/orders/7", EXPIRED),
        STALE.but(challenge=(CHALLENGES[STALE.code] if STALE.code else b"").replace(b'"api"', b'"orders of today"')),
        "realm",
    ),
    Case("missing-realm", on("/orders/7"), MISSING.but(challenge=b'Bearer realm="orders of today"'), "realm"),
    # A seen token is judged anew for what each route wants.
    Case(
        "seen-token-without-scope",
        on("/scopes/one", GOOD),
        insufficient(SCOPE, b"stock:read"),
        "requirements",
        before=(SEEN,),
    ),
    Case("seen-token-wrong-issuer", on("/issuers/partner", GOOD), ROUTE_ISSUER, "requirements", before=(SEEN,)),
    Case(
        "seen-token-wrong-audience", on("/audience/back-office", GOOD), ROUTE_AUDIENCE, "requirements", before=(SEEN,)
    ),
    Case("seen-token-on-a-denied-route", on("/closed/7", GOOD), FORBIDDEN, "requirements", before=(SEEN,)),
    Case("seen-token-on-a-public-route", on("/open/7", GOOD), AS_NOBODY, "requirements", before=(SEEN,)),
    Case(
        "no-token-after-a-good-one",
        on("/any-token"),
        MISSING,
        "requirements",
        before=(SEEN, SEEN),
    ),
    Case(
        "good-token-after-a-refused-one",
        on("/any-token", GOOD),
        AS_ALICE,
        "requirements",
        before=(Earlier(on("/any-token", EXPIRED), 401), Earlier(on("/any-token"), 401)),
    ),
    # What only Python can ask.
    Case("check-false", on("/orders/7", GOOD), refused(Reason.CHECK_REFUSED), "check-false"),
    Case("check-none", on("/orders/7", GOOD), refused(Reason.CHECK_REFUSED), "check-none"),
    Case("check-raises", on("/orders/7", GOOD), refused(Reason.CHECK_REFUSED), "check-raises"),
    Case("check-passes", on("/orders/7", GOOD), AS_ALICE, "check-alice"),
    Case("check-refuses-bob", on("/orders/7", token(sub="bob-77aa")), refused(Reason.CHECK_REFUSED), "check-alice"),
    Case(
        "check-comes-after-the-signature", on("/orders/7", FOREIGN), refused(Reason.SIGNATURE_INVALID), "check-raises"
    ),
    Case(
        "check-refuses-a-seen-token-too",
        on("/orders/7", token(sub="bob-77aa")),
        refused(Reason.CHECK_REFUSED),
        "check-alice",
        before=(Earlier(on("/orders/7", token(sub="bob-77aa")), 401),),
    ),
    Case("load-user", on("/orders/7", GOOD), AS_ALICE, "load-user"),
    Case("load-user-none", on("/orders/7", GOOD), refused(Reason.USER_REFUSED), "load-user-none"),
    Case("load-user-raises", on("/orders/7", GOOD), refused(Reason.USER_REFUSED), "load-user-raises"),
    Case("kid-of-no-key-is-invalid-token", on("/any-token", token(RSA, {"kid": "no-such"})), invalid(), "requirements"),
]
