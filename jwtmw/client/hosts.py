"""Where tokens may go: exact origins, compared with the URL that is really sent.

Owns: which spellings of a URL are read at all, what one origin is, and the proxies that would read a token.
Must never know: tokens, HTTP clients. What two readers could read differently is refused, not repaired.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from jwtmw.errors import ConfigurationError, NotAllowedHost
from jwtmw.issuers.fetch import url_problem

# RFC 3986 with everything left out that parsers disagree on: no userinfo, no escapes, no backslash, no blank, no
# empty port, no leading zero. Names with other letters are listed and sent in their ASCII form.
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<rest>[/?#][!-~]*)?",
    re.ASCII | re.IGNORECASE,
)
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_CURE = 'Write scheme, host and port only: hosts = ["https://herald.example"]'


class AllowedHosts:
    """The origins that a token may be sent to. Raises `ConfigurationError` for what is none, and for none at all.

    `hosts` are https, or http on this machine's loopback; `key` is what errors call them.
    """

    __slots__ = ("_origins",)

    def __init__(self, hosts: Iterable[str], key: str = "hosts") -> None:
        # A text is a list of letters, and each could be a host.
        listed = None if isinstance(hosts, str) else tuple(hosts)
        if not listed:
            raise ConfigurationError(key, "names no host, so no token could go anywhere", _CURE)
        problems = [problem for host in listed if (problem := host_problem(host))]
        if problems:
            raise ConfigurationError(key, problems[0], _CURE)
        self._origins = frozenset(origin for host in listed if (origin := origin_of(host)))

    def origin(self, url: str) -> str:
        """The origin of this URL. Raises `NotAllowedHost` where it is not listed, and for a URL that is not plain."""
        origin = origin_of(url)
        if origin is None:
            raise NotAllowedHost("the URL is not plain http or https: a user, an odd spelling, or no host")
        if origin not in self._origins:
            raise NotAllowedHost(f"{origin} is not on the list of hosts")
        return origin

    def __repr__(self) -> str:
        return f"AllowedHosts({sorted(self._origins)})"


def host_problem(host: str) -> str | None:
    """Why a text is no entry of such a list, None if it is one."""
    match = _URL.fullmatch(host) if isinstance(host, str) else None
    if match is None or match["rest"] not in {None, "/"} or origin_of(host) is None:
        return "is not the origin of a host: no path, no user, no pattern"
    return url_problem(host.lower())


def origin_of(url: str) -> str | None:
    """`https://herald.example`, with the port where it is not the scheme's own; None for what is not plain."""
    match = _URL.fullmatch(url)
    if match is None or int(match["port"] or 0) > 65535:
        return None
    scheme, port = match["scheme"].lower(), match["port"]
    suffix = "" if port in {None, _DEFAULT_PORTS[scheme]} else f":{port}"
    return f"{scheme}://{match['host'].lower()}{suffix}"


def names(origin: str, host: str) -> bool:
    """Whether a Host field names this origin and nobody else."""
    is_authority = {"/", "?", "#"}.isdisjoint(host)
    return is_authority and origin_of(f"{origin.partition('://')[0]}://{host}") == origin


def require_no_proxy(origin: str) -> None:
    """Raise `NotAllowedHost` where the environment sends plain http to a proxy: it would read the token.

    https goes through a proxy in a tunnel. NO_PROXY has to name exactly this host: of everything else the clients have
    readings of their own.
    """
    scheme, _, authority = origin.partition("://")
    if scheme != "http":
        return
    # Imported here: it brings an HTTP client of its own. The other clients read the environment by it, too.
    from urllib.request import getproxies

    proxies = getproxies()
    named = {entry.strip().lower() for entry in proxies.get("no", "").split(",")}
    host = re.sub(r":[0-9]+$", "", authority).strip("[]")
    # `*` is for every client only where it stands alone.
    passes_by = host in named or named == {"*"}
    if not passes_by and not {"http", "all"}.isdisjoint(proxies):
        raise NotAllowedHost(f"a proxy would read what is sent to {origin}; put {host} into NO_PROXY")
