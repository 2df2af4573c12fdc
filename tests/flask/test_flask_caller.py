"""The caller in Flask: who it is, where it is found, how long it is known, and who is told."""

from __future__ import annotations

import contextvars
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from flask import Flask, Response, request, stream_with_context
from werkzeug.wsgi import FileWrapper

import jwtmw
from jwtmw import NotInstalledError, Reason, optional, public, requires
from jwtmw_flask import current_principal, current_user, request_allowed, request_denied
from tests.conformance.drivers.environs import answer as answered
from tests.flask.apps import Ran, ask, made, protected, refused, token
from tests.flask.test_flask_ways import environ_of


@pytest.fixture
def ran() -> Ran:
    return Ran()


def test_the_caller_is_found_everywhere(ran: Ran) -> None:
    """By the proxy, by jwtmw's own function, in the environ, and as the server's REMOTE_USER."""
    app = made()

    @app.get("/")
    def view() -> dict[str, Any]:
        return {
            "proxy": current_principal.subject,
            "function": jwtmw.current_principal().subject,
            "environ": request.environ["jwtmw.principal"].subject,
            "remote": request.remote_user,
            "type": request.environ["AUTH_TYPE"],
        }

    expected = dict.fromkeys(("proxy", "function", "environ", "remote"), "alice")
    assert {**expected, "type": "Bearer"} == ask(protected(app), "/", token()).get_json()


@pytest.mark.parametrize("default", ["authenticated", "public"])
def test_who_is_not_known_has_no_name(default: str, ran: Ran) -> None:
    """On a public view the caller is anonymous, whatever the server in front said and whatever token was sent."""
    app = made()

    @app.get("/")
    @public
    def view() -> dict[str, Any]:
        return {
            "known": current_principal.is_authenticated,
            "environ": request.environ["jwtmw.principal"].is_authenticated,
            "remote": request.remote_user,
        }

    protected(app, default=default)
    for who in (None, token(), token(exp=1)):
        answer = ask(app, "/", who, environ_base={"REMOTE_USER": "root", "AUTH_TYPE": "Basic"})
        assert {"known": False, "environ": False, "remote": None} == answer.get_json()


def test_an_optional_token_counts_where_it_is_good(ran: Ran) -> None:
    """Also where the default refuses everybody, and only the mark lets in."""
    app = made()
    app.add_url_rule("/", view_func=optional(ran.view()))
    protected(app, default="deny")
    for who in (None, token()):
        ask(app, "/", who)
    assert ["view anonymous", "view alice"] == ran.notes
    assert 401 == ask(app, "/", token(exp=1)).status_code


def test_load_user_brings_the_application_s_own_user(ran: Ran) -> None:
    """`current_user` is what it made of the caller; without one, the caller."""
    app, other = made(), made()
    for each in (app, other):
        each.add_url_rule("/", view_func=lambda: {"user": str(current_user)})
    users = {"alice": "Alice"}
    protected(app, load_user=lambda caller: users.get(caller.subject))
    assert {"user": "Alice"} == ask(app, "/", token()).get_json()
    assert 401 == ask(app, "/", token(sub="mallory")).status_code
    assert "Principal" in ask(protected(other), "/", token()).get_json()["user"]


def test_outside_a_request_there_is_no_caller() -> None:
    """Any use of the proxies fails loudly."""
    for proxy in (current_principal, current_user):
        with pytest.raises(NotInstalledError):
            _ = proxy.subject


def begin(*arguments: Any) -> Any:
    """A server's `start_response`, which nobody asks."""


class Closing:
    """A body that notes who is known when it is made, and when it is closed."""

    def __init__(self, ran: Ran, fails: bool = False) -> None:
        self.ran = ran
        self.fails = fails

    def __iter__(self) -> Iterator[bytes]:
        self.ran.note("chunk")
        yield b"a"
        self.ran.note("chunk")
        yield b"b"

    def close(self) -> None:
        self.ran.note("close")
        if self.fails:
            raise RuntimeError("cannot close")


def streaming(ran: Ran, body: Any) -> Flask:
    app = made()
    app.add_url_rule("/", view_func=lambda: Response(body()))
    ran.ends(app)
    return protected(app)


@pytest.mark.parametrize("with_context", [True, False])
def test_the_caller_is_known_until_the_body_ends(with_context: bool, ran: Ran) -> None:
    """While chunks are made, when the body is closed, and in what Flask runs at the end; then nowhere."""
    app = streaming(ran, lambda: stream_with_context(iter(Closing(ran))) if with_context else Closing(ran))
    body = app(environ_of("/", bearer()), begin)
    with pytest.raises(NotInstalledError):
        _ = current_principal.subject
    assert b"ab" == b"".join(body)
    close(body)
    ends = ["teardown alice"] if with_context else ["close alice", "teardown alice"]
    # How often Flask tears down where the context lives longer is its own affair.
    assert {"after alice", "chunk alice", *ends} == set(ran.notes)
    with pytest.raises(NotInstalledError):
        _ = current_principal.subject


