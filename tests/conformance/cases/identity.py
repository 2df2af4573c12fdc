"""Identity headers: what the application finds in them is what was verified, or nothing."""

from __future__ import annotations

import base64

from tests.conformance.schema import ANONYMOUS, MISSING, Case, Expect, Header, bearer, get, line, passes
from tests.conformance.tokens import ALICE, EXPIRED, GOOD, token

NAMES = ("x-consumer-username", "x-client", "x-level", "x-groups", "x-tier")
NOTHING: dict[str, bytes | None] = dict.fromkeys(NAMES)
SPELLINGS = (
    *(b"x-consumer-username", b"X-Consumer-Username", b"X-CONSUMER-USERNAME", b"x_consumer_username"),
    *(b"X_Consumer_Username", b"x-consumer_username", b"X.Consumer.Username", b"x~consumer-username"),
)


def forged(*names: bytes, value: bytes = b"admin") -> list[Header]:
    return [line(value, name) for name in names]


def sees(caller: str | None = ALICE, **values: bytes) -> Expect:
    """The application finds these identity headers and no others."""
    return passes(caller, sees=NOTHING | {name.replace("_", "-"): value for name, value in values.items()})


ALICES = sees(x_consumer_username=ALICE.encode())
NOBODYS = sees(ANONYMOUS)
PREFLIGHT = (line(b"https://shop.example", b"origin"), line(b"GET", b"access-control-request-method"))


def encoded(text: bytes) -> bytes:
    return base64.urlsafe_b64encode(text).rstrip(b"=")


# a claim, and what stands in the header
VALUES: dict[str, tuple[object, bytes | None]] = {
    "text": ("gold", b"gold"),
    "text-with-blank": ("gold plated", b"gold plated"),
    "text-with-percent": ("100%", b"100%"),
    "text-with-comma": ("a,b;c=d", b"a,b;c=d"),
    "quotes": ('say "hi"', b'say "hi"'),
    "empty": ("", b""),
    "non-ascii": ("größe", b"gr%C3%B6%C3%9Fe"),
    "non-ascii-with-percent": ("ö 100%", b"%C3%B6 100%25"),
    "emoji": ("\U0001f600", b"%F0%9F%98%80"),
    "bidi": ("\u202eabc", b"%E2%80%AEabc"),
    "line-separator": ("a\u2028b", b"a%E2%80%A8b"),
    "line-feed": ("a\nx-admin: 1", None),
    "carriage-return": ("a\r\nx-admin: 1", None),
    "tab": ("a\tb", None),
    "nul": ("a\x00", None),
    "delete": ("a\x7f", None),
    "next-line": ("a\x85b", None),
    "blank-before": (" gold", None),
    "blank-after": ("gold ", None),
    "blank-alone": (" ", None),
    "null": (None, None),
    "true": (True, b"true"),
    "false": (False, b"false"),
    "number": (7, b"7"),
    "negative": (-1.5, b"-1.5"),
    "zero": (0, b"0"),
    "list": (["a", "b"], encoded(b'["a","b"]')),
    "list-of-lines": (["a\r\nb"], encoded(b'["a\\r\\nb"]')),
    "empty-list": ([], encoded(b"[]")),
    "object": ({"a": {"b": 1}}, encoded(b'{"a":{"b":1}}')),
    "empty-object": ({}, encoded(b"{}")),
}

