"""What every table of a store that a fleet shares has: `store`, `url`, `key`, `timeout`.

Owns: the values of these keys, and which other keys belong to a store.
Must never know: what is kept there. The URL may hold a password and is never shown.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import Protocol
from urllib.parse import SplitResult, parse_qsl, urlsplit

from jwtmw.settings.findings import Findings, one_of, plain_text, wrong
from jwtmw.settings.grammar import is_header_word, is_positive

STORES = ("memory", "redis")
SCHEMES = ("redis", "rediss", "unix")
# What may stand behind the question mark. Redis-py would take more of it: time limits, for one, that replace `timeout`.
PARAMETERS = ("db", "username", "password", "client_name", "protocol")
TLS_PARAMETERS = ("ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile", "ssl_password")
_DATABASE = re.compile(r"[0-9]{1,5}", re.ASCII)


class Stored(Protocol):
    """A table of a store."""

    @property
    def store(self) -> str: ...  # noqa: D102
    @property
    def url(self) -> str | None: ...  # noqa: D102
    @property
    def key(self) -> str: ...  # noqa: D102
    @property
    def timeout(self) -> float: ...  # noqa: D102


def store_problems(table: Stored, name: str, seconds: tuple[str, ...] = ("timeout",)) -> Findings:
    """What is wrong with a table `name` with a store in Redis; `seconds` are its keys that are times."""
    if find_spec("redis") is None:
        yield wrong(f"{name}.store", "needs a package that is not installed", 'Run: pip install "jwtmw[redis]"')
    yield from _url_problems(table.url, name)
    yield from plain_text(table.key, f"{name}.key")
    if "{" in table.key or "}" in table.key:
        yield wrong(f"{name}.key", "must have no braces: they tell a cluster where a key belongs")
    for key in seconds:
        if not is_positive(getattr(table, key)):
            yield wrong(f"{name}.{key}", "must be a number of seconds above 0")


def unused_problems(table: Stored, name: str, keys: tuple[str, ...], store: str) -> Findings:
    """A problem for each of the keys that has another value than its default though it belongs to another `store`."""
    for key in keys:
        if getattr(table, key) != getattr(type(table)(), key):
            yield wrong(f"{name}.{key}", f'belongs to store = "{store}"', "Set store, or leave the key out")


def kind_problems(table: Stored, name: str) -> Findings:
    """A problem where there is no such store."""
    yield from one_of(table.store, STORES, f"{name}.store")


def _url_problems(url: str | None, name: str) -> Findings:
    parts = None if url is None else _server(url)
    if parts is not None:
        yield from _part_problems(parts, name)
    elif url is None:
        yield wrong(f"{name}.url", "is missing")
    else:
        yield wrong(f"{name}.url", "must be redis://host:port/0, rediss://host:port/0 or unix:///path")


def _part_problems(parts: SplitResult, name: str) -> Findings:
    allowed = PARAMETERS + (TLS_PARAMETERS if parts.scheme == "rediss" else ())
    given = parse_qsl(parts.query, keep_blank_values=True)
    names = [parameter for parameter, _ in given]
    if len(set(names)) != len(names) or not set(names).issubset(allowed):
        cure = f"Each at most once: {', '.join(allowed)}; time limits are keys of {name}"
        yield wrong(f"{name}.url", "has a parameter that does not belong there", cure)
    databases = [value for parameter, value in given if parameter == "db"]
    if parts.scheme != "unix":
        databases.append(parts.path.strip("/") or "0")
    if not all(_DATABASE.fullmatch(database) for database in databases):
        yield wrong(f"{name}.url", "names a database that is no number", "Write for example redis://host:port/0")


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
