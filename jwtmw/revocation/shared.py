"""A deny-list that a fleet shares: each process keeps a copy, refreshed behind the requests' backs.

A request asks the copy alone, so it costs what a list in memory costs, and the store may be slow or away for a moment.
What is revoked anywhere is refused here after `refresh` seconds and one look at the latest. A copy that could not be
refreshed for `max_stale` seconds is not believed any more: then nobody can say what was revoked, and that is a 503.

Owns: when the store is looked at, who waits, and how old a copy may be.
Must never know: what kind of store it is, policy, how a token is verified.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from math import inf
from time import monotonic
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol
from weakref import ref

from jwtmw.errors import RevocationFailed, RevocationsUnavailable
from jwtmw.issuers import worker
from jwtmw.issuers.source import Clock, Flight
from jwtmw.revocation.entries import Entry
from jwtmw.revocation.revocations import Judged, Revocations

if TYPE_CHECKING:
    from jwtmw.token.principal import Principal

logger = logging.getLogger("jwtmw.revocation")

Job = Callable[[], None]


class Cursor(NamedTuple):
    """How far a copy has read: `memory` names the store's memory, which is another where it has lost what it knew."""

    memory: str
    position: int


class Look(NamedTuple):
    """What the store has: all of it, or the changes behind a cursor. None stands for what was allowed again."""

    cursor: Cursor
    changes: Mapping[str, Entry | None]


class Store(Protocol):
    """Where a fleet keeps its list. Both block, for a bounded time, and raise `RevocationFailed`."""

    def look(self, since: Cursor | None) -> Look:
        """The changes behind `since`; all entries where that is None, or of another memory."""
        ...

    def keep(self, key: str, entry: Entry | None, now: float, most: int) -> None:
        """Keep an entry, or allow again what stands under `key`; at most `most` entries. `now` in epoch seconds.

        Where one stands there already, what is kept is `Entry.with_more` of the two.
        """
        ...


@dataclass(frozen=True, slots=True)
class Terms:
    """How long what may last, in seconds.

    refresh    the time between two looks at the store
    max_stale  how old the copy may be
    timeout    the longest that one look may take, and a request wait for it
    fail_open  where the copy is too old: True believes it all the same, False is a 503
    """

    refresh: float = 2.0
    max_stale: float = 30.0
    timeout: float = 5.0
    fail_open: bool = False


