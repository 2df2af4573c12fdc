"""What the endpoint answers a gateway: who is calling, in headers for the application, or a refusal.

A gateway copies the headers that its configuration lists from a pass to the original request, in the place of the
caller's own. nginx, Traefik and Caddy take out what is listed and absent here; Envoy takes out what is named to it.

Owns: the headers of a pass, which of the caller's may not get past the gateway, and the status that a gateway can pass
on.
Must never know: how to decide, how the request was reported, ASGI, WSGI.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from jwtmw.challenge import Renderer, Response
from jwtmw.decision import Allow, Deny
from jwtmw.gateway.identity import IdentityHeaders, folded
from jwtmw.gateway.reported import Gateway, Lines, Reported

# What Envoy takes out of the original request, after it has set what it copies; names, separated by commas.
REMOVE: Final = b"x-envoy-auth-headers-to-remove"
# What a refusal is, where the gateway passes on another status.
STATUS: Final = b"x-jwtmw-status"
FORBIDDEN: Final = 403
_NONE: Final[Mapping[int, int]] = MappingProxyType({})
# A pass is for this one request: nobody may keep it.
_EMPTY: Final = ((b"content-length", b"0"), (b"cache-control", b"no-store"))

ELSEWHERE: Final = Response(404, _EMPTY, b"")
"""The answer at any other path than the endpoint's: no gateway lets a request pass for it."""


class Answers:
    """`identity` is header name -> claim path; `token_header` where the internal token goes, None without one;
    `hides` says that a header with a credential may not get past the gateway.

    `statuses` maps a refusal's own status to the one that is sent; else what the gateway does not know becomes 403.
    """

    def __init__(
        self,
        gateway: Gateway,
        renderer: Renderer,
        identity: Mapping[str, str],
        token_header: str | None = None,
        hides: bool = False,
        statuses: Mapping[int, int] = _NONE,
    ) -> None:
        self._gateway = gateway
        self._renderer = renderer
        self._identity = IdentityHeaders(identity)
        self._token_header = None if token_header is None else token_header.lower().encode("ascii")
        self._hides = hides
        self._statuses = statuses
        names = [name.lower().encode("ascii") for name in identity]
        self._names = frozenset(names if self._token_header is None else [*names, self._token_header])
        self._folded = frozenset(map(folded, self._names))

    def forged(self, lines: Lines) -> frozenset[bytes]:
        """The names of a caller's headers that could be taken for one of the application's, and are none."""
        return frozenset(name for name, _ in lines if folded(name) in self._folded) - self._names

    def refuses_forged(self, lines: Lines) -> bool:
        """Whether such a header is there, and the gateway cannot be told to take it out."""
        return not self._gateway.removes and bool(self.forged(lines))

    def allowed(self, request: Reported, allow: Allow, token: bytes | None) -> Response:
        """A pass. `token` is the value of the internal token's header, None where there is none for this caller."""
        headers = self._identity.of(allow.principal)
        if token is not None and self._token_header is not None:
            headers.append((self._token_header, token))
        if self._gateway.removes and (removed := self._removed(request, allow) - {name for name, _ in headers}):
            headers.append((REMOVE, b",".join(sorted(removed))))
        return Response(200, (*_EMPTY, *headers), b"")

    def refused(self, request: Reported, deny: Deny, head: bool) -> Response:
        """What the one renderer makes of it, in a status that the gateway passes on. `head`: without the body."""
        response = self._renderer.render(deny, request, head)
        status = self._status(response.status)
        if status == response.status:
            return response
        return Response(status, (*response.headers, (STATUS, b"%d" % response.status)), response.body)

    def _removed(self, request: Reported, allow: Allow) -> set[bytes]:
        """Every name of ours, with the mark that WSGI takes for a hyphen too; what the caller made of them; the token.

        The caller's headers are only known as far as the gateway sends them on.
        """
        names = {*self._names, *(name.replace(b"-", b"_") for name in self._names), *self.forged(request.lines)}
        if self._hides and allow.place is not None and allow.place.kind == "header":
            names.add(allow.place.name.lower().encode("ascii"))
        return names

    def _status(self, status: int) -> int:
        known = self._gateway.statuses
        return self._statuses.get(status, status if known is None or status in known else FORBIDDEN)
