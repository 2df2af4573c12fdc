"""The client credentials grant (RFC 6749 section 4.4): who asks, for which scopes and which audience.

Owns: client authentication, the reading of a token request, and the errors of RFC 6749 section 5.2.
Must never know: keys, tokens, sockets, policy.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote_plus

_FORM = "application/x-www-form-urlencoded"
# RFC 8707 section 2 lets `resource` be repeated, RFC 8693 section 2.1 `audience`; RFC 6749 section 3.2 nothing else.
_REPEATABLE = ("audience", "resource")


@dataclass(frozen=True, slots=True)
class Client:
    """A client of the token endpoint; `scopes` are all that it may have. Raises ValueError without id or secret."""

    id: str
    secret: str
    scopes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.id or not self.secret:
            raise ValueError("a client has an id and a secret")

    def __repr__(self) -> str:
        return f"Client(id={self.id!r}, scopes={self.scopes!r})"


class TokenRequest(NamedTuple):
    """A request that may be granted."""

    client: Client
    scopes: tuple[str, ...]
    audience: tuple[str, ...]


class GrantError(Exception):
    """A token request that is refused: `error` is the code of RFC 6749 section 5.2, `status` the HTTP status."""

    def __init__(
        self, error: str, description: str, *, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        self.document = {"error": error, "error_description": description}
        self.status = status
        self.headers = dict(headers or {})
        super().__init__(error)


def read_token_request(
    headers: Mapping[str, str], body: bytes, clients: Mapping[str, Client], audience: Sequence[str]
) -> TokenRequest:
    """What is asked for, by whom; raises GrantError. `audience` holds what may be asked for, the default first."""
    form = _form(headers.get("content-type", ""), body)
    client = _authenticate(headers.get("authorization"), form, clients)
    grant_type = _single(form, "grant_type")
    if grant_type is None:
        raise GrantError("invalid_request", "grant_type is missing")
    if grant_type != "client_credentials":
        raise GrantError("unsupported_grant_type", "only client_credentials is supported")
    return TokenRequest(client, _scopes(form, client), _audience(form, audience))


def _form(content_type: str, body: bytes) -> dict[str, list[str]]:
    if content_type.partition(";")[0].strip().lower() != _FORM:
        raise GrantError("invalid_request", f"the body must be {_FORM}")
    form: dict[str, list[str]] = {}
    try:
        # A parameter without a value counts as omitted (RFC 6749 section 3.2), as parse_qsl does.
        for name, value in parse_qsl(body.decode(), errors="strict"):
            form.setdefault(name, []).append(value)
    except ValueError:
        raise GrantError("invalid_request", "the body must be UTF-8") from None
    if any(len(values) > 1 for name, values in form.items() if name not in _REPEATABLE):
        raise GrantError("invalid_request", "a parameter is repeated")
    return form


def _single(form: Mapping[str, list[str]], name: str) -> str | None:
    return form[name][0] if name in form else None


def _authenticate(authorization: str | None, form: Mapping[str, list[str]], clients: Mapping[str, Client]) -> Client:
    # RFC 6749 section 2.3: not more than one method in one request.
    if authorization is not None and "client_secret" in form:
        raise GrantError("invalid_request", "authenticate by one method only")
    name, secret = _posted(form) if authorization is None else _basic(authorization)
    client = clients.get(name)
    # Compared also where there is no such client, so that the time taken does not tell which clients exist.
    if not hmac.compare_digest((client.secret if client else "").encode(), secret.encode()) or client is None:
        raise _invalid_client()
    return client


def _posted(form: Mapping[str, list[str]]) -> tuple[str, str]:
    return _single(form, "client_id") or "", _single(form, "client_secret") or ""


def _basic(authorization: str) -> tuple[str, str]:
    scheme, _, credentials = authorization.partition(" ")
    try:
        name, colon, secret = base64.b64decode(credentials, validate=True).decode().partition(":")
    except ValueError:
        raise _invalid_client() from None
    if scheme.lower() != "basic" or not colon:
        raise _invalid_client()
    # RFC 6749 section 2.3.1: both are form-encoded first.
    return unquote_plus(name), unquote_plus(secret)


def _invalid_client() -> GrantError:
    challenge = {"WWW-Authenticate": 'Basic realm="jwtmw development issuer"'}
    return GrantError("invalid_client", "client authentication failed", status=401, headers=challenge)


def _scopes(form: Mapping[str, list[str]], client: Client) -> tuple[str, ...]:
    asked = _single(form, "scope")
    if asked is None:
        return client.scopes
    scopes = tuple(dict.fromkeys(asked.split(" ")))
    if not set(scopes) <= set(client.scopes):
        raise GrantError(
            "invalid_scope",
            "the client may not have this scope; the issuer grants what its --client id:secret:scopes names",
        )
    return scopes


def _audience(form: Mapping[str, list[str]], known: Sequence[str]) -> tuple[str, ...]:
    asked = tuple(dict.fromkeys([*form.get("audience", ()), *form.get("resource", ())]))
    if not set(asked) <= set(known):
        # RFC 8707 section 2
        raise GrantError("invalid_target", "tokens for this audience are not issued here")
    return asked or (known[0],)
