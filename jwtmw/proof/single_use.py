"""Tokens that count once: which were used, remembered until they have expired.

Owns: the contract between who proves and who remembers, the key under which a token stands, and the memory of one
process.
Must never know: policy, HTTP, threads, what a refused token leads to.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Protocol

from jwtmw.errors import ReplaysUnavailable
from jwtmw.issuers.source import Flight
from jwtmw.stores import digest

logger = logging.getLogger("jwtmw.proof")

LONGEST_RETRY_AFTER = 60.0
# So many are forgotten with each that comes: more than one, and few enough that nobody has to wait for it.
_FORGOTTEN_AT_ONCE = 64


class Spending(Flight):
    """A token that is being spent in a store. `first` is there once the store has answered: whether it was unused."""

    __slots__ = ("first",)

    def __init__(self, started: float, timeout: float, clock: Callable[[], float]) -> None:
        super().__init__(started, timeout, clock)
        self.first: bool | None = None


class SingleUse(Protocol):
    """Who remembers which tokens were used. No method waits."""

    def spend(self, key: str, until: float, after: Spending | None = None) -> bool | Spending:
        """Whether this is the first use of the token under `key`; from now on it is used. Or what to wait for.

        until  when the token counts no more, in epoch seconds
        after  what was just waited for; then there is an answer

        Raises `ReplaysUnavailable` where nobody can say, or could remember.
        """
        ...


def key_of(issuer: str, consumer: str, jti: str) -> str:
    """The key of one token. `consumer` is whose key signed it, "" where the issuer's did: a jti is unique to a signer.

    A digest: however long a jti is, and whatever it says, a store keeps as much of it.
    """
    return digest(issuer, consumer, jti)


class TellsTime(Protocol):
    """`time()` in epoch seconds, `monotonic()` in seconds."""

    def time(self) -> float: ...  # noqa: D102
    def monotonic(self) -> float: ...  # noqa: D102


class UsedHere:
    """The memory of this process, and of no other: at most `max_entries` tokens that have not expired.

    No lock: each step is one operation of a dict or a heap. What is in the dict is taken out by nobody but who has
    taken its one entry out of the heap, so that of any number of threads exactly one is the first.

    A token is forgotten when it has expired by both clocks: one that is set forward, and back, makes none count twice.
    """

    def __init__(self, clock: TellsTime, max_entries: int) -> None:
        self._clock = clock
        self._max_entries = max_entries
        self._used: dict[str, object] = {}
        # When to look whether a token has expired, on the monotonic clock; its key; its end in epoch seconds.
        self._ends: list[tuple[float, str, float]] = []
        self._was_full = False

    def spend(self, key: str, until: float, after: Spending | None = None) -> bool:
        """As `SingleUse` says. A memory full of tokens that still count takes no more: none of them is forgotten."""
        del after
        self._forget_past()
        if key in self._used:
            return False
        if len(self._used) >= self._max_entries:
            raise self._full()
        self._was_full = False
        mine = object()
        if self._used.setdefault(key, mine) is not mine:
            return False
        self._look_again(key, until)
        return True

    def __len__(self) -> int:
        return len(self._used)

    def __repr__(self) -> str:
        return f"UsedHere({len(self)} entries)"

    def _full(self) -> ReplaysUnavailable:
        if not self._was_full:
            self._was_full = True
            logger.error("no more single-use tokens can be remembered: shorten their lives, or raise max_entries")
        soonest = self._ends[0][0] - self._clock.monotonic() if self._ends else 1.0
        return ReplaysUnavailable(min(max(1.0, soonest), LONGEST_RETRY_AFTER))

    def _look_again(self, key: str, until: float) -> None:
        """Not before the wall clock, as it goes now, has come to the end."""
        heappush(self._ends, (self._clock.monotonic() + max(0.0, until - self._clock.time()), key, until))

    def _forget_past(self) -> None:
        for _ in range(_FORGOTTEN_AT_ONCE):
            now = self._clock.monotonic()
            try:
                if self._ends[0][0] > now:
                    return
                end = heappop(self._ends)
            except IndexError:
                return
            due, key, until = end
            if due > now:
                # Another thread was faster, and this is the next one.
                heappush(self._ends, end)
                return
            if self._clock.time() < until:
                self._look_again(key, until)
            else:
                del self._used[key]
