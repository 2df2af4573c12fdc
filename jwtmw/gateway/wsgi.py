"""The forward-auth endpoint as a WSGI application (PEP 3333).

Owns: the translation of the gateway's own request, and of the answer; which servers can be believed about headers.
Must never know: how to decide, what a gateway reports, any framework.

A server that takes `X_Forwarded_Uri` for `X-Forwarded-Uri` lets the caller say what is judged: gateways replace only
the latter. Nobody behind the server can tell, so what is reported in headers is believed behind servers that are known
to drop such names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from jwtmw.challenge import Response
from jwtmw.compose import PolicySource
from jwtmw.drive import run
from jwtmw.environ import Environ, WSGIRequest, octets
from jwtmw.errors import ConfigurationError
from jwtmw.gateway.answers import ELSEWHERE
from jwtmw.gateway.forward_auth import Endpoint, MintsInternal, no_body
from jwtmw.wsgi import StartResponse, refuse_unfit, send_response

# What SERVER_SOFTWARE begins with where headers with an underscore are dropped; gunicorn does since 22.0.
_DROPPING = re.compile(r"gunicorn/(?:2[2-9]|[3-9][0-9]|[1-9][0-9]{2,})\.|waitress|Werkzeug/", re.ASCII)
_FOLDS = ConfigurationError(
    "gateway",
    "this WSGI server may take X_Forwarded_Uri for X-Forwarded-Uri, and so let the caller say what is judged",
    "Serve it by gunicorn from 22.0 on, waitress or as ASGI, or vouch for the server by drops_underscores=True",
)


class ForwardAuth:
    """The endpoint that a gateway asks before it lets a request pass: `application = ForwardAuth(policy, "nginx")`.

    As `jwtmw.gateway.asgi.ForwardAuth`; `internal` mints in the thread of the request. `drops_underscores=True` vouches
    for a server that is not gunicorn, waitress or Werkzeug: that it drops headers with an underscore in their name.
    Behind any other server every request is answered 500, unless the gateway is Envoy, which reports by no header.
    """

    def __init__(
        self,
        policy: PolicySource = None,
        gateway: str | None = None,
        *,
        internal: MintsInternal | None = None,
        drops_underscores: bool = False,
    ) -> None:
        self._endpoint = Endpoint(policy, gateway, internal)
        refuse_unfit(self._endpoint.policy)
        self._vouched = drops_underscores or not self._endpoint.believes_headers

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request of the gateway."""
        return send_response(self._answer(environ), start_response)

    def _answer(self, environ: Environ) -> Response:
        endpoint = self._endpoint
        own = WSGIRequest(environ)
        request = endpoint.reported(own, _lines(environ))
        if request is None:
            return ELSEWHERE
        if not (self._vouched or _DROPPING.match(str(environ.get("SERVER_SOFTWARE")))):
            return endpoint.failed(own, request, "a report in headers", _FOLDS)
        decision = endpoint.decide_now(request)
        if decision is None:
            decision = run(endpoint.policy.engine, request, no_body)
        owed = endpoint.owed(decision)
        if owed is None:
            return endpoint.answer(own, request, decision)
        internal, principal = owed
        try:
            token = internal.mint(principal)
        except Exception as error:  # noqa: BLE001 (whatever it is, nobody passes without the token)
            return endpoint.not_minted(own, request, error)
        return endpoint.answer(own, request, decision, token)


def _lines(environ: Environ) -> list[tuple[bytes, bytes]]:
    """The headers, as far as their names can be told; lines of one name are one already."""
    return [
        (key[5:].lower().replace("_", "-").encode("latin-1", "replace"), octets(value))
        for key, value in environ.items()
        if key.startswith("HTTP_")
    ]
