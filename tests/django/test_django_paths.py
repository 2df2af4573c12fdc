"""What the resolver goes by is what is judged: rewriting, prefixes, late URLconfs, and answers that no view gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound, StreamingHttpResponse
from django.urls import include, path, re_path

from jwtmw import public, requires
from jwtmw.adapter import PASS
from jwtmw_django.facts import WSGIFacts
from tests.django.asking import KINDS, Ran, ask, policy, reason, token
from tests.django.middleware import between
from tests.django.project import OURS, Project, urlconf

COMMON = "django.middleware.common.CommonMiddleware"
OPEN = [{"path": "/open/**", "allow": "public"}, {"path": "/shut/**", "allow": "deny"}]


@pytest.fixture
def ran() -> Ran:
    return Ran()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


def project(kind: str, *patterns: Any, middleware: tuple[str, ...] = (), **keys: Any) -> Project:
    settings = {name: keys.pop(name) for name in list(keys) if name.isupper()}
    return Project(kind, patterns, MIDDLEWARE=[OURS, *middleware], JWTMW=policy(**keys), **settings)


def statuses(made: Project, target: str, **more: Any) -> tuple[int, int]:
    """For nobody, and for a good token."""
    return ask(made, target, **more).status, ask(made, target, token(), **more).status


def rewriting(**changes: Any) -> str:
    """A middleware that changes the request on its way in."""

    def change(request: HttpRequest, get_response: Callable[[HttpRequest], Any]) -> Any:
        for name, value in changes.items():
            setattr(request, name, value)
        return get_response(request)

    return between(change)


def test_what_no_view_answers_is_for_callers(kind: str, ran: Ran) -> None:
    """404, the redirect to a slash, and pages of errors tell those who were let in, and nobody else."""
    made = project(kind, path("public/", public(ran())), path("plain/", ran()), middleware=(COMMON,))
    for target, expected in {"/nowhere": 404, "/public": 301, "/plain": 301, "/nowhere/": 404}.items():
        assert (401, expected) == statuses(made, target)
    assert 401 == ask(made, "/public", "a.b.c").status
    assert [] == ran.callers
    assert {"token_missing": 4, "token_format": 1} == reason(made)


def test_the_projects_own_pages_of_errors(kind: str) -> None:
    """handler404 and handler500 answer callers, and are not even shown to anybody else."""

    def handler404(request: Any, exception: Any) -> HttpResponse:
        return HttpResponse("ours", status=404)

    def handler500(request: Any) -> HttpResponse:
        return HttpResponse("ours", status=500)

    def broken(request: Any) -> HttpResponse:
        raise RuntimeError("broken")

    urls = urlconf([path("broken", broken)], handler404=handler404, handler500=handler500)
    made = Project(kind, urls, JWTMW=policy())
    for target, status in {"/nowhere": 404, "/broken": 500}.items():
        assert (status, b"ours") == (ask(made, target, token()).status, ask(made, target, token()).body)
        assert 401 == ask(made, target).status
        assert b"ours" not in ask(made, target).body


def test_a_line_end_reaches_no_pattern(kind: str, ran: Ran) -> None:
    """`$` would match before it; nobody may send it."""
    made = project(kind, re_path(r"^admin$", ran()), re_path(r"^admin", public(ran())))
    assert (400, 400) == statuses(made, "/admin%0a")
    assert (400, 400) == statuses(made, "/admin%0A%0a")
    assert [] == ran.callers


def test_percent_encoding_is_decoded_once(kind: str, ran: Ran) -> None:
    """What Django decodes is what a rule sees; what it would repair, or decode again, is refused."""
    made = project(kind, re_path("", ran()), rules=[{"path": "/ä b", "allow": "public"}])
    assert (200, 200) == statuses(made, "/%C3%A4%20b")
    assert (401, 200) == statuses(made, "/%C3%A4%20c")
    assert (400, 400) == statuses(made, "/%E4%20b")
    assert (400, 400) == statuses(made, "/%25C3")
    assert (400, 400) == statuses(made, "/open%2fshut")


def test_a_rewritten_path_is_judged_as_well(kind: str, ran: Ran) -> None:
    """Both the path that came and the path that the resolver sees must let the caller in."""
    for name, target in {"open": "/open/x", "shut": "/shut/x", "plain": "/plain"}.items():
        made = project(kind, re_path("", ran()), middleware=(rewriting(path_info=target),), rules=OPEN)
        expected = {"open": (200, 200), "shut": (403, 403), "plain": (401, 200)}[name]
        assert expected == statuses(made, "/open/y")
        assert ((403, 403) if name == "shut" else (401, 200)) == statuses(made, "/other")
        assert (403, 403) == statuses(made, "/shut/y")


def test_a_rewritten_path_and_a_mark(kind: str, ran: Ran) -> None:
    """A mark lifts the default of both paths, and asks on both."""
    to_public, to_a = rewriting(path_info="/public"), rewriting(path_info="/a")
    patterns = [path("public", public(ran())), path("a", requires("a")(ran()))]
    assert (200, 200) == statuses(project(kind, *patterns, middleware=(to_public,)), "/other")
    made = project(kind, *patterns, middleware=(to_a,), rules=OPEN)
    assert (401, 403) == statuses(made, "/open/x")
    assert 200 == ask(made, "/open/x", token(scope="a")).status
    shut = project(kind, *patterns, middleware=(to_public,), rules=[{"path": "/public"}])
    assert (401, 200) == statuses(shut, "/other")


def test_a_rewritten_path_that_no_view_answers(kind: str) -> None:
    """A middleware that changes the path and another that answers it are two, and both paths are judged."""

    def serve(request: HttpRequest, get_response: Any) -> Any:
        return HttpResponse(request.path_info)

    middleware = (rewriting(path_info="/shut/file"), between(serve))
    made = project(kind, middleware=middleware, rules=OPEN)
    assert (403, 403) == statuses(made, "/open/x")
    assert (403, 403) == statuses(made, "/other")
    made = project(kind, middleware=(rewriting(path_info="/open/file"), between(serve)), rules=OPEN)
    assert (200, 200) == statuses(made, "/open/x")


def test_an_ambiguous_path_of_ones_own(kind: str, ran: Ran) -> None:
    """A middleware that makes a path which two readers could read differently is refused like a caller."""
    made = project(kind, re_path("", ran()), middleware=(rewriting(path_info="/open/../shut/x"),), rules=OPEN)
    assert (400, 400) == statuses(made, "/open/x")


def test_an_overridden_method_is_judged(kind: str, ran: Ran) -> None:
    """A method that a middleware takes from a header or a form is the method that views see."""
    rules = [{"path": "/x", "methods": ["POST"], "allow": "public"}, {"path": "/x", "methods": ["PURGE"]}]
    made = project(kind, path("x", ran()), middleware=(rewriting(method="PURGE"),), rules=rules)
    assert (401, 200) == statuses(made, "/x", method="POST")
    made = project(kind, path("x", ran()), middleware=(rewriting(method="BREW"),), rules=rules)
    assert (400, 400) == statuses(made, "/x", method="POST")


def test_a_method_that_django_writes_in_capitals(kind: str, ran: Ran) -> None:
    """Django's views see GET where "get" was sent; the policy sees what was sent, and refuses it."""
    made = project(kind, path("x", public(ran())))
    assert (400, 400) == statuses(made, "/x", method="get")
    assert [] == ran.callers


