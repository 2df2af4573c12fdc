"""Consumers: many callers under one issuer, each with a key of its own, found by what its tokens call it.

Owns: who a consumer is and what verifies its tokens, the contract of whatever finds one, those of the configuration.
Must never know: policy, tokens beyond the identifier in them, threads, databases.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from typing import NamedTuple, Protocol

from jwtmw.issuers.importer import import_pem, secret_key
from jwtmw.issuers.keys import Key, KeySet
from jwtmw.issuers.source import Flight, KeySource, StaticKeys

# What no consumer's key is longer than: a longer identifier is looked for nowhere.
LONGEST_IDENTIFIER = 256


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Consumer:
    """One caller and what verifies its tokens. Make one by `with_secret` or `with_public_key`.

    name        what the application knows it by; several keys may be of one name
    key         what its tokens call it, no secret; None for the anonymous consumer, whom no token can name
    credential  the key that verifies its tokens, which alone decides their algorithm
    custom_id   the application's own id of it
    expires_in  seconds that its tokens may live, from `iat` or from now; None for any time
    """

    name: str
    key: str | None = None
    credential: Key | None = None
    custom_id: str | None = None
    expires_in: float | None = None

    @classmethod
    def with_secret(
        cls,
        name: str,
        key: str,
        secret: str | bytes,
        algorithm: str = "HS256",
        *,
        custom_id: str | None = None,
        expires_in: float | None = None,
        allow_short_secret: bool = False,
    ) -> Consumer:
        """A consumer that signs with a shared secret, whose text counts as UTF-8.

        Raises `KeyRefused`, a ValueError, for a secret that is none, or too short for `algorithm`.
        """
        octets = secret.encode() if isinstance(secret, str) else secret
        return cls(name, key, secret_key(octets, (algorithm,), allow_short_secret), custom_id, expires_in)

    @classmethod
    def with_public_key(
        cls,
        name: str,
        key: str,
        public_key: str,
        algorithm: str | None = None,
        *,
        custom_id: str | None = None,
        expires_in: float | None = None,
    ) -> Consumer:
        """A consumer that signs with a private key, of which `public_key` is the other half in PEM.

        Without `algorithm` all that fit the key count. Raises `KeyRefused`, a ValueError.
        """
        return cls(name, key, import_pem(public_key, algorithm), custom_id, expires_in)

    def __repr__(self) -> str:
        return f"Consumer(name={self.name!r})"


def is_whole(consumer: object) -> bool:
    """Whether this is a `Consumer` that can be worked with: where a store has made it, no type checker has looked."""
    if not isinstance(consumer, Consumer) or not isinstance(consumer.credential, Key | None):
        return False
    seconds = consumer.expires_in
    return bool(isinstance(consumer.name, str) and (seconds is None or (_is_number(seconds) and seconds > 0)))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


class Found(NamedTuple):
    """What is known of an identifier: its consumer, None where nobody has it, and for how many seconds that holds."""

    consumer: Consumer | None
    remaining: float = inf


class Consumers(KeySource, Protocol):
    """What the engine asks of an issuer's consumers. As a source of keys it has none: each consumer has its own."""

    def find(self, identifier: str, after: Flight | None = None) -> Found | Flight:
        """Whom tokens call so, or a flight to wait for; `after` is the flight just waited for, then none comes.

        Raises `KeysUnavailable` where that cannot be known now.
        """
        ...


class ConfiguredConsumers(StaticKeys):
    """Consumers from the configuration: one look-up however many they are."""

    __slots__ = ("_found",)

    def __init__(self, consumers: Iterable[Consumer]) -> None:
        super().__init__(KeySet(()))
        self._found = {consumer.key: Found(consumer) for consumer in consumers if consumer.key is not None}

    def find(self, identifier: str, after: Flight | None = None) -> Found:
        """As `Consumers` says; never a flight."""
        del after
        return self._found.get(identifier, NOBODY)


NOBODY = Found(None)
