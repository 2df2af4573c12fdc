"""WebSocket handshakes: judged as GET, refused before they are accepted; RFC 6455, the ASGI denial response."""

from __future__ import annotations

from jwtmw.decision import Reason
from tests.conformance.schema import (
    ANONYMOUS,
    BAD_PATH,
    BAD_REQUEST,
    FORBIDDEN,
    MALFORMED,
    MISSING,
    REPEATED,
    Case,
    Expect,
    Header,
    Request,
    bearer,
    get,
    insufficient,
    line,
    passes,
    refused,
    reported,
)
from tests.conformance.tokens import ALICE, EXPIRED, FOREIGN, GARBAGE, GOOD, PARTNERS, token

AS_ALICE, OPEN = passes(ALICE), passes(ANONYMOUS)
STALE = refused(Reason.EXPIRED)
SCOPE = insufficient(Reason.SCOPE_MISSING, b"stock:read")


def chat(*headers: Header, target: bytes = b"/chat") -> Request:
    return get(*headers, target=target, websocket=True)


def offer(*texts: bytes, target: bytes = b"/chat") -> Request:
    return chat(*(line(text, b"sec-websocket-protocol") for text in texts), target=target)


def chosen(protocol: bytes | None, *offered: str) -> Expect:
    """Accepted; the answer names this protocol, and the application saw these, never the token."""
    return passes(ALICE, subprotocol=protocol, offered=offered)


