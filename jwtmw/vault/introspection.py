"""One question to a Vault about an identity token, asked with this service's own token.

Owns: what the answer is worth, and a second try where the token of this service was refused.
Must never know: caches, requests, what a claim means. The token's own claims count: the answer has none.

https://openbao.org/api-docs/secret/identity/tokens#introspect-a-signed-id-token
"""

from __future__ import annotations

from jwtmw.issuers.introspection import Unanswered
from jwtmw.issuers.verdicts import Answer
from jwtmw.vault.login import Lease
from jwtmw.vault.server import Server, VaultFailed
from jwtmw.vault.service_token import ServiceToken
from jwtmw.vault.users import introspect

# What a server may say to a token that it cannot even read: that is due to the token, which any caller chooses.
_ABOUT_THE_TOKEN = frozenset({400, 413})


class VaultIntrospection:
    """Asks a Vault about tokens; called as `Ask` in issuers/introspection.py says.

    With a `client_id` the Vault wants that audience as well. The server's `timeout` covers login and question.
    """

    __slots__ = ("_client_id", "_own", "_server")

    def __init__(self, server: Server, own: ServiceToken, client_id: str | None) -> None:
        self._server = server
        self._own = own
        self._client_id = client_id

    def __call__(self, token: bytes) -> Answer:
        """What the Vault says of the token. Raises `FetchFailed`."""
        deadline = self._server.deadline()
        own = self._own.wait(deadline)
        try:
            return self._asked(token, own, deadline)
        except VaultFailed as failure:
            if failure.status != 403 or not self._own.refuse(own):
                raise
        return self._asked(token, self._own.wait(deadline), deadline)

    def _asked(self, token: bytes, own: Lease, deadline: float) -> Answer:
        try:
            active, _ = introspect(self._server, own.token, token.decode("ascii"), self._client_id, deadline)
        except VaultFailed as failure:
            if failure.status in _ABOUT_THE_TOKEN:
                raise Unanswered(failure.reason) from None
            if failure.status == 403:
                cure = f"a policy of [vault.{self._server.name}] must allow update on identity/oidc/introspect"
                raise VaultFailed(f"{failure.reason}; {cure}", 403) from None
            raise
        return Answer(active, None)
