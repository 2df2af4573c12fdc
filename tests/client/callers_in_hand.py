"""Callers of a request in hand, as an adapter would have set them.

Owns: principals, and who is in hand.
Must never know: what a source makes of them.
"""

from __future__ import annotations

from jwtmw.errors import NotInstalledError
from jwtmw.issuers.consumers import Consumer
from jwtmw.token.principal import ANONYMOUS, Principal


class InHand:
    """Called as `jwtmw.current_principal` is; `principal` is None outside of a request."""

    def __init__(self, principal: Principal | None = None) -> None:
        self.principal = principal

    def __call__(self) -> Principal:
        if self.principal is None:
            raise NotInstalledError("no request")
        return self.principal


def caller(subject: str | None = "alice", token: str = "callers-token", consumer: Consumer | None = None) -> Principal:
    return Principal(subject=subject, is_authenticated=True, token=token, consumer=consumer)


NOBODY = ANONYMOUS
