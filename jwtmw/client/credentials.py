"""This service's own token by the client credentials grant (RFC 6749 section 4.4).

Owns: what is asked for.
Must never know: HTTP, caches, how the service proves itself.

The house asks for itself and not through Authlib: its client has no single flight, no limit on size or on the time of
the whole, and reads proxies from the environment; basic, post and private_key_jwt are here already, for introspection.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from jwtmw.client.call import Call
from jwtmw.client.held import Held
from jwtmw.client.token_endpoint import TokenEndpoint, terms
from jwtmw.issuers.source import Flight


class ClientCredentials:
    """A token for this service itself, the same for every call; one that ends is renewed before.

    `scopes`, `audience` and `resource` are what the token is asked for; none of them is what the client may have.
    Errors and the log call it `name`.
    """

    __slots__ = ("_held",)

    binds_body = False

    def __init__(
        self,
        endpoint: TokenEndpoint,
        *,
        scopes: Sequence[str] = (),
        audience: Sequence[str] = (),
        resource: Sequence[str] = (),
        name: str = "client_credentials",
    ) -> None:
        form = [("grant_type", "client_credentials"), *terms(scopes, audience, resource)]
        self._held = Held(name, partial(endpoint.ask, form), endpoint.http.timeout)

    def look_up(self, call: Call, after: Flight | None = None) -> str | Flight:
        """The token, or a flight to wait for. Raises `TokenUnavailable`."""
        del call
        return self._held.look_up(after)

    def refuse(self, call: Call, token: str) -> bool:
        """Whether another token may be had."""
        del call
        return self._held.refuse(token)
