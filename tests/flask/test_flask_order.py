"""What comes first: the engine, before every function of the application, whatever answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, Flask, g, request_started
from flask.sessions import SecureCookieSessionInterface
from werkzeug.routing import BaseConverter

from jwtmw import public, requires
from jwtmw_flask import JWTAuth
from tests.flask.apps import Ran, ask, made, policy, protected, refused, token


@pytest.fixture
def ran() -> Ran:
    return Ran()


def service(ran: Ran, tmp_path: Path, **settings: Any) -> Flask:
    """Public and protected views among hooks of all kinds, with files, in an application and a blueprint."""
    (tmp_path / "logo.txt").write_text("logo")
    app = made(static_folder=str(tmp_path), static_url_path="/files", **settings)
    ran.hooks(app)
    blueprint = Blueprint("shop", "shop", url_prefix="/shop", static_folder=str(tmp_path), static_url_path="/static")
    ran.hooks(blueprint)
    for target in (app, blueprint):
        target.add_url_rule("/open", "open", public(ran.view("open")))
        target.add_url_rule("/open/dir/", "dir", public(ran.view("dir")))
        target.add_url_rule("/closed", "closed", ran.view("closed"))
        target.add_url_rule("/asks", "asks", requires("a")(ran.view("asks")), methods=["GET", "POST"])
    app.register_blueprint(blueprint)
    return app


@pytest.mark.parametrize("prefix", ["", "/shop"], ids=["application", "blueprint"])
@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        pytest.param("/closed", "GET", 401, id="view"),
        pytest.param("/closed", "HEAD", 401, id="head"),
        pytest.param("/asks", "POST", 401, id="marked"),
        pytest.param("/nowhere", "GET", 401, id="404"),
        pytest.param("/closed", "DELETE", 401, id="405"),
        pytest.param("/open", "DELETE", 401, id="405-beside-open"),
        pytest.param("/open", "OPTIONS", 401, id="automatic-options"),
        pytest.param("/open/dir", "GET", 401, id="redirect-to-open"),
        pytest.param("/open/", "GET", 401, id="slash-behind-open"),
        pytest.param("/open/x", "GET", 401, id="below-open"),
        pytest.param("//open", "GET", 400, id="two-slashes"),
        pytest.param("/x/../open", "GET", 400, id="dots"),
        pytest.param("/Open", "GET", 401, id="case"),
        pytest.param("/open", "get", 400, id="method-case"),
        pytest.param("/open", "PROPFIND", 400, id="unknown-method"),
    ],
)
def test_nothing_runs_for_who_is_refused(
    prefix: str, path: str, method: str, status: int, ran: Ran, tmp_path: Path
) -> None:
    """No preprocessor, no function before the request, no view: for views, 404, 405, redirects and OPTIONS alike."""
    app = protected(service(ran, tmp_path))
    answer = ask(app, prefix + path, method=method)
    if method == "HEAD":
        assert (status, b"", []) == (answer.status_code, answer.data, ran.notes)
    else:
        refused(answer, ran, status)


@pytest.mark.parametrize("path", ["/files/logo.txt", "/files/nothing", "/shop/static/logo.txt"])
def test_static_files_need_a_token(path: str, ran: Ran, tmp_path: Path) -> None:
    """Files are nobody's to see without a token, until a rule says so."""
    refused(ask(protected(service(ran, tmp_path)), path), ran, 401)
    opened = protected(service(ran, tmp_path), rules=[{"path": path, "allow": "public"}])
    assert ask(opened, path).status_code in (200, 404)


