"""Tokens that say nothing themselves, and what counts of what is said of them."""

from __future__ import annotations

from typing import Any

import pytest

from jwtmw.decision import Reason
from jwtmw.errors import TokenRefused
from jwtmw.token.claims import introspected
from jwtmw.token.parse import check_opaque
from tests.token.made import parsed


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (b"x" * 20, None),
        (b"AZaz09-._~+/==", None),
        (b"x" * 21, Reason.TOKEN_TOO_LARGE),
        (b"", Reason.CREDENTIALS_MALFORMED),
        (b"a=b", Reason.CREDENTIALS_MALFORMED),
        (b"a b", Reason.CREDENTIALS_MALFORMED),
        (b"a\n", Reason.CREDENTIALS_MALFORMED),
        (b"\xc3\xa9", Reason.CREDENTIALS_MALFORMED),
    ],
    ids=["longest", "every sign", "too long", "empty", "padding inside", "blank", "newline", "letter"],
)
def test_what_an_opaque_token_may_be(token: bytes, reason: Reason | None) -> None:
    """A b64token of RFC 6750, section 2.1, of limited size."""
    found = None
    try:
        check_opaque(token, 20)
    except TokenRefused as error:
        found = error.reason
    assert reason == found


def test_an_answer_without_a_token() -> None:
    """What the issuer says counts, but for the word that it is active."""
    claims = introspected({"active": True, "sub": "alice", "scope": "a b", "token_type": "Bearer"}, None)
    assert ("alice", {"sub": "alice", "scope": "a b", "token_type": "Bearer"}) == (claims.subject, claims.claims)


def test_an_answer_beside_a_token() -> None:
    """It wins; what it leaves out of who, for whom and when is the token's; what the token grants does not count."""
    token = parsed(jti="7", client_id="shop", roles=["admin"], sub="bob")
    claims = introspected({"active": True, "sub": "alice", "exp": 5}, token)
    assert ("alice", token.issuer, token.audience, 5, token.issued_at) == (
        claims.subject,
        claims.issuer,
        claims.audience,
        claims.expires_at,
        claims.issued_at,
    )
    assert {"iss", "sub", "aud", "exp", "iat", "jti", "client_id"} == claims.claims.keys()


def test_no_more_than_a_yes() -> None:
    """Then a token speaks for itself, and an opaque one says nothing."""
    token = parsed()
    assert token is introspected(None, token)
    assert {} == introspected(None, None).claims


@pytest.mark.parametrize("kind", ["refresh_token", "DPoP", "", 5, None, ["Bearer"]], ids=repr)
def test_another_kind_of_token_is_refused(kind: Any) -> None:
    """RFC 7662, section 2.2: token_type is that of RFC 6749, section 5.1."""
    with pytest.raises(TokenRefused) as caught:
        introspected({"active": True, "token_type": kind}, None)
    assert Reason.TYPE_REFUSED == caught.value.reason
