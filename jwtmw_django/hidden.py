"""Marks that a framework's view hides: below `@api_view` of Django REST framework, and on django-ninja's operations.

Both hand Django a function of their own. `@api_view` keeps the marked function in a closure behind the class that it
makes; django-ninja keeps all operations of one path behind one view, and chooses by method. Neither is imported here:
who does not use them does not load them, so they are known by their shape, and the tests pin the shape.

Owns: where these two keep the functions, and that `JWTAuth` of an operation asks beside its mark.
Must never know: Django, requests, how to decide.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterable, Iterator
from typing import Any

from jwtmw import MarkError
from jwtmw.adapter import Access, Mark, mark_of

# Where an authentication object of ours says what it asks.
ASKED = "__jwtmw_asked__"
API_VIEW = "api_view.<locals>.decorator.<locals>.handler"
PATH_VIEW = ("PathView.get_view.<locals>.sync_view_wrapper", "PathView.get_view.<locals>.async_view_wrapper")
CONTRADICTION = ("@public meets JWTAuth on this operation", "Give the operation auth=None, or drop @public")


def hidden_mark(view: Any, method: str) -> Mark | None:
    """The mark of the function that will answer `method` behind this view; None where the view hides none.

    Raises `MarkError` where marks contradict each other, or where one would be lost.
    """
    function = _below_api_view(view, method)
    if function is not None:
        return mark_of(function, method)
    operation = next((each for each in operations(view) if method in each.methods), None)
    return None if operation is None else operation_mark(operation, method)


def operations(view: Any) -> Iterable[Any]:
    """The operations of django-ninja behind this view, in the order in which it looks for the method."""
    view = inspect.unwrap(view) if callable(view) else view
    held = _held(view, "self") if getattr(view, "__qualname__", None) in PATH_VIEW else None
    return getattr(held, "operations", ())


def operation_mark(operation: Any, method: str) -> Mark | None:
    """The mark of the operation's function, and what each `JWTAuth` of the operation asks. Raises `MarkError`."""
    mark = mark_of(operation.view_func, method)
    for asked in _asked(operation.auth_callbacks):
        mark = asked if mark is None else _beside(mark, asked, operation.view_func.__qualname__)
    return mark


def _asked(callbacks: Iterable[Any]) -> Iterator[Mark]:
    for callback in callbacks:
        asked = getattr(callback, ASKED, None)
        if isinstance(asked, Mark):
            yield asked


@functools.lru_cache(maxsize=4096)
def _beside(mark: Mark, asked: Mark, where: str) -> Mark:
    """The same object for the same marks, as the engine remembers by identity what a mark comes to."""
    if mark.access is Access.PUBLIC:
        raise MarkError(where, *CONTRADICTION)
    return Mark(mark.access, mark.requirement & asked.requirement)


def _below_api_view(view: Any, method: str) -> Any:
    """The function that `@api_view` was put on, None where it does not answer this method, or there is none."""
    members = getattr(getattr(view, "cls", None), "__dict__", {})
    name = method.lower()
    if name == "head" and name not in members:
        name = "get"
    handler = members.get(name)
    return _held(handler, "func") if getattr(handler, "__qualname__", None) == API_VIEW else None


def _held(function: Any, name: str) -> Any:
    """What a closure holds under this name."""
    held = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    return held[name].cell_contents if name in held else None
