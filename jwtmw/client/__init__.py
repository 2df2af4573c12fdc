"""Calls to other services that carry identity: token sources, and auth classes for the HTTP clients.

Owns: the public names. Must never know: anything; it only imports. HTTP clients are imported when one is asked for,
and what asks a Vault is in `jwtmw.client.vault`.
"""

from jwtmw.client.call import Call
from jwtmw.client.credentials import ClientCredentials
from jwtmw.client.exchange import ACCESS_TOKEN, Exchange
from jwtmw.client.file import TokenFile
from jwtmw.client.outgoing import Outgoing
from jwtmw.client.passed_on import PassedOn
from jwtmw.client.self_signed import SelfSigned
from jwtmw.client.sources import TokenSource
from jwtmw.client.static import Static
from jwtmw.client.token_endpoint import TokenEndpoint, private_key_jwt
from jwtmw.errors import CallNotSent, NotAllowedHost, TokenUnavailable
from jwtmw.issuers.client_auth import basic, post
from jwtmw.issuers.fetch import HttpSettings
from jwtmw.issuers.source import Flight

__all__ = [
    "ACCESS_TOKEN",
    "Call",
    "CallNotSent",
    "ClientCredentials",
    "Exchange",
    "Flight",
    "HttpSettings",
    "NotAllowedHost",
    "Outgoing",
    "PassedOn",
    "SelfSigned",
    "Static",
    "TokenEndpoint",
    "TokenFile",
    "TokenSource",
    "TokenUnavailable",
    "basic",
    "post",
    "private_key_jwt",
]
