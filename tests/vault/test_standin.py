"""The stand-in for Vault itself: strict, and understood by a client that was written for the real one.

It is no Vault, and what passes here is no proof about one; hvac, which knows the real one, is a second opinion.
"""

from __future__ import annotations

from collections.abc import Iterator

import hvac
import jwt
import pytest
from hvac.exceptions import Forbidden, InvalidPath, InvalidRequest

from jwtmw.testing import Clock
from tests.vault.standin import StandIn
from tests.vault.standin.dispatch import ENDPOINTS

ENTITY = {"name": "alice", "policies": ["jwt"], "metadata": {"name": "alice"}}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def turned(clock: Clock) -> Iterator[StandIn]:
    """A stand-in whose clock is turned by hand."""
    with StandIn(now=clock.time, api_addr="https://vault.example:8200") as standin:
        yield standin


@pytest.fixture
def client(turned: StandIn) -> Iterator[hvac.Client]:
    """hvac as the root user."""
    found = hvac.Client(url=turned.url, token=turned.root)
    with found.session:
        yield found


def with_user(client: hvac.Client, **key) -> None:
    """What the command does, through hvac: a user whose logins are the entity's."""
    client.sys.create_or_update_policy("jwt", {"path": {"identity/oidc/token/alice": {"capabilities": ["read"]}}})
    client.secrets.identity.create_or_update_entity(**ENTITY)
    entity = client.secrets.identity.read_entity_by_name("alice")["data"]["id"]
    client.auth.userpass.create_or_update_user("alice", password="right", token_ttl="1h", token_max_ttl="2h")
    accessor = client.sys.list_auth_methods()["data"]["userpass/"]["accessor"]
    client.secrets.identity.create_or_update_entity_alias("alice", entity, accessor)
    identity = client.secrets.identity
    identity.create_named_key("orders", allowed_client_ids=["*"], **key)
    identity.create_or_update_role("alice", "orders", template='{"name": "alice"}', client_id="edgex", ttl="1h")


def token_of(client: hvac.Client, turned: StandIn) -> str:
    user = hvac.Client(url=turned.url)
    with user.session:
        user.auth.userpass.login("alice", "right")
        token: str = user.secrets.identity.generate_signed_id_token("alice")["data"]["token"]
        return token


@pytest.mark.parametrize("algorithm", ["RS256", "ES384", "EdDSA"])
def test_hvac_gets_an_identity_token(client: hvac.Client, turned: StandIn, algorithm: str) -> None:
    """Users, entities, keys and roles as the real one has them; PyJWT verifies the token by the published keys."""
    with_user(client, algorithm=algorithm)
    token = token_of(client, turned)
    header = jwt.get_unverified_header(token)
    assert {"alg", "kid"} == set(header)
    keys = jwt.PyJWKSet.from_dict(client.secrets.identity.read_active_public_keys())
    claims = jwt.decode(token, keys[header["kid"]], [algorithm], audience="edgex")
    assert "https://vault.example:8200/v1/identity/oidc" == claims["iss"]
    assert claims["sub"] == client.secrets.identity.read_entity_by_name("alice")["data"]["id"]
    assert {"iss", "sub", "aud", "exp", "iat", "namespace", "name"} == set(claims)
    document = client.secrets.identity.read_well_known_configurations()
    assert (claims["iss"], f"{claims['iss']}/.well-known/keys") == (document["issuer"], document["jwks_uri"])


def test_a_rotated_key_is_published_for_its_time(client: hvac.Client, turned: StandIn, clock: Clock) -> None:
    """`verification_ttl` after the rotation its tokens are dead."""
    with_user(client)
    token = token_of(client, turned)
    # hvac 2.4 asks `oidc/key/:name` for this, which rotates nothing.
    turned.call("POST", "identity/oidc/key/orders/rotate", verification_ttl="10m")
    introspect = client.secrets.identity.introspect_signed_id_token
    assert 2 == len(client.secrets.identity.read_active_public_keys()["keys"])
    assert {"active": True} == introspect(token)
    clock.advance(601)
    assert 1 == len(client.secrets.identity.read_active_public_keys()["keys"])
    assert introspect(token)["active"] is False


def test_introspection_knows_entities_audiences_and_times(client: hvac.Client, turned: StandIn, clock: Clock) -> None:
    """A token of a disabled or deleted entity, of another audience, of yesterday: not active."""
    with_user(client)
    token = token_of(client, turned)
    introspect = client.secrets.identity.introspect_signed_id_token
    assert {"active": True} == introspect(token, "edgex")
    assert "error validating claims" == introspect(token, "other")["error"]
    turned.call("POST", "identity/entity", name="alice", disabled=True)
    assert "entity is disabled" == introspect(token)["error"]
    client.secrets.identity.delete_entity_by_name("alice")
    assert "entity was not found" == introspect(token)["error"]
    clock.advance(3600)
    assert "error validating claims" == introspect(token)["error"]
    assert introspect("a.b.c")["active"] is False


def test_tokens_end_and_are_renewed_up_to_their_maximum(turned: StandIn, client: hvac.Client, clock: Clock) -> None:
    """A lease that has run out is 403, as a token that never was."""
    with_user(client)
    user = hvac.Client(url=turned.url)
    with user.session:
        user.auth.userpass.login("alice", "right")
        clock.advance(3000)
        assert 3600 == user.auth.token.renew_self()["auth"]["lease_duration"]
        clock.advance(3000)
        assert 1200 == user.auth.token.renew_self()["auth"]["lease_duration"]
        assert 1200 == user.auth.token.lookup_self()["data"]["ttl"]
        clock.advance(1200)
        with pytest.raises(Forbidden):
            user.auth.token.lookup_self()


