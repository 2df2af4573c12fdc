"""Ways around: what is judged is what the router takes and what the application calls, however a request gets there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from flask import Flask, Request, request
from flask.globals import request_ctx
from flask.views import MethodView
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import create_environ

from jwtmw import Denied, NotInstalledError, public, requires
from jwtmw_flask import current_principal
from tests.conformance.drivers.environs import answer as answered
from tests.flask.apps import Ran, ask, bearer, made, protected, refused, token


@pytest.fixture
def ran() -> Ran:
    return Ran()


def service(ran: Ran) -> Flask:
    app = made()
    app.add_url_rule("/open", view_func=public(ran.view("open")), methods=["GET", "POST"])
    app.add_url_rule("/closed", view_func=ran.view("closed"), methods=["GET", "DELETE"])
    app.add_url_rule("/asks", view_func=requires("a")(ran.view("asks")))
    return app


def inside(app: Flask, middleware: Any) -> Flask:
    """Between the extension and Flask, as what was there before the extension came."""
    app.wsgi_app = middleware(app.wsgi_app)  # type: ignore[method-assign]
    return app


def rewriting(**to: str) -> Any:
    def middleware(app: Any) -> Any:
        return lambda environ, start_response: app({**environ, **to}, start_response)

    return middleware


@pytest.mark.parametrize(
    ("path", "to", "who", "status"),
    [
        pytest.param("/open", "/closed", None, 401, id="open-to-closed"),
        pytest.param("/closed", "/open", None, 401, id="closed-to-open"),
        pytest.param("/closed", "/open", "a", 200, id="closed-to-open-token"),
        pytest.param("/nowhere", "/open", None, 401, id="nowhere-to-open"),
        pytest.param("/open", "/other-open", None, 200, id="open-to-open"),
        pytest.param("/open", "/asks", None, 401, id="open-to-asks"),
        pytest.param("/closed", "/asks", "b", 403, id="closed-to-asks"),
        pytest.param("/closed", "/asks", "a", 200, id="closed-to-asks-scope"),
        pytest.param("/closed", "/denied", "a", 403, id="to-what-a-rule-denies"),
        pytest.param("/denied", "/closed", "a", 403, id="from-what-a-rule-denies"),
        pytest.param("/ruled-open", "/closed", None, 401, id="rule-open-to-closed"),
        pytest.param("/ruled-open", "/open", None, 200, id="rule-open-to-open"),
        pytest.param("/closed", "/ruled-open", None, 401, id="closed-to-rule-open"),
        pytest.param("/closed", "//open", "a", 400, id="to-an-ambiguous-path"),
    ],
)
def test_a_path_that_middleware_rewrites_is_judged_as_it_came_and_as_it_is_routed(
    path: str, to: str, who: str | None, status: int, ran: Ran
) -> None:
    """Both must allow; a mark speaks for the view that is really found."""
    rules = [{"path": "/denied", "allow": "deny"}, {"path": "/ruled-open", "allow": "public"}]
    app = service(ran)
    app.add_url_rule("/denied", view_func=ran.view("denied"))
    app.add_url_rule("/ruled-open", view_func=ran.view("ruled"))
    app.add_url_rule("/other-open", view_func=public(ran.view("other")))
    protected(inside(app, rewriting(PATH_INFO=to)), rules=rules)
    answer = ask(app, path, None if who is None else token(who))
    if status == 200:
        assert (200, 1) == (answer.status_code, len(ran.notes))
    else:
        refused(answer, ran, status)


def test_a_method_that_middleware_overrides_is_judged_twice(ran: Ran) -> None:
    """A rule for the method that arrives holds as well as one for the method that is routed."""
    rules = [{"path": "/closed", "methods": ["DELETE"], "scopes": ["a"]}]
    app = protected(inside(service(ran), rewriting(REQUEST_METHOD="DELETE")), rules=rules)
    refused(ask(app, "/closed", token(), "GET"), ran, 403)
    assert 200 == ask(app, "/closed", token("a"), "GET").status_code


class Overriding(Request):
    """A request whose method a header may name, behind the router's back."""

    def __init__(self, environ: Any, *arguments: Any, **more: Any) -> None:
        super().__init__(environ, *arguments, **more)
        self.method = environ.get("HTTP_X_METHOD", self.method)


