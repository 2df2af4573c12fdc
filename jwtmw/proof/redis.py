"""Used tokens of a fleet in Redis or Valkey: one key for each, which ends by itself.

Owns: how a token stands there, and the one command that is sent.
Must never know: whose tokens these are, threads, how a server is reached.
"""

from __future__ import annotations

from math import ceil
from typing import Any

from jwtmw.errors import StoreFailed
from jwtmw.stores import problem_of, redis_client

# Clocks of a fleet differ: a key outlives its token by this, in seconds, on the slowest of them.
CLOCKS_DIFFER = 300.0


class RedisUses:
    """Under the prefix `key` of the server at `url`; no call takes much longer than `timeout` seconds.

    Raises `ImportError` without redis-py: `pip install "jwtmw[redis]"`.
    """

    def __init__(self, url: str, key: str, timeout: float, *, client: Any = None) -> None:
        self._prefix = key
        # Not sent twice: where the answer alone was lost, the second time would call the first a replay.
        self._client = redis_client(url, timeout, retries=0) if client is None else client

    def __repr__(self) -> str:
        return "RedisUses(...)"

    def spend(self, key: str, lasts: float) -> bool:
        """As `Store` says."""
        milliseconds = ceil((lasts + CLOCKS_DIFFER) * 1000)
        try:
            # NX: of all processes one succeeds. With its end in the same command, no key stays for ever.
            kept = self._client.set(f"{self._prefix}:{key}", b"1", nx=True, px=milliseconds)
        except Exception as error:  # noqa: BLE001 (the client's own errors, and those of sockets)
            problem = problem_of(error, "replay", "set")
        else:
            if kept is True or kept is None:
                return kept is True
            problem = "the store answers with something else"
        raise StoreFailed(problem)
