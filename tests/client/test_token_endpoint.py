"""One question to a token endpoint, and which answers are a token."""

from __future__ import annotations

import json
from time import monotonic
from typing import Any
from urllib.parse import parse_qsl

import pytest

from jwtmw.client.sources import MOST_TOKEN_BYTES, Issued
from jwtmw.client.token_endpoint import MOST_ANSWER_BYTES, Refused, TokenEndpoint, private_key_jwt, terms
from jwtmw.errors import ConfigurationError
from jwtmw.issuers.client_auth import basic, nobody, post
from jwtmw.issuers.fetch import FetchFailed, HttpSettings
from jwtmw.mint.signer import Signer
from tests.client.test_self_signed import said
from tests.issuers.servers import drip, hang, reset, response, serving

PATIENT = HttpSettings(timeout=5)
GOOD = {"access_token": "s3cret-token", "token_type": "Bearer", "expires_in": 300}


def asked(answer: Any, http: HttpSettings = PATIENT) -> Issued:
    with serving(answer) as server:
        return TokenEndpoint(server.url("/token"), nobody, http).ask([("grant_type", "x")], monotonic() + http.timeout)


def failure(answer: Any, http: HttpSettings = PATIENT) -> FetchFailed:
    with pytest.raises(FetchFailed) as caught:
        asked(answer, http)
    assert "s3cret" not in str(caught.value)
    return caught.value


def body(**members: Any) -> bytes:
    document = {name: value for name, value in {**GOOD, **members}.items() if value != "absent"}
    return response(json.dumps(document).encode())


def test_what_is_asked() -> None:
    """A form, whatever is in it, and the service's proof."""
    form = [("grant_type", "client_credentials"), *terms(["a", "b&c=d"], ["x", "y"], ["https://r.example"])]
    with serving(body()) as server:
        issued = TokenEndpoint(server.url("/token"), post("orders", "a&b=c"), PATIENT).ask(form, monotonic() + 5)
    assert Issued("s3cret-token", 300.0) == issued
    (head,) = server.requests
    assert head.startswith("POST /token HTTP/1.1\r\n")
    assert "content-type: application/x-www-form-urlencoded\r\n" in head.lower()
    assert [
        ("grant_type", "client_credentials"),
        ("scope", "a b&c=d"),
        ("audience", "x"),
        ("audience", "y"),
        ("resource", "https://r.example"),
        ("client_id", "orders"),
        ("client_secret", "a&b=c"),
    ] == parse_qsl(server.bodies[0], strict_parsing=True)


def test_proof_by_header() -> None:
    """It goes where a header belongs, and not into the form."""
    with serving(body()) as server:
        TokenEndpoint(server.url(), basic("orders", "word"), PATIENT).ask([("a", "b")], monotonic() + 5)
    assert "\r\nauthorization: basic b3jkzxjzondvcmq=\r\n" in server.requests[0].lower()
    assert ["a=b"] == server.bodies


def test_proof_by_an_assertion() -> None:
    """Signed for each request with the service's own key (RFC 7523 section 2.2)."""
    signer = Signer("ES256")
    with serving(body()) as server:
        endpoint = TokenEndpoint(server.url(), private_key_jwt("orders", signer, "https://id.example/"), PATIENT)
        endpoint.ask([("a", "b")], monotonic() + 5)
    form = dict(parse_qsl(server.bodies[0]))
    claims = said(form["client_assertion"])
    assert ("orders", "orders", "https://id.example/") == (claims["iss"], claims["sub"], claims["aud"])
    assert {"alg": "ES256", "typ": "JWT", "kid": signer.kid} == said(form["client_assertion"], 0)


@pytest.mark.parametrize(
    ("members", "lifetime"),
    [
        ({}, 300.0),
        ({"token_type": "bearer"}, 300.0),
        ({"token_type": "BEARER"}, 300.0),
        ({"expires_in": "absent"}, 60.0),
        ({"expires_in": 1}, 1.0),
        ({"expires_in": 59.5}, 59.5),
        ({"expires_in": 10**9}, 86_400.0),
        ({"scope": "a", "refresh_token": "never used"}, 300.0),
    ],
)
def test_a_good_answer(members: dict[str, Any], lifetime: float) -> None:
    """The type in any case; a lifetime, short where none is said, never more than a day; whatever else is there."""
    assert Issued("s3cret-token", lifetime) == asked(body(**members))


