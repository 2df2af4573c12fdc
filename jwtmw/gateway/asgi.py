"""The forward-auth endpoint as an ASGI application.

Owns: the translation of the gateway's own request, and of the answer.
Must never know: how to decide, what a gateway reports, any framework.
"""

from __future__ import annotations

from jwtmw.asgi import ASGIRequest, send_response
from jwtmw.challenge import Response
from jwtmw.compose import PolicySource
from jwtmw.drive import arun
from jwtmw.gateway.answers import ELSEWHERE
from jwtmw.gateway.forward_auth import Endpoint, MintsInternal, no_body
from jwtmw.messages import Receive, Scope, Send, live


class ForwardAuth:
    """The endpoint that a gateway asks before it lets a request pass: `application = ForwardAuth(policy, "nginx")`.

    `policy` is a `Policy`, a mapping, the path of a TOML file, or None for the environment; `gateway` is "nginx",
    "traefik", "caddy" or "envoy", None for what `[gateway]` says. `internal` mints the token with which authenticated
    callers go on, in the place of their own.

    Answers 200 with the headers for the application, or the refusal. Raises `ConfigurationError`.
    """

    def __init__(
        self, policy: PolicySource = None, gateway: str | None = None, *, internal: MintsInternal | None = None
    ) -> None:
        self._endpoint = Endpoint(policy, gateway, internal)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request of the gateway."""
        if scope["type"] == "lifespan":
            return await live(receive, send)
        await send_response(await self._answer(scope), scope, send)

    async def _answer(self, scope: Scope) -> Response:
        endpoint = self._endpoint
        own = ASGIRequest(scope)
        # No gateway asks by a handshake.
        request = None if own.websocket else endpoint.reported(own, own.headers)
        if request is None:
            return ELSEWHERE
        decision = endpoint.decide_now(request)
        if decision is None:
            decision = await arun(endpoint.policy.engine, request, _no_body)
        owed = endpoint.owed(decision)
        if owed is None:
            return endpoint.answer(own, request, decision)
        internal, principal = owed
        try:
            token = await internal.amint(principal)
        except Exception as error:  # noqa: BLE001 (whatever it is, nobody passes without the token)
            return endpoint.not_minted(own, request, error)
        return endpoint.answer(own, request, decision, token)


async def _no_body(limit: int) -> None:
    no_body(limit)
