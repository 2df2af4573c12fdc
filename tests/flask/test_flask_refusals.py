"""Refusals in Flask: the renderer's bytes, or the application's own handler; what runs behind them, and what cannot."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Blueprint, Flask, Response, abort
from werkzeug.exceptions import BadRequest, Forbidden, HTTPException, Unauthorized
from werkzeug.test import create_environ

from jwtmw import Denied, NotInstalledError, public, requires
from jwtmw_flask import Refused, current_principal
from tests.conformance.drivers.environs import answer as answered
from tests.flask.apps import Ran, ask, made, policy, protected, refused, token


@pytest.fixture
def ran() -> Ran:
    return Ran()


def service(ran: Ran) -> Flask:
    app = made()
    app.add_url_rule("/closed", view_func=ran.view("closed"))
    app.add_url_rule("/asks", view_func=requires("a")(ran.view("asks")))

    def calls() -> Any:
        return app.view_functions["asks"]()

    app.add_url_rule("/calls", view_func=calls)
    return app


@pytest.mark.parametrize("error_format", ["problem", "message", "edgex", "empty"])
def test_a_refusal_is_the_renderer_s(error_format: str, ran: Ran) -> None:
    """Status, headers and body are those of every other surface, nothing added."""
    app = protected(service(ran), error_format=error_format)
    answer = ask(app, "/closed")
    names = {"Content-Type", "Content-Length", "Cache-Control", "WWW-Authenticate"}
    expected = names - ({"Content-Type"} if error_format == "empty" else set())
    assert {name.lower() for name in expected} == {name.lower() for name in dict(answer.headers)}
    assert 401 == answer.status_code
    assert (error_format == "empty") is (answer.data == b"")


@pytest.mark.parametrize("kind", [Denied, 401, Unauthorized], ids=["denied", "status", "class"])
def test_a_handler_for_exactly_this_is_used(kind: Any, ran: Ran) -> None:
    """It is called with an exception of Werkzeug's, and the challenge stays where it names none."""
    app = service(ran)
    seen: list[Refused] = []

    @app.errorhandler(kind)
    def handle(error: Refused) -> Any:
        seen.append(error)
        return {"error": error.name, "description": error.description}, error.code

    answer = ask(protected(app), "/closed")
    assert (401, {"error": "Unauthorized", "description": Unauthorized.description}) == (
        answer.status_code,
        answer.get_json(),
    )
    assert 'Bearer realm="api"' == answer.headers["WWW-Authenticate"]
    assert "no-store" == answer.headers["Cache-Control"]
    (error,) = seen
    assert isinstance(error, Denied)
    assert isinstance(error, HTTPException)
    assert "token_missing" == json.loads(error.get_response().data)["code"]
    assert ["bearer"] == [challenge.type for challenge in error.www_authenticate]
    assert "token_missing" == error.decision.reason
    assert [] == ran.notes


def test_a_handler_may_send_the_refusal_as_it_is(ran: Ran) -> None:
    """Returning the exception, or its response, is returning the renderer's answer."""
    app, other = service(ran), service(ran)
    app.register_error_handler(401, lambda error: error)
    other.register_error_handler(Denied, lambda error: error.response)
    answers = [ask(protected(each), "/closed") for each in (service(ran), app, other)]
    assert 1 == len({(answer.status_code, answer.data, *sorted(answer.headers)) for answer in answers})


def test_a_handler_may_challenge_otherwise(ran: Ran) -> None:
    """What it says itself stays."""
    app = service(ran)

    @app.errorhandler(401)
    def handle(error: Refused) -> Any:
        return "log in", 302, {"Location": "/login", "WWW-Authenticate": "Basic", "Cache-Control": "no-cache"}

    answer = ask(protected(app), "/closed")
    assert (302, "Basic", "no-cache") == (
        answer.status_code,
        answer.headers["WWW-Authenticate"],
        answer.headers["Cache-Control"],
    )


@pytest.mark.parametrize("kind", [Exception, HTTPException, Forbidden, 500, BadRequest])
def test_handlers_for_whatever_comes_are_not_used(kind: Any, ran: Ran) -> None:
    """Nor are those for other statuses: they would make anything of a refusal."""
    app = service(ran)

    @app.errorhandler(kind)
    def handle(error: Any) -> Any:
        ran.note("handler")
        return "fine", 200

    protected(app)
    refused(ask(app, "/closed"), ran, 401)
    if kind is not Forbidden:
        refused(ask(app, "/calls", token()), ran, 403)


