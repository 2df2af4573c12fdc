"""The caller's own token, passed on."""

from __future__ import annotations

import pytest

from jwtmw.client import Outgoing, PassedOn, TokenUnavailable
from tests.client.callers_in_hand import NOBODY, InHand, caller

HERALD = "https://herald.example"


def test_it_is_the_callers_token_as_it_came() -> None:
    """Each request's own."""
    in_hand = InHand(caller(token="alices"))
    out = Outgoing(PassedOn(in_hand), hosts=[HERALD])
    assert "alices" == out.token(HERALD)
    in_hand.principal = caller(token="bobs")
    assert "bobs" == out.token(HERALD)


@pytest.mark.parametrize("in_hand", [InHand(), InHand(NOBODY)], ids=["no request", "anonymous"])
def test_nobodys_call_is_not_sent(in_hand: InHand) -> None:
    """Outside of a request, and where no token was needed."""
    with pytest.raises(TokenUnavailable, match="in nobody's name"):
        Outgoing(PassedOn(in_hand), hosts=[HERALD]).token(HERALD)


def test_outside_of_a_request_the_real_caller_is_nobody() -> None:
    """The default asks jwtmw."""
    with pytest.raises(TokenUnavailable, match="in nobody's name"):
        Outgoing(PassedOn(), hosts=[HERALD]).token(HERALD)


def test_a_refused_token_has_no_other() -> None:
    """The answer is the caller's to hear."""
    out = Outgoing(PassedOn(InHand(caller())), hosts=[HERALD])
    assert not out.refuse(out.call("GET", HERALD, {}, None), "callers-token")
