"""Tokens that count once in a whole fleet: the store is asked in a thread, behind the requests' backs.

Owns: who asks the store, how many at once, and that a store which does not answer lets nobody pass.
Must never know: what kind of store it is, policy, HTTP. The clock and the launcher are handed in.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import Protocol

from jwtmw.errors import ReplaysUnavailable, StoreFailed
from jwtmw.issuers import worker
from jwtmw.issuers.pool import Job, Pool
from jwtmw.issuers.source import Clock
from jwtmw.proof.single_use import Spending

logger = logging.getLogger("jwtmw.proof")

# So many are asked about at once, and as many wait as these can ask about in a moment.
MOST_AT_ONCE = 8
MOST_WAITING = 256


class Store(Protocol):
    """Where a fleet remembers. It blocks, for a bounded time."""

    def spend(self, key: str, lasts: float) -> bool:
        """Keep `key` for `lasts` seconds, in one step; False where it is there. Raises `StoreFailed`."""
        ...


class UsedAnywhere:
    """What a store remembers for all processes. `timeout` is the longest that a request waits, in seconds.

    `clock` tells epoch seconds. Nothing here waits, so an event loop may call it.
    """

    def __init__(
        self,
        store: Store,
        timeout: float,
        *,
        clock: Callable[[], float],
        monotonic: Clock = monotonic,
        launch: Callable[[Job], None] = worker.launch,
    ) -> None:
        self._store = store
        self._timeout = timeout
        self._clock = clock
        self._monotonic = monotonic
        self._launch = launch
        # Under the process's id: a forked child has none of its parent's threads.
        self._pools: dict[int, Pool] = {}

    def __repr__(self) -> str:
        return "UsedAnywhere(...)"

    def spend(self, key: str, until: float, after: Spending | None = None) -> bool | Spending:
        """As `SingleUse` says. What the store has not answered in time may be spent all the same."""
        if after is not None:
            if after.first is None:
                raise ReplaysUnavailable(1.0)
            return after.first
        spending = Spending(self._monotonic(), self._timeout, self._monotonic)
        try:
            accepted = self._pool().submit(partial(self._ask, spending, key, until))
        except RuntimeError:
            self._fail(spending, "no thread can be started")
            return spending
        if not accepted:
            logger.warning("single use cannot be checked: too many wait for the store")
            raise ReplaysUnavailable(1.0)
        return spending

    def _pool(self) -> Pool:
        pid = os.getpid()
        return self._pools.get(pid) or self._pools.setdefault(pid, Pool(MOST_AT_ONCE, MOST_WAITING, self._launch))

    def _ask(self, spending: Spending, key: str, until: float) -> None:
        """The job: ask the store, unless whoever waited has given up."""
        if spending.remaining() <= 0:
            return self._fail(spending, "nobody came to ask the store in time")
        try:
            first = self._store.spend(key, max(0.0, until - self._clock()))
        except StoreFailed as failure:
            self._fail(spending, failure.reason)
        except Exception as bug:  # noqa: BLE001 (whatever went wrong, waiters must hear of it)
            self._fail(spending, f"unexpected {type(bug).__name__}")
        else:
            self._settle(spending, first)

    def _fail(self, spending: Spending, reason: str) -> None:
        logger.warning("single use cannot be checked: %s", reason)
        self._settle(spending, None)

    @staticmethod
    def _settle(spending: Spending, first: bool | None) -> None:
        if spending.claim():
            # The order matters: whoever is woken must see the answer.
            spending.first = first
            spending.future.set_result(first is not None)
