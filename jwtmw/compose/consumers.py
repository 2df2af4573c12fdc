"""From settings to consumers: those of the configuration, those of a store, and the anonymous one.

Owns: what of consumers is put together once, at the start.
Must never know: how a consumer is found, tokens, frameworks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from jwtmw.decision import Allow
from jwtmw.errors import ConfigurationError
from jwtmw.hooks import is_async
from jwtmw.issuers.consumers import ConfiguredConsumers, Consumer, Consumers
from jwtmw.issuers.decoys import decoy
from jwtmw.issuers.source import Clock
from jwtmw.issuers.stored_consumers import ConsumerStore, StoredConsumers
from jwtmw.settings import ConsumerList, ConsumerTerms, schema_issuers
from jwtmw.token.principal import Principal


class Elsewhere:
    """Stands for the store where a policy is only looked at, as the command `jwtmw` does: it is the application's."""

    def find(self, identifier: str) -> Consumer | None:
        """Nobody can be found here, nor said not to exist."""
        del identifier
        raise LookupError("the store is the application's")


def check_store(store: object, issuers: Sequence[schema_issuers.Issuer]) -> None:
    """Raise `ConfigurationError` for a store that could not be asked, or that nobody asks."""
    if isinstance(store, Elsewhere):
        return
    find = getattr(store, "find", None)
    if store is not None and not callable(find):
        raise ConfigurationError("consumers", "has no method find", "Give an object with find(identifier)")
    if is_async(find):
        problem = "its find is async, but it is called in a thread of its own"
        raise ConfigurationError("consumers", problem, "Make it a plain function, which may wait")
    wanting = [index for index, table in enumerate(issuers) if isinstance(table.key_material, ConsumerTerms)]
    if store is None and wanting:
        key = f"issuers[{wanting[0]}].consumer_store"
        raise ConfigurationError(key, "there is no store", "Give one: Policy(..., consumers=store)")
    if store is not None and not wanting:
        cure = "Add consumer_store = {} to the issuer whose consumers they are"
        raise ConfigurationError("consumers", "no issuer takes its consumers from a store", cure)


def consumers_of(
    table: schema_issuers.Issuer, store: ConsumerStore | None, timeout: float, clock: Clock
) -> Consumers | None:
    """The issuer's consumers; None where it has none and signs its tokens itself."""
    material = table.key_material
    if not isinstance(material, ConsumerList | ConsumerTerms):
        return None
    for name in table.algorithms:
        decoy(name)  # made now, so that the first request which needs one is no slower than the others
    if isinstance(material, ConsumerList):
        return ConfiguredConsumers(material.members)
    assert store is not None, "check_store has seen to that"  # noqa: S101
    return StoredConsumers(table.name, store, replace(material.terms, timeout=timeout), clock=clock)


def stranger_of(issuers: Sequence[schema_issuers.Issuer]) -> Allow | None:
    """As whom a caller without a token passes where none is needed: the anonymous consumer; None without one."""
    for table in issuers:
        if table.anonymous_consumer is not None and isinstance(table.key_material, ConsumerList):
            named = (one for one in table.key_material.members if one.name == table.anonymous_consumer)
            principal = Principal(consumer=_nameless(next(named)))
            return Allow(principal, principal)
    return None


def _nameless(consumer: Consumer) -> Consumer:
    """The consumer without its key: nobody has shown one."""
    return Consumer(consumer.name, custom_id=consumer.custom_id)
