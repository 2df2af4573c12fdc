"""Keys behind a URL: refreshed ahead of their time, kept through outages, fetched once however many ask.

Owns: when a fetch starts, who waits for it, and what is answered meanwhile.
Must never know: policy, HTTP, threads. The clock, the fetch, the launcher and the timer are handed in. No lock is
taken anywhere: a snapshot is swapped whole, and only whoever claims the one flight of its time may swap it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from functools import partial
from random import random
from time import monotonic
from weakref import ref

from jwtmw.decision import Reason
from jwtmw.errors import KeyRefused, KeysUnavailable, TokenRefused
from jwtmw.issuers import worker
from jwtmw.issuers.fetch import Fetched, FetchFailed
from jwtmw.issuers.importer import import_jwk_set
from jwtmw.issuers.keys import Key, KeySet
from jwtmw.issuers.snapshot import Snapshot, Timing
from jwtmw.issuers.source import Clock, Flight, KeyState

logger = logging.getLogger("jwtmw.issuers")

Job = Callable[[], None]
# Called with the ETag of the keys at hand, or None; raises FetchFailed.
Fetch = Callable[[str | None], Fetched]

# A waiter's timer may wake it this many seconds early; its flight counts as overdue all the same.
_EARLY = 0.05


class RemoteKeys:
    """Keys from a document that is fetched, refreshed ahead of its time, and kept through outages.

    `name` is the issuer's, for the log. Fetches run where `launch` puts them, one at a time; `later` calls a short
    job after a delay. Everything else happens in whichever thread or task asks, and never waits.
    """

    def __init__(
        self,
        name: str,
        fetch: Fetch,
        timing: Timing,
        *,
        clock: Clock = monotonic,
        launch: Callable[[Job], None] = worker.launch,
        later: Callable[[float, Job], None] = worker.later,
        jitter: Callable[[], float] = random,
    ) -> None:
        self.name = name
        self._fetch = fetch
        self._timing = timing
        self._clock = clock
        self._launch = launch
        self._later = later
        self._jitter = jitter
        self._state = Snapshot()
        # At most one flight, under the process's id: in a forked child the parent's will never land, and is not seen.
        self._flights: dict[int, Flight] = {}

    def look_up(self, kid: str | None, alg: str, after: Flight | None = None) -> tuple[Key, ...] | Flight:
        """As `KeySource` says."""
        now = self._clock()
        state = self._state
        if now < state.refresh_at and (keys := state.keys.select(kid, alg)):
            return keys
        return self._look_closer(kid, alg, after, now)

    def trusts(self, key: Key, generation: int) -> bool:
        """As `KeySource` says; two comparisons while the keys have not changed."""
        state = self._state
        return self._clock() < state.serve_until and (generation == state.generation or state.keys.contains(key))

    def _look_closer(self, kid: str | None, alg: str, after: Flight | None, now: float) -> tuple[Key, ...] | Flight:
        self._fail_overdue(now)
        state = self._state
        serving = now < state.serve_until
        if serving:
            if state.refresh_at <= now and state.retry_at <= now:
                self._begin(state, now)
            if keys := state.keys.select(kid, alg):
                return keys
            if state.keys.knows(kid) or now < state.cool_until or (after and after.has_succeeded()):
                raise TokenRefused(Reason.KEY_UNKNOWN)
        if after is not None or now < state.retry_at:
            raise KeysUnavailable(max(1.0, state.retry_at - now))
        return self._begin(state, now, for_kid=serving)

    def _begin(self, seen: Snapshot, now: float, for_kid: bool = False) -> Flight:
        """The flight under way, or a new one; `seen` is the state in which the caller found one wanting."""
        flight = Flight(now, self._timing.timeout, self._clock, for_kid)
        winner = self._flights.setdefault(os.getpid(), flight)
        if winner is not flight:
            return winner
        if self._state is not seen:
            # Another flight landed between the caller's look and this start: its outcome is the answer.
            self._settle(flight, self._state)
            return flight
        try:
            self._launch(partial(self._fly, flight, seen))
        except RuntimeError:
            self._fail(flight, "no thread can be started", None, now)
        return flight

    def _fly(self, flight: Flight, seen: Snapshot) -> None:
        """The job of a flight: fetch, import, settle."""
        try:
            fetched = self._fetch(seen.etag)
            keys = seen.keys if fetched.not_modified else self._imported(fetched.document, seen.keys)
        except FetchFailed as failure:
            self._fail(flight, failure.reason, failure.retry_after, self._clock())
        except KeyRefused as refusal:
            self._fail(flight, f"the key set was refused: {refusal.problem}", None, self._clock())
        except Exception as bug:  # noqa: BLE001 (whatever went wrong, waiters must hear of it)
            self._fail(flight, f"unexpected {type(bug).__name__}", None, self._clock())
        else:
            self._land(flight, fetched, keys)

    def _imported(self, document: object, known: KeySet) -> KeySet:
        imported = import_jwk_set(document)
        if not imported.keys.same_as(known):
            for text in imported.skipped:
                logger.warning("issuer %s: a published key is not used: %s", self.name, text)
        return imported.keys

    def _land(self, flight: Flight, fetched: Fetched, keys: KeySet) -> None:
        if not flight.claim():
            return
        now = self._clock()
        state = self._state.landed(
            self._timing,
            keys=keys,
            etag=fetched.etag,
            max_age=fetched.max_age,
            started=flight.started,
            jitter=self._jitter(),
        )
        if flight.for_kid:
            state = state.cooling(now + self._timing.cooldown)
        if self._state.failures:
            logger.info("issuer %s: keys are refreshed again", self.name)
        self._settle(flight, state)
        self._arm(state.refresh_at - now)

    def _fail(self, flight: Flight, error: str, retry_after: float | None, at: float) -> None:
        if not flight.claim():
            return
        state = self._state.failed(self._timing, error, retry_after, at, self._jitter())
        logger.warning("issuer %s: keys cannot be refreshed: %s", self.name, error)
        self._settle(flight, state)
        self._arm(state.retry_at - self._clock())

    def _fail_overdue(self, now: float) -> None:
        """Count a flight whose deadline has passed as failed; should it land later, it is not heard."""
        flight = self._flights.get(os.getpid())
        if flight is not None and flight.deadline - _EARLY <= now:
            self._fail(flight, "timed out", None, flight.deadline)

    def _settle(self, flight: Flight, state: Snapshot) -> None:
        # The order matters: whoever sees no flight any more must see the state that it left.
        self._state = state
        self._flights.clear()
        flight.future.set_result(state.failures == 0)

    def _arm(self, delay: float) -> None:
        """Refresh after `delay` also if no request comes by, as long as this source is in use."""
        self._later(max(0.0, delay), partial(_tick, ref(self), self._state.serial))

    def _refresh_from(self, serial: int) -> None:
        state = self._state
        if state.serial == serial:
            self._begin(state, self._clock())

    @property
    def generation(self) -> int:
        """As `KeySource` says."""
        return self._state.generation

    @property
    def state(self) -> KeyState:
        """As `KeySource` says."""
        return KeyState(self.is_fresh, self.is_stale, self.is_cooling_down, self.last_error)

    @property
    def is_fresh(self) -> bool:
        """Whether the keys at hand are within their time to live."""
        return self._clock() < self._state.fresh_until

    @property
    def is_stale(self) -> bool:
        """Whether old keys serve only because refreshing fails."""
        return self._state.fresh_until <= self._clock() < self._state.serve_until

    @property
    def is_cooling_down(self) -> bool:
        """Whether an unknown kid is refused without a refetch."""
        return self._clock() < self._state.cool_until

    @property
    def last_error(self) -> str | None:
        """Why the last refresh failed, as one of our own texts; None if it succeeded."""
        return self._state.last_error


def _tick(source: ref[RemoteKeys], serial: int) -> None:
    """The timer's job. It holds the source weakly: a policy that is gone is not refreshed for ever."""
    keys = source()
    if keys is not None:
        keys._refresh_from(serial)
