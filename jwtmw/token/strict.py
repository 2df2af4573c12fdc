"""The spellings a token may have: b64token, canonical base64url, strict JSON. One text, one reading.

Whatever two readers could read differently, and every second spelling of the same value, is no token: caches,
denylists and signatures speak of exact bytes.

Owns: bytes -> value, or nothing.
Must never know: what a header parameter or a claim means.
"""

from __future__ import annotations

from binascii import Error, a2b_base64
from typing import Any

import msgspec

from jwtmw.strict_json import read_json

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

# RFC 6750, section 2.1: b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
_B64TOKEN = _ALPHABET + b".~+/"

# base64url to base64; any other byte, also "+", "/" and "=", becomes "!", which strict base64 refuses.
_TO_BASE64 = bytes(octet if octet in _ALPHABET else ord("!") for octet in range(256)).translate(
    bytes.maketrans(b"-_", b"+/")
)

# By length modulo 4: the padding that RFC 7515 leaves out, and the last characters whose unused bits are zero
# (RFC 4648, section 3.5). No length leaves one over.
_PADDING = (b"", b"", b"==", b"=")
_LAST = (_ALPHABET, b"", b"AQgw", b"AEIMQUYcgkosw048")


def is_b64token(text: bytes) -> bool:
    """Whether `text` is one b64token of RFC 6750."""
    bare = text.rstrip(b"=")
    return bool(bare) and not bare.translate(None, _B64TOKEN)


def decode_segment(segment: bytes) -> bytes:
    """The octets of one segment in canonical base64url without padding; b"" where it is empty or anything else."""
    rest = len(segment) & 3
    if not segment or segment[-1] not in _LAST[rest]:
        return b""
    try:
        return a2b_base64(segment.translate(_TO_BASE64) + _PADDING[rest], strict_mode=True)
    except Error:
        return b""


def read_object(text: bytes) -> dict[str, Any] | None:
    """The JSON object that `text` is, None where it is anything else.

    UTF-8 without a byte order mark (RFC 7519, section 7.2), no member twice at any level (RFC 7515, section 4),
    every number finite, no lone surrogate.
    """
    value = _read_canonical(text)
    if value is None:
        value = _read_strictly(text)
    return value if type(value) is dict else None


_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def _read_canonical(text: bytes) -> Any:
    """The quick way for compact JSON, as nearly all issuers write it; None where only `_read_strictly` can tell.

    A text that its own value is written as has nothing to be strict about: a member that stood twice, an escape,
    a byte order mark or an odd number would not come back.
    """
    try:
        value = _decode(text)
        return value if _encode(value) == text else None
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
        return None


def _read_strictly(text: bytes) -> Any:
    try:
        return read_json(text)
    except ValueError:
        return None
