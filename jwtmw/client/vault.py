"""An identity token of a Vault or OpenBao, issued to this service.

Owns: the call that brings it, and a second try where this service's own token there was refused.
Must never know: how this service logs in, caches, threads.

https://openbao.org/api-docs/secret/identity/tokens#generate-a-signed-id-token
"""

from __future__ import annotations

from jwtmw.client.call import Call
from jwtmw.client.held import Held
from jwtmw.client.sources import Issued, is_token
from jwtmw.issuers.source import Flight
from jwtmw.vault.login import Lease, Login
from jwtmw.vault.server import Server, VaultFailed, members, segment, text_of
from jwtmw.vault.service_token import ServiceToken


class VaultIdentity:
    """A JWT of the identity role `role`, for the entity that `login` is; renewed before it ends.

    Only a login that belongs to an entity can be given one: a root token cannot. Errors and the log call it `name`.
    """

    __slots__ = ("_held", "_own", "_role", "_server")

    binds_body = False

    def __init__(self, server: Server, login: Login, role: str, *, name: str = "vault") -> None:
        self._server = server
        self._own = ServiceToken(server, login)
        self._role = role
        self._held = Held(name, self.ask, server.http.timeout)

    def look_up(self, call: Call, after: Flight | None = None) -> str | Flight:
        """The token, or a flight to wait for. Raises `TokenUnavailable`."""
        del call
        return self._held.look_up(after)

    def refuse(self, call: Call, token: str) -> bool:
        """Whether another token may be had."""
        del call
        return self._held.refuse(token)

    def ask(self, deadline: float) -> Issued:
        """A new JWT, with a login where one is needed, until an instant of `time.monotonic`. Raises `VaultFailed`."""
        own = self._own.wait(deadline)
        try:
            return self._asked(own, deadline)
        except VaultFailed as failure:
            if failure.status != 403 or not self._own.refuse(own):
                raise
        return self._asked(self._own.wait(deadline), deadline)

    def _asked(self, own: Lease, deadline: float) -> Issued:
        path = f"identity/oidc/token/{segment(self._role)}"
        data = members(self._server.call("GET", path, token=own.token, deadline=deadline), "data")
        token, ttl = text_of(data, "token"), data.get("ttl")
        if not is_token(token) or type(ttl) is not int or ttl < 1:
            raise VaultFailed("the answer has no token, or does not say how long it lives")
        return Issued(token, float(ttl))
