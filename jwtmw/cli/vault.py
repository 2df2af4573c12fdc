"""`jwtmw vault`: users of Vault and OpenBao who can get a JWT, as EdgeX's `secrets-config proxy` makes them.

The Vault is the one that its own command would ask: --address, or VAULT_ADDR or BAO_ADDR; so is the administrator's
token: --token-file, or VAULT_TOKEN or BAO_TOKEN, or ~/.vault-token, which `vault login` writes. No secret is read from
the command line, which other users of the machine can see.

    jwtmw vault add-user --user alice > alice.json
    jwtmw vault get-token --credentials alice.json > alice.jwt
    jwtmw vault introspect --jwt-file alice.jwt
    jwtmw vault delete-user --user alice

Owns: the command's options, and what it prints.
Must never know: the HTTP API.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from jwtmw.cli import CommandError
from jwtmw.errors import ConfigurationError
from jwtmw.issuers.fetch import HttpSettings, url_problem
from jwtmw.vault.login import Userpass
from jwtmw.vault.server import Server, VaultFailed
from jwtmw.vault.users import NewUser, add_user, delete_user, identity_token, introspect

HELP = "manage users of Vault or OpenBao who can get a JWT"

_CURES = {
    None: "Check --address, and that it is up",
    400: "Check what was given",
    403: "Use a token that may do this: --token-file, VAULT_TOKEN or `vault login`; for introspect and a new user's"
    " rights see docs/vault.md",
    404: "Check --address, --namespace and --mount",
}


# What the members of `NewUser` are called here.
_OPTIONS = {
    "user": "--user",
    "mount": "--mount",
    "role": "--role",
    "key": "--key",
    "policy": "--policy",
    "token_ttl": "--token-ttl",
    "jwt_ttl": "--jwt-ttl",
    "audience": "--jwt-audience",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The subcommands of `jwtmw vault`."""
    commands = parser.add_subparsers(required=True, metavar="WHAT")
    add = _command(commands, "add-user", _add_user, "make a user and print its credentials; again: a new password")
    _user(add)
    add.add_argument("--token-ttl", default="1h", metavar="TTL", help="of its Vault tokens (default: %(default)s)")
    add.add_argument("--jwt-ttl", default="1h", metavar="TTL", help="of the JWTs (default: %(default)s)")
    add.add_argument("--jwt-audience", default="edgex", metavar="NAME", help="the JWTs' aud (default: %(default)s)")
    add.add_argument("--key", default="edgex-identity", metavar="NAME", help="made if missing (default: %(default)s)")
    add.add_argument("--policy", metavar="NAME", help="the user's policy (default: edgex-user-NAME)")
    _user(
        _command(commands, "delete-user", _delete_user, "remove a user; its JWTs end at their exp, or by introspection")
    )
    get = _command(commands, "get-token", _get_token, "log in as a user and print a JWT", token=False)
    get.add_argument(
        "--credentials", default="-", metavar="FILE", help="what add-user printed; - is standard input (the default)"
    )
    get.add_argument("--role", metavar="NAME", help="the role whose JWT is wanted (default: the user's name)")
    get.add_argument("--mount", default="userpass", help="where userpass is mounted (default: %(default)s)")
    ask = _command(commands, "introspect", _introspect, "ask whether a JWT is active; exit status 1: it is not")
    ask.add_argument("--jwt-file", default="-", metavar="FILE", help="- is standard input (the default)")
    ask.add_argument("--client-id", metavar="NAME", help="the audience that it must have")


def run(arguments: argparse.Namespace) -> int:
    """Do what the subcommand says."""
    perform: Callable[[argparse.Namespace], int] = arguments.perform
    try:
        return perform(arguments)
    except VaultFailed as failure:
        cure = failure.cure or _CURES.get(failure.status, "")
        raise CommandError(f"{failure.reason}. {cure}".removesuffix(". ")) from None
    except ValueError as error:
        member, _, problem = str(error).partition(": ")
        raise CommandError(f"{_OPTIONS[member]}: {problem}") from None


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    perform: Callable[[argparse.Namespace], int],
    text: str,
    token: bool = True,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(perform=perform)
    parser.add_argument("--address", metavar="URL", help="the Vault's (default: VAULT_ADDR or BAO_ADDR)")
    parser.add_argument("--namespace", metavar="PATH", help="(default: VAULT_NAMESPACE or BAO_NAMESPACE, or none)")
    parser.add_argument("--ca-file", metavar="FILE", help="(default: VAULT_CACERT or BAO_CACERT, or the system's)")
    parser.add_argument("--timeout", type=float, default=5.0, metavar="SECONDS", help="(default: %(default)s)")
    if token:
        parser.add_argument(
            "--token-file", metavar="FILE", help="the administrator's token (default: VAULT_TOKEN or ~/.vault-token)"
        )
    return parser


