"""`jwtmw.asgi.JWTMiddleware` around a bare ASGI application, with scopes and messages made by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jwtmw import ConfigurationError, NotInstalledError, Policy, current_principal, requires
from jwtmw.adapter import Allow
from jwtmw.asgi import ASGIRequest, JWTMiddleware, admit_send
from jwtmw.effects import Flow, ReadBody
from jwtmw.engine import PASS
from jwtmw.errors import BodyUnreadable
from jwtmw.messages import BufferedReceive
from jwtmw.testing import TestIssuer
from jwtmw.token.principal import ANONYMOUS
from tests.engine.facts import policy_of

Message = dict[str, Any]
CLOSED = {"type": "websocket.close", "code": 1008, "reason": ""}
OFFERED = b"sec-websocket-protocol"


class App:
    """A bare application that notes what it was called with, and answers with these messages."""

    def __init__(self, *answers: Message) -> None:
        self.answers = answers or (start(), body(b"done"))
        self.scopes: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        for message in self.answers:
            await send(message)


def start(*headers: tuple[bytes, bytes]) -> Message:
    return {"type": "http.response.start", "status": 200, "headers": list(headers)}


def body(content: bytes, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": content, "more_body": more}


def scope(token: str | None = None, path: str = "/orders", **members: Any) -> Message:
    """An HTTP scope, as a server makes it; a member that is None is left out."""
    headers = [(b"host", b"orders.example")]
    if token is not None:
        headers.append((b"authorization", f"Bearer {token}".encode()))
    made = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        **members,
    }
    return without(made, {})


def without(scope: Message, members: dict[str, Any]) -> Message:
    """The scope with these members laid over it, less those that are None."""
    return {name: value for name, value in (scope | members).items() if value is not None}


def websocket(*offered: bytes, token: str | None = None, denial: bool = False, **members: Any) -> Message:
    """A WebSocket scope that offers these subprotocols."""
    made = scope(token, type="websocket", method=None, **members)
    made["headers"] += [(OFFERED, b", ".join(offered))] if offered else []
    made["subprotocols"] = [item.decode() for item in offered]
    made["extensions"] = {"websocket.http.response": {}} if denial else {}
    return made


async def nothing() -> Message:
    raise AssertionError("the request was read")


async def call(app: Any, scope: Message, receive: Any = nothing) -> list[Message]:
    """What is sent back."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


def answer(app: Any, scope: Message, receive: Any = nothing) -> list[Message]:
    return asyncio.run(call(app, scope, receive))


@pytest.fixture
def policy(jwtmw_issuer: TestIssuer) -> Policy:
    rules = [{"path": "/open", "allow": "public"}, {"path": "/read", "scopes": ["read"]}]
    return policy_of(jwtmw_issuer, rules=rules)


# Refusals


@pytest.mark.parametrize(
    ("path", "token", "status", "code"),
    [
        pytest.param("/orders", None, 401, "token_missing", id="missing"),
        pytest.param("/orders", "a.b.c", 401, "token_invalid", id="garbage"),
        pytest.param("/orders", "a b", 400, "invalid_request", id="malformed"),
        pytest.param("//orders", None, 400, "bad_path", id="path"),
    ],
)
def test_a_refusal_never_calls_the_application(
    policy: Policy, path: str, token: str | None, status: int, code: str
) -> None:
    """It is sent whole, and nothing of the request is read."""
    app = App()
    first, second = answer(JWTMiddleware(app, policy), scope(token, path))
    assert (status, code) == (first["status"], json.loads(second["body"])["code"])
    assert [] == app.scopes
    assert ("http.response.start", "http.response.body") == (first["type"], second["type"])
    assert (b"content-length", b"%d" % len(second["body"])) in first["headers"]


def test_head_is_refused_without_a_body(policy: Policy) -> None:
    """The length is that of the body that GET would have got."""
    get, head = (answer(JWTMiddleware(App(), policy), scope(method=method)) for method in ("GET", "HEAD"))
    assert (get[0], b"") == (head[0], head[1]["body"])


def test_a_handshake_is_refused_before_it_is_accepted(policy: Policy) -> None:
    """As a response where the server can send one, else by closing with 1008."""
    app = App()
    middleware = JWTMiddleware(app, policy)
    http = answer(middleware, scope())
    denied = answer(middleware, websocket(denial=True))
    assert [{**message, "type": f"websocket.{message['type']}"} for message in http] == denied
    assert [CLOSED] == answer(middleware, websocket())
    assert [CLOSED] == answer(middleware, {**websocket(), "extensions": None})
    assert [] == app.scopes


