"""The middleware itself: where its policy comes from, when nothing starts, and what leaves it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import include, path
from django.utils.decorators import decorator_from_middleware

import jwtmw_django
from jwtmw import ConfigurationError, Denied, NotInstalledError, current_principal, public, requires
from jwtmw_django import JWTMiddleware, current_policy
from tests.django.asking import KINDS, Ran, ask, policy, token
from tests.django.middleware import between
from tests.django.project import OURS, Project


@pytest.fixture
def ran() -> Ran:
    return Ran()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


def project(kind: str, *patterns: Any, middleware: tuple[str, ...] = (), **keys: Any) -> Project:
    overrides = {name: keys.pop(name) for name in list(keys) if name.isupper()}
    return Project(kind, patterns, **{"MIDDLEWARE": [OURS, *middleware], "JWTMW": policy(**keys), **overrides})


# Where the policy comes from, and when nothing starts


def test_a_mapping_and_a_file(kind: str, tmp_path: Path, ran: Ran) -> None:
    """settings.JWTMW may be a mapping or the path of a TOML file."""
    made = project(kind, path("", ran()), JWTMW={"secure": False})
    assert 200 == ask(made, "/").status
    file = tmp_path / "jwtmw.toml"
    file.write_text('secure = true\n[[issuers]]\nissuer = "https://id.example/"\naudience = ["orders"]\n')
    made = project(kind, path("", ran()), JWTMW=file)
    assert 401 == ask(made, "/").status


def test_the_environment(kind: str, monkeypatch: pytest.MonkeyPatch, ran: Ran) -> None:
    """Without settings.JWTMW the environment says what holds."""
    monkeypatch.setenv("JWTMW_ISSUER", "https://id.example/")
    monkeypatch.setenv("JWTMW_AUDIENCE", "orders")
    made = project(kind, path("", ran()), JWTMW=None)
    assert 401 == ask(made, "/").status
    with made.settings():
        assert ("https://id.example/",) == tuple(table.issuer for table in current_policy().settings.issuers)


@pytest.mark.parametrize(
    ("configured", "said"),
    [
        pytest.param(None, "nothing is configured, so no token could be checked", id="nothing"),
        pytest.param({"isuers": []}, "isuers", id="misspelt"),
        pytest.param({"issuers": [{"issuer": "https://id.example/"}]}, r"issuers\[0\].audience", id="no-audience"),
        pytest.param("/nowhere/jwtmw.toml", "cannot be read", id="no-file"),
        pytest.param(7, "a configuration cannot be a int", id="number"),
    ],
)
def test_what_cannot_work_does_not_start(kind: str, configured: Any, said: str) -> None:
    """The handler is not made, and the error names the key and the cure."""
    with pytest.raises(ConfigurationError, match=said):
        project(kind, JWTMW=configured)


def test_an_async_load_user_without_an_event_loop() -> None:
    """By WSGI nothing can be awaited; nor by ASGI where a synchronous middleware stands next."""

    async def load(caller: Any) -> Any: ...

    def onwards(request: HttpRequest, get_response: Callable[[HttpRequest], Any]) -> Any:
        return get_response(request)

    project("asgi", load_user=load)
    for made in ("wsgi", (between(onwards),)), ("asgi", (between(onwards, sync_only=True),)):
        with pytest.raises(ConfigurationError, match="load_user: an async load_user needs an ASGI application"):
            project(made[0], middleware=made[1], load_user=load)


def test_twice_in_the_list(kind: str) -> None:
    """The middleware stands in MIDDLEWARE once, subclasses included."""
    for second in (OURS, f"{Own.__module__}.{Own.__qualname__}"):
        with pytest.raises(ConfigurationError, match=r"MIDDLEWARE: JWTMiddleware stands in the list twice"):
            project(kind, MIDDLEWARE=[OURS, second])


class Own(JWTMiddleware):
    """A subclass."""


def test_an_overridden_setting_holds_from_the_next_request_on(kind: str, ran: Ran) -> None:
    """`override_settings(JWTMW=...)` works in tests, also for a handler that was made before."""
    made = project(kind, path("", ran()))
    assert (401, 200) == (ask(made, "/").status, ask(made, "/", token()).status)
    policy_before = made.overrides["JWTMW"]
    made.overrides["JWTMW"] = {"secure": False}
    assert 200 == ask(made, "/").status
    made.overrides["JWTMW"] = policy_before
    assert 401 == ask(made, "/").status


def test_other_settings_change_nothing() -> None:
    """All handlers of a process share one policy, until settings.JWTMW is another."""
    with override_settings(JWTMW={"secure": False}):
        before = current_policy()
        with override_settings(DEBUG=True):
            assert before is current_policy()
        with override_settings(JWTMW={"secure": False}):
            assert before is not current_policy()
        assert before is not current_policy()


def test_djangos_test_clients(ran: Ran) -> None:
    """Django's own clients see what callers see."""
    made = project("wsgi", path("", ran()))
    with made.settings():
        client, headers = Client(), {"Authorization": f"Bearer {token('alice')}"}
        assert (401, 200) == (client.get("/").status_code, client.get("/", headers=headers).status_code)

        async def asked() -> tuple[int, int]:
            client = AsyncClient()
            return (await client.get("/")).status_code, (await client.get("/", headers=headers)).status_code

        assert (401, 200) == asyncio.run(asked())
    assert ["alice", "alice"] == ran.callers


