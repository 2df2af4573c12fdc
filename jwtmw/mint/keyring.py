"""A key ring at work: one key signs, others are published, and a rotation is noticed while tokens are issued.

    jwtmw keys new --dir DIR        a ring: one key signs, one is published
    jwtmw keys rotate --dir DIR     from time to time; processes that have loaded the ring follow within a second or so

Owns: which key signs now, what is published now, and looking for a rotation.
Must never know: what claims mean, HTTP, how a rotation is made. No private key is shown or leaves.
"""

from __future__ import annotations

import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple, Self

from jwtmw.errors import ConfigurationError, KeyRefused
from jwtmw.issuers import worker
from jwtmw.issuers.jwk import import_jwk
from jwtmw.mint.clock import TellsTime
from jwtmw.mint.ringfile import FILE, Entry, Ring, changing, read_ring, stamp_of, write_ring
from jwtmw.mint.rotation import DAY, first_ring, published_until, replaced, rotated, signer_of
from jwtmw.mint.signer import Signer

logger = logging.getLogger("jwtmw.mint")

# Seconds between two looks at the file, while tokens are issued or the key set is asked for.
INTERVAL = 1.0
# After so many seconds without a look nobody knows for how long a key has been retired: then the ring is read first.
IDLE = 10.0


class _Keys(NamedTuple):
    """What the file said. `published` are public keys, each with the instant from which on it is not published."""

    signer: Signer
    published: tuple[tuple[dict[str, str], float], ...]
    lifetime: int
    ahead: int


class KeyRing:
    """A ring of keys in a folder, as `KeyRing.load(folder)` or `KeyRing.create(folder)` gives it.

    It signs with the key that is current, publishes all that verifiers need, and looks at most once per second whether
    the folder has changed: one `stat`, which no event loop feels; another thread reads what has. A folder that cannot
    be read any more is logged, and the keys stay as they were. Only a process that has not signed for a while reads
    before it does: its key may be gone. Safe to share between threads, and to fork.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        clock: TellsTime = time,
        ticks: Callable[[], float] = monotonic,
        launch: Callable[[Callable[[], None]], None] = worker.launch,
    ) -> None:
        self._folder = Path(folder)
        self._clock = clock
        self._ticks = ticks
        self._launch = launch
        self._complaint = ""
        # The process that is reading the folder: a forked child does not wait for its parent's thread.
        self._reader = 0
        self.reload()

    @classmethod
    def load(cls, folder: str | os.PathLike[str], *, clock: TellsTime = time) -> Self:
        """The ring in this folder. Raises `ConfigurationError`: none is there, or others than its owner may read it."""
        return cls(folder, clock=clock)

    @classmethod
    def create(
        cls,
        folder: str | os.PathLike[str],
        algorithm: str = "ES256",
        *,
        ahead: int = 600,
        lifetime: int = DAY,
        clock: TellsTime = time,
    ) -> Self:
        """Make a ring in this folder, which is made too. Raises `ConfigurationError`, also where there is one.

        ahead     seconds for which a key is published before it signs: more than verifiers keep a key set
        lifetime  seconds that a token lives at most: for so long a retired key stays published
        """
        new_ring(Path(folder), first_ring(algorithm, ahead, lifetime, clock.time()))
        return cls(folder, clock=clock)

    def __repr__(self) -> str:
        return f"KeyRing({str(self._folder)!r}, kid={self._now.signer.kid!r})"

    @property
    def algorithm(self) -> str:
        """The algorithm of the key that signs now."""
        return self._keys().signer.algorithm

    @property
    def kid(self) -> str:
        """The name of the key that signs now."""
        return self._keys().signer.kid

    @property
    def lifetime(self) -> int:
        """The seconds that a token may live at most."""
        return self._keys().lifetime

    @property
    def ahead(self) -> int:
        """The seconds for which a key is published before it signs, at least."""
        return self._keys().ahead

    def sign(self, claims: Mapping[str, Any], header: Mapping[str, Any] | None = None) -> str:
        """The claims as a compact JWS, as `Signer.sign` has it.

        Raises ValueError for a token without `exp`, or that would live longer than the ring's `lifetime`: a rotation
        would take away its key before it has expired.
        """
        keys, expires = self._keys(), claims.get("exp")
        if not isinstance(expires, int | float) or expires - self._clock.time() > keys.lifetime:
            raise ValueError(f"a token of this key ring has an exp, at most {keys.lifetime} s from now")
        return keys.signer.sign(claims, header)

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The key set (RFC 7517 section 5): the key that signs, the next one, and those of tokens that still live."""
        now = self._clock.time()
        return {"keys": [jwk for jwk, until in self._keys().published if now < until]}

    def reload(self) -> None:
        """Read the folder now; blocks. Raises `ConfigurationError`, and then the keys stay as they were."""
        stamp = stamp_of(self._folder)
        self._now = _usable(self._folder, read_ring(self._folder))
        self._stamp = stamp
        self._look_at = self._ticks() + INTERVAL

    def changed(self) -> bool:
        """Whether the folder has changed since it was read: one `stat`."""
        return stamp_of(self._folder) != self._stamp

    def follow(self) -> None:
        """Read the folder now; blocks. Where it cannot be read the keys stay as they were, and that is logged once."""
        complaint = ""
        try:
            self.reload()
        except ConfigurationError as error:
            complaint = str(error)
            if complaint != self._complaint:
                logger.error("the key ring stays as it was: %s", complaint)
        finally:
            self._complaint, self._reader = complaint, 0

    def _keys(self) -> _Keys:
        now = self._ticks()
        if now >= self._look_at:
            idle = now - self._look_at >= IDLE
            self._look_at = now + INTERVAL
            self._look(idle)
        return self._now

    def _look(self, idle: bool) -> None:
        process = os.getpid()
        if not self.changed() or (self._reader == process and not idle):
            return
        if idle:
            self.follow()
            return
        self._reader = process
        try:
            self._launch(self.follow)
        except RuntimeError:
            self._reader = 0  # no thread now; the next look tries again


