"""`python -m tests.system.servers.forked JWKS_URL ISSUER WARM DESCRIPTOR`: gunicorn --preload with two workers.

The policy and its key source are made before the fork. WARM is a token that is judged there, so that keys, worker
thread and timer are those of the parent; or "-", and nothing has been asked before the fork.

Owns: the order of what happens before and after the fork.
Must never know: what is expected.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any

from gunicorn.app.base import BaseApplication

from jwtmw import Policy, current_principal
from jwtmw.wsgi import JWTMiddleware
from tests.conformance.drivers.environs import answer, environ_of
from tests.conformance.schema import Request, bearer
from tests.conformance.world import Ledger


def whoami(environ: Any, start_response: Any) -> Iterable[bytes]:
    """Which process answers whom."""
    body = f"{os.getpid()} {current_principal().subject}".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


class Served(BaseApplication):
    """What gunicorn asks for."""

    def load_config(self) -> None:
        settings = {"bind": f"fd://{sys.argv[4]}", "preload_app": True, "workers": 2, "graceful_timeout": 1}
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        url, issuer, warm = sys.argv[1:4]
        app = JWTMiddleware(
            whoami, Policy(issuers=[{"issuer": issuer, "audience": ["orders"], "jwks_url": url}], cache={"size": 0})
        )
        if warm != "-":
            answered = answer(app, environ_of(Request(headers=(bearer(warm.encode()),)), Ledger()))
            assert b"%d alice" % os.getpid() == answered.body
        return app


if __name__ == "__main__":
    Served().run()
