"""Where a token sits: exactly one credential, in one configured place."""

from __future__ import annotations

import pytest

from jwtmw.decision import Reason
from jwtmw.errors import TokenRefused
from jwtmw.token.locate import Found, Locator, Place, without_token
from jwtmw.token.parse import parse
from tests.token.made import Asked, token

T1 = token()
T2 = token(claims={"sub": "bob"})
LIMIT = 1024
MISSING = Reason.TOKEN_MISSING
MALFORMED = Reason.CREDENTIALS_MALFORMED
REPEATED = Reason.CREDENTIALS_REPEATED
TOO_LARGE = Reason.TOKEN_TOO_LARGE

BEARER = Place("header", "Authorization", "Bearer")
RAW = Place("header", "JWT")
EITHER = Place("header", "Authorization", "Bearer", scheme_optional=True)
QUERY = Place("query", "jwt")
SOCKET = Place("subprotocol", "bearer")
ELSEWHERE = Place("header", "X-Unused")


def outcome(places: list[Place], request: Asked) -> bytes | Reason:
    """What a request comes to, the front end included: a token, or the reason why there is none."""
    try:
        found = Locator(places, LIMIT).find(request)
        if found is None:
            return MISSING
        parse(found.token, LIMIT)
    except TokenRefused as refused:
        return refused.reason
    assert found.place in places
    return found.token


SCHEME = {
    "good": (b"Bearer " + T1, T1),
    "lower case": (b"bearer " + T1, T1),
    "upper case": (b"BEARER " + T1, T1),
    "empty": (b"", MISSING),
    "blanks": (b" \t ", MISSING),
    "another scheme": (b"Basic YTpi", MISSING),
    "another scheme with parameters": (b'Digest username="a", realm="b"', MISSING),
    "another long scheme": (b"Negotiate " + b"A" * 5000, MISSING),
    "a longer scheme": (b"Bearers " + T1, MISSING),
    "a shorter scheme": (b"Bear " + T1, MISSING),
    "scheme with a sign": (b"Bearer-x " + T1, MISSING),
    "no scheme": (T1, MISSING),
    "blank before": (b" Bearer " + T1, MISSING),
    "scheme in the middle": (b"Foo Bearer " + T1, MISSING),
    "scheme alone": (b"Bearer", MALFORMED),
    "scheme and blank": (b"Bearer ", MALFORMED),
    "two blanks": (b"Bearer  " + T1, MALFORMED),
    "tab": (b"Bearer\t" + T1, MALFORMED),
    "blank and tab": (b"Bearer \t" + T1, MALFORMED),
    "trailing blank": (b"Bearer " + T1 + b" ", MALFORMED),
    "two words": (b"Bearer " + T1 + b" x", MALFORMED),
    "quoted": (b'Bearer "' + T1 + b'"', MALFORMED),
    "quoted without blank": (b'Bearer"' + T1 + b'"', MALFORMED),
    "parameter": (b"Bearer token=" + T1, MALFORMED),
    "colon": (b"Bearer: " + T1, MALFORMED),
    "latin-1": (b"Bearer \xe9", MALFORMED),
    "UTF-8": ("Bearer é".encode(), MALFORMED),
    "no-break space": (b"Bearer\xa0" + T1, MALFORMED),
    "NUL": (b"Bearer " + T1 + b"\x00", MALFORMED),
    "NUL behind the scheme": (b"Bearer\x00" + T1, MALFORMED),
    "DEL": (b"Bearer " + T1 + b"\x7f", MALFORMED),
    "line feed": (b"Bearer " + T1 + b"\n", MALFORMED),
    "folded": (b"Bearer\r\n " + T1, MALFORMED),
    "an empty line behind": (b"Bearer " + T1 + b",", MALFORMED),
    "another scheme behind": (b"Bearer " + T1 + b",Basic YTpi", MALFORMED),
    "a bare token behind": (b"Bearer " + T1 + b"," + T2, MALFORMED),
    "two": (b"Bearer " + T1 + b",Bearer " + T2, REPEATED),
    "the same twice": (b"Bearer " + T1 + b", Bearer " + T1, REPEATED),
    "two, other case": (b"Bearer " + T1 + b",\tbEARER " + T2, REPEATED),
    "the second empty": (b"Bearer " + T1 + b",Bearer", REPEATED),
    "the second with a comma": (b"Bearer " + T1 + b",Bearer,", REPEATED),
    "behind another scheme": (b"Basic YTpi, Bearer " + T1, REPEATED),
    "behind another scheme, folded": (b"Basic YTpi,\r\n Bearer " + T1, REPEATED),
    "behind an empty line": (b",Bearer " + T1, REPEATED),
    "a parameter of the scheme's name": (b'Digest a="b", bearer="c"', MISSING),
    "at the limit": (b"Bearer " + b"x" * LIMIT, Reason.TOKEN_FORMAT),
    "too large": (b"Bearer " + b"x" * (LIMIT + 1), TOO_LARGE),
    "too large and no b64token": (b"Bearer " + b" " * 100_000, TOO_LARGE),
    "too large, with commas": (b"Bearer " + b"," * 100_000, TOO_LARGE),
}


