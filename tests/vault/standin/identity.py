"""The stand-in's identity store: entities and aliases.

Owns: who is who, and the policies that come with it.
Must never know: tokens, keys.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from tests.vault.standin.dispatch import Refused, Request, endpoint


@dataclass
class Entity:
    name: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    metadata: dict[str, str] = field(default_factory=dict)
    policies: list[str] = field(default_factory=list)
    disabled: bool = False


class Identity:
    """Entities by name, and by (mount accessor, alias name)."""

    def __init__(self) -> None:
        self.by_name: dict[str, Entity] = {}
        self.aliases: dict[tuple[str, str], str] = {}

    def by_id(self, entity_id: str) -> Entity | None:
        return next((entity for entity in self.by_name.values() if entity.id == entity_id), None)

    def entity_of(self, accessor: str, alias: str) -> Entity:
        """The alias's entity; whoever logs in without one gets one."""
        found = self.by_id(self.aliases.get((accessor, alias), ""))
        if found is None:
            found = Entity(name=f"entity_{uuid.uuid4().hex[:8]}")
            self.by_name[found.name] = found
            self.aliases[accessor, alias] = found.id
        return found

    def policies_of(self, entity_id: str) -> list[str] | None:
        """The entity's policies; None where it is gone or disabled: then its tokens are worth nothing."""
        entity = self.by_id(entity_id)
        return None if entity is None or entity.disabled else entity.policies


@endpoint("POST", "identity/entity", "name", "metadata", "policies", "disabled")
def write_entity(request: Request) -> Any:
    """https://openbao.org/api-docs/secret/identity/entity/#create-an-entity; an update answers without an id."""
    identity = request.vault.identity
    name = request.text("name")
    known = name in identity.by_name
    entity = identity.by_name.setdefault(name, Entity(name))
    entity.metadata = request.fields.get("metadata", entity.metadata)
    if "policies" in request.fields:
        entity.policies = request.texts("policies")
    entity.disabled = request.fields.get("disabled", entity.disabled)
    return None if known else {"id": entity.id, "name": name, "aliases": None}


@endpoint("GET", "identity/entity/name/:name")
def read_entity(request: Request) -> Any:
    """https://openbao.org/api-docs/secret/identity/entity/#read-entity-by-name"""
    entity = request.vault.identity.by_name.get(request.parameters["name"])
    if entity is None:
        raise Refused(404)
    return {"id": entity.id, "name": entity.name, "metadata": entity.metadata, "policies": entity.policies}


@endpoint("DELETE", "identity/entity/name/:name")
def delete_entity(request: Request) -> Any:
    """https://openbao.org/api-docs/secret/identity/entity/#delete-entity-by-name; its aliases go with it."""
    identity = request.vault.identity
    entity = identity.by_name.pop(request.parameters["name"], None)
    if entity is not None:
        identity.aliases = {alias: owner for alias, owner in identity.aliases.items() if owner != entity.id}


@endpoint("POST", "identity/entity-alias", "name", "canonical_id", "mount_accessor")
def write_alias(request: Request) -> Any:
    """https://openbao.org/api-docs/secret/identity/entity-alias/#create-an-entity-alias"""
    identity, mounts = request.vault.identity, request.vault.mounts
    name, owner, accessor = request.text("name"), request.text("canonical_id"), request.text("mount_accessor")
    if all(mount.accessor != accessor for mount in mounts.values()):
        raise Refused(400, f"invalid mount accessor {accessor!r}")
    if identity.by_id(owner) is None:
        raise Refused(400, "invalid canonical ID")
    known = (accessor, name) in identity.aliases
    identity.aliases[accessor, name] = owner
    return None if known else {"id": str(uuid.uuid4()), "canonical_id": owner}