def test_a_method_that_only_views_see_is_judged_too(ran: Ran) -> None:
    """A class dispatches by the request's own method: what that asks is asked, and its rule holds."""

    class Verbs(MethodView):
        @public
        def get(self) -> str:
            ran.note("get")
            return "get"

        def post(self) -> str:
            ran.note("post")
            return "post"

        @requires("a")
        def delete(self) -> str:
            ran.note("delete")
            return "delete"

    app = made()
    app.request_class = Overriding
    app.add_url_rule("/verbs", view_func=Verbs.as_view("verbs"))
    protected(app, rules=[{"path": "/verbs", "methods": ["PUT"], "allow": "deny"}])

    def statuses(verb: str) -> list[int]:
        return [ask(app, "/verbs", who, headers={"X-Method": verb}).status_code for who in (None, token(), token("a"))]

    assert [401, 401, 401] == [
        ask(app, "/verbs", headers={"X-Method": verb}).status_code for verb in ("POST", "DELETE", "PATCH")
    ]
    assert [] == ran.notes
    assert [401, 403, 200] == statuses("DELETE")
    assert [401, 200, 200] == statuses("POST")
    assert [401, 403, 403] == statuses("PUT")


def forwarding(app: Flask, ran: Ran, path: str, method: str = "GET") -> None:
    """A function before the request that has Flask call another view than the one that was found."""

    @app.before_request
    def forward() -> None:
        found = request_ctx.url_adapter
        assert found is not None
        request.url_rule, request.view_args = found.match(path, method, return_rule=True)  # type: ignore[assignment]
        request.routing_exception = None


@pytest.mark.parametrize("default", ["authenticated", "deny"])
def test_an_internal_forward_is_judged_where_it_leads(default: str, ran: Ran) -> None:
    """Whoever was let in to a public view does not get to another one by way of it."""
    app = service(ran)
    forwarding(app, ran, "/closed")
    protected(app, default=default)
    refused(ask(app, "/open"), ran, 401 if default == "authenticated" else 403)


def test_an_internal_forward_to_a_marked_view_asks_its_mark(ran: Ran) -> None:
    """Also from where nothing was found."""
    app = service(ran)
    forwarding(app, ran, "/asks")
    protected(app)
    refused(ask(app, "/nowhere", token()), ran, 403)
    assert 200 == ask(app, "/nowhere", token("a")).status_code
    assert 401 == ask(app, "/nowhere").status_code


def test_a_method_changed_before_the_view_is_judged(ran: Ran) -> None:
    """A function before the request may change the method; the view that is called then is asked again."""
    app = service(ran)
    app.request_class = Overriding

    @app.before_request
    def override() -> None:
        request.method = "DELETE"

    protected(app, rules=[{"path": "/closed", "methods": ["DELETE"], "scopes": ["a"]}])
    refused(ask(app, "/closed", token()), ran, 403)
    assert 200 == ask(app, "/closed", token("a")).status_code


def test_views_called_by_views_hold_their_second_lock(ran: Ran) -> None:
    """A marked view that another view calls refuses as the engine does, not with a 500."""
    app = service(ran)

    def calls() -> Any:
        return app.view_functions["asks"]()

    def open_calls() -> Any:
        return app.view_functions["asks"]()

    app.add_url_rule("/calls", view_func=calls)
    app.add_url_rule("/open-calls", view_func=public(open_calls))
    protected(app)
    refused(ask(app, "/calls", token()), ran, 403)
    refused(ask(app, "/open-calls"), ran, 401)
    refused(ask(app, "/open-calls", token("a")), ran, 401)  # no token is read where all may pass
    assert 200 == ask(app, "/calls", token("a")).status_code


def answering(ran: Ran, path: str) -> Any:
    """Middleware that answers for a path itself, as those for static files do."""

    def middleware(app: Any) -> Any:
        opaque = ran.wsgi()
        return lambda environ, start: (opaque if environ["PATH_INFO"] == path else app)(environ, start)

    return middleware


def test_middleware_inside_answers_only_who_was_let_in(ran: Ran) -> None:
    """A mark speaks for its view, not for what answers in the place of it: the answer is replaced."""
    app = protected(inside(service(ran), answering(ran, "/open")))
    answer = ask(app, "/open")
    assert (401, "application/problem+json") == (answer.status_code, answer.content_type)
    assert b"opaque" == ask(app, "/open", token()).data
    assert ["opaque anonymous", "opaque alice"] == ran.notes


@pytest.mark.parametrize(("keys", "status"), [({"report_only": True}, 200), ({"secure": False}, 200), ({}, 401)])
def test_in_other_modes_middleware_inside_answers_everybody(keys: dict[str, Any], status: int, ran: Ran) -> None:
    """In report-only and non-secure mode nothing is replaced."""
    app = protected(inside(service(ran), answering(ran, "/file")), **keys)
    answer = ask(app, "/file")
    assert (status, status == 200) == (answer.status_code, answer.data == b"opaque")
    counted = app.extensions["jwtmw"].policy.metrics()
    assert (int(status == 401), int("report_only" in keys)) == (len(counted["denied"]), len(counted["would_deny"]))


