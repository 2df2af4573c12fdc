"""`jwtmw issuer`: an issuer for development on this machine, with discovery, JWKS and client credentials.

Its keys are made on the spot and end with the process; it listens on loopback and nowhere else.

Owns: the command's options and what it prints.
Must never know: how tokens are made or checked.
"""

from __future__ import annotations

import argparse
import secrets
import shlex

from jwtmw.cli import CommandError
from jwtmw.mint.development import DevelopmentIssuer
from jwtmw.mint.grant import Client
from jwtmw.mint.loopback import LoopbackServer

HELP = "serve a development issuer on loopback"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `jwtmw issuer`."""
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="a loopback address (default: %(default)s)")
    add("--port", type=int, default=9000, help="0 takes a free one (default: %(default)s)")
    add("--issuer", metavar="URL", help="what iss says (default: where it listens)")
    add(
        "--audience",
        action="append",
        metavar="NAME",
        help="may be repeated; the first is the default (default: orders)",
    )
    add(
        "--client",
        action="append",
        metavar="ID:SECRET[:SCOPES]",
        help="may be repeated; scopes are separated by spaces or commas (default: one with a secret made on the spot)",
    )
    add("--ttl", type=int, default=3600, metavar="SECONDS", help="the tokens' lifetime (default: %(default)s)")
    add("--algorithm", default="ES256", help="of the signing key (default: %(default)s)")


def run(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    clients = [
        _client(text) for text in arguments.client or [f"dev:{secrets.token_urlsafe(12)}:orders:read orders:write"]
    ]
    issuer = _issuer(arguments, clients)
    with _server(arguments, issuer) as server:
        issuer.base_url = server.url
        issuer.issuer = arguments.issuer or server.url
        print(_report(issuer, clients), flush=True)
        try:
            server.wait()
        except KeyboardInterrupt:
            print("stopped")
    return 0


def _client(text: str) -> Client:
    name, _, rest = text.partition(":")
    secret, _, scopes = rest.partition(":")
    try:
        return Client(name, secret, tuple(scopes.replace(",", " ").split()))
    except ValueError as error:
        raise CommandError(f"--client: {error}. Write id:secret or id:secret:scopes") from None


def _issuer(arguments: argparse.Namespace, clients: list[Client]) -> DevelopmentIssuer:
    if arguments.algorithm.startswith("HS"):
        raise CommandError("--algorithm: a secret cannot be published; choose one with a key pair, as ES256 or RS256")
    if arguments.ttl <= 0:
        raise CommandError("--ttl: a token lives for at least one second")
    try:
        return DevelopmentIssuer(
            "",
            audience=arguments.audience or ["orders"],
            algorithm=arguments.algorithm,
            clients=clients,
            ttl=arguments.ttl,
        )
    except ValueError as error:
        raise CommandError(f"--algorithm: {error}") from None


def _server(arguments: argparse.Namespace, issuer: DevelopmentIssuer) -> LoopbackServer:
    try:
        return LoopbackServer(issuer.respond, host=arguments.host, port=arguments.port)
    except ValueError as error:
        raise CommandError(f"--host: {error}") from None
    except (OSError, OverflowError):
        raise CommandError(f"--port: {arguments.port} cannot be had; --port 0 takes a free one") from None


def _report(issuer: DevelopmentIssuer, clients: list[Client]) -> str:
    metadata = issuer.metadata()
    user = shlex.quote(f"{clients[0].id}:{clients[0].secret}")
    return f"""\
A development issuer, {issuer.signer.algorithm}, until Ctrl-C. For the service that checks its tokens:

export JWTMW_ISSUER={shlex.quote(issuer.issuer)}
export JWTMW_JWKS_URL={shlex.quote(metadata["jwks_uri"])}
export JWTMW_AUDIENCE={shlex.quote(",".join(issuer.audience))}

A token:

curl -s -u {user} -d grant_type=client_credentials {shlex.quote(metadata["token_endpoint"])}
"""
