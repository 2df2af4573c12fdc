"""The table of used tokens: its keys' names, types and defaults.

Owns: the shape of `[replay]`.
Must never know: where it comes from, which values make sense, what is built from it.
"""

from __future__ import annotations

from jwtmw.settings.table import Table


class Replay(Table, frozen=True, kw_only=True):
    """Where tokens for one use are remembered. `store` is "memory" or "redis"; `timeout` is in seconds."""

    store: str = "memory"
    url: str | None = None
    key: str = "jwtmw:used"
    timeout: float = 2.0
    max_entries: int = 100_000
