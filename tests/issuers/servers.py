"""Servers on loopback that answer one request as a test says: well, badly, slowly or not at all."""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


def response(body: bytes = b'{"keys": []}', status: str = "200 OK", **headers: str) -> bytes:
    """A whole response; header names are written with underscores."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass
class Server:
    """Where it listens, and the heads and bodies of the requests that it has seen."""

    port: int
    released: threading.Event
    requests: list[str] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)

    def url(self, path: str = "/jwks", scheme: str = "http", host: str = "127.0.0.1") -> str:
        """A URL that leads here."""
        return f"{scheme}://{host}:{self.port}{path}"


@contextmanager
def serving(
    answer: bytes | Callable[[socket.socket, Server], None], tls: ssl.SSLContext | None = None
) -> Iterator[Server]:
    """Answer every connection: with these octets, or by calling `answer` after the request's head was read."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(listener.getsockname()[1], threading.Event())

    def converse(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            stream = tls.wrap_socket(connection, server_side=True) if tls else connection
            with stream:
                head, body = _received(stream)
                server.requests.append(head)
                server.bodies.append(body)
                if isinstance(answer, bytes):
                    stream.sendall(answer)
                else:
                    answer(stream, server)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                thread = threading.Thread(target=converse, args=(connection,))
                threads.append(thread)
                thread.start()

    threads = [threading.Thread(target=accept)]
    threads[0].start()
    try:
        yield server
    finally:
        server.released.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in threads:
            thread.join(5)


def _received(stream: socket.socket) -> tuple[str, str]:
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = stream.recv(4096)
        if not chunk:
            break
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    # A body that nobody has read would turn the end of the connection into a reset.
    while length and len(body) < int(length[1]) and (chunk := stream.recv(4096)):
        body += chunk
    return head.decode("latin-1") + "\r\n\r\n", body.decode("latin-1")


def drip(*pieces: bytes, first: bytes = b"") -> Callable[[socket.socket, Server], None]:
    """Send `first`, then one piece after the other with a short pause before each."""

    def answer(stream: socket.socket, server: Server) -> None:
        stream.sendall(first)
        for piece in pieces:
            if server.released.wait(0.05):
                return
            stream.sendall(piece)

    return answer


def hang(stream: socket.socket, server: Server) -> None:
    """Say nothing until the test is over."""
    server.released.wait(10)


def reset(after: bytes) -> Callable[[socket.socket, Server], None]:
    """Send this much, then reset the connection."""

    def answer(stream: socket.socket, server: Server) -> None:
        stream.sendall(after)
        # RST instead of FIN: linger for no time.
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")

    return answer


@dataclass
class Authority:
    """A private certificate authority, its own certificate in a file, and a server's context signed by it."""

    ca_file: Path
    context: ssl.SSLContext


def authority(directory: Path, address: str = "127.0.0.1") -> Authority:
    """An authority made on the spot, and a server's certificate for this address."""
    ca_key, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = _name("test authority")
    ca = _certificate(ca_name, ca_name, ca_key.public_key())
    ca = ca.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    ca = ca.add_extension(_usage(signs_certificates=True), critical=True)
    server = _certificate(_name("test server"), ca_name, server_key.public_key())
    server = server.add_extension(
        x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False
    )
    server = server.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
    )
    ca = ca.add_extension(x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), critical=False)
    ca_file, server_file = directory / "ca.pem", directory / "server.pem"
    ca_file.write_bytes(ca.sign(ca_key, hashes.SHA256()).public_bytes(Encoding.PEM))
    server_file.write_bytes(
        server.sign(ca_key, hashes.SHA256()).public_bytes(Encoding.PEM)
        + server_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server_file)
    return Authority(ca_file, context)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )


def _usage(signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
