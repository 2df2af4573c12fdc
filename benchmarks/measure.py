"""Interleaved measurement: all candidates in turn, round by round, so that a drift of the machine hits all alike.

Owns: rounds, medians and ratios.
Must never know: what is measured.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass

# Given how often: makes what it needs, untimed, and returns the job to time.
Run = Callable[[int], Callable[[], Awaitable[None]]]


@dataclass(frozen=True, slots=True)
class Figure:
    """One candidate beside the baseline of the same run.

    `microseconds` is the median of the rounds' means; `ratio` the median of the ratios round by round, `low` and
    `high` its quartiles; `added` is `ratio` - 1.
    """

    name: str
    microseconds: float
    ratio: float
    added: float
    low: float
    high: float

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


async def interleave(candidates: dict[str, Run], rounds: int, repeat: int) -> list[Figure]:
    """Run each candidate `repeat` times in each of `rounds` rounds; the first one is the baseline."""
    for run in candidates.values():
        await run(repeat)()
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, run in candidates.items():
            job = run(repeat)
            start = time.perf_counter()
            await job()
            times[name].append((time.perf_counter() - start) / repeat * 1e6)
    baseline = times[next(iter(candidates))]
    return [_figure(name, taken, baseline) for name, taken in times.items()]


def _figure(name: str, taken: list[float], baseline: list[float]) -> Figure:
    ratios = [time / base for time, base in zip(taken, baseline, strict=True)]
    low, ratio, high = statistics.quantiles(ratios, n=4)
    return Figure(name, *(round(value, 3) for value in (statistics.median(taken), ratio, ratio - 1, low, high)))