class Lazy:
    """An application that answers when its body is asked for, as generators do."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.closed = 0

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        try:
            if not environ["QUERY_STRING"]:
                yield from self.app(environ, start_response)
            elif environ["QUERY_STRING"] != "silent":
                start_response("200 OK", [("Content-Type", "text/plain")])(b"written ")
                yield b"and lazy"
        finally:
            self.closed += 1


@pytest.mark.parametrize(
    ("path", "who", "status", "body"),
    [
        pytest.param("/open?file", None, 401, None, id="file-nobody"),
        pytest.param("/open?file", "a", 200, b"written and lazy", id="file"),
        pytest.param("/open", None, 200, b"open", id="open"),
        pytest.param("/closed", "a", 200, b"closed", id="closed"),
    ],
)
def test_an_answer_that_begins_late_is_held_as_well(
    path: str, who: str | None, status: int, body: bytes | None, ran: Ran
) -> None:
    """PEP 3333 lets an application begin with its first chunk; nothing of it passes unjudged, and it is closed."""
    app = service(ran)
    lazy = Lazy(app.wsgi_app)
    app.wsgi_app = lazy  # type: ignore[method-assign]
    headers = bearer(None if who is None else token(who))
    answer = answered(protected(app), environ_of(path, headers))
    assert (status, 1) == (answer.status, lazy.closed)
    assert b"token_missing" in answer.body if body is None else body == answer.body


def test_an_answer_that_never_begins_stays_none(ran: Ran) -> None:
    """An application that answers nothing is the server's to judge."""
    app = service(ran)
    app.wsgi_app = Lazy(app.wsgi_app)  # type: ignore[method-assign]
    protected(app)
    with pytest.raises(AssertionError, match="the answer was never started"):
        answered(app, environ_of("/open?silent"))
    app = service(ran)
    app.wsgi_app = lambda environ, start_response: []  # type: ignore[method-assign]
    with pytest.raises(AssertionError, match="the answer was never started"):
        answered(protected(app), environ_of("/open"))


