"""The campaign: every mode in every state by both drivers, once.

Owns: which rows there are, and the run.
Must never know: pytest, how results are shown.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from tests.faults.drivers import Result, Work, by_event_loop, by_threads, measuring
from tests.faults.keyserver import KeyServer
from tests.faults.modes import MODES, STATES, Mode
from tests.faults.rows import row
from tests.faults.world import World

DRIVERS = ("threads", "asyncio")
PAIRS = [(mode, state) for mode in MODES for state in STATES]
PATIENCE = 20.0
Key = tuple[str, str, str]


@dataclass(frozen=True)
class Run:
    """The results by mode, state and driver; `timeout`, the event loop's longest `stall` and the whole in seconds.

    `timeout` is the time limit of the modes that are slow. The others have PATIENCE, so that a busy machine makes no
    other fault of them.
    """

    results: dict[Key, Result]
    timeout: float
    stall: float
    took: float


def run(timeout: float) -> Run:
    """Run all rows, those of slow modes with this `http.timeout`."""
    started = time.perf_counter()
    with KeyServer() as server:
        _load_the_http_client(server)
        with measuring():
            threaded = by_threads(_rows(server, timeout))
        with measuring():
            looped, stall = by_event_loop(_rows(server, timeout))
    results = {
        (mode.name, state, driver): result
        for driver, made in zip(DRIVERS, (threaded, looped), strict=True)
        for (mode, state), result in zip(PAIRS, made, strict=True)
    }
    return Run(results, timeout, stall, time.perf_counter() - started)


def _rows(server: KeyServer, timeout: float) -> list[Work]:
    """All rows, made before the first is run: what it costs to make a policy is no wait of a request."""
    return [
        _work(mode, state, World(server.stand(), _limit(mode, timeout), discovery=mode.discovery, etag=mode.etag))
        for mode, state in PAIRS
    ]


def _limit(mode: Mode, timeout: float) -> float:
    return timeout if mode.slow else PATIENCE


def _work(mode: Mode, state: str, world: World) -> Work:
    return row(mode, state, world), world


def _load_the_http_client(server: KeyServer) -> None:
    """By one fetch beforehand: importing it takes longer than some rows may wait."""
    world = World(server.stand(), 5.0)
    for result in by_threads([_work(MODES[0], "cold", world)]):
        if isinstance(result, Exception):
            raise result
