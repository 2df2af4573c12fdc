"""The caller's own token, passed on as it came.

Owns: that it is the token of the caller in hand, or none.
Must never know: what it says. Whoever gets it can act as the caller wherever it is good: the hosts are those of one
trust, and a token for one audience only is better had by exchange.
"""

from __future__ import annotations

from jwtmw.client.call import Call
from jwtmw.client.callers import WhoCalls, callers_token
from jwtmw.current import current_principal
from jwtmw.issuers.source import Flight


class PassedOn:
    """The token of the request in hand. A call outside of a request, or of nobody's, is not sent."""

    __slots__ = ("_who_calls",)

    binds_body = False

    def __init__(self, who_calls: WhoCalls = current_principal) -> None:
        self._who_calls = who_calls

    def look_up(self, call: Call, after: Flight | None = None) -> str:
        """The caller's token. Raises `TokenUnavailable` where there is none."""
        del call, after
        return callers_token(self._who_calls)

    def refuse(self, call: Call, token: str) -> bool:
        """The caller has no other."""
        del call, token
        return False
