"""A short campaign against the front end: no exception but `TokenRefused`, no second spelling of one token."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jwtmw.errors import TokenRefused
from jwtmw.token.parse import ParsedToken, parse
from tests.token.made import LIMIT, compact, segment, spelt, token

GOOD = token()
LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def read(text: bytes) -> ParsedToken | None:
    try:
        return parse(text, LIMIT)
    except TokenRefused:
        return None


def respelt(parsed: ParsedToken) -> bytes:
    """The one spelling of what was read."""
    return parsed.signing_input + b"." + segment(parsed.signature)


@st.composite
def mutants(draw: st.DrawFn) -> bytes:
    """The good token with up to three octets, or a piece, replaced, inserted, doubled or cut out."""
    text = GOOD
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        stop = draw(st.sampled_from([start, start + 1, start + 2, start + 4, len(text)]))
        piece = draw(
            st.binary(max_size=3) | st.text("=+/-_.~ AQgw\n", max_size=3).map(str.encode) | st.just(text[start:stop])
        )
        text = text[:start] + piece + text[stop:]
    return text


@settings(max_examples=400, deadline=None)
@given(mutants())
@example(GOOD + b"=")
@example(GOOD + b"\n")
@example(GOOD.replace(b"-", b"+").replace(b"_", b"/") + b"==")
def test_a_mutant_is_never_another_spelling(text):
    """A mutated token is refused, or it is another token: other signed octets or another signature."""
    parsed, good = read(text), parse(GOOD, LIMIT)
    if parsed is not None and text != GOOD:
        assert (good.signing_input, good.signature) != (parsed.signing_input, parsed.signature)
        assert text == respelt(parsed)


@pytest.mark.parametrize("position", range(len(GOOD)))
def test_no_octet_has_a_twin(position):
    """At every position every other octet gives another token or none."""
    good = parse(GOOD, LIMIT)
    for octet in LETTERS + b"=+/~. \n\x00\xff":
        text = GOOD[:position] + bytes([octet]) + GOOD[position + 1 :]
        parsed = read(text)
        if parsed is not None and text != GOOD:
            assert (good.signing_input, good.signature) != (parsed.signing_input, parsed.signature)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=64) | st.text("eyJ.-_=+ {}", max_size=64).map(str.encode))
def test_octets_of_any_kind_are_read_or_refused(text):
    """Arbitrary octets never raise anything but `TokenRefused`, and what is read has one spelling."""
    parsed = read(text)
    assert parsed is None or text == respelt(parsed)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[]), max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["alg", "kid", "typ", "cty", "crit", "iss", "sub", "aud", "exp", "nbf", "scope", "jti"])
OBJECTS = st.dictionaries(NAMES | st.text(max_size=4), JSON, max_size=6)


@settings(max_examples=300, deadline=None)
@given(OBJECTS | OBJECTS.map(lambda value: value | {"alg": "RS256"}), OBJECTS)
def test_json_of_any_kind_is_read_or_refused(header, claims):
    """Whatever header and claims say, they are read or refused, and what is read has its types."""
    parsed = read(token(header, claims))
    if parsed is not None:
        assert isinstance(parsed.alg, str)
        assert all(isinstance(name, str) for name in parsed.audience)
        assert parsed.expires_at is None or 0 <= parsed.expires_at <= 253402300799


@settings(max_examples=200, deadline=None)
@given(st.binary(min_size=1, max_size=40), st.binary(min_size=1, max_size=40))
def test_payloads_of_any_octets_are_read_or_refused(header, payload):
    """Segments that decode to arbitrary octets never raise anything but `TokenRefused`."""
    assert read(spelt(header, payload)) is None or header.strip().startswith(b"{")
    assert read(spelt(compact({"alg": "RS256"}), payload)) is None or payload.strip().startswith(b"{")
