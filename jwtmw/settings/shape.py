"""Names and types: every key is known and every value has the key's type.

Owns: turning plain data into structs, and msgspec's complaints into ours.
Must never know: which values make sense, where the data came from.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import msgspec

from jwtmw.errors import ConfigurationError
from jwtmw.settings.examples import example_of, section_of
from jwtmw.settings.findings import wrong_name
from jwtmw.settings.grammar import is_name, near
from jwtmw.settings.schema import TABLES, SettingsTable
from jwtmw.settings.schema_outgoing import Outgoing
from jwtmw.settings.schema_vault import Vault
from jwtmw.settings.table import Table

_COMPLAINT = re.compile(r"(?P<what>.*?)(?: - at (?P<key>`key` in )?`\$\.?(?P<where>.*)`)?", re.DOTALL)
# Tables by names of the user's; msgspec does not say in which of them it stands.
_NAMED: dict[str, type[Table]] = {"vault": Vault, "outgoing": Outgoing}
_TYPES = {
    "array": "a list",
    "object": "a table",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "text",
    "null": "nothing",
}


def plain(value: Any) -> Any:
    """A deep copy made of dict, list and str where the source has other mappings, sequences, paths and texts."""
    if isinstance(value, Mapping):
        return {plain(key): plain(member) for key, member in value.items()}
    if isinstance(value, list | tuple | AbstractSet):
        return [plain(member) for member in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return str(value) if isinstance(value, str) else value


def shape(raw: dict[str, Any]) -> SettingsTable:
    """`raw` as structs. Raises ConfigurationError for the first unknown key or wrong type; shows no value."""
    try:
        return msgspec.convert(raw, SettingsTable)
    except msgspec.ValidationError as error:
        complaint = str(error)
    raise _explained(complaint, raw)


def _explained(complaint: str, raw: dict[str, Any]) -> ConfigurationError:
    match = _COMPLAINT.fullmatch(complaint)
    what, where = (match["what"], match["where"] or "") if match else ("", "")
    for mapping, table in _NAMED.items():
        if where.startswith(f"{mapping}[...]"):
            where = _name_in(mapping, table, raw[mapping]) + where.removeprefix(f"{mapping}[...]")
    if match and match["key"]:
        return ConfigurationError(where, "has a key that is not text", "Write every key as text")
    kind, _, names = what.partition("`")
    if kind == "Object contains unknown field ":
        return _unknown(where, names.removesuffix("`"))
    if kind == "Object missing required field ":
        key = _joined(where, names.removesuffix("`"))
        return ConfigurationError(key, "is missing", f"Write for example {example_of(key)}")
    return _mistyped(where, names.split("`"))


def _name_in(mapping: str, kind: type[Table], tables: dict[Any, Any]) -> str:
    """The path of the first of the named tables that does not convert."""
    for name, table in tables.items():
        try:
            msgspec.convert(table, kind)
        except msgspec.ValidationError:
            if is_name(name):
                return f"{mapping}.{name}"
    raise wrong_name(mapping)


def _unknown(where: str, name: str) -> ConfigurationError:
    key = _joined(where, name)
    if name == "any_of" and section_of(where) == "rules[].any_of[]":
        return ConfigurationError(key, "an alternative cannot hold any_of itself", "Alternatives have one level")
    known = sorted(TABLES[section_of(where)].__struct_fields__)
    meant = near(name, known)
    cure = f"Did you mean {meant}?" if meant else f"The keys here are {', '.join(known)}"
    return ConfigurationError(key, "there is no such key", cure)


def _mistyped(where: str, names: list[str]) -> ConfigurationError:
    wanted = " or ".join(_TYPES.get(name, name) for name in names[0].split(" | ") if name != "null")
    given = _TYPES.get(names[2], names[2]) if len(names) > 2 else ""
    problem = f"must be {wanted}" if wanted else "has a wrong value"
    example = example_of(where)
    cure = f"Write for example {example}" if example else ""
    return ConfigurationError(where, f"{problem}, not {given}" if given else problem, cure)


def _joined(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name
