"""Which issuer a token belongs to, by its iss and by the place where it was found."""

from __future__ import annotations

import pytest

from jwtmw.decision import Reason
from jwtmw.errors import ConfigurationError, TokenRefused
from jwtmw.issuers.issuer import Issuer, Issuers
from jwtmw.issuers.keys import KeySet
from jwtmw.issuers.source import StaticKeys
from jwtmw.token.locate import Place
from tests.issuers.material import key

BEARER = Place("header", "Authorization", "Bearer", False)
RAW = Place("header", "JWT", None, False)
QUERY = Place("query", "jwt", None, False)


def issuer(name: str, iss: str | None = None, places: set[Place] | None = None, require_issuer: bool = True) -> Issuer:
    """An issuer of which only what chooses it matters."""
    return Issuer(
        name=name,
        issuer=iss,
        audience=frozenset({"orders"}),
        require_audience=True,
        algorithms=frozenset({"RS256"}),
        token_types=frozenset({"jwt"}),
        require_expiry=True,
        required_claims=(),
        max_lifetime=None,
        max_age=None,
        subjects=(),
        scope_claim=("scope",),
        roles_claim="roles",
        leeway=30,
        require_issuer=require_issuer,
        places=None if places is None else frozenset(places),
        keys=StaticKeys(KeySet([key("rsa", kid="only")])),
    )


CORP = issuer("corp", "https://id.example/")
PARTNER = issuer("partner", "https://partner.example/", {RAW})
LEGACY = issuer("legacy", None, {QUERY}, require_issuer=False)
BOTH_WAYS = issuer("both", "https://both.example/", require_issuer=False)
ALL = Issuers([CORP, PARTNER, LEGACY, BOTH_WAYS], [BEARER])

FOUND = {
    "by iss in the policy's place": ("https://id.example/", BEARER, CORP),
    "by iss in its own place": ("https://partner.example/", RAW, PARTNER),
    "by its own place without iss": (None, QUERY, LEGACY),
    "by the policy's place without iss": (None, BEARER, BOTH_WAYS),
    "an iss that need not be there": ("https://both.example/", BEARER, BOTH_WAYS),
}


@pytest.mark.parametrize(("iss", "place", "expected"), FOUND.values(), ids=FOUND)
def test_iss_and_place_choose_the_issuer(iss, place, expected):
    """An iss names its issuer where its tokens count; a token without iss belongs to the place's issuer."""
    assert expected is ALL.find(iss, place)


REFUSED = {
    "unknown iss": ("https://evil.example/", BEARER, Reason.ISSUER_UNKNOWN),
    "trailing slash missing": ("https://id.example", BEARER, Reason.ISSUER_UNKNOWN),
    "unknown iss where tokens need none": ("https://evil.example/", QUERY, Reason.ISSUER_UNKNOWN),
    "no iss where one is needed": (None, RAW, Reason.ISSUER_UNKNOWN),
    "the policy's issuer in a place of another": ("https://id.example/", RAW, Reason.PLACE_REFUSED),
    "an issuer with its own place in the policy's": ("https://partner.example/", BEARER, Reason.PLACE_REFUSED),
}


@pytest.mark.parametrize(("iss", "place", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_token_of_nobody_is_refused(iss, place, reason):
    """An unknown or missing iss, and a known one in a foreign place, are refused."""
    with pytest.raises(TokenRefused) as caught:
        ALL.find(iss, place)
    assert reason is caught.value.reason


def test_an_equal_place_is_the_same_place():
    """Places compare by value: which object the token was found with does not matter."""
    assert PARTNER is ALL.find("https://partner.example/", Place("header", "JWT", None, False))


def test_issuers_are_found_by_name():
    """Rules call issuers by name; the mapping is read-only."""
    assert ["both", "corp", "legacy", "partner"] == sorted(ALL.by_name)
    assert CORP is ALL.by_name["corp"]
    with pytest.raises(TypeError):
        ALL.by_name["corp"] = PARTNER  # type: ignore[index]


UNBUILDABLE = {
    "one name twice": ([CORP, issuer("corp", "https://other.example/")], "issuers[1].name"),
    "one iss twice": ([CORP, issuer("other", "https://id.example/", {RAW})], "issuers[1].issuer"),
    "no iss, but one required": ([CORP, issuer("nobody", None)], "issuers[1].issuer"),
    "two without iss in the policy's place": (
        [BOTH_WAYS, CORP, issuer("other", None, require_issuer=False)],
        "issuers[2].require_issuer",
    ),
    "two without iss in one of several places": (
        [LEGACY, issuer("other", None, {RAW, QUERY}, require_issuer=False)],
        "issuers[1].require_issuer",
    ),
}


@pytest.mark.parametrize(("issuers", "offending"), UNBUILDABLE.values(), ids=UNBUILDABLE)
def test_issuers_that_cannot_be_told_apart_do_not_start(issuers, offending):
    """The error names the key that clashes, and a cure."""
    with pytest.raises(ConfigurationError) as caught:
        Issuers(issuers, [BEARER])
    assert (offending, True) == (caught.value.key, bool(caught.value.cure))


def test_an_issuer_does_not_show_its_keys():
    """repr leaves the key source out."""
    assert "keys=" not in repr(CORP)


def test_configured_keys_are_always_there():
    """A lone configured key serves any kid, is trusted, and never changes; what it cannot do is an unknown key."""
    source = StaticKeys(KeySet([key("rsa", kid="only")]))
    (found,) = source.look_up("whatever", "PS512")
    assert ("only", 0, True) == (found.kid, source.generation, source.trusts(found, 0))
    with pytest.raises(TokenRefused) as caught:
        source.look_up("only", "ES256")
    assert Reason.KEY_UNKNOWN is caught.value.reason
