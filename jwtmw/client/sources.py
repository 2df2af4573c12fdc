"""What gives a call its token: the one interface of all sources, and what a token may look like.

Owns: the contract between `Outgoing` and every source, and the one form of a token that a header can hold.
Must never know: HTTP clients, threads, where calls may go.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Protocol

from jwtmw.client.call import Call
from jwtmw.issuers.source import Flight

# RFC 6750 section 2.1: b64token. Whatever else a file or an answer holds, it splits no header.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)
MOST_TOKEN_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class Issued:
    """A token that was issued to this service, and the seconds that it lives from when it was asked for."""

    token: str = field(repr=False)
    lifetime: float


class TokenSource(Protocol):
    """Gives each call its token. Shared by threads and event loops; neither method waits."""

    @property
    def binds_body(self) -> bool:
        """Whether a token is bound to the body, so that `Call.body` must be there."""
        ...

    def look_up(self, call: Call, after: Flight | None = None) -> str | Flight:
        """The token, or a flight to wait for; `after` is the one just waited for, and then no flight is returned.

        Raises `TokenUnavailable`.
        """
        ...

    def refuse(self, call: Call, token: str) -> bool:
        """The other side answered 401 to this token. Whether it is worthwhile to look up another."""
        ...


def is_token(text: str) -> bool:
    """Whether a header can hold this text as a token."""
    return len(text) <= MOST_TOKEN_BYTES and _TOKEN.fullmatch(text) is not None
