"""Jobs in a few threads, and no more waiting than can be served soon.

Owns: how many jobs of one kind run at once, and how many wait.
Must never know: what the jobs do. Nothing here waits, so an event loop may call it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

Job = Callable[[], None]


class Pool:
    """At most `threads` jobs at once; `waiting` more stand in line. A thread ends when the line is empty.

    `launch` runs a job in a thread of its own. Every step is one operation of a deque, which is atomic: no lock.
    """

    __slots__ = ("_free", "_launch", "_line", "_waiting")

    def __init__(self, threads: int, waiting: int, launch: Callable[[Job], None]) -> None:
        self._free = deque([None] * threads)
        self._line: deque[Job] = deque()
        self._waiting = waiting
        self._launch = launch

    def submit(self, job: Job) -> bool:
        """Whether the job will be run; False where too many wait. Raises `RuntimeError` where no thread can be had.

        After a `RuntimeError` the job still stands in line, and runs if one of the threads at work comes to it.
        """
        if len(self._line) >= self._waiting and not self._free:
            return False
        self._line.append(job)
        self._hire()
        return True

    def _hire(self) -> None:
        try:
            self._free.pop()
        except IndexError:
            return
        try:
            self._launch(self._work)
        except RuntimeError:
            self._free.append(None)
            raise

    def _work(self) -> None:
        while True:
            try:
                self._run_line()
            finally:
                self._free.append(None)
            # A job that came between the last look at the line and this thread's leave would be nobody's.
            if not self._line:
                return
            try:
                self._free.pop()
            except IndexError:
                return

    def _run_line(self) -> None:
        while True:
            try:
                job = self._line.popleft()
            except IndexError:
                return
            job()
