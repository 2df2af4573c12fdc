"""Counters of what was decided.

Owns: the numbers behind `policy.metrics()`; labels are enums and rule templates, so their number stays fixed.
Must never know: tokens, claims, paths as callers send them, exporters.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from jwtmw.decision import Reason


class Metrics:
    """Plain counters, bumped without a lock: under many threads a few counts may be lost, never a decision.

    They count decisions. A request has one for its path, and one more where its endpoint's mark wants more.
    """

    __slots__ = ("allowed", "denied", "verified", "would_deny")

    def __init__(self) -> None:
        self.allowed = 0
        self.verified = 0
        self.denied: Counter[Reason] = Counter()
        self.would_deny: Counter[tuple[str, Reason]] = Counter()

    def snapshot(self) -> dict[str, Any]:
        """Numbers since the start: `denied` by reason, `would_deny` by route and reason."""
        # Copies first: another thread may count a new reason meanwhile.
        denied, would_deny = dict(self.denied), dict(self.would_deny)
        return {
            "allowed": self.allowed,
            "verified": self.verified,
            "denied": {reason.value: count for reason, count in denied.items()},
            "would_deny": [
                {"route": route, "reason": reason.value, "count": count}
                for (route, reason), count in would_deny.items()
            ],
        }
