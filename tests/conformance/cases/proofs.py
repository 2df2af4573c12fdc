"""Tokens for one request: bound to its body, to its method and URL, and to a single use."""

from __future__ import annotations

import json
from hashlib import md5, sha256, sha512

from jwtmw.decision import Code, Reason
from tests.conformance.schema import (
    ANONYMOUS,
    MISSING,
    Case,
    Earlier,
    Expect,
    Request,
    bearer,
    get,
    insufficient,
    passes,
    refused,
    reported,
)
from tests.conformance.tokens import ALICE, DROP, EXPIRED, FOREIGN, token

BODY = b'{"amount": 7, "to": "shop"}'
SHA256, SHA512, MD5 = (hash_(BODY).hexdigest() for hash_ in (sha256, sha512, md5))
OF_NOTHING = sha256(b"").hexdigest()
# As large as the policy's max_body_bytes, and one byte more.
LARGEST = b"x" * 64
LARGER = LARGEST + b"x"

AS_ALICE = passes(ALICE)
MISMATCH = refused(Reason.BODY_MISMATCH).but(reads=True)
NOT_BOUND = refused(Reason.BODY_NOT_BOUND).but(reads=True)
TOO_LARGE = Expect(code=Code.BODY_TOO_LARGE, reason=Reason.BODY_TOO_LARGE, reads=True)
UNREADABLE = refused(Reason.BODY_UNREADABLE).but(reads=True)
TARGET = refused(Reason.TARGET_MISMATCH)
REPLAYED = refused(Reason.REPLAYED)
NOT_SINGLE_USE = refused(Reason.NOT_SINGLE_USE)
UNAVAILABLE = refused(Reason.REPLAYS_UNAVAILABLE).but(retry_after=b"1")


def post(made: bytes | None, body: bytes = BODY, target: bytes = b"/bound", **more: object) -> Request:
    """A request with a body."""
    headers = () if made is None else (bearer(made),)
    return Request("POST", target, (*headers, (b"content-type", b"application/json")), body, **more)  # type: ignore[arg-type]


def bound(body: bytes = BODY, **claims: object) -> bytes:
    """A token that is bound to the body by SHA-256."""
    return token(bdy=sha256(body).hexdigest(), **claims)


def changed(position: int) -> bytes:
    """The body with one bit turned."""
    return BODY[:position] + bytes([BODY[position] ^ 1]) + BODY[position + 1 :]