@pytest.mark.parametrize(("value", "expected"), SCHEME.values(), ids=SCHEME)
@pytest.mark.parametrize("places", [[BEARER], [BEARER, ELSEWHERE]], ids=["alone", "among others"])
def test_a_header_with_a_scheme(places, value, expected):
    """After the scheme exactly one space and one b64token; the quick way and the general one agree."""
    assert expected == outcome(places, Asked(authorization=value))


RAW_VALUES = {
    "good": (T1, T1),
    "empty": (b"", MISSING),
    "blank": (b" ", MISSING),
    "scheme": (b"Bearer " + T1, MALFORMED),
    "two lines": (T1 + b"," + T2, MALFORMED),
    "blank inside": (T1 + b" x", MALFORMED),
    "no ASCII": (b"\xff", MALFORMED),
    "no token": (b"abc", Reason.TOKEN_FORMAT),
    "too large": (b"," * (LIMIT + 1), TOO_LARGE),
}


@pytest.mark.parametrize(("value", "expected"), RAW_VALUES.values(), ids=RAW_VALUES)
def test_a_raw_header(value, expected):
    """The whole value of a raw header is one b64token."""
    assert expected == outcome([RAW], Asked(jwt=value))


EITHER_VALUES = {
    "scheme": (b"Bearer " + T1, T1),
    "bare": (T1, T1),
    "another scheme": (b"Basic YTpi", MISSING),
    "scheme alone": (b"Bearer", MALFORMED),
    "two blanks": (b"Bearer  " + T1, MALFORMED),
    "bare, two lines": (T1 + b"," + T2, MALFORMED),
    "bare, then with a scheme": (T1 + b",Bearer " + T2, REPEATED),
    "bare, no b64token": (b'"a"', MALFORMED),
    "bare, too large": (b"x" * (LIMIT + 1), TOO_LARGE),
}


@pytest.mark.parametrize(("value", "expected"), EITHER_VALUES.values(), ids=EITHER_VALUES)
def test_a_header_whose_scheme_is_optional(value, expected):
    """With an optional scheme a value without a space is a bare token, one with another scheme is absent."""
    assert expected == outcome([EITHER], Asked(authorization=value))


