"""What an issuer said of tokens when it was asked, for a short time and within bounded memory.

Owns: the bounds.
Must never know: what a verdict means, who asked, threads.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Answer(NamedTuple):
    """What the issuer says of a token.

    claims  what it says of the caller; None where the token's own claims count
    weight  the bytes that the answer took
    """

    active: bool
    claims: dict[str, Any] | None = None
    weight: int = 0

    def __repr__(self) -> str:
        return f"Answer(active={self.active})"


class Verdict(NamedTuple):
    """An answer, and the instant of the monotonic clock from which on the issuer must be asked again."""

    answer: Answer
    until: float


# What one entry takes beside its answer, and what a byte of the answer takes once it is read: measured, rounded up.
ENTRY_BYTES = 512
BYTES_PER_ANSWER_BYTE = 8


class Verdicts:
    """At most `most` verdicts of at most `most_bytes` together, by the digest of the token.

    Two generations: when the young one is full it becomes the old one, and the old one is forgotten. As verdicts live
    for seconds, a hit does not move one. No lock: every step is one operation of a dict.
    """

    __slots__ = ("_half", "_half_bytes", "_old", "_young", "_young_bytes")

    def __init__(self, most: int, most_bytes: int) -> None:
        self._half = most // 2
        self._half_bytes = most_bytes // 2
        self._young: dict[bytes, Verdict] = {}
        self._old: dict[bytes, Verdict] = {}
        self._young_bytes = 0

    def get(self, digest: bytes, now: float) -> Verdict | None:
        """The verdict on the token with this digest, if it still counts."""
        verdict = self._young.get(digest) or self._old.get(digest)
        return verdict if verdict is not None and now < verdict.until else None

    def put(self, digest: bytes, verdict: Verdict) -> None:
        """Keep a verdict, unless it alone would take more than half of the memory."""
        cost = ENTRY_BYTES + BYTES_PER_ANSWER_BYTE * verdict.answer.weight
        if cost > self._half_bytes:
            return
        if len(self._young) >= self._half or self._young_bytes + cost > self._half_bytes:
            self._old, self._young, self._young_bytes = self._young, {}, 0
        self._young[digest] = verdict
        self._young_bytes += cost

    def __len__(self) -> int:
        return len(self._young) + len(self._old)
