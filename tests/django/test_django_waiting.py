"""What has to be waited for: keys, and a body; and what must not wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import pytest
from django.core.exceptions import RequestDataTooBig
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.http.request import RawPostDataException
from django.test import RequestFactory, override_settings
from django.urls import path

from jwtmw import Policy, public, requires
from jwtmw.adapter import PASS, BodyUnreadable
from jwtmw.testing import TestIssuer
from jwtmw_django.facts import read_body
from tests.django.asking import CLOCK, KINDS, Ran, ask, policy, token
from tests.django.middleware import between
from tests.django.project import OURS, Project, urlconf

DOWN = {"issuer": "https://id.example/", "audience": ["orders"], "jwks_url": "http://127.0.0.1:9/keys"}


@pytest.fixture
def ran() -> Ran:
    return Ran()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def serving() -> Iterator[TestIssuer]:
    with TestIssuer(clock=CLOCK) as issuer:
        yield issuer


def project(kind: str, *patterns: Any, policy: Policy, middleware: tuple[str, ...] = ()) -> Project:
    return Project(kind, patterns, MIDDLEWARE=[OURS, *middleware], JWTMW=policy)


def waiting(issuer: TestIssuer, **keys: Any) -> Policy:
    """A policy that has yet to fetch the keys of this issuer."""
    served = {"issuer": issuer.issuer, "audience": ["orders"], "jwks_url": issuer.jwks_url}
    return Policy({"issuers": [served], **keys}, clock=CLOCK)


def down(**keys: Any) -> Policy:
    """A policy whose keys nobody serves."""
    return Policy({"issuers": [DOWN], **keys}, clock=CLOCK)


def test_keys_are_waited_for(kind: str, serving: TestIssuer, ran: Ran) -> None:
    """A first token waits until its issuer's keys have come, in a thread or on the event loop."""
    made = project(kind, path("", requires("a")(ran())), policy=waiting(serving))
    assert 200 == ask(made, "/", serving.token("alice", scope="a")).status
    assert ["alice"] == ran.callers


def test_a_mark_behind_a_public_rule_is_waited_for(kind: str, serving: TestIssuer, ran: Ran) -> None:
    """Where only the view wants the token, its keys are waited for at the view."""
    open_rule = [{"path": "/", "allow": "public"}]
    made = project(kind, path("", requires("a")(ran())), policy=waiting(serving, rules=open_rule))
    assert 200 == ask(made, "/", serving.token("alice", scope="a")).status
    assert ["alice"] == ran.callers


def test_a_public_view_waits_for_nobodys_keys(kind: str, ran: Ran) -> None:
    """Where the keys cannot be had, public views answer, and everything else does not."""
    made = project(
        kind, path("public", public(ran())), path("plain", ran()), path("a", requires("a")(ran())), policy=down()
    )
    assert [200, 503, 503, 503] == [ask(made, target, token()).status for target in ("/public", "/plain", "/a", "/no")]
    assert 401 == ask(made, "/plain").status
    assert [None] == ran.callers


def test_a_public_view_that_was_only_expected(kind: str, ran: Ran, serving: TestIssuer) -> None:
    """Hope for a public view lets nobody into another: what is reached then is waited for."""
    others = urlconf([path("x", ran()), path("y", requires("a")(ran()))])

    def elsewhere(request: HttpRequest, get_response: Callable[[HttpRequest], Any]) -> Any:
        request.urlconf = others  # type: ignore[assignment]
        return get_response(request) if request.path_info != "/z" else HttpResponse(b"from between")

    patterns = [path(name, public(ran())) for name in "xyz"]
    made = project(kind, *patterns, policy=down(), middleware=(between(elsewhere),))
    assert [503, 503, 503] == [ask(made, target, token()).status for target in ("/x", "/y", "/z")]
    for target, sent, expected in (
        ("/x", serving.token("alice"), 200),
        ("/y", serving.token("alice"), 403),
        ("/y", serving.token("alice", scope="a"), 200),
    ):
        made = project(kind, *patterns, policy=waiting(serving), middleware=(between(elsewhere),))
        assert expected == ask(made, target, sent).status
    assert ["alice", "alice"] == ran.callers


def test_looking_ahead_must_not_fail(kind: str, ran: Ran, caplog: pytest.LogCaptureFixture) -> None:
    """What cannot be known ahead is met when it is reached: a rule's refusal does not depend on it."""
    rules = [{"path": "/lost/**", "scopes": ["b"]}]
    view = ran()
    lost = path("lost/x", view)
    requires("a")(view)
    made = project(kind, lost, policy=policy(rules=rules))
    for target in ("/lost/x", "/lost/nowhere"):
        answer = ask(made, target, token())
        assert (403, True) == (answer.status, b'scope="b"' in (answer.header(b"www-authenticate") or b""))
    assert "looking ahead failed with MarkError" in caplog.text


