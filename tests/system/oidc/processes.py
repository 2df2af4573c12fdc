"""The processes of these tests: an OpenID provider under Node, and a service under a server of its own.

Owns: what is started, and that it ends, by its own process id.
Must never know: what a test expects.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx2
import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
READ, WRITE = "orders:read", "orders:write"
SERVERS = {
    "uvicorn": ("uvicorn", "--port={}", "--no-access-log"),
    "hypercorn-trio": ("hypercorn", "--bind=127.0.0.1:{}", "--worker-class=trio", "--workers=0"),
}
STARTS_WITHIN = 30
APP = "tests.system.oidc.service:app"
NODE_IS_NEEDED = "is not on PATH. The system tests run a real OpenID provider: install Node.js 20 or later, and npm"


def tool(*names: str, needed: str) -> str:
    """The first of these programs that is there; none is a failure, never a skip."""
    for name in names:
        if path := shutil.which(name):
            return path
    pytest.fail(f"{names[0]} {needed}", pytrace=False)


def install_packages() -> None:
    """`npm ci`, once for each state of the lock file."""
    node, npm = tool("node", needed=NODE_IS_NEEDED), tool("npm", needed=NODE_IS_NEEDED)
    lock = (HERE / "package-lock.json").read_text()
    stamp = HERE / "node_modules" / ".installed"
    if stamp.is_file() and stamp.read_text() == lock:
        return
    environ = {**os.environ, "PATH": os.pathsep.join([str(Path(node).parent), os.environ.get("PATH", "")])}
    done = subprocess.run([npm, "ci"], cwd=HERE, env=environ, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        pytest.fail(f"npm ci failed with {done.returncode}:\n{done.stdout}{done.stderr}", pytrace=False)
    stamp.write_text(lock)


def end(process: subprocess.Popen[str]) -> None:
    """End the process, and be sure of it."""
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)
        process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            # What the end of the process left unread on our side does not matter.
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


def _free_port() -> int:
    """A port below those that outgoing connections are given, so that none of them takes it in between."""
    for port in random.sample(range(20_000, 30_000), 50):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    pytest.fail("no free port between 20000 and 30000", pytrace=False)


@dataclass(frozen=True)
class Published:
    """What the provider tells of itself after each command."""

    port: int
    signing: frozenset[str]
    published: frozenset[str]
    fetches: int


class Provider:
    """npm's oidc-provider on a port of loopback that stays the same when it is stopped and started again."""

    def __init__(self, folder: Path, max_age: int | None = None, service_key: Mapping[str, str] | None = None) -> None:
        self._service_key = service_key
        self._log = folder / "provider.log"
        self._keys = folder / "provider.json"
        self._max_age = max_age
        self._process: subprocess.Popen[str] | None = None
        self._port = 0

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> Published:
        """Start it and wait until it listens: new keys sign; started again, the keys of before are published too."""
        command = [tool("node", needed=NODE_IS_NEEDED), "server.mjs", str(self._port), str(self._keys)]
        command.append("" if self._max_age is None else str(self._max_age))
        if self._service_key is not None:
            command.append(json.dumps(self._service_key))
        # Seen once: Node came up, locked itself up and said nothing. server.mjs avoids it; a second one starts as ever.
        told = self._started(command) or self._started(command)
        if told is None:
            pytest.fail(f"the provider said nothing:\n{self._log.read_text()}", pytrace=False)
        self._port = told.port
        return told

    def _started(self, command: list[str]) -> Published | None:
        """What it tells once it listens; None where it does not, and then it has ended."""
        with self._log.open("a") as log:
            process = subprocess.Popen(
                command, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )
        self._process = process
        told = self._told()
        if told is None:
            state = "is still running" if process.poll() is None else f"has ended with {process.returncode}"
            self.stop()
            with self._log.open("a") as log:
                log.write(f"the process {state}\n")
        return told

    def stop(self) -> None:
        """Nothing listens any more."""
        if self._process is not None:
            end(self._process)
            self._process = None

    def freeze(self) -> None:
        """Connections are accepted, by the kernel, and nothing is ever answered."""
        self._running.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._running.send_signal(signal.SIGCONT)

    def publish(self) -> Published:
        """New keys stand in the key set, the old ones sign."""
        return self._do("publish")

    def use(self) -> Published:
        """The new keys sign."""
        return self._do("use")

    def retire(self) -> Published:
        """The old keys are gone."""
        return self._do("retire")

    def show(self) -> Published:
        return self._do("show")

    def tokens(self, count: int = 1, scope: str = READ, audience: str = "orders") -> dict[str, list[str]]:
        """`count` new access tokens of each algorithm."""
        with httpx2.Client(trust_env=False, timeout=10) as http:
            return {
                algorithm: [self._token(http, algorithm, scope, audience) for _ in range(count)]
                for algorithm in ALGORITHMS
            }

    def opaque(self, scope: str = READ, audience: str = "orders") -> str:
        """A new opaque access token."""
        with httpx2.Client(trust_env=False, timeout=10) as http:
            return self._token(http, "opaque", scope, audience)

    def revoke(self, token: str) -> None:
        """The token is good no more (RFC 7009)."""
        answer = httpx2.post(
            f"{self.issuer}/token/revocation",
            data={"token": token},
            auth=("shop", "the secret of the shop"),
            trust_env=False,
        )
        assert 200 == answer.status_code, answer.text

    def _token(self, http: httpx2.Client, algorithm: str, scope: str, audience: str) -> str:
        resource = f"https://{audience}.example/{algorithm}"
        form = {"grant_type": "client_credentials", "scope": scope, "resource": resource}
        answer = http.post(f"{self.issuer}/token", data=form, auth=("shop", "the secret of the shop"))
        assert 200 == answer.status_code, answer.text
        token = answer.json()["access_token"]
        assert isinstance(token, str)
        return token

    @property
    def _running(self) -> subprocess.Popen[str]:
        assert self._process is not None, "the provider is not running"
        return self._process

    def _do(self, step: str) -> Published:
        stdin = self._running.stdin
        assert stdin is not None
        stdin.write(json.dumps({"do": step}) + "\n")
        stdin.flush()
        told = self._told()
        if told is None:
            pytest.fail(f"the provider said nothing:\n{self._log.read_text()}", pytrace=False)
        return told

    def _told(self) -> Published | None:
        stdout = self._running.stdout
        assert stdout is not None
        readable, _, _ = select.select([stdout], [], [], STARTS_WITHIN)
        line = stdout.readline() if readable else ""
        if not line:
            return None
        told = json.loads(line)
        return Published(told["port"], frozenset(told["signing"]), frozenset(told["published"]), told["fetches"])


