"""Wrong values of what binds tokens to requests: for the table of every key.

Owns: the changes, the key that is blamed, a part of the message.
Must never know: how they are tried.
"""

from __future__ import annotations

from typing import Any

from tests.settings.revocation import REDIS

_URLS = (
    *("orders.example", "//orders.example", "HTTPS://orders.example", "https://Orders.example", "https://a.example/"),
    *(
        "https://a.example/api",
        "https://a.example:443",
        "http://a.example:80",
        "wss://a.example",
        "https://a@b.example",
    ),
    *("https://a.example?b", "https://", "null"),
)
_REPLAY: list[tuple[dict[str, Any], str, str]] = [
    ({"store": "Redis"}, ".store", 'Did you mean "redis"?'),
    ({"store": "file"}, ".store", "Write one of memory, redis"),
    ({"max_entries": 0}, ".max_entries", "max_entries = 100000"),
    ({"url": "redis://127.0.0.1/0"}, ".url", 'belongs to store = "redis"'),
    ({"key": "a"}, ".key", 'belongs to store = "redis"'),
    ({"timeout": 1}, ".timeout", "Set store, or leave the key out"),
    ({"store": "redis"}, ".url", 'is missing. Write for example url = "$ENV://REDIS_URL"'),
    ({**REDIS, "url": "http://127.0.0.1/"}, ".url", "redis://host:port/0"),
    ({**REDIS, "key": ""}, ".key", 'key = "jwtmw:used"'),
    ({**REDIS, "key": "{a}"}, ".key", "must have no braces"),
    ({**REDIS, "timeout": 0}, ".timeout", "timeout = 2"),
    ({**REDIS, "max_entries": 5}, ".max_entries", 'belongs to store = "memory"'),
]

PROOF: list[tuple[dict[str, Any], str, str]] = [
    *(({"external_url": url}, "external_url", 'external_url = "https://orders.example"') for url in _URLS),
    ({"max_body_bytes": 0}, "max_body_bytes", "max_body_bytes = 1048576"),
    ({"max_body_bytes": -1}, "max_body_bytes", "must be at least 1"),
    ({"rules[0].body": "SHA-256"}, "rules[0].body", 'Did you mean "sha-256"?'),
    ({"rules[0].body": "sha-1"}, "rules[0].body", "has no such value"),
    ({"rules[0].body": ""}, "rules[0].body", "Write one of sha-256, sha-512, md5"),
    *(
        ({f"replay.{name}": value for name, value in changes.items()}, f"replay{key}", message)
        for changes, key, message in _REPLAY
    ),
]
