"""Bodies of answers: good key sets, and everything that looks like one.

Owns: the bytes.
Must never know: how they are sent.
"""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from jwtmw.mint.signer import Signer
from tests.faults.world import KNOWN, NEW

GOOD_JWK: dict[str, Any] = dict(KNOWN.public_jwk)
NEW_JWK: dict[str, Any] = dict(NEW.public_jwk)
REUSED = Signer("ES256", kid=KNOWN.kid).public_jwk
FLOOD = [{**NEW_JWK, "kid": f"k{number}"} for number in range(64)] + [GOOD_JWK]

KNOWN_ONLY = json.dumps({"keys": [GOOD_JWK]}).encode()
# If it were believed, both keys would serve.
GOOD = json.dumps({"keys": [GOOD_JWK, NEW_JWK]}).encode()
GOOD_HTTP = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(GOOD), GOOD)
ZIPPED = gzip.compress(GOOD)
DEFLATED = zlib.compress(GOOD)
BOMB = gzip.compress(GOOD + b" " * 50_000_000)

_TEXT = GOOD.decode()
NOT_JSON = {
    "HTML": b"<!doctype html><title>Sign in</title>" + GOOD,
    "empty": b"",
    "blank": b" \r\n",
    "truncated JSON": GOOD[:-2],
    "two documents": GOOD + GOOD,
    "garbage behind": GOOD + b"\x00",
    "a comment": b"// keys\n" + GOOD,
    "single quotes": _TEXT.replace('"', "'").encode(),
    "a byte order mark": b"\xef\xbb\xbf" + GOOD,
    "UTF-16": _TEXT.encode("utf-16"),
    "UTF-32": _TEXT.encode("utf-32"),
    "Latin-1": _TEXT.replace("known", "knówn").encode("latin-1"),
    "overlong UTF-8": GOOD.replace(b"known", b"kn\xc0\xafwn"),
    "a lone surrogate": GOOD[:-1] + b', "x": "\\ud800"}',
    "keys twice": b'{"keys": [], ' + GOOD[1:],
    "a member of a key twice": GOOD.replace(b'"kty"', b'"kty": "oct", "kty"', 1),
    "NaN": GOOD[:-1] + b', "x": NaN}',
    "a number beyond all numbers": GOOD[:-1] + b', "x": 1e999}',
    "depth without end": b"[" * 200_000,
}
NO_SET = {
    "null": b"null",
    "a text": json.dumps(_TEXT).encode(),
    "a list": json.dumps([GOOD_JWK, NEW_JWK]).encode(),
    "an object without keys": b"{}",
    "keys in an object": json.dumps({"keys": {"known": GOOD_JWK, "new": NEW_JWK}}).encode(),
    "keys null": b'{"keys": null}',
    "Keys in capitals": json.dumps({"KEYS": [GOOD_JWK, NEW_JWK]}).encode(),
    "an error": b'{"error": "server_error"}',
}


def _rsa(bits: int) -> dict[str, Any]:
    key = rsa.generate_private_key(65537, bits).public_key()
    return RSAAlgorithm.to_jwk(key, as_dict=True) | {"kid": "new"}


def _secp256k1() -> dict[str, Any]:
    key = ec.generate_private_key(ec.SECP256K1()).public_key()
    return ECAlgorithm.to_jwk(key, as_dict=True) | {"kid": "new"}


_PRIVATE_KEY: Any = NEW._private_key()
_PRIVATE = ECAlgorithm.to_jwk(_PRIVATE_KEY, as_dict=True) | {"kid": "new"}
# Each would be the new key, if it could be used.
UNUSABLE: dict[str, list[Any]] = {
    "a symmetric key": [{"kty": "oct", "kid": "new", "k": "c2VjcmV0" * 8}],
    "a private key": [_PRIVATE],
    "RSA of 1024 bits": [_rsa(1024)],
    "RSA with exponent 1": [_rsa(2048) | {"e": "AQ"}],
    "a curve that nobody asked for": [_secp256k1()],
    "a point off the curve": [NEW_JWK | {"y": NEW_JWK["x"]}],
    "use enc": [NEW_JWK | {"use": "enc"}],
    "key_ops without verify": [NEW_JWK | {"use": None, "key_ops": ["encrypt"]}],
    "alg none": [NEW_JWK | {"alg": "none"}],
    "alg of another kind": [NEW_JWK | {"alg": "HS256"}],
    "alg in a list": [NEW_JWK | {"alg": ["ES256"]}],
    "a kid that is a number": [NEW_JWK | {"kid": 7}],
    "a kid with a line break": [NEW_JWK | {"kid": "new\r\n"}],
    "a kid of 10 kB": [NEW_JWK | {"kid": "n" * 10_240}],
    "an unknown kty": [{"kty": "PQC", "kid": "new", "pub": "AAAA"}],
    "no kty": [{"kid": "new"}],
    "a key that is a text": ["new"],
    "a key that is null": [None],
}
