"""`jwtmw gateway`: serve the endpoint that nginx, Traefik, Caddy or Envoy asks before it lets a request pass.

One process, under uvicorn. What the gateway reports is believed: let nobody else reach the port. For an internal token,
or for more processes, serve `jwtmw.gateway.asgi.ForwardAuth` under a server of your own.

Owns: the command's options, how uvicorn is set, and what is printed.
Must never know: what a gateway reports, how to decide.
"""

from __future__ import annotations

import argparse
import socket

from jwtmw.cli import CommandError
from jwtmw.compose import Policy
from jwtmw.gateway.asgi import ForwardAuth
from jwtmw.gateway.reported import GATEWAYS

_HIGHEST_PORT = 65535

HELP = "serve the endpoint that a gateway asks about each request"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `jwtmw gateway`."""
    add = parser.add_argument
    add("--config", metavar="FILE", help="a TOML file (default: what the environment says)")
    add("--for", dest="kind", choices=tuple(GATEWAYS), help="who asks (default: gateway.kind)")
    add("--host", default="127.0.0.1", help="where only the gateway reaches it (default: %(default)s)")
    add("--port", type=int, default=9000, help="0 takes a free one (default: %(default)s)")


def run(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    try:
        import uvicorn
    except ImportError:
        raise CommandError('needs a server that is not installed. Run: pip install "jwtmw[cli]"') from None
    policy = Policy(arguments.config)
    config = uvicorn.Config(
        ForwardAuth(policy, arguments.kind),
        # A handshake is asked about as any other request, and a log of targets would hold the tokens in their queries.
        ws="none",
        access_log=False,
        log_level="warning",
        lifespan="off",
        proxy_headers=False,
        server_header=False,
    )
    with _listening(arguments.host, arguments.port) as listening:
        host, port = listening.getsockname()[:2]
        host = f"[{host}]" if ":" in host else host
        kind = arguments.kind or policy.settings.gateway.kind
        print(f"Answering {kind} on http://{host}:{port}{policy.settings.gateway.path}, until Ctrl-C.", flush=True)
        try:
            uvicorn.Server(config).run(sockets=[listening])
        except KeyboardInterrupt:
            print("stopped")
    return 0


def _listening(host: str, port: int) -> socket.socket:
    if not 0 <= port <= _HIGHEST_PORT:
        raise CommandError(f"--port: {port} is none; 0 takes a free one")
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError:
        cure = "--port 0 takes a free one"
        raise CommandError(f"--host, --port: {host}, port {port}, cannot be listened on; {cure}") from None