class SharedRevocations(Revocations):
    """`Revocations` over a store. `revoke` and `restore` write to the store: not for an event loop.

    Looks run where `launch` puts them, one at a time; `later` calls a short job after a delay.
    """

    def __init__(
        self,
        store: Store,
        terms: Terms,
        *,
        clock: Callable[[], float],
        max_entries: int,
        names: Mapping[str, str] = MappingProxyType({}),
        monotonic: Clock = monotonic,
        launch: Callable[[Job], None] = worker.launch,
        later: Callable[[float, Job], None] = worker.later,
    ) -> None:
        super().__init__(clock, max_entries, names)
        self._store = store
        self._terms = terms
        self._monotonic = monotonic
        self._launch = launch
        self._later = later
        # Where the next look begins, None for the beginning; and which memory the copy is of.
        self._since: Cursor | None = None
        self._memory = ""
        # What an earlier memory of the store knew.
        self._orphans: dict[str, Entry] = {}
        # When the last look that succeeded began, and when the next one is overdue.
        self._looked = -inf
        self._due = -inf
        self._failed_at = -inf
        # At most one look, under the process's id: in a forked child the parent's will never land, and is not seen.
        self._flights: dict[int, Flight] = {}

    def clears(self, judged: Judged) -> bool:
        """As `Revocations` says; two comparisons while nothing has changed."""
        if self._monotonic() < self._due and judged.cleared == self.serial:
            return True
        return self._serves(self._monotonic()) and self._judge(judged)

    def check(self, principal: Principal, after: Flight | None = None) -> int | Flight:
        """As `Revocations` says."""
        now = self._monotonic()
        if not self._serves(now):
            if after is None and now >= self._failed_at + self._terms.refresh:
                return self._begin(now)
            if not self._terms.fail_open:
                raise RevocationsUnavailable(max(1.0, self._terms.refresh))
        return super().check(principal)

    def _serves(self, now: float) -> bool:
        """Whether the copy may be believed; where a look is overdue (a forked or frozen process) one is begun."""
        self._fail_overdue()
        if now >= self._due and now >= self._failed_at + self._terms.refresh:
            self._begin(now)
        return now < self._looked + self._terms.max_stale

    def _begin(self, now: float) -> Flight:
        flight = Flight(now, self._terms.timeout, self._monotonic)
        winner = self._flights.setdefault(os.getpid(), flight)
        if winner is flight:
            try:
                self._launch(partial(self._look, flight))
            except RuntimeError:
                self._fail(flight, "no thread can be started")
        return winner

    def _look(self, flight: Flight) -> None:
        """The job of a flight: look, settle. After a failure everything is read anew."""
        try:
            look = self._store.look(self._since)
        except RevocationFailed as failure:
            self._fail(flight, failure.reason)
        except Exception as bug:  # noqa: BLE001 (whatever went wrong, waiters must hear of it)
            self._fail(flight, f"unexpected {type(bug).__name__}")
        else:
            self._land(flight, look)

    def _land(self, flight: Flight, look: Look) -> None:
        if not flight.claim():
            return
        if self._take(look):
            self._looked = flight.started
            self._due = flight.started + 2 * self._terms.refresh + self._terms.timeout
            if self._failed_at > -inf:
                logger.info("revocations are read again")
            self._failed_at = -inf
            self._settle(flight, True)
        else:
            self._refuse(flight, f"the store has more than {self._max_entries} entries")

    def _take(self, look: Look) -> bool:
        """Make the copy what the store has; False where that is too much."""
        memory = look.cursor.memory
        if self._memory and memory != self._memory:
            # Nothing is allowed again because a store has forgotten it.
            logger.error("the store of revocations has lost its memory; what this process knows still counts here")
            self._orphans = dict(self._entries)
            self._change(look)
        elif self._since is None:
            whole = {**self._orphans, **look.changes}
            self._entries = {key: entry for key, entry in whole.items() if entry is not None}
            self.serial += 1
        else:
            self._change(look)
        self._since, self._memory = look.cursor, memory
        return len(self._entries) <= self._max_entries

    def _change(self, look: Look) -> None:
        if look.changes:
            self._forget_past()
            self._apply(look.changes)

    def _fail(self, flight: Flight, reason: str) -> None:
        if flight.claim():
            self._refuse(flight, reason)

    def _refuse(self, flight: Flight, reason: str) -> None:
        logger.warning("revocations cannot be read: %s", reason)
        self._failed_at = self._monotonic()
        self._due = -inf
        # What was allowed again long ago is not told any more: the next look begins at the beginning.
        self._since = None
        self._settle(flight, False)

    def _fail_overdue(self) -> None:
        flight = self._flights.get(os.getpid())
        if flight is not None and flight.remaining() <= 0:
            self._fail(flight, "timed out")

    def _settle(self, flight: Flight, succeeded: bool) -> None:
        # The order matters: whoever sees no flight any more must see the state that it left.
        self._flights.clear()
        flight.future.set_result(succeeded)
        self._later(self._terms.refresh, partial(_tick, ref(self)))

    def _keep(self, key: str, entry: Entry | None) -> None:
        """To the store first: what it does not take is not revoked, and whoever revokes hears of it."""
        self._store.keep(key, entry, self._clock(), self._max_entries)
        self._apply({key: self._with_known(key, entry)})


def _tick(list_: ref[SharedRevocations]) -> None:
    """The timer's job. It holds the list weakly: a policy that is gone is not refreshed for ever."""
    revocations = list_()
    if revocations is not None:
        revocations._begin(revocations._monotonic())
