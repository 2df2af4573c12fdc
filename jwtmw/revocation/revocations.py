"""The deny-list of one process: `policy.revocations`.

Owns: revoking and allowing again, and the quick answer for tokens that were judged before.
Must never know: HTTP, how a token is verified, how entries travel between processes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from math import inf, isfinite
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from jwtmw.decision import Reason
from jwtmw.errors import RevocationFailed, TokenRefused
from jwtmw.issuers.source import Flight
from jwtmw.revocation.entries import LONGEST_LEEWAY, Entry, before, key_of, refuses

if TYPE_CHECKING:
    from jwtmw.token.principal import Principal


logger = logging.getLogger("jwtmw.revocation")


class Judged(Protocol):
    """A verdict that is remembered: whose it is, and with which state of the list it was found good."""

    cleared: int

    @property
    def principal(self) -> Principal: ...  # noqa: D102


class Revocations:
    """What was revoked, in the memory of this process. For a fleet, configure a store: `[revocation]`.

    `clock` tells epoch seconds. `names` has the issuers of the configuration by name, each with what its callers have
    as their issuer; empty where any issuer may be meant. At most `max_entries` are kept; there is no lock, and nothing
    here ever waits but `revoke` and `restore` of a list with a store.
    """

    def __init__(
        self, clock: Callable[[], float], max_entries: int, names: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self._clock = clock
        self._names = names
        self._max_entries = max_entries
        self._entries: dict[str, Entry] = {}
        # One more with every change; a verdict that was judged under it needs no second look.
        self.serial = 0

    def revoke(
        self,
        issuer: str,
        *,
        jti: str | None = None,
        subject: str | None = None,
        until: float | None = None,
        issued_before: float | None = None,
    ) -> None:
        """Refuse one token (`jti`), one subject, or, with neither, all tokens of `issuer`, from now on.

        issuer         its configured name, or the exact `iss`
        until          when this is forgotten, in epoch seconds: for one token its `exp`. Default: never
        issued_before  only tokens issued until then (`iat`, epoch seconds), and those that do not say. Default: all

        What was revoked before stays revoked: only `restore` takes it back.
        Raises `ValueError` for what names nothing, `RevocationFailed` where it cannot be kept.
        """
        self._revoke(self._identifier(issuer), jti, subject, until, issued_before)

    def _revoke(
        self, issuer: str, jti: str | None, subject: str | None, until: float | None, issued_before: float | None = None
    ) -> None:
        entry = Entry(_instant(until, "until") + LONGEST_LEEWAY, _instant(issued_before, "issued_before"))
        key = _named(issuer, jti, subject)
        self._keep(key if issued_before is None else before(key), entry)

    def revoke_token(self, principal: Principal) -> None:
        """Refuse the token of this caller from now on. Raises as `revoke`, `ValueError` too where it has no `jti`."""
        jti = principal.claims.get("jti")
        if not isinstance(jti, str):
            raise ValueError("the token has no jti; revoke its subject")
        self._revoke(principal.issuer, jti, None, principal.expires_at)

    def restore(self, issuer: str, *, jti: str | None = None, subject: str | None = None) -> None:
        """Take back whatever was revoked by the same words, at all times. Raises as `revoke`."""
        key = _named(self._identifier(issuer), jti, subject)
        self._keep(key, None)
        self._keep(before(key), None)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} entries)"

    # What the engine asks

    def clears(self, judged: Judged) -> bool:
        """Whether a remembered verdict still counts; False: ask `check`."""
        return judged.cleared == self.serial or self._judge(judged)

    def check(self, principal: Principal, after: Flight | None = None) -> int | Flight:
        """The state of the list in which this caller is not revoked, or a flight to wait for.

        `after` is the flight just waited for; then none is returned. Raises `TokenRefused` (TOKEN_REVOKED) or
        `RevocationsUnavailable`.
        """
        del after
        # Read first: a change between the two makes the verdict one of before.
        serial = self.serial
        if self._entries and refuses(self._entries, principal, self._clock()):
            raise TokenRefused(Reason.TOKEN_REVOKED)
        return serial

    def _identifier(self, issuer: str) -> str:
        """What the issuer's callers have as theirs. In a fleet another service may know one that this one does not."""
        found = self._names.get(issuer, issuer) if isinstance(issuer, str) else issuer
        if self._names and found not in self._names.values():
            logger.warning("revocations: no issuer of this configuration has this name or iss; no token here is meant")
        return found

    def _judge(self, judged: Judged) -> bool:
        serial = self.serial
        if self._entries and refuses(self._entries, judged.principal, self._clock()):
            return False
        judged.cleared = serial
        return True

    def _keep(self, key: str, entry: Entry | None) -> None:
        if entry is not None and key not in self._entries and len(self._entries) >= self._max_entries:
            self._forget_past()
            if len(self._entries) >= self._max_entries:
                raise RevocationFailed("the list is full; give entries an end, or raise max_entries")
        self._apply({key: self._with_known(key, entry)})

    def _with_known(self, key: str, entry: Entry | None) -> Entry | None:
        return None if entry is None else entry.with_more(self._entries.get(key), self._clock())

    def _apply(self, changes: Mapping[str, Entry | None]) -> None:
        """Each step is one operation of a dict; the serial comes last, so that whoever sees it sees the change."""
        for key, entry in changes.items():
            if entry is None:
                self._entries.pop(key, None)
            else:
                self._entries[key] = entry
        self.serial += 1

    def _forget_past(self) -> None:
        """One by one, and what another thread has renewed meanwhile is put back: no entry is lost to a race."""
        now, entries = self._clock(), self._entries
        for key in [key for key, entry in list(entries.items()) if entry.until <= now]:
            gone = entries.pop(key, None)
            if gone is not None and now < gone.until:
                entries.setdefault(key, gone)


def _named(issuer: str, jti: str | None, subject: str | None) -> str:
    if jti is not None and subject is not None:
        raise ValueError("give jti or subject, not both")
    for name in (issuer, *(name for name in (jti, subject) if name is not None)):
        if not (isinstance(name, str) and name):
            raise ValueError("issuer, jti and subject are text, and not empty")
    return key_of(issuer, jti, subject)


def _instant(seconds: float | None, name: str) -> float:
    if seconds is None:
        return inf
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not isfinite(seconds):
        raise ValueError(f"{name} is a number of epoch seconds, or None")
    return float(seconds)
