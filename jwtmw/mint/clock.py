"""What issuing reads the time from.

Owns: the one thing that is asked of a clock.
Must never know: what the time is for.
"""

from __future__ import annotations

from typing import Protocol


class TellsTime(Protocol):
    """The standard module `time`, or a clock that a test turns."""

    def time(self) -> float:
        """Seconds since 1970."""
        ...
