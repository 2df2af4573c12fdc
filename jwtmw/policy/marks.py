"""What an endpoint says of itself: `@public`, `@optional`, `@requires`.

Owns: the decorators, how stacked and nested marks combine, and where a mark would be lost.
Must never know: frameworks, tokens, rules. An adapter asks `mark_of` for what it is about to call.

`@public` and `@optional` mark in place and count only on the very object that is registered. `@requires` also wraps:
policy.locks has the second lock.
"""

from __future__ import annotations

import functools
import inspect
import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any, TypeVar, cast

from jwtmw.errors import MarkError
from jwtmw.policy.locks import DISPATCHERS, MARK, WRAPPED, lock_class, locked
from jwtmw.policy.requirements import Requirement
from jwtmw.policy.rules import Access

T = TypeVar("T")

# Where a function that a class-based view was made into names its class, by Flask and Django.
MADE_OF = "view_class"
# The marked objects that are neither functions nor classes, such as routers: what they hold may be taken out of them.
marked_objects: list[weakref.ref[Any]] = []
CONTRADICTION = ("@public and @requires meet on this endpoint", "Keep one of the two")
TWO_SIDES = "Put jwtmw's decorators directly on the function, below the decorator that registers it"


@dataclass(frozen=True, eq=False, slots=True)
class Mark:
    """One endpoint's mark. `access` is PUBLIC, OPTIONAL, or None where only `@requires` spoke."""

    access: Access | None
    requirement: Requirement

    def within(self, outer: Mark | None, where: str) -> Mark:
        """This mark and that of what surrounds it (class, router, blueprint): both must hold."""
        return self if outer is None else _combined(self, outer, where)

    @property
    def passed_on(self) -> Mark | None:
        """What of it reaches another object than the marked one: what it asks, never what it lifts."""
        return _inherited(self)

    @property
    def _asks(self) -> bool:
        return self.access is None or not self.requirement.is_empty


@functools.lru_cache(maxsize=4096)
def _combined(inner: Mark, outer: Mark, where: str) -> Mark:
    """The same object for the same marks, as the engine remembers by identity what a mark comes to."""
    marks = (inner, outer)
    if any(mark.access is Access.PUBLIC for mark in marks) and any(mark._asks for mark in marks):
        raise MarkError(where, *CONTRADICTION)
    levels = [mark.access for mark in marks if mark.access is not None]
    access = max(levels) if len(levels) == len(marks) else None
    return Mark(access, inner.requirement & outer.requirement)


@functools.lru_cache(maxsize=4096)
def _inherited(mark: Mark | None) -> Mark | None:
    """What of a mark reaches another object than the marked one: what it asks, never what it lifts."""
    if mark is None or mark.access is None:
        return mark
    return Mark(None, mark.requirement) if mark._asks else None


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
    if type(endpoint) is FunctionType:
        return _own(endpoint)
    if isinstance(endpoint, type):
        return _class_mark(endpoint, _verb(endpoint, method))
    mark = _own(endpoint)
    if isinstance(endpoint, functools.partial):
        return _joined(mark, _inherited(mark_of(endpoint.func, method)), endpoint.func)
    # An object answers for its class, a bound method for that of the object it belongs to.
    owner = endpoint.__self__ if inspect.ismethod(endpoint) else endpoint
    cls = owner if isinstance(owner, type) else type(owner)
    return _joined(mark, _inherited_from(cls.__mro__), cls)


def _joined(mark: Mark | None, outer: Mark | None, where: Any) -> Mark | None:
    return outer if mark is None else mark.within(outer, _name(where))


def _verb(cls: type, method: str) -> str:
    """The name of what answers; "" where nothing does, so that no invented method is remembered."""
    name = method.lower()
    if not hasattr(cls, name):
        # An adapter may also name the function itself, as view sets call theirs.
        name = "get" if name == "head" else method
    return name if hasattr(cls, name) else ""


@functools.lru_cache(maxsize=4096)
def _class_mark(cls: type, verb: str) -> Mark | None:
    mark = _joined(cls.__dict__.get(MARK), _inherited_from(cls.__mro__[1:]), cls)
    for name in (*DISPATCHERS, verb):
        mark = _joined(_handler_mark(cls, name), mark, cls)
    return mark