def test_a_rule_waits_whatever_the_view_is(kind: str, ran: Ran) -> None:
    """Where a rule wants the token, no mark is hoped for."""
    made = project(kind, path("x", public(ran())), policy=down(rules=[{"path": "/x"}]))
    assert 503 == ask(made, "/x", token()).status


def test_the_body_is_read_for_whoever_must_know_it(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine may ask for the body; the view reads it again."""
    read: list[bytes | None] = []

    def run(engine: Any, facts: Any, reader: Any) -> Any:
        read.append(reader(4))
        return PASS

    async def arun(engine: Any, facts: Any, reader: Any) -> Any:
        read.append(await reader(4))
        return PASS

    monkeypatch.setattr("jwtmw_django.middleware.run", run)
    monkeypatch.setattr("jwtmw_django.middleware.arun", arun)
    for body in (b"body", b"body!"):
        made = project(kind, path("", lambda request: HttpResponse(request.body)), policy=down())
        assert body == ask(made, "/", token(), method="POST", body=body).body
    assert [b"body", None] == read


def by_wsgi(body: bytes, **environ: Any) -> WSGIRequest:
    return RequestFactory().generic("POST", "/", body, "text/plain", **environ)


def by_asgi(body: bytes, *headers: tuple[bytes, bytes]) -> ASGIRequest:
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}
    return ASGIRequest(scope, BytesIO(body))


def test_a_body_within_bounds() -> None:
    """A body of as many bytes as may be read is read, with its length or without; a longer one is not."""
    for request in (by_wsgi(b"1234"), by_asgi(b"1234"), by_asgi(b"1234", (b"content-length", b"4"))):
        assert (b"1234", None, b"1234") == (read_body(request, 4), read_body(request, 3), request.read())
    assert b"" == read_body(by_asgi(b""), 0)


def test_a_body_that_was_begun() -> None:
    """Under ASGI it is all there; under WSGI nobody can read it a second time, unless Django has kept it."""
    begun = by_asgi(b"1234")
    assert (b"12", b"1234", b"34") == (begun.read(2), read_body(begun, 4), begun.read())
    other = by_wsgi(b"1234")
    assert b"12" == other.read(2)
    with pytest.raises(RawPostDataException):
        read_body(other, 4)
    kept = by_wsgi(b"1234")
    assert (b"1234", b"1234", None) == (kept.body, read_body(kept, 4), read_body(kept, 3))


def test_a_body_without_a_length() -> None:
    """Chunked: Django itself would find nothing; what was read here is what the view reads, in both ways."""
    for read in (lambda request: request.body, lambda request: request.environ["wsgi.input"].read()):
        chunked = by_wsgi(b"1234", HTTP_TRANSFER_ENCODING="chunked")
        del chunked.environ["CONTENT_LENGTH"]
        chunked.environ |= {"wsgi.input": BytesIO(b"1234"), "wsgi.input_terminated": True}
        assert (b"1234", b"1234", b"1234") == (read_body(chunked, 4), read_body(chunked, 4), read(chunked))


def test_a_larger_body_is_left_to_the_view() -> None:
    """As where a refusal is only reported: all of it is there."""
    assert (None, b"12345") == (read_body(larger := by_wsgi(b"12345"), 4), larger.body)


def test_what_django_itself_would_keep_is_its_own_limit(kind: str) -> None:
    """A body that may be judged, and that the view may not have: the view's own answer."""
    with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=2):
        request = by_wsgi(b"1234") if kind == "wsgi" else by_asgi(b"1234", (b"content-length", b"4"))
        assert b"1234" == read_body(request, 4)
        with pytest.raises(RequestDataTooBig):
            request.body  # noqa: B018 (a property that reads)


def test_a_body_that_does_not_come_whole() -> None:
    """The client has gone: no body, and what the view reads is no more than what came."""

    class Broken(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError("gone")

    gone, short = by_wsgi(b"1234"), by_wsgi(b"1234")
    gone.environ["wsgi.input"] = Broken()
    short.environ["wsgi.input"] = BytesIO(b"12")
    for request in (gone, short):
        with pytest.raises(BodyUnreadable):
            read_body(request, 4)
    assert b"12" == short.read()


def test_a_body_of_which_nobody_knows_the_end_is_left_within_bounds() -> None:
    """As where a refusal is only reported: what the view reads is no more than the length that Django goes by."""
    environ = by_wsgi(b"1234", HTTP_TRANSFER_ENCODING="chunked").environ
    request = WSGIRequest({**environ, "wsgi.input": BytesIO(b"1234GET /next HTTP/1.1")})
    with pytest.raises(BodyUnreadable):
        read_body(request, 4)
    assert b"1234" == request.read()


@pytest.fixture
def settings_of_django() -> Any:
    from django.test import override_settings

    return override_settings
