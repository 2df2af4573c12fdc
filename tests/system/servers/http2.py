"""Requests over HTTP/2 with prior knowledge, header by header as a case has them.

Owns: the frames of one request and its answer.
Must never know: jwtmw, what a case expects.
"""

from __future__ import annotations

import socket

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, DataReceived, ResponseReceived, StreamEnded, StreamReset

from tests.conformance.schema import Answer, Header, Request

_AS_IT_IS = H2Configuration(
    client_side=True, header_encoding=None, validate_outbound_headers=False, normalize_outbound_headers=False
)


def ask(connection: socket.socket, request: Request) -> Answer:
    """Send the request as the connection's only one, and read the answer to its end."""
    http2 = H2Connection(_AS_IT_IS)
    http2.initiate_connection()
    http2.send_headers(1, fields(request), end_stream=not request.body)
    *before, last = request.pieces
    for piece in before:
        http2.send_data(1, piece)
    if request.body:
        http2.send_data(1, last, end_stream=True)
    connection.sendall(http2.data_to_send())
    answer = Answer(0, [], b"")
    while received := connection.recv(65536):
        for event in http2.receive_data(received):
            if isinstance(event, ResponseReceived):
                answer.headers = [(bytes(name), bytes(value)) for name, value in event.headers or ()]
                answer.status = int(answer.headers.pop(0)[1])
            elif isinstance(event, DataReceived):
                answer.body += event.data or b""
                http2.acknowledge_received_data(event.flow_controlled_length or 0, 1)
            elif isinstance(event, StreamEnded):
                return answer
            else:
                assert not isinstance(event, StreamReset | ConnectionTerminated), f"the server ends it: {event}"
        connection.sendall(http2.data_to_send())
    raise AssertionError("the connection ended in the middle of an answer")


def fields(request: Request) -> list[Header]:
    """The header list: names in lower case, the host as the authority (RFC 9113 sections 8.2.1 and 8.3.1)."""
    headers = [(name.lower(), value) for name, value in request.headers]
    host = [value for name, value in headers if name == b"host"] or [b"orders.example"]
    pseudo = [(b":method", request.method.encode()), (b":scheme", b"http"), (b":authority", host[0])]
    length = [] if request.length is None else [(b"content-length", str(request.length).encode())]
    return [*pseudo, (b":path", request.target), *(pair for pair in headers if pair[0] != b"host"), *length]
