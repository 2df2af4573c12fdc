"""What an administrator of the stand-in for Vault sets up: a user who can get a JWT.

Owns: the user, its key and role.
Must never know: what a test wants of them.
"""

from __future__ import annotations

from tests.vault.standin import StandIn


def with_user(vault: StandIn, name: str = "alice", algorithm: str = "ES384", ttl: str = "1h") -> None:
    """A userpass user with the password "right", bound to an entity that may have tokens of the role of its name."""
    vault.policy(f"jwt-{name}", f'path "identity/oidc/token/{name}" {{ capabilities = ["read"] }}')
    vault.call("POST", "identity/entity", name=name, policies=[f"jwt-{name}"])
    entity = vault.call("GET", f"identity/entity/name/{name}")[1]["data"]["id"]
    vault.call("POST", f"auth/userpass/users/{name}", password="right", token_ttl="1h")
    accessor = vault.mounts["userpass"].accessor
    vault.call("POST", "identity/entity-alias", name=name, canonical_id=entity, mount_accessor=accessor)
    vault.call("POST", "identity/oidc/key/orders", algorithm=algorithm, allowed_client_ids=["*"])
    template = f'{{"name": "{name}"}}'
    vault.call("POST", f"identity/oidc/role/{name}", key="orders", client_id="orders", template=template, ttl=ttl)


def token_of(vault: StandIn, name: str = "alice") -> str:
    """A JWT of the user."""
    login = vault.call("POST", f"auth/userpass/login/{name}", password="right")[1]["auth"]["client_token"]
    token: str = vault.call("GET", f"identity/oidc/token/{name}", login)[1]["data"]["token"]
    return token
