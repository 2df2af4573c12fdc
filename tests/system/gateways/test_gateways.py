"""nginx, Traefik, Caddy and Envoy, each with its configuration of examples/gateways, in front of an upstream.

All is real: processes, sockets, bytes. What must not get through is looked for where it would arrive.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from posixpath import normpath
from urllib.parse import unquote

import pytest

from jwtmw.gateway.identity import folded
from tests.system.gateways.running import FILES, Running, running
from tests.system.gateways.upstream import Received

pytestmark = pytest.mark.system

USERNAME, GROUPS = b"x-consumer-username", b"x-consumer-groups"
SPELLINGS = [
    b"X-Consumer-Username",
    b"x-consumer-username",
    b"X-CONSUMER-USERNAME",
    b"X_Consumer_Username",
    b"X-Consumer_Username",
    b"x_consumer-username",
    b"X.Consumer.Username",
    b"X-Consumer-Groups",
    b"X_CONSUMER_GROUPS",
    b"X~Consumer~Groups",
]
PREFLIGHT = [b"Origin: https://shop.example", b"Access-Control-Request-Method: POST"]


@pytest.fixture(scope="module", params=FILES)
def gateway(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Each of the four."""
    with running(request.param, tmp_path_factory.mktemp(request.param)) as gateway:
        yield gateway


def identity(received: Received) -> dict[bytes, bytes]:
    """Every header that some reader could take for one of identity, by the name that it would have there."""
    found = [(folded(name), value) for name, value in received.headers if folded(name) in (USERNAME, GROUPS)]
    assert len(found) == len(dict(found)), "twice"
    return dict(found)


def test_who_has_a_good_token_passes(gateway: Running) -> None:
    """The request goes on as it was, with who is calling."""
    token = gateway.issuer.token("alice", groups=["clerk"])
    answer, (received,) = gateway.ask(b"/orders/7?a=b&c=%2F", token=token)
    assert (200, b"orders") == (answer.status, answer.body)
    assert ("GET", b"/orders/7?a=b&c=%2F") == (received.method, received.target)
    assert {USERNAME: b"alice", GROUPS: b"WyJjbGVyayJd"} == identity(received)
    assert [b"Bearer " + token.encode()] == received.values(b"authorization")


def test_the_body_goes_to_the_service_alone(gateway: Running) -> None:
    """The endpoint is asked without it."""
    token, body = gateway.issuer.token(scope="orders:write"), b"x" * 100_000
    answer, (received,) = gateway.ask(b"/orders", method=b"POST", token=token, body=body)
    assert (200, "POST", body) == (answer.status, received.method, received.body)


@pytest.mark.parametrize(
    ("method", "target", "token", "status", "challenge"),
    [
        (b"GET", b"/orders", None, 401, b'Bearer realm="api"'),
        (b"HEAD", b"/orders", None, 401, b'Bearer realm="api"'),
        (b"GET", b"/", None, 401, b'Bearer realm="api"'),
        (b"GET", b"/auth", None, 401, b'Bearer realm="api"'),
        (b"GET", b"/orders?path=/health", None, 401, b'Bearer realm="api"'),
        (b"GET", b"/orders", "a.b.c", 401, b'Bearer realm="api", error="invalid_token"'),
        (b"POST", b"/orders", "good", 403, b'Bearer realm="api", error="insufficient_scope", scope="orders:write"'),
        (b"GET", b"/orders", "a b", 400, b'Bearer realm="api", error="invalid_request"'),
    ],
)
def test_refusals_have_their_status_and_challenge(
    gateway: Running, method: bytes, target: bytes, token: str | None, status: int, challenge: bytes
) -> None:
    """As the endpoint gave them, whatever the gateway can pass on by itself; and the upstream hears nothing."""
    token = gateway.issuer.token(scope="orders:read") if token == "good" else token
    answer, received = gateway.ask(target, method=method, token=token)
    assert [] == received
    assert status == answer.status
    (shown,) = answer.values(b"www-authenticate")
    assert shown.startswith(challenge)
    if gateway.kind != "nginx" and method != b"HEAD":
        assert status == json.loads(answer.body)["status"]


