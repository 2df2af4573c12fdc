"""What the engine may ask of an issuer's keys, the flight that it may have to wait for, and configured keys.

Owns: the contract between the engine and every source of keys.
Must never know: policy, HTTP, threads, tokens beyond `kid` and `alg`.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from jwtmw.decision import Reason
from jwtmw.errors import TokenRefused
from jwtmw.issuers.keys import Key, KeySet

Clock = Callable[[], float]


class Flight:
    """One fetch under way, on which any number of threads and tasks may wait.

    `future` results in True or False, never in an exception, and no waiter can cancel it. `deadline` is an instant
    of the source's clock: whoever has waited until then asks the source again, landed or not.
    """

    __slots__ = ("_clock", "_unsettled", "deadline", "for_kid", "future", "started")

    def __init__(self, started: float, timeout: float, clock: Clock, for_kid: bool = False) -> None:
        self.future: Future[bool] = Future()
        self.future.set_running_or_notify_cancel()
        self.started = started
        self.deadline = started + timeout
        self.for_kid = for_kid
        self._clock = clock
        self._unsettled = [None]

    def remaining(self) -> float:
        """The seconds until the deadline; 0 behind it."""
        return max(0.0, self.deadline - self._clock())

    def claim(self) -> bool:
        """True for exactly one caller: the one who may settle this flight. (`list.pop` is atomic.)"""
        try:
            self._unsettled.pop()
        except IndexError:
            return False
        return True

    def has_succeeded(self) -> bool:
        """Whether it landed and brought keys, or the word that they have not changed."""
        return self.future.done() and self.future.result()


@dataclass(frozen=True, slots=True)
class KeyState:
    """What an observer may know of an issuer's keys.

    fresh         they are within their time; configured keys always are
    stale         past their time, they serve because refreshing them fails
    cooling_down  an unknown kid is refused without a refetch
    last_error    why the last fetch failed, in our own words; None where it did not
    """

    fresh: bool
    stale: bool = False
    cooling_down: bool = False
    last_error: str | None = None


class KeySource(Protocol):
    """What the engine asks of an issuer's keys."""

    @property
    def state(self) -> KeyState:
        """What an observer may know; asking changes nothing and never waits."""
        ...

    @property
    def generation(self) -> int:
        """A number that changes with the keys. Read it before `look_up`, so that it is never newer than the key."""
        ...

    def look_up(self, kid: str | None, alg: str, after: Flight | None = None) -> tuple[Key, ...] | Flight:
        """The keys that a token with this header may try, or a flight to wait for.

        `after` is the flight just waited for; then no flight is returned. Raises `TokenRefused` (KEY_UNKNOWN) or
        `KeysUnavailable`.
        """
        ...

    def trusts(self, key: Key, generation: int) -> bool:
        """Whether a token that `key` verified under `generation` still counts. False: look the key up again."""
        ...


class StaticKeys:
    """Keys from the configuration: there from the start, and never another."""

    __slots__ = ("keys",)

    generation = 0
    state = KeyState(fresh=True)

    def __init__(self, keys: KeySet) -> None:
        self.keys = keys

    def look_up(self, kid: str | None, alg: str, after: Flight | None = None) -> tuple[Key, ...]:
        """The keys for this header; the only key of a set serves any kid. Raises `TokenRefused` (KEY_UNKNOWN)."""
        del after
        keys = self.keys.select(kid, alg, lone=True)
        if not keys:
            raise TokenRefused(Reason.KEY_UNKNOWN)
        return keys

    def trusts(self, key: Key, generation: int) -> bool:
        """Always: configured keys do not change."""
        del key, generation
        return True