def bearer(subject: str = "alice") -> dict[str, str]:
    return {"Authorization": f"Bearer {token(sub=subject)}"}


def close(body: Any) -> None:
    body.close()


def test_bodies_that_interleave_keep_their_callers(ran: Ran) -> None:
    """Two answers in one thread: each is made for its own caller, in whatever order they end."""
    app = streaming(ran, lambda: Closing(ran))
    first, second = (app(environ_of("/", bearer(name)), begin) for name in ("alice", "bob"))
    ran.notes.clear()
    for body in (first, second):
        next(iter(body))
    close(first)
    next(iter(second))
    close(second)
    assert ["chunk alice", "chunk bob", "close alice", "chunk bob", "close bob"] == ran.notes


def test_whoever_keeps_a_context_is_told_that_there_is_no_caller(ran: Ran) -> None:
    """Work that outlives its request is nobody's."""
    kept: list[contextvars.Context] = []
    app = made()

    @app.get("/")
    def view() -> str:
        kept.append(contextvars.copy_context())
        return "later"

    ask(protected(app), "/", token())
    with pytest.raises(NotInstalledError):
        kept[0].run(jwtmw.current_principal)


def test_a_body_that_cannot_be_closed_ends_all_the_same(ran: Ran) -> None:
    """What the application raises is its own; the caller is not known any more."""
    app = streaming(ran, lambda: Closing(ran, fails=True))
    body = app(environ_of("/", bearer()), begin)
    with pytest.raises(RuntimeError, match="cannot close"):
        close(body)
    with pytest.raises(NotInstalledError):
        _ = current_principal.subject


def test_an_application_that_raises_ends_the_request(ran: Ran) -> None:
    """Towards the server its exception is its own, and nobody is known behind it."""
    kept: list[contextvars.Context] = []
    app = made()
    app.testing = True

    @app.get("/")
    def view() -> str:
        kept.append(contextvars.copy_context())
        raise RuntimeError("the application's")

    protected(app)
    with pytest.raises(RuntimeError, match="the application's"):
        ask(app, "/", token())
    with pytest.raises(NotInstalledError):
        kept[0].run(jwtmw.current_principal)


def test_a_file_goes_in_the_server_s_own_wrapper(ran: Ran, tmp_path: Any) -> None:
    """A server may send a file by itself: its wrapper is handed on as it is."""
    (tmp_path / "logo.txt").write_text("logo")
    app = protected(made(static_folder=str(tmp_path), static_url_path="/files"))
    headers = bearer()
    body = app(environ_of("/files/logo.txt", headers, **{"wsgi.file_wrapper": FileWrapper}), begin)
    assert isinstance(body, FileWrapper)
    assert b"logo" == b"".join(body)
    body.close()
    wrapped = environ_of("/files/logo.txt", headers, **{"wsgi.file_wrapper": lambda file, size: FileWrapper(file)})
    assert b"logo" == answered(app, wrapped).body


