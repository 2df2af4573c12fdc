"""A token that was handed over once and never changes.

Owns: that it is a token.
Must never know: where it comes from, where it goes.
"""

from __future__ import annotations

from jwtmw.client.call import Call
from jwtmw.client.sources import is_token
from jwtmw.errors import ConfigurationError
from jwtmw.issuers.source import Flight


class Static:
    """The same token in every call. Raises `ConfigurationError` for what no header can hold."""

    __slots__ = ("_token",)

    binds_body = False

    def __init__(self, token: str) -> None:
        if not is_token(token):
            raise ConfigurationError("token", "is no token that a header can hold", "Give the token alone")
        self._token = token

    def look_up(self, call: Call, after: Flight | None = None) -> str:
        """The token."""
        del call, after
        return self._token

    def refuse(self, call: Call, token: str) -> bool:
        """There is no other."""
        del call, token
        return False
