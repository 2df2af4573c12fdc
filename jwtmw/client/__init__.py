"""Calls to other services that carry identity: token sources, and auth classes for the HTTP clients.

Owns: the public names. Must never know: anything; it only imports. HTTP clients are imported when one is asked for.
"""

from jwtmw.client.call import Call
from jwtmw.client.credentials import ClientCredentials
from jwtmw.client.outgoing import Outgoing
from jwtmw.client.sources import TokenSource
from jwtmw.client.static import Static
from jwtmw.client.token_endpoint import TokenEndpoint
from jwtmw.errors import CallNotSent, NotAllowedHost, TokenUnavailable
from jwtmw.issuers.client_auth import basic, post
from jwtmw.issuers.fetch import HttpSettings
from jwtmw.issuers.source import Flight

__all__ = [
    "Call",
    "CallNotSent",
    "ClientCredentials",
    "Flight",
    "HttpSettings",
    "NotAllowedHost",
    "Outgoing",
    "Static",
    "TokenEndpoint",
    "TokenSource",
    "TokenUnavailable",
    "basic",
    "post",
]
