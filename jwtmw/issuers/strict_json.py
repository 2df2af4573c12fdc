"""JSON as RFC 8259 means it, for documents that somebody else wrote: key sets, discovery, files.

Owns: UTF-8 only, no byte order mark, no duplicate members, no NaN or Infinity, no depth that kills.
Must never know: what the document means, tokens, policy.
"""

from __future__ import annotations

import json
from typing import NoReturn


def read_json(octets: bytes) -> object:
    """The document. Raises `ValueError` with a fixed text; never another exception, whatever the octets are."""
    problem = "not one strict JSON document in UTF-8"
    try:
        return json.loads(octets.decode(), object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError):
        pass
    # Outside of the except clause: the decoder's error holds the document and must not hang on ours as its context.
    raise ValueError(problem)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError
    return members


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