def test_a_status_goes_before_denied(ran: Ran) -> None:
    """As in Flask, the handler for the code is found first, a blueprint's before the application's."""
    app = service(ran)
    blueprint = Blueprint("shop", "shop", url_prefix="/shop")
    blueprint.add_url_rule("/closed", "closed", ran.view())
    blueprint.register_error_handler(401, lambda error: ("blueprint's status", 401))
    blueprint.register_error_handler(Denied, lambda error: ("blueprint's denied", error.code))
    app.register_error_handler(401, lambda error: ("status", 401))
    app.register_error_handler(Denied, lambda error: ("denied", error.code))
    app.register_blueprint(blueprint)
    protected(app, rules=[{"path": "/shop/ruled", "allow": "deny"}])
    assert "blueprint's status" == ask(app, "/shop/closed").text
    assert "status" == ask(app, "/shop/nowhere").text
    assert "status" == ask(app, "/closed").text
    assert "denied" == ask(app, "/asks", token()).text
    assert [] == ran.notes


def test_handlers_for_500_find_what_they_ask_for(ran: Ran) -> None:
    """A refusal for something unforeseen of ours has no original exception to show."""
    app = service(ran)
    app.register_error_handler(500, lambda error: (repr(error.original_exception), 500))
    protected(app, check=lambda principal, request: True)
    view = ran.view("late")
    app.add_url_rule("/late", view_func=view)
    requires("a")(view)
    assert (500, "None") == (ask(app, "/late").status_code, ask(app, "/late").text)


def failing(error: Refused) -> Any:
    raise RuntimeError("a secret")


@pytest.mark.parametrize(
    "handler", [failing, lambda error: abort(418), lambda error: None], ids=["raises", "aborts", "none"]
)
def test_a_handler_that_fails_is_passed_over(handler: Any, ran: Ran, caplog: pytest.LogCaptureFixture) -> None:
    """A refusal does not depend on it."""
    app = service(ran)
    app.register_error_handler(401, handler)
    refused(ask(protected(app), "/closed"), ran, 401)
    assert "an error handler failed with" in caplog.text
    assert "a secret" not in caplog.text


async def handle_later(error: Refused) -> Any:
    return "later", error.code


def test_a_handler_may_be_async(ran: Ran) -> None:
    """As any handler in Flask."""
    app = service(ran)
    app.register_error_handler(401, handle_later)
    assert (401, "later") == (ask(protected(app), "/closed").status_code, ask(app, "/closed").text)


def allow_origin(target: Flask | Blueprint) -> None:
    """As extensions for CORS do it in Flask."""

    @target.after_request
    def allow(response: Response) -> Response:
        response.headers["Access-Control-Allow-Origin"] = "https://shop.example"
        return response


@pytest.mark.parametrize("path", ["/closed", "/nowhere", "/denied", "//x"])
def test_refusals_carry_the_cors_headers_of_the_application(path: str, ran: Ran) -> None:
    """A browser may read why it was refused, whether the path, the view or the router's answer was refused."""
    app = service(ran)
    allow_origin(app)
    protected(app, rules=[{"path": "/denied", "allow": "deny"}])
    answer = ask(app, path, headers={"Origin": "https://shop.example"})
    assert answer.status_code in (400, 401, 403)
    assert "https://shop.example" == answer.headers["Access-Control-Allow-Origin"]
    preflight = ask(
        app,
        "/closed",
        method="OPTIONS",
        headers={"Origin": "https://shop.example", "Access-Control-Request-Method": "GET"},
    )
    assert (200, "https://shop.example") == (preflight.status_code, preflight.headers["Access-Control-Allow-Origin"])
    assert [] == ran.notes


def test_blueprints_have_cors_headers_of_their_own(ran: Ran) -> None:
    """Also where a rule for the path refuses, before any endpoint was asked for."""
    blueprint = Blueprint("shop", "shop", url_prefix="/shop")
    blueprint.add_url_rule("/closed", "closed", ran.view())
    allow_origin(blueprint)
    app = made()
    app.register_blueprint(blueprint)
    protected(app, rules=[{"path": "/shop/closed", "allow": "deny"}])
    answer = ask(app, "/shop/closed", headers={"Origin": "https://shop.example"})
    assert (403, "https://shop.example") == (answer.status_code, answer.headers["Access-Control-Allow-Origin"])


def test_functions_after_the_request_know_nobody_of_who_is_refused(ran: Ran) -> None:
    """They run, and who asks is told that the caller is anonymous."""
    app = service(ran)
    ran.ends(app)
    protected(app)
    assert 401 == ask(app, "/closed").status_code
    assert ["after anonymous", "teardown anonymous"] == ran.notes


