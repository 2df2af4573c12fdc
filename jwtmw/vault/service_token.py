"""This service's own token at a Vault: logged in when needed, renewed before it ends, one attempt at a time.

Owns: when to log in or to renew, who waits for it, and what is used meanwhile.
Must never know: HTTP, threads, what the token is used for. The clock, the ways to log in and to renew, the launcher and
the timer are handed in. No lock is taken: the state is swapped whole, by whoever claims the one flight of its time.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from concurrent.futures import wait as wait_for_futures
from dataclasses import dataclass, field, replace
from functools import partial
from math import inf, isfinite
from random import random
from time import monotonic
from weakref import ref

from jwtmw.issuers import worker
from jwtmw.issuers.snapshot import back_off
from jwtmw.issuers.source import Clock, Flight
from jwtmw.vault import login
from jwtmw.vault.login import Lease, Login
from jwtmw.vault.server import Server, VaultFailed

logger = logging.getLogger("jwtmw.vault")

Job = Callable[[], None]
Renew = Callable[[Server, str, float], Lease]

# A lease is renewed no sooner than this many seconds after it was had, however short it is.
SHORTEST_WAIT = 5.0
# A token that is refused this soon after its login is good: it is not allowed to do what it was used for.
TOO_SOON = 30.0


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of the token. Instants are those of the monotonic clock.

    granted   how long the token lived when it was logged in with; a renewal that gives less than half is its last
    since     when it was logged in with
    renew_at  from here on it is renewed, while it still serves
    ends_at   from here on it is worth nothing
    retry_at  the end of the back-off after a failure
    """

    serial: int = 0
    lease: Lease = field(default=Lease(""), repr=False)
    granted: float = 0.0
    since: float = -inf
    renew_at: float = -inf
    ends_at: float = -inf
    retry_at: float = -inf
    failures: int = 0
    last_error: str = ""

    def landed(self, lease: Lease, started: float, renewed: bool, jitter: float) -> Standing:
        """With a lease that a call begun at `started` brought. `jitter` is from 0 to 1."""
        return Standing(
            serial=self.serial + 1,
            lease=lease,
            granted=self.granted if renewed else lease.duration,
            since=self.since if renewed else started,
            renew_at=started + max(SHORTEST_WAIT, lease.duration * 2 / 3 * (1 - 0.1 * jitter)),
            ends_at=started + lease.duration,
        )

    def failed(self, error: str, at: float, jitter: float) -> Standing:
        """After an attempt that failed: the token stays as it is."""
        retry_at = at + back_off(self.failures, jitter)
        return replace(self, serial=self.serial + 1, retry_at=retry_at, failures=self.failures + 1, last_error=error)