def test_hvac_reads_both_kinds_of_kv(turned: StandIn, client: hvac.Client) -> None:
    """Version 1 has the secret in `data`, version 2 in `data.data`."""
    turned.engines["kv"].secrets["a/b"] = turned.engines["secret"].secrets["a/b"] = {"c": "d"}
    assert {"c": "d"} == client.secrets.kv.v1.read_secret("a/b", mount_point="kv")["data"]
    version_2 = client.secrets.kv.v2.read_secret_version("a/b", raise_on_deleted_version=True)
    assert ({"c": "d"}, 1) == (version_2["data"]["data"], version_2["data"]["metadata"]["version"])
    with pytest.raises(InvalidPath):
        client.secrets.kv.v1.read_secret("none", mount_point="kv")


def test_policies_decide(turned: StandIn, client: hvac.Client) -> None:
    """HCL and JSON, `*` for the rest, `+` for one segment; deny wins; what no policy names is forbidden."""
    client.sys.create_or_update_policy("a", 'path "kv/*" { capabilities = ["read"] }')
    client.sys.create_or_update_policy("b", {"path": {"kv/+/deep": {"capabilities": ["deny"]}}})
    for path in ("x", "x/deep", "x/y/deep"):
        turned.engines["kv"].secrets[path] = {"a": "b"}
    token = turned.tokens.create(["a", "b"]).id
    assert [200, 403, 200] == [turned.call("GET", f"kv/{path}", token)[0] for path in ("x", "x/deep", "x/y/deep")]
    assert 403 == turned.call("GET", "sys/auth", token)[0]
    assert 403 == turned.call("GET", "sys/auth", "none")[0]
    with pytest.raises(InvalidRequest):
        client.sys.create_or_update_policy("c", "path everything")


@pytest.mark.parametrize(
    ("method", "path", "fields", "status", "error"),
    [
        ("POST", "auth/userpass/users/a", {"password": "b", "ttl": 5}, 400, "the documentation has no field ttl"),
        ("POST", "auth/userpass/users/a", {}, 400, "missing password"),
        ("POST", "auth/userpass/users/a", {"password": "b", "token_ttl": "1d"}, 400, "error converting input"),
        ("GET", "sys/auth?b=c", {}, 400, "the stand-in knows no query parameters"),
        ("DELETE", "sys/auth", {}, 405, "unsupported operation"),
        ("GET", "nowhere", {}, 404, "no handler for route"),
        ("GET", "identity/oidc/token/none", {}, 400, "not found"),
        ("POST", "identity/oidc/key/a", {"algorithm": "HS256"}, 400, "unknown signing algorithm"),
        ("POST", "identity/oidc/key/a", {"rotation_period": 5}, 400, "at least one minute"),
        ("POST", "identity/oidc/key/a", {"rotation_period": 60, "verification_ttl": 601}, 400, "10x"),
        ("POST", "identity/oidc/role/a", {"key": "none"}, 400, "cannot find key"),
        ("POST", "identity/oidc/role/a", {"key": "k", "ttl": "25h"}, 400, "cannot be longer than the verification_ttl"),
        ("POST", "identity/oidc/role/a", {"key": "k", "template": '{"iss": "a"}'}, 400, '"iss" not allowed'),
        ("POST", "identity/entity-alias", {"name": "a"}, 400, "missing canonical_id"),
        ("POST", "sys/policies/acl/root", {"policy": "{}"}, 400, "cannot update"),
    ],
)
def test_what_is_not_documented_is_refused(
    turned: StandIn, method: str, path: str, fields: dict, status: int, error: str
) -> None:
    """In the error shape of the real one, which itself passes over fields that it does not know."""
    turned.call("POST", "identity/oidc/key/k")
    answered, document = turned.call(method, path, **fields)
    assert (status, {"errors"}) == (answered, set(document))
    assert error in document["errors"][0]


def test_a_token_without_an_entity_gets_no_identity_token(turned: StandIn) -> None:
    """As a root token of the real one."""
    turned.call("POST", "identity/oidc/key/k", allowed_client_ids=["*"])
    turned.call("POST", "identity/oidc/role/a", key="k")
    assert (400, {"errors": ["no entity associated with the request's token"]}) == turned.call(
        "GET", "identity/oidc/token/a"
    )
    turned.call("POST", "identity/oidc/key/k", allowed_client_ids=[])
    assert "does not list the client ID" in turned.call("GET", "identity/oidc/token/a")[1]["errors"][0]


def test_a_sealed_one_answers_nothing(turned: StandIn) -> None:
    """503, whatever is asked."""
    turned.sealed = True
    assert (503, {"errors": ["Vault is sealed"]}) == turned.call("GET", "sys/auth")


def test_every_endpoint_cites_its_page() -> None:
    """Whoever doubts the stand-in finds the page to hold it against."""
    assert len(ENDPOINTS) > 20
    assert [] == [
        each.answer.__name__ for each in ENDPOINTS if "https://openbao.org/api-docs/" not in (each.answer.__doc__ or "")
    ]
