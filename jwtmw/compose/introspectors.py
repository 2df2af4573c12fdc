"""From settings to an introspector: the endpoint, this service's proof, and how long an answer is believed.

Owns: putting the parts together.
Must never know: how a token is judged, frameworks, the environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jwtmw.issuers.client_auth import Credentials, basic, bearer, nobody, post, private_key_jwt
from jwtmw.issuers.fetch import HttpSettings
from jwtmw.issuers.introspection import Introspector, Terms
from jwtmw.issuers.rfc7662 import Endpoint
from jwtmw.mint.signer import Signer
from jwtmw.settings import IntrospectionUrl, VaultIntrospected, schema, schema_issuers
from jwtmw.settings.schema_outgoing import ClientProof
from jwtmw.verification import Clock


def introspector_of(name: str, material: IntrospectionUrl, http: schema.Http, clock: Clock) -> Introspector:
    """What asks the issuer `name` about its tokens."""
    table: schema_issuers.Introspection = material.table
    endpoint = Endpoint(table.url, credentials_of(table, clock), HttpSettings(http.timeout, http.ca_file, http.proxy))
    terms = Terms(table.ttl, table.negative_ttl, http.timeout)
    return Introspector(name, endpoint, terms, clock=clock.monotonic)


def vault_introspector_of(name: str, material: VaultIntrospected, clock: Clock) -> Introspector:
    """What asks a Vault about the tokens of the issuer `name`."""
    # Imported here: who has no Vault loads nothing of it.
    from jwtmw.vault.introspection import VaultIntrospection
    from jwtmw.vault.service_token import ServiceToken

    server, table = material.server, material.table
    own = ServiceToken(server, material.login, clock=clock.monotonic)
    terms = Terms(table.ttl, table.negative_ttl, server.http.timeout)
    ask = VaultIntrospection(server, own, table.client_id)
    return Introspector(name, ask, terms, takes_opaque=False, clock=clock.monotonic)


def credentials_of(table: ClientProof, clock: Clock) -> Credentials:
    """The settings have judged the table: what a way needs is there."""
    client_id, client_secret = table.client_id or "", table.client_secret or ""
    match table.auth:
        case "basic":
            return basic(client_id, client_secret)
        case "post":
            return post(client_id, client_secret)
        case "bearer":
            return bearer(table.token or "")
        case "private_key_jwt":
            return _assertions(table, client_id, clock)
        case _:
            return nobody


def _assertions(table: ClientProof, client_id: str, clock: Clock) -> Credentials:
    signer = Signer(table.algorithm or "", key=table.private_key)
    header = {"typ": "JWT", "kid": table.key_id}

    def sign(claims: Mapping[str, Any]) -> str:
        return signer.sign(claims, header)

    return private_key_jwt(client_id, table.assertion_audience or "", sign, clock.time)