@pytest.mark.parametrize(
    "members",
    [
        {"access_token": "absent"},
        {"access_token": None},
        {"access_token": ""},
        {"access_token": 7},
        {"access_token": ["s3cret"]},
        {"access_token": "s3cret token"},
        {"access_token": "s3cret\r\nX: y"},
        {"access_token": "s3cret\n"},
        {"access_token": "s3crét"},
        {"access_token": "s" * (MOST_TOKEN_BYTES + 1)},
        {"token_type": "absent"},
        {"token_type": None},
        {"token_type": "DPoP"},
        {"token_type": "mac"},
        {"token_type": "N_A"},
        {"token_type": "Bearer "},
        {"expires_in": 0},
        {"expires_in": -1},
        {"expires_in": "300"},
        {"expires_in": True},
        {"expires_in": None},
        {"expires_in": [300]},
    ],
)
def test_what_only_looks_like_a_token_is_none(members: dict[str, Any]) -> None:
    """Not the type that was understood, no text that a header can hold, no lifetime."""
    assert failure(body(**members)).reason.startswith("the answer")


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"null",
        b"[]",
        b'"s3cret"',
        b"<html>s3cret</html>",
        b'{"access_token": "s3cret", "access_token": "other", "token_type": "Bearer"}',
        b'{"access_token": "s3cret", "token_type": "Bearer", "expires_in": NaN}',
        b'{"access_token": "s3cret", "token_type": "Bearer"',
        b"access_token=s3cret&token_type=bearer",
        b"[" * 10_000,
        json.dumps({**GOOD, "padding": "x" * MOST_ANSWER_BYTES}).encode(),
        b" " * 600_000,
    ],
    ids=range(12),
)
def test_garbage_is_no_answer(octets: bytes) -> None:
    """Other than one strict JSON object of a decent size."""
    assert not isinstance(failure(response(octets)), Refused)


@pytest.mark.parametrize(
    ("status", "refused", "reason"),
    [
        ("301 Moved", False, "status 301: a redirect, which is not followed; check token_url"),
        ("307 Moved", False, "status 307: a redirect, which is not followed; check token_url"),
        ("201 Created", False, "status 201: not a success"),
        ("204 No Content", False, "status 204: not a success"),
        ("400 Bad Request", True, "status 400: the endpoint does not grant this"),
        ("401 Unauthorized", False, "status 401: the endpoint refuses this service's own credentials"),
        ("403 Forbidden", False, "status 403: the endpoint refuses this service's own credentials"),
        ("404 Not Found", False, "status 404: not a success"),
        ("429 Slow Down", False, "status 429: not a success"),
        ("500 Broken", False, "status 500: not a success"),
        ("503 Away", False, "status 503: not a success"),
    ],
)
def test_whatever_is_not_200_is_no_token(status: str, refused: bool, reason: str) -> None:
    """A token beside another status is not believed, a redirect is not followed, and Retry-After is heard."""
    octets = json.dumps(GOOD).encode()
    error = failure(response(octets, status, Location="http://127.0.0.1:1/", Retry_After="7"))
    assert error.reason.startswith(reason)
    assert (refused, 7.0) == (isinstance(error, Refused), error.retry_after)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (hang, "timed out after 0.3 s"),
        (drip(*[b" "] * 200, first=b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"), "timed out after 0.3 s"),
        (reset(b""), "the connection failed"),
        (reset(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"), "the connection failed"),
        (b"SSH-2.0-OpenSSH\r\n", "the connection failed"),
    ],
    ids=["hang", "drip", "reset", "half", "other protocol"],
)
def test_an_endpoint_that_is_broken_fails_in_time(answer: Any, reason: str) -> None:
    """One deadline covers everything."""
    http = HttpSettings(timeout=0.3) if reason.startswith("timed out") else PATIENT
    assert failure(answer, http).reason.startswith(reason)


@pytest.mark.parametrize("url", ["http://id.example/token", "https://u:p@id.example/token", "ftp://id.example", "id"])
def test_a_url_that_would_show_the_credentials_does_not_start(url: str) -> None:
    """Plain http to another machine, a user in the URL, or no URL."""
    with pytest.raises(ConfigurationError) as caught:
        TokenEndpoint(url, nobody)
    assert "token_url" == caught.value.key


def test_no_repr_shows_the_proof() -> None:
    """Not even the client's name."""
    assert "s3cret" not in repr(TokenEndpoint("https://id.example/token", basic("orders", "s3cret")))
