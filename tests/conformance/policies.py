"""The policies of the world, by name, as plain mappings.

Owns: `POLICIES`. `{key-server}` in a text stands for the address of the world's own key server.
Must never know: jwtmw's classes: what stands here could stand in a TOML file, but for the three callables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.conformance.consumers import policies as consumer_policies
from tests.conformance.keys import EC256, EC384, EC521, ED25519, RSA, RSA_NEXT, RSA_PARTNER, SECRET_TEXT
from tests.conformance.minted import policies as minted_policies
from tests.conformance.tokens import AUDIENCE, CORP, NOW, PARTNER

CORP_KEYS = [key.jwk() for key in (RSA, RSA_NEXT, EC256, EC384, EC521, ED25519)]


@dataclass(frozen=True, slots=True)
class Spec:
    """One policy: its configuration, the environment in which it is read, and what only Python can give.

    `revoked` is what its deny-list is given, each as the arguments of `policy.revocations.revoke`.
    """

    keys: Mapping[str, Any]
    env: Mapping[str, str] = field(default_factory=dict)
    python: Mapping[str, Any] = field(default_factory=dict)
    revoked: tuple[Mapping[str, Any], ...] = ()


def corp(**keys: Any) -> dict[str, Any]:
    """The first issuer; None leaves a key out."""
    base = {"name": "corp", "issuer": CORP, "audience": [AUDIENCE], "jwks": {"keys": CORP_KEYS}}
    return {key: value for key, value in (base | keys).items() if value is not None}


def other(**keys: Any) -> dict[str, Any]:
    """The second issuer."""
    base = {"name": "partner", "issuer": PARTNER, "audience": ["partner-orders"], "jwks": {"keys": [RSA_PARTNER.jwk()]}}
    return {key: value for key, value in (base | keys).items() if value is not None}


def spec(*issuers: Mapping[str, Any], env: Mapping[str, str] | None = None, **keys: Any) -> Spec:
    return Spec({"issuers": list(issuers) or [corp()], **keys}, env or {})


def keyed(**source: Any) -> Spec:
    """The first issuer with other keys."""
    return spec(corp(**({"jwks": None} | source)))


def remote(path: str, **keys: Any) -> Spec:
    return keyed(jwks_url="{key-server}/" + path, **keys)


def asked(path: str, **keys: Any) -> Spec:
    """The first issuer, asked about each token."""
    issuer = corp(jwks=None, introspection={"url": "{key-server}/" + path, "token": "word"})
    return spec(issuer, **keys)


def rule(path: str, *methods: str, **keys: Any) -> dict[str, Any]:
    return {"path": path, **({"methods": list(methods)} if methods else {}), **keys}


OPEN, DENY, OPTIONAL = {"allow": "public"}, {"allow": "deny"}, {"allow": "optional"}
# A store at which nothing listens.
AWAY = {"store": "redis", "url": "redis://127.0.0.1:9/0"}
READS = {"scopes": ["stock:read"]}

REQUIREMENTS = [
    rule("/open/**", **OPEN),
    rule("/maybe", **OPTIONAL),
    rule("/maybe/reads", **OPTIONAL, **READS),
    rule("/closed/**", **DENY),
    rule("/any-token"),
    rule("/scopes/one", **READS),
    rule("/scopes/all", scopes=["stock:read", "stock:write"]),
    rule("/scopes/any", any_scope=["stock:read", "stock:admin"]),
    rule("/scopes/both", scopes=["stock:read"], any_scope=["stock:count", "stock:admin"]),
    rule("/scopes/and-role", scopes=["stock:read"], roles=["clerk"]),
    rule("/roles/all", roles=["clerk", "auditor"]),
    rule("/roles/any", any_role=["clerk", "auditor"]),
    rule("/claims/client", claims={"client_id": ["shop", "kiosk"]}),
    rule("/claims/two", claims={"client_id": "shop", "level": 1}),
    rule("/claims/one", claims={"level": 1}),
    rule("/claims/true", claims={"level": True}),
    rule("/claims/float", claims={"level": 1.5}),
    rule("/claims/text", claims={"level": "1"}),
    rule("/claims/nested", claims={"realm.tier": "gold"}),
    rule("/issuers/corp", issuers=["corp"]),
    rule("/issuers/partner", issuers=["partner"]),
    rule("/issuers/both", issuers=["corp", "partner"]),
    rule("/issuers/and-scope", issuers=["partner"], scopes=["stock:read"]),
    rule("/audience/back-office", audience=["back-office"]),
    rule("/audience/and-scope", audience=["back-office"], scopes=["stock:read"]),
    rule("/either", any_of=[{"scopes": ["stock:read"]}, {"roles": ["clerk"]}]),
    rule("/either/scopes", any_of=[{"scopes": ["stock:read", "stock:count"]}, {"any_scope": ["stock:admin"]}]),
    rule("/either/issuer-or-scope", any_of=[{"issuers": ["partner"]}, {"scopes": ["stock:admin"]}]),
    rule("/either/issuer-or-audience", any_of=[{"issuers": ["partner"]}, {"audience": ["back-office"]}]),
    rule("/either/issuer-and-scope", any_of=[{"issuers": ["partner"], "scopes": ["stock:admin"]}]),
    rule("/either/and-scope", scopes=["stock:read"], any_of=[{"roles": ["clerk"]}, {"roles": ["auditor"]}]),
]

PATHS = [
    rule("/public/**", **OPEN),
    rule("/app/{page}", **OPEN),
    rule("/admin"),
    rule("/admin/**", scopes=["stock:admin"]),
    rule("/t/**", **DENY),
    rule("/t/{id}", **OPEN),
    rule("/t/new"),
    rule("/b/{x}/end", **OPEN),
    rule("/b/one/**", **DENY),
    rule("/c/one/end", **DENY),
    rule("/c/{x}/stop", **OPEN),
    rule("/m/one", "POST", **DENY),
    rule("/m/{x}", **OPEN),
    rule("/n/{x}", **DENY),
    rule("/n/{x}", "GET", **OPEN),
    rule("/p/{a}/{b}", **OPEN),
    rule("/p/{a}/**", **DENY),
    rule("/ordnung/größe", **OPEN),
    rule("/with space", **OPEN),
    rule("/v1.0/status", **OPEN),
    rule("/", **OPEN),
]

METHODS = [
    rule("/get-open", "GET", **OPEN),
    rule("/head-own", "GET", **OPEN),
    rule("/head-own", "HEAD", **DENY),
    rule("/post-open", "POST", **OPEN),
    rule("/head-open", "HEAD", **OPEN),
    rule("/options-open", "OPTIONS", **OPEN),
    rule("/purge", "PURGE"),
    rule("/report", "REPORT", **OPEN),
    rule("/both", **OPEN),
    rule("/both", "POST", "PUT", scopes=["stock:write"]),
    rule("/shut", **DENY),
]

PROOFS = [
    rule("/bound", body="sha-256"),
    rule("/bound/sha-512", body="sha-512"),
    rule("/bound/md5", body="md5"),
    rule("/bound/maybe", body="sha-256", **OPTIONAL),
    rule("/bound/reads", body="sha-256", **READS),
    rule("/bound/trial", body="sha-256", report_only=True),
    rule("/once", single_use=True),
    rule("/once/other", single_use=True),
    rule("/once/reads", single_use=True, **READS),
    rule("/once/trial", single_use=True, report_only=True),
    rule("/both", body="sha-256", single_use=True),
]
MODES = [rule("/open/**", **OPEN), rule("/closed/**", **DENY), rule("/scopes/one", **READS)]
TRIAL = [
    rule("/trial/scopes", **READS, report_only=True),
    rule("/trial/closed", **DENY, report_only=True),
    rule("/trial/any"),
]

MARKED = [
    rule("/ruled/token/marked-public"),
    rule("/ruled/token/marked-optional"),
    rule("/ruled/token/marked-reads"),
    rule("/ruled/writes/marked-reads", scopes=["stock:write"]),
    rule("/ruled/open/marked-reads", **OPEN),
    rule("/ruled/optional/marked-reads", **OPTIONAL),
    rule("/ruled/closed/marked-public", **DENY),
    rule("/ruled/closed/marked-reads", **DENY),
    rule("/ruled/open/marked-optional-reads", **OPEN),
]

HEADER = {"header": "Authorization", "scheme": "Bearer"}
COOKIE = {"cookie": "jwt"}
SHOP = "https://shop.example"
IDENTITY = {
    "X-Consumer-Username": "sub",
    "X-Client": "client_id",
    "X-Level": "level",
    "X-Groups": "groups",
    "X-Tier": "realm.tier",
}
PLACES = [HEADER, {"query": "jwt"}, {"subprotocol": "bearer"}]
EXPOSED = "the check failed on purpose"


def _raises(*_: Any) -> Any:
    raise RuntimeError(EXPOSED)


def _interpolated(problem: Any, request: Any) -> tuple[str, bytes]:
    return "text/plain; charset=utf-8", b"no: " + str(problem.status).encode()


POLICIES: dict[str, Spec] = {
    "default": spec(),
    # Where the token is.
    "x-auth": spec(token_from=[{"header": "X-Auth", "scheme": "Bearer"}]),
    "other-scheme": spec(token_from=[{"header": "Authorization", "scheme": "Token"}]),
    "raw-header": spec(token_from=[{"header": "JWT"}]),
    "raw-authorization": spec(token_from=[{"header": "Authorization"}]),
    "scheme-optional": spec(token_from=[HEADER | {"scheme_optional": True}]),
    "query": spec(token_from=[HEADER, {"query": "jwt"}]),
    "query-only": spec(token_from=[{"query": "jwt"}]),
    "two-headers": spec(token_from=[HEADER, {"header": "JWT"}]),
    "two-queries": spec(token_from=[{"query": "token"}, {"query": "secondary_token"}]),
    "own-places": spec(
        corp(token_from=[{"header": "X-Corp"}]), other(token_from=[{"header": "X-Partner"}]), token_from=[HEADER]
    ),
    "shared-place": spec(corp(token_from=[{"header": "X-Both"}]), other(token_from=[{"header": "X-Both"}])),
    "one-own-place": spec(corp(), other(token_from=[{"header": "X-Partner"}])),
    "subprotocol": spec(token_from=[HEADER, {"subprotocol": "bearer"}], rules=REQUIREMENTS[:2]),
    "small-tokens": spec(max_token_bytes=1024),
    # Cookies, and the proof that they need.
    "cookie": spec(token_from=[HEADER, COOKIE], origins=[SHOP, "http://127.0.0.1:8000"], rules=REQUIREMENTS[:3]),
    "cookie-only": spec(token_from=[COOKIE], origins=[SHOP]),
    "cookies": spec(token_from=[COOKIE, {"cookie": "session"}], origins=[SHOP]),
    "cookie-of-one-issuer": spec(corp(), other(token_from=[COOKIE]), origins=[SHOP]),
    "cookie-reported": spec(token_from=[COOKIE], origins=[SHOP], report_only=True),
    "cookie-marks": spec(token_from=[HEADER, COOKIE], origins=[SHOP]),
    # What the application is shown.
    "identity": spec(identity_headers=IDENTITY, rules=REQUIREMENTS[:2]),
    "identity-non-secure": spec(identity_headers=IDENTITY, secure=False),
    "identity-inbound-off": spec(identity_headers=IDENTITY, inbound=False),
    "identity-reported": spec(identity_headers=IDENTITY, report_only=True),
    "identity-places": spec(identity_headers=IDENTITY, token_from=[HEADER, COOKIE, {"query": "jwt"}], origins=[SHOP]),
    "hiding": spec(
        hide_credentials=True,
        token_from=[HEADER, {"header": "JWT"}, COOKIE, {"query": "jwt"}],
        origins=[SHOP],
        rules=REQUIREMENTS[:2],
    ),
    "hiding-identity": spec(hide_credentials=True, identity_headers=IDENTITY),
    "hiding-non-secure": spec(hide_credentials=True, secure=False),
    "not-hiding": spec(token_from=[HEADER, COOKIE, {"query": "jwt"}], origins=[SHOP]),
    # Algorithms and keys.
    "secret": keyed(secret=SECRET_TEXT),
    "secret-all": keyed(secret=SECRET_TEXT, algorithms=["HS256", "HS384", "HS512"]),
    "secret-base64": keyed(secret=SECRET_TEXT, secret_encoding="base64"),
    "rs256-only": spec(corp(algorithms=["RS256"])),
    "es256-only": spec(corp(algorithms=["ES256"])),
    "ed25519-only": spec(corp(algorithms=["Ed25519"])),
    "pem": keyed(public_key=RSA.pem()),
    "pem-p256": keyed(public_key=EC256.pem()),
    "pem-ed25519": keyed(public_key=ED25519.pem()),
    "jwk-alg": keyed(jwks={"keys": [RSA.jwk(alg="RS256"), EC256.jwk(alg="ES256", use="sig")]}),
    "jwk-alone": keyed(jwks={"keys": [RSA.jwk()]}),
    "jwk-alone-rs256": keyed(jwks={"keys": [RSA.jwk(alg="RS256")]}),
    "jwk-p256-alone": keyed(jwks={"keys": [EC256.jwk()]}),
    "jwk-ed25519-alg": keyed(jwks={"keys": [ED25519.jwk(alg="Ed25519")]}),
    "jwk-no-kid": keyed(jwks={"keys": [{k: v for k, v in RSA.jwk().items() if k != "kid"}, EC256.jwk()]}),
    "jwk-enc": keyed(jwks={"keys": [RSA.jwk(use="enc"), RSA_NEXT.jwk(key_ops=["encrypt"]), EC256.jwk(use="sig")]}),
    "jwk-verify": keyed(jwks={"keys": [RSA.jwk(key_ops=["verify"]), EC256.jwk()]}),
    "one-bad-key": keyed(jwks={"keys": [{"kty": "RSA", "kid": "broken"}, {"kty": "?"}, RSA.jwk(), EC256.jwk()]}),
    "same-kid-twice": keyed(jwks={"keys": [RSA.jwk(kid="twin"), RSA_NEXT.jwk(kid="twin"), EC256.jwk(kid="twin")]}),
    "four-keys": keyed(jwks={"keys": [RSA.jwk(kid=f"k{i}") for i in range(4)]}),
    "five-keys": keyed(jwks={"keys": [RSA_NEXT.jwk(kid=f"n{i}") for i in range(4)] + [RSA.jwk()]}),
    "same-kid-two-issuers": spec(
        corp(jwks={"keys": [RSA.jwk(kid="shared")]}), other(jwks={"keys": [RSA_PARTNER.jwk(kid="shared")]})
    ),
    "remote": remote("good"),
    "remote-down": remote("down"),
    "remote-down-rules": Spec({**remote("down").keys, "rules": REQUIREMENTS[:2]}),
    "remote-down-partner": spec(corp(), other(jwks=None, jwks_url="{key-server}/down")),
    **{
        f"remote-{name}": remote(name)
        for name in (
            "empty",
            "html",
            "redirect",
            "missing",
            "not-utf-8",
            "list",
            "null",
            "duplicate-members",
            "symmetric",
            "private",
            "weak",
            "encryption-only",
            "flood",
            "huge",
            "mixed",
            "twins",
            "once",
            "rotate",
            "late",
        )
    },
    "remote-nowhere": keyed(jwks_url="http://127.0.0.1:9/keys", key_source={"cooldown": 30}),
    # Introspection.
    "asked": asked("introspect", rules=[rule("/open/**", **OPEN), rule("/scopes/one", **READS)]),
    "asked-down": asked("down"),
    "asked-unauthorized": asked("unauthorized"),
    "asked-redirect": asked("redirect"),
    **{name: Spec(keys, python=python) for name, (keys, python) in consumer_policies().items()},
    # Minting.
    **{name: Spec(keys) for name, keys in minted_policies().items()},
    # Revocation.
    "revocations": Spec(
        spec(corp(), other(), rules=[rule("/open/**", **OPEN), rule("/maybe", **OPTIONAL)]).keys,
        revoked=(
            {"issuer": CORP, "jti": "jti-listed", "until": NOW + 600},
            {"issuer": CORP, "jti": "jti-past", "until": NOW - 600},
            {"issuer": CORP, "subject": "mallory-1"},
            {"issuer": PARTNER, "issued_before": NOW},
            {"issuer": "https://elsewhere.example/"},
        ),
    ),
    "revocations-away": spec(revocation=AWAY, rules=[rule("/open/**", **OPEN)]),
    "revocations-away-open": spec(revocation={**AWAY, "fail_open": True}),
    # Tokens for one request.
    "proofs": spec(corp(require_expiry=False), rules=PROOFS, max_body_bytes=64),
    "proofs-url": spec(external_url="https://orders.example", rules=[rule("/open/**", **OPEN)]),
    "proofs-away": spec(replay=AWAY, rules=PROOFS),
    "proofs-marks": spec(
        rules=[rule(path, body="sha-256") for path in ("/posted", "/marked/reads-posted", "/marked/public-posted")]
    ),
    # Time.
    "no-leeway": spec(leeway=0),
    "issuer-leeway": spec(corp(leeway=5), leeway=120),
    "long-leeway": spec(leeway=300),
    "no-expiry": spec(corp(require_expiry=False)),
    "max-lifetime": spec(corp(max_lifetime=3600)),
    "max-age": spec(corp(max_age=60)),
    "no-cache": spec(cache={"size": 0}),
    "cache-of-one": spec(cache={"size": 1, "max_age": 300}),
    # Claims, issuers, audiences.
    "required-claims": spec(corp(required_claims=["sub", "jti", "iat", "department"])),
    "subjects": spec(corp(subjects=["spiffe://td/*", "service-account"])),
    "scp-first": spec(corp(scope_claim=["scp", "scope"]), rules=[rule("/scopes/one", **READS)]),
    "permissions": Spec({"issuers": [corp(scope_claim=["permissions"])], "rules": [rule("/scopes/one", **READS)]}),
    "nested-roles": spec(corp(roles_claim="realm_access.roles"), rules=[rule("/roles/all", roles=["clerk"])]),
    "access-tokens-only": spec(corp(token_types=["at+jwt"])),
    "own-type": spec(corp(token_types=["orders+jwt"])),
    "two-issuers": spec(corp(), other()),
    "two-audiences": spec(corp(audience=[AUDIENCE, "back-office"])),
    "any-audience": spec(corp(audience=None, require_audience=False)),
    "client-id-as-audience": spec(corp(client_id_as_audience=True)),
    "no-issuer": spec(corp(issuer=None, name="legacy", require_issuer=False)),
    "issuer-optional": spec(corp(require_issuer=False)),
    # Rules.
    "requirements": spec(corp(audience=[AUDIENCE, "back-office"]), other(), rules=REQUIREMENTS),
    "default-deny": spec(default="deny", rules=[*REQUIREMENTS[:2], rule("/any-token")]),
    "default-public": spec(default="public", rules=[rule("/any-token"), rule("/closed/**", **DENY)]),
    "paths": spec(rules=PATHS),
    "everything-open": spec(rules=[rule("/**", **OPEN), rule("/admin/**")]),
    "case": spec(rules=[rule("/Case", **OPEN)]),
    "methods": spec(rules=METHODS),
    "no-preflight": spec(cors_preflight=False, rules=METHODS),
    "public-default-preflight": spec(default="deny"),
    # Errors.
    "realm": spec(realm="orders of today"),
    "message": spec(error_format="message", rules=MODES),
    "edgex": spec(error_format="edgex", rules=MODES),
    "empty": spec(error_format="empty", rules=MODES),
    "problem": spec(error_format="problem", rules=MODES),
    "expose-reason": spec(expose_reason=True, rules=MODES),
    "message-down": Spec({**remote("down").keys, "error_format": "message"}),
    "on-deny": Spec(spec(rules=MODES).keys, python={"on_deny": _interpolated}),
    "on-deny-raises": Spec(spec(rules=MODES).keys, python={"on_deny": _raises}),
    "check-false": Spec(spec().keys, python={"check": lambda principal, request: False}),
    "check-raises": Spec(spec().keys, python={"check": _raises}),
    "check-none": Spec(spec().keys, python={"check": lambda principal, request: None}),
    "check-alice": Spec(spec().keys, python={"check": lambda principal, request: principal.subject == "alice-5f0c"}),
    "load-user-none": Spec(spec().keys, python={"load_user": lambda principal: None}),
    "load-user-raises": Spec(spec().keys, python={"load_user": _raises}),
    "load-user": Spec(spec().keys, python={"load_user": lambda principal: {"name": principal.subject}}),
    # Modes.
    "non-secure": spec(secure=False, rules=MODES),
    "non-secure-bare": Spec({"secure": False}),
    "non-secure-by-env": spec(env={"JWTMW_SECURE": "false"}, rules=MODES),
    "secure-by-env": spec(env={"JWTMW_SECURE": "true"}, secure=False, rules=MODES),
    "secure-env-empty": spec(env={"JWTMW_SECURE": ""}, rules=MODES),
    "edgex-off": spec(
        env={"EDGEX_SECURITY_SECRET_STORE": "false"}, secure_env="EDGEX_SECURITY_SECRET_STORE", rules=MODES
    ),
    "edgex-on": spec(
        env={"JWTMW_SECURE": "true", "EDGEX_SECURITY_SECRET_STORE": "true"},
        secure_env="EDGEX_SECURITY_SECRET_STORE",
        rules=MODES,
    ),
    "inbound-off": spec(inbound=False, rules=MODES),
    "inbound-off-by-env": spec(
        env={"EDGEX_DISABLE_JWT_VALIDATION": "true"}, disable_inbound_env="EDGEX_DISABLE_JWT_VALIDATION", rules=MODES
    ),
    "inbound-on-by-env": spec(
        env={"EDGEX_DISABLE_JWT_VALIDATION": "false"}, disable_inbound_env="EDGEX_DISABLE_JWT_VALIDATION", rules=MODES
    ),
    "report-only": spec(report_only=True, rules=MODES),
    "report-only-places": spec(report_only=True, token_from=PLACES, rules=MODES),
    "non-secure-places": spec(secure=False, token_from=PLACES),
    "report-only-by-env": spec(env={"JWTMW_REPORT_ONLY": "true"}, rules=MODES),
    "judged-by-env": spec(env={"JWTMW_REPORT_ONLY": "false"}, report_only=True, rules=MODES),
    "report-only-down": Spec({**remote("down").keys, "report_only": True}),
    "report-only-rules": spec(rules=TRIAL),
    "references": Spec(
        {"issuers": [corp(issuer="$ENV://CONFORMANCE_ISSUER", audience=["$ENV://CONFORMANCE_AUDIENCE"])]},
        env={"CONFORMANCE_ISSUER": CORP, "CONFORMANCE_AUDIENCE": AUDIENCE},
    ),
    # Marks.
    "marks": spec(corp(audience=[AUDIENCE, "back-office"]), other(), rules=MARKED),
    "marks-default-deny": spec(default="deny"),
    "marks-places": spec(token_from=PLACES),
    "marks-default-deny-places": spec(default="deny", token_from=PLACES),
    "marks-default-public": spec(default="public"),
    "marks-down": remote("down"),
    "marks-non-secure": spec(secure=False),
    "marks-report-only": spec(report_only=True),
    "marks-empty-bodies": spec(error_format="empty"),
    "websocket-marks": spec(token_from=[HEADER, {"subprotocol": "bearer"}], rules=[rule("/open/**", **OPEN)]),
}
