"""`python -m tests.system.bodies.serve SURFACE JWKS_URL ISSUER MAX_BODY_BYTES DESCRIPTOR`: one real server.

POST /upload reads its body in pieces and tells length and hash; GET /memory tells the peak of this process's resident
memory since the last time that it was asked, in kB.

Owns: the applications, and how each server is started.
Must never know: what is expected.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import uvicorn
from django.http import HttpRequest, HttpResponse
from django.urls import path
from flask import Flask
from flask import request as flask_request

import jwtmw.asgi
import jwtmw.wsgi
from jwtmw import Policy
from jwtmw_flask import JWTAuth
from tests.django.project import OURS, Project

PIECE = 65_536


def told(pieces: Iterable[bytes]) -> bytes:
    """Length and hash of what comes in pieces."""
    hashed, length = sha256(), 0
    for piece in pieces:
        hashed.update(piece)
        length += len(piece)
    return f"{length} {hashed.hexdigest()}".encode()


def peak() -> bytes:
    """The peak of the resident memory (VmHWM) in kB, which then begins again."""
    status = Path("/proc/self/status").read_text()
    Path("/proc/self/clear_refs").write_text("5")
    return next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")).encode()


def pieces_of(read: Callable[[int], bytes]) -> Iterator[bytes]:
    return iter(partial(read, PIECE), b"")


def asgi(policy: Policy) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/memory":
            answer = peak()
        else:
            hashed, length, more = sha256(), 0, True
            while more:
                message = await receive()
                hashed.update(message.get("body", b""))
                length += len(message.get("body", b""))
                more = message.get("more_body", False)
            answer = f"{length} {hashed.hexdigest()}".encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": answer})

    return jwtmw.asgi.JWTMiddleware(app, policy)


def wsgi(policy: Policy) -> Any:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        memory = environ["PATH_INFO"] == "/memory"
        answer = peak() if memory else told(pieces_of(environ["wsgi.input"].read))
        start_response("200 OK", [("Content-Length", str(len(answer)))])
        return [answer]

    return jwtmw.wsgi.JWTMiddleware(app, policy)


def flask(policy: Policy) -> Any:
    app = Flask("uploads")
    app.add_url_rule("/memory", "memory", peak)
    app.add_url_rule("/upload", "upload", lambda: told(pieces_of(flask_request.stream.read)), methods=["POST"])
    JWTAuth(app, policy)
    return app


def django(kind: str) -> Callable[[Policy], Any]:
    def upload(request: HttpRequest) -> HttpResponse:
        return HttpResponse(told(pieces_of(request.read)))

    def make(policy: Policy) -> Any:
        views = [path("memory", lambda request: HttpResponse(peak())), path("upload", upload)]
        project = Project(kind, views, MIDDLEWARE=[OURS], JWTMW=policy)

        # For the life of this process: requests overlap.
        project.settings().enable()
        return project.handler

    return make


def by_uvicorn(app: Any, listener: socket.socket) -> None:
    config = uvicorn.Config(app, lifespan="off", log_config=None)
    asyncio.run(uvicorn.Server(config).serve([listener]))


def by_gunicorn(app: Any, listener: socket.socket) -> None:
    from gunicorn.app.base import BaseApplication

    class Served(BaseApplication):
        def load_config(self) -> None:
            settings = {"bind": f"fd://{listener.fileno()}", "loglevel": "warning", "graceful_timeout": 1}
            for name, value in settings.items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            return app

    Served().run()


SURFACES: dict[str, tuple[Callable[[Policy], Any], Callable[[Any, socket.socket], None]]] = {
    "asgi": (asgi, by_uvicorn),
    "wsgi": (wsgi, by_gunicorn),
    "flask": (flask, by_gunicorn),
    "django-wsgi": (django("wsgi"), by_gunicorn),
    "django-asgi": (django("asgi"), by_uvicorn),
}


def main() -> None:
    """Serve until this process is told to end."""
    surface, url, issuer, limit, descriptor = sys.argv[1:]
    make, run = SURFACES[surface]
    policy = Policy(
        issuers=[{"issuer": issuer, "audience": ["orders"], "jwks_url": url}],
        max_body_bytes=int(limit),
        rules=[{"path": "/upload", "body": "sha-256"}, {"path": "/memory", "allow": "public"}],
    )
    run(make(policy), socket.socket(fileno=int(descriptor)))


if __name__ == "__main__":
    main()
