"""Which octets are one JSON document that no two readers read differently."""

from __future__ import annotations

import pytest

from jwtmw.strict_json import read_json

GOOD = {
    "object": (b'{"keys": [{"a": 1}, {"a": 2}]}', {"keys": [{"a": 1}, {"a": 2}]}),
    "any script": ('{"ключ": "🔑"}'.encode(), {"ключ": "🔑"}),
    "null": (b" null\n", None),
    "numbers": (b"[1, 1.5, -1e3]", [1, 1.5, -1000.0]),
    "escapes": (b'"\\ud83d\\udd11 \\u0041"', "🔑 A"),
}
BAD = {
    "empty": b"",
    "HTML": b"<!doctype html><title>503</title>",
    "truncated": b'{"keys": [',
    "two documents": b"{}{}",
    "duplicate member": b'{"keys": [], "keys": []}',
    "duplicate member inside": b'{"keys": [{"kid": "a", "k\\u0069d": "b"}]}',
    "byte order mark": b"\xef\xbb\xbf{}",
    "invalid UTF-8": b'{"a": "\xff"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": -Infinity}',
    "a number beyond all": b'{"exp": 1e999}',
    "a lone surrogate": b'{"sub": "\\ud800"}',
    "500 kB deep": b"[" * 500_000,
    "a number of 5000 digits": b"1" * 5000,
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
}


@pytest.mark.parametrize(("octets", "document"), GOOD.values(), ids=GOOD)
def test_strict_json_is_read(octets, document):
    """UTF-8 JSON is read as it is."""
    assert document == read_json(octets)


@pytest.mark.parametrize("octets", BAD.values(), ids=BAD)
def test_anything_else_is_refused(octets):
    """One fixed text, no other exception, and no library's error behind it that would quote the document."""
    with pytest.raises(ValueError, match=r"^not one strict JSON document in UTF-8$") as caught:
        read_json(octets)
    assert None is caught.value.__context__