@functools.lru_cache(maxsize=4096)
def _inherited_from(classes: tuple[type, ...]) -> Mark | None:
    mark: Mark | None = None
    for cls in classes:
        mark = _joined(_inherited(cls.__dict__.get(MARK)), mark, cls)
    return mark


def _handler_mark(cls: type, name: str) -> Mark | None:
    handler = inspect.getattr_static(cls, name, None)
    # A static or class method is a thing around the function that was marked.
    mark = _own(getattr(handler, "__func__", handler))
    return mark if name in cls.__dict__ else _inherited(mark)


def _lift(endpoint: T, access: Access) -> T:
    present = _markable(endpoint)
    if present is None:
        return _set(endpoint, Mark(access, Requirement.of()))
    if present.access is not None:
        raise MarkError(_name(endpoint), "two of @public and @optional stand on this endpoint", "Keep one of the two")
    if access is Access.PUBLIC:
        raise MarkError(_name(endpoint), *CONTRADICTION)
    return _set(endpoint, Mark(access, present.requirement))


def _require(asked: Requirement, endpoint: T) -> T:
    present = _markable(endpoint)
    if present is not None and present.access is Access.PUBLIC:
        raise MarkError(_name(endpoint), *CONTRADICTION)
    mark = Mark(None, asked) if present is None else Mark(present.access, present.requirement & asked)
    if isinstance(endpoint, type):
        return cast("T", lock_class(_set(endpoint, mark)))
    if inspect.isroutine(endpoint):
        return cast("T", _set(locked(endpoint), mark))
    return _set(endpoint, mark)


def _markable(endpoint: Any) -> Mark | None:
    """The mark that is there already."""
    if isinstance(endpoint, staticmethod | classmethod | property):
        raise MarkError(_name(endpoint), "a mark stands above @staticmethod, @classmethod or @property", TWO_SIDES)
    return _stated(getattr(endpoint, "__dict__", {}))


def _own(endpoint: Any) -> Mark | None:
    """The mark on this very object. Raises `MarkError` for what a lock was put around, and which is about to answer."""
    attributes = getattr(endpoint, "__dict__", {})
    if WRAPPED in attributes:
        raise MarkError(_name(endpoint), "@requires stands on the wrong side of the route decorator", TWO_SIDES)
    # Asked for each request: what nobody copied is read without another call.
    return _stated(attributes) if MADE_OF in attributes else attributes.get(MARK)


def _stated(attributes: Mapping[str, Any]) -> Mark | None:
    """The mark that was put here, and not what Django's `as_view()` copies from a dispatching method."""
    mark: Mark | None = attributes.get(MARK)
    cls = None if mark is None else attributes.get(MADE_OF)
    copied = cls is not None and any(
        getattr(getattr(cls, name, None), "__dict__", {}).get(MARK) is mark for name in DISPATCHERS
    )
    return None if copied else mark


def _set(endpoint: T, mark: Mark) -> T:
    if _is_route(endpoint):
        # A route is how an endpoint is registered, not what answers: nobody would ever ask it for its mark.
        raise MarkError(_name(endpoint), "a mark stands on a route", "Mark the endpoint that the route is for")
    try:
        setattr(endpoint, MARK, mark)
        if not isinstance(endpoint, type | FunctionType):
            marked_objects.append(weakref.ref(endpoint, marked_objects.remove))
    except (AttributeError, TypeError):
        raise MarkError(_name(endpoint), "this object cannot carry a mark", "Mark a plain function instead") from None
    return endpoint


def _is_route(endpoint: Any) -> bool:
    """Whether it leads to one endpoint: a route of Starlette's, a URL pattern of Django's that includes no others."""
    if hasattr(endpoint, "matches") and hasattr(endpoint, "handle"):
        return not hasattr(endpoint, "add_route")
    return hasattr(type(endpoint), "resolve") and getattr(endpoint, "callback", None) is not None


def _name(endpoint: Any) -> str:
    return str(getattr(endpoint, "__qualname__", type(endpoint).__qualname__))