def test_names_of_the_package() -> None:
    """The package has its four names, and no others."""
    assert {name: getattr(jwtmw_django, name).__name__ for name in jwtmw_django.__all__} == {
        name: name for name in ("JWTMiddleware", "TokenUser", "current_policy", "view")
    }
    with pytest.raises(AttributeError, match="no attribute 'Middleware'"):
        jwtmw_django.Middleware  # noqa: B018


# What leaves it


def test_a_refusal_is_the_renderers_byte_for_byte(kind: str, ran: Ran) -> None:
    """Django adds no header, and neither does any middleware behind."""
    usual = ("Session", "Common", "Csrf", "Clickjacking", "GZip", "Locale", "ConditionalGet")
    paths = {
        "Session": "django.contrib.sessions.middleware.SessionMiddleware",
        "Common": "django.middleware.common.CommonMiddleware",
        "Csrf": "django.middleware.csrf.CsrfViewMiddleware",
        "Clickjacking": "django.middleware.clickjacking.XFrameOptionsMiddleware",
        "GZip": "django.middleware.gzip.GZipMiddleware",
        "Locale": "django.middleware.locale.LocaleMiddleware",
        "ConditionalGet": "django.middleware.http.ConditionalGetMiddleware",
    }
    made = project(kind, path("a", requires("a")(ran())), middleware=tuple(paths[name] for name in usual))
    gzip = (b"accept-encoding", b"gzip")
    missing, lacking, nowhere = ask(made, "/a", None, gzip), ask(made, "/a", token(), gzip), ask(made, "/x", None, gzip)
    names = [b"content-type", b"content-length", b"cache-control", b"www-authenticate"]
    for answer, status in ((missing, 401), (lacking, 403), (nowhere, 401)):
        assert (status, names) == (answer.status, [name for name, _ in answer.headers])
        assert b"application/problem+json" == answer.header(b"content-type")
        assert status == json.loads(answer.body)["status"]
    assert b'Bearer realm="api", error="insufficient_scope", scope="a"' == lacking.header(b"www-authenticate")
    head = ask(made, "/a", method="HEAD")
    assert (401, b"", missing.header(b"content-length")) == (head.status, head.body, head.header(b"content-length"))


def test_a_refusal_without_a_body_has_no_type(kind: str) -> None:
    """`error_format = "empty"`: Django's default type is not named either."""
    answer = ask(project(kind, error_format="empty"), "/")
    assert (401, b"", None) == (answer.status, answer.body, answer.header(b"content-type"))


def test_a_refusal_is_logged_once_and_by_us(kind: str, ran: Ran, caplog: pytest.LogCaptureFixture) -> None:
    """Django's own log, and the mails it sends of server errors, hold nothing of what the caller sent."""
    caplog.set_level(logging.DEBUG)
    made = project(kind, path("", ran()), check=lambda caller, request: 1 / 0, on_deny=lambda problem, request: 1 / 0)
    sent = token()
    assert 401 == ask(made, "/", sent).status
    assert [] == [record for record in caplog.records if record.name.startswith("django.request")]
    assert sent not in caplog.text


def test_on_deny_is_asked_once(kind: str, ran: Ran) -> None:
    """However many of Django's hooks a refusal passes, it is rendered once."""
    asked: list[int] = []

    def on_deny(problem: Any, request: Any) -> tuple[str, str]:
        asked.append(problem.status)
        return "text/plain", "no"

    made = project(kind, path("a", requires("a")(ran())), on_deny=on_deny)
    assert b"no" == ask(made, "/a", token()).body
    assert [403] == asked


