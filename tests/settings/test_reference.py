"""docs/configuration.md: every key, as the schema has it, and every snippet as it says."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from msgspec import inspect

from jwtmw.errors import NotSupportedError
from jwtmw.settings import read_settings
from jwtmw.settings.examples import example_of
from jwtmw.settings.schema import TABLES
from tests.issuers.material import pem

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
# Where the page has the table of each section of the schema.
PLACES = {
    "": "Top level",
    "token_from[]": "Places",
    "issuers[].token_from[]": "Places",
    "cache": "Cache",
    "http": "HTTP",
    "revocation": "Revocation",
    "gateway": "Gateway",
    "replay": "Used tokens",
    "issuers[]": "Issuers",
    "issuers[].key_source": "Key source",
    "issuers[].introspection": "Introspection",
    "issuers[].vault": "Tokens of a Vault",
    "outgoing.*": "Outgoing calls",
    "vault.*": "Vault",
    "vault.*.userpass": "Userpass",
    "vault.*.approle": "AppRole",
    "issuers[].consumers[]": "Consumers",
    "issuers[].consumer_store": "Consumer store",
    "rules[]": "Rules",
    "rules[].any_of[]": "Rules",
}
SNIPPETS = re.findall(r"^(?:<!-- ([^\n]*) -->\n)?```toml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
KINDS: dict[type[inspect.Type], str] = {
    inspect.StrType: "text",
    inspect.BoolType: "true or false",
    inspect.IntType: "whole number",
    inspect.FloatType: "number",
    inspect.DictType: "table",
    inspect.StructType: "table",
}


class Row(NamedTuple):
    kind: str
    default: str
    meaning: str
    example: str


def rows(heading: str) -> dict[str, Row]:
    """The rows of the tables under a heading, by key."""
    (text,) = re.findall(rf"^##+ {heading}$(.*?)(?=^##|\Z)", PAGE, re.DOTALL | re.MULTILINE)
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:3] == "| `"]
    return {
        key.strip("`"): Row(kind, default.strip("`"), meaning, example.strip("`"))
        for key, kind, default, meaning, example in cells
    }


def kind_of(kind: inspect.Type) -> str:
    if isinstance(kind, inspect.UnionType):
        (kind,) = (each for each in kind.types if not isinstance(each, inspect.NoneType))
    if isinstance(kind, inspect.VarTupleType):
        return "list of texts" if isinstance(kind.item_type, inspect.StrType) else "list of tables"
    return KINDS[type(kind)]


def default_of(field: inspect.Field) -> Any:
    """The default as plain data without what is not given; None where there is none."""
    default = field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default
    return None if default is msgspec.NODEFAULT else _given(msgspec.to_builtins(default))


def _given(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_given(member) for member in value]
    if isinstance(value, dict):
        return {key: member for key, member in value.items() if member is not None and key != "scheme_optional"}
    return value


@pytest.mark.parametrize("section", TABLES)
def test_every_key_is_described(section: str) -> None:
    """Each key has its type, its default, a meaning and the example that errors show."""
    info = inspect.type_info(TABLES[section])
    assert isinstance(info, inspect.StructType)
    described = rows(PLACES[section])
    for field in info.fields:
        row = described[field.name]
        assert kind_of(field.type) == row.kind, field.name
        assert default_of(field) == (tomllib.loads(f"value = {row.default}")["value"] if row.default else None), (
            field.name
        )
        assert row.meaning.endswith(".")
        assert example_of(f"{section}.{field.name}".removeprefix(".")) == row.example


def test_the_page_has_no_key_of_its_own() -> None:
    """What is described exists."""
    known = {name for heading in set(PLACES.values()) for name in rows(heading)}
    assert {field for table in TABLES.values() for field in table.__struct_fields__} == known


def test_every_feature_to_come_is_marked() -> None:
    """The page says "not supported yet" of the keys that are refused so, and of no other."""
    marked = {
        (heading, key)
        for heading in set(PLACES.values())
        for key, row in rows(heading).items()
        if "ot supported yet" in row.meaning
    }
    assert {("Rules", key) for key in ("dpop", "mtls")} == marked


@pytest.mark.parametrize(("mark", "text"), SNIPPETS, ids=[f"{n}-{mark}" for n, (mark, _) in enumerate(SNIPPETS)])
def test_snippets_do_what_they_say(mark: str, text: str, tmp_path: Path) -> None:
    """Every TOML snippet is marked: it loads, or it is refused as not supported yet."""
    (tmp_path / "id.pem").write_text(pem("P-256"), encoding="utf-8")
    file = tmp_path / "snippet.toml"
    file.write_text(text, encoding="utf-8")
    if mark == "not supported yet":
        with pytest.raises(NotSupportedError, match="not supported yet"):
            read_settings(file, environ={})
    else:
        assert mark in ("load", "load with ORDERS_SECRET", "load with id.pem")
        environ = {"ORDERS_SECRET": bytes(range(32)).hex()} if "SECRET" in mark else {}
        assert read_settings(file, environ=environ).issuers


def test_the_page_has_snippets() -> None:
    """The pattern finds as many TOML blocks as there are."""
    assert PAGE.count("```toml") == len(SNIPPETS) > 5
