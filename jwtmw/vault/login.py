"""How this service comes to a token of its own: the four ways to log in, and what may be done with the token itself.

Owns: the calls of the auth methods `token`, `userpass` and `approle`.
Must never know: when to log in or to renew, what the token is used for. Nothing here shows a token or a password.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any, Protocol

from jwtmw.strict_json import read_json
from jwtmw.vault.server import Server, VaultFailed, members, segment, text_of


@dataclass(frozen=True, slots=True)
class Lease:
    """A token and how long it lives: `duration` in seconds from the call that brought it, infinite for ever."""

    token: str = field(repr=False)
    duration: float = inf
    renewable: bool = False


class Login(Protocol):
    """One way to log in."""

    @property
    def makes_tokens(self) -> bool:
        """Whether each login makes a token of its own, which may be revoked when it is no longer needed."""
        ...

    def __call__(self, server: Server, deadline: float) -> Lease:
        """A token that can be used. Raises `VaultFailed`."""
        ...


@dataclass(frozen=True, slots=True)
class GivenToken:
    """The token itself stands in the configuration."""

    token: str = field(repr=False)
    makes_tokens = False

    def __call__(self, server: Server, deadline: float) -> Lease:
        """Ask how long it lives."""
        return _looked_up(server, self.token, deadline)


@dataclass(frozen=True, slots=True)
class TokenFile:
    """Somebody else logs in, as Vault Agent does, and keeps a token in a file: read anew each time."""

    path: Path
    makes_tokens = False

    def __call__(self, server: Server, deadline: float) -> Lease:
        """Read the file, and ask how long the token lives."""
        return _looked_up(server, self.read(), deadline)

    def read(self) -> str:
        """The file's token: the file is the token, or the JSON of the answer that brought it, as EdgeX keeps it."""
        try:
            content = self.path.read_bytes()
            token = _of_answer(content) if content[:1] == b"{" else content.decode("ascii").strip()
        except (OSError, ValueError, VaultFailed):
            token = ""
        if not token:
            raise VaultFailed(
                "the token file cannot be read, or holds no token", cure="Check token_file of [vault.{name}]"
            )
        return token


@dataclass(frozen=True, slots=True)
class Userpass:
    """A user with a password."""

    mount: str
    username: str
    password: str = field(repr=False)
    makes_tokens = True

    def __call__(self, server: Server, deadline: float) -> Lease:
        """https://openbao.org/api-docs/auth/userpass/#login"""
        path = f"auth/{self.mount}/login/{segment(self.username)}"
        return _leased(server.call("POST", path, body={"password": self.password}, deadline=deadline))


@dataclass(frozen=True, slots=True)
class AppRole:
    """A role with a secret id."""

    mount: str
    role_id: str
    secret_id: str = field(repr=False)
    makes_tokens = True

    def __call__(self, server: Server, deadline: float) -> Lease:
        """https://openbao.org/api-docs/auth/approle/#login-with-approle"""
        body = {"role_id": self.role_id, "secret_id": self.secret_id}
        return _leased(server.call("POST", f"auth/{self.mount}/login", body=body, deadline=deadline))


def renew(server: Server, token: str, deadline: float) -> Lease:
    """A longer life for the token, as long as its role has it. Raises `VaultFailed`.

    https://openbao.org/api-docs/auth/token/#renew-a-token-self
    """
    return _leased(server.call("POST", "auth/token/renew-self", token=token, body={}, deadline=deadline))


def revoke(server: Server, token: str, deadline: float) -> None:
    """End the token: it is needed no longer. Raises `VaultFailed`.

    https://openbao.org/api-docs/auth/token/#revoke-a-token-self
    """
    server.call("POST", "auth/token/revoke-self", token=token, deadline=deadline)


def _of_answer(content: bytes) -> str:
    return text_of(members(read_json(content), "auth"), "client_token")


def _leased(document: dict[str, Any]) -> Lease:
    auth = members(document, "auth")
    return Lease(text_of(auth, "client_token"), _duration(auth.get("lease_duration")), auth.get("renewable") is True)


def _looked_up(server: Server, token: str, deadline: float) -> Lease:
    """https://openbao.org/api-docs/auth/token/#lookup-a-token-self"""
    found = members(server.call("GET", "auth/token/lookup-self", token=token, deadline=deadline), "data")
    return Lease(token, _duration(found.get("ttl")), found.get("renewable") is True)


def _duration(seconds: object) -> float:
    """0 is for ever, as with a root token."""
    if type(seconds) is not int or seconds < 0:
        raise VaultFailed("the answer does not say how long the token lives")
    return float(seconds) or inf
