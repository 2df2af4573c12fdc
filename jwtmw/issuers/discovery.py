"""OpenID Connect Discovery 1.0 and RFC 8414: the key set that an issuer's metadata document leads to.

Owns: where the document is, which document is believed, and where its `jwks_uri` may lead.
Must never know: policy, threads, when something is fetched. Of the document only `issuer` and `jwks_uri` count:
algorithms come from the configuration.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from time import monotonic
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from jwtmw.issuers.fetch import Fetched, FetchFailed, HttpSettings, fetch, url_problem

WELL_KNOWN = "/.well-known/openid-configuration"


def metadata_url(issuer: str) -> str | None:
    """Where an issuer's metadata is (OpenID Connect Discovery 1.0 section 4); None where it is no URL for that."""
    if url_problem(issuer) is not None or "?" in issuer:
        return None
    return issuer.removesuffix("/") + WELL_KNOWN


def jwks_uri_problem(jwks_uri: str, url: str) -> str | None:
    """Why the document at `url` may not lead to this key set, None where it may.

    Any https origin will do, as large providers publish their keys on another host. But a document from elsewhere
    never leads into this machine or its network: an address that is not public, and localhost, only count where the
    document is on the same host, or on loopback itself. A name is taken as it is, whatever it resolves to.
    """
    problem = url_problem(jwks_uri)
    if problem is not None:
        return problem
    host, home = _host(jwks_uri), _host(url)
    if _is_public(host) or host == home or _is_loopback(home):
        return None
    return "it leads to an address that is not public"


class Discovery:
    """Fetches a key set in two steps, metadata first; called as `fetch` is by a `RemoteKeys`.

    issuer    what the document must say of itself, exactly
    url       where the document is
    settings  `timeout` covers both steps together

    The document is read again for each refresh, so that a key set that moves is followed. Nothing is remembered here:
    the ETags of both documents, and the address that the second belongs to, travel in the ETag of what is fetched.
    """

    __slots__ = ("_issuer", "_settings", "_url")

    def __init__(self, issuer: str, url: str, settings: HttpSettings) -> None:
        self._issuer = issuer
        self._url = url
        self._settings = settings

    def __call__(self, etag: str | None) -> Fetched:
        """The key set; `etag` is that of the last one. Raises `FetchFailed`."""
        deadline = monotonic() + self._settings.timeout
        last = _Trail.of(etag)
        try:
            metadata = fetch(self._url, last.metadata, self._settings, deadline)
        except FetchFailed as failure:
            raise FetchFailed(f"discovery: {failure.reason}", failure.retry_after) from None
        jwks_uri = last.jwks_uri if metadata.not_modified else self._jwks_uri(metadata.document)
        # An ETag means something only where it came from (RFC 9110 section 8.8.3).
        known = last.keys if jwks_uri == last.jwks_uri else None
        keys = fetch(jwks_uri, known, self._settings, deadline)
        trail = _Trail(metadata.etag, jwks_uri, keys.etag)
        return Fetched(keys.document, keys.max_age, str(trail), keys.not_modified)

    def _jwks_uri(self, document: Any) -> str:
        if not isinstance(document, dict):
            raise FetchFailed("discovery: the document is no JSON object")
        # RFC 8414 section 3.3: identical, or nothing in it may be used.
        if document.get("issuer") != self._issuer:
            raise FetchFailed("discovery: the document is of another issuer")
        jwks_uri = document.get("jwks_uri")
        if not isinstance(jwks_uri, str):
            raise FetchFailed("discovery: the document has no jwks_uri")
        problem = jwks_uri_problem(jwks_uri, self._url)
        if problem is not None:
            raise FetchFailed(f"discovery: jwks_uri cannot be used: {problem}")
        return jwks_uri


class _Trail(NamedTuple):
    """How the last key set was reached: the metadata's ETag, the key set's address and ETag.

    As a text its parts stand between blanks, which neither a URL nor an ETag that we keep can hold.
    """

    metadata: str | None
    jwks_uri: str
    keys: str | None

    @classmethod
    def of(cls, text: str | None) -> _Trail:
        if text is None:
            return cls(None, "", None)
        metadata, jwks_uri, keys = text.split(" ")
        return cls(metadata or None, jwks_uri, keys or None)

    def __str__(self) -> str:
        return f"{self.metadata or ''} {self.jwks_uri} {self.keys or ''}"


def _host(url: str) -> str:
    """The host of a URL that may be fetched, without the final dot that changes nothing."""
    return (urlsplit(url).hostname or "").removesuffix(".")


def _is_public(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return False
    address = _address(host)
    return address is None or (address.is_global and not address.is_multicast)


def _is_loopback(host: str) -> bool:
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a host is, however it is written: the resolver takes 127.1 and 0x7f000001 for loopback too."""
    try:
        address = ip_address(host)
    except ValueError:
        try:
            return IPv4Address(socket.inet_aton(host))
        except OSError:
            return None
    return getattr(address, "ipv4_mapped", None) or address
