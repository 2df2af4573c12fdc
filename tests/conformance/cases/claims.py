"""Registered claims and their types, subjects, scopes, roles, required and binding claims: RFC 7519, 9068, 8725."""

from __future__ import annotations

from typing import Any

from jwtmw.decision import Reason
from tests.conformance.keys import RSA
from tests.conformance.schema import Case, Expect, bearer, get, insufficient, invalid, passes, refused
from tests.conformance.tokens import ALICE, DROP, NOW, Raw, token

CLAIMS = refused(Reason.CLAIMS_MALFORMED)
JSON = refused(Reason.TOKEN_JSON)
SUBJECT = refused(Reason.SUBJECT_REFUSED)
REQUIRED = refused(Reason.CLAIM_REQUIRED)
UNBOUND = refused(Reason.PROOF_MISSING)
AS_ALICE = passes(ALICE)
NO_SCOPE = insufficient(Reason.SCOPE_MISSING, b"stock:read")
NO_ROLE = insufficient(Reason.ROLE_MISSING)

WRONG_TYPES = {"number": 7, "float": 1.5, "true": True, "null": None, "list": ["a"], "object": {"a": "b"}}
TEXTS = ("iss", "sub", "jti", "client_id")
ODD_TEXTS = {
    "nul": Raw(r'"a\u0000b"'),
    "line-feed": "a\nb",
    "carriage-return": "a\r\nX-Admin: 1",
    "escape": Raw(r'"a\u001b[2Jb"'),
    "delete": "a\x7fb",
    "c1-control": "a\x85b",
    "bidi-override": "a\u202eb",
    "bidi-isolate": "a\u2067b",
}
AUDIENCES = {
    "empty": "",
    "number": 7,
    "true": True,
    "null": None,
    "object": {"orders-service": 1},
    "list-with-number": ["orders-service", 1],
    "list-with-null": ["orders-service", None],
    "list-of-list": [["orders-service"]],
    "list-with-empty": ["orders-service", ""],
}
SCOPES: dict[str, tuple[dict[str, Any], Expect]] = {
    "text": ({"scope": "stock:read"}, AS_ALICE),
    "text-among-others": ({"scope": "openid stock:read profile"}, AS_ALICE),
    "text-twice": ({"scope": "stock:read stock:read"}, AS_ALICE),
    "text-two-spaces": ({"scope": "openid  stock:read"}, AS_ALICE),
    "list": ({"scope": ["openid", "stock:read"]}, AS_ALICE),
    "scp-list": ({"scp": ["stock:read"]}, AS_ALICE),
    "scp-text": ({"scp": "openid stock:read"}, AS_ALICE),
    "none": ({}, NO_SCOPE),
    "empty": ({"scope": ""}, NO_SCOPE),
    "empty-list": ({"scope": []}, NO_SCOPE),
    "scope-wins-over-scp": ({"scope": "openid", "scp": ["stock:read"]}, NO_SCOPE),
    "empty-scope-wins-over-scp": ({"scope": "", "scp": ["stock:read"]}, NO_SCOPE),
    "other": ({"scope": "stock:write"}, NO_SCOPE),
    "substring": ({"scope": "nostock:read"}, NO_SCOPE),
    "prefix": ({"scope": "stock:readall"}, NO_SCOPE),
    "upper-case": ({"scope": "STOCK:READ"}, NO_SCOPE),
    "tab-separated": ({"scope": "openid\tstock:read"}, NO_SCOPE.but(reason=None)),
    "line-separated": ({"scope": "openid\nstock:read"}, NO_SCOPE.but(reason=None)),
    "comma-separated": ({"scope": "openid,stock:read"}, NO_SCOPE),
    "no-break-space": ({"scope": "openid\u00a0stock:read"}, NO_SCOPE),
    "list-element-not-split": ({"scope": ["openid stock:read"]}, NO_SCOPE),
    "homoglyph": ({"scope": "ѕtock:read"}, NO_SCOPE),
    "wildcard": ({"scope": "stock:*"}, NO_SCOPE),
    "permissions-not-configured": ({"permissions": ["stock:read"]}, NO_SCOPE),
    "number": ({"scope": 7}, CLAIMS),
    "true": ({"scope": True}, CLAIMS),
    "null": ({"scope": None}, CLAIMS),
    "object": ({"scope": {"stock:read": True}}, CLAIMS),
    "list-with-number": ({"scope": ["stock:read", 1]}, CLAIMS),
    "list-with-list": ({"scope": [["stock:read"]]}, CLAIMS),
    "scp-number": ({"scp": 7}, NO_SCOPE),
    "scp-object": ({"scp": {"stock:read": 1}}, NO_SCOPE),
    "hundreds": ({"scope": " ".join(f"s{i}" for i in range(900)) + " stock:read"}, AS_ALICE),
}
ROLES: dict[str, tuple[dict[str, Any], Expect]] = {
    "list": ({"roles": ["clerk", "auditor"]}, AS_ALICE),
    "more": ({"roles": ["a", "auditor", "clerk"]}, AS_ALICE),
    "one-of-two": ({"roles": ["clerk"]}, NO_ROLE),
    "none": ({}, NO_ROLE),
    "empty": ({"roles": []}, NO_ROLE),
    "text-is-one-role": ({"roles": "clerk auditor"}, NO_ROLE),
    "number": ({"roles": 7}, NO_ROLE),
    "object": ({"roles": {"clerk": 1, "auditor": 1}}, NO_ROLE),
    "null": ({"roles": None}, NO_ROLE),
    "scopes-are-no-roles": ({"scope": "clerk auditor"}, NO_ROLE),
    "nested-not-configured": ({"realm_access": {"roles": ["clerk", "auditor"]}}, NO_ROLE),
}
NESTED: dict[str, tuple[dict[str, Any], Expect]] = {
    "dotted-path": ({"realm_access": {"roles": ["clerk"]}}, AS_ALICE),
    "whole-name": ({"realm_access.roles": ["clerk"]}, AS_ALICE),
    "whole-name-first": ({"realm_access.roles": ["other"], "realm_access": {"roles": ["clerk"]}}, NO_ROLE),
    "text": ({"realm_access": {"roles": "clerk"}}, AS_ALICE),
    "parent-a-text": ({"realm_access": "clerk"}, NO_ROLE),
    "parent-a-list": ({"realm_access": [{"roles": ["clerk"]}]}, NO_ROLE),
    "parent-null": ({"realm_access": None}, NO_ROLE),
    "flat": ({"roles": ["clerk"]}, NO_ROLE),
}
SUBJECTS: dict[str, tuple[Any, Expect]] = {
    "prefix": ("spiffe://td/orders", passes("spiffe://td/orders")),
    "prefix-deep": ("spiffe://td/ns/orders/1", passes("spiffe://td/ns/orders/1")),
    "exact": ("service-account", passes("service-account")),
    "other": (ALICE, SUBJECT),
    "other-trust-domain": ("spiffe://td2/orders", SUBJECT),
    "prefix-in-the-middle": ("x-spiffe://td/orders", SUBJECT),
    "upper-case": ("SPIFFE://td/orders", SUBJECT),
    "exact-with-more": ("service-account-2", SUBJECT),
    "exact-with-blank": ("service-account ", SUBJECT),
    "a-star": ("spiffe://*", SUBJECT),
    "missing": (DROP, SUBJECT),
}
CASES = [
    *(
        Case(f"claim-{name}-{kind}", get(bearer(token(**{name: value}))), CLAIMS)
        for name in TEXTS
        for kind, value in WRONG_TYPES.items()
    ),
    *(Case(f"claim-{name}-empty", get(bearer(token(**{name: ""}))), CLAIMS) for name in TEXTS),
    *(
        Case(f"claim-{name}-with-{kind}", get(bearer(token(**{name: value}))), CLAIMS)
        for name in ("sub", "jti", "client_id")
        for kind, value in ODD_TEXTS.items()
    ),
    Case("claim-iss-with-line-feed", get(bearer(token(iss="https://id.corp.example/\r\n"))), CLAIMS.but(reason=None)),
    Case("claim-sub-lone-surrogate", get(bearer(token(sub=Raw(r'"\ud800"')))), JSON),
    *(Case(f"claim-aud-{kind}", get(bearer(token(aud=value))), CLAIMS) for kind, value in AUDIENCES.items()),
    Case("claim-aud-empty-list", get(bearer(token(aud=[]))), invalid()),
    Case("claim-sub-of-255", get(bearer(token(sub="s" * 255))), passes("s" * 255)),
    Case("claim-sub-of-256", get(bearer(token(sub="s" * 256))), CLAIMS),
    Case("claim-sub-any-script", get(bearer(token(sub="Ζωή-李-Ünsal"))), passes("Ζωή-李-Ünsal")),
    Case("claim-sub-missing", get(bearer(token(sub=DROP))), passes()),
    Case("claim-jti-missing", get(bearer(token(jti=DROP))), AS_ALICE),
    Case("claim-client-id", get(bearer(token(client_id="shop"))), AS_ALICE),
    Case("claim-azp", get(bearer(token(azp="shop"))), AS_ALICE),
    Case("claim-cnf-jkt", get(bearer(token(cnf={"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}))), UNBOUND),
    Case("claim-cnf-x5t", get(bearer(token(cnf={"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}))), UNBOUND),
    Case("claim-cnf-jwk", get(bearer(token(cnf={"jwk": RSA.jwk()}))), UNBOUND),
    Case("claim-cnf-unknown-method", get(bearer(token(cnf={"x": 1}))), UNBOUND),
    Case("claim-cnf-empty", get(bearer(token(cnf={}))), UNBOUND),
    Case("claim-cnf-text", get(bearer(token(cnf="jkt"))), UNBOUND.but(reason=None)),
    Case(
        "claim-cnf-with-dpop-scheme",
        get((b"authorization", b"DPoP " + token(cnf={"jkt": "x"}))),
        refused(Reason.TOKEN_MISSING),
    ),
    *(
        Case(f"scope-{name}", get(bearer(token(**claims)), target=b"/scopes/one"), expect, "requirements")
        for name, (claims, expect) in SCOPES.items()
    ),
    *(
        Case(f"roles-{name}", get(bearer(token(**claims)), target=b"/roles/all"), expect, "requirements")
        for name, (claims, expect) in ROLES.items()
    ),
    *(
        Case(f"roles-nested-{name}", get(bearer(token(**claims)), target=b"/roles/all"), expect, "nested-roles")
        for name, (claims, expect) in NESTED.items()
    ),
    Case(
        "scope-claim-configured",
        get(bearer(token(permissions=["stock:read"])), target=b"/scopes/one"),
        AS_ALICE,
        "permissions",
    ),
    Case(
        "scope-claim-configured-alone",
        get(bearer(token(scope="stock:read")), target=b"/scopes/one"),
        NO_SCOPE,
        "permissions",
    ),
    *(
        Case(f"scp-first-{name}", get(bearer(token(**claims)), target=b"/scopes/one"), expect, "scp-first")
        for name, claims, expect in (
            ("wins", {"scp": ["stock:read"], "scope": "openid"}, AS_ALICE),
            ("wins-though-it-has-less", {"scp": ["openid"], "scope": "stock:read"}, NO_SCOPE),
            ("falls-back", {"scope": "stock:read"}, AS_ALICE),
        )
    ),
    Case("scope-number-refuses-everywhere", get(bearer(token(scope=7))), CLAIMS),
    Case("scope-null-refuses-everywhere", get(bearer(token(scope=None))), CLAIMS),
    *(
        Case(f"subject-{name}", get(bearer(token(sub=value))), expect, "subjects")
        for name, (value, expect) in SUBJECTS.items()
    ),
    Case("required-claims-there", get(bearer(token(department="sales"))), AS_ALICE, "required-claims"),
    Case("required-claims-falsy", get(bearer(token(department=0))), AS_ALICE, "required-claims"),
    Case("required-claim-missing", get(bearer(token())), REQUIRED, "required-claims"),
    Case("required-sub-missing", get(bearer(token(sub=DROP, department="x"))), REQUIRED, "required-claims"),
    Case("required-jti-missing", get(bearer(token(jti=DROP, department="x"))), REQUIRED, "required-claims"),
    Case("required-iat-missing", get(bearer(token(iat=DROP, department="x"))), REQUIRED, "required-claims"),
    Case("required-claim-other-case", get(bearer(token(Department="x"))), REQUIRED, "required-claims"),
    Case(
        "required-claims-and-expired",
        get(bearer(token(exp=NOW - 40, iat=NOW - 99))),
        refused(Reason.EXPIRED),
        "required-claims",
    ),
]
