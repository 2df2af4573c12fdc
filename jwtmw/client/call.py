"""One call that this service is about to make, as a token source sees it.

Owns: the facts that a token may be bound to.
Must never know: HTTP clients, tokens, where calls may go.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Call:
    """A call to a host that may have the token.

    method  as sent
    url     as sent, without a fragment; no repr shows it, as a query may hold anything
    origin  `https://herald.example`, with the port where it is not the scheme's own
    body    the bytes as sent; None where no source asked for them
    """

    method: str
    url: str = field(repr=False)
    origin: str
    body: bytes | None = field(default=None, repr=False)
