"""The forward-auth endpoint: a gateway asks it about each request before the request goes on.

`jwtmw.gateway.asgi` and `jwtmw.gateway.wsgi` serve it. Behind the gateway services must still check for themselves:
whoever reaches one past the gateway has asked nobody.

Owns: what an endpoint is made of, and the steps from a report to an answer.
Must never know: how to decide, ASGI, WSGI, how an internal token is minted.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from math import ceil
from typing import Protocol

from jwtmw.challenge import Response
from jwtmw.compose import Policy, PolicySource
from jwtmw.decision import Decision, Deny, Reason
from jwtmw.errors import ConfigurationError, Unavailable
from jwtmw.gateway.answers import Answers
from jwtmw.gateway.reported import GATEWAYS, Lines, Reported, Reporter
from jwtmw.records import record_refusal, record_unforeseen
from jwtmw.request import Request
from jwtmw.settings import Settings
from jwtmw.token.principal import Principal
from jwtmw.token.strict import is_b64token

logger = logging.getLogger("jwtmw.gateway")


class MintsInternal(Protocol):
    """What makes the token that goes inwards in the place of the caller's own: `jwtmw.mint.InternalTokens` does."""

    def mint(self, principal: Principal) -> str:
        """A token for this caller; whatever it raises refuses the request."""
        ...

    def amint(self, principal: Principal) -> Awaitable[str]:
        """The same on an event loop."""
        ...


class Endpoint:
    """One policy asked by one kind of gateway: "nginx", "traefik", "caddy" or "envoy", None for what `[gateway]` says.

    Raises `ConfigurationError` where no gateway is named, and for what cannot be judged or hidden from here.
    """

    def __init__(self, policy: PolicySource, gateway: str | None, internal: MintsInternal | None) -> None:
        self.policy = Policy.load(policy)
        settings = self.policy.settings
        table = settings.gateway
        kind = GATEWAYS.get(gateway or table.kind)
        if kind is None:
            cure = f"Write one of {', '.join(GATEWAYS)}"
            raise ConfigurationError("gateway.kind", "says of no gateway that jwtmw knows how it asks", cure)
        _refuse_unfit(settings)
        self._internal = internal
        self._reporter = Reporter(kind, table.path, table.method_header, table.target_header)
        self._answers = Answers(
            kind,
            self.policy.renderer,
            settings.identity_headers,
            None if internal is None else table.internal_header,
            settings.hide_credentials,
            {int(status): sent for status, sent in table.map_status.items()},
        )
        self._scheme = b"Bearer " if table.internal_header.lower() == "authorization" else b""
        self._missed = False
        # A server in front that mixes headers up would let the caller say what is judged.
        self.believes_headers = self._reporter.reads_headers and settings.secure and settings.inbound

    def reported(self, own: Request, lines: Lines) -> Reported | None:
        """The request that is to be judged; None where the gateway's own came to another path than ours."""
        reported = self._reporter.read(own, lines)
        unread = reported is not None and not (reported.method and reported.path)
        if unread and not self._missed and (missing := self._reporter.missing(lines)):
            # Said once: this is the gateway's configuration, and every request is refused for it.
            self._missed = True
            logger.warning("the gateway does not report %s: let it, or name the header that it sends", missing)
        return reported

    def decide_now(self, request: Reported) -> Decision | None:
        """As the engine has it; a header that would get past the gateway as one of the application's is refused."""
        engine = self.policy.engine
        if engine.judging and self._answers.refuses_forged(request.lines):
            decision = engine.conclude(request, Deny(Reason.HEADER_AMBIGUOUS))
            if isinstance(decision, Deny):
                return decision
        return engine.decide_now(request)

    def owed(self, decision: Decision) -> tuple[MintsInternal, Principal] | None:
        """Who mints the internal token for whom; None where none is owed. Who is anonymous goes on without any."""
        if self._internal is None or isinstance(decision, Deny) or not decision.principal.is_authenticated:
            return None
        return self._internal, decision.principal

    def answer(self, own: Request, request: Reported, decision: Decision, token: str | None = None) -> Response:
        """What the gateway is told. `token` is the internal one, where it is owed."""
        if isinstance(decision, Deny):
            return self._answers.refused(request, decision, own.method == "HEAD")
        if token is None:
            return self._answers.allowed(request, decision, None)
        if not isinstance(token, str) or not is_b64token(octets := token.encode("utf-8", "replace")):
            return self.not_minted(own, request, ValueError("no token"))
        return self._answers.allowed(request, decision, self._scheme + octets)

    def failed(self, own: Request, request: Reported, where: str, error: Exception) -> Response:
        """The answer where something beside the judgement failed: never a pass, not in report-only mode either."""
        if isinstance(error, Unavailable):
            deny = Deny(error.reason, request.ask, retry_after=ceil(error.retry_after))
        else:
            record_unforeseen(where, error)
            deny = Deny(Reason.INTERNAL, request.ask)
        record_refusal(self.policy.engine.metrics, deny, reported=False)
        return self._answers.refused(request, deny, own.method == "HEAD")

    def not_minted(self, own: Request, request: Reported, error: Exception) -> Response:
        """The answer where there is no internal token: nobody goes on without the one that is owed."""
        return self.failed(own, request, "the internal token", error)


def _refuse_unfit(settings: Settings) -> None:
    """A gateway asks about the head of a request, and takes no more than headers out of it."""
    for index, rule in enumerate(settings.rules):
        if rule.body is not None:
            cure = "Let the service judge the body, and leave the key out here"
            raise ConfigurationError(f"rules[{index}].body", "cannot hold here: gateways do not send the body", cure)
    places = [*settings.token_from, *(place for issuer in settings.issuers for place in issuer.token_from or ())]
    if settings.hide_credentials and any(place.header is None for place in places):
        problem = "cannot hold here: a gateway takes a token out of a header, and of nothing else"
        raise ConfigurationError(
            "hide_credentials", problem, "Let the service hide it, or read tokens from headers only"
        )


def no_body(limit: int) -> None:
    """The body of the original request is not to be had."""
