"""The caller as Django knows users: beside sessions, behind LoginRequiredMiddleware, under the CSRF check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.contrib import auth
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.http import HttpRequest, HttpResponse
from django.urls import path

from jwtmw import Principal, current_user, optional, public, requires
from jwtmw_django import TokenUser
from tests.django.asking import KINDS, Ran, ask, policy, token
from tests.django.middleware import between
from tests.django.project import OURS, Project

SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"
LOGIN_REQUIRED = "django.contrib.auth.middleware.LoginRequiredMiddleware"
CSRF = "django.middleware.csrf.CsrfViewMiddleware"
USUAL = (SESSIONS, CSRF, AUTHENTICATION)


class Staff(BaseBackend):
    """A backend whose users are in no database: bob, with the key 7."""

    def authenticate(self, request: Any, **credentials: Any) -> None:
        """Nobody logs in here."""

    def get_user(self, user_id: int) -> User | None:
        """The user of a session."""
        return User(pk=7, username="bob") if user_id == 7 else None


BACKEND = f"{Staff.__module__}.{Staff.__qualname__}"


def session() -> tuple[bytes, bytes]:
    """The cookie of bob's session."""
    store = SessionStore()
    bob = User(pk=7, username="bob")
    store[auth.SESSION_KEY], store[auth.BACKEND_SESSION_KEY] = "7", BACKEND
    store[auth.HASH_SESSION_KEY] = bob.get_session_auth_hash()
    store.save()
    return b"cookie", f"{settings.SESSION_COOKIE_NAME}={store.session_key}".encode()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def bob(kind: str) -> tuple[bytes, bytes]:
    with project(kind).settings():
        return session()


def project(kind: str, *patterns: Any, middleware: tuple[str, ...] = USUAL, **keys: Any) -> Project:
    return Project(
        kind, patterns, MIDDLEWARE=[OURS, *middleware], JWTMW=policy(**keys), AUTHENTICATION_BACKENDS=[BACKEND]
    )


def telling() -> Callable[[HttpRequest], HttpResponse]:
    """A view that tells who the request says is calling: by principal and by user."""

    def tell(request: HttpRequest) -> HttpResponse:
        principal: Principal = request.principal  # type: ignore[attr-defined]
        user = request.user
        assert user.is_authenticated is not user.is_anonymous
        return HttpResponse(f"{principal.identity or '-'} {user.get_username() or '-'} {user.__class__.__name__}")

    return tell


def telling_async() -> Callable[[HttpRequest], Any]:
    """A view that tells the user, asked in the async way."""

    async def tell(request: HttpRequest) -> HttpResponse:
        user = await request.auser()
        assert user.get_username() == (await request.auser()).get_username()
        return HttpResponse(f"{user.get_username() or '-'}")

    return tell


def test_a_verified_caller_is_the_user(kind: str, bob: Any) -> None:
    """With a token, the user is the token's, and not the session's; nothing is mixed."""
    made = project(kind, path("", telling()), path("async", telling_async()))
    assert b"alice alice TokenUser" == ask(made, "/", token("alice")).body
    assert b"alice alice TokenUser" == ask(made, "/", token("alice"), bob).body
    assert b"alice" == ask(made, "/async", token("alice"), bob).body


def test_a_bad_token_is_no_way_to_the_session(kind: str, bob: Any) -> None:
    """A session opens nothing that wants a token, with a bad token or with none."""
    made = project(kind, path("", telling()), path("optional", optional(telling())))
    for target, sent in (("/", None), ("/", "a.b.c"), ("/", token(exp=1)), ("/optional", "a.b.c")):
        assert 401 == ask(made, target, sent, bob).status


def test_where_no_token_counts_django_has_its_own_user(kind: str, bob: Any) -> None:
    """On public views, and where an optional token is absent, the session's user is who he was."""
    made = project(
        kind,
        path("public", public(telling())),
        path("optional", optional(telling())),
        path("a", public(telling_async())),
    )
    assert b"- bob User" == ask(made, "/public", None, bob).body
    assert b"- - AnonymousUser" == ask(made, "/public").body
    assert b"- bob User" == ask(made, "/optional", None, bob).body
    assert b"alice alice TokenUser" == ask(made, "/optional", token("alice"), bob).body
    assert b"bob" == ask(made, "/a", None, bob).body