# Odd scopes


@pytest.mark.parametrize(
    ("members", "status"),
    [
        pytest.param({"path": None}, 400, id="no path"),
        pytest.param({"path": b"/orders"}, 400, id="path of bytes"),
        pytest.param({"method": None}, 400, id="no method"),
        pytest.param({"method": 7}, 400, id="method is a number"),
        pytest.param({"method": ["GET"]}, 500, id="method is a list"),
        pytest.param({"headers": None}, 401, id="no headers"),
        pytest.param({"headers": 7}, 500, id="headers are a number"),
        pytest.param({"headers": [b"authorization"]}, 500, id="headers are no pairs"),
        pytest.param({"headers": [(b"authorization", "Bearer a.b.c")]}, 500, id="header of text"),
        pytest.param({"root_path": b"/v1"}, 500, id="root path of bytes"),
        pytest.param({"root_path": None, "query_string": None, "raw_path": None}, 401, id="optional ones missing"),
    ],
)
def test_an_odd_scope_is_refused(policy: Policy, members: dict[str, Any], status: int) -> None:
    """Whatever a server leaves out or gets wrong, the application is not called."""
    app = App()
    first, _ = answer(JWTMiddleware(app, policy), without(scope(), members))
    assert (status, []) == (first["status"], app.scopes)


@pytest.mark.parametrize("kind", ["telegram", None])
def test_a_scope_of_an_unknown_kind_goes_nowhere(policy: Policy, kind: str | None) -> None:
    """Neither answered nor passed on: nobody knows what it asks for."""
    app = App()
    assert ([], []) == (answer(JWTMiddleware(app, policy), {"type": kind}), app.scopes)


def test_lifespan_passes_untouched(policy: Policy) -> None:
    """Scope, receive and send are the server's own."""
    seen = []

    async def app(*arguments: Any) -> None:
        seen.append(arguments)

    given = ({"type": "lifespan"}, nothing, object())
    asyncio.run(JWTMiddleware(app, policy)(*given))  # type: ignore[arg-type]
    assert [given] == seen


def test_headers_that_can_be_read_only_once_are_read_for_the_application_too(
    policy: Policy, jwtmw_issuer: TestIssuer
) -> None:
    """ASGI allows any iterable."""
    app = App()
    given = scope(jwtmw_issuer.token())
    pairs = given["headers"]
    answer(JWTMiddleware(app, policy), {**given, "headers": iter(pairs)})
    answer(JWTMiddleware(app, policy), {**given, "headers": tuple(pairs)})
    assert [pairs, tuple(pairs)] == [each["headers"] for each in app.scopes]


def test_header_lines_of_one_name_are_one() -> None:
    """As a WSGI server joins them; None where there is none."""
    request = ASGIRequest(scope(headers=[(b"a", b"1"), (b"b", b"2"), (b"a", b"")]))
    assert [b"1,", b"2", None] == [request.header(name) for name in (b"a", b"b", b"c")]


def test_what_is_not_judged_passes_however_odd(jwtmw_issuer: TestIssuer) -> None:
    """Non-secure mode needs nothing of the scope."""
    app = App()
    middleware = JWTMiddleware(app, policy_of(jwtmw_issuer, secure=False))
    for odd in ({"type": "http"}, {"type": "http", "headers": 7, "path": b"//"}, {"type": "websocket"}):
        answer(middleware, odd)
    assert [ANONYMOUS] * 3 == [each["jwtmw.principal"] for each in app.scopes]


# What passes


def test_an_allowed_response_is_untouched(policy: Policy, jwtmw_issuer: TestIssuer) -> None:
    """The messages are the application's own, one by one."""
    messages = [start((b"cache-control", b"max-age=60")), body(b"a", more=True), body(b"b", more=True), body(b"")]
    sent = answer(JWTMiddleware(App(*messages), policy), scope(jwtmw_issuer.token()))
    assert [id(message) for message in messages] == [id(message) for message in sent]


@pytest.mark.parametrize("path", ["/open", "/orders"])
def test_the_principal_is_in_the_scope(policy: Policy, jwtmw_issuer: TestIssuer, path: str) -> None:
    """Anonymous on public routes; whatever stood there before is replaced."""
    app = App()
    answer(JWTMiddleware(app, policy), scope(jwtmw_issuer.token("alice"), path, **{"jwtmw.principal": "mallory"}))
    assert [None if path == "/open" else "alice"] == [each["jwtmw.principal"].subject for each in app.scopes]


