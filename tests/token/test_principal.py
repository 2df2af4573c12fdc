"""Who is calling: what becomes of a token's claims, and what is shown of them."""

from __future__ import annotations

import copy
import pickle

import pytest

from jwtmw.token.principal import ANONYMOUS, Principal, principal_of
from tests.token.made import CLAIMS, NOW, issuer, parsed


def caller(**claims: object) -> Principal:
    return principal_of(parsed(**claims), issuer(), b"the.token.itself")


def test_a_principal_is_what_its_token_says():
    """Subject, issuer, audience, scopes, claims and expiry are the token's."""
    principal = caller(client_id="web", roles=["admin"])
    assert ("alice", "https://id.example/", "corp") == (principal.subject, principal.issuer, principal.issuer_name)
    assert ("web", frozenset({"orders"}), NOW + 300) == (principal.client_id, principal.audience, principal.expires_at)
    assert (frozenset({"orders:read", "orders:write"}), frozenset({"admin"})) == (principal.scopes, principal.roles)
    assert CLAIMS | {"client_id": "web", "roles": ["admin"]} == principal.claims
    assert (True, "the.token.itself") == (principal.is_authenticated, principal.token)


def test_without_iss_the_configured_issuer_stands():
    """A token without `iss` speaks for the issuer whose configuration let it in: its own name, else ours for it."""
    named, nameless = issuer(), issuer(issuer=None)
    without = parsed(iss=...)
    assert ["https://id.example/", "corp"] == [principal_of(without, each, b"").issuer for each in (named, nameless)]


def test_the_anonymous_principal_is_empty():
    """Where no token was read there is nobody: no subject, no scope, no claim."""
    assert (None, "", "", None) == (ANONYMOUS.subject, ANONYMOUS.issuer, ANONYMOUS.issuer_name, ANONYMOUS.client_id)
    assert [frozenset()] * 3 == [ANONYMOUS.audience, ANONYMOUS.scopes, ANONYMOUS.roles]
    assert ({}, None, False, "") == (
        ANONYMOUS.claims,
        ANONYMOUS.expires_at,
        ANONYMOUS.is_authenticated,
        ANONYMOUS.token,
    )
    assert "" == ANONYMOUS.display_name


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"client_id": "a", "azp": "b"}, "a"),
        ({"azp": "b"}, "b"),
        ({"azp": 1}, None),
        ({"azp": ""}, None),
        ({"azp": None}, None),
        ({"azp": "a\nb"}, None),
        ({"azp": ["b"]}, None),
        ({}, None),
    ],
    ids=repr,
)
def test_the_client(claims, expected):
    """`client_id`, else `azp` where it could be one."""
    assert expected == caller(**claims).client_id


def stable(value):
    """The name of a row, the same in every process: a set's repr depends on its hashes."""
    return repr(sorted(value)) if isinstance(value, set) else repr(value)


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"scope": "a b"}, {"a", "b"}),
        ({"scope": " a  b "}, {"a", "b"}),
        ({"scope": "a\tb"}, {"a\tb"}),
        ({"scope": "a\u00a0b"}, {"a\u00a0b"}),
        ({"scope": ["a", "b c"]}, {"a", "b c"}),
        ({"scope": ["a", ""]}, {"a"}),
        ({"scope": "", "scp": "a"}, set()),
        ({"scope": [], "scp": "a"}, set()),
        ({"scope": ..., "scp": "a"}, {"a"}),
        ({"scope": ..., "scp": ["a", "b"]}, {"a", "b"}),
        ({"scope": ..., "scp": ["a", 1]}, set()),
        ({"scope": ..., "scp": 1}, set()),
        ({"scope": ..., "scp": {"a": 1}}, set()),
        ({"scope": ..., "Scope": "a"}, set()),
        ({"scope": ...}, set()),
        ({"scope": "nonadmin"}, {"nonadmin"}),
    ],
    ids=stable,
)
def test_scopes(claims, expected):
    """The first scope claim that is there, parted by spaces and nothing else; elements of a list are not parted."""
    assert expected == caller(**claims).scopes


@pytest.mark.parametrize(
    ("path", "claims", "expected"),
    [
        ("roles", {"roles": ["a", "b"]}, {"a", "b"}),
        ("roles", {"roles": "power user"}, {"power user"}),
        ("roles", {"roles": ""}, set()),
        ("roles", {"roles": ["a", 1]}, set()),
        ("roles", {"roles": {"a": 1}}, set()),
        ("roles", {"roles": 1}, set()),
        ("roles", {}, set()),
        ("realm_access.roles", {"realm_access": {"roles": ["a"]}}, {"a"}),
        ("realm_access.roles", {"realm_access.roles": ["b"], "realm_access": {"roles": ["a"]}}, {"b"}),
        ("https://corp.example/roles", {"https://corp.example/roles": ["a"]}, {"a"}),
    ],
    ids=stable,
)
def test_roles(path, claims, expected):
    """Roles are found by member name or dotted path; a text is one role."""
    principal = principal_of(parsed(**claims), issuer(roles_claim=path), b"token")
    assert expected == principal.roles


@pytest.mark.parametrize(
    ("claims", "expected"),
    [({}, "alice"), ({"sub": ..., "client_id": "web"}, "web"), ({"sub": ...}, "")],
    ids=["subject", "client", "neither"],
)
def test_starlette_names(claims, expected):
    """`identity` and `display_name` are the subject, else the client, else empty."""
    assert (expected, expected) == (caller(**claims).identity, caller(**claims).display_name)


def test_a_principal_shows_no_claim_and_no_token():
    """Neither repr nor str tells who it is or what was sent, and there is no `__dict__` to look into."""
    assert "Principal(issuer_name='corp')" == repr(caller()) == str(caller()) == f"{caller()}"
    assert "Principal(anonymous)" == repr(ANONYMOUS)
    with pytest.raises(TypeError):
        vars(caller())


@pytest.mark.parametrize("name", [*Principal.__slots__, "identity", "new"])
def test_a_principal_is_read_only(name):
    """No attribute can be set or deleted, known or new."""
    principal = caller()
    with pytest.raises(AttributeError):
        setattr(principal, name, "admin")
    with pytest.raises(AttributeError):
        delattr(principal, name)
    with pytest.raises(AttributeError):
        delattr(principal, "token")
    assert "the.token.itself" == principal.token


def test_a_principal_is_not_pickled():
    """A pickle would carry the token away."""
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(caller())


def test_a_copy_is_the_principal_itself():
    """What cannot change need not be copied."""
    principal = caller()
    assert principal is copy.copy(principal)
    assert principal is copy.deepcopy(principal)


def test_principals_are_told_apart_by_identity():
    """Two callers with the same subject are two; a principal can be a key of a dict."""
    assert caller() != caller()
    assert 2 == len({caller(), caller()})
