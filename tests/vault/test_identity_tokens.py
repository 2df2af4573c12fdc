"""Identity tokens, verified here with the keys that the stand-in for Vault publishes."""

from __future__ import annotations

from typing import Any

import pytest

from jwtmw import Policy
from jwtmw.decision import Allow, Deny, Reason
from jwtmw.settings import VaultKeys
from tests.issuers.servers import authority
from tests.vault.standin import StandIn
from tests.vault.users import token_of, with_user


def policy_for(vault: StandIn, **keys: Any) -> Policy:
    issuer: dict[str, Any] = {"name": "vault", "issuer": f"{vault.api_addr}/v1/identity/oidc", "audience": ["orders"]}
    issuer["vault"] = {"name": "main"}
    return Policy({"vault": {"main": {"url": vault.url, **keys}}, "issuers": [issuer]})


def decided(policy: Policy, token: str) -> Allow | Deny:
    return policy.explain("GET", "/orders", token).decision


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "ES384", "EdDSA"])
def test_a_token_of_a_user_is_verified(vault: StandIn, algorithm: str) -> None:
    """Without any token of this service's own; the subject is the entity, the template's claims are there."""
    with_user(vault, algorithm=algorithm)
    decision = decided(policy_for(vault), token_of(vault))
    assert isinstance(decision, Allow)
    entity = vault.identity.by_name["alice"].id
    assert (entity, "alice") == (decision.principal.subject, decision.principal.claims["name"])
    assert ["GET identity/oidc/.well-known/keys"] == vault.requests


def test_a_vault_that_knows_no_address_writes_a_path(vault: StandIn) -> None:
    """The issuer is compared as it is written, whatever it looks like."""
    vault.api_addr = ""
    with_user(vault)
    assert isinstance(decided(policy_for(vault), token_of(vault)), Allow)


def test_a_rotated_key_is_known_at_once(vault: StandIn) -> None:
    """A token of a key that nobody has seen yet leads to one refetch."""
    with_user(vault)
    policy = policy_for(vault)
    old = token_of(vault)
    assert isinstance(decided(policy, old), Allow)
    vault.call("POST", "identity/oidc/key/orders/rotate")
    assert [True, True] == [isinstance(decided(policy, token), Allow) for token in (token_of(vault), old)]
    assert 2 == len(vault.requests)


def test_another_vaults_token_is_refused(vault: StandIn) -> None:
    """The same issuer, audience and user, another key."""
    with_user(vault)
    policy = policy_for(vault)
    with StandIn(api_addr=vault.url) as other:
        with_user(other)
        forged = token_of(other)
    decision = decided(policy, forged)
    assert isinstance(decision, Deny)
    assert Reason.KEY_UNKNOWN is decision.reason


def test_a_sealed_vault_is_no_fault_of_the_caller(vault: StandIn) -> None:
    """No keys at all is 503; keys that are there go on serving."""
    with_user(vault)
    token = token_of(vault)
    vault.sealed = True
    decision = decided(policy_for(vault), token)
    assert isinstance(decision, Deny)
    assert Reason.KEYS_UNAVAILABLE is decision.reason


def test_the_vaults_own_settings_count(vault: StandIn, tmp_path) -> None:
    """Its namespace, time limit and authority, not those of `http`."""
    ca_file = authority(tmp_path).ca_file
    policy = policy_for(vault, namespace="team", timeout=0.5, ca_file=str(ca_file))
    material = policy.settings.issuers[0].key_material
    assert isinstance(material, VaultKeys)
    assert f"{vault.url}/v1/team/identity/oidc/.well-known/keys" == material.url
    assert (0.5, str(ca_file)) == (material.http.timeout, material.http.ca_file)
