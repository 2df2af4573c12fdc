"""The marks on what Django's resolver has found: view function, view class, included URLconfs.

Owns: where marks stand in a Django project, and that they add up.
Must never know: how to decide, what is done about a mark.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from types import FunctionType
from typing import Any

from django.urls import ResolverMatch

from jwtmw import MarkError
from jwtmw.adapter import Mark, mark_of, marked_objects
from jwtmw_django.hidden import hidden_mark

# Where the function of `as_view()` keeps its class: Django's views, and those of Django REST framework alone.
_MADE_OF = ("view_class", "cls")
_INCLUDED_CURE = "Mark the views themselves; on an include only @requires counts"
_UNSEEN_CURE = "Mark the views of included URLconfs themselves where a resolver of your own stands between"


def mark_for(match: ResolverMatch | None, view: Any, method: str) -> Mark | None:
    """What is asked by all that the resolver has found. Raises `MarkError`."""
    tried: Any = None if match is None else match.tried
    way: Sequence[Any] = tried[-1] if tried else ()
    if len(way) == 1 and way[0].callback is view:
        # The root URLconf itself has the view, so that no include has a say.
        return None if type(view) is FunctionType and not view.__dict__ else view_mark(view, method)
    return mark_along(_passed(way, view), view, method)


def mark_along(includes: Iterable[Any], view: Any, method: str) -> Mark | None:
    """What is asked by the view, and by the patterns that include it. Raises `MarkError`."""
    mark = view_mark(view, method)
    for pattern in includes:
        outer = mark_of(pattern, "")
        if outer is not None:
            mark = _within(mark, _only_asking(outer, pattern), name_of(view))
    return mark


def view_mark(view: Any, method: str) -> Mark | None:
    """What is asked by the view that a URL pattern names: a function, what `as_view()` returned, any callable."""
    if isinstance(view, functools.partial):
        own, inner = mark_of(view, method), view_mark(view.func, method)
        return _within(own, None if inner is None else inner.passed_on, name_of(view.func))
    mark, cls = mark_of(view, method), class_of(view)
    if cls is not None:
        mark = _within(mark, mark_of(cls, handler_of(view, method)), name_of(cls))
    return _within(hidden_mark(view, method), mark, name_of(view))


def class_of(view: Any) -> type | None:
    """The class of a class-based view, None for other views."""
    attributes = getattr(view, "__dict__", {})
    for name in _MADE_OF:
        cls = attributes.get(name)
        if isinstance(cls, type):
            return cls
    return None


def handler_of(view: Any, method: str) -> str:
    """The name of the class's function that answers: the verb, or what a view set maps it to."""
    actions = getattr(view, "__dict__", {}).get("actions") or {}
    verb = method.lower()
    return str(actions.get(verb) or (actions.get("get") if verb == "head" else None) or verb)


def answers(view: Any, method: str) -> bool:
    """Whether the view itself answers the method; a class-based view has 405 for what it has no function for."""
    cls = _answering_class(view)
    if cls is None:
        return True
    allowed = method.lower() in getattr(cls, "http_method_names", ())
    return allowed and (hasattr(cls, handler_of(view, method)) or (method == "HEAD" and hasattr(cls, "get")))


def tells_methods_apart(view: Any) -> bool:
    """Whether the view has a function for each method; Django sends a function whatever comes, OPTIONS as well."""
    return _answering_class(view) is not None


def _answering_class(view: Any) -> type | None:
    while isinstance(view, functools.partial):
        view = view.func
    return class_of(view)


def _passed(way: Sequence[Any], view: Any) -> Sequence[Any]:
    """The includes on the way to the view's own pattern, innermost first, as the resolver has noted them."""
    if not way or getattr(way[-1], "callback", None) is not view:
        _refuse_unseen(view)
    return [pattern for pattern in reversed(way) if _includes(pattern)]


def _refuse_unseen(view: Any) -> None:
    """A resolver that does not tell its way could have passed any include."""
    if any(_includes(reference()) for reference in marked_objects):
        raise MarkError(name_of(view), "it is not known which marked include() leads to it", _UNSEEN_CURE)


def _includes(pattern: object) -> bool:
    # Asked of the class: the patterns themselves are imported when they are first looked at.
    return hasattr(type(pattern), "url_patterns")


def _only_asking(mark: Mark, pattern: Any) -> Mark:
    if mark.access is not None:
        raise MarkError(str(pattern.pattern), "an include() cannot be public or optional", _INCLUDED_CURE)
    return mark


@functools.lru_cache(maxsize=4096)
def _within(mark: Mark | None, outer: Mark | None, where: str) -> Mark | None:
    """The same object for the same marks, as the engine remembers by identity what a mark comes to."""
    return outer if mark is None else mark.within(outer, where)


def name_of(view: Any) -> str:
    """For messages."""
    return str(getattr(view, "__qualname__", type(view).__qualname__))
