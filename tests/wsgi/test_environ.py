"""The facts of an environ: what PEP 3333 folds, what servers make of a request target, and bodies read twice."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest

from jwtmw import Policy
from jwtmw.adapter import BodyUnreadable, Code, Deny, WSGIRequest, native, octets, read_body
from jwtmw.testing import TestIssuer
from tests.engine.facts import policy_of

OPEN = "passes"
MISSING = Code.TOKEN_MISSING
BAD = Code.BAD_PATH


def facts(path: str = "/orders", **members: Any) -> WSGIRequest:
    return WSGIRequest({"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": "", **members})


@pytest.fixture
def policy(jwtmw_issuer: TestIssuer) -> Policy:
    """`/public` and the root are open, and `/größe`; all else needs a token."""
    rules = [{"path": path, "allow": "public"} for path in ("/", "/public/**", "/größe")]
    return policy_of(jwtmw_issuer, rules=rules)


def outcome(policy: Policy, request: WSGIRequest) -> str:
    decision = policy.engine.decide_now(request)
    return decision.reason.code if isinstance(decision, Deny) else OPEN


# Paths


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/public", "/public", id="ascii"),
        pytest.param(native("/größe"), "/größe", id="utf-8"),
        pytest.param("/gr\xf6\xdfe", "/gr\ufffd\ufffde", id="no utf-8"),
        pytest.param("", "/", id="empty"),
        pytest.param("*", "*", id="star"),
        pytest.param("/\u20ac", "", id="no native string"),
        pytest.param(7, "", id="a number"),
        pytest.param(b"/public", b"/public", id="bytes"),
        pytest.param(None, "/", id="none"),
    ],
)
def test_the_path_is_decoded_once_as_routers_do_it(path: Any, expected: Any) -> None:
    """Latin-1 to bytes, bytes to text by UTF-8; an empty PATH_INFO is the root."""
    assert expected == facts(path).path


def test_what_an_environ_lacks_is_empty() -> None:
    """PEP 3333: a server need not make variables that are empty; a missing method is none."""
    request = WSGIRequest({})
    assert ("", "/", "", None, b"") == (
        request.method, request.path, request.root_path, request.raw_path, request.query_string,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("script_name", "path_info", "raw", "expected"),
    [
        pytest.param("", "/public/x", "/public/x", OPEN, id="no script name"),
        pytest.param("/api", "/public/x", "/api/public/x", OPEN, id="below it"),
        pytest.param("/api", "", "/api", OPEN, id="itself"),
        pytest.param("/api", "/", "/api/", OPEN, id="itself with a slash"),
        pytest.param("/api", "/public/x", "/public/x", OPEN, id="the server saw the path without it"),
        pytest.param("/api", "/public/x", None, OPEN, id="no raw path"),
        pytest.param("/public", "/admin", "/public/admin", MISSING, id="posing as public"),
        pytest.param("/public", "admin", "/publicadmin", BAD, id="not on a segment edge"),
        pytest.param("/public", "admin", None, BAD, id="not on a segment edge, no raw path"),
        pytest.param("/api", "/api/public/x", "/api/api/public/x", MISSING, id="taken off once"),
        pytest.param("/api", "/api/public/x", "/api/public/x", MISSING, id="given and not taken off"),
        pytest.param("/api/", "/public/x", "/api/public/x", BAD, id="ends in a slash that is not there"),
        pytest.param("/", "/public/x", "/public/x", OPEN, id="a slash alone"),
        pytest.param("/a//b", "/public/x", "/a//b/public/x", BAD, id="ambiguous itself"),
        pytest.param("/%61", "/public/x", "/%61/public/x", BAD, id="percent-encoded"),
        pytest.param("api", "/public/x", "/public/x", BAD, id="no slash"),
        pytest.param(native("/größe"), "/public/x", "/gr%C3%B6%C3%9Fe/public/x", OPEN, id="beyond ASCII"),
        pytest.param(7, "/public/x", "/public/x", BAD, id="a number"),
    ],
)
def test_rules_see_what_the_router_sees(
    policy: Policy, script_name: Any, path_info: str, raw: str | None, expected: str
) -> None:
    """PATH_INFO is matched; SCRIPT_NAME is off already, and only takes part in the comparison with the raw path."""
    members = {"SCRIPT_NAME": script_name} | ({} if raw is None else {"RAW_URI": raw})
    assert expected == outcome(policy, facts(path_info, **members))


@pytest.mark.parametrize("name", ["RAW_URI", "REQUEST_URI"])
@pytest.mark.parametrize(
    ("path_info", "raw", "expected"),
    [
        pytest.param("/public/x", "/public/x?a=//&b=..", OPEN, id="query"),
        pytest.param("/public/x", "/public/%78", OPEN, id="encoded"),
        pytest.param(native("/größe"), "/gr%C3%B6%C3%9Fe", OPEN, id="utf-8 encoded"),
        pytest.param("/public/x", "//public/x", BAD, id="merged by the server"),
        pytest.param("/public/a/b", "/public/a%2Fb", BAD, id="encoded slash"),
        pytest.param("/public/x", "/public/y/../x", BAD, id="resolved by the server"),
        pytest.param("/public/x", "/admin", BAD, id="rewritten"),
        pytest.param("/public/x", "http://orders.example/public/x", BAD, id="absolute form"),
        pytest.param("/public/x", "/public/x#y", BAD, id="fragment"),
        pytest.param(native("/größe"), native("/größe"), BAD, id="raw utf-8"),
        pytest.param("/public/x", "/public/\u20ac", BAD, id="no native string"),
        pytest.param("/public/x", 7, BAD, id="a number"),
        pytest.param("/public/x", b"/public/x", BAD, id="bytes"),
        pytest.param("/", "", BAD, id="empty"),
        pytest.param("", "", BAD, id="both empty"),
        pytest.param("*", "*", BAD, id="star"),
        pytest.param("/public/\xff", "/public/%ff", BAD, id="no utf-8"),
    ],
)
def test_ambiguity_is_judged_on_what_was_received(
    policy: Policy, name: str, path_info: str, raw: Any, expected: str
) -> None:
    """Where the server says it; a server that repaired the path is found out."""
    assert expected == outcome(policy, facts(path_info, **{name: raw}))


def test_the_raw_path_never_holds_the_query() -> None:
    """Tokens in a query are not remembered with the path; RAW_URI goes before REQUEST_URI."""
    assert b"/a" == facts(RAW_URI="/a?jwt=x", REQUEST_URI="/b").raw_path
    assert b"/b" == facts(REQUEST_URI="/b?jwt=x").raw_path


def test_what_is_not_judged_passes_however_odd(jwtmw_issuer: TestIssuer) -> None:
    """Non-secure mode needs nothing of the environ."""
    off = policy_of(jwtmw_issuer, secure=False)
    odd = {"SCRIPT_NAME": 7, "QUERY_STRING": 7, "RAW_URI": 7, "REQUEST_METHOD": None, "HTTP_AUTHORIZATION": 7}
    assert [OPEN, OPEN] == [outcome(off, request) for request in (WSGIRequest({}), facts("//x", **odd))]


def test_an_odd_query_is_refused(policy: Policy) -> None:
    """A server that makes no text of it is not believed in the rest."""
    assert BAD == outcome(policy, facts("/public/x", QUERY_STRING=7))


# Headers and strings


def test_headers_are_found_under_their_folded_names() -> None:
    """Whatever the case; two go without HTTP_; an empty one is there."""
    request = facts(
        HTTP_AUTHORIZATION="Bearer a,Bearer b", HTTP_X_TOKEN="", CONTENT_TYPE="text/plain", CONTENT_LENGTH="3",
        HTTP_CONTENT_TYPE="never/this",
    )  # fmt: skip
    expected = {
        b"authorization": b"Bearer a,Bearer b", b"x-token": b"", b"content-type": b"text/plain",
        b"content-length": b"3", b"cookie": None,
    }  # fmt: skip
    assert expected == {name: request.header(name) for name in expected}


def test_a_name_with_an_underscore_is_never_found() -> None:
    """The environ cannot tell it from the one with a hyphen."""
    assert None is facts(HTTP_X_TOKEN="a").header(b"x_token")


def test_native_strings_stand_for_bytes() -> None:
    """Latin-1 there and back; what no server can have meant is no token."""
    assert (b"\xe9", b"\\u20ac") == (octets("\xe9"), octets("\u20ac"))
    assert "größe".encode() == octets(native("größe"))


# Bodies


class Stream:
    """A server's stream of which no more may be asked than was sent, given out in small pieces."""

    def __init__(self, content: bytes, piece: int = 3, ends: bool = False) -> None:
        self._content, self._piece, self._ends = BytesIO(content), piece, ends
        self.left = len(content)

    def read(self, size: int) -> bytes:
        assert self._ends or size <= self.left, "this would wait for ever"
        data = self._content.read(min(size, self._piece))
        self.left -= len(data)
        return data