CASES = [
    Case("identity-set", get(bearer(GOOD)), ALICES, "identity"),
    Case(
        "identity-set-again",
        get(bearer(token(level=2))),
        sees(x_consumer_username=ALICE.encode(), x_level=b"2"),
        "identity",
    ),
    Case(
        "identity-nested",
        get(bearer(token(realm={"tier": "gold"}))),
        sees(x_consumer_username=ALICE.encode(), x_tier=b"gold"),
        "identity",
    ),
    Case(
        "identity-dotted-name",
        get(bearer(token(**{"realm.tier": "whole", "realm": {"tier": "gold"}}))),
        sees(x_consumer_username=ALICE.encode(), x_tier=b"whole"),
        "identity",
    ),
    *(
        Case(
            f"identity-value-{name}",
            get(bearer(token(groups=claim))),
            ALICES if value is None else sees(x_consumer_username=ALICE.encode(), x_groups=value),
            "identity",
        )
        for name, (claim, value) in VALUES.items()
    ),
    *(
        Case(f"identity-forged-{number}-{policy}", get(*headers, *forged(name)), expect, policy)
        for number, name in enumerate(SPELLINGS)
        for policy, headers, expect in (
            ("identity", (bearer(GOOD),), ALICES),
            ("identity-non-secure", (bearer(GOOD),), NOBODYS),
            ("identity-inbound-off", (), NOBODYS),
        )
    ),
    *(
        Case(
            f"identity-forged-{name}",
            get(*headers, *forged(*SPELLINGS, b"x-level", b"X_Tier"), target=target, method=method),
            expect,
            "identity",
        )
        for name, headers, target, method, expect in (
            ("on-public", (), b"/open/7", "GET", NOBODYS),
            ("on-public-with-token", (bearer(GOOD),), b"/open/7", "GET", NOBODYS),
            ("on-public-with-bad-token", (bearer(EXPIRED),), b"/open/7", "POST", NOBODYS),
            ("on-optional", (), b"/maybe", "GET", NOBODYS),
            ("on-optional-with-token", (bearer(GOOD),), b"/maybe", "GET", ALICES),
            ("on-preflight", PREFLIGHT, b"/orders/7", "OPTIONS", NOBODYS),
            ("in-every-spelling", (bearer(GOOD),), b"/orders/7", "GET", ALICES),
        )
    ),
    Case("identity-forged-empty", get(bearer(GOOD), *forged(b"x-level", value=b"")), ALICES, "identity"),
    Case(
        "identity-forged-twice",
        get(bearer(GOOD), *forged(b"x-consumer-username", b"x-consumer-username")),
        ALICES,
        "identity",
    ),
    Case("identity-forged-latin-1", get(bearer(GOOD), *forged(b"x-level", value=b"\xff")), ALICES, "identity"),
    Case(
        "identity-forged-hop-by-hop", get(bearer(GOOD), line(b"X-Consumer-Username", b"connection")), ALICES, "identity"
    ),
    Case(
        "identity-resembling",
        get(bearer(GOOD), line(b"7", b"x-consumer-usernames"), line(b"8", b"xx-level")),
        ALICES.but(sees=ALICES.sees | {"x-consumer-usernames": b"7", "xx-level": b"8"}),
        "identity",
    ),
    Case("identity-refused", get(*forged(b"x-consumer-username")), MISSING, "identity"),
    Case(
        "identity-reported",
        get(bearer(EXPIRED), *forged(b"x-consumer-username")),
        NOBODYS.but(reported=True),
        "identity-reported",
    ),
    Case("identity-reported-good", get(bearer(GOOD), *forged(b"x-level")), ALICES, "identity-reported"),
    Case(
        "identity-from-cookie",
        get(line(b"jwt=" + GOOD, b"cookie")),
        ALICES.but(sees=ALICES.sees | {"cookie": b"jwt=" + GOOD}),
        "identity-places",
    ),
    Case(
        "identity-from-query",
        get(target=b"/orders/7?jwt=" + GOOD),
        ALICES.but(no_store=True, query=b"jwt=" + GOOD),
        "identity-places",
    ),
    Case(
        "identity-keeps-the-credential",
        get(bearer(GOOD)),
        ALICES.but(sees=ALICES.sees | {"authorization": b"Bearer " + GOOD}),
        "identity",
    ),
    Case("identity-handshake", get(bearer(GOOD), *forged(b"x-level"), websocket=True), ALICES, "identity"),
]
