"""What a Starlette application finds of a request when its router has decided, and not its middleware."""

from __future__ import annotations

import json
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from jwtmw import optional, public, requires
from jwtmw.starlette import protect
from tests.starlette.calls import ask, fresh, policy, token

SHOWN: dict[str, Any] = {"identity_headers": {"X-User": "sub"}, "hide_credentials": True}
FORGED = {"x-user": "admin", "X_User".lower(): "root"}
PLACES = [{"header": "Authorization", "scheme": "Bearer"}, {"query": "jwt"}]


async def found(request: Request) -> JSONResponse:
    """Who is calling by the headers, whether the credential is there, and the query."""
    names = [value for name, value in request.headers.items() if name.replace("_", "-") == "x-user"]
    return JSONResponse([names, "authorization" in request.headers, request.url.query])


def routes() -> list[Route]:
    return [
        Route("/public", public(fresh(found))),
        Route("/optional", optional(fresh(found))),
        Route("/requires", requires("read")(fresh(found))),
        Route("/plain", fresh(found)),
    ]


def shown(app: Any, path: str, bearer: str | None = None, **headers: str) -> Any:
    return json.loads(ask(app, path, bearer, headers=FORGED | headers).body)


def test_a_mark_that_lets_in_shows_nobody() -> None:
    """Who is let in late by the endpoint's mark brought no identity, whatever the headers said."""
    app = protect(Starlette(routes=routes()), policy(**SHOWN))
    assert [[], False, ""] == shown(app, "/public")
    assert [[], False, ""] == shown(app, "/optional")


def test_a_public_endpoint_sees_the_credential_that_it_did_not_use() -> None:
    """The middleware has verified a token that the endpoint then wants nothing of: it is shown as it came."""
    app = protect(Starlette(routes=routes()), policy(**SHOWN, token_from=PLACES))
    assert [[], True, "a=1"] == shown(app, "/public?a=1", token(sub="ann"))
    credential = token(sub="ann")
    assert [[], False, f"a=1&jwt={credential}"] == shown(app, f"/public?a=1&jwt={credential}")


def test_a_verified_caller_is_shown_and_the_credential_is_not() -> None:
    """By header or query, at a marked endpoint and at a plain one, behind default deny too."""
    for default in ("authenticated", "deny"):
        app = protect(Starlette(routes=routes()), policy(**SHOWN, token_from=PLACES, default=default))
        assert [["ann"], False, "a=1"] == shown(app, "/requires?a=1", token("read", sub="ann"))
        assert [["ann"], False, "a=1"] == shown(app, f"/optional?jwt={token(sub='ann')}&a=1")
    app = protect(Starlette(routes=routes()), policy(**SHOWN))
    assert [["ann"], False, ""] == shown(app, "/plain", token(sub="ann"))


def test_middleware_between_is_heard() -> None:
    """A query that a middleware behind ours replaced is not put back, and what it removed stays removed."""

    class Between:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            headers = [line for line in scope["headers"] if line[0] != b"authorization"]
            await self.app({**scope, "headers": headers, "query_string": b"between"}, receive, send)

    app = Starlette(routes=routes())
    app.add_middleware(Between)
    protect(app, policy(**SHOWN, default="deny"))
    assert [["ann"], False, "between"] == shown(app, "/requires", token("read", sub="ann"))
    assert [[], False, "between"] == shown(app, "/public")


def test_nested_policies_each_read_what_came() -> None:
    """A credential hidden by the outer application is still there for the inner one's policy; the inner one names."""
    inner = protect(
        Starlette(routes=routes()), policy(identity_headers={"X-User": "client_id"}, token_from=PLACES, leeway=1)
    )
    app = protect(Starlette(routes=[Mount("/inner", inner)]), policy(**SHOWN, token_from=PLACES))
    assert [["shop"], False, "a=1"] == shown(app, "/inner/plain?a=1", token(sub="ann", client_id="shop"))
    query = f"a=1&jwt={token(sub='ann', client_id='shop')}"
    assert [["shop"], False, "a=1"] == shown(app, f"/inner/plain?{query}")
    assert [["shop"], False, "a=1"] == shown(app, f"/inner/optional?{query}")


def test_an_inner_policy_without_headers_of_its_own_keeps_the_outer_ones() -> None:
    """Whoever decides last, what another policy promised holds."""
    inner = protect(Starlette(routes=routes()), policy(default="deny"))
    app = protect(Starlette(routes=[Mount("/inner", inner)]), policy(**SHOWN, default="deny", rules=OPEN))
    assert [["ann"], False, ""] == shown(app, "/inner/requires", token("read", sub="ann"))


OPEN = [{"path": "/inner/**"}]
