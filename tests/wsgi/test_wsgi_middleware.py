"""`jwtmw.wsgi.JWTMiddleware` around a bare WSGI application, with environs made by hand."""

from __future__ import annotations

import contextvars
import json
import threading
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any
from unittest.mock import Mock
from wsgiref.util import FileWrapper
from wsgiref.validate import validator

import pytest

from jwtmw import ConfigurationError, NotInstalledError, Policy, current_principal
from jwtmw.adapter import native
from jwtmw.effects import Flow, ReadBody
from jwtmw.engine import PASS
from jwtmw.testing import Signer, TestIssuer
from jwtmw.wsgi import JWTMiddleware
from tests.engine.facts import policy_of
from tests.wsgi.calls import OK, App, Environ, call, environ


@pytest.fixture
def policy(jwtmw_issuer: TestIssuer) -> Policy:
    rules = [{"path": "/open", "allow": "public"}, {"path": "/read", "scopes": ["read"]}]
    return policy_of(jwtmw_issuer, rules=rules)


# Refusals


@pytest.mark.parametrize(
    ("path", "token", "status", "code"),
    [
        pytest.param("/orders", None, "401 Unauthorized", "token_missing", id="missing"),
        pytest.param("/orders", "a.b.c", "401 Unauthorized", "token_invalid", id="garbage"),
        pytest.param("/orders", "a b", "400 Bad Request", "invalid_request", id="malformed"),
        pytest.param("//orders", None, "400 Bad Request", "bad_path", id="path"),
    ],
)
def test_a_refusal_never_calls_the_application(
    policy: Policy, path: str, token: str | None, status: str, code: str
) -> None:
    """It is sent whole, and nothing of the request is read."""
    app = App()
    answer = call(JWTMiddleware(app, policy), environ(token, path, **{"wsgi.input": None}))
    assert (status, code, 1) == (answer.status, json.loads(answer.content)["code"], answer.starts)
    assert [str(len(answer.content))] == answer.header("content-length")
    assert [] == app.environs


def test_head_is_refused_without_a_body(policy: Policy) -> None:
    """The length is that of the body that GET would have got."""
    get, head = (call(JWTMiddleware(App(), policy), environ(method=method)) for method in ("GET", "HEAD"))
    assert (get.status, get.headers, b"") == (head.status, head.headers, head.content)


@pytest.mark.parametrize(
    ("members", "status"),
    [
        pytest.param({"REQUEST_METHOD": None}, "400 Bad Request", id="method is none"),
        pytest.param({"REQUEST_METHOD": ["GET"]}, "500 Internal Server Error", id="method is a list"),
        pytest.param({"PATH_INFO": 7}, "400 Bad Request", id="path is a number"),
        pytest.param({"HTTP_AUTHORIZATION": 7}, "500 Internal Server Error", id="header is a number"),
        pytest.param({"HTTP_AUTHORIZATION": "Bearer \u20ac"}, "400 Bad Request", id="header is no native string"),
    ],
)
def test_an_odd_environ_is_refused(policy: Policy, members: Environ, status: str) -> None:
    """Whatever a server gets wrong, the application is not called."""
    app = App()
    assert (status, []) == (call(JWTMiddleware(app, policy), environ(**members)).status, app.environs)


# What passes


def test_both_sides_keep_to_pep_3333(policy: Policy, jwtmw_issuer: TestIssuer) -> None:
    """The standard library's validator finds nothing, on refusals and on what passes."""

    def app(environ: Environ, start_response: Any) -> Iterator[bytes]:
        start_response(OK, [("Content-Type", "text/plain")])
        yield b"done"

    guarded = validator(JWTMiddleware(validator(app), policy))
    inputs = {"wsgi.input": BytesIO(), "wsgi.errors": Errors()}
    statuses = [call(guarded, environ(token, **inputs)).status for token in (None, jwtmw_issuer.token())]
    assert ["401 Unauthorized", OK] == statuses


class Errors:
    """As much of a stream as the validator asks for."""

    def write(self, text: str) -> None: ...
    def writelines(self, lines: Iterable[str]) -> None: ...
    def flush(self) -> None: ...


def test_a_complete_body_is_handed_on_as_it_is(policy: Policy, jwtmw_issuer: TestIssuer) -> None:
    """A list keeps its length, a file in the server's wrapper goes by sendfile; the status line is the app's own."""
    bodies = ([b"done"], (b"done",), FileWrapper(BytesIO(b"done")))
    returned = []
    for body in bodies:

        def app(environ: Environ, start_response: Any, body: Any = body) -> Any:
            start_response("299 As the app says", [("Cache-Control", "max-age=60")])
            return body

        given = environ(jwtmw_issuer.token(), **{"wsgi.file_wrapper": FileWrapper})
        statuses: list[Any] = []
        returned.append(JWTMiddleware(app, policy)(given, lambda *arguments, kept=statuses: kept.append(arguments)))
        assert [("299 As the app says", [("Cache-Control", "max-age=60")])] == statuses
    assert [id(body) for body in bodies] == [id(body) for body in returned]


