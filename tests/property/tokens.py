"""The callers that are drawn by name: what they send, and what the oracle is to know of it.

Owns: the one issuer of all draws, its tokens, and the request of a draw as bytes.
Must never know: jwtmw: the tokens are made by hand.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tests.conformance.keys import Secret
from tests.conformance.schema import Header, Request, bearer
from tests.conformance.tokens import AUDIENCE, CORP, GARBAGE, NOW, token
from tests.property.model import Asked, PolicyDraw
from tests.property.oracle import Caller

KEY = Secret("shared", "HS256", b"kq9vX2mT7bZ1pLr8wYc4NhD6sJf3GaEo")
GOOD = token(KEY, scope="")
READS = token(KEY, scope="read")
WRITES = token(KEY, scope="read write")
EXPIRED = token(KEY, scope="read write", exp=NOW - 31)

SENT: dict[str, tuple[bytes, ...]] = {
    "none": (),
    "good": (GOOD,),
    "reads": (READS,),
    "writes": (WRITES,),
    "expired": (EXPIRED,),
    "garbage": (GARBAGE,),
    "two": (WRITES, READS),
}
CALLERS = {
    "none": Caller(),
    "good": Caller(1, frozenset()),
    "reads": Caller(1, frozenset({"read"})),
    "writes": Caller(1, frozenset({"read", "write"})),
    "expired": Caller(1),
    "garbage": Caller(1),
    "two": Caller(2),
}
PREFLIGHT: tuple[Header, ...] = ((b"origin", b"https://shop.example"), (b"access-control-request-method", b"GET"))


def caller_of(asked: Asked) -> Caller:
    """What the oracle is to know."""
    caller = CALLERS[asked.token]
    return Caller(caller.tokens, caller.scopes, asked.preflight)


def request_of(asked: Asked) -> Request:
    """The request as a server receives it."""
    headers = (*(bearer(each) for each in SENT[asked.token]), *(PREFLIGHT if asked.preflight else ()))
    return Request(asked.method, asked.target, headers, root_path=asked.root)


def configuration(drawn: PolicyDraw) -> dict[str, Any]:
    """The whole configuration of a drawn policy."""
    issuer = {"issuer": CORP, "audience": [AUDIENCE], "secret": KEY.private.decode(), "algorithms": ["HS256"]}
    rules = [{key: list(value) if type(value) is tuple else value for key, value in asdict(rule).items() if value}
             for rule in drawn.rules]  # fmt: skip
    return {"issuers": [issuer], "default": drawn.default, "rules": rules}
