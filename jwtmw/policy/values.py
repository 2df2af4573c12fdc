"""What may stand behind a key of a requirement, and when a claim's value equals a configured one.

Owns: the reading of lists of texts, scopes and claims, with the messages for what cannot be meant.
Must never know: which requirement is made of them, tokens.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from jwtmw.errors import ConfigurationError

# RFC 6749 section 3.3; a scope is also quoted in the challenge, so nothing else may get in.
_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")

Texts = tuple[str, ...]
Scalar = tuple[bool, object]
Claims = tuple[tuple[str, frozenset[Scalar]], ...]


def read_texts(values: Iterable[str] | None, key: str) -> Texts:
    """A list of texts, each once, in its order; None is a key that was not written."""
    if values is None:
        return ()
    if isinstance(values, str | Mapping) or not isinstance(values, Iterable):
        raise ConfigurationError(key, "must be a list of texts", 'Write ["..."]')
    texts = tuple(values)
    if not texts:
        raise ConfigurationError(key, "an empty list asks for nothing", "Name at least one, or leave the key out")
    if not all(isinstance(text, str) and text for text in texts):
        raise ConfigurationError(key, "must hold texts that are not empty", 'Write ["..."]')
    return tuple(dict.fromkeys(texts))


def read_scopes(values: Iterable[str] | None, key: str) -> Texts:
    """A list of scopes: texts that a token can carry and a challenge can quote."""
    scopes = read_texts(values, key)
    if not all(map(_SCOPE.fullmatch, scopes)):
        cure = 'Write each scope as a text of its own, as in ["orders:read", "orders:write"]'
        raise ConfigurationError(key, "a scope has no blanks, quotes, backslashes or characters beyond ASCII", cure)
    return scopes


def read_claims(values: Mapping[str, Any] | None, key: str) -> Claims:
    """A table of claim names, each with one allowed value or a list of them."""
    if values is None:
        return ()
    if not isinstance(values, Mapping) or not all(isinstance(name, str) and name for name in values):
        raise ConfigurationError(key, "must be a table of claim names", 'Write { client_id = ["a", "b"] }')
    if not values:
        raise ConfigurationError(key, "an empty table asks for nothing", "Name a claim, or leave the key out")
    return tuple((name, _allowed(value, f"{key}.{name}")) for name, value in values.items())


def _allowed(value: object, key: str) -> frozenset[Scalar]:
    values = value if isinstance(value, list | tuple | set | frozenset) else (value,)
    if not values:
        raise ConfigurationError(key, "no value is allowed, so nobody can pass", "Name at least one value")
    if not all(map(_comparable, values)):
        raise ConfigurationError(key, "a claim is compared with texts, numbers, true and false", 'Write ["a", "b"]')
    return frozenset(map(_scalar, values))


def _comparable(value: object) -> bool:
    return isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))


def holds(value: object, allowed: frozenset[Scalar]) -> bool:
    """Whether a claim's value, or one element of it where it is a list, equals an allowed one."""
    values = value if isinstance(value, list | tuple) else (value,)
    return any(isinstance(one, str | int | float) and _scalar(one) in allowed for one in values)


def _scalar(value: object) -> Scalar:
    """JSON's equality: true is not 1, 1.0 is 1."""
    return isinstance(value, bool), value
