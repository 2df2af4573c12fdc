"""`python -m tests.system.servers.serve NAME SHARED DESCRIPTOR`: one real server, in this process and on this socket.

Owns: how each server is started in code.
Must never know: what it serves.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.system.servers import hosted

# Set before anything is served; a server that forks or imports finds it here.
HOST: hosted.Host


def _hypercorn(listener: socket.socket) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.include_server_header = False
    asyncio.run(serve(hosted.asgi(HOST), config))  # type: ignore[arg-type]


def _granian(interface: str) -> Callable[[socket.socket], None]:
    def run(listener: socket.socket) -> None:
        from granian import Granian
        from granian.constants import Interfaces

        # It binds by itself, beside this socket, which does not listen and only keeps the port.
        port = listener.getsockname()[1]
        server = Granian("in this process", port=port, interface=Interfaces(interface), log_enabled=False)
        made = hosted.asgi if interface == "asgi" else hosted.wsgi
        server.serve(target_loader=lambda *_: made(HOST), wrap_loader=False)

    return run


def _gunicorn(**options: Any) -> Callable[[socket.socket], None]:
    def run(listener: socket.socket) -> None:
        from gunicorn.app.base import BaseApplication

        class Served(BaseApplication):
            def load_config(self) -> None:
                settings = {
                    "bind": f"fd://{listener.fileno()}",
                    "loglevel": "warning",
                    "graceful_timeout": 1,
                    **options,
                }
                for name, value in settings.items():
                    self.cfg.set(name, value)

            def load(self) -> Any:
                # In the master with --preload, else in the worker.
                if options.get("preload_app"):
                    HOST.make_all("wsgi")
                return hosted.wsgi(HOST)

        Served().run()

    return run


def _waitress(listener: socket.socket) -> None:
    from waitress import create_server

    create_server(hosted.wsgi(HOST), sockets=[listener], threads=1, ident="").run()


def _werkzeug(listener: socket.socket) -> None:
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    host, port = listener.getsockname()
    make_server(host, port, hosted.wsgi(HOST), fd=listener.fileno()).serve_forever()


SERVERS: dict[str, Callable[[socket.socket], None]] = {
    "hypercorn": _hypercorn,
    "granian-asgi": _granian("asgi"),
    "granian-wsgi": _granian("wsgi"),
    "gunicorn-sync": _gunicorn(worker_class="sync"),
    "gunicorn-gthread": _gunicorn(worker_class="gthread", threads=2),
    "gunicorn-preload": _gunicorn(worker_class="sync", preload_app=True),
    "waitress": _waitress,
    "werkzeug": _werkzeug,
}


def main() -> None:
    """Serve until this process is told to end."""
    global HOST  # noqa: PLW0603 (see above)
    name, shared, descriptor = sys.argv[1:]
    HOST = hosted.Host(Path(shared))
    SERVERS[name](socket.socket(fileno=int(descriptor)))


if __name__ == "__main__":
    main()
