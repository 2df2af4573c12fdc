"""Consumers: who is let in, as whom, and that an unknown one and a bad signature cannot be told apart."""

from __future__ import annotations

from typing import Any

from jwtmw.decision import Reason
from tests.conformance.consumers import BASES, JACK, JACKS, LUCY, MIKE, ROSE, ROSES, consumer_token
from tests.conformance.keys import EC256, RSA_FOREIGN, SECRET, SECRET_DECODED, SECRET_FOREIGN
from tests.conformance.schema import (
    ALGORITHM,
    MISSING,
    REPEATED,
    SIGNATURE,
    Case,
    Earlier,
    Expect,
    bearer,
    get,
    line,
    passes,
    refused,
)
from tests.conformance.tokens import DROP, NOW, Raw

UNKNOWN = refused(Reason.CONSUMER_UNKNOWN)
ISSUER = refused(Reason.ISSUER_UNKNOWN)
UNAVAILABLE = refused(Reason.KEYS_UNAVAILABLE).but(retry_after=b"2")
HEADERS = ("x-consumer-username", "x-credential-identifier", "x-consumer-custom-id", "x-anonymous-consumer")


def sees(
    name: bytes | None, key: bytes | None = None, custom_id: bytes | None = None, anonymous: bool = False
) -> Expect:
    """The request passes, and these headers tell who is calling."""
    values = (name, key, custom_id, b"true" if anonymous else None)
    return passes(sees=dict(zip(HEADERS, values, strict=True)))


def by(signer: Any, key: Any, *, alg: str = "", head: dict[str, Any] | None = None, **claims: Any) -> Any:
    return get(bearer(consumer_token(signer, key, head, alg, **claims)))


AS_JACK = sees(b"jack", b"jack-key-4711", b"c-1001")
AS_ROSE = sees(b"rose", b"rose-key-4711")
AS_GUEST = sees(b"guest", None, b"c-0", anonymous=True)
NOBODY = sees(None)
FORGED_FACTS: dict[str, Any] = {"consumer": {"name": "admin"}, "@consumer.name": "admin"}

LET_IN: dict[str, tuple[Any, Expect]] = {
    "secret": (get(bearer(JACKS)), AS_JACK),
    "public-key": (get(bearer(ROSES)), AS_ROSE),
    "curve": (by(MIKE, "mike-key-4711"), sees(b"mike", b"mike-key-4711")),
    "ed25519": (by(LUCY, "lucy-key-4711"), sees(b"l%C3%BCcy", b"lucy-key-4711", b"%C3%BC")),
    "ed25519-by-its-other-name": (
        by(LUCY, "lucy-key-4711", alg="Ed25519"),
        sees(b"l%C3%BCcy", b"lucy-key-4711", b"%C3%BC"),
    ),
    "base64-secret": (get(bearer(BASES)), sees(b"base", b"base-key-4711")),
    "a-kid-that-says-nothing": (by(JACK, "jack-key-4711", head={"kid": "rose-key-4711"}), AS_JACK),
    "a-subject-of-its-own": (by(JACK, "jack-key-4711", sub="somebody"), AS_JACK),
    "a-name-of-its-own": (
        by(JACK, "jack-key-4711", **FORGED_FACTS),
        AS_JACK,
    ),
    "a-life-as-long-as-allowed": (
        by(MIKE, "mike-key-4711", iat=NOW, exp=NOW + 3600),
        sees(b"mike", b"mike-key-4711"),
    ),
    "the-longest-life-without-iat": (
        by(MIKE, "mike-key-4711", iat=DROP, exp=NOW + 3600),
        sees(b"mike", b"mike-key-4711"),
    ),
}
REFUSED: dict[str, tuple[Any, Expect]] = {
    "nobody": (by(JACK, "nobody-key-4711"), UNKNOWN),
    "nobody-in-another-case": (by(JACK, "Jack-key-4711"), UNKNOWN),
    "nobody-by-a-public-key": (by(ROSE, "nobody-key-4711"), UNKNOWN),
    "the-consumers-name": (by(JACK, "jack"), UNKNOWN),
    "the-anonymous-consumer": (by(JACK, "guest"), UNKNOWN),
    "no-name": (by(JACK, DROP), UNKNOWN),
    "null": (by(JACK, Raw("null")), UNKNOWN),
    "empty": (by(JACK, ""), UNKNOWN),
    "a-list": (by(JACK, ["jack-key-4711"]), UNKNOWN),
    "a-number": (by(JACK, 4711), UNKNOWN),
    "a-very-long-name": (by(JACK, "j" * 3000), UNKNOWN),
    "another-secret": (by(SECRET_FOREIGN, "jack-key-4711"), SIGNATURE),
    "another-key": (by(RSA_FOREIGN, "rose-key-4711"), SIGNATURE),
    "another-consumers-secret": (by(SECRET_DECODED, "jack-key-4711"), SIGNATURE),
    "another-keys-of-the-same-consumer": (by(JACK, "jack-next-4711"), SIGNATURE),
    "base64-text-as-secret": (by(SECRET, "base-key-4711", alg="HS512"), SIGNATURE),
    # A public key is no secret (RFC 8725, section 2.1), and nobody else's algorithm is one's own.
    "public-key-as-secret": (by(type(JACK)("", "HS256", ROSE.pem().encode()), "rose-key-4711"), ALGORITHM),
    "public-key-as-secret-stripped": (
        by(type(JACK)("", "HS256", ROSE.pem().strip().encode()), "rose-key-4711"),
        ALGORITHM,
    ),
    "another-hash": (by(JACK, "jack-key-4711", alg="HS512"), ALGORITHM),
    "another-padding": (by(ROSE, "rose-key-4711", alg="PS256"), ALGORITHM),
    "rsa-for-a-secret": (by(ROSE, "jack-key-4711"), ALGORITHM),
    "rsa-for-a-curve": (by(ROSE, "mike-key-4711"), ALGORITHM),
    "none": (by(JACK, "jack-key-4711", head={"alg": "none"}), ALGORITHM),
    "hs384-that-nobody-has": (by(JACK, "jack-key-4711", alg="HS384"), ALGORITHM),
    "a-life-too-long": (by(MIKE, "mike-key-4711", iat=NOW, exp=NOW + 3601), refused(Reason.LIFETIME_TOO_LONG)),
    "a-life-too-long-without-iat": (
        by(MIKE, "mike-key-4711", iat=DROP, exp=NOW + 3601),
        refused(Reason.LIFETIME_TOO_LONG),
    ),
    # Nothing of a consumer is looked at before the signature: a forger learns nothing of it.
    "a-forged-life-too-long": (by(EC256, "jack-key-4711", iat=NOW, exp=NOW + 3601), ALGORITHM),
    "expired": (by(JACK, "jack-key-4711", exp=NOW - 31), refused(Reason.EXPIRED)),
    "expired-nobody": (by(JACK, "nobody-key-4711", exp=NOW - 31), refused(Reason.EXPIRED)),
    "an-issuer": (by(JACK, "jack-key-4711", iss="https://shops.example"), ISSUER),
}


