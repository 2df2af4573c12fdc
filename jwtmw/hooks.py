"""The application's own part in a decision: `Policy(check=...)` and `Policy(load_user=...)`.

Owns: how they are called, and that whatever they do that was not agreed refuses.
Must never know: tokens, policy. What they raise is logged by its type and place only.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Generator
from typing import Any

from jwtmw.decision import Reason
from jwtmw.effects import Effect, Wait
from jwtmw.errors import ConfigurationError, TokenRefused
from jwtmw.records import record_unforeseen
from jwtmw.request import Request
from jwtmw.token.principal import Principal

Check = Callable[[Principal, Request], object]
LoadUser = Callable[[Principal], Any]


def is_async(hook: object) -> bool:
    """Whether calling it brings an awaitable."""
    call = getattr(hook, "__call__", None)  # noqa: B004 (its kind is asked, not whether it is there)
    return inspect.iscoroutinefunction(hook) or inspect.iscoroutinefunction(call)


def passes(check: Check, principal: Principal, request: Request) -> bool:
    """Only True passes: what a check forgot to return, or to await, refuses."""
    try:
        return check(principal, request) is True
    except Exception as error:  # noqa: BLE001 (whatever it is, it refuses)
        record_unforeseen("check", error)
        return False


def user_of(load_user: LoadUser, principal: Principal, awaited: bool) -> Any:
    """The application's user; where `awaited`, the awaitable that will bring it. Raises `TokenRefused`."""
    try:
        user = load_user(principal)
        if inspect.isawaitable(user) is not awaited:
            raise TypeError("whether a user must be awaited is told by the kind of load_user")
    except Exception as error:  # noqa: BLE001 (whatever it is, it refuses)
        record_unforeseen("load_user", error)
        user = None
    return _found(user)


def awaited_user(user: Awaitable[Any]) -> Generator[Effect, Any, Any]:
    """The flow that waits for the user. Raises `TokenRefused`, and `ConfigurationError` where nobody can wait."""
    try:
        found = yield Wait(user)
    except ConfigurationError:
        raise
    except Exception as error:  # noqa: BLE001 (whatever it is, it refuses)
        record_unforeseen("load_user", error)
        found = None
    return _found(found)


def _found(user: Any) -> Any:
    if user is None:
        raise TokenRefused(Reason.USER_REFUSED)
    return user
