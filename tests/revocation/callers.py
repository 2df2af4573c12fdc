"""Callers as the deny-list sees them, and verdicts as the cache remembers them.

Owns: principals by issuer, jti, subject and iat.
Must never know: how they are judged.
"""

from __future__ import annotations

from typing import Any

from jwtmw.token.frozen import FrozenDict
from jwtmw.token.principal import Principal

ISSUER = "https://id.example/"
NOW = 1_800_000_000.0


def caller(issuer: str = ISSUER, *, expires_at: float | None = NOW + 600, **claims: Any) -> Principal:
    """A verified caller; a claim that is None is not there."""
    given = {"jti": "one", "sub": "alice", "iat": NOW - 100, **claims}
    kept = {name: value for name, value in given.items() if value is not None}
    return Principal(
        issuer=issuer,
        subject=kept.get("sub"),
        claims=FrozenDict(kept),
        expires_at=expires_at,
        is_authenticated=True,
    )


class Verdict:
    """What the cache of verified tokens remembers of a caller."""

    def __init__(self, principal: Principal, cleared: int = 0) -> None:
        self.principal = principal
        self.cleared = cleared
