"""What an endpoint says of itself: `@public`, `@optional`, `@requires`.

Owns: the decorators, how stacked and nested marks combine, and where a mark would be lost.
Must never know: frameworks, tokens, rules. An adapter asks `mark_of` for what it is about to call.

`@public` and `@optional` mark in place and count only on the very object that is registered. `@requires` also wraps:
the wrapper is the second lock, asks the engine the same question again and fails loudly without one.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any, TypeVar

from jwtmw.current import enforce
from jwtmw.errors import MarkError
from jwtmw.policy.requirements import Requirement
from jwtmw.policy.rules import Access

T = TypeVar("T")

MARK = "__jwtmw_mark__"
# Left on what @requires wrapped: whoever registers that object registers it without its lock.
WRAPPED = "__jwtmw_wrapped__"
# The one door through which a class answers, by framework: Starlette and Django, Flask; else its verbs.
DISPATCHERS = ("dispatch", "dispatch_request")
VERBS = ("get", "head", "post", "put", "patch", "delete", "options", "trace", "query")
TWO_SIDES = "Put jwtmw's decorators directly on the function, below the decorator that registers it"


@dataclass(frozen=True, eq=False, slots=True)
class Mark:
    """One endpoint's mark. `access` is PUBLIC, OPTIONAL, or None where only `@requires` spoke."""

    access: Access | None
    requirement: Requirement

    def within(self, outer: Mark | None, where: str) -> Mark:
        """This mark and that of what surrounds it (class, router, blueprint): both must hold."""
        if outer is None:
            return self
        levels = (_strictness(self), _strictness(outer))
        if min(levels) is Access.PUBLIC and max(levels) is Access.AUTHENTICATED:
            raise MarkError(where, "@public and @requires meet on this endpoint", "Keep one of the two")
        return Mark(max(levels), self.requirement & outer.requirement)


def _strictness(mark: Mark) -> Access:
    return Access.AUTHENTICATED if mark.access is None else mark.access


def public(endpoint: T) -> T:
    """No token is needed here and none is read. Lifts the default, also one of deny, and nothing else."""
    return _lift(endpoint, Access.PUBLIC)


def optional(endpoint: T) -> T:
    """A token may be absent, but must not be bad. Lifts the default, also one of deny, and nothing else."""
    return _lift(endpoint, Access.OPTIONAL)


def requires(
    *scopes: str,
    any_scope: Iterable[str] | None = None,
    roles: Iterable[str] | None = None,
    any_role: Iterable[str] | None = None,
    claims: Mapping[str, Any] | None = None,
    issuers: Iterable[str] | None = None,
    audience: Iterable[str] | None = None,
) -> Callable[[T], T]:
    """A valid token is needed, with all of these scopes, and whatever else is named; `@requires()`: any valid token.

    Works on functions, coroutine functions, methods, classes and router objects, and keeps signatures.
    Raises `MarkError` where the mark cannot hold, `ConfigurationError` for a value that cannot be meant.
    """
    if len(scopes) == 1 and callable(scopes[0]):
        raise MarkError(_name(scopes[0]), "@requires was used without parentheses", "Write @requires()")
    asked = Requirement.of(
        scopes=scopes or None,
        any_scope=any_scope,
        roles=roles,
        any_role=any_role,
        claims=claims,
        issuers=issuers,
        audience=audience,
    )
    return functools.partial(_require, asked)


def mark_of(endpoint: Any, method: str) -> Mark | None:
    """The mark of an endpoint that is about to answer `method`; raises `MarkError` where a mark would be lost."""
    if isinstance(endpoint, type):
        return _class_mark(endpoint, method)
    if isinstance(endpoint, functools.partial):
        inner = mark_of(endpoint.func, method)
        own = endpoint.__dict__.get(MARK)
        # A partial is another object than the one it calls: what only lifts the default does not reach through.
        return own or (inner if inner is not None and inner.access is None else None)
    if getattr(endpoint, WRAPPED, False):
        raise MarkError(_name(endpoint), "@requires stands on the wrong side of the route decorator", TWO_SIDES)
    mark: Mark | None = getattr(endpoint, MARK, None)
    return mark