def test_the_caller_is_known_until_the_body_ends(policy: Policy, jwtmw_issuer: TestIssuer) -> None:
    """While the response is streamed, and not behind it."""
    subjects: list[str | None] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in (start(), body(b"a", more=True), body(b"")):
            await send(message)
            await asyncio.sleep(0)
            subjects.append(current_principal().subject)

    async def main() -> None:
        await call(JWTMiddleware(app, policy), scope(jwtmw_issuer.token("alice")))
        current_principal()

    with pytest.raises(NotInstalledError):
        asyncio.run(main())
    assert ["alice"] * 3 == subjects


def test_the_caller_is_forgotten_when_the_application_fails(policy: Policy, jwtmw_issuer: TestIssuer) -> None:
    """The exception is the application's own, and goes through."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise ZeroDivisionError

    async def main() -> None:
        with pytest.raises(ZeroDivisionError):
            await call(JWTMiddleware(app, policy), scope(jwtmw_issuer.token("alice")))
        current_principal()

    with pytest.raises(NotInstalledError):
        asyncio.run(main())


def test_concurrent_requests_do_not_see_each_other(policy: Policy, jwtmw_issuer: TestIssuer) -> None:
    """Each has its own caller, however they interleave."""
    subjects: dict[str, set[str | None]] = {}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        mine = subjects.setdefault(scope["jwtmw.principal"].subject, set())
        for _ in range(20):
            mine.add(current_principal().subject)
            await asyncio.sleep(0)

    async def main() -> None:
        middleware = JWTMiddleware(app, policy)
        names = [f"caller-{number}" for number in range(20)]
        await asyncio.gather(*(call(middleware, scope(jwtmw_issuer.token(name))) for name in names))

    asyncio.run(main())
    assert {name: {name} for name in subjects} == subjects
    assert 20 == len(subjects)


def test_nested_applications_judge_each_for_themselves(policy: Policy, jwtmw_issuer: TestIssuer) -> None:
    """All must allow; inside, the caller is the inner one's, and outside the outer one's again."""
    partners = TestIssuer("https://partners.example", clock=jwtmw_issuer.clock)
    inner_policy = policy_of(partners, entry={"token_from": [{"header": "X-Partner"}]})
    subjects: list[str | None] = []

    async def note(scope: Any, receive: Any, send: Any) -> None:
        subjects.append(current_principal().subject)

    inner = JWTMiddleware(note, inner_policy)

    async def around(scope: Any, receive: Any, send: Any) -> None:
        await inner(scope, receive, send)
        await note(scope, receive, send)

    both = scope(jwtmw_issuer.token("alice"))
    both["headers"].append((b"x-partner", partners.token("bob").encode()))
    middleware = JWTMiddleware(around, policy)
    answer(middleware, both)
    assert ["bob", "alice"] == subjects
    refused, _ = answer(middleware, scope(jwtmw_issuer.token("alice")))
    assert 401 == refused["status"]


# The second lock


def test_the_second_lock_is_answered_as_any_refusal(policy: Policy, jwtmw_issuer: TestIssuer) -> None:
    """What `@requires` inside the application refuses is rendered by the one renderer."""

    @requires("read")
    def read() -> bytes:
        return b"done"

    async def app(scope: Any, receive: Any, send: Any) -> None:
        content = read()
        await send(start())
        await send(body(content))

    middleware = JWTMiddleware(app, policy)
    assert [start(), body(b"done")] == answer(middleware, scope(jwtmw_issuer.token(scope="read")))
    by_lock = answer(middleware, scope(jwtmw_issuer.token()))
    by_rule = answer(middleware, scope(jwtmw_issuer.token(), "/read"))
    assert by_rule[1] == by_lock[1]
    assert 403 == by_lock[0]["status"]
    assert b'error="insufficient_scope", scope="read"' in dict(by_lock[0]["headers"])[b"www-authenticate"]


@pytest.mark.parametrize("denial", [True, False], ids=["with denials", "without"])
@pytest.mark.parametrize("accepted", [False, True], ids=["before", "behind"])
def test_the_second_lock_closes_a_websocket(
    policy: Policy, jwtmw_issuer: TestIssuer, denial: bool, accepted: bool
) -> None:
    """Before it is accepted as any refusal; behind that there is no response any more."""

    @requires("read")
    def read() -> None: ...

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if accepted:
            await send({"type": "websocket.accept"})
        read()

    sent = answer(JWTMiddleware(app, policy), websocket(token=jwtmw_issuer.token(), denial=denial))
    if accepted:
        assert [{"type": "websocket.accept"}, CLOSED] == sent
    elif denial:
        assert ["websocket.http.response.start", "websocket.http.response.body"] == [each["type"] for each in sent]
    else:
        assert [CLOSED] == sent


# Tokens in the URL


@pytest.fixture
def by_query(jwtmw_issuer: TestIssuer) -> Policy:
    rules = [{"path": "/read", "scopes": ["read"]}]
    return policy_of(jwtmw_issuer, rules=rules, token_from=[{"query": "jwt"}, {"header": "JWT"}])


def in_query(issuer: TestIssuer) -> dict[str, Any]:
    return {"query_string": f"jwt={issuer.token('alice')}".encode()}


def test_what_a_token_in_the_url_opened_is_not_kept(by_query: Policy, jwtmw_issuer: TestIssuer) -> None:
    """RFC 6750, section 2.3: no-store, whatever the application said; its messages stay as they are."""
    first = start((b"content-type", b"text/plain"), (b"Cache-Control", b"max-age=60"), (b"cache-control", b"public"))
    bare = {"type": "http.response.start", "status": 204}
    sent = answer(JWTMiddleware(App(first, body(b"done"), bare), by_query), scope(**in_query(jwtmw_issuer)))
    no_store = (b"cache-control", b"no-store")
    assert [
        {**first, "headers": [(b"content-type", b"text/plain"), no_store]},
        body(b"done"),
        {**bare, "headers": [no_store]},
    ] == sent
    assert 3 == len(first["headers"])


def test_a_denial_of_the_application_is_not_kept_either(by_query: Policy, jwtmw_issuer: TestIssuer) -> None:
    """Also a response to a handshake."""
    denial = {"type": "websocket.http.response.start", "status": 404, "headers": []}
    (sent,) = answer(JWTMiddleware(App(denial), by_query), websocket(**in_query(jwtmw_issuer)))
    assert [(b"cache-control", b"no-store")] == sent["headers"]


def test_a_token_elsewhere_changes_no_header(by_query: Policy, jwtmw_issuer: TestIssuer) -> None:
    """Only the place that was used counts."""
    given = scope(headers=[(b"jwt", jwtmw_issuer.token().encode())])
    assert [start(), body(b"done")] == answer(JWTMiddleware(App(), by_query), given)


@pytest.mark.parametrize("allow", [PASS, PASS._replace(place=None)])
def test_without_a_token_send_is_the_servers(allow: Allow) -> None:
    """Nothing was used, nothing is to be hidden."""

    async def send(message: Any) -> None: ...

    assert send is admit_send(send, allow)


def test_a_token_in_a_header_leaves_send_alone(policy: Policy, jwtmw_issuer: TestIssuer) -> None:
    """Headers are not kept by caches of URLs."""

    async def send(message: Any) -> None: ...

    allow = policy.engine.decide_now(ASGIRequest(scope(jwtmw_issuer.token())))
    assert isinstance(allow, Allow)
    assert send is admit_send(send, allow)


# Tokens among the subprotocols


@pytest.fixture
def by_subprotocol(jwtmw_issuer: TestIssuer) -> Policy:
    return policy_of(jwtmw_issuer, token_from=[{"subprotocol": "bearer"}])


@pytest.mark.parametrize(
    ("offered", "kept"),
    [
        pytest.param([b"bearer", b"TOKEN"], ["bearer"], id="alone"),
        pytest.param([b"chat", b"bearer", b"TOKEN", b"v2"], ["chat", "bearer", "v2"], id="among others"),
    ],
)
@pytest.mark.parametrize(
    ("keys", "good"),
    [
        pytest.param({}, True, id="judged"),
        pytest.param({"rules": [{"path": "/orders", "allow": "public"}]}, False, id="public"),
        pytest.param({"report_only": True}, False, id="reported"),
        pytest.param({"secure": False}, False, id="non-secure"),
    ],
)
def test_the_token_among_the_subprotocols_is_hidden(
    jwtmw_issuer: TestIssuer, offered: list[bytes], kept: list[str], keys: dict[str, Any], good: bool
) -> None:
    """The application sees the others, in header and scope, however the request came to pass."""
    app = App({"type": "websocket.accept"})
    policy = policy_of(jwtmw_issuer, token_from=[{"subprotocol": "bearer"}], **keys)
    token = jwtmw_issuer.token() if good else jwtmw_issuer.token(exp=1)
    given = [item.replace(b"TOKEN", token.encode()) for item in offered]
    (sent,) = answer(JWTMiddleware(app, policy), websocket(*given))
    (seen,) = app.scopes
    assert kept == seen["subprotocols"]
    assert [", ".join(kept).encode()] == [value for name, value in seen["headers"] if name == OFFERED]
    assert (b"host", b"orders.example") in seen["headers"]
    assert "bearer" == sent["subprotocol"]


@pytest.mark.parametrize("offered", [[b"chat"], [b"Bearer", b"a.b.c"], []], ids=["others", "another case", "none"])
def test_other_subprotocols_are_left_alone(jwtmw_issuer: TestIssuer, offered: list[bytes]) -> None:
    """Nothing is hidden and nothing chosen where the configured name was not offered."""
    app = App({"type": "websocket.accept"})
    policy = policy_of(jwtmw_issuer, token_from=[{"subprotocol": "bearer"}, {"query": "jwt"}], secure=False)
    assert [{"type": "websocket.accept"}] == answer(JWTMiddleware(app, policy), websocket(*offered))
    assert [[item.decode() for item in offered]] == [each["subprotocols"] for each in app.scopes]


def test_a_malformed_offer_that_is_only_reported_is_hidden_too(jwtmw_issuer: TestIssuer) -> None:
    """Two tokens, or none behind the name: the request passes, and the application sees none of it."""
    app = App({"type": "websocket.accept"})
    policy = policy_of(jwtmw_issuer, token_from=[{"subprotocol": "bearer"}], report_only=True)
    (sent,) = answer(JWTMiddleware(app, policy), websocket(b"chat", b"bearer", b"a b"))
    assert ("bearer", ["chat", "bearer"]) == (sent["subprotocol"], app.scopes[0]["subprotocols"])


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        pytest.param({}, "bearer", id="does not choose"),
        pytest.param({"subprotocol": None}, "bearer", id="chooses none"),
        pytest.param({"subprotocol": "chat"}, "chat", id="chooses another"),
    ],
)
def test_a_protocol_is_chosen_for_an_application_that_does_not(
    by_subprotocol: Policy, jwtmw_issuer: TestIssuer, accept: dict[str, Any], chosen: str
) -> None:
    """Browsers fail a handshake in which nothing that they offered was chosen; other messages pass as they are."""
    later = {"type": "websocket.send", "text": "hello"}
    app = App({"type": "websocket.accept", **accept}, later)
    given = websocket(b"chat", b"bearer", jwtmw_issuer.token().encode())
    assert [{"type": "websocket.accept", "subprotocol": chosen}, later] == answer(
        JWTMiddleware(app, by_subprotocol), given
    )


# Waiting, and bodies


def incoming(*messages: Message) -> Callable[[], Any]:
    """A server's `receive` that has these messages, and then only that the client has gone."""
    waiting: Iterator[Message] = iter(messages)

    async def receive() -> Message:
        return next(waiting, {"type": "http.disconnect"})

    return receive