def new_ring(folder: Path, ring: Ring) -> None:
    """Put a first ring into a folder, which is made where it is missing. Raises `ConfigurationError`."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(str(folder), f"cannot be made: {error.strerror}") from None
    with changing(folder):
        if (folder / FILE).exists():
            cure = "Rotate it: jwtmw keys rotate, or choose another folder"
            raise ConfigurationError(str(folder / FILE), "is there already", cure)
        write_ring(folder, ring)


def rotate_ring(
    folder: Path, now: float, *, algorithm: str | None = None, hurry: bool = False, compromised: bool = False
) -> Ring:
    """Rotate the ring in this folder, as `rotated` or `replaced` says. Raises `ConfigurationError`. The new ring."""
    read_ring(folder)  # a folder without one is left as it is
    with changing(folder):
        ring = read_ring(folder)
        _usable(folder, ring)
        after = replaced(ring, now, algorithm) if compromised else rotated(ring, now, algorithm, hurry=hurry)
        write_ring(folder, after)
    return after


def _usable(folder: Path, ring: Ring) -> _Keys:
    """The keys of a ring, once all of them are what they should be. Raises `ConfigurationError`."""
    states = Counter(entry.state for entry in ring.keys)
    kids = {entry.kid for entry in ring.keys}
    signers: dict[str, Signer] = {}
    published: list[tuple[dict[str, str], float]] = []
    try:
        for entry in ring.keys:
            if entry.state != "retired":
                signers[entry.state] = signer_of(entry)
            published.append((_public(entry, signers.get(entry.state)), published_until(ring, entry)))
        sound = states["current"] == states["next"] == 1 and len(kids) == len(ring.keys)
    except (KeyRefused, ValueError):
        sound = False
    if not sound:
        raise ConfigurationError(str(folder / FILE), "a key in it is broken, or one is missing", "Restore the file")
    return _Keys(signers["current"], tuple(published), ring.lifetime, ring.ahead)


def _public(entry: Entry, signer: Signer | None) -> dict[str, str]:
    """The key as it is published. Raises `KeyRefused` for one that no verifier would take, such as a private one."""
    jwk = signer.public_jwk if signer is not None else entry.jwk
    if import_jwk(jwk).kid != entry.kid:
        raise KeyRefused("another key's name")
    return jwk or {}
