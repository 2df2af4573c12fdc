"""Whose token a call goes on with: that of the caller of the request in hand.

Owns: where the caller is looked for, and what to say where there is none.
Must never know: what becomes of the token.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from jwtmw.current import current_principal
from jwtmw.errors import NotInstalledError, TokenUnavailable
from jwtmw.token.principal import ANONYMOUS, Principal

# The caller of the request in hand. Raises `NotInstalledError` where there is no request.
WhoCalls = Callable[[], Principal]


def caller_or_nobody(who_calls: WhoCalls = current_principal) -> Principal:
    """The caller, anonymous outside of a request."""
    with suppress(NotInstalledError):
        return who_calls()
    return ANONYMOUS


def callers_token(who_calls: WhoCalls = current_principal) -> str:
    """The caller's token. Raises `TokenUnavailable` where there is none: anonymous, or outside of a request."""
    token = caller_or_nobody(who_calls).token
    if not token:
        raise TokenUnavailable("there is no caller with a token: this call is made in nobody's name")
    return token