def chunk(content: bytes | None, more: bool = False) -> Message:
    return {"type": "http.request", "more_body": more} | ({} if content is None else {"body": content})


async def all_of(receive: Any) -> list[Message]:
    messages = [await receive()]
    while messages[-1]["type"] != "http.disconnect":
        messages.append(await receive())
    return messages


def test_the_keys_are_waited_for_and_the_body_is_the_applications(jwtmw_serving_issuer: TestIssuer) -> None:
    """A request that had to wait arrives whole."""
    sent = [chunk(b"ab", more=True), chunk(b"c")]
    seen: list[Message] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.extend(await all_of(receive))

    middleware = JWTMiddleware(app, policy_of(jwtmw_serving_issuer))
    answer(middleware, scope(jwtmw_serving_issuer.token(), method="POST"), incoming(*sent))
    assert [*sent, {"type": "http.disconnect"}] == seen


@pytest.mark.parametrize(
    ("messages", "limit", "expected"),
    [
        pytest.param([chunk(b"")], 8, b"", id="empty"),
        pytest.param([chunk(None)], 8, b"", id="no body member"),
        pytest.param([chunk(b"abc", more=True), chunk(b"de")], 5, b"abcde", id="as large as the limit"),
        pytest.param([chunk(b"abc", more=True), chunk(b"def", more=True)], 5, None, id="too large"),
        pytest.param([chunk(b"x", more=True)] * 1000 + [chunk(b"")], 1000, b"x" * 1000, id="in many pieces"),
    ],
)
def test_a_body_that_was_read_is_received_again(messages: list[Message], limit: int, expected: bytes | None) -> None:
    """Read whole up to the limit, as often as anybody asks; the application receives all of it, read or not."""

    async def main() -> tuple[bytes | None, bytes | None, list[Message]]:
        receive = BufferedReceive(incoming(*messages))
        return await receive.read(limit), await receive.read(limit), await all_of(receive)

    first, second, received = asyncio.run(main())
    assert (expected, expected) == (first, second)
    assert b"".join(message.get("body", b"") for message in messages) == b"".join(
        each.get("body", b"") for each in received
    )
    assert {"type": "http.disconnect"} == received[-1]
    # What was read is one message, however many it came in.
    assert expected is None or [chunk(expected), {"type": "http.disconnect"}] == received


