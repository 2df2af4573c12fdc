"""The register of drivers.

Owns: names, and the reasons for which a driver leaves out a case.
Must never know: any driver.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.conformance.schema import Answer, Case
from tests.conformance.world import World

Drive = Callable[[Case, World], Answer]
Cannot = Callable[[Case], str | None]


@dataclass(frozen=True, slots=True)
class Driver:
    """`has_app` says that there is an application behind it, whose bare answer can be compared."""

    name: str
    drive: Drive
    cannot: Cannot
    has_app: bool = True


DRIVERS: dict[str, Driver] = {}


def driver(name: str, cannot: Cannot, has_app: bool = True) -> Callable[[Drive], Drive]:
    """Register a driver under a name."""

    def register(drive: Drive) -> Drive:
        assert name not in DRIVERS, f"two drivers are called {name}"
        DRIVERS[name] = Driver(name, drive, cannot, has_app)
        return drive

    return register
