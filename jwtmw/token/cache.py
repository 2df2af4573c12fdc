"""The tokens that were verified before, by the exact bytes that carried them: a dict compares them whole.

Two generations: a hit in the old one moves to the young one; when the young one is full it becomes the old one and
what nobody asked for since is forgotten. Only verified tokens come in, so garbage evicts nothing. There is no
lock: every step is one operation of a dict, and a lost race costs one verification.

Owns: bounded memory of verdicts.
Must never know: whether a verdict still holds: whoever takes an entry judges time, key and place again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jwtmw.issuers.issuer import Issuer
    from jwtmw.issuers.keys import Key
    from jwtmw.token.locate import Place
    from jwtmw.token.principal import Principal

MAX_BYTES = 64 * 1024 * 1024

# What one entry takes in memory, measured: its objects, and for each byte of the token the text and the claims.
ENTRY_BYTES = 2560
BYTES_PER_TOKEN_BYTE = 4


class Entry:
    """One verdict: the principal, and all that must still hold for it.

    `generation` is the key source's at the time; the token counts from `not_before` until, and not at, `not_after`,
    in epoch seconds; `weight` is the length of what was read for it, in bytes. `key` is None where no key vouches
    for it; `cleared` is the state of the deny-list in which it was not on it; `bound` says that it is for one request.
    """

    __slots__ = (
        "bound",
        "cleared",
        "generation",
        "issuer",
        "key",
        "not_after",
        "not_before",
        "place",
        "principal",
        "weight",
    )

    def __init__(
        self,
        principal: Principal,
        issuer: Issuer,
        key: Key | None,
        generation: int,
        place: Place,
        not_before: float,
        not_after: float,
        weight: int,
        cleared: int = 0,
        bound: bool = False,
    ) -> None:
        self.principal = principal
        self.issuer = issuer
        self.key = key
        self.generation = generation
        self.place = place
        self.not_before = not_before
        self.not_after = not_after
        self.weight = weight
        self.cleared = cleared
        self.bound = bound


class TokenCache:
    """At most `size` entries of at most `max_bytes` together; `size` 0 keeps nothing.

    `max_age`, in seconds, is how long an entry may live: who puts one in has limited `not_after` by it.
    """

    __slots__ = ("_half", "_half_bytes", "_old", "_young", "_young_bytes", "max_age", "size")

    def __init__(self, size: int, max_age: float, max_bytes: int = MAX_BYTES) -> None:
        self.size = size
        self.max_age = max_age
        self._half = size // 2
        self._half_bytes = max_bytes // 2
        self.clear()

    def get(self, credential: bytes) -> Entry | None:
        """The entry of the token that came as `credential`, None without one."""
        entry = self._young.get(credential)
        if entry is None and (entry := self._old.get(credential)) is not None:
            self.put(credential, entry)
        return entry

    def put(self, credential: bytes, entry: Entry) -> None:
        """Keep `entry`, unless it alone would take more than half of the memory."""
        cost = _cost(entry)
        if not self.size or cost > self._half_bytes:
            return
        if len(self._young) >= self._half or self._young_bytes + cost > self._half_bytes:
            self._turn()
        self._young[credential] = entry
        self._young_bytes += cost
        # Only now: whoever reads without a lock finds it in one of the two.
        self._old.pop(credential, None)

    def discard(self, credential: bytes) -> None:
        """Forget the token that came as `credential`, if it is known."""
        if (entry := self._young.pop(credential, None)) is not None:
            self._young_bytes -= _cost(entry)
        self._old.pop(credential, None)

    def clear(self) -> None:
        """Forget all tokens."""
        self._young: dict[bytes, Entry] = {}
        self._old: dict[bytes, Entry] = {}
        self._young_bytes = 0

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def _turn(self) -> None:
        # A cache of one has no room for an old generation.
        self._old = self._young if self._half else {}
        self._young = {}
        self._young_bytes = 0


def _cost(entry: Entry) -> int:
    return ENTRY_BYTES + BYTES_PER_TOKEN_BYTE * entry.weight