def environ_of(path: str, headers: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    return create_environ(path, headers=headers) | more


def test_middleware_inside_does_nothing_for_who_is_refused(ran: Ran) -> None:
    """What is mounted beside Flask acts before its answer could be replaced, so it is not called without a token."""
    app = service(ran)
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/admin": ran.wsgi("admin")})  # type: ignore[method-assign]
    protected(app)
    refused(ask(app, "/admin/users", method="DELETE"), ran, 401)
    refused(ask(app, "/admin/users", token(exp=1), method="DELETE"), ran, 401)
    refused(ask(app, "/asks"), ran, 401)
    assert [200, 200, 200] == [ask(app, path, token("a")).status_code for path in ("/admin/users", "/asks", "/open")]
    assert 200 == ask(app, "/open").status_code
    assert ["admin alice", "asks alice", "open anonymous", "open anonymous"] == ran.notes


def test_behind_middleware_a_default_of_deny_is_lifted_by_who_meets_the_mark(ran: Ran) -> None:
    """The first look asks what the mark asks; what has no mark, or is not Flask's, stays closed."""
    app = service(ran)
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/admin": ran.wsgi("admin")})  # type: ignore[method-assign]
    protected(app, default="deny")
    assert [401, 403, 200] == [ask(app, "/asks", who).status_code for who in (None, token(), token("a"))]
    assert [403, 403] == [ask(app, path, token("a")).status_code for path in ("/admin", "/closed")]
    assert ["asks alice"] == ran.notes


def test_the_first_look_finds_nothing_for_a_host_that_leads_nowhere(ran: Ran) -> None:
    """Nor where Flask makes no router for the request."""

    class Homeless(Flask):
        def create_url_adapter(self, request: Any) -> Any:
            return None

    app = Homeless("orders", static_folder=None)
    app.wsgi_app = Passing(app.wsgi_app)  # type: ignore[method-assign]
    protected(app)
    refused(ask(app, "/open"), ran, 401)


def test_the_first_look_does_not_survive_a_mark_that_cannot_hold(ran: Ran) -> None:
    """Nobody passes, and nothing between is called."""
    app = service(ran)
    app.wsgi_app = ran.wsgi()  # type: ignore[method-assign]
    protected(app)
    view = ran.view("late")
    app.add_url_rule("/late", view_func=view)
    requires("a")(view)
    refused(ask(app, "/late"), ran, 500)


class Passing:
    def __init__(self, app: Any) -> None:
        self.app = app

    def __call__(self, environ: Any, start_response: Any) -> Any:
        return self.app(environ, start_response)


def test_a_retry_by_middleware_is_judged_each_time(ran: Ran) -> None:
    """What was let in to a public view is let in nowhere else when the application is called again."""

    def middleware(app: Any) -> Any:
        def again(environ: Any, start_response: Any) -> Iterable[bytes]:
            b"".join(app(environ, lambda *arguments: None))
            environ["PATH_INFO"] = "/closed"
            return app(environ, start_response)

        return again

    app = protected(inside(service(ran), middleware))
    assert 401 == ask(app, "/open").status_code
    assert ["open anonymous"] == ran.notes


def test_what_was_anonymous_for_a_public_view_is_known_again(ran: Ran) -> None:
    """The other way round: who was verified is, wherever a second call leads."""

    def middleware(app: Any) -> Any:
        def again(environ: Any, start_response: Any) -> Iterable[bytes]:
            b"".join(app({**environ, "PATH_INFO": "/open"}, lambda *arguments: None))
            return app(environ, start_response)

        return again

    app = protected(inside(service(ran), middleware))
    assert 200 == ask(app, "/closed", token()).status_code
    assert ["open anonymous", "closed alice"] == ran.notes


@pytest.mark.parametrize(("path", "status"), [("/open", 200), ("/closed", 401), ("/asks", 401)])
def test_a_mount_has_its_prefix_taken_off(path: str, status: int, ran: Ran) -> None:
    """Rules and marks see the path as the router does, below SCRIPT_NAME."""
    app = protected(service(ran), rules=[{"path": "/asks", "scopes": ["b"]}])
    mounted = made()
    mounted.wsgi_app = DispatcherMiddleware(ran.wsgi(), {"/v1": app})  # type: ignore[method-assign]
    assert status == ask(mounted, f"/v1{path}").status_code
    assert 403 == ask(mounted, "/v1/asks", token("a")).status_code
    assert 200 == ask(mounted, "/v1/asks", token("a", "b")).status_code


def test_nested_applications_judge_for_themselves(ran: Ran) -> None:
    """Both must allow, and each finds its own judgement in the environ that they share."""
    inner, outer = service(ran), service(ran)
    protected(inner, default="deny")
    outer.wsgi_app = DispatcherMiddleware(outer.wsgi_app, {"/v1": inner})  # type: ignore[method-assign]
    protected(outer)
    assert [401, 403] == [ask(outer, "/v1/closed", who).status_code for who in (None, token())]
    assert 401 == ask(outer, "/v1/open").status_code  # the outer default, which no mark of the inner one lifts
    assert [] == ran.notes
    assert [200, 403, 200] == [ask(outer, f"/v1{path}", token()).status_code for path in ("/open", "/asks", "/open")]
    assert 200 == ask(outer, "/open").status_code


@pytest.mark.parametrize("matching", ["host", "subdomain"])
def test_marks_hold_by_the_endpoint_that_the_host_leads_to(matching: str, ran: Ran) -> None:
    """Two views at one path: each has its own mark, and no other host's."""
    by_host = matching == "host"
    app = made(host_matching=by_host, subdomain_matching=not by_host)
    app.config["SERVER_NAME"] = None if by_host else "shop.example"
    for name, view in (("open", public(ran.view("open"))), ("closed", ran.view("closed"))):
        where: Any = {"host": f"{name}.shop.example"} if by_host else {"subdomain": name}
        app.add_url_rule("/", name, view, **where)
    protected(app)
    statuses = [
        ask(app, "/", base_url=f"http://{host}").status_code
        for host in ("open.shop.example", "closed.shop.example", "shop.example", "other.shop.example")
    ]
    assert [200, 401, 401, 401] == statuses
    assert ["open anonymous"] == ran.notes


def test_a_host_that_is_not_trusted_is_refused_as_nobody(ran: Ran) -> None:
    """Where Flask does not route at all, there is no endpoint, and no mark."""
    app = service(ran)
    app.config["TRUSTED_HOSTS"] = ["shop.example"]
    protected(app)
    refused(ask(app, "/open", headers={"Host": "evil.example"}), ran, 401)
    assert 400 == ask(app, "/open", token(), headers={"Host": "evil.example"}).status_code
    assert 200 == ask(app, "/open", headers={"Host": "shop.example"}).status_code


def test_a_context_pushed_by_hand_is_not_judged(ran: Ran) -> None:
    """In a test's own context nobody is known, and a marked view fails loudly."""
    app = protected(service(ran))
    with app.test_request_context("/asks"):
        with pytest.raises(NotInstalledError):
            _ = current_principal.subject
        with pytest.raises(NotInstalledError):
            app.view_functions["asks"]()
    assert [] == ran.notes


def test_dispatching_by_hand_is_judged(ran: Ran) -> None:
    """`full_dispatch_request` and `dispatch_request` let nobody in who came by no gate."""
    app = protected(service(ran))
    with app.test_request_context("/closed"):
        assert 401 == app.full_dispatch_request().status_code
        assert 401 == app.full_dispatch_request().status_code
        with pytest.raises(Denied):
            app.dispatch_request()
    assert [] == ran.notes
    with app.test_request_context("/closed", headers={"Authorization": f"Bearer {token()}"}):
        assert 200 == app.full_dispatch_request().status_code
        assert "closed" == app.dispatch_request()
        with pytest.raises(NotInstalledError):
            _ = current_principal.subject
    with app.test_request_context("/open"):
        assert "open" == app.dispatch_request()
    assert ["closed alice", "closed alice", "open anonymous"] == ran.notes


def test_denied_outside_of_a_request_s_time_is_flasks_to_handle(ran: Ran) -> None:
    """Without a judged request there is nobody to refuse by."""
    app = protected(service(ran))
    with app.test_request_context("/closed"):
        try:
            app.dispatch_request()
        except Denied as denied:
            with pytest.raises(Denied):
                app.handle_user_exception(denied)
    assert [] == ran.notes


def test_a_request_inside_a_request_is_another_one(ran: Ran) -> None:
    """A view that calls its own application sends a request of its own, and comes back as who it was."""
    app = service(ran)

    def calls() -> str:
        ran.note("before")
        status = app.test_client().get("/closed").status_code
        ran.note("after")
        return str(status)

    app.add_url_rule("/calls", view_func=calls)
    assert b"401" == ask(protected(app), "/calls", token()).data
    assert ["before alice", "after alice"] == ran.notes


def test_a_context_inside_a_request_is_judged_by_its_own_path(ran: Ran) -> None:
    """Dispatching another request by hand inside a view asks for that request's own credentials."""
    app = service(ran)

    def forwards() -> str:
        with app.test_request_context("/closed"):
            return str(app.full_dispatch_request().status_code)

    app.add_url_rule("/forwards", view_func=forwards)
    assert b"401" == ask(protected(app), "/forwards", token()).data
    assert [] == ran.notes


def test_another_way_into_flask_is_judged(ran: Ran) -> None:
    """Flask's own `wsgi_app`, past the extension's, comes to the same door."""
    app = protected(service(ran))
    app.wsgi_app = Flask.wsgi_app.__get__(app)  # type: ignore[method-assign]
    assert [401, 401, 200] == [ask(app, path).status_code for path in ("/closed", "/asks", "/open")]
    assert 200 == ask(app, "/closed", token()).status_code


def test_a_token_in_the_url_is_kept_by_no_cache(ran: Ran) -> None:
    """What it opened has no-store, unless the view is public and reads no token."""
    app = service(ran)

    @app.after_request
    def cached(response: Any) -> Any:
        response.headers["Cache-Control"] = "max-age=60"
        return response

    protected(app, token_from=[{"query": "jwt"}])
    found = [ask(app, f"{path}?jwt={token('a')}").headers["Cache-Control"] for path in ("/closed", "/asks", "/open")]
    assert ["no-store", "no-store", "max-age=60"] == found


def test_keys_are_not_waited_for_where_a_mark_needs_none(ran: Ran) -> None:
    """A public view answers while the issuer is down; others are 503 with Retry-After."""
    down = {"issuer": "https://down.example/", "audience": ["orders"], "jwks_url": "http://127.0.0.1:9/jwks"}
    app = service(ran)
    protected(app, issuers=[down], rules=[{"path": "/ruled"}])
    made_elsewhere = token(iss="https://down.example/")
    assert 200 == ask(app, "/open", made_elsewhere).status_code
    ran.notes.clear()
    for path in ("/ruled", "/closed", "/asks", "/nowhere"):
        answer = ask(app, path, made_elsewhere)
        refused(answer, ran, 503)
        assert int(answer.headers["Retry-After"]) > 0


def test_a_path_without_a_slash_is_refused(ran: Ran) -> None:
    """What Flask's router would complete is not judged as what it completes to."""
    app = protected(service(ran))
    answer = answered(app, environ_of("/open", PATH_INFO="open"))
    assert (400, True, []) == (answer.status, b"bad_path" in answer.body, ran.notes)
