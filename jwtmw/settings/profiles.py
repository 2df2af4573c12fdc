"""What the tokens of well-known products look like: defaults for an issuer that names its `profile`.

Owns: for each product, where scopes and roles are, which `typ` its access tokens have, what stands for an audience.
Must never know: anything that a service decides for itself: issuers, audiences, keys, times, required claims.
docs/profiles.md shows a token of each, and its source.
"""

from __future__ import annotations

from typing import Any

PROFILES: dict[str, dict[str, Any]] = {
    # Permissions are the user's, whatever the client was granted: roles, not scopes.
    "auth0": {"token_types": ["JWT", "at+jwt"], "scope_claim": ["scope"], "roles_claim": "permissions"},
    # Access tokens have no aud unless a resource was asked for, and never a typ.
    "cognito": {
        "token_types": ["", "JWT"],
        "scope_claim": ["scope"],
        "roles_claim": "cognito:groups",
        "client_id_as_audience": True,
    },
    "descope": {"scope_claim": ["scope"], "roles_claim": "roles"},
    "entra": {"token_types": ["JWT"], "scope_claim": ["scp"], "roles_claim": "roles"},
    "google": {"token_types": ["JWT"]},
    "keycloak": {"token_types": ["JWT", "at+jwt"], "scope_claim": ["scope"], "roles_claim": "realm_access.roles"},
    # Its org server's own tokens have the typ okta-internal-at+jwt; nobody but Okta is meant to check them.
    "okta": {"token_types": ["", "JWT", "at+jwt"], "scope_claim": ["scp"], "roles_claim": "groups"},
    "openbao": {"token_types": ["", "JWT"], "scope_claim": ["scope"], "roles_claim": "groups"},
    # RFC 9068, sections 2.1 and 2.2.3.
    "rfc9068": {"token_types": ["at+jwt"], "scope_claim": ["scope"], "roles_claim": "roles"},
}


def profiled(raw: dict[str, Any]) -> dict[str, Any]:
    """The configuration with each issuer's profile laid under its own keys, which win. Changes nothing in `raw`.

    What has no shape yet, or names no profile that there is, is left to the checks.
    """
    issuers = raw.get("issuers")
    return {**raw, "issuers": [_profiled(issuer) for issuer in issuers]} if isinstance(issuers, list) else raw


def _profiled(issuer: Any) -> Any:
    profile = issuer.get("profile") if isinstance(issuer, dict) else None
    return {**PROFILES.get(profile, {}), **issuer} if isinstance(profile, str) else issuer
