"""A real Redis on a socket in a folder of its own: started, killed, frozen, by its own process.

Owns: the process.
Must never know: what is kept in it.
"""

from __future__ import annotations

import signal
import subprocess
import tempfile
from pathlib import Path
from time import monotonic, sleep
from typing import Self

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import ResponseError

from tests.system.oidc.processes import end, tool

NEEDED = "is not on PATH. These tests run a real server: install Debian's redis-server"


class RedisServer:
    """With a password. `durable`: it keeps its data over a kill; its address stays the same."""

    def __init__(self, durable: bool) -> None:
        # Not below the test's own folder: the path of a socket has at most 107 bytes.
        self._folder = tempfile.TemporaryDirectory(prefix="redis-")
        self._durable = durable
        self._process: subprocess.Popen[str] | None = None
        self.url = f"unix://:pass-word@{self._folder.name}/redis.sock"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        keeps = ["--appendonly", "yes", "--appendfsync", "always"] if self._durable else ["--save", ""]
        command = [tool("redis-server", needed=NEEDED), "--port", "0", "--unixsocket", "redis.sock", *keeps]
        self._process = subprocess.Popen(
            [*command, "--requirepass", "pass-word", "--dir", self._folder.name],
            cwd=self._folder.name,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        deadline = monotonic() + 30
        with Redis.from_url(self.url) as client:
            while monotonic() < deadline:
                try:
                    client.ping()
                except (Disconnected, ResponseError):
                    sleep(0.05)
                else:
                    return
        pytest.fail("redis-server does not answer", pytrace=False)

    @property
    def _running(self) -> subprocess.Popen[str]:
        assert self._process is not None, "the server is not running"
        return self._process

    def kill(self) -> None:
        """As a machine that loses power: nothing is said, nothing is saved."""
        self._running.kill()
        self._running.wait(10)
        (Path(self._folder.name) / "redis.sock").unlink(missing_ok=True)

    def freeze(self) -> None:
        """Connections are accepted, by the kernel, and nothing is ever answered."""
        self._running.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._running.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        end(self._running)
        self._folder.cleanup()
