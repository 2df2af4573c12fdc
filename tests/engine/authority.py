"""An issuer that can be asked about its tokens: an introspection endpoint on loopback that says what a test wrote down.

Owns: the answers, and what was asked.
Must never know: how answers are judged.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import parse_qsl

from jwtmw import Policy
from jwtmw.endpoints.endpoint import Response
from jwtmw.mint.loopback import LoopbackServer
from jwtmw.testing import TestIssuer

JSON = {"Content-Type": "application/json"}


class Authority:
    """What it says of a token stands in `says`; a token that does not is not active. `status` replaces every 200."""

    def __init__(self, issuer: TestIssuer) -> None:
        self.issuer = issuer
        self.says: dict[str, Any] = {}
        self.asked: list[str] = []
        self.headers: list[Mapping[str, str]] = []
        self.forms: list[dict[str, str]] = []
        self.status = 200
        self._server = LoopbackServer(self._respond)

    def _respond(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        form = dict(parse_qsl(body.decode(), strict_parsing=True))
        self.asked.append(form["token"])
        self.headers.append(headers)
        self.forms.append(form)
        return Response(self.status, JSON, json.dumps(self.says.get(form["token"], {"active": False})).encode())

    def good(self, token: str, **claims: Any) -> None:
        """Say of the token what a server would say of a good one, and these claims; None leaves one out."""
        usual = {
            "active": True,
            "iss": self.issuer.issuer,
            "aud": "orders",
            "sub": "alice",
            "exp": int(self.issuer.clock.time()) + 600,
        }
        self.says[token] = {name: value for name, value in {**usual, **claims}.items() if value is not None}

    @property
    def url(self) -> str:
        return f"{self._server.url}/introspect"

    def policy(
        self, entry: Mapping[str, Any] | None = None, proof: Mapping[str, Any] | None = None, **keys: Any
    ) -> Policy:
        """A policy in which this endpoint is asked, by its clock."""
        clock: Any = self.issuer.clock
        asked = {"url": self.url, **({"token": "word"} if proof is None else proof)}
        changes = {"introspection": asked, "jwks": None, "jwks_url": None, **(entry or {})}
        return Policy(issuers=[self.issuer.settings(**changes)], clock=clock, **keys)

    def close(self) -> None:
        self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
