"""The application with routes and marks, as data, so that every framework can build the same one.

Owns: paths, methods and marks of the endpoints.
Must never know: frameworks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jwtmw import optional, public, requires

Mark = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One route. `marks` are applied from the last to the first, as stacked decorators are.

    kind     "async", "sync", "class" (GET and POST, `post` marks the latter) or "websocket"
    nested   registered in a sub-application, blueprint or include under its first segment
    """

    path: str
    marks: tuple[Mark, ...] = ()
    methods: tuple[str, ...] = ("GET",)
    kind: str = "async"
    post: tuple[Mark, ...] = ()
    nested: bool = False

    def mark(self, endpoint: Any) -> Any:
        """The endpoint behind its marks."""
        for mark in reversed(self.marks):
            endpoint = mark(endpoint)
        return endpoint


READS = requires("stock:read")
ENDPOINTS = [
    Endpoint("/plain"),
    Endpoint("/plain-sync", kind="sync"),
    Endpoint("/posted", methods=("POST",)),
    Endpoint("/marked/public", (public,)),
    Endpoint("/marked/public-sync", (public,), kind="sync"),
    Endpoint("/marked/public-posted", (public,), methods=("POST",)),
    Endpoint("/marked/optional", (optional,)),
    Endpoint("/marked/token", (requires(),)),
    Endpoint("/marked/reads", (READS,)),
    Endpoint("/marked/reads-sync", (READS,), kind="sync"),
    Endpoint("/marked/reads-posted", (READS,), methods=("POST",)),
    Endpoint("/marked/two-scopes", (requires("stock:read", "stock:write"),)),
    Endpoint("/marked/stacked", (READS, requires("stock:write"))),
    Endpoint("/marked/any-scope", (requires(any_scope=["stock:read", "stock:admin"]),)),
    Endpoint("/marked/roles", (requires(roles=["clerk", "auditor"]),)),
    Endpoint("/marked/any-role", (requires(any_role=["clerk", "auditor"]),)),
    Endpoint("/marked/claims", (requires(claims={"client_id": ["shop", "kiosk"]}),)),
    Endpoint("/marked/issuers", (requires(issuers=["partner"]),)),
    Endpoint("/marked/audience", (requires(audience=["back-office"]),)),
    Endpoint("/marked/optional-reads", (optional, READS)),
    Endpoint("/marked/reads-optional", (READS, optional)),
    Endpoint("/marked/item/{number}", (public,)),
    Endpoint("/class/reads", (READS,), ("GET", "POST"), "class", (requires("stock:write"),)),
    Endpoint("/class/public", (public,), ("GET", "POST"), "class"),
    Endpoint("/class/plain", (), ("GET", "POST"), "class", (READS,)),
    Endpoint("/nested/plain", nested=True),
    Endpoint("/nested/public", (public,), nested=True),
    Endpoint("/nested/reads", (READS,), nested=True),
    Endpoint("/ruled/token/marked-public", (public,)),
    Endpoint("/ruled/token/marked-optional", (optional,)),
    Endpoint("/ruled/token/marked-reads", (READS,)),
    Endpoint("/ruled/writes/marked-reads", (READS,)),
    Endpoint("/ruled/open/marked-reads", (READS,)),
    Endpoint("/ruled/optional/marked-reads", (READS,)),
    Endpoint("/ruled/closed/marked-public", (public,)),
    Endpoint("/ruled/closed/marked-reads", (READS,)),
    Endpoint("/ruled/open/marked-optional-reads", (optional, READS)),
    Endpoint("/chat/plain", kind="websocket"),
    Endpoint("/chat/public", (public,), kind="websocket"),
    Endpoint("/chat/reads", (READS,), kind="websocket"),
]
