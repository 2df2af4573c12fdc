"""What the application is shown of a request: identity headers that are ours, and credentials that are hidden."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import path

from jwtmw import optional, public, requires
from tests.django.asking import KINDS, ask, policy, token
from tests.django.middleware import between
from tests.django.project import OURS, Project

IDENTITY = {"X-User": "sub", "X-Tenant": "tenant"}
PLACES = [{"header": "Authorization", "scheme": "Bearer"}, {"query": "jwt"}]
FORGED = ((b"x-user", b"mallory"), (b"x-tenant", b"evil"), (b"x-other", b"kept"))


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


def shown() -> Callable[[HttpRequest], HttpResponse]:
    """A view that tells all that it is shown."""

    def show(request: HttpRequest) -> HttpResponse:
        named = {name: request.headers.get(name) for name in ("X-User", "X-Tenant", "X-Other", "Authorization")}
        scope = getattr(request, "scope", None)
        if scope is not None:
            lines = {name.decode(): value.decode() for name, value in scope["headers"]}
            assert named == {name: lines.get(name.lower()) for name in named}
            assert request.META["QUERY_STRING"] == scope["query_string"].decode()
        return HttpResponse(json.dumps({**named, "query": request.GET.urlencode(), "cookies": request.COOKIES}))

    return show


def look(request: HttpRequest, get_response: Callable[[HttpRequest], Any]) -> Any:
    """A middleware that looks at everything that Django then remembers."""
    assert (request.headers, request.GET, request.COOKIES) is not None
    return get_response(request)


def test_identity_headers_are_the_verified_callers(kind: str) -> None:
    """What a caller says of himself is gone, wherever he comes; what his token says is there."""
    patterns = [path("", requires()(shown())), path("public", public(shown())), path("optional", optional(shown()))]
    for middleware in ([OURS], [OURS, between(look)]):
        made = Project(kind, patterns, MIDDLEWARE=middleware, JWTMW=policy(identity_headers=IDENTITY))
        for target, sent, user in (
            ("/", token("alice"), "alice"),
            ("/optional", token("alice"), "alice"),
            ("/optional", None, None),
            ("/public", None, None),
            ("/public", token("alice"), None),
        ):
            told = json.loads(ask(made, target, sent, *FORGED).body)
            assert (user, None, "kept") == (told["X-User"], told["X-Tenant"], told["X-Other"])


def test_the_used_credential_is_hidden(kind: str) -> None:
    """Exactly the credential that counted is gone; what did not count stays."""
    keys = {"hide_credentials": True, "token_from": PLACES}
    patterns = [path("", shown()), path("public", public(shown()))]
    made = Project(kind, patterns, MIDDLEWARE=[OURS, between(look)], JWTMW=policy(**keys))
    told = json.loads(ask(made, "/?a=1&b=%C3%A4", token(), (b"cookie", b"c=2")).body)
    assert (None, "a=1&b=%C3%A4", {"c": "2"}) == (told["Authorization"], told["query"], told["cookies"])
    told = json.loads(ask(made, f"/?a=1&jwt={token()}&b=2").body)
    assert "a=1&b=2" == told["query"]
    # Verified on the way to a view that turns out to be public, it is hidden; what is no good token is not.
    assert None is json.loads(ask(made, "/public", token()).body)["Authorization"]
    assert "Bearer a.b.c" == json.loads(ask(made, "/public", "a.b.c").body)["Authorization"]


def test_a_hidden_credential_still_counts_where_the_path_was_changed(kind: str) -> None:
    """What the application no longer sees is judged again for the path that the resolver sees."""

    def rewrite(request: HttpRequest, get_response: Callable[[HttpRequest], Any]) -> Any:
        request.path_info = "/moved"
        return get_response(request)

    made = Project(
        kind,
        [path("moved", requires("a")(shown()))],
        MIDDLEWARE=[OURS, between(rewrite)],
        JWTMW=policy(hide_credentials=True, identity_headers=IDENTITY),
    )
    assert [401, 403, 200] == [ask(made, "/", sent).status for sent in (None, token(), token(scope="a"))]
