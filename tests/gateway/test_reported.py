"""What gateways report: read in one way, or refused."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from jwtmw.adapter import Reason
from jwtmw.testing import TestIssuer
from tests.conformance.schema import Answer, Header
from tests.engine.facts import policy_of
from tests.gateway.asking import GATEWAYS, IN_HEADERS, REPORTS, SURFACES, Asker, bearer

ISSUER = TestIssuer()
RULES = [
    {"path": "/public/**", "allow": "public"},
    {"path": "/orders", "methods": ["POST"], "scopes": ["orders:write"]},
    {"path": "/café", "allow": "public"},
]


def asker(surface: str, gateway: str, table: dict[str, Any] | None = None, **keys: Any) -> Asker:
    return Asker(surface, policy_of(ISSUER, rules=RULES, gateway=table or {}, **keys), gateway)


def code_of(answer: Answer) -> str | None:
    return None if answer.status == 200 else json.loads(answer.body)["code"]


surfaces = pytest.mark.parametrize("surface", SURFACES)
all_gateways = pytest.mark.parametrize("gateway", GATEWAYS)
by_headers = pytest.mark.parametrize("gateway", IN_HEADERS)


@surfaces
@all_gateways
@pytest.mark.parametrize(
    ("method", "target", "code"),
    [
        ("GET", b"/public/a", None),
        ("POST", b"/public/a?b=c&d=/../e", None),
        ("GET", b"/public", None),
        ("GET", b"/caf%C3%A9", None),
        ("GET", b"/publi%63/a", None),
        ("GET", b"/orders", "token_missing"),
        ("GET", b"/orders?path=/public/a", "token_missing"),
        ("GET", b"/auth", "token_missing"),
        ("HEAD", b"/public/a", None),
        ("GET", b"/public/../orders", "bad_path"),
        ("GET", b"/public/%2e%2e/orders", "bad_path"),
        ("GET", b"/public/%2E%2E%2Forders", "bad_path"),
        ("GET", b"/public//orders", "bad_path"),
        ("GET", b"//public/a", "bad_path"),
        ("GET", b"/public/a%2fb", "bad_path"),
        ("GET", b"/public/a%5cb", "bad_path"),
        ("GET", b"/public/a\\b", "bad_path"),
        ("GET", b"/public/a;b", "bad_path"),
        ("GET", b"/public/%2561", "bad_path"),
        ("GET", b"/public/%", "bad_path"),
        ("GET", b"/public/%ff", "bad_path"),
        ("GET", b"/public/%00", "bad_path"),
        ("GET", b"/public/a%0a", "bad_path"),
        ("GET", b"/public/\xff", "bad_path"),
        ("GET", b"/public/a#b", "bad_path"),
        ("get", b"/public/a", "bad_method"),
        ("FOO", b"/public/a", "bad_method"),
        ("CONNECT", b"/public/a", "bad_method"),
    ],
)
def test_a_report_is_judged_as_the_request_would_be(
    surface: str, gateway: str, method: str, target: bytes, code: str | None
) -> None:
    """Method and path are the original's, and what two readers could read differently is refused."""
    ask = asker(surface, gateway)
    answer = ask(method, target, own="GET")
    if method == "HEAD":
        assert 200 == answer.status
    else:
        assert code == code_of(answer)


@surfaces
@by_headers
@pytest.mark.parametrize(
    "target",
    [
        b"",
        b"*",
        b"public/a",
        b"http://orders.example/public/a",
        b"//orders.example/public/a",
        b"/public/a?b#c",
        b"/public/a?b,/orders",
        b"/public/a?b, /orders",
        b"/public/a,/orders",
        b"/public/a b",
        b"/public/a?b c",
        b"/public/a\tb",
        b"/public/a?b\x00",
        b"/public/a?b\x7f",
    ],
)
def test_a_target_that_is_none_is_refused(surface: str, gateway: str, target: bytes) -> None:
    """Absolute, with a fragment, joined by a comma, with what no request line holds: two readers would differ."""
    assert "bad_path" == code_of(asker(surface, gateway)("GET", target))


