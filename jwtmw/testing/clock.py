"""A clock to turn by hand.

Owns: the two times that jwtmw reads: `time()` for claims, `monotonic()` for caches and deadlines.
Must never know: who reads it. It has the two functions of the standard module `time`, which is what it stands in for.
"""

from __future__ import annotations

import time


class Clock:
    """A clock that stands still until it is turned.

    start  the first `time()`, in seconds since 1970; None: now
    """

    __slots__ = ("_monotonic", "_time")

    def __init__(self, start: float | None = None) -> None:
        self._time = time.time() if start is None else start
        self._monotonic = 0.0

    def __repr__(self) -> str:
        return f"Clock({self._time!r})"

    def time(self) -> float:
        """Seconds since 1970."""
        return self._time

    def monotonic(self) -> float:
        """Seconds since this clock was made; never goes back."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass on both times. Raises ValueError for a negative number: time does not run back."""
        if seconds < 0:
            raise ValueError("time does not run back; set_time() turns the wall clock alone")
        self._time += seconds
        self._monotonic += seconds

    def set_time(self, time: float) -> None:
        """Turn the wall clock alone, as an administrator or NTP does, back too; `monotonic()` does not notice."""
        self._time = time
