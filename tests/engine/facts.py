"""Requests made by hand, policies for them, and a key source that lets one wait.

Owns: what an adapter would say, and flights that land when a test says so.
Must never know: ASGI, how to decide.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from jwtmw import Policy
from jwtmw.adapter import Mark, Request
from jwtmw.engine import Engine
from jwtmw.issuers.issuer import Issuers
from jwtmw.issuers.keys import Key
from jwtmw.issuers.source import Flight, KeyState
from jwtmw.policy.requirements import Requirement
from jwtmw.policy.rules import Access
from jwtmw.testing import TestIssuer


class Facts(Request):
    """A request as an adapter would present it; `token` goes into the header Authorization."""

    def __init__(
        self,
        path: Any = "/orders",
        method: str = "GET",
        *,
        token: str | None = None,
        headers: dict[str, str] | None = None,
        query: bytes = b"",
        mark: Mark | None = None,
        known: bool = True,
    ) -> None:
        super().__init__(method, path, None, query)
        self.headers = {name.encode(): value.encode() for name, value in (headers or {}).items()}
        if token is not None:
            self.headers[b"authorization"] = f"Bearer {token}".encode()
        self.mark, self.endpoint_known = mark, known

    def header(self, name: bytes) -> bytes | None:
        return self.headers.get(name)


def policy_of(issuer: TestIssuer, *, entry: dict[str, Any] | None = None, **keys: Any) -> Policy:
    """A policy of this one issuer, on its clock; `entry` is laid over the issuer's own."""
    clock: Any = issuer.clock
    return Policy(issuers=[issuer.settings(**(entry or {}))], clock=clock, **keys)


def mark(access: Access | None = None, **requirement: Any) -> Mark:
    """What `@public`, `@optional` or `@requires` leave on an endpoint."""
    return Mark(access, Requirement.of(**requirement))


def flight(timeout: float = 5.0) -> Flight:
    """A flight on the real clock."""
    return Flight(time.monotonic(), timeout, time.monotonic)


class Waits:
    """A key source whose first answer is always the flight; behind it there are the keys, or what `then` raises."""

    @property
    def generation(self) -> int:
        return self.source.generation

    @property
    def state(self) -> KeyState:
        return self.source.state

    def __init__(self, engine: Engine, on: Flight, then: Exception | None = None) -> None:
        (issuer,) = engine.verifier.issuers.by_name.values()
        self.source = issuer.keys
        self.on = on
        self.then = then
        issuers = Issuers([replace(issuer, keys=self)], engine.locator.places)
        self.engine = replace(engine, verifier=replace(engine.verifier, issuers=issuers))

    def look_up(self, kid: str | None, alg: str, after: Flight | None = None) -> tuple[Key, ...] | Flight:
        if after is None:
            return self.on
        assert after is self.on
        if self.then is not None:
            raise self.then
        return self.source.look_up(kid, alg)

    def trusts(self, key: Key, generation: int) -> bool:
        return False
