"""A key ring on disk: one file with private keys in a folder, read as a whole and replaced as a whole.

Owns: the file's format and permissions, that no reader sees half of a change, that one writer at a time makes one.
Must never know: when keys rotate, tokens, HTTP. No error holds anything that stands in the file.

POSIX only: permissions and the lock are.
"""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from msgspec import ValidationError, convert

from jwtmw.errors import ConfigurationError
from jwtmw.strict_json import read_json

FILE = "keyring.json"
_LARGEST = 1 << 20

State = Literal["next", "current", "retired"]


@dataclass(frozen=True, slots=True, repr=False)
class Entry:
    """One key. `since` is when its state began, in epoch seconds.

    private_key  PEM (PKCS #8), of a key that signs or will; a retired one has none any more
    jwk          the public half, of a retired key only: the others' is made of `private_key`
    """

    kid: str
    algorithm: str
    state: State
    since: int
    private_key: str | None = None
    jwk: dict[str, str] | None = None

    def __repr__(self) -> str:
        return f"Entry(kid={self.kid!r}, algorithm={self.algorithm!r}, state={self.state!r}, since={self.since!r})"


@dataclass(frozen=True, slots=True)
class Ring:
    """All keys, and two durations in seconds.

    ahead     how long a key is published before it signs, at least
    lifetime  how long a token lives, at most
    """

    version: Literal[1]
    ahead: int
    lifetime: int
    keys: tuple[Entry, ...]


class Stamp(NamedTuple):
    """What differs if the file is another one, or may be read by others than before."""

    inode: int
    size: int
    modified: int
    changed: int


def read_ring(folder: Path) -> Ring:
    """The ring in this folder. Raises `ConfigurationError`, also where others than its owner may read the file."""
    path = folder / FILE
    try:
        octets = _read(path)
    except FileNotFoundError:
        cure = f"Make one: jwtmw keys new --dir {folder}"
        raise ConfigurationError(str(path), "there is no key ring", cure) from None
    except OSError as error:
        raise ConfigurationError(str(path), f"cannot be read: {error.strerror}") from None
    ring = _parsed(octets)
    if ring is None:
        raise ConfigurationError(str(path), "is no key ring of this version", "Restore it, or make another")
    return ring


def write_ring(folder: Path, ring: Ring) -> None:
    """Put the ring into its folder, in the place of the one that was there. Raises `OSError`."""
    # Made by O_EXCL and with mode 0600: nobody else can have opened it.
    descriptor, name = tempfile.mkstemp(prefix=".keyring-", dir=folder)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            _give_to_owner_of(folder, file.fileno())
            json.dump(asdict(ring), file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(folder / FILE)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
    _sync(folder)


@contextmanager
def changing(folder: Path) -> Iterator[None]:
    """Hold the folder alone while its ring is changed. Raises `ConfigurationError` where it cannot be written."""
    import fcntl

    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
    except OSError as error:
        raise ConfigurationError(str(folder), f"cannot be written: {error.strerror}") from None


def stamp_of(folder: Path) -> Stamp | None:
    """What the file is like now; None where it cannot be seen. One call of the system."""
    try:
        found = os.stat(folder / FILE)  # noqa: PTH116 - asked while requests wait: no Path is made of what comes back
    except OSError:
        return None
    return Stamp(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        # Of what was opened, not of what the path leads to by now.
        _check_private(path, os.fstat(file.fileno()))
        return file.read(_LARGEST)


def _check_private(path: Path, found: os.stat_result) -> None:
    """With this mode only its owner and root could open it, so that we are one of them."""
    if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        cure = "chmod 600 it, and if anybody did: jwtmw keys rotate --compromised"
        raise ConfigurationError(str(path), "others than its owner may open it", cure)
    # Root could read any ring that the folder's owner puts a link to, and a rotation would hand it over.
    if os.geteuid() == 0 and path.parent.stat().st_uid not in (0, found.st_uid):
        cure = "Put back the folder's own, and run this as the folder's owner"
        raise ConfigurationError(str(path), "does not belong to the owner of its folder", cure)


def _give_to_owner_of(folder: Path, descriptor: int) -> None:
    """A ring that root rotates still belongs to the service that signs with it."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


def _parsed(octets: bytes) -> Ring | None:
    with suppress(ValueError, ValidationError):
        return convert(read_json(octets), Ring)
    return None


def _sync(folder: Path) -> None:
    """Let the new name survive a power failure, too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
