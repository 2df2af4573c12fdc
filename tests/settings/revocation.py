"""Wrong values of `revocation`: for the table of every key.

Owns: the changes, the key that is blamed, a part of the message.
Must never know: how they are tried.
"""

from __future__ import annotations

from typing import Any

REDIS = {"store": "redis", "url": "redis://127.0.0.1:6379/0"}
_WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"store": "Redis"}, ".store", 'Did you mean "redis"?'),
    ({"store": "file"}, ".store", "Write one of memory, redis"),
    ({"max_entries": 0}, ".max_entries", "max_entries = 100000"),
    ({"url": "redis://127.0.0.1/0"}, ".url", 'belongs to store = "redis"'),
    ({"key": "a"}, ".key", 'belongs to store = "redis"'),
    ({"refresh": 1}, ".refresh", "Set store, or leave the key out"),
    ({"max_stale": 60}, ".max_stale", 'belongs to store = "redis"'),
    ({"timeout": 1}, ".timeout", 'belongs to store = "redis"'),
    ({"fail_open": True}, ".fail_open", 'belongs to store = "redis"'),
    ({"store": "redis"}, ".url", 'is missing. Write for example url = "$ENV://REDIS_URL"'),
    ({**REDIS, "url": "http://127.0.0.1/"}, ".url", "redis://host:port/0"),
    ({**REDIS, "url": "redis://"}, ".url", "redis://host:port/0"),
    ({**REDIS, "url": "redis://a:b/0"}, ".url", "redis://host:port/0"),
    ({**REDIS, "url": "redis://a:0/0"}, ".url", "redis://host:port/0"),
    ({**REDIS, "url": "unix://"}, ".url", "unix:///path"),
    ({**REDIS, "url": "REDIS://a/0"}, ".url", "redis://host:port/0"),
    ({**REDIS, "url": "redis://a/0\n"}, ".url", "redis://host:port/0"),
    ({**REDIS, "url": "redis://a/0#b"}, ".url", "redis://host:port/0"),
    ({**REDIS, "url": "redis://a/orders"}, ".url", "names a database that is no number"),
    ({**REDIS, "url": "redis://a/?db=orders"}, ".url", "names a database that is no number"),
    ({**REDIS, "url": "unix:///a?db="}, ".url", "names a database that is no number"),
    ({**REDIS, "url": "redis://a/0?socket_timeout=60"}, ".url", "time limits are keys of revocation"),
    ({**REDIS, "url": "redis://a/0?decode_responses=true"}, ".url", "has a parameter that does not belong there"),
    ({**REDIS, "url": "redis://a/0?ssl_ca_certs=ca.pem"}, ".url", "has a parameter that does not belong there"),
    ({**REDIS, "url": "rediss://a/0?ssl_cert_reqs=none"}, ".url", "Each at most once: db, username, password, "),
    ({**REDIS, "url": "redis://a/0?db=1&db=2"}, ".url", "has a parameter that does not belong there"),
    ({**REDIS, "key": ""}, ".key", 'key = "jwtmw:revoked"'),
    ({**REDIS, "key": "{a}"}, ".key", "must have no braces"),
    ({**REDIS, "refresh": 0}, ".refresh", "refresh = 2"),
    ({**REDIS, "max_stale": 0}, ".max_stale", "max_stale = 30"),
    ({**REDIS, "timeout": 0}, ".timeout", "timeout = 5"),
    ({**REDIS, "max_stale": 8}, ".max_stale", "shorter than two looks at the store"),
]

REVOCATION: list[tuple[dict[str, Any], str, str]] = [
    ({f"revocation.{name}": value for name, value in changes.items()}, f"revocation{key}", message)
    for changes, key, message in _WRONG
]
