"""What each service tells of a call that came in, so that the way of an order can be drawn."""

from __future__ import annotations

import logging
from typing import Any

from jwtmw import current_principal

# Refusals are logged at INFO.
logging.basicConfig(level=logging.INFO)

Hop = dict[str, Any]


def hop(service: str, **more: Any) -> Hop:
    """Who called `service`, with a token of which issuer, and for whom."""
    caller = current_principal()
    return {
        "at": service,
        "issuer": caller.issuer_name,
        "subject": caller.subject,
        "audience": sorted(caller.audience),
        "token": caller.claims.get("jti"),
        "customer": caller.claims.get("customer"),
        "bound": caller.claims.get("bdy"),
        **more,
    }