class Answer:
    """One answer of the service, and how long it took in seconds."""

    def __init__(self, answer: httpx2.Response, seconds: float) -> None:
        self.status = answer.status_code
        self.headers = answer.headers
        self.json: Any = answer.json()
        self.seconds = seconds


class Service:
    """The service in a process of its own, with nothing of ours in its environment but what `environ` says."""

    def __init__(self, server: str, environ: Mapping[str, str], folder: Path, app: str = APP) -> None:
        self.server = server
        self._log = folder / f"{server}.log"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("JWTMW_")}
        port = _free_port()
        self.address = f"http://127.0.0.1:{port}"
        module, *options = (part.format(port) for part in SERVERS[server])
        command = [sys.executable, "-m", module, *options, app]
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env={**clean, **environ}, stdout=log, stderr=log, text=True
            )

    def wait(self) -> None:
        """Wait until a public route answers."""
        deadline = monotonic() + STARTS_WITHIN
        while monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(httpx2.TransportError):
                if self.ask("/health", timeout=deadline - monotonic()).status == 200:
                    return
            sleep(0.1)
        pytest.fail(f"{self.server} does not answer:\n{self.log}", pytrace=False)

    @property
    def log(self) -> str:
        return self._log.read_text()

    def ask(self, path: str, token: str | None = None, method: str = "GET", timeout: float = 15) -> Answer:
        """One request on a connection of its own."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        with httpx2.Client(trust_env=False, timeout=timeout) as http:
            start = monotonic()
            answer = http.request(method, self.address + path, headers=headers)
            return Answer(answer, monotonic() - start)

    def close(self) -> None:
        end(self._process)


@contextlib.contextmanager
def provider(
    folder: Path, max_age: int | None = None, service_key: Mapping[str, str] | None = None
) -> Iterator[Provider]:
    """A running provider."""
    provider = Provider(folder, max_age, service_key)
    provider.start()
    try:
        yield provider
    finally:
        provider.stop()


@contextlib.contextmanager
def service(server: str, environ: Mapping[str, str], folder: Path, app: str = APP) -> Iterator[Service]:
    """A service that answers, started anew: it knows no keys yet."""
    service = Service(server, environ, folder, app)
    try:
        service.wait()
        yield service
    finally:
        service.close()
