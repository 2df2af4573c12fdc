"""How the keys of a ring follow each other: next, current, retired, gone.

    next      published, so that verifiers have it before the first token that it signs; it does not sign yet
    current   signs
    retired   published until the last token that it signed has expired; its private half is destroyed
    gone      in no set, and no longer in the file

Owns: when a key may change its state, and how long its public half is published.
Must never know: files, permissions, tokens, HTTP.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil, inf

from cryptography.hazmat.primitives import serialization

from jwtmw.errors import ConfigurationError
from jwtmw.mint.ringfile import Entry, Ring, State
from jwtmw.mint.signer import PAIR_ALGORITHMS, Signer, fresh_pair

# Seconds that verifiers may be behind: the largest `leeway` that jwtmw's own can have.
LEEWAY = 300
# Seconds in which a process that signs may not have noticed a rotation: it looks each second, so that is many times it.
LAG = 60
DAY = 86_400
# No token of a ring lives longer, and no key is published longer ahead: ten years.
_LONGEST = 3650 * DAY


def first_ring(algorithm: str, ahead: int, lifetime: int, now: float) -> Ring:
    """A ring with a key that signs, as nobody knows it yet, and one that is published. Raises `ConfigurationError`."""
    for name, value in (("ahead", ahead), ("lifetime", lifetime)):
        if not 1 <= value <= _LONGEST:
            raise ConfigurationError(name, "is out of range", "Give seconds, from 1 to ten years of them")
    keys = _fresh(algorithm, "current", now), _fresh(algorithm, "next", now)
    return Ring(1, ahead, lifetime, keys)


def rotated(ring: Ring, now: float, algorithm: str | None = None, *, hurry: bool = False) -> Ring:
    """The ring in which the next key signs, a fresh one is next, and what signed until now is retired.

    algorithm  of the fresh key; None: that of the next one
    hurry      even where verifiers may not have the next key yet

    Raises `ConfigurationError` for an unknown algorithm, and where the next key was published too short a time ago.
    """
    coming, current = _only(ring, "next"), _only(ring, "current")
    left = coming.since + ring.ahead - now
    if left > 0 and not hurry:
        problem = "the next key has not been published long enough: verifiers may not have it"
        raise ConfigurationError("", problem, f"Wait {ceil(left)} s more, or lose requests by --now")
    fresh = _fresh(algorithm or coming.algorithm, "next", now)
    signing = replace(coming, state="current", since=int(now))
    return replace(ring, keys=(signing, fresh, _retired(current, now), *_still_retired(ring, now)))


def replaced(ring: Ring, now: float, algorithm: str | None = None) -> Ring:
    """The ring once somebody has read its file: both private keys in it are replaced, and gone at once.

    What they have signed is refused as soon as verifiers have fetched the key set again. Retired keys stay: their
    private halves were not in the file. Raises `ConfigurationError` for an unknown algorithm.
    """
    name = algorithm or _only(ring, "next").algorithm
    return replace(ring, keys=(_fresh(name, "current", now), _fresh(name, "next", now), *_still_retired(ring, now)))


def published_until(ring: Ring, entry: Entry) -> float:
    """The instant from which on the key's public half is in no set, in epoch seconds."""
    return entry.since + ring.lifetime + LEEWAY + LAG if entry.state == "retired" else inf


def signer_of(entry: Entry) -> Signer:
    """What signs with this key. Raises ValueError for one without its private half."""
    if entry.private_key is None:
        raise ValueError("a key without its private half")
    return Signer(entry.algorithm, key=entry.private_key, kid=entry.kid)


def _still_retired(ring: Ring, now: float) -> list[Entry]:
    return [entry for entry in ring.keys if entry.state == "retired" and now < published_until(ring, entry)]


def _only(ring: Ring, state: str) -> Entry:
    return next(entry for entry in ring.keys if entry.state == state)


def _fresh(algorithm: str, state: State, now: float) -> Entry:
    if algorithm not in PAIR_ALGORITHMS:
        known = ", ".join(PAIR_ALGORITHMS)
        raise ConfigurationError("algorithm", "is none with a key pair", f"Choose one of {known}")
    key = fresh_pair(algorithm)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    kid = Signer(algorithm, key=key).kid
    return Entry(kid, algorithm, state, int(now), private_key=pem.decode())


def _retired(entry: Entry, now: float) -> Entry:
    jwk = signer_of(entry).public_jwk
    return replace(entry, state="retired", since=int(now), private_key=None, jwk=jwk)
