"""What the forward-auth endpoint answers: passes with their headers, refusals in the gateway's statuses."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest

from jwtmw import ConfigurationError, Policy
from jwtmw.effects import Flow, ReadBody
from jwtmw.engine import PASS
from jwtmw.errors import KeysUnavailable
from jwtmw.gateway import asgi, wsgi
from jwtmw.testing import TestIssuer
from tests.conformance.drivers import environs
from tests.conformance.schema import Answer, Header, Request
from tests.conformance.world import Ledger
from tests.engine.facts import policy_of
from tests.gateway.asking import GATEWAYS, IN_HEADERS, SURFACES, Asker, bearer

ISSUER = TestIssuer()
RULES = [
    {"path": "/public", "allow": "public"},
    {"path": "/optional", "allow": "optional"},
    {"path": "/orders", "methods": ["POST"], "scopes": ["orders:write"]},
    {"path": "/closed", "allow": "deny"},
]
IDENTITY = {"X-Consumer-Username": "sub", "X-Tenant": "tenant"}
REMOVE = b"x-envoy-auth-headers-to-remove"
PREFLIGHT = [(b"Origin", b"https://shop.example"), (b"Access-Control-Request-Method", b"POST")]

surfaces = pytest.mark.parametrize("surface", SURFACES)
all_gateways = pytest.mark.parametrize("gateway", GATEWAYS)
by_headers = pytest.mark.parametrize("gateway", IN_HEADERS)


class Internal:
    """Mints a token that says of whom; `says` is returned, or raised, instead."""

    def __init__(self, says: Any = None) -> None:
        self.says = says
        self.asked: list[str] = []

    def mint(self, principal: Any) -> str:
        self.asked.append(principal.subject)
        if isinstance(self.says, BaseException):
            raise self.says
        return f"inner.{principal.subject}.token" if self.says is None else self.says

    async def amint(self, principal: Any) -> str:
        await asyncio.sleep(0)
        return self.mint(principal)


def asker(surface: str, gateway: str, table: dict[str, Any] | None = None, internal: Any = None, **keys: Any) -> Asker:
    keys = {"rules": RULES, "identity_headers": IDENTITY, **keys}
    return Asker(surface, policy_of(ISSUER, gateway=table or {}, **keys), gateway, internal=internal)


def identity(answer: Answer) -> dict[bytes, bytes]:
    """What the application would find; each header is there once."""
    assert 200 == answer.status
    plain = [line for line in answer.headers if line[0] not in (b"content-length", b"cache-control", REMOVE)]
    assert len(plain) == len(dict(plain))
    return dict(plain)


def removed(answer: Answer) -> list[bytes]:
    """What Envoy takes out of the request."""
    return (answer.header(REMOVE) or b"").split(b",")


@surfaces
@all_gateways
def test_a_pass_says_who_is_calling(surface: str, gateway: str) -> None:
    """Verified claims as headers, in place of whatever the caller wrote there."""
    ask = asker(surface, gateway)
    answer = ask("GET", b"/orders", bearer(ISSUER.token("ann", tenant="acme")), (b"X-Consumer-Username", b"admin"))
    assert {b"x-consumer-username": b"ann", b"x-tenant": b"acme"} == identity(answer)
    assert b"no-store" == answer.header(b"cache-control")


@surfaces
@all_gateways
@pytest.mark.parametrize(
    ("method", "target", "headers"),
    [
        pytest.param("GET", b"/public", [bearer("not.read.here")], id="public"),
        pytest.param("GET", b"/optional", [], id="optional"),
        pytest.param("OPTIONS", b"/orders", PREFLIGHT, id="preflight"),
    ],
)
def test_who_is_anonymous_has_no_identity(
    surface: str, gateway: str, method: str, target: bytes, headers: list[Header]
) -> None:
    """What the caller claims is not answered, so gateways take it out; to Envoy each name is named."""
    spoofed = [(b"X-Consumer-Username", b"admin"), (b"X-Consumer-Username", b"root"), (b"x-TENANT", b"acme")]
    answer = asker(surface, gateway)(method, target, *headers, *spoofed)
    assert {} == identity(answer)
    if gateway == "envoy":
        assert [b"x-consumer-username", b"x-tenant", b"x_consumer_username", b"x_tenant"] == removed(answer)


@surfaces
@all_gateways
def test_in_non_secure_mode_nobody_has_an_identity(surface: str, gateway: str) -> None:
    """Every request passes, odd ones too, and callers' identity headers still do not."""
    ask = Asker(surface, Policy(secure=False, identity_headers=IDENTITY), gateway, internal=Internal())
    answer = ask("GET", b"/orders", bearer(ISSUER.token()), (b"X-Consumer-Username", b"admin"))
    assert {} == identity(answer)
    assert 200 == ask("FOO", b"/../%ff").status
    if gateway == "envoy":
        assert {b"x-consumer-username", b"x-tenant", b"authorization"} <= set(removed(answer))


