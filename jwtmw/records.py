"""What the log gets: one record per refusal, with names from fixed lists only.

Owns: loggers, levels and what may stand in a record: reason, code, route template. Never what a caller sent.
Must never know: how a decision was reached, tokens, the texts of other people's exceptions.
"""

from __future__ import annotations

import logging
from collections import deque
from pathlib import PurePath
from traceback import walk_tb

from jwtmw.decision import Code, Deny
from jwtmw.errors import ConfigurationError
from jwtmw.metrics import Metrics

decisions = logging.getLogger("jwtmw.decisions")
unforeseen = logging.getLogger("jwtmw.unforeseen")

# What an operator must look at, as against callers' mistakes.
_OURS = frozenset({Code.UNAVAILABLE, Code.INTERNAL_ERROR})
# As many frames as it takes to get from our code to the one that failed.
_FRAMES = 6


def record_refusal(metrics: Metrics, deny: Deny, reported: bool) -> None:
    """Count and log a final refusal, or in report-only mode the refusal that would have been."""
    route = deny.ask.label if deny.ask is not None else "-"
    fields = {"jwtmw_reason": deny.reason.value, "jwtmw_route": route, "jwtmw_code": deny.reason.code.value}
    if reported:
        metrics.would_deny[route, deny.reason] += 1
        decisions.warning("would deny: %s (%s)", deny.reason.value, route, extra=fields)
        return
    metrics.denied[deny.reason] += 1
    level = logging.WARNING if deny.reason.code in _OURS else logging.INFO
    decisions.log(level, "denied: %s (%s)", deny.reason.value, route, extra=fields)


def record_unforeseen(where: str, error: BaseException) -> None:
    """Log an exception by its type and place: its message and values may hold what must not be logged.

    The message of a `ConfigurationError` is ours, and the cure is in it.
    """
    frames = deque(walk_tb(error.__traceback__), maxlen=_FRAMES)
    trail = " > ".join(
        f"{PurePath(frame.f_code.co_filename).name}:{line} {frame.f_code.co_name}" for frame, line in frames
    )
    said = f" ({error})" if isinstance(error, ConfigurationError) else ""
    unforeseen.error("%s failed with %s%s at %s", where, type(error).__name__, said, trail)
