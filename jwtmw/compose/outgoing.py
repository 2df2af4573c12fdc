"""From settings to what calls to other services carry: each table's source, with its hosts.

Owns: putting the parts together.
Must never know: how a source comes by its tokens, HTTP clients, the environment.
"""

from __future__ import annotations

import logging

from jwtmw.client import (
    ACCESS_TOKEN,
    ClientCredentials,
    Exchange,
    Outgoing,
    PassedOn,
    SelfSigned,
    Static,
    TokenEndpoint,
    TokenFile,
    TokenSource,
)
from jwtmw.compose.introspectors import credentials_of
from jwtmw.issuers.fetch import HttpSettings
from jwtmw.mint.signer import Signer
from jwtmw.proof.body import WEAK_HASHES
from jwtmw.settings import Http, OutgoingTerms, Settings
from jwtmw.settings.schema_outgoing import Outgoing as Table
from jwtmw.verification import Clock

logger = logging.getLogger("jwtmw.policy")


def outgoing_of(settings: Settings, clock: Clock) -> dict[str, Outgoing]:
    """By the tables' names. No thread starts and nobody is asked before a token is needed."""
    made: dict[str, Outgoing] = {}
    for name, terms in settings.outgoing.items():
        if terms is None:
            # Non-secure: nothing of the table is looked at, as its references are not resolved.
            made[name] = Outgoing(Static("none"), hosts=["https://none.invalid"], secure=False)
        else:
            table = terms.table
            source = _source(f"outgoing.{name}", terms, settings.http, clock)
            made[name] = Outgoing(source, hosts=table.hosts, header=table.header, scheme=table.scheme)
    return made


def _source(key: str, terms: OutgoingTerms, http: Http, clock: Clock) -> TokenSource:
    """The settings have judged the table: what a source needs is there."""
    table = terms.table
    match table.source:
        case "client_credentials":
            return ClientCredentials(
                _endpoint(table, http, clock),
                scopes=table.scopes or (),
                audience=table.audience or (),
                resource=table.resource or (),
                name=key,
            )
        case "exchange":
            return Exchange(
                _endpoint(table, http, clock),
                scopes=table.scopes or (),
                audience=table.audience or (),
                resource=table.resource or (),
                subject_token_type=table.subject_token_type or ACCESS_TOKEN,
                name=key,
            )
        case "self_signed":
            return _self_signed(key, table, clock)
        case "file":
            return TokenFile(table.file or "", name=key)
        case "static":
            return Static(table.token or "")
        case "pass_on":
            return PassedOn()
    return _vault(key, terms)


def _vault(key: str, terms: OutgoingTerms) -> TokenSource:
    # Imported here: who has no Vault loads nothing of it.
    from jwtmw.client.vault import VaultIdentity

    assert terms.server is not None  # noqa: S101
    assert terms.login is not None  # noqa: S101
    return VaultIdentity(terms.server, terms.login, terms.table.role or "", name=key)


def _endpoint(table: Table, http: Http, clock: Clock) -> TokenEndpoint:
    settings = HttpSettings(http.timeout, http.ca_file, http.proxy)
    return TokenEndpoint(table.token_url or "", credentials_of(table, clock), settings)


def _self_signed(key: str, table: Table, clock: Clock) -> TokenSource:
    if table.body in WEAK_HASHES:
        logger.warning("%s.body: %s is weak; take sha-256 where the other side can", key, table.body)
    return SelfSigned(
        Signer(table.algorithm or "", key=table.private_key, kid=table.key_id),
        issuer=table.issuer or "",
        audience=table.audience or (),
        ttl=table.ttl or 60,
        body=table.body,
        request_bound=table.request_bound,
        name=key,
        clock=clock.time,
    )
