"""Internal tokens: each door takes its own, and neither takes the other's, whatever they say of themselves."""

from __future__ import annotations

from typing import Any

from jwtmw.decision import Reason
from jwtmw.token.principal import Principal
from tests.conformance.keys import RSA
from tests.conformance.minted import GATEWAY, INSIDE, inner, passed_on
from tests.conformance.schema import (
    ANONYMOUS,
    Case,
    Earlier,
    Expect,
    bearer,
    get,
    insufficient,
    invalid,
    passes,
    refused,
)
from tests.conformance.tokens import ALICE, AUDIENCE, CORP, DROP, GOOD, NOW, token

ISSUER, AUDIENCES = refused(Reason.ISSUER_UNKNOWN), refused(Reason.AUDIENCE_MISMATCH)
TYPE, EXPIRED = refused(Reason.TYPE_REFUSED), refused(Reason.EXPIRED)
NOT_HERE = refused(Reason.ROUTE_ISSUER)
AS_ALICE = passes(ALICE)

INNER = inner()
CLERK = token(scope="stock:read", roles=["clerk"])
SHORT = inner(token(exp=NOW + 60))
GREEDY: dict[str, Any] = {
    "sub": "root",
    "iss": CORP,
    "aud": AUDIENCE,
    "exp": NOW + 9999,
    "client_id": "root",
    "jti": "x",
}


def forged(**claims: Any) -> bytes:
    """An internal token that the public issuer has signed."""
    return token(RSA, iss=GATEWAY, **({"aud": INSIDE} | claims))


# At the door of a service behind.
WITHIN: dict[str, tuple[bytes, Expect]] = {
    "internal": (INNER, AS_ALICE),
    "public": (GOOD, ISSUER),
    "public-for-the-inner-audience": (token(aud=INSIDE), ISSUER),
    "other-audience": (inner(audience="billing"), AUDIENCES),
    "audience-of-the-public-door": (inner(audience=AUDIENCE), AUDIENCES),
    "one-of-two-audiences": (inner(audience=["billing", INSIDE]), AS_ALICE),
    "neither-of-two-audiences": (inner(audience=["billing", "stock"]), AUDIENCES),
    "another-gateway": (inner(issuer="https://gateway.example"), ISSUER),
    "gateway-with-a-slash": (inner(issuer=GATEWAY + "/"), ISSUER),
    "gateway-in-capitals": (inner(issuer=GATEWAY.upper()), ISSUER),
    "signed-by-the-public-issuer": (forged(), invalid()),
    "signed-by-the-public-issuer-under-the-gateways-kid": (
        token(RSA, {"kid": "key-of-gateway-p256"}, iss=GATEWAY, aud=INSIDE),
        invalid(),
    ),
    "public-issuer-by-the-gateways-key": (inner(issuer=CORP), ISSUER),
    "passed-on": (passed_on(INNER), AS_ALICE),
    "passed-on-twice": (passed_on(passed_on(INNER)), AS_ALICE),
    "greedy-loader": (inner(load=lambda _: GREEDY), AS_ALICE),
    "without-a-subject": (inner(token(sub=DROP, client_id="shop")), passes()),
    "anonymous": (inner(Principal(), anonymous=True), passes()),
}
# At the door outside, where the policy knows the public issuer only.
OUTSIDE: dict[str, tuple[bytes, Expect]] = {
    "public": (GOOD, AS_ALICE),
    "internal": (INNER, ISSUER),
    "internal-for-the-public-audience": (inner(audience=AUDIENCE), ISSUER),
    "internal-for-both": (inner(audience=[AUDIENCE, INSIDE]), ISSUER),
    "internal-by-the-public-issuers-name": (inner(issuer=CORP, audience=AUDIENCE), invalid()),
    "greedy-loader": (inner(load=lambda _: GREEDY), ISSUER),
}
# One service with both doors, each under paths of its own.
BOTH: dict[str, tuple[bytes, bytes, Expect]] = {
    "internal-inside": (b"/inside/7", INNER, AS_ALICE),
    "public-outside": (b"/orders/7", GOOD, AS_ALICE),
    "public-inside": (b"/inside/7", GOOD, NOT_HERE),
    "internal-outside": (b"/orders/7", INNER, NOT_HERE),
    "internal-for-the-public-audience": (b"/orders/7", inner(audience=AUDIENCE), AUDIENCES),
    "public-for-the-inner-audience": (b"/inside/7", token(aud=INSIDE), AUDIENCES),
    "forged-inside": (b"/inside/7", forged(), invalid()),
    "forged-outside": (b"/orders/7", inner(issuer=CORP, audience=AUDIENCE), invalid()),
}
CASES = [
    *(Case(f"inner-door-{name}", get(bearer(made)), expect, "inner-door") for name, (made, expect) in WITHIN.items()),
    *(Case(f"public-door-{name}", get(bearer(made)), expect) for name, (made, expect) in OUTSIDE.items()),
    *(
        Case(f"both-doors-{name}", get(bearer(made), target=target), expect, "both-doors")
        for name, (target, made, expect) in BOTH.items()
    ),
    Case("inner-door-scopes-are-the-callers", get(bearer(inner(CLERK)), target=b"/scopes/one"), AS_ALICE, "inner-door"),
    Case("inner-door-roles-are-the-callers", get(bearer(inner(CLERK)), target=b"/roles/one"), AS_ALICE, "inner-door"),
    *(
        Case(
            f"inner-door-{name}-is-not-the-loaders",
            get(bearer(inner(load=lambda _, claims=claims: claims)), target=target),
            expect,
            "inner-door",
        )
        for name, target, claims, expect in (
            (
                "scope",
                b"/scopes/one",
                {"scope": "stock:read", "scp": ["stock:read"]},
                insufficient(Reason.SCOPE_MISSING, b"stock:read"),
            ),
            ("role", b"/roles/one", {"roles": ["clerk"]}, insufficient(Reason.ROLE_MISSING)),
        )
    ),
    Case("inner-door-public-route", get(bearer(GOOD), target=b"/open/7"), passes(ANONYMOUS), "inner-door"),
    Case("inner-door-optional-route", get(bearer(GOOD), target=b"/maybe"), ISSUER, "inner-door"),
    Case("inner-door-websocket", get(bearer(INNER), target=b"/chat", websocket=True), AS_ALICE, "inner-door"),
    Case("inner-door-websocket-public", get(bearer(GOOD), target=b"/chat", websocket=True), ISSUER, "inner-door"),
    Case("inner-door-as-long-as-the-public-token", get(bearer(SHORT)), AS_ALICE, "inner-door", at=89.0, fresh=True),
    Case("inner-door-no-longer-than-the-public-token", get(bearer(SHORT)), EXPIRED, "inner-door", at=90.0, fresh=True),
    Case(
        "inner-door-seen-and-expired",
        get(bearer(SHORT)),
        EXPIRED,
        "inner-door",
        at=90.0,
        before=(Earlier(get(bearer(SHORT)), 200),),
        fresh=True,
    ),
    Case("inner-door-own-type", get(bearer(inner(typ="inner+jwt"))), AS_ALICE, "inner-door-own-type"),
    Case("inner-door-other-type", get(bearer(INNER)), TYPE, "inner-door-own-type"),
    Case("public-door-own-type", get(bearer(inner(typ="inner+jwt"))), invalid()),
]
