"""Which key, and what happens when nobody can say: RFC 7517."""

from __future__ import annotations

from jwtmw.decision import Reason
from tests.conformance.keys import EC256, ED25519, RSA, RSA_FOREIGN, RSA_NEXT
from tests.conformance.schema import (
    ANONYMOUS,
    MISSING,
    SOON,
    Case,
    Earlier,
    Expect,
    Request,
    bearer,
    get,
    invalid,
    passes,
    refused,
)
from tests.conformance.tokens import ALICE, DROP, EXPIRED, FOREIGN, GARBAGE, GOOD, NOW, PARTNERS, token

KEY = refused(Reason.KEY_UNKNOWN)
SIGNATURE = refused(Reason.SIGNATURE_INVALID)
STALE = refused(Reason.EXPIRED)
UNAVAILABLE = refused(Reason.KEYS_UNAVAILABLE)
DOWN = UNAVAILABLE.but(retry_after=b"30")
FAILED = UNAVAILABLE.but(retry_after=SOON)
AS_ALICE, OPEN = passes(ALICE), passes(ANONYMOUS)
NO_KID = {"kid": DROP}
LONG = {"exp": NOW + 20_000}
OTHER_KID = token(RSA_FOREIGN, {"kid": "kid-of-nobody-1"})

CONFIGURED: dict[str, tuple[str, bytes, Expect]] = {
    "kid-selects-first": ("default", GOOD, AS_ALICE),
    "kid-selects-second": ("default", token(RSA_NEXT), AS_ALICE),
    "kid-of-another-key": ("default", token(RSA, {"kid": RSA_NEXT.kid}), SIGNATURE),
    "kid-unknown": ("default", token(RSA, {"kid": "kid-of-nobody-1"}), KEY),
    "kid-upper-case": ("default", token(RSA, {"kid": RSA.kid.upper()}), KEY),
    "kid-with-blank": ("default", token(RSA, {"kid": RSA.kid + " "}), KEY),
    "kid-path-traversal": ("default", token(RSA, {"kid": "../../../../dev/null"}), KEY),
    "kid-injection": ("default", token(RSA, {"kid": "x' OR '1'='1"}), KEY),
    "kid-of-1-kb": ("default", token(RSA, {"kid": "k" * 1000}), KEY),
    "kid-url": ("default", token(RSA, {"kid": "http://127.0.0.1:1/keys"}), KEY),
    "no-kid-rsa": ("default", token(RSA, NO_KID), AS_ALICE),
    "no-kid-second-rsa": ("default", token(RSA_NEXT, NO_KID), AS_ALICE),
    "no-kid-p256": ("default", token(EC256, NO_KID), AS_ALICE),
    "no-kid-ed25519": ("default", token(ED25519, NO_KID), AS_ALICE),
    "no-kid-foreign": ("default", token(RSA_FOREIGN, NO_KID), SIGNATURE),
    "no-kid-four-keys-fit": ("four-keys", token(RSA, NO_KID), AS_ALICE),
    "no-kid-five-keys-fit": ("five-keys", token(RSA, NO_KID), KEY),
    "kid-among-five-keys": ("five-keys", GOOD, AS_ALICE),
    "pem-ignores-kid": ("pem", token(RSA, {"kid": "whatever"}), AS_ALICE),
    "pem-without-kid": ("pem", token(RSA, NO_KID), AS_ALICE),
    "pem-foreign": ("pem", FOREIGN, SIGNATURE),
    "pem-p256": ("pem-p256", token(EC256), AS_ALICE),
    "pem-p256-refuses-rs256": ("pem-p256", GOOD, invalid()),
    "pem-ed25519": ("pem-ed25519", token(ED25519), AS_ALICE),
    "set-of-one-ignores-kid": ("jwk-alone", token(RSA, {"kid": "whatever"}), AS_ALICE),
    "set-of-one-foreign-with-its-kid": ("jwk-alone", FOREIGN, SIGNATURE),
    "set-of-one-other-algorithm": ("jwk-p256-alone", GOOD, invalid()),
    "key-without-kid-no-kid": ("jwk-no-kid", token(RSA, NO_KID), AS_ALICE),
    "key-without-kid-some-kid": ("jwk-no-kid", GOOD, KEY),
    "use-enc-never-verifies": ("jwk-enc", GOOD, invalid()),
    "key-ops-encrypt-never-verifies": ("jwk-enc", token(RSA_NEXT), invalid()),
    "use-sig-beside-use-enc": ("jwk-enc", token(EC256), AS_ALICE),
    "key-ops-verify": ("jwk-verify", GOOD, AS_ALICE),
    "good-key-beside-bad-keys": ("one-bad-key", GOOD, AS_ALICE),
    "same-kid-same-kty-drops-both": ("same-kid-twice", token(RSA, {"kid": "twin"}), invalid()),
    "same-kid-other-kty-stays": ("same-kid-twice", token(EC256, {"kid": "twin"}), AS_ALICE),
}


