"""A token that is asked for over the network: had once for everybody, renewed while it still serves.

Owns: when to ask, who waits for it, and what is used meanwhile.
Must never know: HTTP, threads, what asks. The clock, the question and the launcher are handed in. No lock is taken: the
state is swapped whole, by whoever claims the one flight of its time.

No timer renews: a token is renewed beside a call that uses it, so that a service which calls nobody asks for nothing.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from math import inf
from random import random
from time import monotonic

from jwtmw.client.sources import Issued
from jwtmw.errors import TokenUnavailable
from jwtmw.issuers import worker
from jwtmw.issuers.fetch import FetchFailed
from jwtmw.issuers.snapshot import back_off
from jwtmw.issuers.source import Clock, Flight

logger = logging.getLogger("jwtmw.client")

Job = Callable[[], None]
# Asks for a token until an instant of `time.monotonic`. Raises `FetchFailed`.
Ask = Callable[[float], Issued]

# A call that leaves with a token takes a while to get there, and clocks differ.
MARGIN = 10.0
# Who refuses a token this soon after it was issued would refuse the next one, too.
TOO_SOON = 10.0
# Nobody is kept waiting longer than this by an answer that asks for patience (`Retry-After`).
LONGEST_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of the token. Instants are those of the clock.

    asked_at  when it was asked for
    renew_at  from here on it is renewed, while it still serves
    ends_at   from here on it is not used
    retry_at  the end of the back-off after a failure
    """

    token: str = field(default="", repr=False)
    asked_at: float = -inf
    renew_at: float = -inf
    ends_at: float = -inf
    retry_at: float = -inf
    failures: int = 0
    last_error: str = ""

    def failed(self, error: str, at: float, patience: float | None, jitter: float) -> Standing:
        """After an attempt that failed: the token stays as it is. `jitter` is from 0 to 1."""
        wait = max(back_off(self.failures, jitter), min(patience or 0.0, LONGEST_PATIENCE))
        return replace(self, retry_at=at + wait, failures=self.failures + 1, last_error=error)


def landed(issued: Issued, asked_at: float, jitter: float) -> Standing:
    """With a token that was asked for at this instant. `jitter`, from 0 to 1, spreads the renewals of a fleet."""
    life = issued.lifetime - min(MARGIN, issued.lifetime / 10)
    renew_at = asked_at + issued.lifetime * (0.8 - 0.2 * jitter)
    return Standing(issued.token, asked_at, renew_at, asked_at + life)


class Held:
    """The token that `ask` brings within `timeout` seconds; `name` is what the log calls it."""

    __slots__ = ("_ask", "_clock", "_flights", "_jitter", "_launch", "_name", "_refused", "_state", "_timeout")

    def __init__(
        self,
        name: str,
        ask: Ask,
        timeout: float,
        *,
        clock: Clock = monotonic,
        launch: Callable[[Job], None] = worker.launch,
        jitter: Callable[[], float] = random,
    ) -> None:
        self._name = name
        self._ask = ask
        self._timeout = timeout
        self._clock = clock
        self._launch = launch
        self._jitter = jitter
        self._state = Standing()
        # The token that the other side of a call did not accept although its time is not over.
        self._refused = ""
        # At most one flight, under the process's id: in a forked child the parent's will never land, and is not seen.
        self._flights: dict[int, Flight] = {}

    def look_up(self, after: Flight | None = None) -> str | Flight:
        """The token, or a flight to wait for; `after` is the one just waited for. Raises `TokenUnavailable`."""
        now = self._clock()
        self._fail_overdue(now)
        state = self._state
        may_try = state.retry_at <= now
        if now < state.ends_at:
            is_refused = state.token == self._refused
            flight = self._begin(state, now) if may_try and (is_refused or state.renew_at <= now) else None
            # Where no other can be had, the refused one may still serve other hosts than the one that refused it.
            return flight if flight is not None and is_refused and after is None else state.token
        if after is not None or not may_try:
            reason = state.last_error or "it takes too long"
            raise TokenUnavailable(f"{self._name}: no token can be had: {reason}", max(0.0, state.retry_at - now))
        return self._begin(state, now)

    def refuse(self, token: str) -> bool:
        """The token was answered with 401. Whether it is worthwhile to look up another."""
        state = self._state
        if token != state.token:
            return True
        if self._clock() < state.asked_at + TOO_SOON:
            return False
        self._refused = token
        return True

    def _begin(self, seen: Standing, now: float) -> Flight:
        """The flight under way, or a new one; `seen` is the state in which the caller found one wanting."""
        flight = Flight(now, self._timeout, self._clock)
        winner = self._flights.setdefault(os.getpid(), flight)
        if winner is not flight:
            return winner
        if self._state is not seen:
            # Another flight landed between the caller's look and this start: its outcome is the answer.
            self._settle(flight, self._state)
            return flight
        try:
            self._launch(partial(self._fly, flight))
        except RuntimeError:
            self._fail(flight, "no thread can be started", now)
        return flight

    def _fly(self, flight: Flight) -> None:
        """The job of a flight: ask, settle."""
        try:
            issued = self._ask(monotonic() + self._timeout)
        except FetchFailed as failure:
            self._fail(flight, failure.reason, self._clock(), failure.retry_after)
        except Exception as bug:  # noqa: BLE001 (whatever went wrong, waiters must hear of it)
            self._fail(flight, f"unexpected {type(bug).__name__}", self._clock())
        else:
            self._land(flight, issued)

    def _land(self, flight: Flight, issued: Issued) -> None:
        if not flight.claim():
            return
        if self._state.failures:
            logger.info("%s: this service has a token again", self._name)
        self._refused = ""
        self._settle(flight, landed(issued, flight.started, self._jitter()))

    def _fail(self, flight: Flight, error: str, at: float, patience: float | None = None) -> None:
        if not flight.claim():
            return
        logger.warning("%s: no token could be had: %s", self._name, error)
        self._settle(flight, self._state.failed(error, at, patience, self._jitter()))

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
