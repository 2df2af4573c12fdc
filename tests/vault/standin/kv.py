"""The stand-in's KV secrets engines, version 1 and 2.

Owns: secrets by mount and path.
Must never know: what a secret is for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.vault.standin.dispatch import Refused, Request, endpoint


@dataclass
class Engine:
    version: int
    secrets: dict[str, dict[str, Any]] = field(default_factory=dict)


@endpoint("GET", "*path")
def read_secret(request: Request) -> Any:
    """https://openbao.org/api-docs/secret/kv/kv-v1#read-secret and
    https://openbao.org/api-docs/secret/kv/kv-v2#read-secret-version
    """
    path = request.parameters["path"]
    for mount, engine in request.vault.engines.items():
        if path.startswith(f"{mount}/"):
            return _read(engine, path.removeprefix(f"{mount}/"))
    raise Refused(404, f"no handler for route {path!r}. route entry not found.")


def _read(engine: Engine, path: str) -> Any:
    if engine.version == 1:
        if path not in engine.secrets:
            raise Refused(404)
        return engine.secrets[path]
    kind, _, path = path.partition("/")
    if kind != "data" or path not in engine.secrets:
        raise Refused(404)
    metadata = {"created_time": "2026-01-01T00:00:00Z", "deletion_time": "", "destroyed": False, "version": 1}
    return {"data": engine.secrets[path], "metadata": metadata}
