"""From settings to what binds tokens to requests: the proofs that a rule wants, and who remembers used tokens.

Owns: putting the parts together.
Must never know: how a proof is judged, frameworks, the environment.
"""

from __future__ import annotations

from jwtmw.proof.evidence import Proofs
from jwtmw.proof.redis import RedisUses
from jwtmw.proof.shared import UsedAnywhere
from jwtmw.proof.single_use import SingleUse, UsedHere
from jwtmw.proving import Prover
from jwtmw.settings import Settings, schema
from jwtmw.settings.schema_proof import Replay
from jwtmw.verification import Clock


def proofs_of(rule: schema.Rule) -> Proofs | None:
    """What the rule wants a token bound to; None where that is nothing."""
    return Proofs(rule.body, rule.single_use) if rule.body is not None or rule.single_use else None


def prover_of(settings: Settings, judging: bool, clock: Clock) -> Prover:
    """What proves for the policy of these settings."""
    shared = judging and settings.replay.store == "redis" and any(rule.single_use for rule in settings.rules)
    uses = _shared(settings.replay, clock) if shared else UsedHere(clock, settings.replay.max_entries)
    return Prover(
        external_url=settings.external_url, max_body_bytes=settings.max_body_bytes, uses=uses, clock=clock.time
    )


def _shared(table: Replay, clock: Clock) -> SingleUse:
    store = RedisUses(table.url or "", table.key, table.timeout)
    return UsedAnywhere(store, table.timeout, clock=clock.time, monotonic=clock.monotonic)