def named(policy: str, **named_by: Any) -> list[Case]:
    """A consumer's own token, and others', where something else than `key` names consumers."""
    head = {"kid": named_by["kid"]} if "kid" in named_by else {}
    claims = {name: value for name, value in named_by.items() if name != "kid"}
    prefix = policy.removeprefix("consumers-")
    return [
        Case(f"consumer-{prefix}", by(JACK, DROP, head=head, **claims), AS_JACK, policy),
        Case(f"consumer-{prefix}-whatever-key-says", by(JACK, "rose-key-4711", head=head, **claims), AS_JACK, policy),
        Case(f"consumer-{prefix}-forged", by(SECRET_FOREIGN, DROP, head=head, **claims), SIGNATURE, policy),
    ]


CASES = [
    *(Case(f"consumer-{name}", request, expect, "consumers") for name, (request, expect) in LET_IN.items()),
    *(Case(f"consumer-not-{name}", request, expect, "consumers") for name, (request, expect) in REFUSED.items()),
    *named("consumers-by-kid", kid="jack-key-4711"),
    *named("consumers-by-sub", act={"sub": "jack-key-4711"}),
    *named("consumers-by-iss", iss="jack-key-4711"),
    Case("consumer-by-kid-nobody", by(JACK, "jack-key-4711", head={"kid": "nobody"}), UNKNOWN, "consumers-by-kid"),
    Case("consumer-by-kid-without", by(JACK, "jack-key-4711"), UNKNOWN, "consumers-by-kid"),
    Case("consumer-by-iss-nobody", by(JACK, DROP, iss="https://nobody.example"), UNKNOWN, "consumers-by-iss"),
    Case("consumer-by-iss-without", by(JACK, "jack-key-4711"), ISSUER, "consumers-by-iss"),
    Case(
        "consumer-of-an-issuer",
        by(JACK, "jack-key-4711", iss="https://shops.example"),
        AS_JACK,
        "consumers-of-an-issuer",
    ),
    Case("consumer-of-no-issuer", get(bearer(JACKS)), ISSUER, "consumers-of-an-issuer"),
    Case("consumer-narrowed-secret", get(bearer(JACKS)), passes(), "consumers-narrowed"),
    Case("consumer-narrowed-ed25519", by(LUCY, "lucy-key-4711", alg="Ed25519"), passes(), "consumers-narrowed"),
    # Without a token.
    Case("consumer-missing", get(), MISSING, "consumers"),
    Case("consumer-anonymous", get(target=b"/maybe"), AS_GUEST, "consumers"),
    Case(
        "consumer-anonymous-forges-headers",
        get(line(b"jack", b"x-consumer-username"), line(b"k", b"X_Credential_Identifier"), target=b"/maybe"),
        AS_GUEST,
        "consumers",
    ),
    Case("consumer-not-anonymous-with-a-good-token", get(bearer(JACKS), target=b"/maybe"), AS_JACK, "consumers"),
    Case(
        "consumer-not-anonymous-with-a-bad-token",
        get(bearer(JACKS[:-4] + b"AAAA"), target=b"/maybe"),
        SIGNATURE,
        "consumers",
    ),
    Case(
        "consumer-forges-headers",
        get(bearer(JACKS), line(b"admin", b"x-consumer-username"), line(b"true", b"x-anonymous-consumer")),
        AS_JACK,
        "consumers",
    ),
    Case("consumer-on-public", get(bearer(JACKS), target=b"/open/7"), NOBODY, "consumers"),
    Case("consumer-non-secure", get(bearer(JACKS)), NOBODY, "consumers-non-secure"),
    Case("consumer-non-secure-missing", get(), NOBODY, "consumers-non-secure"),
    Case(
        "consumer-reported-unknown",
        by(JACK, "nobody-key-4711"),
        NOBODY.but(reported=True, reason=Reason.CONSUMER_UNKNOWN),
        "consumers-reported",
    ),
    # As APISIX takes them.
    Case("apisix-bearer", get(bearer(JACKS)), AS_JACK, "consumers-apisix"),
    Case("apisix-raw", get(line(JACKS)), AS_JACK, "consumers-apisix"),
    Case("apisix-query", get(target=b"/orders/7?jwt=" + JACKS), AS_JACK.but(no_store=True), "consumers-apisix"),
    Case("apisix-cookie", get(line(b"a=1; jwt=" + JACKS, b"cookie")), AS_JACK, "consumers-apisix"),
    Case(
        "apisix-twice",
        get(bearer(JACKS), target=b"/orders/7?jwt=" + JACKS),
        REPEATED.but(content_type=b"application/json"),
        "consumers-apisix",
    ),
    Case(
        "apisix-missing",
        get(),
        MISSING.but(body=b'{"message":"Missing JWT token in request"}', content_type=b"application/json"),
        "consumers-apisix",
    ),
    *(
        Case(
            f"apisix-{name}",
            request,
            refused(reason).but(body=b'{"message":"failed to verify jwt"}', content_type=b"application/json"),
            "consumers-apisix",
        )
        for name, request, reason in (
            ("unknown", by(JACK, "nobody-key-4711"), Reason.CONSUMER_UNKNOWN),
            ("forged", by(SECRET_FOREIGN, "jack-key-4711"), Reason.SIGNATURE_INVALID),
            ("expired", by(JACK, "jack-key-4711", exp=NOW - 31), Reason.EXPIRED),
        )
    ),
    # In a store.
    Case("consumer-stored", get(bearer(JACKS)), AS_JACK, "consumers-stored", fresh=True),
    Case(
        "consumer-stored-again",
        by(JACK, "jack-key-4711", sub="again"),
        AS_JACK,
        "consumers-stored",
        before=(Earlier(get(bearer(JACKS)), 200),),
        fresh=True,
    ),
    Case("consumer-stored-nobody", by(JACK, "nobody"), UNKNOWN, "consumers-stored", fresh=True),
    Case("consumer-stored-another", by(JACK, "another-4711"), UNKNOWN, "consumers-stored", fresh=True),
    Case("consumer-stored-forged", by(SECRET_FOREIGN, "jack-key-4711"), SIGNATURE, "consumers-stored", fresh=True),
    Case(
        "consumer-stored-another-hash",
        by(JACK, "jack-key-4711", alg="HS384"),
        ALGORITHM,
        "consumers-stored",
        fresh=True,
    ),
    Case("consumer-stored-long", by(JACK, "j" * 257), UNKNOWN, "consumers-stored", fresh=True),
    Case("consumer-stored-down", by(JACK, "down"), UNAVAILABLE, "consumers-stored", fresh=True),
    Case(
        "consumer-stored-known-while-down",
        get(bearer(JACKS)),
        AS_JACK,
        "consumers-stored",
        before=(Earlier(by(JACK, "down-too"), 503),),
        fresh=True,
    ),
    Case(
        "consumer-stored-by-iss",
        by(JACK, DROP, iss="jack-key-4711"),
        AS_JACK,
        "consumers-stored-by-iss",
        fresh=True,
    ),
    Case(
        "consumer-stored-by-iss-nobody",
        by(JACK, DROP, iss="nobody"),
        UNKNOWN,
        "consumers-stored-by-iss",
        fresh=True,
    ),
]