def test_a_token_on_a_public_view_is_nobodys(kind: str, bob: Any) -> None:
    """A token that was verified on the way to a public view does not count there: not even as user."""

    def look(request: HttpRequest, get_response: Callable[[HttpRequest], Any]) -> Any:
        assert "alice" == request.user.get_username()
        return get_response(request)

    looking = (*USUAL, between(look))
    for middleware in (USUAL, looking):
        made = project(kind, path("", public(telling())), path("async", public(telling_async())), middleware=middleware)
        assert b"- bob User" == ask(made, "/", token("alice"), bob).body
        assert b"- - AnonymousUser" == ask(made, "/", token("alice")).body
        assert b"bob" == ask(made, "/async", token("alice"), bob).body


def test_without_djangos_own_authentication(kind: str) -> None:
    """Where no other middleware knows users, there is one all the same."""
    made = project(
        kind,
        path("", telling()),
        path("public", public(telling())),
        path("async", public(telling_async())),
        middleware=(),
    )
    assert b"alice alice TokenUser" == ask(made, "/", token("alice")).body
    assert b"- - TokenUser" == ask(made, "/public").body
    assert b"- - TokenUser" == ask(made, "/public", token("alice")).body
    assert (b"-", b"-") == (ask(made, "/async").body, ask(made, "/async", token("alice")).body)


def test_a_user_that_somebody_else_put_there(kind: str) -> None:
    """Behind the resolver the verified caller is the user again; a stranger on a public view is left alone."""

    def impersonate(request: HttpRequest, get_response: Callable[[HttpRequest], Any]) -> Any:
        request.user = User(pk=8, username="carol")
        return get_response(request)

    made = project(kind, path("", telling()), path("public", public(telling())), middleware=(between(impersonate),))
    assert b"alice alice TokenUser" == ask(made, "/", token("alice")).body
    assert b"- carol User" == ask(made, "/public").body
    assert b"- carol User" == ask(made, "/public", token("alice")).body


def test_a_user_of_ones_own(kind: str, bob: Any) -> None:
    """`load_user` makes request.user and current_user(); where it finds nobody, nobody comes in."""

    def load(caller: Principal) -> User | None:
        return User(pk=9, username=f"our {caller.subject}") if caller.subject == "alice" else None

    def view(request: HttpRequest) -> HttpResponse:
        assert current_user() is request.user
        return telling()(request)

    made = project(kind, path("", view), path("async", telling_async()), load_user=load)
    assert b"alice our alice User" == ask(made, "/", token("alice"), bob).body
    assert b"our alice" == ask(made, "/async", token("alice"), bob).body
    assert 401 == ask(made, "/", token("mallory"), bob).status


def test_an_async_load_user_under_asgi() -> None:
    """Where there is an event loop, load_user may be awaited."""

    async def load(caller: Principal) -> User | None:
        return User(pk=9, username=f"our {caller.subject}") if caller.subject == "alice" else None

    made = project("asgi", path("", telling()), path("a", requires("a")(telling_async())), load_user=load)
    assert b"alice our alice User" == ask(made, "/", token("alice")).body
    assert b"our alice" == ask(made, "/a", token("alice", scope="a")).body
    assert 401 == ask(made, "/", token("mallory")).status


def test_login_required(kind: str, bob: Any) -> None:
    """A verified caller has logged in; who has not is told so by jwtmw, and on public views by Django."""
    middleware = (*USUAL, LOGIN_REQUIRED)
    made = project(
        kind,
        path("", telling()),
        path("decorated", login_required(telling())),
        path("public", public(telling())),
        middleware=middleware,
    )
    assert 200 == ask(made, "/", token("alice")).status
    assert 200 == ask(made, "/decorated", token("alice")).status
    assert 401 == ask(made, "/").status
    assert 401 == ask(made, "/", None, bob).status
    assert 302 == ask(made, "/public").status
    assert b"- bob User" == ask(made, "/public", None, bob).body