def test_files_of_a_public_blueprint_are_public(ran: Ran, tmp_path: Path) -> None:
    """The blueprint is the object that is marked, and its files are registered on it."""
    (tmp_path / "logo.txt").write_text("logo")
    blueprint = public(
        Blueprint("shop", "shop", url_prefix="/shop", static_folder=str(tmp_path), static_url_path="/static")
    )
    app = made()
    app.register_blueprint(blueprint)
    assert b"logo" == ask(protected(app), "/shop/static/logo.txt").data


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [("/nowhere", "GET", 404), ("/open", "DELETE", 405), ("/open", "OPTIONS", 200), ("/open/dir", "GET", 308)],
)
def test_a_caller_with_a_token_gets_flasks_own_answer(
    path: str, method: str, status: int, ran: Ran, tmp_path: Path
) -> None:
    """What is nobody's without a token is Flask's with one."""
    assert status == ask(protected(service(ran, tmp_path)), path, token(), method).status_code


def test_hooks_know_the_caller(ran: Ran, tmp_path: Path) -> None:
    """Who is let in is known to the first function of the application already."""
    app = protected(service(ran, tmp_path))
    ask(app, "/shop/closed", token())
    ask(app, "/shop/open", token())
    hooks = ["orders preprocessor", "shop preprocessor", "orders before", "shop before"]
    assert [
        *(f"{name} alice" for name in [*hooks, "closed"]),
        *(f"{name} anonymous" for name in [*hooks, "open"]),
    ] == ran.notes


def test_receivers_of_request_started_come_later(ran: Ran) -> None:
    """Nor does a receiver of Flask's own signal run for who is refused."""
    app = made()
    app.add_url_rule("/closed", view_func=ran.view())

    def started(sender: Flask, **more: Any) -> None:
        ran.note("started")

    with request_started.connected_to(started, app):
        refused(ask(protected(app), "/closed"), ran, 401)
        assert 200 == ask(app, "/closed", token()).status_code
    assert ["started alice", "view alice"] == ran.notes


def test_a_hook_that_answers_is_behind_the_engine(ran: Ran) -> None:
    """A function before the request that answers in the place of views does so for callers who were let in."""
    app = made()
    app.before_request(lambda: "from a hook")
    protected(app)
    assert 401 == ask(app, "/nowhere").status_code
    assert b"from a hook" == ask(app, "/nowhere", token()).data


def test_hooks_that_came_before_the_extension_come_later(ran: Ran) -> None:
    """The order in which functions are registered does not matter."""
    app = made()
    ran.hooks(app)
    JWTAuth(app, policy())
    ran.hooks(app)
    refused(ask(app, "/nowhere"), ran, 401)


def test_the_application_s_g_is_its_own(ran: Ran) -> None:
    """Nothing of ours is in `g`."""
    app = made()
    app.add_url_rule("/g", view_func=lambda: repr(sorted(g)))
    assert b"[]" == ask(protected(app), "/g", token()).data


def test_routing_comes_first_only_where_a_mark_may_speak(ran: Ran) -> None:
    """A converter of the application runs, as it tells which endpoint it is; who is asked by then is nobody."""

    class Noting(BaseConverter):
        def to_python(self, value: str) -> str:
            ran.note("converter")
            return value

    app = made()
    app.url_map.converters["noting"] = Noting
    app.add_url_rule("/open/<noting:name>", view_func=public(ran.view()))
    protected(app)
    assert 200 == ask(app, "/open/x").status_code
    assert ["converter anonymous", "view anonymous"] == ran.notes


@pytest.mark.parametrize(("path", "status"), [("/open", 401), ("/denied", 403)])
def test_a_session_that_fails_lets_nobody_in(path: str, status: int, ran: Ran) -> None:
    """Flask's own failure before the endpoint is known is nobody's to see: the refusal stands."""

    class Broken(SecureCookieSessionInterface):
        def open_session(self, *arguments: Any) -> Any:
            raise RuntimeError("the store is down")

    app = made()
    app.session_interface = Broken()
    app.add_url_rule("/open", view_func=public(ran.view()))
    protected(app, rules=[{"path": "/denied", "allow": "deny"}])
    refused(ask(app, path), ran, status)
    assert 500 == ask(app, "/open", token()).status_code
    app.config["PROPAGATE_EXCEPTIONS"] = True
    if path == "/denied":
        refused(ask(app, path), ran, status)
    else:
        with pytest.raises(RuntimeError, match="the store is down"):
            ask(app, path)
