"""What happened inside an application while one request was answered.

Owns: who was reached, and by which path and method as the framework gave them.
Must never know: jwtmw, frameworks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Visit(NamedTuple):
    """The endpoint or nest of this name was reached; `path` is what its router went by, less the root path."""

    name: str
    method: str
    path: str


@dataclass(slots=True)
class Ledger:
    """`visits` are endpoints that ran, `passed` the nests on the way that are routers of their own, and the endpoint
    that the router has named, even if something else answers for it then, with 405.

    `body_reads` is there for the environs that `tests.conformance.drivers.environs` makes.
    """

    visits: list[Visit] = field(default_factory=list)
    passed: list[Visit] = field(default_factory=list)
    body_reads: int = 0

    def take(self) -> tuple[tuple[Visit, ...], tuple[Visit, ...]]:
        """What was noted since the last look."""
        taken = tuple(self.visits), tuple(self.passed)
        self.visits.clear()
        self.passed.clear()
        return taken