def test_a_body_of_another_kind_keeps_its_length(policy: Policy, jwtmw_issuer: TestIssuer) -> None:
    """Servers make a Content-Length of a body of one chunk; a function that wraps files is not known by its type."""

    class Sized:
        def __len__(self) -> int:
            return 1

        def __iter__(self) -> Iterator[bytes]:
            yield b"done"

    def app(environ: Environ, start_response: Any) -> Any:
        start_response(OK, [])
        return Sized()

    given = environ(jwtmw_issuer.token(), **{"wsgi.file_wrapper": lambda file, size: file})
    body: Any = JWTMiddleware(app, policy)(given, lambda status, headers: None)
    assert (1, [b"done"]) == (len(body), list(body))


@pytest.mark.parametrize(
    ("path", "subject", "remote_user", "auth_type"),
    [
        pytest.param("/open", "alice", None, None, id="public"),
        pytest.param("/orders", "alice", "alice", "Bearer", id="authenticated"),
        pytest.param("/orders", "Zoë", native("Zoë"), "Bearer", id="beyond ASCII"),
        pytest.param("/orders", None, None, "Bearer", id="without a name"),
    ],
)
def test_the_caller_is_in_the_environ(
    policy: Policy, jwtmw_issuer: TestIssuer, path: str, subject: Any, remote_user: str | None, auth_type: str | None
) -> None:
    """Whatever stood there before is replaced: whom a front server named, this policy has not authenticated."""
    app = App()
    named = {"jwtmw.principal": "mallory", "REMOTE_USER": "mallory", "AUTH_TYPE": "Basic"}
    call(JWTMiddleware(app, policy), environ(jwtmw_issuer.token(subject), path, **named))
    (seen,) = app.environs
    assert (remote_user, auth_type) == (seen.get("REMOTE_USER"), seen.get("AUTH_TYPE"))
    assert (auth_type is not None) is seen["jwtmw.principal"].is_authenticated


def test_a_consumer_is_named_by_its_key_and_not_by_what_it_says() -> None:
    """It writes its tokens itself: with a `sub` of its choice it is still who it is."""
    signer = Signer("HS256")
    jack = {"name": "jack", "key": "jack-key", "secret": signer.secret.decode()}
    shops: dict[str, Any] = {"name": "shops", "require_issuer": False, "require_audience": False, "consumers": [jack]}
    app = App()
    token = signer.sign({"key": "jack-key", "sub": "rose", "exp": 4_000_000_000})
    call(JWTMiddleware(app, Policy(issuers=[shops])), environ(token))
    (seen,) = app.environs
    assert "jack" == seen["REMOTE_USER"]


@pytest.mark.parametrize(
    ("place", "header", "auth_type"),
    [
        pytest.param({"header": "X-Token", "scheme": "Token"}, "Token ", "Token", id="scheme"),
        pytest.param({"header": "X-Token"}, "", "Bearer", id="raw"),
    ],
)
def test_the_scheme_is_named(jwtmw_issuer: TestIssuer, place: dict[str, str], header: str, auth_type: str) -> None:
    """AUTH_TYPE is the scheme of the place where the token was."""
    app = App()
    middleware = JWTMiddleware(app, policy_of(jwtmw_issuer, token_from=[place]))
    call(middleware, environ(HTTP_X_TOKEN=header + jwtmw_issuer.token()))
    assert [auth_type] == [seen["AUTH_TYPE"] for seen in app.environs]


def test_what_is_not_judged_has_no_name(jwtmw_issuer: TestIssuer) -> None:
    """Non-secure mode believes nothing, a front server's name included."""
    app = App()
    call(JWTMiddleware(app, policy_of(jwtmw_issuer, secure=False)), environ("x", "//odd", REMOTE_USER="mallory"))
    assert [False] == ["REMOTE_USER" in seen for seen in app.environs]


def test_the_application_sees_who_and_not_the_credential(jwtmw_issuer: TestIssuer) -> None:
    """Identity headers are set, a caller's own are gone in every spelling, and so is the used token."""
    app = App()
    policy = policy_of(jwtmw_issuer, hide_credentials=True, identity_headers={"X-User": "sub"})
    token = jwtmw_issuer.token("alice")
    call(JWTMiddleware(app, policy), environ(token, **{"HTTP_X.USER": "mallory"}))
    (seen,) = app.environs
    assert {"HTTP_X_USER": "alice"} == {key: value for key, value in seen.items() if key.startswith("HTTP_")}
    assert token == seen["jwtmw.principal"].token


