"""Which paths two readers could read differently, and what the router sees."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import quote, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette._utils import get_route_path

from jwtmw.policy import paths
from jwtmw.policy.paths import ambiguous, route_path
from jwtmw.policy.rules import Rule, RuleBook

short = settings(max_examples=200, deadline=None)

ORDINARY = {
    "root": "/",
    "plain": "/orders/1234",
    "trailing-slash": "/orders/",
    "dots": "/v1.2/report.final.pdf",
    "dot-first": "/.well-known/openid-configuration",
    "dot-last": "/file.",
    "two-dots-inside": "/compare/main..topic",
    "two-dots-first": "/..hidden/x",
    "two-dots-last": "/hidden../x",
    "three-dots": "/.../x",
    "three-dots-last": "/compare/...",
    "dashes": "/a-b--c/-/--",
    "date": "/2026-11-22T10:30:00+01:00",
    "email": "/users/jane.doe+tag@mail.example.org",
    "blank": "/my documents/a b.txt",
    "blank-at-the-ends": "/ a /b ",
    "question-mark": "/what?/x",
    "hash": "/c#/x",
    "hundred-percent": "/100%",
    "percent-word": "/100% sure/5%-ish/%zz/%a",
    "percent-u": "/%unit/%u12",
    "sub-delims": "/!$&'()*+,=:@",
    "odd-ascii": '/[a]/{b}/<c>/|d|/^e^/`f`/"g"/~h',
    "windows-drive": "/C:/x",
    "google-verb": "/v1/users:batchGet",
    "uuid": "/8c1e6a6e-7f1e-4f6d-9c6c-2a6b0f2f9f10",
    "base64url": "/eyJhbGciOiJub25lIn0_-/x==",
    "latin": "/café/größe/ñandú",
    "greek": "/αβγ",
    "cyrillic": "/заказы/1",
    "arabic": "/طلبات/١٢",
    "hebrew": "/הזמנות",
    "hindi": "/आदेश",
    "thai": "/คำสั่งซื้อ",
    "chinese": "/订单/一",
    "japanese-fullwidth": "/注文／一覧．終",
    "korean": "/주문",
    "emoji-with-joiner": "/👩‍👩‍👧/🎉",
    "combining": "/e\u0301",
    "no-break-space": "/a\u00a0b",
    "zero-width-non-joiner": "/می‌خواهم",
    "astral": "/𝒳/\U0001f600",
    "long": "/" + "a/b-c." * 2000,
}


@pytest.mark.parametrize("path", ORDINARY.values(), ids=ORDINARY)
@pytest.mark.parametrize("safe", ["/", "/!$&'()*+,=:@~", '/[]{}|^"<>`@:'], ids=["quoted", "sub-delims", "as-browsers"])
def test_an_ordinary_path_is_never_refused(path: str, safe: str) -> None:
    """Dots, dashes, addresses, dates, blanks and letters of any script pass, with and without the bytes received."""
    raw = quote(path, safe=safe).encode()
    assert [False, False] == [ambiguous(path, None), ambiguous(path, raw)]


@pytest.mark.parametrize(
    ("path", "raw_path"),
    [
        pytest.param("/admin", b"/%61dmin", id="encoded-letter"),
        pytest.param("/a.b", b"/a%2eb", id="encoded-dot"),
        pytest.param("/café", b"/caf%c3%a9", id="lower-case-hex"),
        pytest.param("/a~b", b"/a%7Eb", id="encoded-unreserved"),
        pytest.param("/orders", b"/orders?x=/admin", id="query-behind-it"),
        pytest.param("/orders", b"/orders?x=%2f#\xff", id="query-is-not-looked-at"),
        pytest.param("/what?", b"/what%3f?x=1", id="encoded-question-mark-and-query"),
    ],
)
def test_another_spelling_of_one_reading_is_not_refused(path: str, raw_path: bytes) -> None:
    """What decodes once to the path is the path, however it was spelled."""
    assert not ambiguous(path, raw_path)


REFUSED = {
    "empty": "",
    "no-slash": "admin",
    "asterisk": "*",
    "authority": "@evil/admin",
    "absolute": "http://h/admin",
    "two-slashes": "//admin",
    "two-slashes-inside": "/app//admin",
    "two-slashes-last": "/admin//",
    "dot": "/./admin",
    "dot-last": "/admin/.",
    "dot-dot": "/app/../admin",
    "dot-dot-last": "/app/..",
    "dot-dot-only": "/..",
    "backslash": "/app\\admin",
    "backslash-dots": "/app\\..\\admin",
    "semicolon": "/admin;x=1",
    "semicolon-segment": "/public/..;/admin",
    "newline": "/admin\n",
    "two-newlines": "/admin\n\n",
    "carriage-return": "/admin\r",
    "tab": "/admin\t",
    "nul": "/admin\0",
    "vertical-tab": "/admin\x0b",
    "unit-separator": "/admin\x1f",
    "delete": "/admin\x7f",
    "next-line": "/admin\x85",
    "c1": "/a\x9fb",
    "line-separator": "/admin\u2028",
    "paragraph-separator": "/admin\u2029",
    "replacement-character": "/a\ufffdb",
    "high-surrogate": "/a\ud800",
    "low-surrogate": "/a\udcff",
    "dot-before-newline": "/..\n",
    "encoded-letter-again": "/%61dmin",
    "encoded-dots-again": "/%2e%2E/admin",
    "encoded-slash-again": "/a%2fb",
    "encoded-percent-again": "/a%25",
    "encoded-nul-again": "/a%00",
    "encoded-bad-utf8-again": "/a%ff",
    "encoded-u-again": "/%u002e%u002e/admin",
}


@pytest.mark.parametrize("path", REFUSED.values(), ids=REFUSED)
def test_an_ambiguous_path_is_refused(path: str) -> None:
    """What readers merge, resolve, cut, repair or decode again is refused, with and without the bytes received."""
    raw = quote(path.encode("utf-8", "surrogatepass"), safe="/;\\\n@").encode()
    assert [True, True] == [ambiguous(path, None), ambiguous(path, raw)]


@pytest.mark.parametrize(
    ("path", "raw_path"),
    [
        pytest.param("/a/b", b"/a%2Fb", id="encoded-slash"),
        pytest.param("/a/b", b"/a%2fb", id="encoded-slash-lower-case"),
        pytest.param("/admin", b"/app/..%2fadmin", id="resolved-by-the-server"),
        pytest.param("/admin", b"//admin", id="merged-by-the-server"),
        pytest.param("/admin", b"/admin;x=1", id="cut-by-the-server"),
        pytest.param("/admin", b"/admin#/public", id="fragment"),
        pytest.param("/admin#/public", b"/admin#/public", id="raw-fragment"),
        pytest.param("/a b", b"/a b", id="raw-blank"),
        pytest.param("/a", b"/a\n", id="raw-newline"),
        pytest.param("/a", b"/a\x00", id="raw-nul"),
        pytest.param("/a", b"/a\x7f", id="raw-delete"),
        pytest.param("/é", "/é".encode(), id="raw-utf-8"),
        pytest.param("/é", b"/\xe9", id="raw-latin-1"),
        pytest.param("/é", b"/%e9", id="encoded-latin-1"),
        pytest.param("/../admin", b"/%c0%ae%c0%ae/admin", id="overlong"),
        pytest.param("/a", b"/%ed%a0%80", id="encoded-surrogate"),
        pytest.param("/100%", b"/100%", id="lone-percent"),
        pytest.param("/%2", b"/%2", id="half-an-escape"),
        pytest.param("/%zz", b"/%zz", id="no-hex"),
        pytest.param("/%u002e", b"/%u002e", id="escape-of-utf-16"),
        pytest.param("/admin", b"/public", id="another-path"),
        pytest.param("/admin", b"/Admin", id="another-case"),
        pytest.param("/admin", b"/admin/", id="another-slash"),
        pytest.param("/e\u0301", b"/%C3%A9", id="another-normal-form"),
        pytest.param("/a", b"", id="nothing-received"),
        pytest.param("/admin", b"http://h/admin", id="absolute-form"),
        pytest.param("/a?", b"/a?", id="query-mark-is-cut-first"),
    ],
)
def test_received_bytes_that_say_something_else_are_refused(path: str, raw_path: bytes) -> None:
    """Bytes that are malformed, hide a slash, or do not decode to the path make it ambiguous."""
    assert ambiguous(path, raw_path)


@pytest.mark.parametrize(
    ("path", "raw_path", "root_path"),
    [
        pytest.param("/v1/a", b"/v1/a", "/v1", id="in-both"),
        pytest.param("/v1/a", b"/a", "/v1", id="left-out-of-raw-path"),
        pytest.param("/a", b"/v1/a", "/v1", id="cut-off-the-path"),
        pytest.param("/caf\u00e9/a b", b"/a%20b", "/caf\u00e9", id="root-path-is-decoded"),
        pytest.param("/v1", b"", "/v1", id="nothing-behind-the-root"),
        pytest.param("/v1//a", b"/v1//a", "/v1/", id="root-path-ends-in-a-slash"),
    ],
)
def test_root_path_may_be_missing_on_one_side(path: str, raw_path: bytes, root_path: str) -> None:
    """Servers differ in whether root_path is part of raw_path and path; that alone refuses nobody."""
    assert not ambiguous(path, raw_path, root_path)


@pytest.mark.parametrize(
    ("path", "raw_path", "root_path"),
    [
        pytest.param("/admin", b"/x/../admin", "/x/..", id="dots-in-the-root"),
        pytest.param("/admin", b"/v2/admin", "/v1", id="another-root"),
        pytest.param("/v1/v1/admin", b"/admin", "/v1", id="root-twice"),
        pytest.param("/v1///a", b"/v1///a", "/v1/", id="a-slash-too-many"),
        pytest.param("/v1//", b"/x", "/v1/", id="root-path-ends-in-a-slash"),
        pytest.param("/v1//a", None, "/v1", id="two-slashes-behind-the-root"),
    ],
)
def test_root_path_excuses_nothing_else(path: str, raw_path: bytes | None, root_path: str) -> None:
    """A root_path explains its own absence and its own last slash only."""
    assert ambiguous(path, raw_path, root_path)


@pytest.mark.parametrize("path", [None, b"/admin", 7, ["/"], object()], ids=lambda path: type(path).__name__)
def test_a_path_that_is_no_text_is_refused(path: object) -> None:
    """A path that is no text is refused instead of raising."""
    assert ambiguous(path, None)


def test_facts_of_a_wrong_type_are_refused() -> None:
    """A raw_path that is no bytes, or a root_path that is no text, is refused where it matters."""
    wrong = cast("Any", "/a")
    assert [True, True] == [ambiguous("/a", wrong), ambiguous("/a b", None, cast("Any", None))]


@short
@given(st.text(), st.none() | st.binary(), st.text())
def test_judging_never_raises(path: str, raw_path: bytes | None, root_path: str) -> None:
    """For any texts and bytes there is an answer."""
    assert ambiguous(path, raw_path, root_path) in (True, False)
    assert ambiguous("/" + path, raw_path, root_path) in (True, False)


@short
@given(st.text(alphabet=[*map(chr, range(0x20, 0x80)), "/", ".", "%", "é", "\n"]).map("/".__add__), st.booleans())
def test_the_short_cut_agrees_with_the_exact_answer(path: str, received: bool) -> None:
    """The fast answer for plain paths is the exact one."""
    raw_path = path.encode() if received else None
    assert paths._ambiguous(path, raw_path, "") == ambiguous(path, raw_path)


# Everything but what may not stand in a path; "%" is left out, as a text may happen to hold an escape.
_ordinary_text = st.text(
    alphabet=st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="/\\;%\u2028\u2029\ufffd"),
    min_size=1,
    max_size=12,
)
_segments = st.lists(_ordinary_text.filter(lambda segment: segment not in {".", ".."}), min_size=1, max_size=5)


@short
@given(_segments)
def test_any_ordinary_segments_pass_and_find_their_rule(segments: list[str]) -> None:
    """Quoted and unquoted once, ordinary segments are accepted, and the rule with as many {name}s is found."""
    raw = "/" + "/".join(quote(segment, safe="") for segment in segments)
    path = unquote(raw)
    rule = Rule("/" + "/".join(f"{{p{number}}}" for number in range(len(segments))))
    assert not ambiguous(path, raw.encode())
    assert rule is RuleBook([rule]).find("GET", route_path(path, ""))


@short
@given(_segments, st.integers(min_value=0), st.sampled_from([".", "..", "", "\\", ";", "\n", "%2e", "%00", "\ufffd"]))
def test_one_odd_segment_refuses_any_path(segments: list[str], place: int, odd: str) -> None:
    """However ordinary the rest is, one odd segment before the last makes the path ambiguous."""
    place %= len(segments)
    assert ambiguous("/" + "/".join([*segments[:place], odd, *segments[place:]]), None)


@pytest.mark.parametrize(
    ("path", "root_path", "expected"),
    [
        pytest.param("/admin", "", "/admin", id="no-root"),
        pytest.param("/v1/admin", "/v1", "/admin", id="root"),
        pytest.param("/v1", "/v1", "/", id="only-root"),
        pytest.param("/v1/", "/v1", "/", id="root-and-slash"),
        pytest.param("/v1x/admin", "/v1", "/v1x/admin", id="no-segment-edge"),
        pytest.param("/admin", "/v1", "/admin", id="root-left-out"),
        pytest.param("/v1//a", "/v1/", "/a", id="root-ends-in-a-slash"),
        pytest.param("/v1/a", "/v1/", "/v1/a", id="root-ends-in-a-slash-without-another"),
    ],
)
def test_route_path(path: str, root_path: str, expected: str) -> None:
    """The router sees the path less root_path, on a segment edge only; nothing left is the root."""
    assert expected == route_path(path, root_path)


@short
@given(st.text(alphabet="/av1").map("/".__add__), st.text(alphabet="/av1", max_size=4))
def test_route_path_is_what_starlette_routes(path: str, root_path: str) -> None:
    """The path that is judged is the one that Starlette's router matches."""
    assert (get_route_path({"path": path, "root_path": root_path}) or "/") == route_path(path, root_path)