@pytest.mark.parametrize("name", SPELLINGS)
@pytest.mark.parametrize("way", ["public", "verified", "preflight"])
def test_nobody_says_who_they_are(gateway: Running, way: str, name: bytes) -> None:
    """What a caller writes there, once or twice, never arrives: the verified value does, or none."""
    lines = [name + b": admin", b"X-Between: 1", name + b": root"]
    if way == "public":
        _, received = gateway.ask(b"/public/a", *lines)
    elif way == "preflight":
        _, received = gateway.ask(b"/orders", *lines, *PREFLIGHT, method=b"OPTIONS")
    else:
        _, received = gateway.ask(b"/orders", *lines, token=gateway.issuer.token("alice"))
    if name.replace(b"-", b"").isalpha():
        assert received, "the exact name is taken out, not refused"
    for each in received:
        assert {USERNAME: b"alice"} if way == "verified" else {} == identity(each)


@pytest.mark.parametrize("name", [b"X-Consumer-Username", b"Authorization", b"X-Forwarded-Uri", b"X-Original-URI"])
@pytest.mark.parametrize("target", [b"/orders", b"/public/a"])
@pytest.mark.parametrize("between", [b", ", b"\r\nConnection: "], ids=["one line", "two lines"])
def test_no_header_is_dropped_between(gateway: Running, between: bytes, target: bytes, name: bytes) -> None:
    """`Connection` may name what a hop drops (RFC 9110, section 7.6.1): not what a judgement rests on, or says."""
    token = gateway.issuer.token("alice")
    answer, received = gateway.ask(target, b"Connection: close" + between + name, token=token)
    assert answer.status in (200, 400, 401)
    for each in received:
        assert ({USERNAME: b"alice"} if target == b"/orders" else {}) == identity(each)
        assert target == each.target


@pytest.mark.parametrize(
    "upgrade",
    [b"h2c", b"H2C", b"h2c, websocket", b"websocket, h2c", b"h2c\r\nUpgrade: websocket", b"websocket\r\nUpgrade: h2c"],
)
def test_no_tunnel_leads_past_the_judgement(gateway: Running, upgrade: bytes) -> None:
    """A service that is asked for h2c answers 101, and takes requests that nobody sees: a WebSocket only goes on."""
    lines = [b"Connection: Upgrade, HTTP2-Settings", b"HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA"]
    _, received = gateway.ask(b"/public/a", *lines, b"Upgrade: " + upgrade)
    for each in received:
        assert each.values(b"upgrade") in ([], [b"websocket"])


REPORTS = [
    [b"X-Forwarded-Uri: /public/a", b"X-Forwarded-Method: GET"],
    [b"X_Forwarded_Uri: /public/a", b"X_Forwarded_Method: GET"],
    [b"X-Original-URI: /public/a", b"X-Original-Method: GET"],
    [b"X_Original_URI: /public/a", b"X-Original-URL: /public/a", b"X-Rewrite-URL: /public/a"],
    [b"X-Forwarded-Method: OPTIONS", b"X-Original-Method: OPTIONS", *PREFLIGHT],
    [b"X-HTTP-Method-Override: OPTIONS", b"X-Forwarded-Prefix: /public", *PREFLIGHT],
    [b"X-Envoy-Original-Path: /public/a", b"X-Envoy-Auth-Headers-To-Remove: x", b"Forwarded: for=x;host=y"],
]


@pytest.mark.parametrize("lines", REPORTS)
def test_nobody_reports_for_the_gateway(gateway: Running, lines: list[bytes]) -> None:
    """What is judged is what the gateway itself was sent."""
    answer, received = gateway.ask(b"/orders", *lines, method=b"DELETE")
    assert (401, []) == (answer.status, received)
    answer, received = gateway.ask(b"/orders", *lines, method=b"DELETE", token=gateway.issuer.token())
    assert (403, []) == (answer.status, received)


