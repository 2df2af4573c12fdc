"""What every HTTP client's module relies on: the checks before a call, and a token for clients of another kind."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from multidict import CIMultiDict

from jwtmw.client import CallNotSent, NotAllowedHost, Outgoing, Static, TokenUnavailable
from jwtmw.client.sources import MOST_TOKEN_BYTES
from jwtmw.errors import ConfigurationError
from tests.client.sources import Failing, Numbered, Returning

HERALD = "https://herald.example"


def outgoing(source: Any = None, **keys: Any) -> Outgoing:
    return Outgoing(source or Static("s3cret-token"), **{"hosts": [HERALD], **keys})


def test_a_token_for_clients_of_another_kind() -> None:
    """Given the call, in threads and on event loops; a source sees what the call is."""
    source = Numbered()
    out = outgoing(source)
    assert "token-1" == out.token(f"{HERALD}/a?b#c", "POST", b"body")
    assert "token-1" == asyncio.run(out.atoken(f"{HERALD}/a"))
    first, second = source.calls
    assert ("POST", f"{HERALD}/a?b", HERALD, b"body") == (first.method, first.url, first.origin, first.body)
    assert ("GET", b"") == (second.method, second.body)


def test_in_non_secure_mode_there_is_none() -> None:
    """The source is not asked, and no list holds."""
    out = outgoing(Failing(), secure=False)
    assert None is out.token("http://anywhere.example/")
    assert None is asyncio.run(out.atoken("http://anywhere.example/"))


def test_another_host_gets_none() -> None:
    """The source is not even asked."""
    with pytest.raises(NotAllowedHost):
        outgoing(Failing()).token("https://evil.example/")
    with pytest.raises(NotAllowedHost):
        asyncio.run(outgoing(Failing()).atoken("https://evil.example/"))


def test_a_source_that_fails_gives_none() -> None:
    """No empty token, no call without one."""
    with pytest.raises(TokenUnavailable, match="the source is dry"):
        outgoing(Failing()).token(HERALD)
    with pytest.raises(TokenUnavailable, match="the source is dry"):
        asyncio.run(outgoing(Failing()).atoken(HERALD))


@pytest.mark.parametrize(
    "given",
    [None, "", b"token", 7, "two words", "a\r\nX: y", "a\n", "tokén", "Bearer a", "a,b", "a" * (MOST_TOKEN_BYTES + 1)],
)
def test_what_is_no_token_goes_nowhere(given: object) -> None:
    """Whatever a source gave: it would split the header, or be read in two ways."""
    with pytest.raises(TokenUnavailable, match="is no token that a header can hold"):
        outgoing(Returning(given)).token(HERALD)


@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
def test_a_field_that_is_there_is_not_overwritten(name: str) -> None:
    """Somebody meant something by it: the call is not sent, and nothing is shown."""
    with pytest.raises(CallNotSent) as caught:
        outgoing().call("GET", HERALD, {name: "Basic czNjcmV0"}, None)
    assert "the call has a field Authorization already; it is not overwritten" == caught.value.reason


def test_another_field_may_be_there() -> None:
    """The token goes into its own."""
    assert HERALD == outgoing(header="JWT").call("GET", HERALD, {"Authorization": "Basic x"}, None).origin


@pytest.mark.parametrize(
    ("host", "sent"), [("herald.example", True), ("Herald.example:443", True), ("evil.example", False)]
)
def test_a_host_field_leads_nowhere_else(host: str, sent: bool) -> None:
    """A server of many names would hand the token to another."""
    if sent:
        assert HERALD == outgoing().call("GET", HERALD, {"host": host}, None).origin
    else:
        with pytest.raises(CallNotSent, match="Host field"):
            outgoing().call("GET", HERALD, {"host": host}, None)


def test_no_second_host_field_leads_elsewhere() -> None:
    """Whichever of the two the server goes by."""
    fields = CIMultiDict([("Host", "herald.example"), ("Host", "evil.example")])
    with pytest.raises(CallNotSent, match="Host field"):
        outgoing().call("GET", HERALD, fields, None)


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        ({}, "Bearer s3cret-token"),
        ({"scheme": "JWT"}, "JWT s3cret-token"),
        ({"header": "JWT", "scheme": ""}, "s3cret-token"),
    ],
)
def test_field_and_scheme_can_be_chosen(keys: dict[str, str], value: str) -> None:
    """Authentise's services take the token alone in the field JWT."""
    assert value == outgoing(**keys).value("s3cret-token")


@pytest.mark.parametrize(
    ("key", "keys"),
    [
        ("header", {"header": ""}),
        ("header", {"header": "X Y"}),
        ("header", {"header": "X:"}),
        ("header", {"header": "X\r\nY"}),
        ("scheme", {"scheme": "a b"}),
        ("scheme", {"scheme": "a\n"}),
        ("hosts", {"hosts": []}),
        ("hosts", {"hosts": ["herald.example"]}),
        ("token", {"source": None}),
    ],
)
def test_what_cannot_work_does_not_start(key: str, keys: dict[str, Any]) -> None:
    """Names that no header can hold, hosts that are none, a token that is none."""
    with pytest.raises(ConfigurationError) as caught:
        Outgoing(**{"source": Static("x"), "hosts": [HERALD], **keys}) if "source" not in keys else Static("two words")
    assert key == caught.value.key
    assert caught.value.cure


def test_a_static_token_has_no_other() -> None:
    """Refused, it is not tried again."""
    out = outgoing()
    assert "s3cret-token" == out.token(HERALD)
    assert not out.refuse(out.call("GET", HERALD, {}, None), "s3cret-token")


def test_nothing_shows_the_token_or_what_is_called() -> None:
    """No repr, no error."""
    out = outgoing()
    call = out.call("GET", f"{HERALD}/?key=s3cret", {}, b"s3cret")
    assert "s3cret" not in repr(out) + repr(call) + repr(out.httpx2())
    with pytest.raises(NotAllowedHost) as caught:
        out.token("https://user:s3cret@evil.example/?key=s3cret")
    assert "s3cret" not in str(caught.value)