def carrying(content: bytes, length: str | None, ends: bool = False) -> dict[str, Any]:
    environ: dict[str, Any] = {"wsgi.input": Stream(content, ends=ends)}
    if length is not None:
        environ["CONTENT_LENGTH"] = length
    return environ | ({"wsgi.input_terminated": True} if ends else {})


@pytest.mark.parametrize(
    ("environ", "expected", "seen"),
    [
        pytest.param(carrying(b"abcdefg", "7"), b"abcdefg", b"abcdefg", id="as large as its length"),
        pytest.param(carrying(b"abcdefgh", "8"), b"abcdefgh", b"abcdefgh", id="as large as the limit"),
        pytest.param(carrying(b"abcdefghi", "9"), None, b"abcdefghi", id="one byte more"),
        pytest.param(carrying(b"x" * 10_000, "10000"), None, b"x" * 10_000, id="much more"),
        pytest.param(carrying(b"abcGET /", "3"), b"abc", b"abc", id="the next request behind it"),
        pytest.param(carrying(b"", "0"), b"", b"", id="empty"),
        pytest.param(carrying(b"GET /", None), b"", b"", id="no length and no end"),
        pytest.param(carrying(b"GET /", ""), b"", b"", id="empty length and no end"),
        pytest.param(carrying(b"abcdefgh", None, ends=True), b"abcdefgh", b"abcdefgh", id="chunked"),
        pytest.param(carrying(b"abcdefghij", None, ends=True), None, b"abcdefghij", id="chunked, larger"),
        pytest.param({"wsgi.input": BytesIO(b"abc")}, b"abc", b"abc", id="no length, and all in memory"),
        pytest.param({"wsgi.input": BytesIO(b"a" * 9)}, None, b"a" * 9, id="in memory, larger"),
    ],
)
def test_a_body_that_was_read_is_read_again(environ: dict[str, Any], expected: bytes | None, seen: bytes) -> None:
    """Whole up to the limit, as often as anybody asks; the application reads all of it, read before or not."""
    assert [expected, expected] == [read_body(environ, 8), read_body(environ, 8)]
    assert seen == environ["wsgi.input"].read()