@surfaces
@by_headers
@pytest.mark.parametrize(
    ("method", "target", "code"),
    [
        ((), (b"/public/a",), "bad_method"),
        ((b"GET",), (), "bad_path"),
        ((), (), "bad_path"),
        ((b"",), (b"/public/a",), "bad_method"),
        ((b"GET", b"GET"), (b"/public/a",), "bad_method"),
        ((b"GET,POST",), (b"/public/a",), "bad_method"),
        ((b"GET",), (b"/public/a", b"/public/a"), "bad_path"),
        ((b"GET",), (b"/public/a", b"/orders"), "bad_path"),
        ((b"GET",), (b"/orders", b"/public/a"), "bad_path"),
        ((b"G\xcbT",), (b"/public/a",), "bad_method"),
    ],
)
def test_each_header_is_there_exactly_once(
    surface: str, gateway: str, method: tuple[bytes, ...], target: tuple[bytes, ...], code: str
) -> None:
    """What is absent, empty, sent twice or joined says nothing that could be believed."""
    ask = asker(surface, gateway)
    names = REPORTS[gateway]
    lines: list[Header] = [*((names[0], value) for value in method), *((names[1], value) for value in target)]
    assert code == code_of(ask.raw("GET", b"/auth", *lines))


@surfaces
@by_headers
def test_no_other_header_is_read(surface: str, gateway: str) -> None:
    """What a caller writes in the words of other gateways, or of frameworks, changes nothing."""
    ask = asker(surface, gateway)
    others = [*(name for names in REPORTS.values() for name in names if name not in REPORTS[gateway])]
    others += [b"X-Original-URL", b"X-Rewrite-URL", b"X-HTTP-Method-Override", b"X-Forwarded-Prefix", b"Forwarded"]
    lines = [(name, b"OPTIONS" if b"Method" in name else b"/public/a") for name in others]
    assert "token_missing" == code_of(ask("GET", b"/orders", *lines))
    assert "bad_path" == code_of(ask.raw("GET", b"/auth", *lines))


@surfaces
def test_envoy_reports_by_no_header(surface: str) -> None:
    """Its own method and path are the original's."""
    ask = asker(surface, "envoy")
    lines = [(name, b"OPTIONS" if b"Method" in name else b"/public/a") for names in REPORTS.values() for name in names]
    lines += [(b"X-Envoy-Original-Path", b"/public/a"), (b":path", b"/public/a")]
    assert "token_missing" == code_of(ask("GET", b"/orders", *lines))


@surfaces
@by_headers
@pytest.mark.parametrize("own", ["GET", "POST", "HEAD", "OPTIONS"])
def test_the_gateways_own_method_says_nothing(surface: str, gateway: str, own: str) -> None:
    """Only the reported one is judged; the answer to a HEAD has no body, and to anything else it has."""
    answer = asker(surface, gateway)("POST", b"/orders", own=own)
    assert 401 == answer.status
    assert (own == "HEAD") == (b"" == answer.body)


@surfaces
@by_headers
def test_a_reported_head_is_answered_with_the_body_of_its_refusal(surface: str, gateway: str) -> None:
    """The gateway asked by GET: a length without a body would break its connection."""
    answer = asker(surface, gateway)("HEAD", b"/orders")
    assert "token_missing" == code_of(answer)


@surfaces
def test_envoys_head_is_answered_without_a_body(surface: str) -> None:
    """Envoy asks by the original method."""
    answer = asker(surface, "envoy")("HEAD", b"/orders")
    assert (401, b"") == (answer.status, answer.body)


@surfaces
@pytest.mark.parametrize("gateway", GATEWAYS)
@pytest.mark.parametrize(
    "target", [b"/", b"/authority", b"/auth/", b"/AUTH", b"/x/auth", b"/au%74h/orders", b"/orders"]
)
def test_no_other_path_answers(surface: str, gateway: str, target: bytes) -> None:
    """404 is no pass for any gateway, and tells nothing."""
    ask = asker(surface, gateway)
    names = REPORTS.get(gateway, (b"X-A", b"X-B"))
    answer = ask.raw("GET", target, (names[0], b"GET"), (names[1], b"/public/a"))
    if gateway == "envoy" and target in (b"/auth/", b"/au%74h/orders"):
        assert answer.status in (400, 401)
    else:
        assert (404, b"") == (answer.status, answer.body)


