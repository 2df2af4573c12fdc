"""Configurations for the tests of this area: one that works, and changes of it.

Owns: the smallest right configuration.
Must never know: what a test wants of it.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from jwtmw.settings.schema import TABLES

GOOD: dict[str, Any] = {
    "issuers": [
        {"name": "corp", "issuer": "https://id.example/", "audience": ["orders"], "jwks_url": "https://id.example/jwks"}
    ],
    "rules": [{"path": "/orders"}],
}
SECRET = "correct horse battery staple, and more"
SHARED = {"issuers[0].jwks_url": None, "issuers[0].secret": SECRET}
"""The changes that give the issuer a secret."""


ENDPOINT = {"issuers[0].jwks_url": None, "issuers[0].introspection.url": "https://id.example/introspect"}
ASKED = {**ENDPOINT, **{f"issuers[0].introspection.client_{part}": "orders" for part in ("id", "secret")}}
"""The changes that let the issuer be asked about its tokens."""


def changed(changes: dict[str, Any]) -> dict[str, Any]:
    """The right configuration with these values at these paths; what is None is left out."""
    raw = copy.deepcopy(GOOD)
    for path, value in changes.items():
        _put(raw, path, value)
    return raw


def keys_of(section: str) -> tuple[str, ...]:
    return TABLES[section].__struct_fields__


def paths() -> Iterator[str]:
    """The path of every key that there is, each list with its first element."""
    for section in TABLES:
        for key in keys_of(section):
            yield f"{section}.{key}".removeprefix(".").replace("[]", "[0]").replace("*", "main")


def parent(path: str) -> dict[str, Any]:
    """The changes that make the table in which the key at `path` stands."""
    table = path.rpartition(".")[0]
    if table.endswith("token_from[0]"):
        return {f"{table}.header": "X-Token"}
    if table.endswith("consumers[0]"):
        return {f"{table}.name": "shop"}
    if table.endswith("any_of[0]"):
        return {f"{table}.roles": ["clerk"]}
    if table in ("vault.main", "vault.main.userpass", "vault.main.approle"):
        return {"vault.main.url": "https://vault.example:8200"}
    if table == "outgoing.main":
        return {"outgoing.main.hosts": ["https://herald.example"], "outgoing.main.source": "pass_on"}
    if table.endswith("introspection"):
        return ASKED
    return {}


def _put(table: Any, path: str, value: Any) -> None:
    steps = [int(number) if number else name for number, name in re.findall(r"\[(\d+)\]|([^.\[]+)", path)]
    for step, following in pairwise(steps):
        if isinstance(step, int):
            table.extend({} for _ in range(len(table), step + 1))
            table = table[step]
        else:
            table = table.setdefault(step, [] if isinstance(following, int) else {})
    if value is None:
        del table[steps[-1]]
    elif isinstance(steps[-1], int):
        table[steps[-1] : steps[-1] + 1] = [value]
    else:
        table[steps[-1]] = value
