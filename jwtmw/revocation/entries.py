"""One entry of the deny-list: what it names, whom it refuses, and until when.

Owns: the keys under which tokens, subjects and issuers stand there: digests, never a token, and no name in the clear.
Must never know: where the list is kept, tokens beyond who they name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import floor, inf
from typing import TYPE_CHECKING, NamedTuple

from jwtmw.stores import digest

if TYPE_CHECKING:
    from jwtmw.token.principal import Principal

# Tokens count until `leeway` after their exp, and a leeway is at most this.
LONGEST_LEEWAY = 300.0


class Entry(NamedTuple):
    """Who stands under the entry's key is refused.

    until          the instant, in epoch seconds, at which the entry is forgotten; inf: never
    issued_before  only tokens issued until then, in epoch seconds, and those that do not say when; inf: all. An `iat`
                   counts as its whole second: what was issued in the second of a logout may be from before
    """

    until: float = inf
    issued_before: float = inf

    def with_more(self, other: Entry | None, now: float) -> Entry:
        """What refuses whom either of the two refuses: revoking once more takes nothing back."""
        if other is None or other.until <= now:
            return self
        return Entry(max(self.until, other.until), max(self.issued_before, other.issued_before))


def key_of(issuer: str, jti: str | None = None, subject: str | None = None) -> str:
    """The key of one token, one subject, or, with neither, of all tokens of an issuer."""
    if jti is not None:
        return f"jti:{digest(issuer, jti)}"
    return f"iss:{digest(issuer)}" if subject is None else f"sub:{digest(issuer, subject)}"


def before(key: str) -> str:
    """Where an entry with `issued_before` stands, beside the one under `key` that refuses whatever the `iat`.

    Two entries: neither a logout nor its end says anything about a user who is shut out, and the other way round.
    """
    return f"{key}:before"


def refuses(entries: Mapping[str, Entry], principal: Principal, now: float) -> bool:
    """Whether an entry refuses this caller at `now`, in epoch seconds."""
    return any(
        _hits(entries.get(key), principal, now) or _hits(entries.get(before(key)), principal, now)
        for key in _keys(principal)
    )


def _keys(principal: Principal) -> Iterator[str]:
    jti = principal.claims.get("jti")
    if isinstance(jti, str):
        yield key_of(principal.issuer, jti=jti)
    if principal.subject is not None:
        yield key_of(principal.issuer, subject=principal.subject)
    yield key_of(principal.issuer)


def _hits(entry: Entry | None, principal: Principal, now: float) -> bool:
    if entry is None or now >= entry.until:
        return False
    issued = principal.claims.get("iat")
    return issued is None or floor(issued) <= entry.issued_before
