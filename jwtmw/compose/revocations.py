"""From settings to the deny-list: in memory, or over a store that a fleet shares.

Owns: putting the parts together.
Must never know: how a token is verified, frameworks, the environment.
"""

from __future__ import annotations

from jwtmw.revocation.redis import RedisStore
from jwtmw.revocation.revocations import Revocations
from jwtmw.revocation.shared import SharedRevocations, Terms
from jwtmw.settings import schema, schema_issuers
from jwtmw.verification import Clock


def revocations_of(settings: schema.Settings, judging: bool, clock: Clock) -> Revocations:
    """The list that the table describes. Where nothing is judged, nothing is read either: a list in memory."""
    table, names = settings.revocation, _names(settings.issuers)
    if table.store == "memory" or not judging:
        return Revocations(clock.time, table.max_entries, names)
    return SharedRevocations(
        RedisStore(table.url or "", table.key, table.timeout),
        Terms(table.refresh, table.max_stale, table.timeout, table.fail_open),
        clock=clock.time,
        max_entries=table.max_entries,
        names=names,
        monotonic=clock.monotonic,
    )


def _names(issuers: tuple[schema_issuers.Issuer, ...]) -> dict[str, str]:
    """What callers have as their issuer, by its name; empty where `iss` names a consumer, which can be any text."""
    if any(issuer.consumer_claim == "iss" for issuer in issuers):
        return {}
    return {issuer.name: issuer.issuer or issuer.name for issuer in issuers}
