"""What the tests of key rings share: a clock, a launcher that runs jobs when told, and the readable half of a ring.

Owns: these helpers.
Must never know: how a ring is kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jwtmw.mint.keyring import KeyRing
from jwtmw.mint.ringfile import FILE

START = 1_800_000_000


class Hands:
    """Time, ticks and threads in the hands of a test."""

    def __init__(self) -> None:
        self.now: float = START
        self.jobs: list[Callable[[], None]] = []

    def time(self) -> float:
        return self.now

    def ticks(self) -> float:
        return self.now

    def launch(self, job: Callable[[], None]) -> None:
        self.jobs.append(job)

    def run(self) -> int:
        """Run what was launched; how many jobs that were."""
        jobs, self.jobs = self.jobs, []
        for job in jobs:
            job()
        return len(jobs)

    def ring(self, folder: Path) -> KeyRing:
        return KeyRing(folder, clock=self, ticks=self.ticks, launch=self.launch)


def written(folder: Path) -> dict[str, Any]:
    """The file as JSON."""
    return json.loads((folder / FILE).read_text())


def kids(folder: Path, state: str) -> list[str]:
    return [entry["kid"] for entry in written(folder)["keys"] if entry["state"] == state]


def published(ring: KeyRing) -> set[str]:
    return {jwk["kid"] for jwk in ring.jwks()["keys"]}
