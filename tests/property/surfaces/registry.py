"""The register of surfaces, and what they have in common.

Owns: names, the marks of a draw as decorators.
Must never know: any surface.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jwtmw import Policy, optional, public, requires
from tests.conformance.schema import Answer, Request
from tests.property.ledger import Ledger
from tests.property.model import App, Mark


@dataclass(frozen=True, slots=True)
class Served:
    """An application that was built: `send` asks it, `add_late` adds the routes that come behind the first request."""

    send: Callable[[Request], Answer]
    add_late: Callable[[], object]


# The application of the draw, the policy in front of it or None for the bare one, and who notes what is reached.
Build = Callable[[App, Policy | None, Ledger], Served]


@dataclass(frozen=True, slots=True)
class Surface:
    """`routes` says that it sees endpoints; one that does not has a single endpoint, which answers everything.

    `any_method`: a function gets whatever method comes, so that a preflight that reaches one is no preflight.
    `foresees`: whom only a mark could let in does not get to a middleware behind which the mark would stand.
    """

    name: str
    framework: str
    build: Build
    routes: bool = True
    any_method: bool = False
    foresees: bool = False


SURFACES: dict[str, Surface] = {}


def surface(name: str, framework: str, **facts: bool) -> Callable[[Build], Build]:
    """Register a surface under a name; `facts` are the rest of `Surface`."""

    def register(build: Build) -> Build:
        assert name not in SURFACES, f"two surfaces are called {name}"
        SURFACES[name] = Surface(name, framework, build, **facts)
        return build

    return register


def marked(target: Any, mark: Mark | None, guarded: bool = True) -> Any:
    """The endpoint or router with its mark; without one where nothing will be in front of it."""
    if mark is None or not guarded:
        return target
    if mark.access == "public":
        return public(target)
    if mark.access == "optional":
        return optional(requires(*mark.scopes)(target) if mark.scopes else target)
    return requires(*mark.scopes)(target)