@surfaces
def test_envoy_keeps_what_is_verified(surface: str) -> None:
    """It removes after it has set: what is answered is not named."""
    answer = asker(surface, "envoy")("GET", b"/orders", bearer(ISSUER.token("ann")))
    assert {b"x-consumer-username": b"ann"} == identity(answer)
    assert [b"x-tenant", b"x_consumer_username", b"x_tenant"] == removed(answer)


@pytest.mark.parametrize(
    "name", [b"x_consumer-username", b"X.Consumer.Username", b"x~consumer-username", b"X-CONSUMER_USERNAME"]
)
def test_envoy_removes_every_spelling(name: bytes) -> None:
    """What some reader behind it could take for ours is named as the caller wrote it."""
    answer = asker("asgi", "envoy")("GET", b"/public", (name, b"admin"))
    assert name.lower() in removed(answer)


@surfaces
def test_nothing_is_removed_where_nothing_is_ours(surface: str) -> None:
    """Envoy then gets no list."""
    answer = asker(surface, "envoy", identity_headers={})("GET", b"/public", (b"X_Any", b"a"))
    assert None is answer.header(REMOVE)


@by_headers
@pytest.mark.parametrize("target", [b"/public", b"/orders"])
@pytest.mark.parametrize("name", [b"X_Consumer_Username", b"x-consumer_username", b"X.Consumer.Username", b"X_TENANT"])
def test_another_spelling_is_refused_where_the_gateway_cannot_remove_it(
    gateway: str, name: bytes, target: bytes
) -> None:
    """These replace a header by its exact name only: what could be taken for it does not get past."""
    ask = asker("asgi", gateway)
    answer = ask("GET", target, bearer(ISSUER.token()), (name, b"admin"))
    assert "bad_header" == json.loads(answer.body)["code"]
    assert {"header_ambiguous": 1} == ask.policy.metrics()["denied"]


@by_headers
def test_another_mark_is_refused_behind_a_wsgi_server_too(gateway: str) -> None:
    """A server that keeps the dot shows it; one with an underscore never arrives."""
    answer = asker("wsgi", gateway)("GET", b"/public", (b"X.Consumer-Username", b"admin"))
    assert "bad_header" == json.loads(answer.body)["code"]


def test_another_spelling_is_reported_in_report_only_mode() -> None:
    """The request passes, as the caller who was verified."""
    ask = asker("asgi", "traefik", report_only=True)
    answer = ask("GET", b"/orders", bearer(ISSUER.token("ann")), (b"X_Tenant", b"acme"))
    assert {b"x-consumer-username": b"ann"} == identity(answer)
    assert ["header_ambiguous"] == [row["reason"] for row in ask.policy.metrics()["would_deny"]]


@surfaces
@by_headers
def test_a_header_that_resembles_none_of_ours_passes(surface: str, gateway: str) -> None:
    """Only what folds to one of the names is looked at."""
    assert 200 == asker(surface, gateway)("GET", b"/public", (b"X_Consumer_Names", b"a"), (b"X-Tenants", b"b")).status