def test_a_body_without_an_end_of_its_own_is_fine(ran: Ran) -> None:
    """A list has no close."""

    def bare(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [b"bare"]

    app = made()
    app.wsgi_app = bare  # type: ignore[method-assign]
    assert b"bare" == ask(protected(app), "/", token()).data


class Told:
    """What the signals of one application say."""

    def __init__(self, app: Flask) -> None:
        self.allowed: list[Any] = []
        self.denied: list[Any] = []
        request_allowed.connect(self._allowed, app)
        request_denied.connect(self._denied, app)

    def _allowed(self, sender: Flask, reason: Reason | None) -> None:
        self.allowed.append((current_principal.subject, reason))

    def _denied(self, sender: Flask, reason: Reason) -> None:
        self.denied.append(reason)


def test_signals_tell_what_was_decided(ran: Ran) -> None:
    """The sender is the application; a refusal is told by its reason, a pass by none."""
    app, other = made(), made()
    for each in (app, other):
        each.add_url_rule("/asks", view_func=requires("a")(ran.view()))
        each.add_url_rule("/calls", view_func=lambda app=each: app.view_functions["view"]())
        protected(each, rules=[{"path": "/denied", "allow": "deny"}])
    told = Told(app)
    ask(other, "/asks")
    for path, who in (("/asks", token("a")), ("/asks", token()), ("/denied", token()), ("/nowhere", None)):
        ask(app, path, who)
    assert [("alice", None)] == told.allowed
    assert [Reason.SCOPE_MISSING, Reason.RULE_DENIES, Reason.TOKEN_MISSING] == told.denied
    ask(app, "/calls", token())
    assert [Reason.SCOPE_MISSING] == told.denied[3:]


def test_signals_tell_what_is_only_reported(ran: Ran) -> None:
    """In report-only mode a pass has the reason why it would have been refused; in non-secure mode none."""
    app, other = made(), made()
    protected(app, report_only=True)
    protected(other, secure=False)
    told, others = Told(app), Told(other)
    ask(app, "/nowhere")
    ask(other, "/nowhere")
    assert ([(None, Reason.TOKEN_MISSING)], []) == (told.allowed, told.denied)
    assert ([(None, None)], []) == (others.allowed, others.denied)


def test_middleware_inside_is_told_of_too(ran: Ran) -> None:
    """Where its answer is replaced, that is a refusal as any other."""
    app = made()
    app.add_url_rule("/", view_func=public(ran.view()))
    app.wsgi_app = ran.wsgi()  # type: ignore[method-assign]
    told = Told(protected(app))
    assert 401 == ask(app, "/").status_code
    assert [Reason.TOKEN_MISSING] == told.denied


def test_a_receiver_that_fails_spoils_no_refusal(ran: Ran, caplog: pytest.LogCaptureFixture) -> None:
    """A refusal does not depend on who listens; what they raise is logged by its type."""
    app = protected(made())

    def failing(sender: Flask, reason: Reason) -> None:
        raise RuntimeError("a secret")

    with request_denied.connected_to(failing, app):
        refused(ask(app, "/"), ran, 401)
    assert "RuntimeError" in caplog.text
    assert "a secret" not in caplog.text


IDENTITY = {"X-User": "sub"}
HIDING: list[dict[str, Any]] = [{"header": "Authorization", "scheme": "Bearer"}, {"query": "jwt"}, {"cookie": "jwt"}]


def shown(app: Flask, **more: Any) -> Any:
    """What the view finds of the credential and of the identity headers."""
    return ask(app, more.pop("path", "/"), **more).get_json()


@pytest.mark.parametrize("default", ["authenticated", "deny"])
@pytest.mark.parametrize("place", ["header", "query", "cookie"])
def test_the_application_is_shown_who_calls_and_no_credential(place: str, default: str, ran: Ran) -> None:
    """Wherever it stood, and whether the path alone or only the view's mark let the caller in."""
    app = made()
    app.secret_key = "so that the session reads the cookies first"
    app.add_url_rule("/", view_func=requires()(looking()))
    protected(
        app,
        default=default,
        identity_headers=IDENTITY,
        hide_credentials=True,
        token_from=HIDING,
        origins=["https://a.example"],
    )
    credential = token()
    sent: dict[str, dict[str, Any]] = {
        "header": {"token": credential},
        "query": {"path": f"/?a=1&jwt={credential}"},
        "cookie": {"headers": {"Cookie": f"jwt={credential}; a=1"}},
    }
    found = shown(app, **{**sent[place], "headers": {"X-User": "root", **sent[place].get("headers", {})}})
    assert "alice" == found.pop("user")
    assert credential not in repr(found)
    assert ("a=1" if place == "query" else "") == found["query"]
    assert ({"a": "1"} if place == "cookie" else {}) == found["cookies"]


def looking() -> Any:
    """A function of its own each time, as marks stay on theirs."""

    def look() -> dict[str, Any]:
        return {
            "user": request.headers.get("X-User"),
            "authorization": request.headers.get("Authorization"),
            "query": request.query_string.decode(),
            "args": dict(request.args),
            "cookies": dict(request.cookies),
            "url": request.url,
        }

    return look


def test_what_was_not_used_is_not_taken_away(ran: Ran) -> None:
    """On a public view no credential is used: it is there as it was sent, and nobody is named."""
    app = made()
    app.add_url_rule("/", view_func=public(looking()))
    protected(app, identity_headers=IDENTITY, hide_credentials=True)
    found = shown(app, token="a.b.c", headers={"X-User": "root"})
    assert (None, "Bearer a.b.c") == (found["user"], found["authorization"])
    credential = token()
    found = shown(app, token=credential, headers={"X-User": "root"})
    assert (None, f"Bearer {credential}") == (found["user"], found["authorization"])


def test_who_is_judged_again_is_judged_by_what_was_sent(ran: Ran) -> None:
    """A credential that is hidden from the application is not hidden from its policy."""

    def renamed(app: Any) -> Any:
        return lambda environ, start_response: app({**environ, "PATH_INFO": "/asks"}, start_response)

    app = made()
    app.add_url_rule("/", view_func=looking())
    app.add_url_rule("/asks", "asks", requires("a")(looking()))
    app.wsgi_app = renamed(app.wsgi_app)  # type: ignore[method-assign]
    protected(app, identity_headers=IDENTITY, hide_credentials=True)
    assert ("alice", None) == tuple(shown(app, token=token("a"))[name] for name in ("user", "authorization"))
    assert 403 == ask(app, "/", token()).status_code
