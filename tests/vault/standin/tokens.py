"""The stand-in's tokens and policies: who may do what, and for how long.

Owns: tokens with their leases, and ACL policies as https://openbao.org/docs/concepts/policies/ has them.
Must never know: how anybody logs in.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.vault.standin.dispatch import Refused, Request, endpoint

# What the real ones let everybody do to themselves (https://openbao.org/docs/concepts/policies/#default-policy).
DEFAULT = {
    "auth/token/lookup-self": {"read"},
    "auth/token/renew-self": {"update"},
    "auth/token/revoke-self": {"update"},
}
_STANZA = re.compile(r'\s*path\s+"([^"]+)"\s*\{\s*capabilities\s*=\s*\[([^\]]*)\]\s*\}\s*')


@dataclass
class Token:
    """`ttl` is what a renewal gives, `expires_at` None for never; `last` is the instant that no renewal passes."""

    id: str
    policies: list[str]
    ttl: int
    expires_at: float | None
    last: float | None
    entity_id: str = ""
    renewable: bool = True


class Tokens:
    """Every token by its text, and every policy by its name."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.by_id: dict[str, Token] = {}
        self.policies: dict[str, dict[str, set[str]]] = {"default": DEFAULT}
        self.identity_policies: Callable[[str], list[str] | None] = lambda entity_id: []

    def create(
        self, policies: list[str], ttl: int = 0, max_ttl: int = 0, entity_id: str = "", renewable: bool = True
    ) -> Token:
        """A new token; `ttl` 0 never ends."""
        now = self._now()
        token = Token(
            id=f"hvs.{secrets.token_urlsafe(18)}",
            policies=policies,
            ttl=ttl,
            expires_at=now + ttl if ttl else None,
            last=now + max_ttl if max_ttl else None,
            entity_id=entity_id,
            renewable=renewable and ttl > 0,
        )
        self.by_id[token.id] = token
        return token

    def allowed(self, text: str | None, path: str, capability: str) -> Token:
        """The token, if it holds now and its policies allow this; else 403, which does not tell the two apart."""
        token = self.by_id.get(text or "")
        if token is None or (token.expires_at is not None and token.expires_at <= self._now()):
            raise Refused(403, "permission denied")
        inherited = self.identity_policies(token.entity_id) if token.entity_id else []
        if inherited is None:
            raise Refused(403, "permission denied as the entity on the token is invalid")
        names = {*token.policies, *inherited}
        if "root" in names or capability in self._capabilities(names, path):
            return token
        raise Refused(403, "1 error occurred:\n\t* permission denied\n\n")

    def _capabilities(self, names: set[str], path: str) -> set[str]:
        granted: set[str] = set()
        for name in names:
            for pattern, capabilities in self.policies.get(name, {}).items():
                if _matches(pattern, path):
                    granted |= capabilities
        return set() if "deny" in granted else granted | ({"update"} if "create" in granted else set())


def parsed_policy(text: str) -> dict[str, set[str]]:
    """A policy in HCL's plainest form, or in JSON."""
    try:
        paths: dict[str, Any] = json.loads(text)["path"]
        return {path: set(body["capabilities"]) for path, body in paths.items()}
    except ValueError:
        pass
    stanzas = _STANZA.findall(text)
    if not stanzas or _STANZA.sub("", text).strip():
        raise Refused(400, "failed to parse policy")
    return {path: set(re.findall(r'"(\w+)"', capabilities)) for path, capabilities in stanzas}


def _matches(pattern: str, path: str) -> bool:
    """`*` at the end is any rest, `+` one segment."""
    source = re.escape(pattern.removesuffix("*")).replace(r"\+", "[^/]+")
    return re.fullmatch(source + (".*" if pattern.endswith("*") else ""), path) is not None


def auth_of(token: Token, now: float) -> dict[str, Any]:
    """The member `auth` of a login's or a renewal's answer."""
    left = 0 if token.expires_at is None else round(token.expires_at - now)
    return {
        "client_token": token.id,
        "accessor": f"accessor-{token.id[-6:]}",
        "policies": token.policies,
        "token_policies": token.policies,
        "metadata": {},
        "lease_duration": left,
        "renewable": token.renewable,
        "entity_id": token.entity_id,
        "token_type": "service",
        "orphan": True,
    }


@endpoint("POST", "auth/token/renew-self", "increment")
def renew_self(request: Request) -> Any:
    """https://openbao.org/api-docs/auth/token/#renew-a-token-self; never beyond the token's max TTL."""
    from tests.vault.standin.dispatch import Answer

    token, now = request.token, request.vault.now()
    assert token is not None
    if not token.renewable:
        raise Refused(400, "lease is not renewable")
    ends = now + request.seconds("increment", token.ttl)
    token.expires_at = ends if token.last is None else min(ends, token.last)
    return Answer(auth=auth_of(token, now))


@endpoint("GET", "auth/token/lookup-self")
def lookup_self(request: Request) -> Any:
    """https://openbao.org/api-docs/auth/token/#lookup-a-token-self"""
    token, now = request.token, request.vault.now()
    assert token is not None
    left = 0 if token.expires_at is None else round(token.expires_at - now)
    return {
        "id": token.id,
        "policies": token.policies,
        "entity_id": token.entity_id,
        "renewable": token.renewable,
        "ttl": left,
        "creation_ttl": token.ttl,
        "explicit_max_ttl": 0,
        "num_uses": 0,
    }


@endpoint("POST", "auth/token/revoke-self")
def revoke_self(request: Request) -> Any:
    """https://openbao.org/api-docs/auth/token/#revoke-a-token-self"""
    assert request.token is not None
    del request.vault.tokens.by_id[request.token.id]


@endpoint("PUT", "sys/policy/:name", "policy")
@endpoint("POST", "sys/policies/acl/:name", "policy")
def write_policy(request: Request) -> Any:
    """https://openbao.org/api-docs/system/policies/#createupdate-acl-policy, and the older
    https://openbao.org/api-docs/system/policy/#createupdate-policy; to the real ones PUT and POST are one.
    """
    name = request.parameters["name"]
    if name == "root":
        raise Refused(400, 'cannot update "root" policy')
    request.vault.tokens.policies[name] = parsed_policy(request.text("policy"))