class Streamed:
    """A body that asks who the caller is whenever the server asks for something."""

    def __init__(self, *, fails: bool = False) -> None:
        self.subjects: list[str | None] = []
        self.closed = 0
        self._fails = fails

    def _ask(self) -> None:
        self.subjects.append(current_principal().subject)

    def __iter__(self) -> Iterator[bytes]:
        self._ask()
        return self._chunks()

    def _chunks(self) -> Iterator[bytes]:
        self._ask()
        yield b"a"
        self._ask()
        if self._fails:
            raise ZeroDivisionError
        yield b"b"

    def close(self) -> None:
        self.closed += 1
        self._ask()


def serving(body: Any) -> Any:
    def app(environ: Environ, start_response: Any) -> Any:
        start_response(OK, [])
        return body

    return app


def test_the_caller_is_known_until_the_body_is_closed(policy: Policy, jwtmw_issuer: TestIssuer) -> None:
    """While the server asks for the body, and not between two chunks, when its thread is its own, nor behind it."""
    streamed = Streamed()
    given = environ(jwtmw_issuer.token("alice"))
    body: Any = JWTMiddleware(serving(streamed), policy)(given, lambda status, headers: None)
    kept = contextvars.copy_context()
    chunks = []
    for chunk in body:
        chunks.append(chunk)
        with pytest.raises(NotInstalledError):
            current_principal()
    body.close()
    assert ([b"a", b"b"], ["alice"] * 4, 1) == (chunks, streamed.subjects, streamed.closed)
    with pytest.raises(NotInstalledError):
        kept.run(current_principal)


def test_a_body_that_fails_is_closed(policy: Policy, jwtmw_issuer: TestIssuer) -> None:
    """The exception is the application's own, and goes through; the caller is known to `close`."""
    streamed = Streamed(fails=True)
    with pytest.raises(ZeroDivisionError):
        call(JWTMiddleware(serving(streamed), policy), environ(jwtmw_issuer.token("alice")))
    assert (["alice"] * 4, 1) == (streamed.subjects, streamed.closed)


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_the_caller_is_forgotten_when_the_application_fails(
    policy: Policy, jwtmw_issuer: TestIssuer, error: type[BaseException]
) -> None:
    """Also for whoever kept the request's context."""
    kept = []

    def app(environ: Environ, start_response: Any) -> Any:
        kept.append(contextvars.copy_context())
        raise error

    with pytest.raises(error):
        call(JWTMiddleware(app, policy), environ(jwtmw_issuer.token("alice")))
    with pytest.raises(NotInstalledError):
        kept[0].run(current_principal)


def test_a_body_whose_close_fails_forgets_the_caller(policy: Policy, jwtmw_issuer: TestIssuer) -> None:
    """What `close` raises goes through."""

    class Body(Streamed):
        def close(self) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        call(JWTMiddleware(serving(Body()), policy), environ(jwtmw_issuer.token("alice")))
    with pytest.raises(NotInstalledError):
        current_principal()


