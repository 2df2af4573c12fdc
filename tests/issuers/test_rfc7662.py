"""One question to an introspection endpoint, and which answers are answers."""

from __future__ import annotations

import gzip
from typing import Any
from urllib.parse import parse_qsl

import pytest

from jwtmw.issuers.client_auth import bearer, nobody, post
from jwtmw.issuers.fetch import MOST_BYTES, FetchFailed, HttpSettings
from jwtmw.issuers.introspection import Unanswered
from jwtmw.issuers.rfc7662 import MOST_ANSWER_BYTES, Endpoint
from tests.issuers.servers import response, serving

PATIENT = HttpSettings(timeout=5)


def failure(answer: bytes) -> FetchFailed:
    with serving(answer) as server, pytest.raises(FetchFailed) as caught:
        Endpoint(server.url(), nobody, PATIENT)(b"token")
    return caught.value


def test_what_is_asked() -> None:
    """A form with the token, whatever is in it, and the service's proof (RFC 7662 section 2.1)."""
    token = b"a+/~._-&token=b%26\nc=="
    with serving(response(b'{"active": true, "sub": "alice"}')) as server:
        answer = Endpoint(server.url("/introspect"), post("orders", "a&b=c"), PATIENT)(token)
    assert (True, {"active": True, "sub": "alice"}) == (answer.active, answer.claims)
    (head,) = server.requests
    assert head.startswith("POST /introspect HTTP/1.1\r\n")
    assert "content-type: application/x-www-form-urlencoded\r\n" in head.lower()
    assert "accept: application/json\r\n" in head.lower()
    assert [
        ("token", token.decode()),
        ("token_type_hint", "access_token"),
        ("client_id", "orders"),
        ("client_secret", "a&b=c"),
    ] == parse_qsl(server.bodies[0], strict_parsing=True)


def test_proof_by_header() -> None:
    """It goes where a header belongs, and not into the form."""
    with serving(response(b'{"active": false}')) as server:
        answer = Endpoint(server.url(), bearer("word"), PATIENT)(b"t")
    assert (False, None, 0) == tuple(answer)
    assert "\r\nauthorization: bearer word\r\n" in server.requests[0].lower()
    assert ["token=t&token_type_hint=access_token"] == server.bodies


def test_of_a_token_that_is_not_active_nothing_else_counts() -> None:
    """RFC 7662 section 2.2: there should be nothing else, and what is there is not believed."""
    with serving(response(b'{"active": false, "sub": "alice"}')) as server:
        assert (False, None, 0) == tuple(Endpoint(server.url(), nobody, PATIENT)(b"t"))


@pytest.mark.parametrize(
    "body",
    [
        *(
            b'{"active": "true"}',
            b'{"active": 1}',
            b'{"active": null}',
            b'{"sub": "a"}',
            b"{}",
            b"[]",
            b"true",
            b"null",
        ),
        *(
            b'{"active": false, "active": true}',
            b'{"active": true, "a": 1, "a": 2}',
            b"<html>",
            b"",
            b'{"active": true',
        ),
        *(b"\xef\xbb\xbf{}", b'{"active": true, "exp": NaN}', b'{"active": true, "sub": "\xff"}', b"[" * 10_000),
        b"eyJ0eXAiOiJ0b2tlbi1pbnRyb3NwZWN0aW9uK2p3dCJ9.eyJhY3RpdmUiOnRydWV9.c2ln",
    ],
    ids=range(18),
)
def test_what_only_looks_like_an_answer_is_none(body: bytes) -> None:
    """It is no word on the token, neither good nor bad: the endpoint is broken, or is none."""
    error = failure(response(body))
    assert not isinstance(error, Unanswered)
    assert "body" in error.reason or "active" in error.reason


