"""`revocation`: where the deny-list is, and how old a copy of it may be.

Owns: the values of its keys and their combinations.
Must never know: how the list is kept. The URL may hold a password and is never shown.
"""

from __future__ import annotations

from importlib.util import find_spec
from urllib.parse import urlsplit

from jwtmw.settings.findings import Findings, one_of, plain_text, wrong
from jwtmw.settings.grammar import is_positive
from jwtmw.settings.schema import Revocation

STORES = ("memory", "redis")
SCHEMES = ("redis", "rediss", "unix")
_OF_A_STORE = ("url", "key", "refresh", "max_stale", "timeout", "fail_open")


def revocation_problems(table: Revocation) -> Findings:
    """Everything that is wrong with the table."""
    yield from one_of(table.store, STORES, "revocation.store")
    if table.max_entries < 1:
        yield wrong("revocation.max_entries", "must be at least 1")
    if table.store == "redis":
        yield from _redis_problems(table)
    else:
        for name in _OF_A_STORE:
            if getattr(table, name) != getattr(Revocation(), name):
                yield wrong(f"revocation.{name}", 'belongs to store = "redis"', "Set store, or leave the key out")


def _redis_problems(table: Revocation) -> Findings:
    if find_spec("redis") is None:
        yield wrong("revocation.store", "needs a package that is not installed", 'Run: pip install "jwtmw[redis]"')
    if table.url is None:
        yield wrong("revocation.url", "is missing")
    elif not _is_server(table.url):
        yield wrong("revocation.url", "must be redis://host:port/0, rediss://host:port/0 or unix:///path")
    yield from plain_text(table.key, "revocation.key")
    if "{" in table.key or "}" in table.key:
        yield wrong("revocation.key", "must have no braces: they tell a cluster where a key belongs")
    for name in ("refresh", "max_stale", "timeout"):
        if not is_positive(getattr(table, name)):
            yield wrong(f"revocation.{name}", "must be a number of seconds above 0")
    if table.max_stale < 2 * table.refresh + table.timeout:
        problem = "is shorter than two looks at the store and the time that one may take"
        yield wrong("revocation.max_stale", problem, "Raise it, or lower refresh or timeout")


def _is_server(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    named = bool(parts.path) if parts.scheme == "unix" else bool(parts.hostname) and port != 0
    return parts.scheme in SCHEMES and named