def test_a_token_in_a_header_needs_no_csrf_token(kind: str, bob: Any) -> None:
    """No page of another origin can send the header; a session alone, or a token in a URL, proves nothing."""
    places = [{"header": "Authorization", "scheme": "Bearer"}, {"query": "jwt"}]
    made = project(kind, path("", telling()), path("public", public(telling())), token_from=places)
    assert 200 == ask(made, "/", token("alice"), method="POST").status
    assert 200 == ask(made, "/", token("alice"), bob, method="POST").status
    assert 403 == ask(made, f"/?jwt={token('alice')}", None, bob, method="POST").status
    assert 403 == ask(made, "/public", None, bob, method="POST").status
    assert 403 == ask(made, "/public", token("alice"), bob, method="POST").status


def test_a_token_in_a_cookie_needs_a_csrf_token(kind: str) -> None:
    """What a browser sends by itself is what the CSRF check is for: Django's holds beside jwtmw's."""
    origins = ["https://shop.example"]
    made = project(kind, path("", telling()), token_from=[{"cookie": "jwt"}], origins=origins)
    cookie, ours = (b"cookie", f"jwt={token('alice')}".encode()), (b"origin", b"https://shop.example")
    assert b"alice alice TokenUser" == ask(made, "/", None, cookie).body
    assert b'"code":"csrf"' in ask(made, "/", None, cookie, method="POST").body
    answer = ask(made, "/", None, cookie, ours, method="POST")
    assert 403 == answer.status
    assert b"CSRF verification failed" in answer.body


def test_where_nothing_is_believed_django_checks_as_ever(kind: str, bob: Any) -> None:
    """In non-secure and report-only mode a bad token excuses nobody from the CSRF check."""
    modes: list[dict[str, Any]] = [{"secure": False}, {"report_only": True}]
    for mode in modes:
        made = project(kind, path("", telling()), **mode)
        assert b"- bob User" == ask(made, "/", "a.b.c", bob).body
        assert 403 == ask(made, "/", "a.b.c", bob, method="POST").status


def test_a_token_user() -> None:
    """It has the manners of a Django user, the identity of its token, and no permissions."""
    alice = TokenUser(Principal(subject="alice", issuer="https://id.example/", is_authenticated=True))
    twin = TokenUser(Principal(subject="alice", issuer="https://id.example/", is_authenticated=True))
    other = TokenUser(Principal(subject="alice", issuer="https://partner.example/", is_authenticated=True))
    nobody = TokenUser(Principal())
    assert (True, False, True, False, False) == (
        alice.is_authenticated,
        alice.is_anonymous,
        alice.is_active,
        alice.is_staff,
        alice.is_superuser,
    )
    assert ("https://id.example/ alice", alice.pk) == (alice.pk, alice.id)
    assert (None, True) == (nobody.pk, nobody.is_anonymous)
    assert ("alice", "alice", "alice", "") == (alice.username, alice.get_username(), str(alice), str(nobody))
    assert (True, False, False) == (alice == twin, alice == other, alice == "alice")
    assert 2 == len({alice, twin, other})
    assert "TokenUser(Principal(issuer_name=''))" == repr(alice)
    assert (False, False, False) == (
        alice.has_perm("shop.add_order"),
        alice.has_perms(["shop.add_order"]),
        alice.has_module_perms("shop"),
    )
    assert (True, set()) == (alice.has_perms([]), alice.get_all_permissions())


def test_the_principal_is_there_for_everything_between(kind: str) -> None:
    """Middleware behind sees the caller in request.principal and request.user, before the view is known."""
    seen: list[tuple[str | None, str]] = []

    def look(request: HttpRequest, get_response: Callable[[HttpRequest], Any]) -> Any:
        caller: Principal = request.principal  # type: ignore[attr-defined]
        seen.append((caller.subject, request.user.get_username()))
        return get_response(request)

    made = project(kind, path("", Ran()()), path("public", public(Ran()())), middleware=(*USUAL, between(look)))
    ask(made, "/", token("alice"))
    ask(made, "/")
    ask(made, "/public")
    assert [("alice", "alice"), (None, ""), (None, "")] == seen
