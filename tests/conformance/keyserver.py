"""An issuer's server on loopback that behaves as its path says: well, badly, or well only at first.

Owns: the socket, the behaviours, and how often each stand asked.
Must never know: jwtmw.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

from cryptography.hazmat.primitives.asymmetric import rsa

from tests.conformance.introspected import ANSWERS, INACTIVE
from tests.conformance.keys import EC256, RSA, RSA_NEXT, RSA_PARTNER, SECRET_TEXT, SigningKey, number
from tests.conformance.policies import CORP_KEYS

Reply = tuple[int, dict[str, str], bytes]
WEAK = SigningKey("key-of-1024-bits", "RS256", rsa.generate_private_key(public_exponent=65537, key_size=1024))
PRIVATE = RSA.jwk(d=number(RSA.private.private_numbers().d))


def keys(*jwks: dict[str, Any]) -> Reply:
    return 200, {"Content-Type": "application/json"}, json.dumps({"keys": list(jwks)}).encode()


def raw(body: bytes, content_type: str = "application/json", status: int = 200, **headers: str) -> Reply:
    return status, {"Content-Type": content_type, **headers}, body


DOWN = raw(b"down for maintenance", "text/plain", 503, **{"Retry-After": "30"})
FLOOD = [RSA.jwk(kid=f"k{i}") for i in range(65)]
# path: what is answered to the first, the second ... and every later request
REPLIES: dict[str, list[Reply]] = {
    "good": [keys(*CORP_KEYS)],
    "down": [DOWN],
    "empty": [keys()],
    "html": [raw(b"<!doctype html><title>Sign in</title>", "text/html")],
    "redirect": [raw(b"", status=302, Location="good")],
    "unauthorized": [raw(b"{}", status=401)],
    "missing": [raw(b"{}", status=404)],
    "not-utf-8": [raw(keys(*CORP_KEYS)[2].replace(b"corp", b"\xff"))],
    "list": [raw(json.dumps(CORP_KEYS).encode())],
    "null": [raw(b"null")],
    "duplicate-members": [raw(b'{"keys":[],' + keys(*CORP_KEYS)[2][1:])],
    "symmetric": [keys({"kty": "oct", "kid": RSA.kid, "k": SECRET_TEXT.replace("=", "").replace("+", "-")})],
    "private": [keys(PRIVATE)],
    "weak": [keys(WEAK.jwk(kid=RSA.kid))],
    "encryption-only": [keys(RSA.jwk(use="enc"), RSA_NEXT.jwk(key_ops=["encrypt"]))],
    "flood": [keys(*FLOOD)],
    "huge": [raw(keys(*CORP_KEYS)[2] + b" " * 600_000)],
    "mixed": [keys({"kty": "RSA"}, {"kty": "?"}, RSA_NEXT.jwk(use="enc"), WEAK.jwk(), RSA.jwk(), EC256.jwk())],
    "twins": [keys(RSA.jwk(kid="twin"), RSA_PARTNER.jwk(kid="twin"), EC256.jwk(kid="twin"), RSA_NEXT.jwk())],
    "once": [keys(*CORP_KEYS), raw(b"", status=500)],
    "rotate": [keys(RSA.jwk()), keys(RSA_NEXT.jwk())],
    "late": [DOWN, keys(*CORP_KEYS)],
}


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Answer as the path says: /<stand>/<behaviour>."""
        _, stand, behaviour = self.path.split("/")
        hits = self.server.hits  # type: ignore[attr-defined]
        hits[stand] += 1
        replies = REPLIES[behaviour]
        self._reply(*replies[min(hits[stand], len(replies)) - 1])

    def do_POST(self) -> None:
        """Say of the token what the table says: /<stand>/introspect; any other path behaves as it does for key sets."""
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        stand, behaviour = self.path.split("/")[1:]
        if behaviour != "introspect":
            self.do_GET()
            return
        hits = self.server.hits  # type: ignore[attr-defined]
        hits[stand] += 1
        answers = ANSWERS.get(form["token"][0], [INACTIVE])
        self._reply(*raw(answers[min(hits[stand], len(answers)) - 1]))

    def _reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the standard library's name)
        """Nothing: what is asked is counted."""


class KeyServer:
    """Started with the first address that is asked for."""

    def __init__(self) -> None:
        self._server: ThreadingHTTPServer | None = None
        self._hits: Counter[str] = Counter()
        self._stands = 0

    def address(self) -> tuple[str, Callable[[], int]]:
        """An address for one stand, and how often it was asked so far."""
        if self._server is None:
            self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
            self._server.hits = self._hits  # type: ignore[attr-defined]
            Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self._stands += 1
        stand = f"s{self._stands}"
        return f"http://127.0.0.1:{self._server.server_port}/{stand}", lambda: self._hits[stand]

    def close(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
