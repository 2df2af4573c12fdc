"""Whose token it is, and for whom: RFC 9068 section 4, RFC 8725 sections 3.8 to 3.12."""

from __future__ import annotations

from typing import Any

from jwtmw.decision import Reason
from tests.conformance.keys import RSA, RSA_PARTNER
from tests.conformance.schema import Case, Earlier, Expect, bearer, get, invalid, passes, refused
from tests.conformance.tokens import ALICE, AUDIENCE, CORP, DROP, GOOD, NOW, PARTNER, PARTNERS, Raw, partner, token

ISSUER = refused(Reason.ISSUER_UNKNOWN)
AUDIENCES = refused(Reason.AUDIENCE_MISMATCH)
TYPE = refused(Reason.TYPE_REFUSED)
SIGNATURE = refused(Reason.SIGNATURE_INVALID)
CLAIMS = refused(Reason.CLAIMS_MALFORMED)
AS_ALICE = passes(ALICE)

UNKNOWN_ISSUERS = {
    "other": "https://attacker.example/",
    "no-slash": CORP.rstrip("/"),
    "two-slashes": CORP + "/",
    "upper-case": CORP.upper(),
    "http": CORP.replace("https", "http"),
    "port": CORP.replace(".example", ".example:443"),
    "userinfo": CORP.replace("https://", "https://x@"),
    "query": CORP + "?",
    "fragment": CORP + "#",
    "dot-segment": CORP + "./",
    "percent-encoded": CORP.replace("corp", "c%6Frp"),
    "leading-blank": " " + CORP,
    "trailing-blank": CORP + " ",
    "prefix": CORP[:-3],
    "longer": CORP + "evil",
    "homoglyph": CORP.replace("corp", "cоrp"),
    "the-name": "corp",
    "joined": CORP + "," + PARTNER,
    "loopback": "http://127.0.0.1:1/",
    "file": "file:///etc/passwd",
}
WRONG_AUDIENCES: dict[str, Any] = {
    "other": "billing",
    "others": ["billing", "stock"],
    "upper-case": "ORDERS-SERVICE",
    "trailing-blank": "orders-service ",
    "leading-blank": " orders-service",
    "trailing-slash": "orders-service/",
    "homoglyph": "оrders-service",
    "percent-encoded": "orders%2Dservice",
    "prefix": "orders",
    "longer": "orders-service-2",
    "joined": "orders-service,billing",
    "blank-separated": "orders-service billing",
    "star": "*",
    "client-id-of-an-id-token": "shop",
    "issuer-itself": CORP,
}
TYPES: dict[str, tuple[Any, Expect]] = {
    "at-jwt": ("at+jwt", AS_ALICE),
    "jwt": ("JWT", AS_ALICE),
    "absent": (DROP, AS_ALICE),
    "at-jwt-upper-case": ("AT+JWT", AS_ALICE),
    "jwt-lower-case": ("jwt", AS_ALICE),
    "application-at-jwt": ("application/at+jwt", AS_ALICE),
    "application-at-jwt-upper-case": ("Application/AT+JWT", AS_ALICE),
    "application-jwt": ("application/jwt", AS_ALICE),
    "blank-around": (" at+jwt ", TYPE),
    "trailing-blank": ("JWT ", TYPE),
    "id-token": ("id+jwt", TYPE),
    "dpop": ("dpop+jwt", TYPE),
    "logout": ("logout+jwt", TYPE),
    "secevent": ("secevent+jwt", TYPE),
    "authorisation-request": ("oauth-authz-req+jwt", TYPE),
    "introspection": ("token-introspection+jwt", TYPE),
    "client-authentication": ("client-authentication+jwt", TYPE),
    "sd-jwt": ("vc+sd-jwt", TYPE),
    "dc-sd-jwt": ("dc+sd-jwt", TYPE),
    "entity-statement": ("entity-statement+jwt", TYPE),
    "jwe": ("JWE", TYPE),
    "jose-json": ("JOSE+JSON", TYPE),
    "application-twice": ("application/application/jwt", TYPE),
    "parameters": ("at+jwt; charset=utf-8", TYPE),
    "text": ("text/jwt", TYPE),
}
STRICT_TYPES: dict[str, tuple[Any, Expect]] = {
    "at-jwt": ("at+jwt", AS_ALICE),
    "application-at-jwt": ("application/at+jwt", AS_ALICE),
    "at-jwt-upper-case": ("AT+jwt", AS_ALICE),
    "jwt": ("JWT", TYPE),
    "absent": (DROP, TYPE),
    "list": (["at+jwt"], refused(Reason.HEADER_REFUSED)),
}
CLIENT_STANDS_IN: dict[str, tuple[bytes, Expect]] = {
    "client-alone": (token(aud=DROP, client_id=AUDIENCE), AS_ALICE),
    "another-client": (token(aud=DROP, client_id="shop"), AUDIENCES),
    "azp-is-no-client-id": (token(aud=DROP, azp=AUDIENCE), AUDIENCES),
    "aud-wrong-client-right": (token(aud="billing", client_id=AUDIENCE), AUDIENCES),
    "aud-empty-client-right": (token(aud=[], client_id=AUDIENCE), AUDIENCES),
    "aud-null-client-right": (token(aud=None, client_id=AUDIENCE), CLAIMS),
    "aud-right-client-wrong": (token(client_id="shop"), AS_ALICE),
    "client-list": (token(aud=DROP, client_id=[AUDIENCE]), CLAIMS),
    "neither": (token(aud=DROP), AUDIENCES),
}
CROSS: dict[str, tuple[bytes, Expect]] = {
    "corp-good": (GOOD, AS_ALICE),
    "partner-good": (PARTNERS, AS_ALICE),
    "corp-key-partner-iss": (token(RSA, iss=PARTNER, aud="partner-orders"), invalid()),
    "partner-key-corp-iss": (token(RSA_PARTNER), invalid()),
    "corp-key-partner-iss-partner-kid": (
        token(RSA, {"kid": RSA_PARTNER.kid}, iss=PARTNER, aud="partner-orders"),
        SIGNATURE,
    ),
    "partner-key-corp-iss-corp-kid": (token(RSA_PARTNER, {"kid": RSA.kid}), SIGNATURE),
    "corp-iss-partner-audience": (token(aud="partner-orders"), AUDIENCES),
    "partner-iss-corp-audience": (partner(aud=AUDIENCE), AUDIENCES),
    "corp-with-both-audiences": (token(aud=["partner-orders", AUDIENCE]), AS_ALICE),
    "neither": (token(iss="https://attacker.example/"), ISSUER),
    "iss-missing": (token(iss=DROP), ISSUER),
    "iss-list-of-both": (token(iss=[CORP, PARTNER]), CLAIMS),
}
CASES = [
    *(Case(f"iss-{name}", get(bearer(token(iss=value))), ISSUER) for name, value in UNKNOWN_ISSUERS.items()),
    Case("iss-missing", get(bearer(token(iss=DROP))), ISSUER),
    Case("iss-in-capitals-only", get(bearer(token(iss=DROP, ISS=CORP))), ISSUER),
    Case("iss-unknown-and-expired", get(bearer(token(iss="https://x.example", exp=NOW - 99, iat=DROP))), ISSUER),
    *(Case(f"aud-{name}", get(bearer(token(aud=value))), AUDIENCES) for name, value in WRONG_AUDIENCES.items()),
    Case("aud-missing", get(bearer(token(aud=DROP))), AUDIENCES),
    Case("aud-in-capitals-only", get(bearer(token(aud=DROP, AUD=AUDIENCE))), AUDIENCES),
    Case("aud-client-id-does-not-stand-in", get(bearer(token(aud=DROP, client_id=AUDIENCE))), AUDIENCES),
    Case("aud-azp-does-not-stand-in", get(bearer(token(aud="billing", azp=AUDIENCE))), AUDIENCES),
    Case("aud-text", get(bearer(token(aud=AUDIENCE))), AS_ALICE),
    Case("aud-list-of-one", get(bearer(token(aud=[AUDIENCE]))), AS_ALICE),
    Case("aud-list-of-many", get(bearer(token(aud=["billing", AUDIENCE, "stock"]))), AS_ALICE),
    Case("aud-list-of-200", get(bearer(token(aud=[*(f"a{i}" for i in range(200)), AUDIENCE]))), AS_ALICE),
    Case("aud-first-of-two-configured", get(bearer(GOOD)), AS_ALICE, "two-audiences"),
    Case("aud-second-of-two-configured", get(bearer(token(aud="back-office"))), AS_ALICE, "two-audiences"),
    Case("aud-neither-of-two-configured", get(bearer(token(aud="billing"))), AUDIENCES, "two-audiences"),
    Case("aud-not-required-missing", get(bearer(token(aud=DROP))), AS_ALICE, "any-audience"),
    Case("aud-not-required-other", get(bearer(token(aud="billing"))), AS_ALICE, "any-audience"),
    Case("aud-not-required-still-typed", get(bearer(token(aud=7))), CLAIMS, "any-audience"),
    Case("aud-not-required-null", get(bearer(token(aud=None))), CLAIMS, "any-audience"),
    *(
        Case(f"aud-client-id-{name}", get(bearer(made)), expect, "client-id-as-audience")
        for name, (made, expect) in CLIENT_STANDS_IN.items()
    ),
    *(Case(f"typ-{name}", get(bearer(token(RSA, {"typ": value}))), expect) for name, (value, expect) in TYPES.items()),
    *(
        Case(f"typ-strict-{name}", get(bearer(token(RSA, {"typ": value}))), expect, "access-tokens-only")
        for name, (value, expect) in STRICT_TYPES.items()
    ),
    Case("typ-own", get(bearer(token(RSA, {"typ": "orders+jwt"}))), AS_ALICE, "own-type"),
    Case("typ-own-refuses-at-jwt", get(bearer(GOOD)), TYPE, "own-type"),
    *(Case(f"two-issuers-{name}", get(bearer(made)), expect, "two-issuers") for name, (made, expect) in CROSS.items()),
    Case("same-kid-corp", get(bearer(token(RSA, {"kid": "shared"}))), AS_ALICE, "same-kid-two-issuers"),
    Case(
        "same-kid-partner",
        get(bearer(token(RSA_PARTNER, {"kid": "shared"}, iss=PARTNER, aud="partner-orders"))),
        AS_ALICE,
        "same-kid-two-issuers",
    ),
    Case(
        "same-kid-crossed",
        get(bearer(token(RSA_PARTNER, {"kid": "shared"}))),
        SIGNATURE,
        "same-kid-two-issuers",
    ),
    Case(
        "same-kid-crossed-after-both-were-seen",
        get(bearer(token(RSA, {"kid": "shared"}, iss=PARTNER, aud="partner-orders"))),
        SIGNATURE,
        "same-kid-two-issuers",
        before=(
            Earlier(get(bearer(token(RSA, {"kid": "shared"}))), 200),
            Earlier(get(bearer(token(RSA_PARTNER, {"kid": "shared"}, iss=PARTNER, aud="partner-orders"))), 200),
        ),
    ),
    Case("no-issuer-token-without-iss", get(bearer(token(iss=DROP))), AS_ALICE, "no-issuer"),
    Case("no-issuer-token-with-some-iss", get(bearer(token(iss="https://attacker.example/"))), ISSUER, "no-issuer"),
    Case("no-issuer-iss-null", get(bearer(token(iss=None))), CLAIMS, "no-issuer"),
    Case("no-issuer-iss-empty", get(bearer(token(iss=""))), CLAIMS, "no-issuer"),
    Case("no-issuer-name-is-no-iss", get(bearer(token(iss="legacy"))), invalid(), "no-issuer"),
    Case("no-issuer-signature-still-counts", get(bearer(token(RSA_PARTNER, iss=DROP))), invalid(), "no-issuer"),
    Case("issuer-optional-without", get(bearer(token(iss=DROP))), AS_ALICE, "issuer-optional"),
    Case("issuer-optional-with", get(bearer(GOOD)), AS_ALICE, "issuer-optional"),
    Case("issuer-optional-with-another", get(bearer(token(iss="https://x.example"))), ISSUER, "issuer-optional"),
    Case("iss-escaped-is-the-same", get(bearer(token(iss=Raw('"https:\\/\\/id.corp.example\\/"')))), AS_ALICE),
    Case("references-good", get(bearer(GOOD)), AS_ALICE, "references"),
    Case("references-aud-other", get(bearer(token(aud="$ENV://CONFORMANCE_AUDIENCE"))), AUDIENCES, "references"),
]
