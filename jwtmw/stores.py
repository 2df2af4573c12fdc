"""What is common to all stores that a fleet shares.

Owns: how a server of Redis or Valkey is reached, and that names stand in a store as digests only.
Must never know: what is kept there, and why. redis-py is imported when the first client is made.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any


def redis_client(url: str, timeout: float, *, retries: int = 1) -> Any:
    """A client of redis-py whose every step takes at most `timeout` seconds.

    `retries`: so often a command is sent again where the connection broke. Raises `ImportError` without redis-py:
    `pip install "jwtmw[redis]"`.
    """
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.exceptions import ConnectionError as Disconnected
    from redis.retry import Retry

    # A connection that the server has closed since is replaced at once; what takes too long is not tried twice.
    retry = Retry(NoBackoff(), retries, supported_errors=(Disconnected,))
    return Redis.from_url(url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=retry)


def problem_of(error: Exception, table: str, command: str) -> str:
    """What to do about a client's error: `table` says in the configuration where the store is, `command` was sent.

    Of the error the type alone: its text may be the server's, or hold the password.
    """
    cures = {
        "AuthenticationError": f"check user and password of {table}.url",
        "NoPermissionError": f"its user must be allowed {command}, on the keys that begin with {table}.key",
        "OutOfMemoryError": "its memory is full",
        "ReadOnlyError": f"it is a replica; name the primary in {table}.url",
    }
    kind = type(error).__name__
    return f"the store does not answer: {kind}; {cures.get(kind, f'check {table}.url, and that the server is up')}"


def digest(*names: str) -> str:
    """What stands in a store for these names. JSON, so that no two lists of names are spelt alike."""
    spelt = json.dumps(names, ensure_ascii=True, separators=(",", ":")).encode()
    return urlsafe_b64encode(sha256(spelt).digest()).rstrip(b"=").decode()