def test_a_token_in_the_url_is_not_stored(kind: str, ran: Ran) -> None:
    """RFC 6750 section 2.3: the answer to a query token must not be kept."""
    view = ran(lambda request: HttpResponse(b"view", headers={"Cache-Control": "max-age=60"}))
    places = [{"header": "Authorization", "scheme": "Bearer"}, {"query": "jwt"}]
    made = project(kind, path("", view), token_from=places)
    assert b"no-store" == ask(made, f"/?jwt={token()}").header(b"cache-control")
    assert b"max-age=60" == ask(made, "/", token()).header(b"cache-control")


def test_report_only_and_non_secure(kind: str, ran: Ran, caplog: pytest.LogCaptureFixture) -> None:
    """Everything passes, odd marks included; what would be refused is counted."""
    contradicting = requires("a")(path("shop/", include([path("", public(ran()))])))
    modes: list[dict[str, Any]] = [{"secure": False}, {"report_only": True}]
    for mode in modes:
        made = project(kind, path("a", requires("a")(ran())), contradicting, **mode)
        for target in ("/a", "/shop/"):
            assert (200, 200) == (ask(made, target).status, ask(made, target, "a.b.c").status)
        assert 404 == ask(made, "/nowhere").status


# The second lock


def test_the_second_lock_inside_a_view(kind: str, ran: Ran) -> None:
    """What a view calls may ask for more: the caller gets the refusal, whatever the view had done by then."""

    @requires("a")
    def helper() -> None: ...

    def view(request: HttpRequest) -> HttpResponse:
        request.session["written"] = True
        helper()
        return HttpResponse(b"view")

    async def aview(request: HttpRequest) -> HttpResponse:
        return view(request)

    sessions = "django.contrib.sessions.middleware.SessionMiddleware"
    made = project(kind, path("", view), path("async", aview), middleware=(sessions,))
    for target in ("/", "/async"):
        answer = ask(made, target, token())
        assert (403, None, None) == (answer.status, answer.header(b"set-cookie"), answer.header(b"vary"))
        assert 200 == ask(made, target, token(scope="a")).status
    assert 401 == ask(project(kind, path("", public(view)), middleware=(sessions,)), "/").status


def test_the_second_lock_in_a_middleware(kind: str, ran: Ran) -> None:
    """Where Django asks no middleware about exceptions it makes a 500 of them; the caller gets the refusal."""

    @requires("a")
    def helper() -> None: ...

    def ask_for_more(request: HttpRequest, get_response: Callable[[HttpRequest], Any]) -> Any:
        helper()
        return get_response(request)

    for debug in (False, True):
        made = project(kind, path("", ran()), middleware=(between(ask_for_more),), DEBUG_PROPAGATE_EXCEPTIONS=debug)
        assert 403 == ask(made, "/", token()).status
        assert 200 == ask(made, "/", token(scope="a")).status


def test_a_refusal_that_the_application_has_caught(kind: str) -> None:
    """What a view makes of a refusal of the second lock is the view's."""

    @requires("a")
    def helper() -> None: ...

    def view(request: HttpRequest) -> HttpResponse:
        try:
            helper()
        except Denied:
            return HttpResponse(b"less", status=203)
        return HttpResponse(b"all")

    answer = ask(project(kind, path("", view)), "/", token())
    assert (203, b"less") == (answer.status, answer.body)


def test_an_exception_of_the_application(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """Other exceptions are Django's, and propagate where Django is told to let them."""

    def broken(request: HttpRequest) -> HttpResponse:
        raise RuntimeError("broken")

    assert 500 == ask(project(kind, path("", broken)), "/", token()).status
    made = project("wsgi", path("", broken), DEBUG_PROPAGATE_EXCEPTIONS=True)
    with pytest.raises(RuntimeError, match="broken"):
        ask(made, "/", token())
    with pytest.raises(NotInstalledError):
        current_principal()


def test_around_a_view_of_its_own() -> None:
    """As a decorator of a single view it is an error, loudly."""
    made = Project("wsgi", [], MIDDLEWARE=[], JWTMW=policy())
    with made.settings():
        decorated = decorator_from_middleware(JWTMiddleware)(lambda request: HttpResponse())
        with pytest.raises(NotInstalledError, match="stands around a view"):
            decorated(HttpRequest())
        assert None is JWTMiddleware(lambda request: None).process_exception(HttpRequest(), RuntimeError())