GOOD = bound()
BODIES: dict[str, tuple[Request, Expect]] = {
    "bound": (post(GOOD), AS_ALICE),
    "bound-sha-512": (post(token(bdy=SHA512), target=b"/bound/sha-512"), AS_ALICE),
    "bound-md5": (post(token(bdy=MD5), target=b"/bound/md5"), AS_ALICE),
    "chunked": (post(GOOD, chunked=True), AS_ALICE),
    "binary": (post(bound(bytes(range(64))), bytes(range(64))), AS_ALICE),
    "as-large-as-may-be": (post(bound(LARGEST), LARGEST), AS_ALICE),
    "chunked-as-large-as-may-be": (post(bound(LARGEST), LARGEST, chunked=True), AS_ALICE),
    "first-bit": (post(GOOD, changed(0)), MISMATCH),
    "last-bit": (post(GOOD, changed(len(BODY) - 1)), MISMATCH),
    "truncated": (post(GOOD, BODY[:-1]), MISMATCH),
    "appended": (post(GOOD, BODY + b"\n"), MISMATCH),
    "chunked-appended": (post(GOOD, BODY + b"\n", chunked=True), MISMATCH),
    "json-written-anew": (post(GOOD, json.dumps(json.loads(BODY), separators=(",", ":")).encode()), MISMATCH),
    "json-in-another-order": (post(GOOD, b'{"to": "shop", "amount": 7}'), MISMATCH),
    "emptied": (post(GOOD, b""), MISMATCH),
    "another-hash": (post(token(bdy=SHA512)), MISMATCH),
    "weaker-hash": (post(token(bdy=MD5)), MISMATCH),
    "hash-in-capitals": (post(token(bdy=SHA256.upper())), MISMATCH),
    "hash-of-nothing": (post(token(bdy=OF_NOTHING)), MISMATCH),
    "claim-null": (post(token(bdy=None)), MISMATCH),
    "claim-null-and-empty-body": (post(token(bdy=None), b""), MISMATCH),
    "claim-a-list": (post(token(bdy=[SHA256])), MISMATCH),
    "claim-a-number": (post(token(bdy=7)), MISMATCH),
    "no-claim": (post(token()), NOT_BOUND),
    "no-claim-chunked": (post(token(), chunked=True), NOT_BOUND),
    "no-claim-and-empty-body": (post(token(), b""), AS_ALICE),
    "no-claim-and-get": (get(bearer(token()), target=b"/bound"), AS_ALICE),
    "empty-body-that-is-bound": (post(token(bdy=OF_NOTHING), b""), AS_ALICE),
    "too-large": (post(bound(LARGER), LARGER), TOO_LARGE),
    "too-large-chunked": (post(bound(LARGER), LARGER, chunked=True), TOO_LARGE),
    "too-large-and-not-bound": (post(token(), LARGER), TOO_LARGE),
    "cut-off": (post(GOOD, cut=True), UNREADABLE),
    "cut-off-at-the-right-place": (post(bound(BODY), BODY, cut=True), UNREADABLE),
    "optional-without-token": (post(None, target=b"/bound/maybe"), passes(ANONYMOUS)),
    "optional-and-bound": (post(GOOD, target=b"/bound/maybe"), AS_ALICE),
    "optional-and-not-bound": (post(token(), target=b"/bound/maybe"), NOT_BOUND),
    "reported": (post(token(), target=b"/bound/trial"), reported(Reason.BODY_NOT_BOUND, ANONYMOUS)),
    "reported-too-large": (
        post(bound(LARGER), LARGER, b"/bound/trial", chunked=True),
        reported(Reason.BODY_TOO_LARGE, ANONYMOUS),
    ),
    "where-nobody-asks": (post(token(bdy="of another body"), target=b"/orders"), AS_ALICE),
    # Whom something else refuses, his body is not read.
    "unread-no-token": (post(None), MISSING),
    "unread-expired": (post(EXPIRED), refused(Reason.EXPIRED)),
    "unread-forged": (post(FOREIGN), refused(Reason.SIGNATURE_INVALID)),
    "unread-no-scope": (post(GOOD, target=b"/bound/reads"), insufficient(Reason.SCOPE_MISSING, b"stock:read")),
    "unread-another-target": (post(bound(htm="PUT")), TARGET),
}

URL = "https://orders.example/orders/7"
TARGETS: dict[str, tuple[bytes, Expect]] = {
    "method-and-url": (token(htm="GET", htu=URL), AS_ALICE),
    "method": (token(htm="GET"), AS_ALICE),
    "url": (token(htu=URL), AS_ALICE),
    "url-spelt-otherwise": (token(htu="HTTPS://Orders.Example:443/%6Frders/7?page=2#top"), AS_ALICE),
    "another-method": (token(htm="POST", htu=URL), TARGET),
    "method-in-small-letters": (token(htm="get"), TARGET),
    "another-path": (token(htu=URL + "1"), TARGET),
    "trailing-slash": (token(htu=URL + "/"), TARGET),
    "another-host": (token(htu="https://evil.example/orders/7"), TARGET),
    "another-scheme": (token(htu="http://orders.example/orders/7"), TARGET),
    "another-port": (token(htu="https://orders.example:8443/orders/7"), TARGET),
    "path-alone": (token(htu="/orders/7"), TARGET),
    "method-null": (token(htm=None), refused(Reason.CLAIMS_MALFORMED)),
    "url-a-list": (token(htu=[URL]), refused(Reason.CLAIMS_MALFORMED)),
}


def once(made: bytes, expect: Expect, name: str, target: bytes = b"/once", status: int = 200) -> Case:
    """The token's second request, behind one that ended with `status`."""
    asked = get(bearer(made), target=b"/once")
    return Case(f"once-{name}", get(bearer(made), target=target), expect, "proofs", before=(Earlier(asked, status),))


USED = token()
PAID = bound()