@pytest.mark.parametrize("messages", [[chunk(b"abc", more=True)], []], ids=["in the middle", "before"])
def test_a_client_that_goes_away_has_no_body(messages: list[Message]) -> None:
    """Nobody waits for the rest, however often it is asked for; the application hears that the client has gone."""

    async def main() -> list[Message]:
        receive = BufferedReceive(incoming(*messages))
        for _ in range(2):
            with pytest.raises(BodyUnreadable):
                await receive.read(8)
        return await all_of(receive)

    received = asyncio.run(main())
    body = b"".join(message.get("body", b"") for message in messages)
    assert [chunk(body, more=True), {"type": "http.disconnect"}] == received


def test_an_engine_that_asks_for_the_body_gets_it(
    policy: Policy, jwtmw_issuer: TestIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The effect is performed by this surface; the application has the body all the same."""
    read: list[bytes | None] = []

    class Engine:
        def decide_now(self, request: Any) -> None: ...

        def decide(self, request: Any) -> Flow:
            read.append((yield ReadBody(8)))
            return PASS

    seen: list[Message] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(await receive())

    monkeypatch.setattr(policy, "engine", Engine())
    answer(JWTMiddleware(app, policy), scope(), incoming(chunk(b"abc")))
    assert ([b"abc"], [chunk(b"abc")]) == (read, seen)


# Construction


def test_a_policy_is_made_of_whatever_a_policy_is_made_of(jwtmw_issuer: TestIssuer) -> None:
    """A mapping as well as a policy; a bad one does not start."""
    assert 1 == len(JWTMiddleware(App(), {"issuers": [jwtmw_issuer.settings()]}).policy.settings.issuers)
    with pytest.raises(ConfigurationError):
        JWTMiddleware(App(), {"relm": "api"})


class Between:
    """Another middleware, which keeps what it wraps as most do."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


def test_the_same_policy_twice_does_not_start(policy: Policy, jwtmw_issuer: TestIssuer) -> None:
    """Directly, or behind another middleware; another policy may be wrapped, and a circle ends."""
    inner = JWTMiddleware(App(), policy)
    for app in (inner, Between(inner), JWTMiddleware(inner, policy_of(jwtmw_issuer))):
        with pytest.raises(ConfigurationError, match="the same policy is applied twice to one application"):
            JWTMiddleware(app, policy)
    circle = Between(None)
    circle.app = circle
    assert policy is JWTMiddleware(circle, policy).policy


def test_a_task_that_outlives_its_request_has_no_caller(policy: Policy, jwtmw_issuer: TestIssuer) -> None:
    """Whatever is still running when the response has ended is not shown the caller it began with."""
    tasks: list[asyncio.Task[Any]] = []

    async def later() -> Any:
        await ended.wait()
        return current_principal()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        tasks.append(asyncio.create_task(later()))

    async def main() -> None:
        await call(JWTMiddleware(app, policy), scope(jwtmw_issuer.token("alice")))
        ended.set()
        await tasks[0]

    ended = asyncio.Event()
    with pytest.raises(NotInstalledError):
        asyncio.run(main())
