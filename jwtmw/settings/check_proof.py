"""What binds tokens to requests: `body` and `single_use` of rules, `replay`, `external_url`, `max_body_bytes`.

Owns: the values of these keys, and the warning of a weak hash.
Must never know: how a proof is judged, where used tokens are kept.
"""

from __future__ import annotations

import logging

from jwtmw.proof.body import BODY_HASHES, WEAK_HASHES
from jwtmw.settings.check_store import kind_problems, store_problems, unused_problems
from jwtmw.settings.findings import Findings, one_of, wrong
from jwtmw.settings.grammar import is_origin
from jwtmw.settings.schema import Rule, SettingsTable
from jwtmw.settings.schema_proof import Replay

logger = logging.getLogger("jwtmw.settings")


def proof_problems(table: SettingsTable) -> Findings:
    """Everything that is wrong with these keys."""
    if table.max_body_bytes < 1:
        yield wrong("max_body_bytes", "must be at least 1")
    if table.external_url and not _is_web_origin(table.external_url):
        problem = (
            "must be scheme and host in small letters: http or https, no default port, no path, no slash at its end"
        )
        yield wrong("external_url", problem)
    yield from _replay_problems(table.replay)
    for index, rule in enumerate(table.rules):
        if rule.body is not None:
            yield from one_of(rule.body, tuple(BODY_HASHES), f"rules[{index}].body")


def _is_web_origin(url: str) -> bool:
    return url.startswith(("https://", "http://")) and is_origin(url)


def _replay_problems(table: Replay) -> Findings:
    yield from kind_problems(table, "replay")
    if table.max_entries < 1:
        yield wrong("replay.max_entries", "must be at least 1")
    if table.store == "redis":
        yield from store_problems(table, "replay")
        yield from unused_problems(table, "replay", ("max_entries",), "memory")
    else:
        yield from unused_problems(table, "replay", ("url", "key", "timeout"), "redis")


def warn_of_weak_hashes(rules: tuple[Rule, ...]) -> None:
    """Log which rules take a body by a hash for which two bodies can be made."""
    for index, rule in enumerate(rules):
        if rule.body in WEAK_HASHES:
            text = "rules[%s].body: %s no longer tells two bodies apart; take sha-256 where the signer can"
            logger.warning(text, index, rule.body, extra={"code": "weak_body_hash"})
