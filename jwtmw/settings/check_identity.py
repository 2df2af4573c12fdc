"""`identity_headers`: which headers may say who is calling.

Owns: names that cannot be told apart, and names that already mean something else.
Must never know: requests, claims' values.
"""

from __future__ import annotations

from jwtmw.gateway.identity import FACTS, folded
from jwtmw.settings.findings import Findings, one_of, wrong
from jwtmw.settings.grammar import is_plain, is_token
from jwtmw.settings.schema import SettingsTable

# What servers, frameworks and jwtmw itself go by: a claim in its place would change how the request is read.
_TAKEN = frozenset(
    {
        *("authorization", "proxy-authorization", "cookie", "origin", "host", "forwarded"),
        *("content-encoding", "content-length", "content-type", "expect", "te", "trailer", "transfer-encoding"),
        *("connection", "keep-alive", "proxy-connection", "upgrade"),
    }
)


def identity_problems(table: SettingsTable) -> Findings:
    """What is wrong with `identity_headers`."""
    places = [*table.token_from, *(place for issuer in table.issuers for place in issuer.token_from or ())]
    credentials = {spelling(place.header) for place in places if place.header is not None and is_token(place.header)}
    seen: dict[str, str] = {}
    for name, claim in table.identity_headers.items():
        key = f"identity_headers.{name}"
        if problem := _name_problem(name, credentials, seen):
            yield wrong(key, problem)
        if not is_plain(claim):
            yield wrong(key, "must name a claim, or the path to one")
        elif claim.startswith("@"):
            yield from one_of(claim, FACTS, key)


def _name_problem(name: str, credentials: set[str], seen: dict[str, str]) -> str | None:
    if not is_token(name):
        return "is no name of a header: letters, digits and marks, no blank"
    folded_name = spelling(name)
    if is_taken(folded_name):
        return "this header has a meaning of its own"
    if folded_name in credentials:
        return "token_from looks for tokens in this header"
    other = seen.setdefault(folded_name, name)
    return None if other == name else f"cannot be told from {other}: readers take -, _ and case for the same"


def is_taken(folded_name: str) -> bool:
    """Whether a header of this name means something to whoever reads the request."""
    return folded_name in _TAKEN or folded_name.startswith("sec-")


def spelling(name: str) -> str:
    """The name as the most careless reader sees it."""
    return folded(name.encode("ascii")).decode("ascii")
