"""Values and combinations: whatever types cannot say, key by key.

Owns: the order of all checks, the top-level keys, and what is not supported yet.
Must never know: where the configuration came from, what is built from it.
The checks yield every problem that they find; each names the key and the cure, none shows a value that may be secret.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jwtmw.errors import ConfigurationError, NotSupportedError
from jwtmw.issuers.fetch import HttpSettings
from jwtmw.settings.check_gateway import gateway_problems
from jwtmw.settings.check_identity import identity_problems
from jwtmw.settings.check_issuers import issuer_problems
from jwtmw.settings.check_outgoing import outgoing_problems
from jwtmw.settings.check_places import conflicts, location_problems, origin_problems
from jwtmw.settings.check_proof import proof_problems
from jwtmw.settings.check_revocation import revocation_problems
from jwtmw.settings.check_rules import rule_problems
from jwtmw.settings.check_vault import issuer_vault_problems, vault_problems
from jwtmw.settings.findings import one_of, plain_text, wrong
from jwtmw.settings.grammar import is_positive, is_quotable, is_within
from jwtmw.settings.schema import Rule, SettingsTable
from jwtmw.settings.table import Table

DEFAULTS = ("authenticated", "deny", "public")
ERROR_FORMATS = ("problem", "message", "edgex", "empty")

# The keys of features to come, each with the one value that changes nothing.
_NOT_YET: dict[type[Table], dict[str, Any]] = {
    Rule: {"dpop": False, "mtls": False},
}


def problems(table: SettingsTable) -> Iterator[ConfigurationError]:
    """Everything that is wrong with the configuration, the plainest first."""
    yield from _not_supported(table)
    yield from _switch_problems(table)
    yield from _limit_problems(table)
    yield from _http_problems(table)
    yield from revocation_problems(table.revocation)
    yield from proof_problems(table)
    yield from location_problems(table.token_from, "token_from")
    yield from vault_problems(table.vault)
    yield from outgoing_problems(table.outgoing, table.vault)
    yield from issuer_problems(table.issuers)
    for index, issuer in enumerate(table.issuers):
        if issuer.vault is not None:
            yield from issuer_vault_problems(issuer.vault, table.vault, f"issuers[{index}].vault")
    yield from conflicts(table)
    yield from origin_problems(table)
    yield from identity_problems(table)
    yield from gateway_problems(table)
    yield from rule_problems(table)


def _not_supported(table: SettingsTable) -> Iterator[NotSupportedError]:
    for index, rule in enumerate(table.rules):
        yield from _unsupported_keys(rule, f"rules[{index}].")


def _unsupported_keys(table: Table, prefix: str) -> Iterator[NotSupportedError]:
    """A key of a feature to come may be given with its harmless default, nothing else."""
    for key, harmless in _NOT_YET[type(table)].items():
        if getattr(table, key) != harmless:
            yield NotSupportedError(f"{prefix}{key}", "not supported yet", "Leave the key out")


def _switch_problems(table: SettingsTable) -> Iterator[ConfigurationError]:
    yield from one_of(table.default, DEFAULTS, "default")
    yield from one_of(table.error_format, ERROR_FORMATS, "error_format")
    if not is_quotable(table.realm):
        yield wrong("realm", "must be printable ASCII and not empty")


def _limit_problems(table: SettingsTable) -> Iterator[ConfigurationError]:
    if not is_within(table.leeway, 0, 300):
        yield wrong("leeway", "must be 0 to 300 seconds")
    if table.max_token_bytes < 1:
        yield wrong("max_token_bytes", "must be at least 1")
    if table.cache.size < 0:
        yield wrong("cache.size", "must not be negative; 0 switches the cache off")
    if not is_positive(table.cache.max_age):
        yield wrong("cache.max_age", "must be a number of seconds above 0")


def _http_problems(table: SettingsTable) -> Iterator[ConfigurationError]:
    """The file behind `ca_file` is looked at when the others are read."""
    yield from plain_text(table.http.ca_file, "http.ca_file")
    for timeout, proxy in ((table.http.timeout, None), (5.0, table.http.proxy)):
        try:
            HttpSettings(timeout=timeout, proxy=proxy)
        except ConfigurationError as error:
            yield error
