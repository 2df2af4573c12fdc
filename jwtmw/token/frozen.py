"""Claims that nobody can change: read-only twins of `dict` and `list`.

Verified claims are shared by every request that shows the same token, so one handler must not be able to
write into what another one reads.

Owns: read-only JSON values.
Must never know: tokens, claims' names, policy.
"""

from __future__ import annotations

from typing import Any, NoReturn

MAX_LEVELS = 32

_set_member = dict.__setitem__


def _refuse(*_: object, **__: object) -> NoReturn:
    raise TypeError("read-only: take a copy with dict(...) or list(...)")


class FrozenDict(dict[str, Any]):
    """A read-only dict: equal to a plain one and serialised like one. A copy, pickled too, is plain."""

    __slots__ = ()

    __setitem__ = _refuse
    __delitem__ = _refuse
    __ior__ = _refuse
    clear = _refuse
    pop = _refuse
    popitem = _refuse
    setdefault = _refuse
    update = _refuse

    def __reduce__(self) -> tuple[type[dict[str, Any]], tuple[dict[str, Any]]]:
        return dict, (dict(self),)


class FrozenList(list[Any]):
    """A read-only list: equal to a plain one and serialised like one. A copy, pickled too, is plain."""

    __slots__ = ()

    __setitem__ = _refuse
    __delitem__ = _refuse
    __iadd__ = _refuse
    __imul__ = _refuse
    append = _refuse
    clear = _refuse
    extend = _refuse
    insert = _refuse
    pop = _refuse
    remove = _refuse
    reverse = _refuse
    sort = _refuse

    def __reduce__(self) -> tuple[type[list[Any]], tuple[list[Any]]]:
        return list, (list(self),)


def freeze(value: Any, levels: int = MAX_LEVELS) -> Any:
    """`value`, as a JSON decoder makes it, with every object and list in it read-only.

    Raises `ValueError` where objects and lists nest deeper than `levels`.
    """
    kind = type(value)
    if kind is dict:
        return freeze_object(value, levels)
    return _freeze_list(value, levels) if kind is list else value


def freeze_object(value: dict[str, Any], levels: int = MAX_LEVELS) -> FrozenDict:
    """The same for what is known to be an object."""
    if levels < 1:
        raise ValueError("nested too deep")
    frozen = FrozenDict(value)
    for name, member in value.items():
        kind = type(member)
        if kind is dict:
            _set_member(frozen, name, freeze_object(member, levels - 1))
        elif kind is list:
            _set_member(frozen, name, _freeze_list(member, levels - 1))
    return frozen


def _freeze_list(value: list[Any], levels: int) -> FrozenList:
    if levels < 1:
        raise ValueError("nested too deep")
    return FrozenList([item if type(item) is str else freeze(item, levels - 1) for item in value])
