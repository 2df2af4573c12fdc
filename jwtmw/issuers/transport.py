"""One request with httpcore2 (the engine of httpx2), every socket operation bounded by what is left of one deadline.

Owns: connecting, TLS, the proxy, reading and inflating within limits. Imported only when something is fetched.
Must never know: what the answer means. Nothing is read from the environment but the system's trust store.
"""

from __future__ import annotations

import socket
import ssl
import zlib
from collections.abc import Iterable
from contextlib import suppress
from time import monotonic
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import httpcore2

from jwtmw.issuers.fetch import MOST_BYTES, Answer, FetchFailed, HttpSettings


def send(
    method: str,
    url: str,
    headers: list[tuple[str, str]],
    content: bytes | None,
    settings: HttpSettings,
    deadline: float,
) -> Answer:
    """The answer to one request, of any status; redirects are not followed. Raises `FetchFailed`.

    `deadline` is an instant of `time.monotonic`.
    """
    backend = _DeadlineBackend(deadline)
    try:
        with (
            _pool(url, settings, backend) as pool,
            pool.stream(method, url, headers=headers, content=content) as response,
        ):
            return _read(response)
    except httpcore2.TimeoutException:
        reason = f"timed out after {settings.timeout:g} s"
    except httpcore2.ConnectError as error:
        # The text is this machine's own (the resolver's, the kernel's or OpenSSL's), never the other side's.
        reason = f"no connection: {error}"
    except httpcore2.ProxyError:
        reason = "the proxy refuses; check http.proxy, and what it lets through"
    except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
        reason = f"the connection failed: {type(error).__name__}"
    except OSError:
        reason = "the trust store cannot be read"
    raise FetchFailed(reason)


def _pool(url: str, settings: HttpSettings, backend: _DeadlineBackend) -> httpcore2.ConnectionPool:
    tls = urlsplit(url).scheme == "https"
    # Reading a trust store takes tens of milliseconds: not where TLS is not spoken.
    context = _context(settings) if tls else None
    # Plain HTTP is for loopback: through a proxy it would cross the network and end at another machine's loopback.
    if settings.proxy is None or not tls:
        return httpcore2.ConnectionPool(ssl_context=context, network_backend=backend)
    parts = urlsplit(settings.proxy)
    proxy_url = httpcore2.URL(scheme="http", host=parts.hostname or "", port=parts.port or 80, target="/")
    user, password = unquote_to_bytes(parts.username or ""), unquote_to_bytes(parts.password or "")
    auth = (user, password) if parts.username is not None else None
    return httpcore2.HTTPProxy(proxy_url, proxy_auth=auth, ssl_context=context, network_backend=backend)


def _context(settings: HttpSettings) -> ssl.SSLContext:
    if settings.ca_file is None:
        return httpcore2.default_ssl_context()
    return ssl.create_default_context(cafile=settings.ca_file)


def _read(response: httpcore2.Response) -> Answer:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
    body, encoding = b"", headers.get("content-encoding", "")
    if response.status == 200:
        body = _inflated(response.iter_stream(), encoding)
    elif response.status == 400:
        # RFC 6749 section 5.2 has a code of the error there; one that cannot be read says no more than the status.
        with suppress(FetchFailed):
            body = _inflated(response.iter_stream(), encoding)
    return Answer(response.status, headers, body)


def _inflated(chunks: Iterable[bytes], encoding: str) -> bytes:
    """The body, never more of it than the limit, neither as received nor as inflated."""
    octets = _limited(chunks)
    if encoding.lower() in {"", "identity"}:
        return octets
    if encoding.lower() not in {"gzip", "x-gzip"}:
        raise FetchFailed("a content encoding that was not asked for")
    inflated = _gunzipped(octets)
    if inflated is None:
        raise FetchFailed(f"not one gzip stream of at most {MOST_BYTES} bytes")
    return inflated


def _limited(chunks: Iterable[bytes]) -> bytes:
    octets = bytearray()
    for chunk in chunks:
        octets += chunk
        if len(octets) > MOST_BYTES:
            raise FetchFailed(f"more than {MOST_BYTES} bytes")
    return bytes(octets)


def _gunzipped(octets: bytes) -> bytes | None:
    inflater = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        inflated = inflater.decompress(octets, MOST_BYTES + 1)
    except zlib.error:
        return None
    whole = inflater.eof and not inflater.unused_data and len(inflated) <= MOST_BYTES
    return inflated if whole else None


class _DeadlineBackend(httpcore2.NetworkBackend):
    """Opens connections whose every operation gets what is left of the deadline, and none gets more."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 (only the deadline counts)
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Try each address of the host in turn; one that does not answer leaves time for the next."""
        addresses = _resolved(host, port)
        for tried, address in enumerate(addresses, start=1):
            share = _left(self._deadline) / (len(addresses) - tried + 1)
            try:
                stream = self._sockets.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                if tried == len(addresses):
                    raise
            else:
                return _DeadlineStream(stream, self._deadline)
        raise httpcore2.ConnectError("the host has no address")


def _resolved(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore2.ConnectError(str(error)) from None
    return list(dict.fromkeys(str(address[4][0]) for address in found))


def _left(deadline: float) -> float:
    """The seconds that are left. Raises where none are: a socket would take 0 for "do not wait"."""
    left = deadline - monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout
    return left


class _DeadlineStream(httpcore2.NetworkStream):
    """A stream that ignores the timeouts it is given: only the deadline counts."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        return self._stream.read(max_bytes, _left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        self._stream.write(buffer, _left(self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore2.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, _left(self._deadline))
        return _DeadlineStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