CASES = [
    *(Case(f"body-{name}", request, expect, "proofs") for name, (request, expect) in BODIES.items()),
    *(Case(f"target-{name}", get(bearer(made)), expect, "proofs-url") for name, (made, expect) in TARGETS.items()),
    Case("target-head", get(bearer(token(htm="GET")), method="HEAD"), TARGET, "proofs-url"),
    Case(
        "target-from-host-header",
        get(bearer(token(htu="https://evil.example/orders/7")), (b"host", b"evil.example")),
        TARGET,
        "proofs-url",
    ),
    Case("target-without-a-host-of-ours", get(bearer(token(htu="http://a.example/orders/7"))), AS_ALICE, "proofs"),
    Case("target-path-without-a-host-of-ours", get(bearer(token(htu="http://a.example/orders"))), TARGET, "proofs"),
    Case("target-root-path", get(bearer(token(htu=URL)), root_path="/orders"), AS_ALICE, "proofs-url"),
    Case("target-public", get(bearer(token(htm="PUT")), target=b"/open/7"), passes(ANONYMOUS), "proofs-url"),
    Case("target-websocket", get(bearer(token(htm="GET", htu=URL)), websocket=True), AS_ALICE, "proofs-url"),
    Case("body-websocket", get(bearer(token()), target=b"/bound", websocket=True), AS_ALICE, "proofs"),
    Case(
        "body-websocket-bound-to-another", get(bearer(GOOD), target=b"/bound", websocket=True),
        refused(Reason.BODY_MISMATCH), "proofs",
    ),
    # Single use
    Case("once", get(bearer(USED), target=b"/once"), AS_ALICE, "proofs", fresh=True),
    once(USED, REPLAYED, "replayed"),
    once(USED, REPLAYED, "replayed-elsewhere", b"/once/other"),
    once(USED, AS_ALICE, "elsewhere", b"/orders/7"),
    Case(
        "once-same-jti", get(bearer(token(scope="stock:read")), target=b"/once"), REPLAYED, "proofs",
        before=(Earlier(get(bearer(USED), target=b"/once"), 200),),
    ),
    Case(
        "once-another-jti", get(bearer(token(jti="another")), target=b"/once"), AS_ALICE, "proofs",
        before=(Earlier(get(bearer(USED), target=b"/once"), 200),),
    ),
    Case(
        "once-replayed-at-its-end", get(bearer(USED), target=b"/once"), REPLAYED, "proofs", at=629,
        before=(Earlier(get(bearer(USED), target=b"/once"), 200),),
    ),
    Case(
        "once-not-spent-by-a-refusal", post(PAID, target=b"/both"), AS_ALICE, "proofs",
        before=(Earlier(post(PAID, BODY + b" ", b"/both"), 401), Earlier(post(PAID, LARGER, b"/both"), 413)),
    ),
    Case(
        "once-and-bound-replayed", post(PAID, target=b"/both"), REPLAYED.but(reads=True), "proofs",
        before=(Earlier(post(PAID, target=b"/both"), 200),),
    ),
    Case("once-without-jti", get(bearer(token(jti=DROP)), target=b"/once"), NOT_SINGLE_USE, "proofs"),
    Case("once-without-exp", get(bearer(token(exp=DROP)), target=b"/once"), NOT_SINGLE_USE, "proofs"),
    Case("once-websocket", get(bearer(USED), target=b"/once", websocket=True), AS_ALICE, "proofs", fresh=True),
    Case(
        "once-reported", get(bearer(USED), target=b"/once/trial"), reported(Reason.REPLAYED, ANONYMOUS), "proofs",
        before=(Earlier(get(bearer(USED), target=b"/once/trial"), 200),),
    ),
    Case("once-store-away", get(bearer(USED), target=b"/once"), UNAVAILABLE, "proofs-away", fresh=True),
    Case("once-store-away-elsewhere", get(bearer(USED)), AS_ALICE, "proofs-away", fresh=True),
    Case(
        "once-store-away-body-first", post(token(), target=b"/both"), NOT_BOUND, "proofs-away", fresh=True,
    ),
    Case(
        "once-store-away-no-scope", get(bearer(USED), target=b"/once/reads"),
        insufficient(Reason.SCOPE_MISSING, b"stock:read"), "proofs-away", fresh=True,
    ),
    # Where endpoints have marks
    Case(
        "body-marked", post(bound(scope="stock:read"), target=b"/marked/reads-posted"), AS_ALICE,
        "proofs-marks", app="routes",
    ),
    Case(
        "body-marked-mismatch", post(bound(scope="stock:read"), BODY + b" ", b"/marked/reads-posted"), MISMATCH,
        "proofs-marks", app="routes",
    ),
    Case(
        "body-marked-no-scope", post(bound(), target=b"/marked/reads-posted"),
        insufficient(Reason.SCOPE_MISSING, b"stock:read").but(reads=True), "proofs-marks", app="routes",
    ),
    Case("body-marked-public", post(token(), target=b"/marked/public-posted"), NOT_BOUND, "proofs-marks", app="routes"),
    Case("body-unmarked-chunked", post(GOOD, target=b"/posted", chunked=True), AS_ALICE, "proofs-marks", app="routes"),
]  # fmt: skip
