"""Secrets out of a KV engine, version 1 or 2: one read for each path, however many keys are wanted of it.

Owns: what `path/key` of a reference means in a KV engine, and the token that it takes.
Must never know: references, configuration, what a secret is for. Used once, at start, and never by a request.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from jwtmw.vault.login import GivenToken, Login, TokenFile, revoke
from jwtmw.vault.server import Server, VaultFailed, members


@dataclass(slots=True)
class Secrets:
    """The KV engine at `mount`, read as whoever `login` makes us. The first read logs in; `close` ends that token."""

    server: Server
    login: Login
    mount: str
    version: int
    _token: str | None = field(default=None, repr=False)
    _read: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)

    def value(self, path: str, key: str) -> str:
        """The text of `key` in the secret at `path`. Raises `VaultFailed`."""
        if path not in self._read:
            self._read[path] = self._fetched(path)
        secret = self._read[path]
        if key not in secret:
            raise VaultFailed("the secret has no such key", cure="Write the key's name as it stands in the secret")
        value = secret[key]
        if not isinstance(value, str) or not value:
            raise VaultFailed("the value is no text, or empty", cure="Put a text there")
        return value

    def close(self) -> None:
        """Forget the secrets, and revoke the token if it was made for this."""
        token, self._token = self._token, None
        self._read.clear()
        if token is not None and self.login.makes_tokens:
            # One that cannot be revoked ends by itself.
            with suppress(VaultFailed):
                revoke(self.server, token, self.server.deadline())

    def _fetched(self, path: str) -> dict[str, Any]:
        token = self._logged_in()
        data = "data/" if self.version == 2 else ""
        url = f"{self.mount}/{data}{quote(path)}"
        document = members(self.server.call("GET", url, token=token, deadline=self.server.deadline()), "data")
        return members(document, "data") if self.version == 2 else document

    def _logged_in(self) -> str:
        if self._token is None:
            self._token = self._first_token()
        return self._token

    def _first_token(self) -> str:
        # A token that is there already need not be allowed to look itself up.
        if isinstance(self.login, GivenToken):
            return self.login.token
        if isinstance(self.login, TokenFile):
            return self.login.read()
        try:
            return self.login(self.server, self.server.deadline()).token
        except VaultFailed as failure:
            cure = "Check the credentials of [vault.{name}]" if failure.is_refusal else ""
            raise VaultFailed(f"the login failed: {failure.reason}", failure.status, cure) from None
