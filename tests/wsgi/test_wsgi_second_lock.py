"""What `@requires` inside a WSGI application refuses: answered once, by the one renderer, however late it comes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jwtmw import Denied, NotInstalledError, Policy, current_principal, requires
from jwtmw.testing import TestIssuer
from jwtmw.wsgi import JWTMiddleware
from tests.engine.facts import policy_of
from tests.wsgi.calls import OK, Environ, Server, call, environ

WANTED = 'Bearer realm="api", error="insufficient_scope", scope="read"'
ERROR = "500 Internal Server Error"
SERVER_ERROR = [("Content-Length", "4"), ("X-Framework", "yes")]


@requires("read")
def read() -> bytes:
    return b"done"


@pytest.fixture
def policy(jwtmw_issuer: TestIssuer) -> Policy:
    return policy_of(jwtmw_issuer, rules=[{"path": "/read", "scopes": ["read"]}])


def at_once(environ: Environ, start_response: Any) -> Any:
    content = read()
    start_response(OK, [])
    return [content]


def lazily(environ: Environ, start_response: Any) -> Iterator[bytes]:
    content = read()
    start_response(OK, [])
    yield content


def behind_the_start(environ: Environ, start_response: Any) -> Any:
    start_response(OK, [("X-App", "yes")])
    return [read()]


def behind_the_start_lazily(environ: Environ, start_response: Any) -> Iterator[bytes]:
    start_response(OK, [("X-App", "yes")])
    yield b""
    yield read()


def framework(environ: Environ, start_response: Any) -> Any:
    """As Flask and Django do it."""
    try:
        return at_once(environ, start_response)
    except Exception:  # noqa: BLE001 (as frameworks do)
        start_response(ERROR, SERVER_ERROR)
        return [b"oops"]


def framework_lazily(environ: Environ, start_response: Any) -> Iterator[bytes]:
    yield from framework(environ, start_response)


def framework_without_a_chunk(environ: Environ, start_response: Any) -> Iterator[bytes]:
    for _ in framework(environ, start_response):
        pass
    yield from ()


def framework_with_exc_info(environ: Environ, start_response: Any) -> Any:
    """As Bottle and CherryPy do it."""
    try:
        return behind_the_start(environ, start_response)
    except Exception:  # noqa: BLE001 (as frameworks do)
        start_response(ERROR, SERVER_ERROR, sys.exc_info())
        return [b"oops"]


def framework_that_writes(environ: Environ, start_response: Any) -> Any:
    try:
        return at_once(environ, start_response)
    except Exception:  # noqa: BLE001 (as frameworks do)
        start_response(ERROR, SERVER_ERROR)(b"oops")
        return []


def framework_that_raises_again(environ: Environ, start_response: Any) -> Any:
    try:
        return at_once(environ, start_response)
    except Denied:
        start_response(ERROR, SERVER_ERROR)
        raise


APPS: list[Callable[..., Any]] = [
    at_once, lazily, behind_the_start, behind_the_start_lazily, framework, framework_lazily, framework_without_a_chunk,
    framework_with_exc_info, framework_that_writes, framework_that_raises_again,
]  # fmt: skip


@pytest.mark.parametrize("app", APPS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_second_lock_is_answered_as_any_refusal(
    policy: Policy, jwtmw_issuer: TestIssuer, app: Callable[..., Any], method: str
) -> None:
    """Byte for byte what a rule would have said, also where a framework made a 500 of it."""
    middleware = JWTMiddleware(app, policy)
    by_rule = call(middleware, environ(jwtmw_issuer.token(), "/read", method))
    by_lock = call(middleware, environ(jwtmw_issuer.token(), method=method))
    assert ("403 Forbidden", [WANTED]) == (by_lock.status, by_lock.header("www-authenticate"))
    assert (by_rule.status, by_rule.headers, by_rule.content) == (by_lock.status, by_lock.headers, by_lock.content)
    with pytest.raises(NotInstalledError):
        current_principal()


@pytest.mark.parametrize("app", APPS)
def test_the_second_lock_lets_in(policy: Policy, jwtmw_issuer: TestIssuer, app: Callable[..., Any]) -> None:
    """The application's own answer then."""
    answer = call(JWTMiddleware(app, policy), environ(jwtmw_issuer.token(scope="read")))
    assert OK == answer.status


