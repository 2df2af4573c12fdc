"""Keys that must be waited for: who waits, who never does, and that an endpoint runs once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any, cast

import anyio
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Match, Mount, Route, Router

from jwtmw import Policy, optional, public, requires
from jwtmw.starlette import protect
from jwtmw.testing import Clock, TestIssuer
from tests.starlette.calls import Ran, ask, fresh, refused, send_to


@pytest.fixture
def issuer() -> Iterator[TestIssuer]:
    with TestIssuer() as serving:
        yield serving


@pytest.fixture
def ran() -> Ran:
    return Ran()


def judged(issuer: TestIssuer, **keys: Any) -> Policy:
    return Policy({"issuers": [issuer.settings()], **keys}, clock=cast("Clock", issuer.clock))


def routes(ran: Ran) -> list[BaseRoute]:
    return [
        Route("/x", ran("x")),
        Route("/a", requires("a")(ran("a"))),
        Route("/p", public(ran("p"))),
        Route("/o", optional(ran("o"))),
    ]


def hidden(app: Any) -> Any:
    async def opaque(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)

    return opaque


def application(ran: Ran, policy: Policy) -> Starlette:
    inner = routes(ran)
    mounts = [
        Mount("/m", routes=inner),
        Mount("/sub", app=Starlette(routes=inner)),
        Mount("/h", app=hidden(Router(inner))),
    ]
    return protect(Starlette(routes=[*inner, *mounts]), policy)


OPEN = [{"path": path, "allow": "public"} for path in ("/a", "/m/a", "/sub/a", "/h/a")]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("prefix", ["", "/m", "/sub", "/h"])
@pytest.mark.parametrize("path", ["/x", "/a", "/o", "/nowhere"])
@pytest.mark.parametrize("rules", [[], OPEN], ids=["default", "ruled"])
def test_the_first_request_waits_for_the_keys(issuer, ran, backend, prefix, path, rules):
    """The keys are fetched once, the body is still there, and the endpoint runs once."""
    app = application(ran, judged(issuer, rules=rules))
    answer = ask(app, prefix + path, issuer.token(scope="a"), backend=backend)
    assert (404 if path == "/nowhere" else 200) == answer.status
    assert ([] if path == "/nowhere" else ["alice"]) == ran.callers
    assert 1 == issuer.requests["/jwks"]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("prefix", ["", "/m", "/sub"])
def test_a_public_endpoint_never_waits(issuer, ran, backend, prefix):
    """A token on a public route is not read, so an issuer that hangs is nobody's concern."""
    issuer.slow(60)
    app = application(ran, judged(issuer))
    answered = []

    async def run() -> None:
        with anyio.fail_after(3):
            answered.append(await send_to(app, f"{prefix}/p", issuer.token(scope="a")))

    anyio.run(run, backend=backend)
    assert ([200], [None]) == ([answer.status for answer in answered], ran.callers)


@pytest.mark.parametrize("prefix", ["", "/m", "/sub"])
@pytest.mark.parametrize("path", ["/x", "/a", "/o", "/nowhere"])
@pytest.mark.parametrize("rules", [[], OPEN], ids=["default", "ruled"])
def test_without_keys_it_is_503(issuer, ran, prefix, path, rules):
    """An issuer that fails is not the caller's fault; nothing of the application runs."""
    issuer.broken(500)
    policy = judged(issuer, rules=rules)
    refused(ask(application(ran, policy), prefix + path, issuer.token(scope="a")), ran, 503)
    assert {"keys_unavailable": 1} == policy.metrics()["denied"]


def test_report_only_passes_without_keys(issuer, ran):
    """Report-only: one record, and the endpoint runs once, for nobody."""
    issuer.broken(500)
    policy = judged(issuer, report_only=True)
    app = application(ran, policy)
    assert [200, 200] == [ask(app, path, issuer.token()).status for path in ("/x", "/m/a")]
    assert [None, None] == ran.callers
    assert 2 == sum(entry["count"] for entry in policy.metrics()["would_deny"])


class Fickle(BaseRoute):
    """A route that is taken for another endpoint each time that it is asked."""

    def __init__(self, *endpoints: Any) -> None:
        self.endpoints = list(endpoints)
        self.endpoint: Any = None
        self.asked = 0

    def matches(self, scope: Any) -> Any:
        self.endpoint = self.endpoints[min(self.asked, len(self.endpoints) - 1)]
        self.asked += 1
        return Match.FULL, {"endpoint": self.endpoint}

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        await self.endpoint(scope, receive, send)


