"""Identity tokens of a Vault in calls: issued, renewed, and asked for with this service's own token there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import inf
from time import monotonic
from typing import Any

import pytest

from jwtmw.client import Outgoing, TokenUnavailable
from jwtmw.client.vault import VaultIdentity
from jwtmw.issuers.fetch import HttpSettings
from jwtmw.vault.login import Userpass
from jwtmw.vault.server import Server, VaultFailed
from tests.client.test_self_signed import said
from tests.vault.standin import StandIn
from tests.vault.users import with_user

HERALD = "https://herald.example"


@pytest.fixture
def vault() -> Iterator[StandIn]:
    with StandIn() as standin:
        yield standin


def source(vault: StandIn, role: str = "alice", password: str = "right") -> VaultIdentity:
    server = Server("main", vault.url, http=HttpSettings(timeout=5))
    return VaultIdentity(server, Userpass("userpass", "alice", password), role)


def test_the_token_is_the_entitys(vault: StandIn) -> None:
    """One login and one token for many calls."""
    with_user(vault)
    out = Outgoing(source(vault), hosts=[HERALD])
    first, second = out.token(HERALD), out.token(HERALD)
    assert first == second
    claims = said(first)
    assert (vault.identity.by_name["alice"].id, "alice") == (claims["sub"], claims["name"])
    assert 1 == vault.requests.count("GET identity/oidc/token/alice")


def test_a_role_that_is_none_gives_no_token(vault: StandIn) -> None:
    """The error names the Vault and what to look at."""
    with_user(vault)
    out = Outgoing(source(vault, "bob"), hosts=[HERALD])
    with pytest.raises(TokenUnavailable, match="vault: no token can be had: status 40"):
        out.token(HERALD)


def test_a_login_that_is_refused_gives_no_token(vault: StandIn) -> None:
    """And nothing shows the password."""
    with_user(vault)
    with pytest.raises(TokenUnavailable, match="this service has no token there") as caught:
        Outgoing(source(vault, password="s3cret-guess"), hosts=[HERALD]).token(HERALD)
    assert "s3cret" not in str(caught.value)


def test_another_login_where_the_vault_has_forgotten_the_first(vault: StandIn) -> None:
    """Its token was revoked: one more login, one more question."""
    with_user(vault)
    asking = source(vault)
    asking.ask(monotonic() + 5)
    _forget(vault)
    # As if the login were some time ago.
    asking._own._state = replace(asking._own._state, since=-inf)
    assert "alice" == said(asking.ask(monotonic() + 5).token)["name"]


def test_a_login_that_may_not_do_this_is_not_made_again(vault: StandIn) -> None:
    """A fresh token that is refused would be refused again."""
    with_user(vault)
    asking = source(vault)
    asking.ask(monotonic() + 5)
    _forget(vault)
    with pytest.raises(VaultFailed, match="status 403"):
        asking.ask(monotonic() + 5)


@pytest.mark.parametrize("data", [{}, {"token": "a b", "ttl": 60}, {"token": "a"}, {"token": "a", "ttl": 0}])
def test_an_answer_that_is_none(vault: StandIn, data: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """No token that a header can hold, or no lifetime."""
    with_user(vault)
    asking = source(vault)
    asking.ask(monotonic() + 5)
    monkeypatch.setattr(Server, "call", lambda *_, **__: {"data": data})
    with pytest.raises(VaultFailed, match=r"the answer has no token"):
        asking.ask(monotonic() + 5)


def test_a_refused_token_is_replaced(vault: StandIn) -> None:
    """As every held token, unless it is fresh."""
    with_user(vault)
    out = Outgoing(source(vault), hosts=[HERALD])
    token = out.token(HERALD)
    assert token is not None
    assert not out.refuse(out.call("GET", HERALD, {}, None), token)


def _forget(vault: StandIn) -> None:
    """Every token but the root's."""
    for known in [each for each in vault.tokens.by_id if each != vault.root]:
        del vault.tokens.by_id[known]
