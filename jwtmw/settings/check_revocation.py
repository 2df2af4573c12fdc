"""`revocation`: where the deny-list is, and how old a copy of it may be.

Owns: the values of its keys and their combinations.
Must never know: how the list is kept.
"""

from __future__ import annotations

from jwtmw.settings.check_store import kind_problems, store_problems, unused_problems
from jwtmw.settings.findings import Findings, wrong
from jwtmw.settings.schema import Revocation

_OF_A_STORE = ("url", "key", "refresh", "max_stale", "timeout", "fail_open")


def revocation_problems(table: Revocation) -> Findings:
    """Everything that is wrong with the table."""
    yield from kind_problems(table, "revocation")
    if table.max_entries < 1:
        yield wrong("revocation.max_entries", "must be at least 1")
    if table.store == "redis":
        yield from store_problems(table, "revocation", ("refresh", "max_stale", "timeout"))
        if table.max_stale < 2 * table.refresh + table.timeout:
            problem = "is shorter than two looks at the store and the time that one may take"
            yield wrong("revocation.max_stale", problem, "Raise it, or lower refresh or timeout")
    else:
        yield from unused_problems(table, "revocation", _OF_A_STORE, "redis")