@surfaces
def test_envoy_without_its_prefix_is_not_judged(surface: str) -> None:
    """A gateway that asks at the bare path is not Envoy: what it says is no original."""
    assert 404 == asker(surface, "envoy").raw("GET", b"/auth").status


@surfaces
def test_envoy_may_have_no_prefix(surface: str) -> None:
    """Then the endpoint is all that is served there."""
    ask = asker(surface, "envoy", table={"path": "/"})
    assert 200 == ask.raw("GET", b"/public/a").status
    assert "token_missing" == code_of(ask.raw("GET", b"/orders"))
    assert "bad_path" == code_of(ask.raw("GET", b"//public/a"))


@surfaces
@pytest.mark.parametrize("raw", [b"/auth/public/a", b"/inner/auth/public/a"])
def test_envoy_may_ask_below_a_mount(surface: str, raw: bytes) -> None:
    """The root path is taken off as a router takes it off, whether the raw path has it or not."""
    ask = asker(surface, "envoy")
    answer = ask.raw("GET", b"/inner/auth/public/a", root_path="/inner", scope={"raw_path": raw})
    assert 200 == answer.status


@surfaces
@pytest.mark.parametrize("raw", [b"/elsewhere/public/a", b"/auth/orders", b"/auth/public/%2e%2e/orders", b"/auth"])
def test_a_raw_path_that_says_something_else_is_refused(surface: str, raw: bytes) -> None:
    """Two readers would read two paths."""
    ask = asker(surface, "envoy")
    assert "bad_path" == code_of(ask.raw("GET", b"/auth/public/a", scope={"raw_path": raw}))


@surfaces
def test_a_server_may_have_no_raw_path(surface: str) -> None:
    """Then the decoded one is judged, as everywhere."""
    ask = asker(surface, "envoy")
    assert 200 == ask.raw("GET", b"/auth/public/a", scope={"raw_path": None}).status
    assert "bad_path" == code_of(ask.raw("GET", b"/auth/public//a", scope={"raw_path": None}))


@surfaces
@by_headers
def test_the_endpoint_may_be_mounted(surface: str, gateway: str) -> None:
    """Its path is the one behind the root path."""
    ask = asker(surface, gateway)
    names = REPORTS[gateway]
    lines = [(names[0], b"GET"), (names[1], b"/public/a")]
    assert 200 == ask.raw("GET", b"/inner/auth", *lines, root_path="/inner").status
    assert 404 == ask.raw("GET", b"/inner/auth", *lines).status


@surfaces
@by_headers
def test_the_headers_can_be_named(surface: str, gateway: str) -> None:
    """Where a gateway is configured to report otherwise; its usual ones then say nothing."""
    ask = asker(surface, gateway, table={"path": "/a/b", "method_header": "X-M", "target_header": "X-T"})
    names = REPORTS[gateway]
    usual = [(names[0], b"GET"), (names[1], b"/public/a")]
    assert 200 == ask.raw("GET", b"/a/b", (b"X-M", b"GET"), (b"X-T", b"/public/a")).status
    assert "token_missing" == code_of(ask.raw("GET", b"/a/b", (b"X-M", b"GET"), (b"X-T", b"/orders"), *usual))
    assert "bad_path" == code_of(ask.raw("GET", b"/a/b", *usual))


