"""The client credentials grant: what is granted, and each refusal of RFC 6749 section 5.2."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import pytest

from jwtmw.mint.grant import Client, GrantError, TokenRequest, read_token_request

APP = Client("app", "s:e+c ret", ("orders:read", "orders:write"))
BARE = Client("bare", "other")
CLIENTS = {"app": APP, "bare": BARE}
AUDIENCE = ("orders", "billing")
FORM = {"content-type": "application/x-www-form-urlencoded"}
POSTED = b"grant_type=client_credentials&client_id=app&client_secret=s:e%2Bc+ret"


def basic(credentials: bytes) -> dict[str, str]:
    return {**FORM, "authorization": "Basic " + base64.b64encode(credentials).decode()}


def read(body: bytes, headers: Mapping[str, str] = FORM) -> TokenRequest:
    return read_token_request(headers, body, CLIENTS, AUDIENCE)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        pytest.param(FORM, POSTED, id="post"),
        pytest.param(basic(b"app:s%3Ae%2Bc+ret"), b"grant_type=client_credentials", id="basic-form-encoded"),
        pytest.param(
            {**basic(b"app:s:e%2Bc%20ret"), "content-type": "application/x-www-form-urlencoded; charset=UTF-8"},
            b"grant_type=client_credentials&client_id=app",
            id="basic-beside-client-id",
        ),
    ],
)
def test_both_ways_of_client_authentication_work(headers: Mapping[str, str], body: bytes) -> None:
    """A client authenticates by Basic or in the form (RFC 6749 section 2.3.1)."""
    assert TokenRequest(APP, ("orders:read", "orders:write"), ("orders",)) == read(body, headers)


@pytest.mark.parametrize(
    ("more", "scopes"),
    [
        pytest.param(b"", ("orders:read", "orders:write"), id="all-by-default"),
        pytest.param(b"&scope=", ("orders:read", "orders:write"), id="empty-counts-as-omitted"),
        pytest.param(b"&scope=orders:write", ("orders:write",), id="one"),
        pytest.param(b"&scope=orders:write+orders:read+orders:write", ("orders:write", "orders:read"), id="twice"),
    ],
)
def test_scopes_are_those_asked_for(more: bytes, scopes: tuple[str, ...]) -> None:
    """A client gets the scopes that it asks for, else all that it may have."""
    assert scopes == read(POSTED + more).scopes


@pytest.mark.parametrize(
    ("more", "audience"),
    [
        pytest.param(b"", ("orders",), id="the-first-by-default"),
        pytest.param(b"&audience=billing", ("billing",), id="audience"),
        pytest.param(b"&resource=billing&resource=orders", ("billing", "orders"), id="resource-repeated"),
        pytest.param(b"&audience=orders&resource=orders", ("orders",), id="the-same-by-both-names"),
    ],
)
def test_the_audience_is_the_one_asked_for(more: bytes, audience: tuple[str, ...]) -> None:
    """A client names its audience as `audience` or as `resource` (RFC 8707)."""
    assert audience == read(POSTED + more).audience


def test_a_client_without_scopes_gets_none() -> None:
    """Where a client may have no scope, none is granted."""
    assert () == read(b"grant_type=client_credentials&client_id=bare&client_secret=other").scopes


@pytest.mark.parametrize(
    ("headers", "body", "error", "status"),
    [
        pytest.param({}, POSTED, "invalid_request", 400, id="no-content-type"),
        pytest.param({"content-type": "application/json"}, b"{}", "invalid_request", 400, id="json"),
        pytest.param(FORM, b"grant_type=\xff", "invalid_request", 400, id="not-utf8"),
        pytest.param(FORM, b"grant_type=%ff", "invalid_request", 400, id="escapes-not-utf8"),
        pytest.param(FORM, POSTED + b"&scope=a&scope=b", "invalid_request", 400, id="repeated"),
        pytest.param(FORM, POSTED.partition(b"&")[2], "invalid_request", 400, id="no-grant-type"),
        pytest.param(basic(b"app:s:e%2Bc+ret"), POSTED, "invalid_request", 400, id="two-methods"),
        pytest.param(FORM, POSTED.replace(b"client_cred", b"cred"), "unsupported_grant_type", 400, id="grant-type"),
        pytest.param(FORM, b"grant_type=client_credentials", "invalid_client", 401, id="anonymous"),
        pytest.param(FORM, POSTED.replace(b"=app", b"=nobody"), "invalid_client", 401, id="unknown-client"),
        pytest.param(FORM, b"client_id=nobody", "invalid_client", 401, id="unknown-client-without-secret"),
        pytest.param(FORM, POSTED + b"x", "invalid_client", 401, id="wrong-secret"),
        pytest.param(basic(b"app:wrong"), b"", "invalid_client", 401, id="wrong-secret-basic"),
        pytest.param(basic(b"app"), b"", "invalid_client", 401, id="no-colon"),
        pytest.param(basic(b"\xff:x"), b"", "invalid_client", 401, id="basic-not-utf8"),
        pytest.param({**FORM, "authorization": "Basic !"}, b"", "invalid_client", 401, id="basic-not-base64"),
        pytest.param({**FORM, "authorization": "Bearer eDp5"}, b"", "invalid_client", 401, id="other-scheme"),
        pytest.param(FORM, POSTED + b"&scope=admin", "invalid_scope", 400, id="scope"),
        pytest.param(FORM, POSTED + b"&audience=payroll", "invalid_target", 400, id="audience"),
    ],
)
def test_each_refusal_has_its_code(headers: Mapping[str, str], body: bytes, error: str, status: int) -> None:
    """What cannot be granted is refused by the code that the RFC has for it."""
    with pytest.raises(GrantError) as caught:
        read(body, headers)
    assert (error, status) == (caught.value.document["error"], caught.value.status)
    assert (status == 401) == ("WWW-Authenticate" in caught.value.headers)


@pytest.mark.parametrize("parts", [("", "secret"), ("app", "")], ids=["id", "secret"])
def test_a_client_without_id_or_secret_cannot_be_made(parts: tuple[str, str]) -> None:
    """An empty secret would let everybody in who knows the id."""
    with pytest.raises(ValueError, match="a client has an id and a secret"):
        Client(*parts)


def test_repr_of_a_client_hides_its_secret() -> None:
    """Printing a client does not print its secret."""
    assert "Client(id='bare', scopes=())" == repr(BARE)