class ServiceToken:
    """The token with which this service asks `server`, had by `login`."""

    def __init__(
        self,
        server: Server,
        login_by: Login,
        *,
        renew: Renew = login.renew,
        clock: Clock = monotonic,
        launch: Callable[[Job], None] = worker.launch,
        later: Callable[[float, Job], None] = worker.later,
        jitter: Callable[[], float] = random,
    ) -> None:
        self._server = server
        self._login = login_by
        self._renew = renew
        self._clock = clock
        self._launch = launch
        self._later = later
        self._jitter = jitter
        self._state = Standing()
        # A token that the server refused although its time is not over.
        self._refused: Lease | None = None
        # At most one flight, under the process's id: in a forked child the parent's will never land, and is not seen.
        self._flights: dict[int, Flight] = {}

    def wait(self, deadline: float) -> Lease:
        """The token, waiting for a login until `deadline`, an instant of `time.monotonic`. Raises `VaultFailed`.

        Never called by a request: only by whoever asks on behalf of requests.
        """
        found = self.look_up()
        if isinstance(found, Flight):
            wait_for_futures([found.future], timeout=max(0.0, min(found.remaining(), deadline - monotonic())))
            found = self.look_up(found)
        assert isinstance(found, Lease)  # noqa: S101 (after a flight there is no other)
        return found

    def look_up(self, after: Flight | None = None) -> Lease | Flight:
        """The token, or a flight to wait for; `after` is the one just waited for. Raises `VaultFailed`."""
        now = self._clock()
        self._fail_overdue(now)
        state = self._state
        may_try = state.retry_at <= now
        if now < state.ends_at and state.lease is not self._refused:
            if state.renew_at <= now and may_try:
                self._begin(state, now)
            return state.lease
        if after is not None or not may_try:
            raise VaultFailed(f"this service has no token there: {state.last_error or 'the login takes too long'}")
        return self._begin(state, now)

    def refuse(self, lease: Lease) -> bool:
        """The server did not accept this token. Whether it is worthwhile to look up another."""
        state = self._state
        if lease is not state.lease:
            return True
        if self._clock() < state.since + TOO_SOON:
            return False
        self._refused = lease
        return True

    def _begin(self, seen: Standing, now: float) -> Flight:
        """The flight under way, or a new one; `seen` is the state in which the caller found one wanting."""
        flight = Flight(now, self._server.http.timeout, self._clock)
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
            self._fail(flight, "no thread can be started", now)
        return flight

    def _fly(self, flight: Flight, seen: Standing) -> None:
        """The job of a flight: renew or log in, settle."""
        try:
            deadline = self._server.deadline()
            renewed = self._renewed(seen, deadline)
            lease = renewed or self._login(self._server, deadline)
        except VaultFailed as failure:
            self._fail(flight, failure.of_login(self._server.name), self._clock())
        except Exception as bug:  # noqa: BLE001 (whatever went wrong, waiters must hear of it)
            self._fail(flight, f"unexpected {type(bug).__name__}", self._clock())
        else:
            self._land(flight, lease, renewed is not None)

    def _renewed(self, seen: Standing, deadline: float) -> Lease | None:
        """The token's longer lease; None where it has none to be had, so that a login is needed."""
        if not seen.lease.renewable or seen.lease is self._refused or seen.ends_at <= self._clock():
            return None
        try:
            lease = self._renew(self._server, seen.lease.token, deadline)
        except VaultFailed as failure:
            if failure.is_refusal:
                return None
            raise
        # Near its maximum a token is renewed by less and less.
        return lease if lease.duration >= seen.granted / 2 else None

    def _land(self, flight: Flight, lease: Lease, renewed: bool) -> None:
        if not flight.claim():
            return
        if self._state.failures:
            logger.info("vault %s: this service has a token again", self._server.name)
        state = self._state.landed(lease, flight.started, renewed, self._jitter())
        self._settle(flight, state)
        self._arm(state.renew_at)

    def _fail(self, flight: Flight, error: str, at: float) -> None:
        if not flight.claim():
            return
        state = self._state.failed(error, at, self._jitter())
        logger.warning("vault %s: no token could be had: %s", self._server.name, error)
        self._settle(flight, state)
        self._arm(state.retry_at)

    def _fail_overdue(self, now: float) -> None:
        """Count a flight whose deadline has passed as failed; should it land later, it is not heard."""
        flight = self._flights.get(os.getpid())
        if flight is not None and flight.deadline <= now:
            self._fail(flight, "timed out", flight.deadline)

    def _settle(self, flight: Flight, state: Standing) -> None:
        # The order matters: whoever sees no flight any more must see the state that it left.
        self._state = state
        self._flights.clear()
        flight.future.set_result(state.failures == 0)

    def _arm(self, at: float) -> None:
        """Renew at that instant also if nobody asks, as long as this token is in use; one for ever needs no renewal."""
        if isfinite(at):
            self._later(max(0.0, at - self._clock()), partial(_tick, ref(self), self._state.serial))

    def _renew_from(self, serial: int) -> None:
        state = self._state
        if state.serial == serial and self._clock() < state.ends_at:
            self._begin(state, self._clock())


def _tick(token: ref[ServiceToken], serial: int) -> None:
    """The timer's job. It holds the token weakly: that of a policy that is gone is not renewed for ever."""
    held = token()
    if held is not None:
        held._renew_from(serial)