def test_a_urlconf_that_is_chosen_late(kind: str, ran: Ran) -> None:
    """The view that the request's own URLconf leads to is the one whose mark counts."""
    open_urls, shut_urls = urlconf([path("x", public(ran()))]), urlconf([path("x", requires("a")(ran()))])
    made = project(kind, path("x", public(ran())), middleware=(rewriting(urlconf=shut_urls),))
    assert (401, 403) == statuses(made, "/x")
    made = project(kind, path("x", requires("a")(ran())), middleware=(rewriting(urlconf=open_urls),))
    assert (200, 200) == statuses(made, "/x")


def test_what_was_lifted_for_one_view_is_not_lifted_for_the_next(kind: str, ran: Ran) -> None:
    """A middleware that asks a second URLconf when the first has nothing gets the second view judged, too."""
    fallback = urlconf([path("x", ran()), path("y", requires("a")(ran()))])

    def ask_both(request: HttpRequest, get_response: Any) -> Any:
        first = get_response(request)
        request.urlconf = fallback  # type: ignore[assignment]
        return get_response(request) if first.status_code == 404 else first

    missing = public(ran(lambda request: HttpResponseNotFound()))
    made = project(kind, path("x", missing), path("y", missing), middleware=(between(ask_both),))
    assert (401, 200) == statuses(made, "/x")
    assert (401, 403) == statuses(made, "/y")
    assert 200 == ask(made, "/y", token(scope="a")).status
    # Each came to the first view as nobody, and only callers to the second.
    assert 5 == ran.callers.count(None)
    assert 2 == len(ran.callers) - ran.callers.count(None)


def test_a_middleware_that_answers_itself(kind: str, ran: Ran) -> None:
    """An answer from between is for callers; what it holds open is closed with the refusal."""
    closed: list[str] = []

    class File:
        def __iter__(self) -> Any:
            return iter([b"secret"])

        def close(self) -> None:
            closed.append("file")

    def serve(request: HttpRequest, get_response: Any) -> Any:
        return StreamingHttpResponse(File())

    made = project(kind, path("public", public(ran())), middleware=(between(serve),))
    answer = ask(made, "/public")
    assert (401, ["file"]) == (answer.status, closed)
    assert b"secret" not in answer.body


