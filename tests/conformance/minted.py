"""Internal tokens as jwtmw mints them, and the doors of the services behind.

Owns: the gateway that mints, its key, and the policies of the inner doors.
Must never know: what a case expects of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jwtmw import Policy
from jwtmw.decision import Allow
from jwtmw.environ import WSGIRequest
from jwtmw.mint import InternalTokens, Signer
from jwtmw.testing import Clock
from jwtmw.token.principal import Principal
from tests.conformance.keys import RSA
from tests.conformance.tokens import AUDIENCE, CORP, GOOD, NOW

GATEWAY = "https://gateway.internal"
INSIDE = "inside"
KEYS = Signer("ES256", kid="key-of-gateway-p256")
CLOCK = Clock(NOW)

_OUTSIDE = Policy(issuers=[{"issuer": CORP, "audience": [AUDIENCE], "jwks": {"keys": [RSA.jwk()]}}], clock=CLOCK)
_WITHIN: Mapping[str, Any] = {"name": "inside", "issuer": GATEWAY, "audience": [INSIDE], "jwks": KEYS.jwks()}
_DOOR = Policy(issuers=[_WITHIN], clock=CLOCK)


def caller(token: bytes, policy: Policy = _OUTSIDE) -> Principal:
    """Who the door lets in by this token."""
    request = WSGIRequest({"REQUEST_METHOD": "GET", "HTTP_AUTHORIZATION": f"Bearer {token.decode()}"})
    decision = policy.engine.decide_now(request)
    assert isinstance(decision, Allow)
    return decision.principal


def inner(public: bytes | Principal = GOOD, **changes: Any) -> bytes:
    """The internal token of who came with this public one."""
    keys = {"issuer": GATEWAY, "audience": INSIDE, "clock": CLOCK, **changes}
    principal = public if isinstance(public, Principal) else caller(public)
    return InternalTokens(keys.pop("signs", KEYS), **keys).mint(principal).encode()


def passed_on(token: bytes) -> bytes:
    """The token that a service behind mints of an internal one, for the next."""
    return inner(caller(token, _DOOR), relays=[GATEWAY])


def policies() -> dict[str, dict[str, Any]]:
    """The inner door, one that takes a type of its own only, and a service with both doors."""
    opened = [
        {"path": "/open/**", "allow": "public"},
        {"path": "/maybe", "allow": "optional"},
        {"path": "/scopes/one", "scopes": ["stock:read"]},
        {"path": "/roles/one", "roles": ["clerk"]},
    ]
    corp = {"name": "corp", "issuer": CORP, "audience": [AUDIENCE], "jwks": {"keys": [RSA.jwk()]}}
    parted = [{"path": "/inside/**", "issuers": ["inside"]}, {"path": "/**", "issuers": ["corp"]}]
    return {
        "inner-door": {"issuers": [dict(_WITHIN)], "rules": opened},
        "inner-door-own-type": {"issuers": [{**_WITHIN, "token_types": ["inner+jwt"]}]},
        "both-doors": {"issuers": [corp, dict(_WITHIN)], "rules": parted},
    }
