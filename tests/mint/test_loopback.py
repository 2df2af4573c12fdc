"""The loopback server: where it binds, what it passes on, how it ends."""

from __future__ import annotations

import http.client
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping

import pytest

from jwtmw.endpoints.endpoint import Response
from jwtmw.mint.loopback import MAX_BODY, LoopbackServer, loopback_address


def echo(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
    return Response(200, {"X-Method": method, "X-Path": path, "X-Probe": headers.get("x-probe", "")}, body)


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer(echo) as server:
        yield server


def exchange(server: LoopbackServer, raw: bytes) -> bytes:
    port = int(server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(raw)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_requests_reach_the_function_and_answers_come_back(server: LoopbackServer) -> None:
    """Method, path without query, headers in lower case and body go in; status, headers and body come out."""
    request = urllib.request.Request(server.url + "/a/b?c=d", data=b"body", headers={"X-Probe": "1"})
    with urllib.request.urlopen(request, timeout=10) as response:
        assert ("POST", "/a/b", "1") == tuple(response.headers[name] for name in ("X-Method", "X-Path", "X-Probe"))
        assert b"body" == response.read()


@pytest.mark.parametrize(
    ("length", "status"),
    [
        pytest.param(str(MAX_BODY + 1), b" 413 ", id="too-large"),
        pytest.param("-1", b" 400 ", id="negative"),
        pytest.param("²", b" 400 ", id="digit-of-another-script"),
    ],
)
def test_bodies_have_a_known_and_bounded_length(server: LoopbackServer, length: str, status: bytes) -> None:
    """A body is read up to 64 KiB, and only where its length is a number."""
    raw = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode("latin-1")
    assert status in exchange(server, raw).partition(b"\r\n")[0]


def test_other_methods_are_not_implemented(server: LoopbackServer) -> None:
    """What no endpoint knows is answered with 501."""
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(urllib.request.Request(server.url, method="DELETE"), timeout=10)
    with caught.value:
        assert 501 == caught.value.code


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_hosts_are_loopback(host: str) -> None:
    """Loopback addresses of both families pass, and the name localhost, which is not looked up."""
    assert loopback_address(host).is_loopback


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "example.com", "", "127.0.0.1.example"])
def test_other_hosts_are_refused(host: str) -> None:
    """A development issuer cannot be reached from another machine."""
    with pytest.raises(ValueError, match="only a loopback address"):
        LoopbackServer(echo, host=host)


def test_ipv6_is_served_and_written_in_brackets() -> None:
    """On ::1 the URL has the brackets of RFC 3986."""
    with LoopbackServer(echo, host="::1") as server:
        assert server.url.startswith("http://[::1]:")
        with urllib.request.urlopen(server.url + "/six", timeout=10) as response:
            assert "/six" == response.headers["X-Path"]


def test_close_gives_the_port_back_and_may_be_repeated() -> None:
    """After close nobody listens, wait() returns, and the port can be taken again."""
    server = LoopbackServer(echo)
    port = int(server.url.rpartition(":")[2])
    server.close()
    server.close()
    server.wait()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=10)
    LoopbackServer(echo, port=port).close()


def test_a_caller_that_hangs_up_is_not_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    """A connection that breaks in the middle of an answer leaves no trace on the terminal."""
    handled = threading.Event()

    def hang_up(*_: object) -> Response:
        handled.set()
        raise BrokenPipeError

    with LoopbackServer(hang_up) as server:
        with pytest.raises(http.client.RemoteDisconnected):
            urllib.request.urlopen(server.url, timeout=10)
        assert handled.is_set()
    assert ("", "") == capsys.readouterr()


def test_a_bug_in_the_function_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Any other exception is printed with its traceback; the caller gets no answer."""

    def fail(*_: object) -> Response:
        raise LookupError("a bug")

    with LoopbackServer(fail) as server, pytest.raises(http.client.RemoteDisconnected):
        urllib.request.urlopen(server.url, timeout=10)
    assert "LookupError: a bug" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET http://[ HTTP/1.1\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: " + b"1" * 5000 + b"\r\n\r\n", b"413"),
    ],
)
def test_what_cannot_be_read_is_refused(
    server: LoopbackServer, capsys: pytest.CaptureFixture[str], request_: bytes, status: bytes
) -> None:
    """A target that is no URL and a length that is no number to Python are the caller's errors, and no traceback."""
    assert status == exchange(server, request_).split()[1]
    assert ("", "") == capsys.readouterr()
