"""What was found out, within bounded memory.

Owns: the bound.
Must never know: what is remembered, and whether it still holds.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Remembered(Generic[K, T]):
    """At most `size` answers in two generations: when the young one is full, what nobody asked for since is forgotten.

    No lock: each step is one operation of a dict, and a lost race costs one question.
    """

    __slots__ = ("_half", "_old", "_young")

    def __init__(self, size: int) -> None:
        self._half = max(1, size // 2)
        self._young: dict[K, T] = {}
        self._old: dict[K, T] = {}

    def get(self, key: K) -> T | None:
        """What is remembered; None where that is nothing."""
        answer = self._young.get(key)
        if answer is None and (answer := self._old.pop(key, None)) is not None:
            self.put(key, answer)
        return answer

    def put(self, key: K, answer: T) -> None:
        """Remember this."""
        if len(self._young) >= self._half:
            self._old, self._young = self._young, {}
        self._young[key] = answer

    def discard(self, key: K) -> None:
        """Forget this."""
        self._young.pop(key, None)
        self._old.pop(key, None)

    def __len__(self) -> int:
        return len(self._young) + len(self._old)
