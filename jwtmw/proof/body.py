"""A body bound to a token: the claim `bdy` is the hash of the bytes as they were sent.

Owns: the names of the hashes, how one is spelt, and the comparison.
Must never know: where a body comes from, policy, HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import md5, sha256, sha512
from hmac import compare_digest
from types import MappingProxyType
from typing import Any

BODY_HASHES: Mapping[str, Callable[[bytes], Any]] = MappingProxyType({"sha-256": sha256, "sha-512": sha512, "md5": md5})
"""The hashes that a body may be bound by, as configurations name them. MD5 is weak: for partners who know no other."""

# Two bodies of one hash can be made: whoever may choose what a partner signs can have another body signed with it.
WEAK_HASHES = frozenset({"md5"})


def body_hash(body: bytes, name: str = "sha-256") -> str:
    """The value of `bdy` for a body: lower-case hex over its bytes as sent, before any content coding is undone.

    `name` is one of `BODY_HASHES`. Raises `KeyError` for any other.
    """
    digest: str = BODY_HASHES[name](body).hexdigest()
    return digest


def matches(claim: object, hashed: str) -> bool:
    """Whether `claim`, the value of `bdy`, is exactly what `body_hash` gave for the body; compared in constant time."""
    return isinstance(claim, str) and claim.isascii() and compare_digest(claim, hashed)