def marked(mark: Any, ran: Ran, name: str) -> Any:
    return mark(ran.asgi(name))


def test_an_endpoint_that_promised_to_be_public_and_is_not(issuer, ran):
    """Looking ahead is a hint: who passes by it still has to wait at the endpoint, or is refused there."""
    one, other = marked(public, ran, "one"), marked(requires("a"), ran, "other")
    app = protect(Starlette(routes=[Fickle(one, other)]), judged(issuer))
    assert (200, ["other"]) == (ask(app, "/x", issuer.token(scope="a")).status, ran.callers)
    plain = protect(Starlette(routes=[Fickle(one, ran.asgi("plain"))]), judged(issuer))
    assert (200, ["other", "plain"]) == (ask(plain, "/x", issuer.token()).status, ran.callers)


def test_what_was_decided_for_one_endpoint_does_not_open_another(issuer, ran):
    """Routing again after the wait may lead elsewhere: the decision that was waited for is not that endpoint's."""
    public_one, a, b = marked(public, ran, "p"), marked(requires("a"), ran, "a"), marked(requires("b"), ran, "b")
    app = protect(Starlette(routes=[Fickle(public_one, a, b)]), judged(issuer))
    refused(ask(app, "/x", issuer.token(scope="a")), ran, 403)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_what_was_mounted_waits_for_the_keys_of_who_was_let_in_without(issuer, ran, backend):
    """A public path to a mount that asks: whoever answers there, the keys are waited for, on a changed path, too."""

    class ToGet:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            scope["method"] = "GET"
            await self.app(scope, receive, send)

    inner = requires("a")(Starlette(routes=[Route("/x", ran("x"))]))
    mounts = [Mount("/m", app=inner), Mount("/n", app=inner, middleware=[Middleware(ToGet)])]
    preflight = {"origin": "https://shop.example", "access-control-request-method": "GET"}
    rules = [{"path": path, "allow": "public"} for path in ("/m/**", "/n/**")]
    for path in ("/m/x/", "/n/x/"):
        app = protect(Starlette(routes=mounts), judged(issuer, rules=rules))
        before = issuer.requests["/jwks"]
        method = "GET" if path == "/m/x/" else "OPTIONS"
        answer = ask(app, path, issuer.token(scope="a"), method, backend=backend, headers=preflight)
        assert (307, 1) == (answer.status, issuer.requests["/jwks"] - before)
        refused(ask(app, path, issuer.token(scope="b"), method, backend=backend, headers=preflight), ran, 403)


def test_a_route_that_fails_to_match_is_the_applications_error(issuer, ran):
    """Looking ahead raises nothing; the application's own error is its own."""

    class Failing(Fickle):
        def matches(self, scope: Any) -> Any:
            raise LookupError

    app = protect(Starlette(routes=[Failing(ran.asgi())]), judged(issuer))
    assert (500, []) == (ask(app, "/x", issuer.token(), raises=LookupError).status, ran.callers)


def test_a_body_that_was_read_for_the_decision_is_read_again(issuer, ran):
    """Whatever waits, the endpoint receives the whole body."""
    app = protect(Starlette(routes=[Route("/x", ran("x"), methods=["POST"])]), judged(issuer))
    assert "x 5" == ask(app, "/x", issuer.token(), "POST").body


def test_many_first_requests_are_one_fetch(issuer):
    """A crowd at the door waits for one fetch, and each gets its own answer."""

    async def who(request: Any) -> PlainTextResponse:
        return PlainTextResponse(request.user.subject)

    issuer.slow(0.2)
    app = protect(
        Starlette(routes=[Route("/x", requires()(fresh(who))), Route("/p", public(fresh(who)))]), judged(issuer)
    )
    bodies: dict[int, str] = {}
    threads: list[int] = [threading.active_count()]

    async def one(number: int) -> None:
        bodies[number] = (await send_to(app, "/x", issuer.token(sub=f"u{number}"))).body
        threads.append(threading.active_count())

    async def everybody() -> None:
        async with anyio.create_task_group() as group:
            for number in range(30):
                group.start_soon(one, number)

    anyio.run(everybody)
    assert ({number: f"u{number}" for number in range(30)}, 1) == (bodies, issuer.requests["/jwks"])
    # The fetch's own thread and the key server's: a waiter takes none.
    assert max(threads) - threads[0] < 10
