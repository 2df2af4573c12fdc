"""What an issuer asks of a token: each check at its exact border, and their order."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest

from jwtmw.decision import Reason
from jwtmw.errors import TokenRefused
from jwtmw.token.parse import ParsedToken, parse
from jwtmw.token.verify import check_claims, check_signature, valid_from, valid_until
from tests.token.made import CLAIMS, HEADER, LIMIT, NOW, SIGNATURE, issuer, parsed, token


def verdict(read: ParsedToken, now: float = NOW, **settings: Any) -> Reason | None:
    try:
        check_claims(read, issuer(**settings), now)
    except TokenRefused as refused:
        return refused.reason
    return None


def headed(**members: object) -> ParsedToken:
    return parse(token(HEADER | members), LIMIT)


def test_a_good_token_passes():
    """Right algorithm, type, audience and time: nothing to object to."""
    assert None is verdict(parsed())


@pytest.mark.parametrize(
    ("alg", "algorithms", "expected"),
    [
        ("RS256", {"RS256"}, None),
        ("RS512", {"RS256"}, Reason.ALGORITHM_REFUSED),
        ("rs256", {"RS256"}, Reason.ALGORITHM_REFUSED),
        ("HS256", {"RS256"}, Reason.ALGORITHM_REFUSED),
        ("none", {"RS256"}, Reason.ALGORITHM_REFUSED),
        ("None", {"RS256"}, Reason.ALGORITHM_REFUSED),
        ("none ", {"RS256"}, Reason.ALGORITHM_REFUSED),
        ("none\x00", {"RS256"}, Reason.ALGORITHM_REFUSED),
        ("Ed25519", {"EdDSA"}, None),
        ("EdDSA", {"Ed25519"}, None),
        ("EdDSA", {"ES256"}, Reason.ALGORITHM_REFUSED),
        ("Ed448", {"EdDSA"}, Reason.ALGORITHM_REFUSED),
    ],
)
def test_algorithms(alg, algorithms, expected):
    """Exactly the issuer's algorithms pass; EdDSA and Ed25519 are one."""
    assert expected is verdict(headed(alg=alg), algorithms=frozenset(algorithms))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({"typ": "AT+JWT"}, None),
        ({"typ": "application/at+jwt"}, None),
        ({"typ": "JWT"}, None),
        ({"typ": ""}, None),
        *(
            ({"typ": typ}, Reason.TYPE_REFUSED)
            for typ in ("dpop+jwt", "logout+jwt", "secevent+jwt", "vc+sd-jwt", " at+jwt ", "text/jwt", "application/")
        ),
    ],
    ids=repr,
)
def test_types(header, expected):
    """A foreign typ never passes."""
    assert expected is verdict(headed(**header))


def test_a_narrow_type():
    """An issuer that takes access tokens only takes neither `JWT` nor a token without typ."""
    only = frozenset({"at+jwt"})
    assert None is verdict(headed(), token_types=only)
    assert Reason.TYPE_REFUSED is verdict(headed(typ="JWT"), token_types=only)
    assert Reason.TYPE_REFUSED is verdict(parse(token({"alg": "RS256"}), LIMIT), token_types=only)


@pytest.mark.parametrize(
    ("aud", "required", "expected"),
    [
        ("orders", True, None),
        (["other", "orders"], True, None),
        (..., True, Reason.AUDIENCE_MISMATCH),
        ([], True, Reason.AUDIENCE_MISMATCH),
        ("Orders", True, Reason.AUDIENCE_MISMATCH),
        ("orders ", True, Reason.AUDIENCE_MISMATCH),
        ("orders/", True, Reason.AUDIENCE_MISMATCH),
        ("ordеrs", True, Reason.AUDIENCE_MISMATCH),
        ("%6frders", True, Reason.AUDIENCE_MISMATCH),
        (["other"], True, Reason.AUDIENCE_MISMATCH),
        (..., False, None),
        ([], False, None),
        ("orders", False, None),
        ("other", False, Reason.AUDIENCE_MISMATCH),
    ],
    ids=repr,
)
def test_audiences(aud, required, expected):
    """One of the issuer's audiences, exactly; where none is required, one that is there must still match."""
    assert expected is verdict(parsed(aud=aud), require_audience=required)


def test_no_audience_at_all():
    """An issuer without audiences takes any token where none is required, and none where one is."""
    assert None is verdict(parsed(aud="other"), require_audience=False, audience=frozenset())
    assert Reason.AUDIENCE_MISMATCH is verdict(parsed(), audience=frozenset())


