"""Identity headers: verified claims as headers, and the one spelling in which a caller's own cannot pass for them.

Owns: which header says what, how a claim's value stands in a header, which names are the same to whoever reads them.
Must never know: ASGI, WSGI, how the claims were verified.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from jwtmw.claimpath import claim_at
from jwtmw.token.principal import Principal

# What may stand in the place of a claim: what the configuration knows of a consumer, which no token can say.
FACTS = ("@consumer.name", "@consumer.key", "@consumer.custom_id", "@consumer.anonymous")

_ALPHANUMERIC = b"0123456789abcdefghijklmnopqrstuvwxyz"
# What readers take for the same: CGI and WSGI turn "-" into "_", some turn every mark into one, and case never counts.
_FOLDED = bytes(octet if octet in _ALPHANUMERIC else 0x2D for octet in bytes(range(256)).lower())
# The one octet that is a letter of ASCII to whoever writes the name in capitals: Latin-1's sharp s becomes SS.
_SHARP_S = b"\xdf"
# Control characters of ASCII and Latin-1, and lone surrogates, which no encoding can hold.
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
# All printable ASCII but the percent sign, which is what makes an escape.
_AS_IT_IS = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")


def folded(name: bytes) -> bytes:
    """The header's name as the most careless reader sees it: `X_Consumer.Username` is `x-consumer-username`."""
    return name.replace(_SHARP_S, b"ss").translate(_FOLDED)


class IdentityHeaders:
    """The headers that tell the application who is calling: `claims` is header name -> claim path, or a fact."""

    __slots__ = ("_claims", "_names")

    def __init__(self, claims: Mapping[str, str]) -> None:
        self._claims = [(name.lower().encode("ascii"), path) for name, path in claims.items()]
        self._names = frozenset(folded(name) for name, _ in self._claims)

    def owns(self, name: bytes) -> bool:
        """Whether a caller's header of this name could be taken for one of these, in whatever spelling."""
        return folded(name) in self._names

    def of(self, principal: Principal) -> list[tuple[bytes, bytes]]:
        """The headers for this caller, names lower-case; a claim that is absent, or fits no header, has none."""
        found = ((name, value_of(_said(principal, path))) for name, path in self._claims)
        return [(name, value) for name, value in found if value is not None]


def _said(principal: Principal, path: str) -> Any:
    """What the path says of the caller, by a claim or as one of the facts; None where there is nothing to say."""
    if path not in FACTS:
        return claim_at(principal.claims, path)
    consumer = principal.consumer
    if path == "@consumer.anonymous":
        return True if consumer is not None and not principal.is_authenticated else None
    return getattr(consumer, path.removeprefix("@consumer."), None)


def value_of(claim: Any) -> bytes | None:
    """A claim's value as a header's, None where there is none that says the same.

    Text as it is, as percent-encoded UTF-8 where it is not all ASCII; numbers and booleans as JSON; lists and objects
    as unpadded base64url of their JSON. Text with control characters, or with blanks at an end, which readers drop
    (RFC 9110 section 5.5), has none.
    """
    if isinstance(claim, str):
        return _text(claim)
    if claim is None:
        return None
    text = json.dumps(claim, separators=(",", ":")).encode("ascii")
    if isinstance(claim, bool | int | float):
        return text
    return base64.urlsafe_b64encode(text).rstrip(b"=")


def _text(text: str) -> bytes | None:
    if text != text.strip(" ") or _UNFIT.search(text):
        return None
    return text.encode("ascii") if text.isascii() else quote(text, safe=_AS_IT_IS).encode("ascii")
