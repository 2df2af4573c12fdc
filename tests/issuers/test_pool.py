"""Jobs in a few threads, and a short line before them."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from jwtmw.issuers import worker
from jwtmw.issuers.pool import Pool

Job = Callable[[], None]


class Hand:
    """A launcher whose threads run when the test says so; `limit` of them can be had."""

    def __init__(self, limit: int = 100) -> None:
        self.threads: list[Job] = []
        self.limit = limit

    def __call__(self, job: Job) -> None:
        if len(self.threads) >= self.limit:
            raise RuntimeError("can't start new thread")
        self.threads.append(job)

    def run(self) -> None:
        """Run the threads that were started, one after the other."""
        threads, self.threads = self.threads, []
        for thread in threads:
            thread()


def noting(done: list[int], number: int) -> Job:
    return lambda: done.append(number)


def test_no_more_threads_than_allowed_and_no_job_is_lost() -> None:
    """Two threads serve seven jobs, in the order in which they came."""
    hand, done = Hand(), list[int]()
    pool = Pool(2, 10, hand)
    assert [True] * 7 == [pool.submit(noting(done, number)) for number in range(7)]
    assert 2 == len(hand.threads)
    hand.run()
    assert list(range(7)) == done


def test_a_thread_ends_with_the_line_and_another_is_started_when_needed() -> None:
    """Nobody waits for jobs that may never come."""
    hand, done = Hand(), list[int]()
    pool = Pool(1, 10, hand)
    for number in range(3):
        assert pool.submit(noting(done, number))
        hand.run()
    assert [0, 1, 2] == done


def test_a_line_that_is_full_takes_no_more() -> None:
    """The job of the busy thread and those in line; what comes then is turned away, until there is room again."""
    hand, done = Hand(), list[int]()
    pool = Pool(1, 2, hand)
    assert [True, True, False] == [pool.submit(noting(done, number)) for number in range(3)]
    hand.run()
    assert pool.submit(noting(done, 3))
    hand.run()
    assert [0, 1, 3] == done


def test_where_no_thread_can_be_had_whoever_asked_hears_of_it() -> None:
    """The job stays in line for the next thread that can be had."""
    hand, done = Hand(limit=0), list[int]()
    pool = Pool(1, 10, hand)
    with pytest.raises(RuntimeError):
        pool.submit(noting(done, 0))
    hand.limit = 1
    assert pool.submit(noting(done, 1))
    hand.run()
    assert [0, 1] == done


def test_a_job_that_comes_as_the_last_thread_leaves_is_run() -> None:
    """Between a thread's last look at the line and its leave, a job finds no free thread; the leaver takes it."""
    hand, done = Hand(), list[int]()
    pool = Pool(1, 10, hand)
    line = pool._line

    class Late(type(line)):  # type: ignore[misc]
        def popleft(self) -> Job:
            try:
                return super().popleft()
            except IndexError:
                # The moment in question: this thread has seen an empty line, and still counts as busy.
                if not done[1:]:
                    pool.submit(noting(done, 1))
                raise

    pool._line = Late(line)
    assert pool.submit(noting(done, 0))
    hand.run()
    assert [0, 1] == done
    assert [] == hand.threads


def test_a_late_job_may_be_taken_by_another_thread() -> None:
    """If another thread was started meanwhile, the leaver leaves."""
    hand, done = Hand(), list[int]()
    pool = Pool(1, 10, hand)
    free = pool._free

    class Taken(type(free)):  # type: ignore[misc]
        def append(self, item: None) -> None:
            super().append(item)
            # The moment in question: the thread counts as free again, and has not looked at the line once more.
            if len(done) == 1 and not hand.threads:
                pool.submit(noting(done, 1))

    pool._free = Taken(free)
    assert pool.submit(noting(done, 0))
    hand.run()
    assert ([0], 1) == (done, len(hand.threads))
    hand.run()
    assert [0, 1] == done


def test_a_job_that_fails_takes_no_thread_away() -> None:
    """Whatever a job raises, its thread's place is free again, and the rest of the line is served."""
    hand, done = Hand(), list[int]()
    pool = Pool(1, 10, hand)

    def fail() -> None:
        raise LookupError

    pool.submit(fail)
    pool.submit(noting(done, 1))
    with pytest.raises(LookupError):
        hand.run()
    pool.submit(noting(done, 2))
    hand.run()
    assert [1, 2] == done


def test_real_threads_serve_many_submitters() -> None:
    """However submitters and workers meet, each job runs exactly once."""
    done: list[int] = []
    finished = threading.Event()
    pool = Pool(3, 10_000, worker.launch)

    def job(number: int) -> Job:
        def run() -> None:
            done.append(number)
            if len(done) == 800:
                finished.set()

        return run

    def submit(start: int) -> None:
        for number in range(start, start + 200):
            assert pool.submit(job(number))

    threads = [threading.Thread(target=submit, args=(start,)) for start in range(0, 800, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert finished.wait(10)
    assert list(range(800)) == sorted(done)