STATUSES = [
    pytest.param("GET", b"/orders", [], 401, "token_missing", id="401"),
    pytest.param("POST", b"/orders", [bearer(ISSUER.token(scope="orders:read"))], 403, "insufficient_scope", id="403"),
    pytest.param("GET", b"/closed", [], 403, "forbidden", id="403 for everybody"),
    pytest.param("GET", b"//", [], 400, "bad_path", id="400"),
    pytest.param("GET", b"/orders", [bearer("a"), bearer("b")], 400, "invalid_request", id="400 for two tokens"),
]


@surfaces
@all_gateways
@pytest.mark.parametrize(("method", "target", "headers", "status", "code"), STATUSES)
def test_a_refusal_is_the_renderers(
    surface: str, gateway: str, method: str, target: bytes, headers: list[Header], status: int, code: str
) -> None:
    """Body and challenge as everywhere; nginx gets 403 for what it would make a 500, and is told of what."""
    answer = asker(surface, gateway)(method, target, *headers)
    assert code == json.loads(answer.body)["code"]
    shown = 403 if gateway == "nginx" and status == 400 else status
    assert shown == answer.status
    assert (None if shown == status else b"%d" % status) == answer.header(b"x-jwtmw-status")
    challenged = code in ("token_missing", "insufficient_scope", "invalid_request")
    assert challenged == (answer.header(b"www-authenticate") is not None)


@surfaces
def test_an_outage_is_told(surface: str) -> None:
    """503 with Retry-After where the gateway passes it on; nginx gets both beside its 403."""
    with TestIssuer() as issuer:
        issuer.broken()
        policy = policy_of(issuer)
        answer = Asker(surface, policy, "caddy")("GET", b"/orders", bearer(issuer.token()))
        mapped = Asker(surface, policy, "nginx")("GET", b"/orders", bearer(issuer.token()))
    assert 503 == answer.status
    assert (403, b"503") == (mapped.status, mapped.header(b"x-jwtmw-status"))
    assert answer.header(b"retry-after")
    assert mapped.header(b"retry-after")


@surfaces
def test_statuses_can_be_mapped(surface: str) -> None:
    """For gateways with limits of their own; the rest stays as it was."""
    ask = asker(surface, "nginx", table={"map_status": {"400": 401}})
    assert (401, b"400") == ((answer := ask("GET", b"//")).status, answer.header(b"x-jwtmw-status"))
    assert 401 == ask("GET", b"/orders").status
    assert 403 == ask("GET", b"/closed").status


@surfaces
@all_gateways
def test_an_authenticated_caller_goes_on_with_an_internal_token(surface: str, gateway: str) -> None:
    """In the place of the public one; to Envoy nothing is said of removing it."""
    internal = Internal()
    answer = asker(surface, gateway, internal=internal)("GET", b"/orders", bearer(ISSUER.token("ann")))
    assert {b"x-consumer-username": b"ann", b"authorization": b"Bearer inner.ann.token"} == identity(answer)
    assert ["ann"] == internal.asked
    if gateway == "envoy":
        assert b"authorization" not in removed(answer)


@surfaces
@all_gateways
def test_who_is_anonymous_goes_on_without_any_token(surface: str, gateway: str) -> None:
    """What came in its place does not get past the gateway either."""
    internal = Internal()
    answer = asker(surface, gateway, internal=internal)("GET", b"/public", bearer("not.read.here"))
    assert {} == identity(answer)
    assert [] == internal.asked
    if gateway == "envoy":
        assert b"authorization" in removed(answer)


@surfaces
@all_gateways
def test_a_refused_caller_gets_no_token(surface: str, gateway: str) -> None:
    """Nothing is minted for who does not pass."""
    internal = Internal()
    assert 403 == asker(surface, gateway, internal=internal)("POST", b"/orders", bearer(ISSUER.token())).status
    assert [] == internal.asked


