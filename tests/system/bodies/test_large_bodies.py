"""A bound body of 50 MB, chunked, through real servers: refused by the bound, or judged and handed on whole.

What a request costs at most in memory is measured in the process that serves it: the peak of its resident memory.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from jwtmw.proof.body import body_hash
from jwtmw.testing import TestIssuer
from tests.system.bodies.serve import SURFACES
from tests.system.servers.process import Process

pytestmark = pytest.mark.system

MB = 1_000_000
PIECE = bytes(range(250)) * 400
BODY = PIECE * 500
assert len(BODY) == 50 * MB
LIMIT = MB
# Beside the body itself: what servers and interpreters keep for themselves.
SLACK = 12 * MB


class RealTime:
    """The clock of the processes."""

    @staticmethod
    def time() -> float:
        """Epoch seconds."""
        return time.time()


@pytest.fixture(scope="module")
def issuer() -> Iterator[TestIssuer]:
    with TestIssuer(audience=("orders",), clock=RealTime()) as issuer:
        yield issuer


def ask(server: Process, head: str, body: bytes = b"") -> tuple[int, bytes]:
    """Send a head and a chunked body, until the server answers; status and body of the answer."""
    with server.connect() as connection:
        connection.sendall(head.encode())
        with suppress(BrokenPipeError, ConnectionResetError):
            for begin in range(0, len(body), len(PIECE)):
                # Who has answered already reads no more.
                if select.select([connection], [], [], 0)[0]:
                    break
                piece = body[begin : begin + len(PIECE)]
                connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
            else:
                connection.sendall(b"0\r\n\r\n" if body else b"")
        return read(connection)


def read(connection: socket.socket) -> tuple[int, bytes]:
    received = b""
    with suppress(ConnectionResetError):
        while more := connection.recv(65_536):
            received += more
    head, _, body = received.partition(b"\r\n\r\n")
    assert head, "the server has not answered"
    return int(head.split(b" ")[1]), body


def upload(server: Process, token: str, body: bytes) -> tuple[int, bytes]:
    lines = (
        "Host: orders.example",
        f"Authorization: Bearer {token}",
        "Transfer-Encoding: chunked",
        "Connection: close",
    )
    return ask(server, "\r\n".join(["POST /upload HTTP/1.1", *lines, "", ""]), body)


def peak(server: Process) -> int:
    """In bytes, since the last time that it was asked."""
    status, body = ask(server, "GET /memory HTTP/1.1\r\nHost: orders.example\r\nConnection: close\r\n\r\n")
    assert status == 200
    return int(body.split()[-1] if b"\r\n" not in body else body.split(b"\r\n")[1]) * 1024


@pytest.fixture
def serve(issuer: TestIssuer) -> Iterator[Callable[[str, int], Process]]:
    """A server of this surface with this bound, warm: it has its keys, and has read a body before."""
    started: list[Process] = []

    def start(surface: str, limit: int) -> Process:
        server = Process("tests.system.bodies.serve", surface, issuer.jwks_url, issuer.issuer, str(limit))
        started.append(server)
        assert 200 == upload(server, issuer.token("alice", bdy=body_hash(b"small")), b"small")[0], server.log()
        peak(server)
        return server

    yield start
    for server in started:
        server.close()


@pytest.mark.parametrize("surface", SURFACES)
def test_a_larger_body_is_refused_and_costs_no_more_than_the_bound(
    serve: Callable[[str, int], Process],
    issuer: TestIssuer,
    surface: str,
    record_property: Callable[[str, object], None],
) -> None:
    """413, however much is sent, and the process grows by a few times the bound at most."""
    server = serve(surface, LIMIT)
    before = peak(server)
    status, _ = upload(server, issuer.token("alice", bdy=body_hash(BODY)), BODY)
    grown = peak(server) - before
    record_property("grown", grown)
    print(f"\n{surface}: 413 at {LIMIT / MB:.0f} MB, grown by {grown / MB:.1f} MB")
    assert 413 == status, server.log()
    assert grown < 4 * LIMIT + SLACK


@pytest.mark.parametrize("surface", SURFACES)
def test_a_large_body_within_the_bound_is_handed_on_whole(
    serve: Callable[[str, int], Process],
    issuer: TestIssuer,
    surface: str,
    record_property: Callable[[str, object], None],
) -> None:
    """The application reads every byte; the body is in memory twice and a bit, and never a third time."""
    server = serve(surface, 64 * MB)
    before = peak(server)
    token = issuer.token("alice", bdy=body_hash(BODY))
    status, body = upload(server, token, BODY)
    grown = peak(server) - before
    record_property("grown", grown)
    print(f"\n{surface}: 200, grown by {grown / MB:.1f} MB")
    assert 200 == status, server.log()
    assert f"{len(BODY)} {body_hash(BODY)}".encode() in body
    assert grown < 3 * len(BODY)
    # One byte more, at the very end, is another body.
    assert 401 == upload(server, token, BODY + b"x")[0], server.log()