def test_a_request_that_was_replaced(kind: str, ran: Ran) -> None:
    """A request object of somebody's own was never judged: loudly nothing."""

    def replace(request: HttpRequest, get_response: Any) -> Any:
        other = HttpRequest()
        other.path_info, other.method = request.path_info, "GET"
        other.META = request.META
        return get_response(other)

    made = project(kind, path("", ran()), path("public", public(ran())), middleware=(between(replace),))
    assert (401, 500) == statuses(made, "/")
    assert (401, 500) == statuses(made, "/public")
    assert [] == ran.callers


@pytest.mark.parametrize(
    ("forced", "root_path"), [("/api", ""), ("/api", "/api"), ("", "/api"), (None, "/api"), ("/other", "/api")]
)
def test_prefixes_under_wsgi(ran: Ran, forced: str | None, root_path: str) -> None:
    """Rules see what stands behind the prefix, the server's own or the one that Django is told."""
    made = project("wsgi", re_path("^open/x$", ran()), re_path("^shut/x$", ran()), rules=OPEN, FORCE_SCRIPT_NAME=forced)
    assert (200, 200) == statuses(made, f"{root_path}/open/x", root_path=root_path)
    assert (403, 403) == statuses(made, f"{root_path}/shut/x", root_path=root_path)
    assert (401, 404) == statuses(made, f"{root_path}/nowhere", root_path=root_path)
    assert (400, 400) == statuses(made, f"{root_path}/open/../shut/x", root_path=root_path)


def test_a_target_that_tells_another_story(ran: Ran) -> None:
    """A forced prefix is no excuse for a target that does not end in the path."""
    made = project("wsgi", re_path("", ran()), rules=OPEN, FORCE_SCRIPT_NAME="/api")
    for raw in (b"/shut/x", b"/open/../open/x", b"*"):
        assert (400, 400) == statuses(made, "/open/x", scope={"raw_path": raw})
    assert (200, 200) == statuses(made, "/open/x", scope={"raw_path": None})
    assert [None, None] == ran.callers


@pytest.mark.parametrize("forced", ["/api", None])
def test_prefixes_under_asgi(ran: Ran, forced: str | None) -> None:
    """The same where the server gives its root_path, or Django is told."""
    made = project("asgi", re_path("^open/x$", ran()), re_path("^shut/x$", ran()), rules=OPEN, FORCE_SCRIPT_NAME=forced)
    root_path = "" if forced else "/api"
    assert (200, 200) == statuses(made, "/api/open/x", root_path=root_path)
    assert (403, 403) == statuses(made, "/api/shut/x", root_path=root_path)
    # Not on a segment edge Django cuts all the same, and finds nothing.
    assert (401, 404) == statuses(made, "/apiopen/x", root_path=root_path)
    assert (200, 200) == statuses(made, "/api/open/x", root_path=root_path)


def test_the_root_of_a_prefix(kind: str, ran: Ran) -> None:
    """An empty path behind the prefix is the root."""
    made = project(kind, re_path("^$", ran()), rules=[{"path": "/", "allow": "public"}])
    assert ((200, 200) if kind == "wsgi" else (404, 404)) == statuses(made, "/api", root_path="/api")
    assert (200, 200) == statuses(made, "/api/", root_path="/api")


def test_the_root_of_a_prefix_with_another_method(kind: str, ran: Ran) -> None:
    """Nothing is left of the path under ASGI: it is the root all the same, and no path that can be misread."""
    made = project(kind, path("", public(ran())), middleware=(rewriting(method="POST"),))
    assert 401 == ask(made, "/nowhere").status
    assert {"wsgi": 200, "asgi": 401}[kind] == ask(made, "/v1", root_path="/v1").status
    assert {"wsgi": 200, "asgi": 404}[kind] == ask(made, "/v1", token(), root_path="/v1").status


def test_a_request_without_anything() -> None:
    """A bare HttpRequest has no method, which nobody can judge."""
    with project("wsgi").settings():
        facts = WSGIFacts(HttpRequest())
    assert ("/", "", PASS) == (facts.path, facts.method, facts.first)


def test_includes_see_the_whole_path(kind: str, ran: Ran) -> None:
    """A rule is about the whole path behind the prefix, wherever the URLconf is taken apart."""
    made = project(kind, path("open/", include([path("<int:number>/", include([path("x", ran())]))])), rules=OPEN)
    assert (200, 200) == statuses(made, "/open/7/x")
    assert (404, 404) == statuses(made, "/open/x/x")


def test_a_header_from_between_is_nobodys_token(kind: str, ran: Ran) -> None:
    """What a middleware makes of a cookie came without the protection that a header has: it does not count."""

    def bridge(request: HttpRequest, get_response: Any) -> Any:
        request.META["HTTP_AUTHORIZATION"] = f"Bearer {token(scope='a')}"
        request.path_info = request.path_info.replace("/moved", "/a")
        return get_response(request)

    made = project(kind, path("a", requires("a")(ran())), middleware=(between(bridge),))
    assert [401, 401] == [ask(made, target).status for target in ("/a", "/moved")]
    assert [] == ran.callers