@surfaces
def test_the_token_may_have_a_header_of_its_own(surface: str) -> None:
    """There it stands bare; callers cannot write it, in no spelling."""
    keys: dict[str, Any] = {"table": {"internal_header": "X-Internal-Token"}, "internal": Internal()}
    answer = asker(surface, "envoy", **keys)("GET", b"/orders", bearer(ISSUER.token("ann")))
    assert b"inner.ann.token" == identity(answer)[b"x-internal-token"]
    assert b"authorization" not in removed(answer)
    answer = asker(surface, "envoy", **keys)("GET", b"/public", (b"X-Internal-Token", b"forged"))
    assert {b"x-internal-token", b"x_internal_token"} <= set(removed(answer))
    refused = asker(surface, "caddy", **keys)("GET", b"/public", (b"X.Internal-Token", b"forged"))
    assert "bad_header" == json.loads(refused.body)["code"]


@surfaces
@all_gateways
@pytest.mark.parametrize(
    "says", [RuntimeError("canary"), KeyError("canary"), "", "a b", "a\r\nX-Tenant: b", b"a.b.c", 7]
)
@pytest.mark.parametrize("report_only", [False, True])
def test_nobody_goes_on_without_the_token_that_is_owed(
    surface: str, gateway: str, says: Any, report_only: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """A failure, or what is no token, is 500; report-only mode is about judgement, not about this."""
    ask = asker(surface, gateway, internal=Internal(says), report_only=report_only)
    with caplog.at_level(logging.DEBUG):
        answer = ask("GET", b"/orders", bearer(ISSUER.token("ann")))
    assert (403 if gateway == "nginx" else 500) == answer.status
    assert "internal_error" == json.loads(answer.body)["code"]
    assert {b"x-consumer-username", b"authorization"}.isdisjoint(name for name, _ in answer.headers)
    assert {"internal": 1} == ask.policy.metrics()["denied"]
    assert "canary" not in caplog.text
    assert "the internal token failed with" in caplog.text


@surfaces
def test_a_token_that_cannot_be_had_now_is_an_outage(surface: str) -> None:
    """503, and when to ask again."""
    ask = asker(surface, "traefik", internal=Internal(KeysUnavailable(2.5)))
    answer = ask("GET", b"/orders", bearer(ISSUER.token("ann")))
    assert (503, b"3") == (answer.status, answer.header(b"retry-after"))
    assert {"keys_unavailable": 1} == ask.policy.metrics()["denied"]


@surfaces
def test_what_ends_the_process_is_not_held_up(surface: str) -> None:
    """Only exceptions are answered."""
    with pytest.raises(KeyboardInterrupt):
        asker(surface, "traefik", internal=Internal(KeyboardInterrupt()))("GET", b"/orders", bearer(ISSUER.token()))


@surfaces
def test_in_report_only_mode_a_verified_caller_goes_on_with_a_token(surface: str) -> None:
    """Who would have been refused for a scope was verified all the same; who was not is anonymous."""
    ask = asker(surface, "traefik", internal=Internal(), report_only=True)
    answer = ask("POST", b"/orders", bearer(ISSUER.token("ann")))
    assert {b"x-consumer-username": b"ann", b"authorization": b"Bearer inner.ann.token"} == identity(answer)
    assert {} == identity(ask("GET", b"/orders"))


@surfaces
def test_a_hidden_credential_is_named_to_envoy(surface: str) -> None:
    """The header in which the token was found; where none was read, none."""
    ask = asker(surface, "envoy", identity_headers={}, hide_credentials=True, token_from=[{"header": "X-Token"}])
    token = ISSUER.token().encode()
    assert [b"x-token"] == removed(ask("GET", b"/orders", (b"X-Token", token)))
    assert None is ask("GET", b"/public", (b"X-Token", token)).header(REMOVE)


@surfaces
@pytest.mark.parametrize(
    "places",
    [{"token_from": [{"query": "jwt"}]}, {"token_from": [{"cookie": "jwt"}], "origins": ["https://a.example"]}],
)
def test_a_credential_that_no_gateway_can_hide_does_not_start(surface: str, places: dict[str, Any]) -> None:
    """It would be accepted and ignored."""
    with pytest.raises(ConfigurationError, match="hide_credentials: cannot hold here") as caught:
        asker(surface, "envoy", hide_credentials=True, **places)
    assert caught.value.cure


def test_an_issuers_own_places_are_looked_at_too() -> None:
    """One of them in a query is one that cannot be hidden."""
    with pytest.raises(ConfigurationError, match="hide_credentials: cannot hold here"):
        asker("asgi", "envoy", hide_credentials=True, entry={"token_from": [{"query": "jwt"}]})


@surfaces
@pytest.mark.parametrize("gateway", ["haproxy", "Nginx", ""])
def test_an_unknown_gateway_does_not_start(surface: str, gateway: str) -> None:
    """How it reports is nothing to guess."""
    with pytest.raises(ConfigurationError, match="Write one of nginx, traefik, caddy, envoy") as caught:
        asker(surface, gateway)
    assert "gateway.kind" == caught.value.key


@surfaces
def test_the_configuration_may_name_the_gateway(surface: str) -> None:
    """The program may say nothing, or another."""
    policy = policy_of(ISSUER, gateway={"kind": "nginx"})
    served: Any = asgi if surface == "asgi" else wsgi
    assert served.ForwardAuth(policy)
    assert 401 == Asker(surface, policy, "envoy")("GET", b"/orders").status


def test_what_no_thread_can_wait_for_does_not_start_as_wsgi() -> None:
    """As every WSGI application."""

    async def load_user(principal: Any) -> Any:
        return principal

    policy = policy_of(ISSUER, load_user=load_user)
    assert asgi.ForwardAuth(policy, "nginx")
    with pytest.raises(ConfigurationError, match="load_user"):
        wsgi.ForwardAuth(policy, "nginx")


@surfaces
@all_gateways
def test_keys_may_have_to_be_fetched(surface: str, gateway: str) -> None:
    """The endpoint waits for them, in a thread or on the loop."""
    with TestIssuer() as issuer:
        ask = Asker(surface, policy_of(issuer), gateway)
        assert 200 == ask("GET", b"/orders", bearer(issuer.token())).status


def _wsgi(gateway: str, software: str | None, secure: bool = True, **keys: Any) -> Answer:
    policy = policy_of(ISSUER, rules=RULES) if secure else Policy(secure=False)
    app = wsgi.ForwardAuth(policy, gateway, **keys)
    reported = ((b"X-Forwarded-Method", b"GET"), (b"X-Forwarded-Uri", b"/public"))
    request = Request("GET", b"/auth/public" if gateway == "envoy" else b"/auth", reported)
    environ = environs.environ_of(request, Ledger())
    return environs.answer(app, environ if software is None else {**environ, "SERVER_SOFTWARE": software})


@pytest.mark.parametrize(
    ("software", "status"),
    [
        ("gunicorn/27.0.0", 200),
        ("gunicorn/22.0.0", 200),
        ("gunicorn/21.2.0", 500),
        ("gunicorn/2.0", 500),
        ("waitress", 200),
        ("Werkzeug/3.1.3", 200),
        ("WSGIServer/0.2 CPython/3.11.2", 500),
        ("Granian", 500),
        ("", 500),
        (None, 500),
    ],
)
def test_a_server_that_may_mix_headers_up_is_not_believed(
    software: str | None, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """`X_Forwarded_Uri` is the caller's own: where it could pass for what the gateway says, nobody passes."""
    answer = _wsgi("traefik", software)
    assert status == answer.status
    assert (status == 500) == ("drops_underscores=True" in caplog.text)


def test_a_server_can_be_vouched_for() -> None:
    """Who knows that theirs drops such names says so; Envoy reports by no header, and non-secure mode judges none."""
    assert 200 == _wsgi("traefik", "mine", drops_underscores=True).status
    assert 200 == _wsgi("envoy", "mine").status
    assert 200 == _wsgi("traefik", "mine", secure=False).status


def test_a_handshake_is_no_gateways() -> None:
    """A WebSocket to the endpoint itself is closed."""
    ask = asker("asgi", "envoy")
    assert 1008 == ask.raw("GET", b"/auth/public", websocket=True, denial=False).close


def test_a_servers_start_and_end_are_answered() -> None:
    """Lifespan, for servers that insist."""
    sent: list[Any] = []
    incoming = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive() -> Any:
        return incoming.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(asgi.ForwardAuth(policy_of(ISSUER), "nginx")({"type": "lifespan"}, receive, send))
    assert [{"type": "lifespan.startup.complete"}, {"type": "lifespan.shutdown.complete"}] == sent


@surfaces
def test_on_deny_sees_the_original_request(surface: str) -> None:
    """Method and path are the reported ones, and its body is sent whatever the gateway's own method."""
    seen: list[tuple[str, str]] = []

    def on_deny(problem: Any, request: Any) -> tuple[str, str]:
        seen.append((request.method, request.path))
        return "text/plain", f"{problem.status}!"

    ask = asker(surface, "nginx", on_deny=on_deny)
    answer = ask("HEAD", b"/orders?a=b")
    assert (401, b"401!") == (answer.status, answer.body)
    assert [("HEAD", "/orders")] == seen


@surfaces
def test_a_rule_about_the_body_does_not_start(surface: str) -> None:
    """Gateways do not send it: the rule could only refuse everybody."""
    with pytest.raises(ConfigurationError, match="gateways do not send the body") as caught:
        asker(surface, "nginx", rules=[*RULES, {"path": "/bound", "body": "sha-256"}])
    assert "rules[4].body" == caught.value.key


@surfaces
def test_no_body_is_ever_read(surface: str) -> None:
    """Whoever asks for it is told that there is none to be had; what came with the gateway's request stays there."""
    ask = asker(surface, "nginx")
    bodies: list[Any] = []

    class Reads:
        judging = True

        def decide_now(self, request: Any) -> None: ...

        def decide(self, request: Any) -> Flow:
            bodies.append((yield ReadBody(5)))
            return PASS

    engine: Any = Reads()
    ask.policy.engine = engine
    assert 200 == ask("GET", b"/public").status
    assert [None] == bodies


@surfaces
@all_gateways
def test_a_token_for_one_request_is_for_the_original(surface: str, gateway: str) -> None:
    """`htm` and `htu` are compared with what is reported, never with the gateway's own request."""
    ask = asker(surface, gateway)
    token = ISSUER.token(htm="PUT", htu="https://orders.example/orders/7")
    assert 200 == ask("PUT", b"/orders/7?a=b", bearer(token)).status
    assert 401 == ask("GET", b"/orders/7", bearer(token)).status
    assert 401 == ask("PUT", b"/orders/8", bearer(token)).status
    assert 401 == ask("GET", b"/orders", bearer(ISSUER.token(htm="GET", htu="https://orders.example/auth"))).status


@surfaces
@all_gateways
def test_a_token_for_one_use_is_spent_here(surface: str, gateway: str) -> None:
    """The second request with it does not pass; what goes on is the internal token."""
    rules = [{"path": "/once", "single_use": True}]
    ask = asker(surface, gateway, internal=Internal(), rules=rules)
    token = ISSUER.token("ann", jti="one")
    assert b"Bearer inner.ann.token" == identity(ask("POST", b"/once", bearer(token)))[b"authorization"]
    assert 401 == ask("POST", b"/once", bearer(token)).status
    assert {"replayed": 1} == ask.policy.metrics()["denied"]