REFUSED: dict[str, tuple[str, Request, Expect]] = {
    "missing": ("default", chat(), MISSING),
    "expired": ("default", chat(bearer(EXPIRED)), STALE),
    "garbage": ("default", chat(bearer(GARBAGE)), refused(Reason.TOKEN_FORMAT)),
    "foreign": ("default", chat(bearer(FOREIGN)), refused(Reason.SIGNATURE_INVALID)),
    "malformed": ("default", chat(line(b"Bearer")), MALFORMED),
    "two-tokens": ("default", chat(bearer(GOOD), bearer(GOOD)), BAD_REQUEST),
    "basic": ("default", chat(line(b"Basic YWJj")), MISSING),
    "ambiguous-path": ("default", chat(target=b"/chat/../admin"), BAD_PATH),
    "ambiguous-path-with-token": ("default", chat(bearer(GOOD), target=b"//chat"), BAD_PATH),
    "denied": ("requirements", chat(bearer(GOOD), target=b"/closed/chat"), FORBIDDEN),
    "scope": ("requirements", chat(bearer(GOOD), target=b"/scopes/one"), SCOPE),
    "other-issuer": ("requirements", chat(bearer(PARTNERS), target=b"/issuers/corp"), refused(Reason.ROUTE_ISSUER)),
    "post-rule-does-not-cover-it": ("methods", chat(target=b"/post-open"), MISSING),
    "default-deny": ("default-deny", chat(), FORBIDDEN),
    "subprotocol-not-configured": ("default", offer(b"bearer, " + GOOD), MISSING),
    "query-not-configured": ("default", chat(target=b"/chat?jwt=" + GOOD), MISSING),
}
PROTOCOLS: dict[str, tuple[Request, Expect]] = {
    "good": (offer(b"bearer, " + GOOD), chosen(b"bearer", "bearer")),
    "good-without-blank": (offer(b"bearer," + GOOD), chosen(b"bearer", "bearer")),
    "good-with-blanks": (offer(b"bearer \t, \t" + GOOD), chosen(b"bearer", "bearer")),
    "good-then-others": (offer(b"bearer, " + GOOD + b", chat, v2"), chosen(b"bearer", "bearer", "chat", "v2")),
    "good-after-others": (offer(b"chat, bearer, " + GOOD), chosen(b"bearer", "chat", "bearer")),
    "good-in-two-lines": (offer(b"bearer", GOOD), chosen(b"bearer", "bearer")),
    "good-in-lines-with-others": (offer(b"chat", b"bearer, " + GOOD), chosen(b"bearer", "chat", "bearer")),
    "application-chooses": (offer(b"chat, bearer, " + GOOD, target=b"/chat?choose"), chosen(b"chat", "chat", "bearer")),
    "header-beside-other-protocols": (
        chat(bearer(GOOD), line(b"chat, v2", b"sec-websocket-protocol")),
        chosen(None, "chat", "v2"),
    ),
    "header-and-application-chooses": (
        chat(bearer(GOOD), line(b"chat, v2", b"sec-websocket-protocol"), target=b"/chat?choose"),
        chosen(b"chat", "chat", "v2"),
    ),
    "alone": (offer(b"bearer"), MALFORMED),
    "alone-among-others": (offer(b"chat, bearer"), MALFORMED),
    "token-before-name": (offer(GOOD + b", bearer"), MALFORMED),
    "blank-after-name": (offer(b"bearer, "), MALFORMED),
    "empty-item-after-name": (offer(b"bearer, , " + GOOD), MALFORMED),
    "two-words-after-name": (offer(b"bearer, a b"), MALFORMED),
    "quoted-after-name": (offer(b'bearer, "' + GOOD + b'"'), MALFORMED),
    "twice": (offer(b"bearer, " + GOOD + b", bearer, " + GOOD), REPEATED),
    "twice-in-lines": (offer(b"bearer, " + GOOD, b"bearer, " + EXPIRED), REPEATED),
    "name-in-capitals": (offer(b"Bearer, " + GOOD), MISSING),
    "name-longer": (offer(b"bearer2, " + GOOD), MISSING),
    "token-without-name": (offer(GOOD), MISSING),
    "others-only": (offer(b"chat, v2"), MISSING),
    "empty": (offer(b""), MISSING),
    "expired": (offer(b"bearer, " + EXPIRED), STALE),
    "garbage": (offer(b"bearer, " + GARBAGE), refused(Reason.TOKEN_FORMAT)),
    "and-header": (chat(bearer(GOOD), line(b"bearer, " + GOOD, b"sec-websocket-protocol")), REPEATED),
    "malformed-and-header": (chat(bearer(GOOD), line(b"bearer", b"sec-websocket-protocol")), BAD_REQUEST),
    "on-plain-http": (get(line(b"bearer, " + GOOD, b"sec-websocket-protocol")), MISSING),
    "on-plain-http-beside-header": (
        get(bearer(GOOD), line(b"bearer, " + EXPIRED, b"sec-websocket-protocol")),
        AS_ALICE,
    ),
}
# However the request came to pass: the token stays hidden, and a browser needs one of its protocols chosen.
HIDDEN: dict[str, tuple[str, Request, Expect]] = {
    "public-route": ("subprotocol", offer(b"chat, bearer, " + GOOD, target=b"/open/chat"), OPEN),
    "public-route-with-garbage": ("subprotocol", offer(b"chat, bearer, " + GOOD + b"x", target=b"/open/chat"), OPEN),
    "optional-route": ("subprotocol", offer(b"chat, bearer, " + GOOD, target=b"/maybe"), AS_ALICE),
    "non-secure": ("non-secure-places", offer(b"chat, bearer, " + GOOD), OPEN),
    "report-only": ("report-only-places", offer(b"chat, bearer, " + GOOD), AS_ALICE),
    "report-only-scope-missing": (
        "report-only-places",
        offer(b"chat, bearer, " + GOOD, target=b"/scopes/one"),
        reported(Reason.SCOPE_MISSING, ALICE),
    ),
    "report-only-expired": (
        "report-only-places",
        offer(b"chat, bearer, " + EXPIRED),
        reported(Reason.EXPIRED, ANONYMOUS),
    ),
}
CASES = [
    *(
        Case(
            f"subprotocol-hidden-{name}",
            request,
            expect.but(subprotocol=b"bearer", offered=("chat", "bearer")),
            policy,
        )
        for name, (policy, request, expect) in HIDDEN.items()
    ),
    *(
        Case(f"websocket-refused-{name}", request, expect, policy)
        for name, (policy, request, expect) in REFUSED.items()
    ),
    *(
        Case(
            f"websocket-without-extension-{name}",
            Request(target=request.target, headers=request.headers, websocket=True, denial=False),
            expect.but(close=1008),
            policy,
        )
        for name, (policy, request, expect) in REFUSED.items()
    ),
    *(Case(f"subprotocol-{name}", request, expect, "subprotocol") for name, (request, expect) in PROTOCOLS.items()),
    Case("websocket-good", chat(bearer(GOOD)), AS_ALICE),
    Case("websocket-good-lower-case-scheme", chat(bearer(GOOD, b"bearer")), AS_ALICE),
    Case("websocket-query-token", chat(target=b"/chat?jwt=" + GOOD), AS_ALICE, "query"),
    Case("websocket-query-token-expired", chat(target=b"/chat?jwt=" + EXPIRED), STALE, "query"),
    Case("websocket-public-rule", chat(target=b"/open/chat"), OPEN, "requirements"),
    Case("websocket-public-rule-with-garbage", chat(bearer(GARBAGE), target=b"/open/chat"), OPEN, "requirements"),
    Case("websocket-optional-rule", chat(target=b"/maybe"), OPEN, "requirements"),
    Case("websocket-optional-rule-expired", chat(bearer(EXPIRED), target=b"/maybe"), STALE, "requirements"),
    Case("websocket-scope", chat(bearer(token(scope="stock:read")), target=b"/scopes/one"), AS_ALICE, "requirements"),
    Case("websocket-get-rule-covers-it", chat(target=b"/get-open"), OPEN, "methods"),
    Case("websocket-default-public", chat(), OPEN, "default-public"),
    Case(
        "websocket-is-no-preflight",
        chat(line(b"https://shop.example", b"origin"), line(b"PUT", b"access-control-request-method")),
        MISSING,
    ),
    Case(
        "websocket-without-extensions-member",
        Request(target=b"/chat", websocket=True, denial=False, scope={"extensions": None}),
        MISSING.but(close=1008),
    ),
    Case(
        "websocket-passes-without-extension", get(bearer(GOOD), target=b"/chat", websocket=True, denial=False), AS_ALICE
    ),
]