TIMES = {
    "exp in time": ({"exp": NOW + 1}, {"leeway": 0}, None),
    "exp now": ({"exp": NOW}, {"leeway": 0}, Reason.EXPIRED),
    "exp a fraction ahead": ({"exp": NOW + 0.5}, {"leeway": 0}, None),
    "exp within the leeway": ({"exp": NOW - 29, "iat": ...}, {}, None),
    "exp at the leeway": ({"exp": NOW - 30, "iat": ...}, {}, Reason.EXPIRED),
    "exp 0": ({"exp": 0}, {}, Reason.EXPIRED),
    "exp missing": ({"exp": ...}, {}, Reason.EXPIRY_MISSING),
    "exp missing, not required": ({"exp": ...}, {"require_expiry": False}, None),
    "exp past, not required": ({"exp": NOW - 31}, {"require_expiry": False}, Reason.EXPIRED),
    "nbf now": ({"nbf": NOW}, {"leeway": 0}, None),
    "nbf ahead": ({"nbf": NOW + 1}, {"leeway": 0}, Reason.NOT_YET_VALID),
    "nbf at the leeway": ({"nbf": NOW + 30}, {}, None),
    "nbf beyond the leeway": ({"nbf": NOW + 30.5}, {}, Reason.NOT_YET_VALID),
    "nbf behind exp": ({"nbf": NOW + 11, "exp": NOW + 10}, {}, Reason.NOT_YET_VALID),
    "iat at the leeway": ({"iat": NOW + 30}, {}, None),
    "iat beyond the leeway": ({"iat": NOW + 31}, {}, Reason.ISSUED_IN_FUTURE),
    "iat behind exp": ({"iat": NOW - 5, "exp": NOW - 10}, {}, Reason.ISSUED_IN_FUTURE),
    "iat of 1970": ({"iat": 0}, {}, None),
    "lifetime at its longest": ({"iat": NOW, "exp": NOW + 300}, {"max_lifetime": 300}, None),
    "lifetime too long": ({"iat": NOW - 1, "exp": NOW + 300}, {"max_lifetime": 300}, Reason.LIFETIME_TOO_LONG),
    "rest of life at its longest": ({"iat": ..., "exp": NOW + 300}, {"max_lifetime": 300}, None),
    "rest of life too long": ({"iat": ..., "exp": NOW + 301}, {"max_lifetime": 300}, Reason.LIFETIME_TOO_LONG),
    "life without end": (
        {"exp": ...},
        {"max_lifetime": 300, "require_expiry": False},
        Reason.LIFETIME_TOO_LONG,
    ),
    "age at its greatest": ({"iat": NOW - 90}, {"max_age": 60}, None),
    "too old": ({"iat": NOW - 91}, {"max_age": 60}, Reason.TOO_OLD),
    "no age": ({"iat": ...}, {"max_age": 60}, Reason.TOO_OLD),
    "max_age 0": ({"iat": NOW - 1}, {"max_age": 0, "leeway": 0}, Reason.TOO_OLD),
    "max_age 0, issued now": ({"iat": NOW}, {"max_age": 0, "leeway": 0}, None),
}


@pytest.mark.parametrize(("claims", "settings", "expected"), TIMES.values(), ids=TIMES)
def test_times(claims, settings, expected):
    """Each time at its border: expired at exp and its leeway, never extended by a fraction."""
    assert expected is verdict(parsed(**claims), **settings)


@pytest.mark.parametrize(
    ("subject", "subjects", "expected"),
    [
        ("alice", (), None),
        (..., (), None),
        ("alice", ("bob", "alice"), None),
        ("Alice", ("alice",), Reason.SUBJECT_REFUSED),
        ("alice2", ("alice",), Reason.SUBJECT_REFUSED),
        (..., ("alice",), Reason.SUBJECT_REFUSED),
        (..., ("*",), Reason.SUBJECT_REFUSED),
        ("anybody", ("*",), None),
        ("spiffe://td/a", ("spiffe://td/*",), None),
        ("spiffe://td.evil/a", ("spiffe://td/*",), Reason.SUBJECT_REFUSED),
        ("axb", ("a*b",), Reason.SUBJECT_REFUSED),
        ("a*b", ("a*b",), None),
    ],
    ids=repr,
)
def test_subjects(subject, subjects, expected):
    """Exact subjects, or a prefix before a trailing star and nowhere else."""
    assert expected is verdict(parsed(sub=subject), subjects=subjects)


