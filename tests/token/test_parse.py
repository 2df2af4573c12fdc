"""The strict front end: what is no token, or none that a bearer may show."""

from __future__ import annotations

import json

import pytest

from jwtmw.decision import Reason
from jwtmw.errors import TokenRefused
from jwtmw.token import parse as front_end
from jwtmw.token.parse import parse
from tests.token.made import (
    CLAIMS,
    HEADER,
    LIMIT,
    NOW,
    SIGNATURE,
    compact,
    segment,
    spelt,
    token,
    with_claims,
    with_header,
)

GOOD = token()
FIRST, MIDDLE, LAST = GOOD.split(b".")


def reason_of(text: bytes, limit: int = LIMIT) -> Reason:
    with pytest.raises(TokenRefused) as refused:
        parse(text, limit)
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None
    return refused.value.reason


def test_a_good_token_is_read_whole():
    """A good token gives its header, claims, signed octets and signature."""
    read = parse(GOOD, LIMIT)
    assert HEADER == read.header
    assert ("RS256", "one", "at+jwt") == (read.alg, read.kid, read.typ)
    assert CLAIMS == read.claims
    assert ("https://id.example/", "alice", frozenset({"orders"})) == (read.issuer, read.subject, read.audience)
    assert (NOW + 300, None, NOW) == (read.expires_at, read.not_before, read.issued_at)
    assert (FIRST + b"." + MIDDLE, SIGNATURE) == (read.signing_input, read.signature)


def test_a_token_with_the_least():
    """Every claim may be absent here: what must be there is the issuer's to say."""
    read = parse(token({"alg": "RS256"}, {}), LIMIT)
    assert (None, "", None, None, None, None, None) == (
        read.kid,
        read.typ,
        read.issuer,
        read.subject,
        read.expires_at,
        read.not_before,
        read.issued_at,
    )
    assert frozenset() == read.audience


def test_the_size_is_bounded_exactly():
    """A token of exactly the limit is read; one octet more is too large, whatever it is."""
    assert CLAIMS == parse(GOOD, len(GOOD)).claims
    assert Reason.TOKEN_TOO_LARGE is reason_of(GOOD, len(GOOD) - 1)
    assert Reason.TOKEN_TOO_LARGE is reason_of(b" " * (LIMIT + 1))


FORMAT = {
    "one word": b"abc",
    "one dot": FIRST + b"." + MIDDLE,
    "no signature": FIRST + b"." + MIDDLE + b".",
    "no payload": FIRST + b".." + LAST,
    "no header": b"." + MIDDLE + b"." + LAST,
    "three dots": GOOD + b".",
    "leading dot": b"." + GOOD,
    "four segments": GOOD + b"." + LAST,
    "five segments": b".".join([FIRST, MIDDLE, LAST, MIDDLE, LAST]),
    "only dots": b"..",
    "dot": b".",
    "padded signature": GOOD + b"==",
    "unused bits": GOOD[:-1] + bytes([GOOD[-1] + 1]),
    "length of 1 modulo 4": GOOD + b"AAA",
    "standard alphabet": FIRST + b"." + MIDDLE + b".++//",
    "tilde": FIRST + b"." + MIDDLE + b".~AAA",
    "header of the standard alphabet": b"++//." + MIDDLE + b"." + LAST,
    "header with unused bits": b"QR." + MIDDLE + b"." + LAST,
    "payload of length 5": FIRST + b".AAAAA." + LAST,
}


@pytest.mark.parametrize("text", FORMAT.values(), ids=FORMAT)
def test_what_is_no_compact_jws(text):
    """A b64token that is not three canonical segments is refused as a token."""
    assert Reason.TOKEN_FORMAT is reason_of(text)


