"""JSON as RFC 8259 means it, for what somebody else wrote: tokens, key sets, files. One text, one reading.

Owns: UTF-8 only, no byte order mark, no member twice at any level, finite numbers, no lone surrogate, no depth that
kills.
Must never know: what the document means.
"""

from __future__ import annotations

import json
from math import isfinite
from typing import Any, NoReturn


def read_json(octets: bytes) -> Any:
    """The document. Raises `ValueError` with a fixed text; never another exception, whatever the octets are."""
    try:
        document = _decoder.decode(octets.decode())
        if b"\\u" in octets:
            # Only an escape can make a lone surrogate, and only a lone surrogate has no UTF-8.
            json.dumps(document, ensure_ascii=False).encode()
        return document
    except (ValueError, RecursionError):
        pass
    # Outside of the except clause: the decoder's error holds the document and must not hang on ours as its context.
    raise ValueError("not one strict JSON document in UTF-8")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError
    return members


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError
    return number


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


_decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_finite, parse_constant=_refuse)
