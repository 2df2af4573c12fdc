"""The process's own lazy worker: jobs in threads of their own, and jobs that are due later.

Owns: the only threads that jwtmw starts; none before the first job, and a forked child starts its own.
Must never know: what the jobs do. Nothing here takes a lock or waits, so an event loop may call it.
"""

from __future__ import annotations

import _thread
import heapq
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from queue import Empty, SimpleQueue
from time import monotonic

Job = Callable[[], None]

logger = logging.getLogger("jwtmw.issuers")

_Due = tuple[float, int, Job]
_sequence = count()
# One queue per process id: a child has no thread that reads its parent's.
_queues: dict[int, SimpleQueue[_Due]] = {}


def launch(job: Job) -> None:
    """Run `job` in a daemon thread of its own. Raises `RuntimeError` where no thread can be had.

    `threading.Thread.start` would wait until the new thread runs; this does not.
    """
    _thread.start_new_thread(_guarded, (job,))


def later(delay: float, job: Job) -> None:
    """Run `job`, which must be short, about `delay` seconds from now."""
    pid = os.getpid()
    queue: SimpleQueue[_Due] = SimpleQueue()
    winner = _queues.setdefault(pid, queue)
    winner.put((monotonic() + delay, next(_sequence), job))
    if winner is queue:
        _start(pid, queue)


def _start(pid: int, queue: SimpleQueue[_Due]) -> None:
    try:
        launch(lambda: _keep_time(queue))
    except RuntimeError:
        # No thread now (a limit, or the interpreter ends): the next call tries again, and requests refresh by need.
        _queues.pop(pid, None)


def _keep_time(queue: SimpleQueue[_Due]) -> None:
    heap: list[_Due] = []
    while True:
        timeout = max(0.0, heap[0][0] - monotonic()) if heap else None
        with suppress(Empty):
            heapq.heappush(heap, queue.get(timeout=timeout))
        while heap and heap[0][0] <= monotonic():
            _guarded(heapq.heappop(heap)[2])


def _guarded(job: Job) -> None:
    try:
        job()
    except Exception:
        logger.exception("a job of jwtmw's worker failed")
