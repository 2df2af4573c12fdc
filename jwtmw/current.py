"""The caller of the request in hand, for code that sees no request object.

Owns: the context variable, who may read it, and the second lock that `@requires` turns.
Must never know: how a decision was reached, frameworks.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from jwtmw.errors import NotInstalledError

if TYPE_CHECKING:
    from jwtmw.decision import Allow
    from jwtmw.policy.marks import Mark
    from jwtmw.request import Judge, Request
    from jwtmw.token.principal import Principal

# The request that an engine let in, set by the adapter while the application runs: its `judge` and `allow` are set.
judged_request: ContextVar[Request | None] = ContextVar("jwtmw.judged_request", default=None)


def _judged() -> tuple[Request, Judge, Allow]:
    request = judged_request.get()
    if request is None or request.judge is None or request.allow is None:
        raise NotInstalledError(
            "no jwtmw engine judged this request: add the JWTMiddleware of your framework, "
            "and ask for the caller only while a request is answered"
        )
    return request, request.judge, request.allow


def current_principal() -> Principal:
    """The caller of the request in hand, until its response body ends.

    Anonymous on public routes, where an optional token was absent, and in non-secure mode.
    Raises `NotInstalledError` outside a judged request.
    """
    return _judged()[2].principal


def current_user() -> Any:
    """What `Policy(load_user=...)` made of the caller, else the principal. Raises as `current_principal`."""
    return _judged()[2].user


def enforce(mark: Mark) -> None:
    """Ask the engine again whether the caller meets the mark; raises `Denied` or `NotInstalledError`."""
    request = judged_request.get()
    if request is not None and request.judged_mark is mark and request.judge is not None:
        # By far the usual case: an adapter has asked the engine for this very mark.
        return
    request, judge, allow = _judged()
    judge.enforce(request, allow, mark)
