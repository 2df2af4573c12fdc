"""`revocation`: where the deny-list is, and how old a copy of it may be.

Owns: the values of its keys and their combinations.
Must never know: how the list is kept. The URL may hold a password and is never shown.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from urllib.parse import SplitResult, parse_qsl, urlsplit

from jwtmw.settings.findings import Findings, one_of, plain_text, wrong
from jwtmw.settings.grammar import is_header_word, is_positive
from jwtmw.settings.schema import Revocation

STORES = ("memory", "redis")
SCHEMES = ("redis", "rediss", "unix")
# What may stand behind the question mark. Redis-py would take more of it: time limits, for one, that replace `timeout`.
PARAMETERS = ("db", "username", "password", "client_name", "protocol")
TLS_PARAMETERS = ("ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile", "ssl_password")
_DATABASE = re.compile(r"[0-9]{1,5}", re.ASCII)
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
    yield from _url_problems(table.url)
    yield from plain_text(table.key, "revocation.key")
    if "{" in table.key or "}" in table.key:
        yield wrong("revocation.key", "must have no braces: they tell a cluster where a key belongs")
    for name in ("refresh", "max_stale", "timeout"):
        if not is_positive(getattr(table, name)):
            yield wrong(f"revocation.{name}", "must be a number of seconds above 0")
    if table.max_stale < 2 * table.refresh + table.timeout:
        problem = "is shorter than two looks at the store and the time that one may take"
        yield wrong("revocation.max_stale", problem, "Raise it, or lower refresh or timeout")


def _url_problems(url: str | None) -> Findings:
    if url is None:
        yield wrong("revocation.url", "is missing")
        return
    parts = _server(url)
    if parts is None:
        yield wrong("revocation.url", "must be redis://host:port/0, rediss://host:port/0 or unix:///path")
        return
    allowed = PARAMETERS + (TLS_PARAMETERS if parts.scheme == "rediss" else ())
    given = parse_qsl(parts.query, keep_blank_values=True)
    names = [name for name, _ in given]
    if len(set(names)) != len(names) or not set(names).issubset(allowed):
        cure = f"Each at most once: {', '.join(allowed)}; time limits are keys of revocation"
        yield wrong("revocation.url", "has a parameter that does not belong there", cure)
    databases = [value for name, value in given if name == "db"]
    if parts.scheme != "unix":
        databases.append(parts.path.strip("/") or "0")
    if not all(_DATABASE.fullmatch(database) for database in databases):
        yield wrong("revocation.url", "names a database that is no number", "Write for example redis://host:port/0")


def _server(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    named = bool(parts.path) if parts.scheme == "unix" else bool(parts.hostname) and port != 0
    # urlsplit overlooks case and line breaks, which redis-py does not; a "#" is a part of a password, not encoded.
    readable = is_header_word(url) and "#" not in url and url.startswith(f"{parts.scheme}://")
    return parts if parts.scheme in SCHEMES and named and readable else None