def remote(name: str, policy: str, request: Request, expect: Expect, *before: Earlier, at: float = 0.0) -> Case:
    """A case with a source of keys of its own."""
    return Case(f"remote-{name}", request, expect, policy, at=at, before=before, fresh=True)


def asks(made: bytes, path: bytes = b"/orders/7", method: str = "GET") -> Request:
    return get(bearer(made), target=path, method=method)


STAYS, NEXT = token(**LONG), token(RSA_NEXT, **LONG)
BROKEN = (
    "empty", "html", "redirect", "missing", "not-utf-8", "list", "null", "duplicate-members", "symmetric", "private",
    "weak", "encryption-only", "flood", "huge",
)  # fmt: skip
REMOTE = [
    remote("good", "remote", asks(GOOD), AS_ALICE.but(fetches=1)),
    remote("good-twice", "remote", asks(GOOD), AS_ALICE.but(fetches=1), Earlier(asks(GOOD), 200)),
    remote(
        "two-callers", "remote", asks(token(sub="bob-77aa")), passes("bob-77aa", fetches=1), Earlier(asks(GOOD), 200)
    ),
    remote("foreign-signature", "remote", asks(FOREIGN), SIGNATURE.but(fetches=1)),
    remote("kid-unknown", "remote", asks(OTHER_KID), KEY),
    remote("kid-unknown-then-known", "remote", asks(GOOD), AS_ALICE, Earlier(asks(OTHER_KID), 401)),
    remote(
        "kid-storm-asks-once",
        "remote",
        asks(token(RSA_FOREIGN, {"kid": "kid-of-nobody-9"})),
        KEY.but(fetches=2),
        Earlier(asks(GOOD), 200),
        *(Earlier(asks(token(RSA_FOREIGN, {"kid": f"kid-of-nobody-{i}"})), 401) for i in range(6)),
    ),
    remote("no-kid", "remote", asks(token(RSA, NO_KID)), AS_ALICE),
    remote("set-of-one-does-not-ignore-kid", "remote-rotate", asks(token(RSA, {"kid": "kid-of-nobody-1"})), KEY),
    # Cheap and local first: what is bad anyway asks nobody.
    *(
        remote(f"{name}-asks-nobody", "remote", request, expect.but(fetches=0))
        for name, request, expect in (
            ("no-token", get(), MISSING),
            ("garbage", asks(GARBAGE), refused(Reason.TOKEN_FORMAT)),
            ("expired", asks(EXPIRED), STALE),
            ("unknown-issuer", asks(token(iss="http://127.0.0.1:9/")), refused(Reason.ISSUER_UNKNOWN)),
            ("other-audience", asks(token(aud="billing")), refused(Reason.AUDIENCE_MISMATCH)),
            ("alg-none", asks(token(RSA, {"alg": "none"})), refused(Reason.ALGORITHM_REFUSED)),
            ("alg-hs256", asks(token(RSA, {"alg": "HS256"})), refused(Reason.ALGORITHM_REFUSED)),
            ("foreign-typ", asks(token(RSA, {"typ": "dpop+jwt"})), refused(Reason.TYPE_REFUSED)),
            ("jku", asks(token(RSA, {"jku": "http://127.0.0.1:9/", "alg": "none"})), refused(Reason.ALGORITHM_REFUSED)),
        )
    ),
    # An outage is not the caller's fault, and no excuse for what needs no key.
    *(
        remote(f"down-{name}", policy, request, expect)
        for name, policy, request, expect in (
            ("good", "remote-down", asks(GOOD), DOWN),
            ("good-on-head", "remote-down", asks(GOOD, method="HEAD"), DOWN),
            ("good-on-post", "remote-down", asks(GOOD, method="POST"), DOWN),
            ("foreign-signature", "remote-down", asks(FOREIGN), DOWN),
            ("unknown-kid", "remote-down", asks(OTHER_KID), DOWN),
            ("no-token", "remote-down", get(), MISSING),
            ("expired", "remote-down", asks(EXPIRED), STALE),
            ("garbage", "remote-down", asks(GARBAGE), refused(Reason.TOKEN_FORMAT)),
            ("unknown-issuer", "remote-down", asks(PARTNERS), refused(Reason.ISSUER_UNKNOWN)),
            ("public-route", "remote-down-rules", get(target=b"/open/7"), OPEN),
            ("public-route-with-token", "remote-down-rules", asks(GOOD, b"/open/7"), OPEN),
            ("optional-route-absent", "remote-down-rules", get(target=b"/maybe"), OPEN),
            ("optional-route-with-token", "remote-down-rules", asks(GOOD, b"/maybe"), DOWN),
            ("other-issuer-serves", "remote-down-partner", asks(GOOD), AS_ALICE),
            ("this-issuer-does-not", "remote-down-partner", asks(PARTNERS), DOWN),
        )
    ),
    remote("down-message-format", "message-down", asks(GOOD), DOWN.but(content_type=b"application/json")),
    remote(
        "down-again", "remote-down", asks(GOOD), DOWN.but(fetches=1), Earlier(asks(GOOD), 503), Earlier(asks(GOOD), 503)
    ),
    remote(
        "down-websocket",
        "remote-down",
        get(bearer(GOOD), target=b"/chat", websocket=True),
        DOWN,
    ),
    *(remote(f"broken-{name}", f"remote-{name}", asks(GOOD), FAILED) for name in BROKEN),
    remote("nowhere", "remote-nowhere", asks(GOOD), FAILED),
    remote("mixed-good-key", "remote-mixed", asks(GOOD), AS_ALICE),
    remote("mixed-encryption-key", "remote-mixed", asks(token(RSA_NEXT)), invalid()),
    remote("twins-are-dropped", "remote-twins", asks(token(RSA, {"kid": "twin"})), invalid()),
    remote("twin-of-another-kty-stays", "remote-twins", asks(token(EC256, {"kid": "twin"})), AS_ALICE),
    # Time passes: outages, rotation, recovery.
    remote("outage-later-known-key", "remote-once", asks(NEXT), AS_ALICE, Earlier(asks(STAYS), 200), at=301),
    remote("outage-later-seen-token", "remote-once", asks(STAYS), AS_ALICE, Earlier(asks(STAYS), 200), at=301),
    remote(
        "outage-too-long",
        "remote-once",
        asks(STAYS),
        UNAVAILABLE.but(retry_after=SOON),
        Earlier(asks(STAYS), 200),
        at=4000,
    ),
    remote(
        "outage-unknown-kid",
        "remote-once",
        asks(OTHER_KID),
        UNAVAILABLE.but(retry_after=SOON),
        Earlier(asks(GOOD), 200),
    ),
    remote("rotation-new-kid", "remote-rotate", asks(NEXT), AS_ALICE.but(fetches=2), Earlier(asks(STAYS), 200)),
    remote("rotation-old-kid-dead-after-ttl", "remote-rotate", asks(STAYS), KEY, Earlier(asks(STAYS), 200), at=301),
    remote(
        "rotation-old-kid-dead-once-the-new-set-is-known",
        "remote-rotate",
        asks(STAYS),
        KEY,
        Earlier(asks(STAYS), 200),
        Earlier(asks(NEXT), 200),
    ),
    remote("recovery-after-retry-after", "remote-late", asks(GOOD), AS_ALICE, Earlier(asks(GOOD), 503), at=31),
    remote(
        "recovery-not-before",
        "remote-late",
        asks(GOOD),
        UNAVAILABLE.but(retry_after=b"20"),
        Earlier(asks(GOOD), 503),
        at=10,
    ),
]
CASES = [
    *(Case(name, get(bearer(made)), expect, policy) for name, (policy, made, expect) in CONFIGURED.items()),
    *REMOTE,
]
