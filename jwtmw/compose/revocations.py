"""From settings to the deny-list: in memory, or over a store that a fleet shares.

Owns: putting the parts together.
Must never know: how a token is verified, frameworks, the environment.
"""

from __future__ import annotations

from jwtmw.revocation.redis import RedisStore
from jwtmw.revocation.revocations import Revocations
from jwtmw.revocation.shared import SharedRevocations, Terms
from jwtmw.settings import schema
from jwtmw.verification import Clock


def revocations_of(table: schema.Revocation, judging: bool, clock: Clock) -> Revocations:
    """The list that the table describes. Where nothing is judged, nothing is read either: a list in memory."""
    if table.store == "memory" or not judging:
        return Revocations(clock.time, table.max_entries)
    return SharedRevocations(
        RedisStore(table.url or "", table.key, table.timeout),
        Terms(table.refresh, table.max_stale, table.timeout, table.fail_open),
        clock=clock.time,
        max_entries=table.max_entries,
        monotonic=clock.monotonic,
    )
