"""What `jwtmw demo` asks the orders service, over real HTTP.

Owns: the requests, and what must come of each.
Must never know: how anything is decided, processes, how results are shown.
"""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass
from email.message import Message
from typing import NamedTuple
from urllib.parse import urlsplit

from jwtmw.decision import Reason
from jwtmw.testing import TestIssuer

READER = "orders:read"
WRITER = "orders:read orders:write"
# What callers may rely on, whatever a service is written in.
SHARED = ("WWW-Authenticate", "Content-Type", "Content-Length", "Cache-Control", "Retry-After")


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, and what must come of it.

    line    method and path, as they are sent
    sent    what is sent with it, in words
    why     why it is let in; or the reason that the service's log must give for refusing it
    status  of the answer
    open    the status in non-secure mode, where nothing is refused
    """

    line: str
    sent: str
    why: str | Reason
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    open: int = 200


class Sent(NamedTuple):
    """What came back."""

    status: int
    headers: Message
    body: bytes


class Answer(NamedTuple):
    """Status, the `code` of a refusal, and what else a refusal has on every surface."""

    status: int
    code: str = ""
    refusal: tuple[str | None, ...] = ()


def asks(issuer: TestIssuer) -> list[Ask]:
    """The requests, with tokens of this issuer."""
    reader, writer = issuer.token("reader", READER), issuer.token("writer", WRITER)
    admin = issuer.token("admin", WRITER, roles=["admin"])
    header, _, signature = reader.split(".")
    tampered = f"{header}.{writer.split('.')[1]}.{signature}"
    hour_ago = int(time.time()) - 3600
    expired = issuer.token("reader", READER, iat=hour_ago - 3600, exp=hour_ago)
    elsewhere = issuer.token("reader", READER, aud="billing")
    unsigned = issuer.token("reader", READER, header={"alg": "none"})
    stranger = TestIssuer("https://elsewhere.example", clock=time).token("reader", READER)
    preflight = (("Origin", "https://shop.example"), ("Access-Control-Request-Method", "GET"))
    tea = b"tea"
    return [
        Ask("GET /health", "no token", "@public: no token is read", 200),
        Ask("GET /catalogue", "no token", "@optional: a token may be absent", 200),
        Ask("GET /catalogue", "an expired token", Reason.EXPIRED, 401, bearer(expired)),
        Ask("GET /orders", "no token", Reason.TOKEN_MISSING, 401),
        Ask("GET /orders", "a reader's token", "it has the scope orders:read", 200, bearer(reader)),
        Ask("POST /orders", "a reader's token", Reason.SCOPE_MISSING, 403, bearer(reader), tea, open=201),
        Ask("POST /orders", "a writer's token", "it has the scope orders:write", 201, bearer(writer), tea, open=201),
        Ask("DELETE /orders/1", "a writer's token", Reason.ROLE_MISSING, 403, bearer(writer)),
        Ask("DELETE /orders/1", "an admin's token", "it has the role admin", 200, bearer(admin)),
        Ask("GET /orders", "a token for another audience", Reason.AUDIENCE_MISMATCH, 401, bearer(elsewhere)),
        Ask("GET /orders", "an expired token", Reason.EXPIRED, 401, bearer(expired)),
        Ask("GET /orders", "a stranger's token", Reason.ISSUER_UNKNOWN, 401, bearer(stranger)),
        Ask("POST /orders", "a tampered token", Reason.SIGNATURE_INVALID, 401, bearer(tampered), tea, open=201),
        Ask("GET /orders", "a token of alg none", Reason.ALGORITHM_REFUSED, 401, bearer(unsigned)),
        Ask("GET /orders", "two tokens", Reason.CREDENTIALS_REPEATED, 400, bearer(reader) * 2),
        Ask("GET /orders", "what is no token", Reason.CREDENTIALS_MALFORMED, 400, bearer("let me in")),
        Ask("GET /orders%2f1", "a reader's token", Reason.PATH_AMBIGUOUS, 400, bearer(reader)),
        Ask("GET /nowhere", "no token", Reason.TOKEN_MISSING, 401, open=404),
        Ask("GET /nowhere", "a reader's token", "it is good; there is nothing here", 404, bearer(reader), open=404),
        Ask("OPTIONS /orders", "a browser's preflight", "browsers send it without a token", 200, preflight),
    ]


def exchange(url: str, ask: Ask) -> Sent:
    """Send the request exactly as it stands, on a connection of its own, and read what comes back."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        method, target = ask.line.split(" ")
        connection.putrequest(method, target)
        for name, value in (*ask.headers, ("Content-Length", str(len(ask.body)))):
            connection.putheader(name, value)
        connection.endheaders(ask.body)
        response = connection.getresponse()
        return Sent(response.status, response.headers, response.read())
    finally:
        connection.close()


def send(url: str, ask: Ask) -> Answer:
    """The same, and of what comes back what a caller may rely on."""
    sent = exchange(url, ask)
    if sent.headers.get_content_type() != "application/problem+json":
        return Answer(sent.status)
    shared = tuple(sent.headers.get(name) for name in SHARED)
    return Answer(sent.status, json.loads(sent.body)["code"] if sent.body else "", (*shared, sent.body.decode()))


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    """The header that carries the token."""
    return (("Authorization", f"Bearer {token}"),)
