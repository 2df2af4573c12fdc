"""One token that was never seen: the engine's whole decision beside the shortest path to a verified signature.

Owns: the candidates. "Direct" checks nothing but the signature; jwtmw checks all that it always checks.
Must never know: how they are measured.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Awaitable, Callable
from itertools import cycle
from typing import Any

import jwt
from jwt.algorithms import get_default_algorithms

from benchmarks.measure import Run
from benchmarks.world import AUDIENCE, ISSUER, SECRET, issuer_table, signer_of, tokens_of
from jwtmw import Policy
from jwtmw.adapter import Allow, Request

NEW_TOKENS = 500


class Asked(Request):
    """A request with one header."""

    def __init__(self, value: bytes) -> None:
        super().__init__("GET", "/orders/1234", b"/orders/1234")
        self.value = value

    def header(self, name: bytes) -> bytes | None:
        """The token."""
        return self.value if name == b"authorization" else None


def candidates(algorithm: str) -> dict[str, Run]:
    """Direct first, then jwtmw, then PyJWT with the key at hand."""
    signer = signer_of(algorithm)
    tokens = tokens_of(signer, NEW_TOKENS)
    key: Any = SECRET.encode() if signer.symmetric else jwt.PyJWK(signer.public_jwk).key
    policy = Policy({"issuers": [issuer_table(signer)], "cache": {"size": 64}})
    return {
        f"{algorithm} direct": _run(_direct(algorithm, key), tokens),
        f"{algorithm} direct again (A/A control)": _run(_direct(algorithm, key), tokens),
        f"{algorithm} jwtmw": _run(_engine(policy), tokens),
        f"{algorithm} PyJWT": _run(_pyjwt(algorithm, key), tokens),
    }


def _direct(algorithm: str, key: Any) -> Callable[[str], bool]:
    verifier = get_default_algorithms()[algorithm]
    prepared = verifier.prepare_key(key)

    def direct(token: str) -> bool:
        signing_input, _, signature = token.encode().rpartition(b".")
        header, _, payload = signing_input.partition(b".")
        json.loads(urlsafe_b64decode(header + b"=="))
        json.loads(urlsafe_b64decode(payload + b"=="))
        return verifier.verify(signing_input, prepared, urlsafe_b64decode(signature + b"=="))

    return direct


def _engine(policy: Policy) -> Callable[[str], bool]:
    def decide(token: str) -> bool:
        return isinstance(policy.engine.decide_now(Asked(b"Bearer " + token.encode())), Allow)

    return decide


def _pyjwt(algorithm: str, key: Any) -> Callable[[str], bool]:
    def decode(token: str) -> bool:
        return bool(jwt.decode(token, key, [algorithm], audience=AUDIENCE, issuer=ISSUER))

    return decode


def _run(verify: Callable[[str], bool], tokens: list[str]) -> Run:
    turn = cycle(tokens)

    def run(repeat: int) -> Callable[[], Awaitable[None]]:
        asked = [next(turn) for _ in range(repeat)]

        async def job() -> None:
            for token in asked:
                if not verify(token):
                    raise AssertionError("a good token was refused")

        return job

    return run