@functools.lru_cache(maxsize=4096)
def _class_mark(cls: type, method: str) -> Mark | None:
    inherited = [found for base in cls.__mro__[1:] if (found := base.__dict__.get(MARK)) and found.access is None]
    mark = cls.__dict__.get(MARK)
    for outer in inherited:
        mark = outer if mark is None else mark.within(outer, _name(cls))
    handler = _handler_mark(cls, method)
    return mark if handler is None else handler.within(mark, _name(cls))


def _handler_mark(cls: type, method: str) -> Mark | None:
    name = method.lower()
    if name == "head" and not hasattr(cls, "head"):
        name = "get"
    handler = inspect.getattr_static(cls, name, None)
    mark: Mark | None = getattr(handler, MARK, None)
    if mark is not None and mark.access is not None and name not in cls.__dict__:
        return None if mark.requirement.is_empty else Mark(None, mark.requirement)
    return mark


def _lift(endpoint: T, access: Access) -> T:
    present = _own(endpoint)
    if present is None:
        return _set(endpoint, Mark(access, Requirement.of()))
    if present.access is not None:
        raise MarkError(_name(endpoint), "@public and @optional meet on one endpoint", "Keep one of the two")
    if access is Access.PUBLIC:
        raise MarkError(_name(endpoint), "@public and @requires meet on one endpoint", "Keep one of the two")
    return _set(endpoint, Mark(access, present.requirement))


def _require(asked: Requirement, endpoint: T) -> T:
    present = _own(endpoint)
    if present is not None and present.access is Access.PUBLIC:
        raise MarkError(_name(endpoint), "@public and @requires meet on one endpoint", "Keep one of the two")
    mark = Mark(None, asked) if present is None else Mark(present.access, present.requirement & asked)
    if isinstance(endpoint, type):
        return _lock_class(_set(endpoint, mark))
    if inspect.isroutine(endpoint):
        return _lock(endpoint, mark)
    return _set(endpoint, mark)


def _own(endpoint: Any) -> Mark | None:
    if isinstance(endpoint, staticmethod | classmethod | property):
        raise MarkError(_name(endpoint), "a mark stands above @staticmethod, @classmethod or @property", TWO_SIDES)
    mark: Mark | None = getattr(endpoint, "__dict__", {}).get(MARK)
    return mark


def _set(endpoint: T, mark: Mark) -> T:
    try:
        setattr(endpoint, MARK, mark)
    except (AttributeError, TypeError):
        raise MarkError(_name(endpoint), "this object cannot carry a mark", "Mark a plain function instead") from None
    return endpoint


def _lock(function: Any, mark: Mark) -> Any:
    """The function behind its second lock; the mark is on the lock, and a flag on what it hides."""
    lock = _behind(function, lambda: getattr(lock, MARK))
    if isinstance(function, FunctionType):
        setattr(function, WRAPPED, True)
    return _set(lock, mark)


def _lock_class(cls: Any) -> Any:
    """The class with its dispatching method, else its verbs, behind the second lock. Inherited ones are covered too."""
    names = [name for name in DISPATCHERS if hasattr(cls, name)] or [name for name in VERBS if hasattr(cls, name)]
    for name in names:
        handler = inspect.getattr_static(cls, name)
        if isinstance(handler, FunctionType):
            setattr(cls, name, _behind(handler, lambda: cls.__dict__[MARK]))
    return cls


def _behind(function: Any, mark: Callable[[], Mark]) -> Any:
    """A wrapper of the same kind, sync or async; the mark is read when called, as outer marks may add to it."""

    @functools.wraps(function)
    def locked(*args: Any, **kwargs: Any) -> Any:
        enforce(mark())
        return function(*args, **kwargs)

    @functools.wraps(function)
    async def locked_async(*args: Any, **kwargs: Any) -> Any:
        enforce(mark())
        return await function(*args, **kwargs)

    return locked_async if inspect.iscoroutinefunction(function) else locked


def _name(endpoint: Any) -> str:
    return str(getattr(endpoint, "__qualname__", type(endpoint).__qualname__))
