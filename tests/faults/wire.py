"""Answers, byte for byte: what a key server can do wrong between the socket and the body.

Owns: the ways to answer.
Must never know: what becomes of it.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from tests.faults import bodies
from tests.faults.keyserver import METADATA, Answer, Call
from tests.faults.world import http

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ELSEWHERE = "/elsewhere"


def octets(answer: bytes) -> Answer:
    """These bytes, then the end."""
    return lambda call: call.send(answer)


def body(content: bytes, *headers: str, length: int | None = None) -> Answer:
    """A success with this body."""
    return octets(http(content, "200 OK", *headers, length=length))


def head(content: bytes) -> bytes:
    """Only the head of a success with this body."""
    return http(content).removesuffix(content)


def keys(*jwks: Any) -> Answer:
    """A key set of these."""
    return body(json.dumps({"keys": jwks}).encode())


def gzipped(content: bytes) -> Answer:
    """What calls itself gzip."""
    return body(content, "Content-Encoding: gzip")


good = body(bodies.KNOWN_ONLY)
good_both = body(bodies.GOOD)


def status(code: int, *headers: str) -> Answer:
    """This status; its body holds good keys, but for those statuses that have none."""
    return octets(http(b"" if code in {204, 304} else bodies.GOOD, f"{code} Whatever", *headers))


def next_year(call: Call) -> None:
    """503 with Retry-After as a date."""
    date = format_datetime(datetime.now(UTC) + timedelta(days=365), usegmt=True)
    call.send(http(bodies.GOOD, "503 Unavailable", f"Retry-After: {date}"))


def redirect(code: int, path: str = ELSEWHERE) -> Answer:
    """Away to good keys on the same server, which are served to whoever comes."""

    def answer(call: Call) -> None:
        call.stand.answers.setdefault(ELSEWHERE, good_both)
        call.send(http(b"", f"{code} Elsewhere", f"Location: {call.stand.url(path)}"))

    return answer


def hang(first: bytes = b"") -> Answer:
    """Send this much, then nothing until the stand is mended."""

    def answer(call: Call) -> None:
        call.send(first)
        call.wait(60)

    return answer


def drip(content: bytes, first: bytes = b"") -> Answer:
    """A byte every 20 ms: never quiet for long, never done in time."""
    return _dripping([bytes([octet]) for octet in content], first)


def drip_pieces(piece: bytes, first: bytes = b"") -> Answer:
    """The same piece again and again."""
    return _dripping([piece] * 3000, first)


def _dripping(pieces: list[bytes], first: bytes) -> Answer:
    def answer(call: Call) -> None:
        call.send(first)
        for piece in pieces:
            call.send(piece)
            if call.wait(0.02):
                return

    return answer


def reset(content: bytes) -> Answer:
    """Send this much, then end the connection with RST."""

    def answer(call: Call) -> None:
        call.send(content)
        # So that what was sent is read before the RST takes it away.
        call.wait(0.05)
        call.reset()

    return answer


def unchanged(call: Call) -> None:
    """304 to whoever asks by an ETag, else the keys with one."""
    if call.conditional:
        call.send(http(b"", "304 Not Modified", f"ETag: {call.conditional}"))
    else:
        call.send(http(bodies.KNOWN_ONLY, "200 OK", 'ETag: "v1"'))


def metadata(**members: Any) -> Answer:
    """The metadata with these members over the good ones; {issuer} stands for the issuer, None leaves one out."""

    def answer(call: Call) -> None:
        call.send(http(json.dumps(_metadata(call, members)).encode()))

    return answer


def _metadata(call: Call, members: dict[str, Any]) -> dict[str, Any]:
    issuer = call.stand.url("")
    text = json.dumps(members).replace("{issuer}", issuer).replace("{ISSUER}", issuer.upper())
    every = {"issuer": issuer, "jwks_uri": call.stand.url(), **json.loads(text)}
    return {name: value for name, value in every.items() if value is not None}


def two_issuers(call: Call) -> None:
    """One JSON text, two issuers: the first is another's."""
    good = json.dumps(_metadata(call, {}))
    call.send(http(b'{"issuer": "https://other.example", ' + good[1:].encode()))


def late_metadata(call: Call) -> None:
    """Good metadata, late enough that less than the whole time is left for the keys."""
    assert call.path == METADATA
    call.wait(0.3)
    call.send(http(json.dumps(_metadata(call, {})).encode()))