@pytest.mark.parametrize(
    ("status", "about_the_token", "reason"),
    [
        ("301 Moved", False, "status 301: a redirect, which is not followed"),
        ("307 Moved", False, "status 307: a redirect, which is not followed"),
        ("204 No Content", False, "status 204: not a success"),
        ("400 Bad Request", True, "status 400"),
        ("401 Unauthorized", False, "status 401: the endpoint refuses this service's own credentials; check the keys"),
        ("403 Forbidden", False, "status 403: the endpoint refuses this service's own credentials; check the keys"),
        ("404 Not Found", False, "status 404: not a success; check introspection.url"),
        ("413 Too Large", True, "status 413"),
        ("431 Too Large", True, "status 431"),
        ("429 Slow Down", False, "status 429: not a success"),
        ("500 Broken", False, "status 500: not a success"),
        ("503 Away", False, "status 503: not a success"),
    ],
)
def test_whatever_is_not_200_is_no_answer(status: str, about_the_token: bool, reason: str) -> None:
    """A body beside another status is not believed; only what may be due to the token is no outage."""
    error = failure(response(b'{"active": true}', status, Location="http://127.0.0.1:1/", Retry_After="7"))
    assert error.reason.startswith(reason)
    assert (about_the_token, None if about_the_token else 7.0) == (isinstance(error, Unanswered), error.retry_after)


@pytest.mark.parametrize("encoding", ["", "gzip"])
@pytest.mark.parametrize("error", ["invalid_client", "unauthorized_client"])
def test_a_400_that_names_this_service_is_no_word_on_the_token(error: str, encoding: str) -> None:
    """RFC 6749 section 5.2: a bad client secret may be a 400; whoever operates this service hears what to do."""
    body = b'{"error": "%s", "error_description": "canary"}' % error.encode()
    headers = {"Content_Encoding": encoding} if encoding else {}
    failed = failure(response(gzip.compress(body) if encoding else body, "400 Bad Request", **headers))
    cure = "the endpoint refuses this service's own credentials; check the keys of `introspection`"
    assert (False, f"status 400: {cure}") == (isinstance(failed, Unanswered), failed.reason)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b'{"error": "invalid_request"}', ""),
        (b'{"error": ["invalid_client"]}', ""),
        (b'["invalid_client"]', ""),
        (b"invalid_client", ""),
        (b'{"error": "invalid_client"}', "br"),
        (b'{"error": "invalid_client"}' + b" " * MOST_BYTES, ""),
    ],
    ids=range(6),
)
def test_any_other_400_may_be_due_to_the_token(body: bytes, encoding: str) -> None:
    """Which any caller chooses: so it is no outage."""
    headers = {"Content_Encoding": encoding} if encoding else {}
    failed = failure(response(body, "400 Bad Request", **headers))
    assert (True, "status 400") == (isinstance(failed, Unanswered), failed.reason)


@pytest.mark.parametrize(("size", "read"), [(MOST_ANSWER_BYTES, True), (MOST_ANSWER_BYTES + 1, False)])
def test_an_answer_has_a_size(size: int, read: bool) -> None:
    """A larger one is no answer, and no outage either: it is this token's."""
    body = b'{"active": true, "a": "%s"}'
    body %= b"x" * (size - len(body) + 2)
    with serving(response(body)) as server:
        endpoint = Endpoint(server.url(), nobody, PATIENT)
        if read:
            assert size == endpoint(b"t").weight
        else:
            with pytest.raises(Unanswered):
                endpoint(b"t")


@pytest.mark.parametrize("url", ["http://id.example/introspect", "https://a:b@id.example/", "ftp://127.0.0.1/"])
def test_urls_have_the_rules_of_the_fetcher(url: str) -> None:
    """Tokens go out over https, or to this machine."""
    with pytest.raises(FetchFailed):
        Endpoint(url, nobody, PATIENT)(b"t")


def test_nothing_of_the_other_side_is_repeated() -> None:
    """An error page may hold the token that was sent."""
    for answer in (response(b"canary"), response(b"canary", "500 canary"), response(b'{"active": "canary"}')):
        error: Any = failure(answer)
        assert "canary" not in f"{error} {error!r} {error.__context__!r}"