def test_the_end_of_a_body_that_was_read_can_be_read() -> None:
    """Readers that know the flag find in `wsgi.input` what was read to its end, without a length as well."""
    environ: dict[str, Any] = {"wsgi.input": BytesIO(b"abc"), "HTTP_TRANSFER_ENCODING": "chunked"}
    read_body(environ, 8)
    assert (True, b"abc") == (environ["wsgi.input_terminated"], environ["wsgi.input"].read())


@pytest.mark.parametrize("length", ["-1", "abc", "1e3", "٣", "9" * 5000])
def test_a_length_that_is_none_is_refused(length: str) -> None:
    """Servers refuse it before us; where one does not, the body is not read."""
    environ = carrying(b"abc", length)
    with pytest.raises(BodyUnreadable):
        read_body(environ, 8)
    assert b"abc" == environ["wsgi.input"].read(3)


def test_two_lengths_are_refused() -> None:
    """A length and a transfer coding: one of them lies (RFC 9112 section 6.3)."""
    environ = {**carrying(b"abc", "3", ends=True), "HTTP_TRANSFER_ENCODING": "chunked"}
    with pytest.raises(BodyUnreadable):
        read_body(environ, 8)


def test_a_chunked_body_that_the_server_does_not_decode_is_refused() -> None:
    """What stands there is not what was sent, and nobody knows where it ends."""
    environ = {**carrying(b"3\r\nabc\r\n0\r\n\r\n", None), "HTTP_TRANSFER_ENCODING": "chunked"}
    with pytest.raises(BodyUnreadable):
        read_body(environ, 8)


def test_a_client_that_goes_away_has_no_body() -> None:
    """A body shorter than its length is none, however often it is asked for; the application reads what came."""
    environ = carrying(b"abc", "7", ends=True)
    for _ in range(2):
        with pytest.raises(BodyUnreadable):
            read_body(environ, 8)
    assert b"abc" == environ["wsgi.input"].read()


def test_lines_of_a_body_are_read_again() -> None:
    """As PEP 3333 wants of an input stream, also where only a part was read before."""
    environ = carrying(b"one\ntwo\nthree", "13")
    read_body(environ, 5)
    stream = environ["wsgi.input"]
    assert [b"one\n", [b"two\n", b"three"]] == [stream.readline(), stream.readlines()]