def test_a_function_after_the_request_that_fails_spoils_no_refusal(ran: Ran) -> None:
    """Such as one that looks for what a function before the request would have left."""
    app = service(ran)

    @app.after_request
    def fails(response: Response) -> Response:
        raise AttributeError("started")

    protected(app)
    refused(ask(app, "/closed"), ran, 401)
    assert 500 == ask(app, "/closed", token()).status_code


def test_a_teardown_that_fails_spoils_no_refusal(ran: Ran, caplog: pytest.LogCaptureFixture) -> None:
    """Such as one that closes what a function before the request would have opened; also behind a mark's refusal."""
    app = service(ran)

    @app.teardown_request
    def fails(error: BaseException | None) -> None:
        raise AttributeError("a secret")

    protected(app, rules=[{"path": "/denied", "allow": "deny"}])
    for path, who, status in (("/closed", None, 401), ("/asks", token(), 403), ("/denied", None, 403)):
        headers = {} if who is None else {"Authorization": f"Bearer {who}"}
        answer = answered(app, create_environ(path, headers=headers))
        assert (status, []) == (answer.status, ran.notes)
        assert "Flask, on its way out of a refusal, failed with AttributeError" in caplog.text
        caplog.clear()
    assert "a secret" not in caplog.text
    with pytest.raises(AttributeError, match="a secret"):
        ask(app, "/closed", token())


def test_the_second_lock_refuses_wherever_it_is(ran: Ran) -> None:
    """In views, in functions before and after the request: refused as by the engine, and counted once."""
    locked = requires("a")(ran.view("locked"))
    apps = []
    for hook in ("before_request", "after_request"):
        app = service(ran)

        @getattr(app, hook)
        def call(response: Any = None) -> Any:
            locked()
            return response

        apps.append(protected(app))
    for app in apps:
        ran.notes.clear()
        answer = ask(app, "/closed", token())
        assert (403, "insufficient_scope") == (answer.status_code, answer.get_json()["code"])
        assert 'scope="a"' in answer.headers["WWW-Authenticate"]
        assert "locked alice" not in ran.notes
        assert {"scope_missing": 1} == app.extensions["jwtmw"].policy.metrics()["denied"]


def test_other_exceptions_are_flasks(ran: Ran) -> None:
    """What the application raises and handles is its own."""
    app = service(ran)
    app.add_url_rule("/fails", view_func=lambda: abort(409))
    app.register_error_handler(409, lambda error: ("handled", 409))
    assert (409, "handled") == (ask(protected(app), "/fails", token()).status_code, ask(app, "/fails", token()).text)


@pytest.mark.parametrize("keys", [{"secure": False}, {"inbound": False}, {"report_only": True}], ids=str)
def test_in_other_modes_everything_passes(keys: dict[str, Any], ran: Ran) -> None:
    """Refused by nothing: not by path, mark, contradiction or second lock; who is not verified is anonymous."""
    app = service(ran)
    protected(app, rules=[{"path": "/closed", "allow": "deny"}], **keys)
    view = ran.view("late")
    app.add_url_rule("/late", view_func=view)
    requires("a")(view)
    bad = token(exp=1)
    paths = ("/closed", "/asks", "/calls", "/late", "/nowhere")
    assert [200, 200, 200, 200, 404] == [ask(app, path, bad).status_code for path in paths]
    assert ["closed anonymous", "asks anonymous", "asks anonymous", "late anonymous"] == ran.notes


def test_on_deny_makes_the_body(ran: Ran) -> None:
    """`Policy(on_deny=...)` is used as on every surface."""
    app = protected(service(ran), on_deny=lambda problem, request: ("text/plain", f"no: {problem.code}"))
    assert ("no: token_missing", "text/plain") == (ask(app, "/closed").text, ask(app, "/closed").content_type)


def test_the_caller_of_a_refusal_is_nobody_s_later(ran: Ran) -> None:
    """When a refusal is sent, its request is over."""
    app = protected(service(ran))
    with app.test_client() as client:
        client.get("/closed")
        with pytest.raises(NotInstalledError):
            _ = current_principal.subject


def test_a_public_view_s_lock_is_open(ran: Ran) -> None:
    """A public view that the router found runs for everybody, as often as it is asked."""
    app = made()
    app.add_url_rule("/open", view_func=public(ran.view()))
    protected(app)
    assert [200, 200] == [ask(app, "/open", who).status_code for who in (None, "nonsense")]
    assert 1 == len({policy().settings.default})
