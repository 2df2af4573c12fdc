"""jwtmw: each service checks its own JWTs, by one policy, on every surface.

Owns: the public names. Must never know: anything; it only imports.
"""

from jwtmw.challenge import Problem
from jwtmw.compose import Policy
from jwtmw.current import current_principal, current_user
from jwtmw.decision import Reason
from jwtmw.errors import (
    ConfigurationError,
    Denied,
    JWTMWError,
    MarkError,
    NotInstalledError,
    NotSupportedError,
)
from jwtmw.issuers.consumers import Consumer
from jwtmw.issuers.stored_consumers import ConsumerStore
from jwtmw.policy.marks import optional, public, requires
from jwtmw.request import Request
from jwtmw.token.principal import Principal

__all__ = [
    "ConfigurationError",
    "Consumer",
    "ConsumerStore",
    "Denied",
    "JWTMWError",
    "MarkError",
    "NotInstalledError",
    "NotSupportedError",
    "Policy",
    "Principal",
    "Problem",
    "Reason",
    "Request",
    "current_principal",
    "current_user",
    "optional",
    "public",
    "requires",
]
