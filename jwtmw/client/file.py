"""A token in a file that something else refreshes, as Kubernetes does with a projected service account token.

Owns: when the file is looked at, and what of it is a token.
Must never know: what refreshes it. A small file of this machine is read where the call is made, also on an event loop.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from jwtmw.client.call import Call
from jwtmw.client.sources import MOST_TOKEN_BYTES, is_token
from jwtmw.errors import TokenUnavailable
from jwtmw.issuers.source import Flight

# Seconds between two looks.
LOOK_EVERY = 1.0


class _Read(NamedTuple):
    """What was read, when it was looked at last, and of which version of the file."""

    token: str
    looked_at: float
    version: tuple[int, ...]


class TokenFile:
    """The file's token: read again when the file has changed, looked at once in a second at most.

    A final newline is not part of it. A file that is missing, empty, or holds anything else gives no token, and an
    older one is not used in its place.
    """

    __slots__ = ("_clock", "_name", "_path", "_read")

    binds_body = False

    def __init__(
        self, path: str | os.PathLike[str], *, name: str = "file", clock: Callable[[], float] = monotonic
    ) -> None:
        self._path = Path(path)
        self._name = name
        self._clock = clock
        self._read: _Read | None = None

    def look_up(self, call: Call, after: Flight | None = None) -> str:
        """The token. Raises `TokenUnavailable`."""
        del call, after
        read, now = self._read, self._clock()
        if read is None or now - read.looked_at >= LOOK_EVERY:
            self._read = read = self._looked(read, now)
        return read.token

    def refuse(self, call: Call, token: str) -> bool:
        """Look at once: whether there is another."""
        self._read = None
        return self.look_up(call) != token

    def _looked(self, before: _Read | None, now: float) -> _Read:
        # Forgotten first: what cannot be read gives no token, and is tried again by the next call.
        self._read = None
        try:
            found = self._path.stat()
            version = (found.st_mtime_ns, found.st_size, found.st_ino)
            if before is not None and before.version == version:
                return before._replace(looked_at=now)
            with self._path.open("rb") as file:
                octets = file.read(MOST_TOKEN_BYTES + 2)
        except OSError as error:
            raise TokenUnavailable(f"{self._name}: the token file cannot be read: {error.strerror}") from None
        token = octets.decode("latin-1").removesuffix("\n").removesuffix("\r")
        if not is_token(token):
            raise TokenUnavailable(f"{self._name}: the token file is empty, or holds what is no token")
        return _Read(token, now, version)