QUERIES = {
    "good": (b"jwt=" + T1, T1),
    "among others": (b"a=b&jwt=" + T1 + b"&c", T1),
    "name encoded": (b"%6Awt=" + T1, T1),
    "value encoded": (b"jwt=" + T1.replace(b".", b"%2E"), T1),
    "absent": (b"a=b", MISSING),
    "no query": (b"", MISSING),
    "name encoded twice": (b"%256Awt=" + T1, MISSING),
    "value encoded twice": (b"jwt=" + T1.replace(b".", b"%252E"), MALFORMED),
    "another case": (b"JWT=" + T1, MISSING),
    "list": (b"jwt[]=" + T1, MISSING),
    "blank in the name": (b"jwt+=" + T1 + b"&+jwt=x", MISSING),
    "semicolon": (b"a=b;jwt=" + T1, MISSING),
    "semicolon behind": (b"jwt=" + T1 + b";a=b", MALFORMED),
    "blank value": (b"jwt=", MALFORMED),
    "no value": (b"jwt", MALFORMED),
    "plus": (b"jwt=a+b", MALFORMED),
    "no ASCII": (b"jwt=%ff", MALFORMED),
    "NUL": (b"jwt=" + T1 + b"%00", MALFORMED),
    "scheme": (b"jwt=Bearer%20" + T1, MALFORMED),
    "two": (b"jwt=" + T1 + b"&jwt=" + T2, REPEATED),
    "the same twice": (b"jwt=" + T1 + b"&jwt=" + T1, REPEATED),
    "one empty": (b"jwt=&jwt=" + T1, REPEATED),
    "one encoded": (b"jwt=" + T1 + b"&j%77t=" + T2, REPEATED),
    "too large": (b"jwt=" + b"+" * (LIMIT + 1), TOO_LARGE),
}


@pytest.mark.parametrize(("query", "expected"), QUERIES.values(), ids=QUERIES)
def test_a_query_parameter(query, expected):
    """Exactly one parameter of exactly that name, decoded once, holds one b64token."""
    assert expected == outcome([QUERY], Asked(query))


SUBPROTOCOLS = {
    "good": (b"bearer, " + T1, T1),
    "without blank": (b"bearer," + T1, T1),
    "among others": (b"chat,bearer,\t" + T1 + b" ,v2", T1),
    "absent": (b"chat", MISSING),
    "empty": (b"", MISSING),
    "another case": (b"Bearer, " + T1, MISSING),
    "nothing behind": (b"chat, bearer", MALFORMED),
    "a blank behind": (b"bearer, ", MALFORMED),
    "an empty one behind": (b"bearer,, " + T1, MALFORMED),
    "no b64token": (b'bearer, "a"', MALFORMED),
    "one item": (b"bearer " + T1, MISSING),
    "twice": (b"bearer, " + T1 + b", bearer, " + T2, REPEATED),
    "the name as its token": (b"bearer, bearer", REPEATED),
    "too large": (b"bearer, " + b"x" * (LIMIT + 1), TOO_LARGE),
}


@pytest.mark.parametrize(("value", "expected"), SUBPROTOCOLS.values(), ids=SUBPROTOCOLS)
def test_a_subprotocol(value, expected):
    """The subprotocol behind the configured name, in its exact case, is the token."""
    assert expected == outcome([SOCKET], Asked(websocket=True, sec_websocket_protocol=value))


def test_subprotocols_count_only_for_websockets():
    """An HTTP request has no subprotocols, and a handshake need not name any."""
    assert MISSING is outcome([SOCKET], Asked(sec_websocket_protocol=b"bearer, " + T1))
    assert MISSING is outcome([SOCKET], Asked(websocket=True))


TOGETHER = {
    "header alone": (Asked(authorization=b"Bearer " + T1), T1),
    "query alone": (Asked(b"jwt=" + T1), T1),
    "raw header alone": (Asked(jwt=T1), T1),
    "none": (Asked(), MISSING),
    "empty header, good query": (Asked(b"jwt=" + T1, authorization=b""), T1),
    "another scheme, good query": (Asked(b"jwt=" + T1, authorization=b"Basic YTpi"), T1),
    "header and query": (Asked(b"jwt=" + T2, authorization=b"Bearer " + T1), REPEATED),
    "the same in header and query": (Asked(b"jwt=" + T1, authorization=b"Bearer " + T1), REPEATED),
    "two headers": (Asked(authorization=b"Bearer " + T1, jwt=T1), REPEATED),
    "good header, malformed query": (Asked(b"jwt=", authorization=b"Bearer " + T1), MALFORMED),
    "malformed header, good query": (Asked(b"jwt=" + T1, authorization=b"Bearer"), MALFORMED),
    "good header, large query": (Asked(b"jwt=" + b"x" * 2000, authorization=b"Bearer " + T1), REPEATED),
    "header and subprotocol": (
        Asked(websocket=True, authorization=b"Bearer " + T1, sec_websocket_protocol=b"bearer, " + T1),
        REPEATED,
    ),
}