def test_a_body_that_was_replaced_is_closed(policy: Policy, jwtmw_issuer: TestIssuer) -> None:
    """And never asked for a chunk."""

    class Body:
        asked = closed = 0

        def __iter__(self) -> Iterator[bytes]:
            self.asked += 1
            return iter([b"oops"])

        def __len__(self) -> int:
            return 1

        def close(self) -> None:
            self.closed += 1

    body = Body()

    def app(environ: Environ, start_response: Any) -> Any:
        framework(environ, start_response)
        return body

    answer = call(JWTMiddleware(app, policy), environ(jwtmw_issuer.token()))
    assert ("403 Forbidden", 0, 1) == (answer.status, body.asked, body.closed)


def begun(environ: Environ, start_response: Any) -> Iterator[bytes]:
    start_response(OK, [])
    yield b"begun"
    yield read()


def written(environ: Environ, start_response: Any) -> Any:
    start_response(OK, [])(b"begun")
    return [read()]


def written_and_lazily(environ: Environ, start_response: Any) -> Iterator[bytes]:
    start_response(OK, [])(b"begun")
    yield read()


@pytest.mark.parametrize("app", [begun, written, written_and_lazily])
def test_behind_the_first_bytes_the_server_fails_loudly(
    policy: Policy, jwtmw_issuer: TestIssuer, app: Callable[..., Any]
) -> None:
    """There is no second start, and nothing of what is protected is sent."""
    server = Server()
    with pytest.raises(Denied):
        server.send(JWTMiddleware(app, policy)(environ(jwtmw_issuer.token()), server.start_response))
    assert ([b"begun"], 1) == (server.body, server.starts)


@pytest.mark.parametrize("status", [OK, "403 Forbidden", "404 Not Found", "503 Service Unavailable"])
def test_what_the_application_makes_of_it_is_its_own(policy: Policy, jwtmw_issuer: TestIssuer, status: str) -> None:
    """Only a 500 is a framework's way of saying that it does not know the exception."""

    def app(environ: Environ, start_response: Any) -> list[bytes]:
        try:
            read()
        except Denied:
            start_response(status, SERVER_ERROR)
        return [b"oops"]

    answer = call(JWTMiddleware(app, policy), environ(jwtmw_issuer.token()))
    assert (status, SERVER_ERROR, b"oops") == (answer.status, answer.headers, answer.content)


def test_another_error_is_the_applications(policy: Policy, jwtmw_issuer: TestIssuer) -> None:
    """A 500 where no lock refused passes as it is, also started a second time with exc_info."""

    def app(environ: Environ, start_response: Any) -> list[bytes]:
        start_response(OK, [])
        try:
            raise ZeroDivisionError
        except ZeroDivisionError:
            start_response(ERROR, SERVER_ERROR, sys.exc_info())
        return [b"oops"]

    answer = call(JWTMiddleware(app, policy), environ(jwtmw_issuer.token()))
    assert (ERROR, SERVER_ERROR, b"oops", 2) == (answer.status, answer.headers, answer.content, answer.starts)


def test_who_catches_the_refusal_may_still_answer(policy: Policy, jwtmw_issuer: TestIssuer) -> None:
    """A 500 that was replaced is replaced again by what a middleware further out makes of it."""

    def app(environ: Environ, start_response: Any) -> list[bytes]:
        try:
            framework_that_raises_again(environ, start_response)
        except Denied:
            start_response("404 Not Found", [], sys.exc_info())
        return [b"hidden"]

    answer = call(JWTMiddleware(app, policy), environ(jwtmw_issuer.token()))
    assert ("404 Not Found", b"hidden") == (answer.status, answer.content)
