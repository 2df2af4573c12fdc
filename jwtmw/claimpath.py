"""How configuration names a claim: the whole member name first, then a dotted path.

`https://example.com/roles` is one member although it has dots; `realm_access.roles` is `roles` inside `realm_access`.

Owns: the one look-up behind `roles_claim`, `claims` and every other key that names a claim.
Must never know: tokens, policy, what a claim means.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def claim_at(claims: Mapping[str, Any], path: str) -> Any:
    """The value that `path` names in `claims`, None where there is none (a JSON null counts as none)."""
    if path in claims:
        return claims[path]
    if "." not in path:
        return None
    value: Any = claims
    for member in path.split("."):
        if not isinstance(value, Mapping) or member not in value:
            return None
        value = value[member]
    return value
