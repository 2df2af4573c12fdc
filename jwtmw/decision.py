"""The vocabulary of outcomes: `Allow` or `Deny`, the outward `Code` and the exact `Reason` behind it.

Owns: the names of everything that can happen to a request, and which reason is shown as which code.
Must never know: HTTP status codes, headers, frameworks.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from jwtmw.policy.rules import Ask
    from jwtmw.token.locate import Place
    from jwtmw.token.principal import Principal


class Code(str, Enum):
    """What the caller is told: stable, few, and the same for every reason of its kind."""

    TOKEN_MISSING = "token_missing"
    INVALID_REQUEST = "invalid_request"
    BAD_PATH = "bad_path"
    BAD_METHOD = "bad_method"
    BAD_HEADER = "bad_header"
    TOKEN_INVALID = "token_invalid"
    INSUFFICIENT_SCOPE = "insufficient_scope"
    FORBIDDEN = "forbidden"
    CSRF = "csrf"
    BODY_TOO_LARGE = "body_too_large"
    UNAVAILABLE = "unavailable"
    INTERNAL_ERROR = "internal_error"


class Reason(str, Enum):
    """Why exactly: for logs, metrics and `explain`; roughly in the order in which the engine asks."""

    code: Code
    meaning: str

    def __new__(cls, value: str, code: Code, meaning: str) -> Self:
        """A text that carries its code and its meaning."""
        self = str.__new__(cls, value)
        self._value_ = value
        self.code = code
        self.meaning = meaning
        return self

    PATH_AMBIGUOUS = "path_ambiguous", Code.BAD_PATH, "two readers could read this path differently"
    METHOD_UNKNOWN = "method_unknown", Code.BAD_METHOD, "no rule and no standard knows this method"
    HEADER_AMBIGUOUS = "header_ambiguous", Code.BAD_HEADER, "a header could be taken for one that tells who is calling"
    RULE_DENIES = "rule_denies", Code.FORBIDDEN, "the rule, or the default, denies everybody"

    TOKEN_MISSING = "token_missing", Code.TOKEN_MISSING, "no token in any configured place, or another scheme before it"
    CREDENTIALS_MALFORMED = "credentials_malformed", Code.INVALID_REQUEST, "the place does not hold one b64token"
    CREDENTIALS_REPEATED = "credentials_repeated", Code.INVALID_REQUEST, "more than one token was sent"

    CSRF = "csrf", Code.CSRF, "a token in a cookie, and no proof that a page of origins sent it"

    TOKEN_TOO_LARGE = "token_too_large", Code.TOKEN_INVALID, "the token is larger than max_token_bytes"
    TOKEN_FORMAT = "token_format", Code.TOKEN_INVALID, "not three canonical base64url segments"
    TOKEN_JSON = "token_json", Code.TOKEN_INVALID, "header or payload is not one strict UTF-8 JSON object"
    HEADER_REFUSED = "header_refused", Code.TOKEN_INVALID, "a header parameter has a wrong type or is refused"
    CLAIMS_MALFORMED = "claims_malformed", Code.TOKEN_INVALID, "a registered claim has a wrong type or range"
    ISSUER_UNKNOWN = "issuer_unknown", Code.TOKEN_INVALID, "the issuer is not configured, or iss is missing"
    PLACE_REFUSED = "place_refused", Code.TOKEN_INVALID, "this issuer's tokens do not count in this place"
    ALGORITHM_REFUSED = "algorithm_refused", Code.TOKEN_INVALID, "the issuer does not use this algorithm"
    TYPE_REFUSED = "type_refused", Code.TOKEN_INVALID, "the token is of a foreign type"
    AUDIENCE_MISMATCH = "audience_mismatch", Code.TOKEN_INVALID, "none of the issuer's audiences is in aud"
    EXPIRY_MISSING = "expiry_missing", Code.TOKEN_INVALID, "the token has no exp"
    EXPIRED = "expired", Code.TOKEN_INVALID, "exp has passed"
    NOT_YET_VALID = "not_yet_valid", Code.TOKEN_INVALID, "nbf has not come, or lies behind exp"
    ISSUED_IN_FUTURE = "issued_in_future", Code.TOKEN_INVALID, "iat has not come, or lies behind exp"
    LIFETIME_TOO_LONG = "lifetime_too_long", Code.TOKEN_INVALID, "the token lives longer than max_lifetime"
    TOO_OLD = "too_old", Code.TOKEN_INVALID, "the token is older than max_age, or has no iat"
    SUBJECT_REFUSED = "subject_refused", Code.TOKEN_INVALID, "sub is not one of the issuer's subjects"
    CLAIM_REQUIRED = "claim_required", Code.TOKEN_INVALID, "a claim of required_claims is missing"
    PROOF_MISSING = "proof_missing", Code.TOKEN_INVALID, "the token is bound (cnf) and nothing checks the binding"
    CONSUMER_UNKNOWN = "consumer_unknown", Code.TOKEN_INVALID, "no consumer is called as the token says, if it says so"
    KEY_UNKNOWN = "key_unknown", Code.TOKEN_INVALID, "the issuer has no such key for this algorithm"
    SIGNATURE_INVALID = "signature_invalid", Code.TOKEN_INVALID, "no key verifies the signature"
    TOKEN_INACTIVE = "token_inactive", Code.TOKEN_INVALID, "the issuer, asked about the token, says it is not active"
    TOKEN_REVOKED = "token_revoked", Code.TOKEN_INVALID, "the token, its subject or its issuer was revoked"
    CHECK_REFUSED = "check_refused", Code.TOKEN_INVALID, "Policy(check=...) did not return True"
    USER_REFUSED = "user_refused", Code.TOKEN_INVALID, "Policy(load_user=...) found no user"
    ROUTE_ISSUER = "route_issuer", Code.TOKEN_INVALID, "this route wants another issuer"
    ROUTE_AUDIENCE = "route_audience", Code.TOKEN_INVALID, "this route wants another audience"

    SCOPE_MISSING = "scope_missing", Code.INSUFFICIENT_SCOPE, "a scope is missing"
    ROLE_MISSING = "role_missing", Code.INSUFFICIENT_SCOPE, "a role is missing"
    CLAIM_MISMATCH = "claim_mismatch", Code.INSUFFICIENT_SCOPE, "a claim is missing or has another value"

    TARGET_MISMATCH = "target_mismatch", Code.TOKEN_INVALID, "the token is for another method or URL (htm, htu)"
    BODY_TOO_LARGE = "body_too_large", Code.BODY_TOO_LARGE, "the body is larger than max_body_bytes"
    BODY_UNREADABLE = "body_unreadable", Code.TOKEN_INVALID, "the body did not come whole, or nobody can tell its end"
    BODY_NOT_BOUND = "body_not_bound", Code.TOKEN_INVALID, "there is a body, and no bdy in the token"
    BODY_MISMATCH = "body_mismatch", Code.TOKEN_INVALID, "bdy is not the hash of the body"
    NOT_SINGLE_USE = "not_single_use", Code.TOKEN_INVALID, "this route wants a token for one use, with jti and exp"
    REPLAYED = "replayed", Code.TOKEN_INVALID, "the token was used before"

    KEYS_UNAVAILABLE = "keys_unavailable", Code.UNAVAILABLE, "the issuer's keys cannot be had now"
    INTROSPECTION_UNAVAILABLE = (
        "introspection_unavailable",
        Code.UNAVAILABLE,
        "the issuer cannot be asked about the token now",
    )
    REVOCATIONS_UNAVAILABLE = (
        "revocations_unavailable",
        Code.UNAVAILABLE,
        "it cannot be told now what was revoked",
    )
    REPLAYS_UNAVAILABLE = (
        "replays_unavailable",
        Code.UNAVAILABLE,
        "it cannot be told now whether the token was used before",
    )
    INTERNAL = "internal", Code.INTERNAL_ERROR, "something unforeseen; the log says where"

    def __str__(self) -> str:
        return str.__str__(self)


class Allow(NamedTuple):
    """The request may pass. `place` is where a token was that asks something of the answer, read or not; else None.

    `user` is what `Policy(load_user=...)` returned, else the principal. `would_deny` is set in report-only mode
    where the request passes although it would have been refused.
    """

    principal: Principal
    user: Any
    place: Place | None = None
    would_deny: Reason | None = None


class Deny(NamedTuple):
    """The request may not pass.

    `ask` is what the route wanted, None where the path itself was refused; `principal` is the verified caller
    where the token was good but not enough; `retry_after` is in seconds; `liftable` says that only the default
    refused, so that an endpoint's mark may still let the caller in. `place` is where the token was, `user` the
    application's own for `principal`: a request that passes all the same, as only reported, goes on with both.
    """

    reason: Reason
    ask: Ask | None = None
    principal: Principal | None = None
    retry_after: int = 0
    liftable: bool = False
    place: Place | None = None
    user: Any = None


Decision = Allow | Deny