@surfaces
@all_gateways
def test_tokens_are_found_where_the_policy_looks(surface: str, gateway: str) -> None:
    """In a header, in the query of the reported target, in a cookie; two of them are one too many."""
    places = [{"header": "Authorization", "scheme": "Bearer"}, {"query": "jwt"}, {"cookie": "jwt"}]
    ask = asker(surface, gateway, token_from=places, origins=["https://shop.example"])
    token = ISSUER.token()
    assert 200 == ask("GET", b"/orders", bearer(token)).status
    assert 200 == ask("GET", b"/orders?jwt=" + token.encode()).status
    cookie = (b"Cookie", b"jwt=" + token.encode())
    assert 200 == ask("GET", b"/orders", cookie).status
    assert "invalid_request" == code_of(ask("GET", b"/orders?jwt=" + token.encode(), bearer(token)))
    assert "csrf" == code_of(ask("PUT", b"/orders", cookie))
    assert 200 == ask("PUT", b"/orders", cookie, (b"Origin", b"https://shop.example")).status


@surfaces
@all_gateways
@pytest.mark.parametrize(
    "handshake",
    [
        pytest.param([(b"Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ==")], id="the key, as the gateway drops Upgrade"),
        pytest.param([(b"Upgrade", b"WebSocket")], id="by name"),
        pytest.param([(b"Upgrade", b"h2c, websocket")], id="among others"),
    ],
)
def test_a_handshake_needs_its_proof(surface: str, gateway: str, handshake: list[Header]) -> None:
    """Any page may open a WebSocket, with the cookies of whoever looks at it: it counts as GET, but is never safe."""
    origins = ["https://shop.example"]
    ask = asker(surface, gateway, token_from=[{"cookie": "jwt"}], origins=origins)
    cookie = (b"Cookie", b"jwt=" + ISSUER.token().encode())
    assert 200 == ask("GET", b"/orders", cookie).status
    assert "csrf" == code_of(ask("GET", b"/orders", cookie, *handshake))
    assert "csrf" == code_of(ask("GET", b"/orders", cookie, *handshake, (b"Origin", b"https://evil.example")))
    assert 200 == ask("GET", b"/orders", cookie, *handshake, (b"Origin", b"https://shop.example")).status


@surfaces
@all_gateways
def test_a_token_among_the_subprotocols_counts_in_a_handshake(surface: str, gateway: str) -> None:
    """As browsers send it; in any other request it is not looked at."""
    ask = asker(surface, gateway, token_from=[{"subprotocol": "bearer"}])
    offered = (b"Sec-WebSocket-Protocol", b"bearer, " + ISSUER.token().encode())
    assert 200 == ask("GET", b"/orders", offered, (b"Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ==")).status
    assert "token_missing" == code_of(ask("GET", b"/orders", offered))


@surfaces
def test_a_gateway_that_does_not_report_is_told_so_once(surface: str, caplog: pytest.LogCaptureFixture) -> None:
    """The log names the header, never what came."""
    ask = asker(surface, "nginx")
    with caplog.at_level(logging.WARNING, "jwtmw.gateway"):
        for _ in range(2):
            ask.raw("GET", b"/auth", (b"X-Original-Method", b"GET"), (b"X-Canary", b"canary"))
    assert ["the gateway does not report x-original-uri: let it, or name the header that it sends"] == [
        record.getMessage() for record in caplog.records if record.name == "jwtmw.gateway"
    ]


@surfaces
def test_an_empty_report_is_no_missing_header(surface: str, caplog: pytest.LogCaptureFixture) -> None:
    """Callers' own odd targets do not fill the log."""
    with caplog.at_level(logging.WARNING, "jwtmw.gateway"):
        assert "bad_path" == code_of(asker(surface, "nginx")("GET", b"/\xff"))
    assert [] == [record for record in caplog.records if record.name == "jwtmw.gateway"]


@surfaces
@all_gateways
def test_refusals_are_counted_by_their_reason(surface: str, gateway: str) -> None:
    """As on every other surface."""
    ask = asker(surface, gateway)
    ask("GET", b"/public/../orders")
    ask("FOO", b"/orders")
    ask("GET", b"/orders")
    counted = {reason.value: 1 for reason in (Reason.PATH_AMBIGUOUS, Reason.METHOD_UNKNOWN, Reason.TOKEN_MISSING)}
    assert counted == ask.policy.metrics()["denied"]
