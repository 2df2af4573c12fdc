"""A server as a process of its own, as the tests hold it.

Owns: its socket, its start and its end, the control requests.
Must never know: what a case expects.
"""

from __future__ import annotations

import http.client
import os
import pickle
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from tests.conformance.world import Ledger
from tests.system.servers.hosted import CONTROL

ROOT = Path(__file__).parents[3]
STARTS_WITHIN = 60


class Process:
    """`python -m module ... descriptor`, a server on a port of loopback that is free. Close it.

    `binds`: the server binds by itself, so the socket that it is given only keeps the port.
    """

    def __init__(self, module: str, *arguments: str, binds: bool = False) -> None:
        self.name = " ".join([module, *arguments])
        self._socket = _reserved() if binds else socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 (closed with the process)
        descriptor = self._socket.fileno()
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments, str(descriptor)],
            cwd=ROOT,
            env={key: value for key, value in os.environ.items() if not key.startswith("JWTMW_")},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            pass_fds=[descriptor],
        )
        if not binds:
            # Only the server holds it now: nobody waits for one that has died.
            self._socket.close()

    def end(self) -> None:
        """Tell it to end; `close` waits for that."""
        self._process.terminate()

    def close(self) -> None:
        """End it, by force if it must be."""
        self.end()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._socket.close()
        self._log.close()

    def connect(self) -> socket.socket:
        """A new connection. A server that binds by itself may need a while."""
        until = monotonic() + STARTS_WITHIN
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self.port), timeout=30)
            except ConnectionRefusedError:
                assert self._process.poll() is None, f"{self.name} has ended\n{self.log()}"
                assert monotonic() < until, f"{self.name} does not listen\n{self.log()}"
                sleep(0.05)

    def log(self) -> str:
        """What it has written so far."""
        self._log.seek(0)
        return self._log.read()


class Player(Process):
    """A server of `hosted`, which plays what it is told."""

    def __init__(self, server: str, shared: Path) -> None:
        super().__init__("tests.system.servers.serve", server, str(shared), binds=server.startswith("granian"))
        self._in_play: object = None

    def play(self, stand: tuple[str, str, str] | None, fresh: bool, at: float) -> None:
        """Put this surface, policy and app into play, None for those that are; and turn its clock."""
        if fresh or at or (stand, at) != self._in_play:
            self._tell((stand, fresh, at))
        self._in_play = None if fresh or at else (stand, at)

    def inside(self) -> tuple[Ledger, dict[str, int]]:
        """What happened inside since then, and the reasons that the policy counted."""
        answer: tuple[Ledger, dict[str, int]] = self._tell(None)
        return answer

    def _tell(self, message: Any) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=STARTS_WITHIN)
        connection.sock = self.connect()
        try:
            connection.request("POST", CONTROL, pickle.dumps(message), {"Connection": "close"})
            answer = connection.getresponse()
            body = answer.read()
        except OSError as error:
            raise AssertionError(f"{self.name} does not answer\n{self.log()}") from error
        finally:
            connection.close()
        assert answer.status == 200, f"{self.name} answers {answer.status} to a control request\n{self.log()}"
        return pickle.loads(body)


def _reserved() -> socket.socket:
    """A port that is ours, and on which another socket of ours may listen."""
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    reserved.bind(("127.0.0.1", 0))
    return reserved