def test_interleaved_bodies_do_not_see_each_other(policy: Policy, jwtmw_issuer: TestIssuer) -> None:
    """Each has its own caller, in one thread and in several."""
    middleware = JWTMiddleware(lambda environ, start_response: asking(start_response), policy)

    def asking(start_response: Any) -> Iterator[bytes]:
        start_response(OK, [])
        for _ in range(20):
            yield (current_principal().subject or "").encode()

    names = [f"caller-{number}" for number in range(8)]
    bodies = [iter(middleware(environ(jwtmw_issuer.token(name)), lambda *_: None)) for name in names]
    for _ in range(10):
        assert names == [next(body).decode() for body in bodies]
    rest: dict[str, set[bytes]] = {}

    def drain(name: str, body: Iterator[bytes]) -> None:
        rest[name] = set(body)

    threads = [threading.Thread(target=drain, args=pair) for pair in zip(names, bodies, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {name: {name.encode()} for name in names} == rest


def test_nested_applications_judge_each_for_themselves(policy: Policy, jwtmw_issuer: TestIssuer) -> None:
    """All must allow; inside, the caller is the inner one's, and outside the outer one's again."""
    partners = TestIssuer("https://partners.example", clock=jwtmw_issuer.clock)
    inner = JWTMiddleware(App(), policy_of(partners, entry={"token_from": [{"header": "X-Partner"}]}))
    subjects: list[str | None] = []

    def around(environ: Environ, start_response: Any) -> Iterable[bytes]:
        body = inner(environ, start_response)
        subjects.extend([environ["REMOTE_USER"], current_principal().subject])
        return body

    middleware = JWTMiddleware(around, policy)
    call(middleware, environ(jwtmw_issuer.token("alice"), HTTP_X_PARTNER=partners.token("bob")))
    assert ["bob", "alice"] == subjects
    assert "401 Unauthorized" == call(middleware, environ(jwtmw_issuer.token("alice"))).status


@pytest.mark.parametrize("style", ["list", "stream"])
def test_a_token_in_the_url_is_not_kept_by_caches(jwtmw_issuer: TestIssuer, style: str) -> None:
    """RFC 6750 section 2.3: Cache-Control is replaced, nothing else; a token in a header leaves it alone."""
    policy = policy_of(jwtmw_issuer, token_from=[{"query": "jwt"}, {"header": "JWT"}])
    headers = [("cache-control", "public"), ("X-Orders", "7"), ("Cache-Control", "max-age=60")]
    middleware = JWTMiddleware(App(*headers), policy)
    token = jwtmw_issuer.token()
    assert [("X-Orders", "7"), ("Cache-Control", "no-store")] == call(
        middleware, environ(QUERY_STRING=f"jwt={token}")
    ).headers
    assert headers == call(middleware, environ(HTTP_JWT=token)).headers


# Waiting, and bodies


def test_the_keys_are_waited_for(jwtmw_serving_issuer: TestIssuer) -> None:
    """In this thread; the application has the whole body."""
    seen: list[bytes] = []

    def app(environ: Environ, start_response: Any) -> list[bytes]:
        seen.append(environ["wsgi.input"].read())
        start_response(OK, [])
        return []

    given = environ(jwtmw_serving_issuer.token(), method="POST", **{"wsgi.input": BytesIO(b"abc")})
    assert (OK, [b"abc"]) == (call(JWTMiddleware(app, policy_of(jwtmw_serving_issuer)), given).status, seen)


def test_an_engine_that_asks_for_the_body_gets_it(policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    """The effect is performed by this surface; the application has the body all the same."""
    read: list[bytes | None] = []

    class Engine:
        def decide_now(self, request: Any) -> None: ...

        def decide(self, request: Any) -> Flow:
            read.append((yield ReadBody(8)))
            return PASS

    app = App()
    middleware = JWTMiddleware(app, policy)
    monkeypatch.setattr(policy, "engine", Engine())
    call(middleware, environ(CONTENT_LENGTH="3", **{"wsgi.input": BytesIO(b"abcGET /")}))
    assert ([b"abc"], b"abc") == (read, app.environs[0]["wsgi.input"].read())


# Construction


def test_a_policy_is_made_of_whatever_a_policy_is_made_of(jwtmw_issuer: TestIssuer) -> None:
    """A mapping as well as a policy; a bad one does not start."""
    assert 1 == len(JWTMiddleware(App(), {"issuers": [jwtmw_issuer.settings()]}).policy.settings.issuers)
    with pytest.raises(ConfigurationError):
        JWTMiddleware(App(), {"relm": "api"})


def test_what_no_wsgi_server_can_do_does_not_start(jwtmw_issuer: TestIssuer) -> None:
    """A user who is awaited, and a header that servers drop or take for another."""

    async def load_user(principal: Any) -> Any: ...

    with pytest.raises(ConfigurationError, match=r"load_user: an async load_user needs an ASGI application"):
        JWTMiddleware(App(), Policy(issuers=[jwtmw_issuer.settings()], load_user=load_user))
    for keys in ({"token_from": [{"header": "X_Token"}]}, {"entry": {"token_from": [{"header": "X_Token"}]}}):
        with pytest.raises(ConfigurationError, match=r"token_from: header X_Token: WSGI servers drop.*hyphens"):
            JWTMiddleware(App(), policy_of(jwtmw_issuer, **keys))


class Between:
    """Another middleware, which keeps what it wraps under one of the usual names."""

    def __init__(self, name: str, app: Any) -> None:
        setattr(self, name, app)

    def __call__(self, environ: Environ, start_response: Any) -> Any: ...


@pytest.mark.parametrize("name", ["app", "wsgi_app", "application"])
def test_the_same_policy_twice_does_not_start(policy: Policy, jwtmw_issuer: TestIssuer, name: str) -> None:
    """Directly, or behind another middleware; another policy may be wrapped, and a circle ends."""
    inner = JWTMiddleware(App(), policy)
    for app in (inner, Between(name, inner), JWTMiddleware(inner, policy_of(jwtmw_issuer))):
        with pytest.raises(ConfigurationError, match="the same policy is applied twice to one application"):
            JWTMiddleware(app, policy)
    circle = Between(name, None)
    setattr(circle, name, circle)
    assert policy is JWTMiddleware(circle, policy).policy


def test_an_application_that_answers_every_name_is_wrapped(policy: Policy) -> None:
    """The search for a second policy ends."""
    assert policy is JWTMiddleware(Mock(), policy).policy
