"""A token bound to one request: `htm` is its method and `htu` its URL, as in RFC 9449 section 4.2.

Owns: when two URLs are one (RFC 3986 sections 6.2.2 and 6.2.3), and what of an `htu` counts.
Must never know: where a request comes from, policy, tokens beyond these two claims.

A path is compared segment by segment, each decoded once, as routers do: what decodes alike reaches one endpoint. A path
of a request that could be read in two ways never comes here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

# RFC 3986 less userinfo, which no target URI has (RFC 9110 section 4.2.4); query and fragment do not count.
_URL = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]*))?"
    r"(?P<path>(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)*)"
    r"(?:[?#][!-~]*)?",
    re.IGNORECASE | re.ASCII,
)
_DEFAULT_PORTS = {"http": ("", "80"), "https": ("", "443")}


class Target(NamedTuple):
    """What a request is for: its method, and its decoded path from the root of the host."""

    method: str
    path: str


def is_bound(claims: Mapping[str, Any]) -> bool:
    """Whether a token with these claims is for one request, or for one kind of request."""
    return "htm" in claims or "htu" in claims


def is_for(claims: Mapping[str, Any], target: Target, origin: str) -> bool:
    """Whether a token with these claims is for this request: always where it does not say for which.

    `origin` is where callers reach this service, as in "https://orders.example"; "" where nobody knows, and then only
    paths are compared.
    """
    if "htm" in claims and claims["htm"] != target.method:
        return False
    return "htu" not in claims or _is_url_of(claims["htu"], target.path, origin)


def whole_path(path: str, root_path: str) -> str:
    """The path from the root of the host: some servers leave `root_path` out of `path`, some do not."""
    if not root_path or path == root_path or path.startswith(f"{root_path.rstrip('/')}/"):
        return path
    return root_path.rstrip("/") + path


def _is_url_of(htu: object, path: str, origin: str) -> bool:
    match = _URL.fullmatch(htu) if isinstance(htu, str) else None
    if match is None:
        return False
    if origin and _origin(match) != origin:
        return False
    return _segments(match["path"] or "/") == [segment.encode("utf-8", "replace") for segment in path.split("/")]


def _origin(match: re.Match[str]) -> str:
    """Scheme and host in lower case, without the scheme's own port."""
    scheme, port = match["scheme"].lower(), match["port"] or ""
    return f"{scheme}://{match['host'].lower()}" + ("" if port in _DEFAULT_PORTS[scheme] else f":{port}")


def _segments(path: str) -> list[bytes]:
    """Split first: an encoded slash is a character of its segment."""
    return [unquote_to_bytes(segment) for segment in path.split("/")]
