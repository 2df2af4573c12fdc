"""Read-only claims: equal to plain ones, and nothing writes into them."""

from __future__ import annotations

import copy
import json
import operator
import pickle

import pytest

from jwtmw.token.frozen import FrozenDict, FrozenList, freeze

PLAIN = {"a": [1, {"b": ["c", []]}, "d"], "e": {"f": {"g": None}}, "h": 1.5, "i": "text"}

DICT_WRITES = {
    "set": lambda value: operator.setitem(value, "a", 1),
    "delete": lambda value: operator.delitem(value, "a"),
    "or": lambda value: operator.ior(value, {"a": 1}),
    "clear": lambda value: value.clear(),
    "pop": lambda value: value.pop("a"),
    "popitem": lambda value: value.popitem(),
    "setdefault": lambda value: value.setdefault("new", 1),
    "update": lambda value: value.update(a=1),
    "attribute": lambda value: setattr(value, "new", 1),
}
LIST_WRITES = {
    "set": lambda value: operator.setitem(value, 0, 1),
    "slice": lambda value: operator.setitem(value, slice(0, 1), [1]),
    "delete": lambda value: operator.delitem(value, 0),
    "add": lambda value: operator.iadd(value, [1]),
    "multiply": lambda value: operator.imul(value, 2),
    "append": lambda value: value.append(1),
    "clear": lambda value: value.clear(),
    "extend": lambda value: value.extend([1]),
    "insert": lambda value: value.insert(0, 1),
    "pop": lambda value: value.pop(),
    "remove": lambda value: value.remove("a"),
    "reverse": lambda value: value.reverse(),
    "sort": lambda value: value.sort(),
    "attribute": lambda value: setattr(value, "new", 1),
}


@pytest.mark.parametrize("write", DICT_WRITES.values(), ids=DICT_WRITES)
def test_no_write_reaches_a_frozen_object(write):
    """Every way to write into a frozen object raises, and it stays as it was."""
    frozen = freeze({"a": "b"})
    with pytest.raises((TypeError, AttributeError)):
        write(frozen)
    assert frozen == {"a": "b"}


@pytest.mark.parametrize("write", LIST_WRITES.values(), ids=LIST_WRITES)
def test_no_write_reaches_a_frozen_list(write):
    """Every way to write into a frozen list raises, and it stays as it was."""
    frozen = freeze(["a", "b"])
    with pytest.raises((TypeError, AttributeError)):
        write(frozen)
    assert frozen == ["a", "b"]


def test_every_mutator_of_dict_and_list_is_covered():
    """A method that changes a dict or a list is replaced; those inherited as they are only read."""
    reading = {"copy", "fromkeys", "get", "items", "keys", "values", "count", "index"}
    for kind, plain in ((FrozenDict, dict), (FrozenList, list)):
        public = {name for name in dir(plain) if not name.startswith("_")}
        assert reading & public == public - vars(kind).keys()


def test_a_frozen_value_equals_the_plain_one():
    """Freezing changes neither equality nor the JSON text, and reaches every level."""
    frozen = freeze(PLAIN)
    assert frozen == PLAIN
    assert json.dumps(PLAIN) == json.dumps(frozen)
    assert FrozenDict is type(frozen["a"][1])
    assert FrozenList is type(frozen["a"][1]["b"][1])
    assert FrozenDict is type(frozen["e"]["f"])


@pytest.mark.parametrize(
    "copied",
    [
        copy.deepcopy,
        lambda value: pickle.loads(pickle.dumps(value)),
        lambda value: json.loads(json.dumps(value)),
    ],
    ids=["deepcopy", "pickle", "json"],
)
def test_a_deep_copy_is_plain(copied):
    """A deep copy of claims, pickled too, is made of plain dicts and lists that can be written in."""
    plain = copied(freeze(PLAIN))
    plain["a"][1]["b"].append("new")
    assert dict is type(plain)
    assert ["c", [], "new"] == plain["a"][1]["b"]


def test_a_shallow_copy_is_plain():
    """`copy.copy` and `.copy()` give a plain dict or list."""
    frozen = freeze(PLAIN)
    assert [dict, dict, list, list] == [
        type(value) for value in (copy.copy(frozen), frozen.copy(), copy.copy(frozen["a"]), frozen["a"].copy())
    ]


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")], ids=["lists", "objects"])
def test_nesting_is_bounded(opening, closing):
    """As many levels as allowed are frozen, one more raises."""
    deepest = json.loads(opening * 3 + "1" + closing * 3)
    assert deepest == freeze(deepest, 3)
    with pytest.raises(ValueError, match="too deep"):
        freeze(deepest, 2)
