"""The caller of the request in hand, for code that sees no request object.

Owns: the context variable, who may read it, and the second lock that `@requires` turns.
Must never know: how a decision was reached, frameworks.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

from jwtmw.errors import NotInstalledError

if TYPE_CHECKING:
    from jwtmw.decision import Allow
    from jwtmw.policy.marks import Mark
    from jwtmw.request import Request
    from jwtmw.token.principal import Principal


class Judge(Protocol):
    """The part of the engine that the second lock asks."""

    def enforce(self, judged: Judged, mark: Mark) -> None:
        """Raise `Denied` unless the judged caller meets the mark."""


class Judged:
    """One request that an engine let pass: what it was, and the decision, renewed where a mark renews it."""

    __slots__ = ("allow", "judge", "mark", "request")

    def __init__(self, judge: Judge, request: Request, allow: Allow) -> None:
        self.judge = judge
        self.request = request
        self.allow = allow
        self.mark: Mark | None = None


judged_request: ContextVar[Judged] = ContextVar("jwtmw.judged_request")


def current_judged() -> Judged:
    """The judged request in hand; raises `NotInstalledError` where there is none."""
    judged = judged_request.get(None)
    if judged is None:
        raise NotInstalledError(
            "no jwtmw engine judged this request: add the JWTMiddleware of your framework, "
            "and ask for the caller only while a request is answered"
        )
    return judged


def current_principal() -> Principal:
    """The caller of the request in hand, until its response body ends.

    Anonymous on public routes, where an optional token was absent, and in non-secure mode.
    Raises `NotInstalledError` outside a judged request.
    """
    return current_judged().allow.principal


def current_user() -> Any:
    """What `Policy(load_user=...)` made of the caller, else the principal. Raises as `current_principal`."""
    return current_judged().allow.user


def enforce(mark: Mark) -> None:
    """Ask the engine again whether the caller meets the mark; raises `Denied` or `NotInstalledError`."""
    judged = current_judged()
    if judged.mark is not mark:
        judged.judge.enforce(judged, mark)
