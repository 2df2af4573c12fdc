"""What may be added to an internal token, and what may not.

Owns: the reserved claims, and what a loader's claims come to.
Must never know: principals, keys, who asks.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from jwtmw.errors import ConfigurationError, MintFailed
from jwtmw.mint.terms import claimed

logger = logging.getLogger("jwtmw.mint")

# Who the caller is, for whom the token is and for how long, and what binds it: said by the public token or by us.
# `azp` stands for a missing `client_id` in many a reader, and `scp` for a missing `scope`.
RESERVED = frozenset(
    {"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "act", "may_act", "client_id", "azp", "sub_id", "consumer", "cnf"}
)


def checked_copy(copy: Sequence[str]) -> tuple[str, ...]:
    """The claims that come from the public token. Raises `ConfigurationError` for what it does not say at all."""
    if isinstance(copy, str) or not all(isinstance(name, str) and name for name in copy):
        raise ConfigurationError("copy", "is no list of claims", "Name claims of the public token")
    reserved = sorted(RESERVED.intersection(copy))
    if reserved:
        raise ConfigurationError("copy", f"{reserved[0]} is said by the internal token itself", "Leave it out")
    return tuple(copy)


def plain(said: object) -> dict[str, Any]:
    """A copy that nobody else can change, of JSON values only. Raises `MintFailed`."""
    copied: Any = None
    if isinstance(said, Mapping):
        try:
            copied = json.loads(json.dumps(dict(said), allow_nan=False))
        except (TypeError, ValueError, RecursionError):
            copied = None
    if copied is None:
        raise MintFailed("load returned no mapping of JSON values")
    return dict(copied)


def allowed(details: dict[str, Any], copied: Sequence[str]) -> dict[str, Any]:
    """What of it may be added; a warning names the rest. What is copied, nobody else may say."""
    refused = claimed(details, RESERVED.union(copied, ["scp"] if "scope" in copied else ()))
    if refused:
        logger.warning("load sets claims that it may not set; they are left out: %s", ", ".join(sorted(refused)))
    return {name: value for name, value in details.items() if name not in refused}
