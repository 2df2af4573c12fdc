"""WSGI applications asked in process, and the middlewares of a drawn WSGI application.

Owns: environs, rewriting and answering between jwtmw and the router.
Must never know: jwtmw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tests.conformance.drivers import environs
from tests.conformance.drivers.environs import App, Environ
from tests.conformance.schema import Answer, Request
from tests.property import model
from tests.property.ledger import Ledger
from tests.property.model import Rewrite
from tests.property.surfaces.wire import BODY


def path_of(environ: Environ) -> str:
    """What a WSGI router goes by."""
    return environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace") or "/"


def sender(app: App, ledger: Ledger) -> Callable[[Request], Answer]:
    """Ask as a server does."""

    def send(request: Request) -> Answer:
        # A server keeps what it gets by the ledger of the conformance drivers, of which only the body is used.
        return environs.answer(app, environs.environ_of(request, ledger))  # type: ignore[arg-type]

    return send


def around(app: App, drawn: model.App) -> App:
    """The application behind the drawn middlewares."""
    if drawn.rewrite:
        app = rewriting(app, drawn.rewrite)
    return answering(app, drawn.answers) if drawn.answers else app


def rewriting(app: App, rewrite: Rewrite) -> App:
    """Between jwtmw and a router."""

    def between(environ: Environ, start_response: Any) -> Iterable[bytes]:
        path = path_of(environ)
        environ = dict(environ) if rewrite.copies else environ
        environ["REQUEST_METHOD"], new, more = rewrite.apply(environ["REQUEST_METHOD"], path)
        if new != path:
            environ["PATH_INFO"] = new.encode().decode("latin-1")
            environ["SCRIPT_NAME"] += more
        return app(environ, start_response)

    return between


def answering(app: App, paths: str) -> App:
    """Answers some paths itself, as one that serves files does."""

    def between(environ: Environ, start_response: Any) -> Iterable[bytes]:
        if Rewrite(paths).applies(path_of(environ)):
            start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(BODY)))])
            return [BODY]
        return app(environ, start_response)

    return between