@pytest.mark.parametrize(("request_", "expected"), TOGETHER.values(), ids=TOGETHER)
def test_one_token_in_all_places(request_, expected):
    """Two credentials in configured places are one too many, equal or not."""
    assert expected == outcome([BEARER, QUERY, RAW, SOCKET], request_)


def test_places_that_are_not_configured_are_not_read():
    """A token elsewhere is no token, were it malformed."""
    request = Asked(b"jwt=&access_token=" + T1, proxy_authorization=b"Bearer " + T1, x_authorization=b"Bearer " + T1)
    assert MISSING is outcome([BEARER], request)
    assert T1 == outcome([BEARER], Asked(b"jwt=a&jwt=b", jwt=b"a b", authorization=b"Bearer " + T1))
    assert MISSING is outcome([QUERY], Asked(authorization=b"Bearer " + T1))


@pytest.mark.parametrize("places", [[BEARER], [BEARER, QUERY]], ids=["alone", "among others"])
def test_the_place_found_is_the_configured_one(places):
    """What is found names the very place that was configured."""
    found = Locator(places, LIMIT).find(Asked(authorization=b"Bearer " + T1))
    assert Found(T1, BEARER) == found
    assert isinstance(found, Found)
    assert BEARER is found.place


def test_a_locator_tells_its_places():
    """A locator tells its places in the order of the configuration, each once, and a lone header's name."""
    locator = Locator([QUERY, BEARER, QUERY], LIMIT)
    assert ([QUERY, BEARER], None) == (locator.places, locator.lone)
    assert [b"authorization", b"jwt", None] == [Locator([place], LIMIT).lone for place in (BEARER, RAW, QUERY)]


def test_a_place_given_twice_is_one_place():
    """Header names and schemes are the same in any case, so one credential is not counted twice."""
    twin = Place("header", "AUTHORIZATION", "bearer")
    assert (BEARER, hash(BEARER)) == (twin, hash(twin))
    assert T1 == outcome([BEARER, twin], Asked(authorization=b"Bearer " + T1))


def test_places_that_differ():
    """Names of queries and subprotocols have a case; kind, scheme and its being optional tell places apart."""
    places = [
        BEARER,
        EITHER,
        RAW,
        QUERY,
        SOCKET,
        Place("query", "JWT"),
        Place("query", "bearer"),
        Place("header", "Authorization"),
        Place("header", "Authorization", "JWT"),
    ]
    assert len(places) == len(set(places))


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (BEARER, "header Authorization (Bearer)"),
        (EITHER, "header Authorization (Bearer, optional)"),
        (RAW, "header JWT"),
        (QUERY, "query jwt"),
        (SOCKET, "subprotocol bearer"),
    ],
)
def test_a_place_has_a_label(place, expected):
    """A place tells people where it is."""
    assert expected == place.label


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"bearer, " + T1, ["bearer"]),
        (b"chat, bearer," + T1 + b" , v2", ["chat", "bearer", "v2"]),
        (b"chat,,v2", ["chat", "v2"]),
        (b"bearer", ["bearer"]),
        (b"", []),
    ],
)
def test_the_application_sees_no_token_among_subprotocols(value, expected):
    """Without the token the other subprotocols stay, the name before it too."""
    assert expected == without_token(value, SOCKET)


def test_a_found_token_is_in_no_repr():
    """Only its place is shown."""
    found = Locator([BEARER], LIMIT).find(Asked(authorization=b"Bearer " + T1))
    assert f"Found({BEARER.label})" == repr(found)
