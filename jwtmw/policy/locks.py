"""The second lock: what `@requires` puts around an endpoint.

It asks the engine once more what was asked in front of the application, when the endpoint is called, and fails loudly
where no engine stood in front.

Owns: the wrapper, what of a class is wrapped, and the attributes by which marked and wrapped objects are known.
Must never know: what a mark asks, frameworks, tokens.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any

from jwtmw.current import enforce

MARK = "__jwtmw_mark__"
# Left on what @requires wrapped: whoever registers that object registers it without its lock.
WRAPPED = "__jwtmw_wrapped__"
# The one door through which a class answers, by framework: Starlette and Django, Flask; else its verbs.
DISPATCHERS = ("dispatch", "dispatch_request")
VERBS = ("get", "head", "post", "put", "patch", "delete", "options", "trace", "query")


def locked(function: Any) -> Any:
    """The function behind its lock, which is to be marked; a flag is left on what the lock hides."""
    lock = _behind(function, lambda: getattr(lock, MARK))
    # A second lock around the same function has copied the flag of the first.
    vars(lock).pop(WRAPPED, None)
    hidden = getattr(function, "__func__", function)
    if isinstance(hidden, FunctionType):
        setattr(hidden, WRAPPED, True)
    return lock


def lock_class(cls: Any) -> Any:
    """The marked class with its dispatching method, else its verbs, behind the lock. Inherited ones are covered too."""
    names = [name for name in DISPATCHERS if hasattr(cls, name)] or [name for name in VERBS if hasattr(cls, name)]
    for name in names:
        handler = inspect.getattr_static(cls, name)
        if isinstance(handler, FunctionType):
            setattr(cls, name, _behind(handler, lambda: cls.__dict__[MARK]))
    return cls


def _behind(function: Any, mark: Callable[[], Any]) -> Any:
    """A wrapper of the same kind, sync or async; the mark is read when called, as outer marks may add to it."""

    @functools.wraps(function)
    def sync_lock(*args: Any, **kwargs: Any) -> Any:
        enforce(mark())
        return function(*args, **kwargs)

    @functools.wraps(function)
    async def async_lock(*args: Any, **kwargs: Any) -> Any:
        enforce(mark())
        return await function(*args, **kwargs)

    return async_lock if inspect.iscoroutinefunction(function) else sync_lock
