"""What the engine may need from the world while it decides: told as effects, performed by the drivers.

Owns: the effects and the shape of a flow.
Must never know: who yields them, how they are performed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Generator
from typing import Any, NamedTuple

from jwtmw.decision import Decision
from jwtmw.issuers.source import Flight


class Wait(NamedTuple):
    """Wait until the flight has landed or is overdue, or send back what the awaitable brings."""

    on: Flight | Awaitable[Any]


class ReadBody(NamedTuple):
    """Read the request's body, at most `limit` bytes, and send it back whole; None where it is larger.

    Where it does not come whole, `BodyUnreadable` is thrown in.
    """

    limit: int


Effect = Wait | ReadBody
Flow = Generator[Effect, Any, Decision]
