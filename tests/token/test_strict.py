"""One text, one reading: base64url, b64token and JSON without a second spelling."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jwtmw.token import strict
from jwtmw.token.strict import decode_segment, is_b64token, read_object
from tests.token.made import segment

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@given(st.binary(min_size=1, max_size=40))
def test_octets_come_back_from_their_segment(octets):
    """Any octets are read back from their one canonical spelling."""
    assert octets == decode_segment(segment(octets))


@given(st.binary(min_size=1, max_size=12))
def test_no_other_text_is_a_segment(text):
    """Whatever decodes is the canonical spelling of what it decodes to."""
    octets = decode_segment(text)
    assert not octets or text == segment(octets)


def test_only_the_alphabet_decodes():
    """Of all octets exactly the 64 of base64url may stand in a segment."""
    allowed = {octet for octet in range(256) if decode_segment(b"A" + bytes([octet]) + b"AA")}
    assert set(ALPHABET.encode()) == allowed


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"A",
        b"AAAAA",
        b"QQ==",
        b"QQ=",
        b"QR",
        b"QUJ",
        b"QUI=",
        b"Q Q",
        b"QQ\n",
        b"\nQQ",
        b"QQ\x00",
        b"QQ..",
        b"+/+/",
    ],
    ids=repr,
)
def test_a_segment_has_one_spelling(text):
    """Padding, unused bits, blanks, the other alphabet and impossible lengths are refused."""
    assert b"" == decode_segment(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"a", True),
        (b"aZ09-._~+/", True),
        (b"a==", True),
        (b"", False),
        (b"=", False),
        (b"a=b", False),
        (b"a b", False),
        (b"a,b", False),
        (b'"a"', False),
        (b"a\n", False),
        (b"a\x00", False),
        (b"\xe9", False),
        (b"a\x7f", False),
    ],
    ids=repr,
)
def test_b64token(text, expected):
    """RFC 6750, section 2.1, decides what a b64token is."""
    assert expected is is_b64token(text)


REFUSED = {
    "empty": b"",
    "blank": b" ",
    "list": b"[]",
    "text": b'"a"',
    "number": b"1",
    "null": b"null",
    "truncated": b'{"a":1',
    "trailing": b'{"a":1}x',
    "two objects": b'{"a":1}{"a":1}',
    "trailing comma": b'{"a":1,}',
    "single quotes": b"{'a':1}",
    "comment": b'{"a":1}/**/',
    "bare name": b"{a:1}",
    "NUL behind": b'{"a":1}\x00',
    "byte order mark": b'\xef\xbb\xbf{"a":1}',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "UTF-16 without mark": '{"a":1}'.encode("utf-16-le"),
    "UTF-32": '{"a":1}'.encode("utf-32"),
    "latin-1": '{"a":"é"}'.encode("latin-1"),
    "overlong": b'{"a":"\xc0\xae"}',
    "overlong name": b'{"\xc0\xae":1}',
    "CESU-8": b'{"a":"\xed\xa0\xbd\xed\xb8\x80"}',
    "surrogate in UTF-8": b'{"\xed\xa0\x80":1}',
    "beyond Unicode": b'{"a":"\xf4\x90\x80\x80"}',
    "lone surrogate": b'{"a":"\\ud800"}',
    "lone low surrogate": b'{"a":"x\\udc00"}',
    "surrogates the wrong way round": b'{"a":"\\ude00\\ud83d"}',
    "lone surrogate in a name": b'{"\\ud800":1}',
    "lone surrogate inside": b'{"a":[{"b":"\\uDBFF"}]}',
    "twice": b'{"a":1,"a":1}',
    "twice, other value": b'{"a":1,"b":2,"a":3}',
    "twice, escaped": b'{"a":1,"\\u0061":1}',
    "twice, spaced": b'{ "a" : 1, "a" : 1 }',
    "twice inside": b'{"a":{"b":1,"b":1}}',
    "twice in a list": b'{"a":[{"b":1,"b":1}]}',
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":Infinity}',
    "-Infinity": b'{"a":[-Infinity]}',
    "nan": b'{"a":nan}',
    "1e999": b'{"a":1e999}',
    "-1e999": b'{"a":-1e999}',
    "1" + "0" * 400 + ".0": b'{"a":1' + b"0" * 400 + b".0}",
    "5000 digits": b'{"a":' + b"9" * 5000 + b"}",
    "leading zero": b'{"a":01}',
    "plus": b'{"a":+1}',
    "bare point": b'{"a":1.}',
    "hexadecimal": b'{"a":0x1}',
    "full-width digit": '{"a":１}'.encode(),
    "underscore": b'{"a":1_0}',
    "raw control character": b'{"a":"\x01"}',
    "raw line feed": b'{"a":"\n"}',
    "raw NUL": b'{"a":"\x00"}',
    "bad escape": b'{"a":"\\x41"}',
    "short escape": b'{"a":"\\u41"}',
    "no-break space": '\u00a0{"a":1}'.encode(),
    "vertical tab": b'\x0b{"a":1}',
    "deep lists": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deep, with an escape": b'{"b":"\\u0041","a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_is_no_strict_object(text):
    """A text that is no JSON object, or one that readers read differently, is refused without an exception."""
    assert read_object(text) is None


READ = {
    "empty": (b"{}", {}),
    "compact": (b'{"a":1,"b":[1.5,null,true]}', {"a": 1, "b": [1.5, None, True]}),
    "spaced": (b' {"a": 1,\r\n\t"b": [ ] } ', {"a": 1, "b": []}),
    "escaped": (b'{"\\u0061":"\\/\\n\\u00e9"}', {"a": "/\n\xe9"}),
    "surrogate pair": (b'{"a":"\\ud83d\\ude00"}', {"a": "\U0001f600"}),
    "escaped backslash before u": (b'{"a":"\\\\ud800"}', {"a": "\\ud800"}),
    "raw UTF-8": ('{"ä":"😀"}'.encode(), {"ä": "😀"}),
    "the same name at two levels": (b'{"a":{"a":1},"b":{"a":1}}', {"a": {"a": 1}, "b": {"a": 1}}),
    "names that differ in case": (b'{"a":1,"A":2}', {"a": 1, "A": 2}),
    "names that differ in normal form": (
        '{"\u00e9":1,"e\u0301":2}'.encode(),
        {"\u00e9": 1, "e\u0301": 2},
    ),
    "large number": (b'{"a":123456789012345678901234567890}', {"a": 123456789012345678901234567890}),
    "1e300": (b'{"a":1e300}', {"a": 1e300}),
    "negative zero": (b'{"a":-0}', {"a": 0}),
    "DEL": (b'{"a":"\x7f"}', {"a": "\x7f"}),
}


@pytest.mark.parametrize(("text", "expected"), READ.values(), ids=READ)
def test_what_is_a_strict_object(text, expected):
    """Ordinary JSON is read, however it is spaced and escaped."""
    assert expected == read_object(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.text(max_size=4), JSON, max_size=4), st.booleans(), st.sampled_from([None, (",", ":")]))
def test_the_quick_way_reads_what_the_strict_way_reads(value, ascii_only, separators):
    """Where the quick way has an answer, the strict way has the same, of the same types."""
    text = json.dumps(value, ensure_ascii=ascii_only, separators=separators).encode()
    quick = strict._read_canonical(text)
    assert value == strict._read_strictly(text)
    assert quick is None or repr(value) == repr(quick)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from([b'"a"', b'"b"', b":", b",", b"{", b"}", b"[", b"]", b" ", b"1", b"\\u0061", b'"']), max_size=9
    )
)
def test_the_quick_way_never_says_more_than_the_strict_way(parts):
    """Whatever the quick way accepts, the strict way accepts too."""
    text = b'{"a":1' + b"".join(parts) + b"}"
    quick = strict._read_canonical(text)
    assert quick is None or quick == strict._read_strictly(text)
