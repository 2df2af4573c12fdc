"""A program for a test: it forks, and prints as JSON what parent and children got and how often they fetched.

Owns: the forks.
Must never know: pytest.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable

from tests.faults import wire
from tests.faults.keyserver import JWKS, Call, KeyServer
from tests.faults.world import World, ask


def in_child(work: Callable[[], str]) -> str:
    """What the work returns in a forked child."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(writing, work().encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(pid, 0)
    return os.read(reading, 100).decode()


def behind_the_ttl(server: KeyServer) -> tuple[str, int]:
    """The parent's keys have come into the child; nothing there keeps them fresh."""
    world = World(server.stand(), 5.0)
    assert ask(world.policy, world.seen).status == "200"
    world.misbehave({})
    world.clock.turn(301)
    status = in_child(lambda: ask(world.policy, world.seen).status)
    return status, world.stand.requests


def while_the_parent_waits(server: KeyServer) -> tuple[tuple[str, int], tuple[str, int]]:
    """The parent's fetch is in the air: the first request hangs, the second is answered."""
    world = World(server.stand(), 20.0)
    arrived = threading.Event()
    first = [wire.hang()]

    def answer(call: Call) -> None:
        hanging = bool(first)
        if hanging:
            first.pop()
            arrived.set()
            call.wait(30)
        wire.good(call)

    world.misbehave({JWKS: answer})
    got: list[str] = []
    waiting = threading.Thread(target=lambda: got.append(ask(world.policy, world.seen).status))
    waiting.start()
    arrived.wait(10)
    in_the_air = world.stand.requests
    child = in_child(lambda: ask(world.policy, world.seen).status)
    fetched_by_child = world.stand.requests - in_the_air
    world.mend()
    waiting.join(10)
    return (child, fetched_by_child), (got[0], in_the_air)


def main() -> None:
    with KeyServer() as server:
        behind = behind_the_ttl(server)
        child, parent = while_the_parent_waits(server)
    json.dump(
        {"child behind the ttl": behind, "child of a parent that waits": child, "parent that waited": parent},
        sys.stdout,
    )


if __name__ == "__main__":
    main()