def _user(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--user", required=True, metavar="NAME", help="in lower case")
    parser.add_argument("--mount", default="userpass", help="where userpass is mounted (default: %(default)s)")


def _add_user(arguments: argparse.Namespace) -> int:
    user = NewUser(
        name=arguments.user,
        audience=arguments.jwt_audience,
        key=arguments.key,
        policy=f"edgex-user-{arguments.user}" if arguments.policy is None else arguments.policy,
        mount=arguments.mount,
        token_ttl=arguments.token_ttl,
        jwt_ttl=arguments.jwt_ttl,
    )
    password = add_user(_server(arguments), _token(arguments), user)
    print(json.dumps({"username": user.name, "password": password}))
    return 0


def _delete_user(arguments: argparse.Namespace) -> int:
    delete_user(_server(arguments), _token(arguments), arguments.user, arguments.mount)
    return 0


def _get_token(arguments: argparse.Namespace) -> int:
    username, password = _credentials(arguments.credentials)
    login = Userpass(arguments.mount, username, password)
    print(identity_token(_server(arguments), login, arguments.role or username))
    return 0


def _introspect(arguments: argparse.Namespace) -> int:
    server, token = _server(arguments), _token(arguments)
    active, error = introspect(server, token, _content("--jwt-file", arguments.jwt_file), arguments.client_id)
    print(json.dumps({"active": active} | ({"error": error} if error else {})))
    return 0 if active else 1


def _server(arguments: argparse.Namespace) -> Server:
    url = (arguments.address or _variable("ADDR")).removesuffix("/")
    if not url:
        raise CommandError("which Vault? Give --address, or set VAULT_ADDR")
    problem = url_problem(url)
    if problem:
        raise CommandError(f"--address: {problem}")
    try:
        settings = HttpSettings(arguments.timeout, arguments.ca_file or _variable("CACERT") or None)
    except ConfigurationError as error:
        option = "--timeout" if error.key == "http.timeout" else "--ca-file"
        raise CommandError(f"{option}: {error.problem}") from None
    namespace = (arguments.namespace or _variable("NAMESPACE")).strip("/")
    return Server("vault", url, namespace, settings)


def _token(arguments: argparse.Namespace) -> str:
    if arguments.token_file is not None:
        return _content("--token-file", arguments.token_file)
    token = _variable("TOKEN")
    if not token:
        with suppress(OSError, ValueError, RuntimeError):
            token = (Path.home() / ".vault-token").read_text(encoding="ascii").strip()
    if not token:
        raise CommandError("there is no token. Give --token-file, set VAULT_TOKEN, or log in by `vault login`")
    return token


def _variable(name: str) -> str:
    """OpenBao's variable where it is set, as its own command has it, else Vault's."""
    return os.environ.get(f"BAO_{name}") or os.environ.get(f"VAULT_{name}", "")


def _credentials(name: str) -> tuple[str, str]:
    document = None
    with suppress(ValueError):
        document = json.loads(_content("--credentials", name))
    if isinstance(document, dict):
        username, password = document.get("username"), document.get("password")
        if isinstance(username, str) and isinstance(password, str) and password:
            return username, password
    raise CommandError('--credentials: not {"username": ..., "password": ...}, as add-user prints it')


def _content(option: str, name: str) -> str:
    try:
        content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise CommandError(f"{option}: {name} cannot be read: {error.strerror}") from None
    text = content.decode("utf-8", "replace").strip()
    if not text:
        raise CommandError(f"{option}: there is nothing in it")
    return text
