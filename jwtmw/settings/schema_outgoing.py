"""The tables of calls to other services, and how this service proves itself where tokens are had: names and defaults.

Owns: the shape of `[outgoing.NAME]`, and the keys that every proof of this service has.
Must never know: where they come from, which values make sense, what is built from them.
"""

from __future__ import annotations

from jwtmw.settings.table import Table


class ClientProof(Table, frozen=True, kw_only=True):
    """How this service proves itself. `private_key` holds the text of the file once that is read."""

    auth: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    private_key: str | None = None
    private_key_file: str | None = None
    key_id: str | None = None
    algorithm: str | None = None
    assertion_audience: str | None = None
    token: str | None = None


class Outgoing(ClientProof, frozen=True, kw_only=True):
    """Calls to some hosts, and where their tokens come from. `ttl` is in seconds."""

    hosts: tuple[str, ...]
    source: str
    header: str = "Authorization"
    scheme: str = "Bearer"
    token_url: str | None = None
    scopes: tuple[str, ...] | None = None
    audience: tuple[str, ...] | None = None
    resource: tuple[str, ...] | None = None
    subject_token_type: str | None = None
    vault: str | None = None
    role: str | None = None
    issuer: str | None = None
    ttl: int | None = None
    body: str | None = None
    request_bound: bool = False
    file: str | None = None