ODD = [
    *(b"/public/../orders", b"/public/%2e%2e/orders", b"/public/..%2forders", b"/public/%2e%2e%2forders"),
    *(
        b"/public//../orders",
        b"/public/./../orders",
        b"/public/..;/orders",
        b"/public/..\\orders",
        b"/public\\..\\orders",
    ),
    *(b"/public/..%5corders", b"/public/%252e%252e/orders", b"/public/%252e%252e%252forders", b"/public/..%00/orders"),
    *(b"//public/a", b"///orders", b"/%2forders", b"/%2f/orders", b"//orders", b"/%6frders", b"/ORDERS", b"/orders/"),
    *(
        b"/orders#/../public/a",
        b"/orders%23/public",
        b"/orders?/../public/a",
        b"/orders%3f/public/a",
        b"/orders;/public",
    ),
    *(b"/public/a#/../../orders", b"/public/a?b#c", b"/public/%ff", b"/public/\xff", b"/public/%", b"/public/%zz"),
    *(b"http://orders.example/orders", b"http://evil.example/public/../orders", b"//evil.example/orders"),
    *(b"/public/a%0a", b"/public/a%0d%0aX: y", b"/public/a,/orders", b"/public/a?b,/orders", b"/orders,/public/a"),
    *(b"*", b"orders", b"/public/a b", b"/public/a\tb", b"/publicity", b"/public%2f..%2f..%2forders", b"/public/a|b"),
]


@pytest.mark.parametrize("target", ODD)
def test_no_spelling_of_a_path_leads_past_the_judgement(gateway: Running, target: bytes) -> None:
    """Whatever arrives without a token is public to the most liberal reader, too."""
    _, received = gateway.ask(target)
    for each in received:
        path = each.target.decode("latin-1").partition("?")[0]
        for liberal in (path, unquote(path), unquote(unquote(path)), re.sub(r";[^/]*|\\", "/", unquote(unquote(path)))):
            assert normpath(liberal).startswith("/public/")


@pytest.mark.parametrize(
    "target", [b"/public/a", b"/public/caf%C3%A9", b"/public/a?b=c&d", b"/public/a?", b"/public/%61"]
)
def test_what_is_plain_arrives_as_it_was_judged(gateway: Running, target: bytes) -> None:
    """No token is asked for, and none of the four changes what the path says."""
    answer, (received,) = gateway.ask(target)
    assert 200 == answer.status
    assert unquote(target.decode()) == unquote(received.target.decode())


@pytest.mark.parametrize("method", [b"get", b"FOO", b"CONNECT", b"TRACE", b"PRI", b"G\xcbT"])
def test_no_spelling_of_a_method_leads_past_the_judgement(gateway: Running, method: bytes) -> None:
    """What no rule knows is refused by whoever sees it first."""
    answer, received = gateway.ask(b"/orders", method=method)
    assert [] == received
    assert 200 != answer.status


def test_two_tokens_are_one_too_many(gateway: Running) -> None:
    """Both lines come to the endpoint, or one of the gateways refuses them itself."""
    token = gateway.issuer.token()
    answer, received = gateway.ask(b"/orders", b"Authorization: Bearer other", token=token)
    assert (400, []) == (answer.status, received)


def test_requests_may_follow_each_other_on_a_connection(gateway: Running) -> None:
    """A refusal leaves nothing behind that the next request could be read from."""
    one = b"HEAD /orders HTTP/1.1\r\nHost: orders.example\r\n\r\n"
    two = b"GET /public/a HTTP/1.1\r\nHost: orders.example\r\nConnection: close\r\n\r\n"
    gateway.upstream.taken()
    answers = gateway.stream(one + two)
    assert [b"401", b"200"] == re.findall(rb"^HTTP/1\.1 (\d+)", answers, re.MULTILINE)
    assert [b"/public/a"] == [received.target for received in gateway.upstream.taken()]