@pytest.mark.parametrize(
    ("claims", "required", "expected"),
    [
        ({"tenant": "a"}, ("tenant", "sub"), None),
        ({"tenant": ""}, ("tenant",), None),
        ({"tenant": False}, ("tenant",), None),
        ({"tenant": None}, ("tenant",), Reason.CLAIM_REQUIRED),
        ({}, ("sub", "tenant"), Reason.CLAIM_REQUIRED),
        ({"act": {"sub": "a"}}, ("act.sub",), None),
    ],
    ids=repr,
)
def test_required_claims(claims, required, expected):
    """A required claim must be there; null is not there."""
    assert expected is verdict(parsed(**claims), required_claims=required)


def test_the_first_reason_wins():
    """The checks are asked in one order: algorithm, type, audience, times, subject, required claims."""
    wrong = {"exp": 0, "aud": "other"}
    settings: dict[str, Any] = {"subjects": ("bob",), "required_claims": ("tenant",)}
    foreign = HEADER | {"typ": "dpop+jwt"}
    tokens: list[tuple[dict[str, str], dict[str, Any]]] = [
        (foreign | {"alg": "none"}, wrong),
        (foreign, wrong),
        (HEADER, wrong),
        (HEADER, {"exp": 0}),
        (HEADER, {}),
        (HEADER, {"sub": "bob"}),
    ]
    reasons = [verdict(parse(token(header, CLAIMS | claims), LIMIT), **settings) for header, claims in tokens]
    assert [
        Reason.ALGORITHM_REFUSED,
        Reason.TYPE_REFUSED,
        Reason.AUDIENCE_MISMATCH,
        Reason.EXPIRED,
        Reason.SUBJECT_REFUSED,
        Reason.CLAIM_REQUIRED,
    ] == reasons


@pytest.mark.parametrize(
    ("claims", "settings", "since", "until"),
    [
        ({}, {}, NOW - 30, NOW + 330),
        ({"iat": ...}, {}, -inf, NOW + 330),
        ({"nbf": NOW + 5}, {}, NOW - 25, NOW + 330),
        ({"nbf": NOW - 100}, {}, NOW - 30, NOW + 330),
        ({}, {"max_age": 60}, NOW - 30, NOW + 90),
        ({}, {"max_age": 900}, NOW - 30, NOW + 330),
        ({"iat": ..., "exp": ...}, {"require_expiry": False}, -inf, inf),
    ],
    ids=repr,
)
def test_when_a_verdict_holds(claims, settings, since, until):
    """A verdict holds from the first instant at which the times are in order until the last."""
    read, by = parsed(**claims), issuer(**settings)
    assert (since, until) == (valid_from(read, by), valid_until(read, by))
    for now in (max(since, 0.0), min(until, 1e10) - 0.5):
        assert None is verdict(read, now, **settings)
    if until < inf:
        assert verdict(read, until + 0.5, **settings) in (Reason.EXPIRED, Reason.TOO_OLD)
    if since > 0:
        assert verdict(read, since - 0.5, **settings) in (Reason.NOT_YET_VALID, Reason.ISSUED_IN_FUTURE)


class Lock:
    """A key that verifies what it is told to, and keeps what it was asked."""

    def __init__(self, opens: bool) -> None:
        self.opens = opens
        self.asked: list[tuple[str, bytes, bytes]] = []

    def verify(self, alg: str, signing_input: bytes, signature: bytes) -> bool:
        self.asked.append((alg, signing_input, signature))
        return self.opens


def test_the_first_key_that_verifies_is_given():
    """Keys are tried in order, over the exact octets before the last dot; those behind the right one are not."""
    keys: list[Any] = [Lock(False), Lock(True), Lock(True)]
    assert keys[1] is check_signature(parsed(), keys)
    question = ("RS256", token().rpartition(b".")[0], SIGNATURE)
    assert [[question], [question], []] == [key.asked for key in keys]


@pytest.mark.parametrize("keys", [[], [Lock(False), Lock(False)]], ids=["no key", "no right key"])
def test_no_key_verifies(keys):
    """Without a key that verifies it, a signature is invalid."""
    with pytest.raises(TokenRefused) as refused:
        check_signature(parsed(), keys)
    assert Reason.SIGNATURE_INVALID is refused.value.reason