MALFORMED = {
    "empty": b"",
    "blank": b" ",
    "two words": GOOD + b" x",
    "leading blank": b" " + GOOD,
    "line feed": GOOD + b"\n",
    "tab": FIRST + b".\t" + MIDDLE + b"." + LAST,
    "NUL": GOOD + b"\x00",
    "DEL": GOOD + b"\x7f",
    "latin-1": FIRST + b"." + MIDDLE + b".\xe9AAA",
    "full-width": "ｅ".encode() + GOOD,
    "quoted": b'"' + GOOD + b'"',
    "comma": GOOD + b",x",
    "padding inside": FIRST + b"=." + MIDDLE + b"." + LAST,
    "blank in the header": b"e " + FIRST + b"." + MIDDLE + b"." + LAST,
    "flattened JSON": b'{"protected":"' + FIRST + b'","payload":"' + MIDDLE + b'","signature":"' + LAST + b'"}',
    "flattened JSON with dots": b'{"' + GOOD + b'"}',
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_b64token(text):
    """What is not even a b64token is malformed credentials (RFC 6750, section 2.1)."""
    assert Reason.CREDENTIALS_MALFORMED is reason_of(text)


JSON = {
    "header no JSON": spelt(b"abc", compact(CLAIMS)),
    "header a list": token([], CLAIMS),
    "header null": token(None, CLAIMS),
    "header a text": token("RS256", CLAIMS),
    "header twice alg": spelt(b'{"alg":"none","alg":"RS256"}', compact(CLAIMS)),
    "header twice kid, escaped": spelt(b'{"alg":"RS256","kid":"a","\\u006bid":"b"}', compact(CLAIMS)),
    "header with a byte order mark": spelt(b"\xef\xbb\xbf" + compact(HEADER), compact(CLAIMS)),
    "header in UTF-16": spelt(compact(HEADER).decode().encode("utf-16"), compact(CLAIMS)),
    "header with a lone surrogate": spelt(b'{"alg":"RS256","kid":"\\ud800"}', compact(CLAIMS)),
    "payload no JSON": spelt(compact(HEADER), b"abc"),
    "payload a list": token(HEADER, [CLAIMS]),
    "payload null": token(HEADER, None),
    "payload a token": spelt(compact(HEADER), GOOD),
    "payload twice exp": spelt(compact(HEADER), b'{"exp":1,"exp":9999999999}'),
    "payload twice, nested": spelt(compact(HEADER), b'{"a":{"b":1,"b":2}}'),
    "payload NaN": spelt(compact(HEADER), b'{"exp":NaN}'),
    "payload 1e999": spelt(compact(HEADER), b'{"exp":1e999}'),
    "payload of 5000 digits": spelt(compact(HEADER), b'{"exp":' + b"9" * 5000 + b"}"),
    "payload in UTF-32": spelt(compact(HEADER), compact(CLAIMS).decode().encode("utf-32")),
    "payload in CESU-8": spelt(compact(HEADER), b'{"sub":"\xed\xa0\xbd\xed\xb8\x80"}'),
    "33 levels": spelt(compact(HEADER), b'{"a":' + b"[" * 32 + b"]" * 32 + b"}"),
    "33 levels of objects": spelt(compact(HEADER), b'{"a":' * 33 + b"1" + b"}" * 33),
    "2000 levels": spelt(compact(HEADER), b'{"a":' + b"[" * 2000 + b"]" * 2000 + b"}"),
}


@pytest.mark.parametrize("text", JSON.values(), ids=JSON)
def test_what_is_no_strict_json(text):
    """Header and payload are one strict JSON object each, at most 32 levels deep."""
    assert Reason.TOKEN_JSON is reason_of(text)


def test_32_levels_are_read():
    """JSON as deep as allowed is no reason to refuse."""
    text = b'{"a":' + b"[" * 31 + b"]" * 31 + b"}"
    assert json.loads(text) == parse(spelt(compact(HEADER), text), LIMIT).claims


REFUSED_HEADERS = {
    "no alg": {"typ": "JWT"},
    "empty": {},
    "alg null": HEADER | {"alg": None},
    "alg a number": HEADER | {"alg": 256},
    "alg true": HEADER | {"alg": True},
    "alg a list": HEADER | {"alg": ["RS256"]},
    "alg an object": HEADER | {"alg": {"RS256": 1}},
    "alg empty": HEADER | {"alg": ""},
    "Alg": {"Alg": "RS256"},
    "kid null": HEADER | {"kid": None},
    "kid a number": HEADER | {"kid": 1},
    "kid true": HEADER | {"kid": True},
    "kid a list": HEADER | {"kid": ["one"]},
    "kid an object": HEADER | {"kid": {}},
    "kid too long": HEADER | {"kid": "k" * 1025},
    "kid with a line feed": HEADER | {"kid": "a\nb"},
    "kid with an escape sequence": HEADER | {"kid": "\x1b[31m"},
    "typ null": HEADER | {"typ": None},
    "typ a number": HEADER | {"typ": 1},
    "typ a list": HEADER | {"typ": ["JWT"]},
    "typ not ASCII": HEADER | {"typ": "to\u212aen+jwt"},
    "cty a number": HEADER | {"cty": 1},
    "cty JWT": HEADER | {"cty": "JWT"},
    "cty jwt": HEADER | {"cty": "jwt"},
    "cty application/JWT": HEADER | {"cty": "application/JWT"},
    "crit": HEADER | {"crit": ["exp"], "exp": 1},
    "crit empty": HEADER | {"crit": []},
    "crit a text": HEADER | {"crit": "b64"},
    "crit null": HEADER | {"crit": None},
    "crit like a method": HEADER | {"crit": ["__class__"], "__class__": 1},
    "b64 false": HEADER | {"b64": False, "crit": ["b64"]},
    "b64 true": HEADER | {"b64": True},
    "b64 a text": HEADER | {"b64": "false"},
    "b64 0": HEADER | {"b64": 0},
    "zip": HEADER | {"zip": "DEF"},
    "33 members": HEADER | {f"x{number}": 1 for number in range(30)},
    "3 levels": HEADER | {"jwk": {"x": {}}},
    "3 levels in lists": HEADER | {"x5c": [["a"]]},
    "2049 octets": {"alg": "RS256", "x": "x" * (2049 - len('{"alg":"RS256","x":""}'))},
}


@pytest.mark.parametrize("header", REFUSED_HEADERS.values(), ids=REFUSED_HEADERS)
def test_a_header_that_is_refused(header):
    """Parameters of a wrong type, those that change what is signed or read, and outsized headers are refused."""
    assert Reason.HEADER_REFUSED is reason_of(token(header, CLAIMS))


READ_HEADERS = {
    "32 members": HEADER | {f"x{number}": 1 for number in range(29)},
    "2048 octets": {"alg": "RS256", "x": "x" * (2048 - len('{"alg":"RS256","x":""}'))},
    "2 levels": HEADER | {"jwk": {"kty": "RSA"}, "x5c": ["a"], "jku": "https://evil.example/", "x5u": "file:///"},
    "another content": HEADER | {"cty": "json"},
    "no ASCII in kid": HEADER | {"kid": "schlüssel"},
    "longest kid": HEADER | {"kid": "k" * 1024},
}


@pytest.mark.parametrize("header", READ_HEADERS.values(), ids=READ_HEADERS)
def test_a_header_that_is_read(header):
    """What a header says beside is no reason to refuse, and is looked at by nobody."""
    assert header == parse(token(header, CLAIMS), LIMIT).header


@pytest.mark.parametrize(
    ("typ", "expected"),
    [
        ("JWT", "jwt"),
        ("AT+JWT", "at+jwt"),
        ("application/at+jwt", "at+jwt"),
        ("Application/AT+JWT", "at+jwt"),
        ("application/", "application/"),
        ("application/a/b", "application/a/b"),
        ("text/jwt", "text/jwt"),
        (" at+jwt ", " at+jwt "),
        ("", ""),
    ],
    ids=repr,
)
def test_typ_is_read_as_a_media_type(typ, expected):
    """RFC 7515, section 4.1.9: any case, and "application/" may be left out where no other slash stands."""
    assert expected == parse(with_header(typ=typ), LIMIT).typ


WRONG_TYPES = {"null": None, "true": True, "object": {"a": 1}}
NO_TEXT = WRONG_TYPES | {"number": 1, "list": ["a"], "empty": ""}
NO_DATE = WRONG_TYPES | {
    "text": str(NOW),
    "full-width text": "９９９９",
    "list": [NOW],
    "negative": -1,
    "negative fraction": -0.5,
    "year 10000": 253402300800,
    "2^63": 2**63,
    "2^64": 2**64,
    "10^400": 10**400,
    "1e300": 1e300,
    "a fraction behind 9999": 253402300799.5,
}
UNSAFE_TEXTS = {
    "NUL": "a\x00",
    "line feed": "a\nb",
    "carriage return": "a\rb",
    "escape": "\x1b[0m",
    "DEL": "a\x7f",
    "C1 control": "a\x85b",
    "line separator": "a\u2028b",
    "paragraph separator": "a\u2029b",
    "bidirectional override": "a\u202eb",
    "bidirectional embedding": "a\u202ab",
    "bidirectional isolate": "a\u2066b",
    "pop isolate": "a\u2069b",
}
REFUSED_CLAIMS = {
    **{
        f"{name} {kind}": {name: value}
        for name in ("iss", "sub", "jti", "client_id")
        for kind, value in NO_TEXT.items()
    },
    **{
        f"{name} {kind}": {name: value}
        for name in ("iss", "sub", "jti", "client_id")
        for kind, value in UNSAFE_TEXTS.items()
    },
    **{f"{name} {kind}": {name: value} for name in ("exp", "nbf", "iat") for kind, value in NO_DATE.items()},
    **{f"aud {kind}": {"aud": value} for kind, value in WRONG_TYPES.items()},
    "aud number": {"aud": 1},
    "aud empty": {"aud": ""},
    "aud list with a number": {"aud": ["orders", 1]},
    "aud list with an empty text": {"aud": ["orders", ""]},
    "aud list of lists": {"aud": [["orders"]]},
    "aud list with null": {"aud": [None]},
    **{f"scope {kind}": {"scope": value} for kind, value in WRONG_TYPES.items()},
    "scope number": {"scope": 1},
    "scope list with a number": {"scope": ["a", 1]},
    "sub of 256 characters": {"sub": "é" * 256},
}


@pytest.mark.parametrize("claims", REFUSED_CLAIMS.values(), ids=REFUSED_CLAIMS)
def test_registered_claims_have_their_types(claims):
    """A registered claim of a wrong type or range refuses the token; null is not absence."""
    assert Reason.CLAIMS_MALFORMED is reason_of(with_claims(**claims))


READ_CLAIMS = {
    "aud a text": {"aud": "orders"},
    "aud an empty list": {"aud": []},
    "exp a fraction": {"exp": NOW + 0.5},
    "exp 0": {"exp": 0},
    "exp at the end of 9999": {"exp": 253402300799},
    "scope a list": {"scope": ["a", "b c"]},
    "scope empty": {"scope": ""},
    "scope of thousands": {"scope": " ".join(["s"] * 2000)},
    "sub of 255 characters": {"sub": "é" * 255},
    "sub of any script": {"sub": "Алиса 愛 עברית 👩\u200d🚀"},
    "names in other cases": {"EXP": "never", "Aud": 1, "Sub": None},
    "controls in a claim of one's own": {"note": "a\x00\n\u202e"},
    "not registered": {"azp": 1, "scp": 1, "roles": None},
}


@pytest.mark.parametrize("claims", READ_CLAIMS.values(), ids=READ_CLAIMS)
def test_claims_that_are_read(claims):
    """Good registered claims are read, and others are nobody's business here."""
    assert CLAIMS | claims == parse(with_claims(**claims), LIMIT).claims


@pytest.mark.parametrize("cnf", [{"jkt": "x"}, {"x5t#S256": "x"}, {}, None, "x"], ids=repr)
def test_a_bound_token_is_no_bearer_token(cnf):
    """A token with `cnf` is refused while nothing checks the binding (RFC 9449, section 7.2)."""
    assert Reason.PROOF_MISSING is reason_of(with_claims(cnf=cnf))


def test_claims_and_header_are_read_only():
    """Neither claims nor the header, which tokens share, can be written in."""
    read = parse(with_claims(nested={"list": [1]}), LIMIT)
    for write in (read.claims, read.header, read.claims["nested"]):
        with pytest.raises(TypeError):
            write["new"] = 1
    with pytest.raises(TypeError):
        read.claims["nested"]["list"].append(2)


def test_headers_are_remembered_by_their_exact_bytes():
    """Tokens with one header share it; another spelling of the same header is read anew."""
    first, again = parse(GOOD, LIMIT), parse(with_claims(sub="bob"), LIMIT)
    spaced = parse(spelt(json.dumps(HEADER).encode(), compact(CLAIMS)), LIMIT)
    assert first.header is again.header
    assert first.header is not spaced.header
    assert first.header == spaced.header


def test_the_memory_for_headers_is_bounded():
    """However many headers come by, only so many are kept, and refused ones not at all."""
    for number in range(3 * front_end.MAX_HEADERS_KEPT):
        parse(with_header(kid=f"kid-{number}"), LIMIT)
        assert len(front_end._headers) <= front_end.MAX_HEADERS_KEPT
    refused = with_header(crit=["x"])
    for _ in range(2):
        assert Reason.HEADER_REFUSED is reason_of(refused)
    assert refused.split(b".")[0] not in front_end._headers


def test_a_segment_is_not_its_neighbour():
    """A header in the payload's place, and the other way round, is no token."""
    assert Reason.HEADER_REFUSED is reason_of(b".".join([MIDDLE, FIRST, LAST]))
    assert Reason.TOKEN_JSON is reason_of(b".".join([FIRST, LAST, MIDDLE]))
    assert segment(SIGNATURE) == LAST
