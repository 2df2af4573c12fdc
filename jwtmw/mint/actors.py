"""Who acts for whom: the `act` claim of RFC 8693 section 4.1.

    {"sub": "https://gateway.internal", "act": {"sub": "billing-batch"}}

The outermost is who acts now, and the only one that access may depend on; what is nested has acted before.

Owns: how the chain grows, and that it ends.
Must never know: tokens, keys.
"""

from __future__ import annotations

from typing import Any

from jwtmw.errors import MintFailed
from jwtmw.token.principal import Principal

# Services that call each other in a circle are stopped here.
MOST = 8


def actors(actor: str, principal: Principal) -> dict[str, Any] | None:
    """The chain with `actor` in front of those of the caller's own token; None where nobody is acted for.

    Raises `MintFailed` for a chain that is none, or has more than eight actors.
    """
    if not principal.is_authenticated:
        return None
    before = principal.claims.get("act")
    if _length(before) >= MOST:
        raise MintFailed(f"more than {MOST} actors act for one another")
    return {"sub": actor} if before is None else {"sub": actor, "act": before}


def _length(act: Any) -> int:
    length = 0
    while act is not None:
        if not isinstance(act, dict):
            raise MintFailed("the caller's act claim is malformed")
        length, act = length + 1, act.get("act")
    return length
