"""One document over HTTP, or one answer, within one total deadline, or a failure that says why.

Owns: which URLs may be fetched, which answers count, and the limits on time and size.
Must never know: what the document means, who asked, policy. No failure repeats what the other side said.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from math import isfinite
from time import monotonic, time
from urllib.parse import urlsplit

from jwtmw.errors import ConfigurationError, JWTMWError
from jwtmw.strict_json import read_json

MOST_BYTES = 512 * 1024

# Visible ASCII: what else stands in a URL, two readers may read differently.
_URL = re.compile(r"[!-~]+", re.ASCII)
# RFC 9110 section 8.8.3; what is no entity-tag is never sent back.
_ETAG = re.compile(r'(?:W/)?"[!#-~]{0,256}"', re.ASCII)
_MAX_AGE = re.compile(r'(?:^|[,\s])max-age="?([0-9]{1,10})"?(?:$|[,\s])', re.ASCII | re.IGNORECASE)
_NOT_STORED = re.compile(r"(?:^|[,\s])(?:no-store|no-cache)(?:$|[,\s=])", re.ASCII | re.IGNORECASE)
_SECONDS = re.compile(r"[0-9]{1,10}", re.ASCII)


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """How to fetch. Raises `ConfigurationError`.

    timeout  seconds for everything together: name look-up, connection, TLS, headers and body
    ca_file  a PEM file with the authorities to trust instead of the system's
    proxy    the URL of an HTTP proxy, `http://user:password@host:port`, for https only; environment proxies are
             not used
    """

    timeout: float = 5.0
    ca_file: str | None = None
    proxy: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not (isfinite(self.timeout) and self.timeout > 0):
            raise ConfigurationError("http.timeout", "not a positive number of seconds", "The default is 5.")
        if self.ca_file is not None and not _is_trust_store(self.ca_file):
            raise ConfigurationError("http.ca_file", "not a readable PEM file of certificates", "Give its path.")
        if self.proxy is not None and not _is_proxy(self.proxy):
            raise ConfigurationError("http.proxy", "not the URL of an HTTP proxy", "Write http://host:port.")


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a fetch brought: a document, or (`not_modified`) the word that the one of the ETag still holds.

    `max_age` is in seconds, None where the answer does not say; `etag` is the document's, None where it has none.
    """

    document: object
    max_age: float | None = None
    etag: str | None = None
    not_modified: bool = False


class FetchFailed(JWTMWError):
    """No document; `reason` is one of our own texts, `retry_after` in seconds if the answer asked for patience."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        self.reason = reason
        self.retry_after = retry_after
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as the transport read it: header names in lower case, at most MOST_BYTES of decoded body."""

    status: int
    headers: dict[str, str]
    body: bytes


def fetch(url: str, etag: str | None, settings: HttpSettings, deadline: float | None = None) -> Fetched:
    """GET a JSON document. With an `etag` the answer may be that nothing has changed. Raises `FetchFailed`.

    `deadline` is an instant of `time.monotonic`, for a fetch in several steps; default: `timeout` from now.
    """
    headers = [] if etag is None else [("If-None-Match", etag)]
    return _judged(exchange("GET", url, headers, None, settings, deadline), etag)


def exchange(
    method: str,
    url: str,
    headers: list[tuple[str, str]],
    content: bytes | None,
    settings: HttpSettings,
    deadline: float | None = None,
) -> Answer:
    """The answer to one request, of any status, with its body where that is 200 or 400. Raises `FetchFailed` for none.

    Redirects are not followed. `deadline` as in `fetch`.
    """
    problem = url_problem(url)
    if problem is not None:
        raise FetchFailed(problem)
    # Imported here, because it imports the HTTP client: who fetches nothing does not load one.
    from jwtmw.issuers.transport import send

    common = [("Accept", "application/json"), ("Accept-Encoding", "gzip"), ("User-Agent", "jwtmw")]
    until = monotonic() + settings.timeout if deadline is None else deadline
    return send(method, url, common + headers, content, settings, until)


def url_problem(url: str) -> str | None:
    """Why this URL may not be fetched, None if it may: https, or http to this machine's loopback."""
    if not _URL.fullmatch(url):
        return "the URL has characters other than visible ASCII"
    parts = _split(url)
    if parts is None or not parts[1]:
        return "not a URL with a host"
    scheme, host, has_extras = parts
    if has_extras:
        return "the URL must have no user, password or fragment"
    if scheme == "https" or (scheme == "http" and _is_loopback(host)):
        return None
    return "the URL must be https (http only on loopback)"


def _split(url: str) -> tuple[str, str, bool] | None:
    """Scheme, host, and whether it carries a user or a fragment; None if it cannot be read."""
    try:
        parts = urlsplit(url)
        if parts.port == 0:
            return None
    except ValueError:
        return None
    return parts.scheme, parts.hostname or "", "@" in parts.netloc or "#" in url


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _is_trust_store(path: str) -> bool:
    try:
        return bool(ssl.create_default_context(cafile=path).get_ca_certs())
    except OSError:
        return False


def _is_proxy(url: str) -> bool:
    parts = _split(url) if _URL.fullmatch(url) else None
    return parts is not None and parts[0] == "http" and parts[1] != "" and "#" not in url


def _judged(answer: Answer, etag: str | None) -> Fetched:
    if answer.status == 304 and etag is not None:
        return Fetched(None, _max_age(answer.headers), etag, not_modified=True)
    if answer.status != 200:
        text = "a redirect, which is not followed" if 300 <= answer.status < 400 else "not a success"
        raise FetchFailed(f"status {answer.status}: {text}", retry_after(answer.headers))
    try:
        document = read_json(answer.body)
    except ValueError as error:
        raise FetchFailed(f"the body is {error}") from None
    return Fetched(document, _max_age(answer.headers), _etag(answer.headers))


def _etag(headers: dict[str, str]) -> str | None:
    etag = headers.get("etag", "")
    return etag if _ETAG.fullmatch(etag) else None


def _max_age(headers: dict[str, str]) -> float | None:
    """RFC 9111: max-age less the age that the answer has already; 0 where it must not be reused."""
    control = headers.get("cache-control", "")
    if _NOT_STORED.search(control):
        return 0.0
    found = _MAX_AGE.search(control)
    if found is None:
        return None
    age = headers.get("age", "")
    return max(0.0, float(found[1]) - (float(age) if _SECONDS.fullmatch(age) else 0.0))


def retry_after(headers: dict[str, str]) -> float | None:
    """RFC 9110 section 10.2.3: the seconds that an answer asks to wait, told as seconds or as a date."""
    text = headers.get("retry-after", "")
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time())
    except (ValueError, OverflowError):
        return None
