"""The worker's real threads: jobs at once, jobs later, and a fork."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import Future
from queue import SimpleQueue
from time import monotonic

import pytest

from jwtmw.issuers import worker
from jwtmw.issuers.fetch import HttpSettings, fetch
from jwtmw.issuers.remote import RemoteKeys
from jwtmw.issuers.snapshot import Timing
from jwtmw.issuers.source import Flight
from tests.issuers.material import jwk
from tests.issuers.servers import response, serving


def test_a_job_runs_in_a_thread_of_its_own():
    """Two jobs that wait for each other both end: neither runs in the caller's thread, nor one after the other."""
    gate, done = threading.Barrier(3, timeout=5), SimpleQueue[int]()
    for _ in range(2):
        worker.launch(lambda: done.put(gate.wait()))
    here = gate.wait()
    assert [0, 1, 2] == sorted([here, done.get(timeout=5), done.get(timeout=5)])


def test_later_jobs_run_in_the_order_in_which_they_are_due():
    """The timer sorts by time, not by arrival, and waits."""
    done: SimpleQueue[str] = SimpleQueue()
    started = monotonic()
    worker.later(0.08, lambda: done.put("second"))
    worker.later(0.02, lambda: done.put("first"))
    assert ["first", "second"] == [done.get(timeout=5) for _ in range(2)]
    assert monotonic() - started >= 0.08


def test_a_job_that_fails_stops_no_other(caplog):
    """Its traceback is logged, and the timer goes on to the next job; here until one ends the test's own timer."""
    done: list[str] = []
    queue: SimpleQueue = SimpleQueue()
    jobs = [lambda: 1 // 0, lambda: done.append("next"), sys.exit, lambda: done.append("never")]
    for number, job in enumerate(jobs):
        queue.put((monotonic() + number / 100, number, job))
    with pytest.raises(SystemExit):
        worker._keep_time(queue)
    assert (["next"], ["a job of jwtmw's worker failed"]) == (done, caplog.messages)


def test_without_a_thread_for_the_timer_the_next_call_tries_again(monkeypatch):
    """A process at its limit of threads loses a timer, not its life."""

    def no_thread(job):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(worker, "_queues", {})
    with monkeypatch.context() as patched:
        patched.setattr(worker, "launch", no_thread)
        worker.later(0, lambda: None)
    assert {} == worker._queues
    done: Future[bool] = Future()
    worker.later(0, lambda: done.set_result(True))
    assert done.result(5)


FORKED = """
import os, sys, threading
from jwtmw.issuers import worker

assert threading.active_count() == 1
parent = threading.Event()
worker.later(0, parent.set)
assert parent.wait(5)
child = os.fork()
if child == 0:
    done = threading.Event()
    worker.later(0, done.set)
    os._exit(0 if done.wait(5) else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_forked_child_has_a_timer_of_its_own():
    """Nothing runs before the first job; after a fork the child's jobs run in the child."""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKED]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (0, "") == (shown.returncode, shown.stderr)


def test_keys_over_real_http_with_real_threads():
    """The whole source once: a flight of its own, a real server, a key."""
    import json

    document = json.dumps({"keys": [jwk("rsa", kid="a")]}).encode()
    with serving(response(document)) as server:
        settings = HttpSettings(timeout=5)
        source = RemoteKeys("corp", lambda etag: fetch(server.url(), etag, settings), Timing())
        flight = source.look_up("a", "RS256")
        assert isinstance(flight, Flight)
        assert flight.future.result(flight.remaining())
        found = source.look_up("a", "RS256", flight)
    assert isinstance(found, tuple)
    assert ["a"] == [key.kid for key in found]
    assert 1 == len(server.requests)
