"""The command `jwtmw`: one module of this package per subcommand.

A command is a module `jwtmw.cli.NAME`, named in `COMMANDS`, with

    HELP                    one line; the module's docstring is the longer text of `jwtmw NAME --help`
    add_arguments(parser)   its options
    run(arguments) -> int   the exit status: 0 done, 1 the answer is no, 2 it could not be asked

It imports what an extra brings inside `run`, so that every other command works without the extra.

Owns: the dispatch, and how errors look on a terminal.
Must never know: what the commands do. Nothing on the production path imports this package.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Protocol, cast

from jwtmw.errors import ConfigurationError

COMMANDS: tuple[str, ...] = ("demo", "issuer", "check", "config", "explain", "revoke", "vault", "keys", "gateway")


class Command(Protocol):
    """What a command's module has."""

    HELP: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


class CommandError(Exception):
    """The command cannot do what it was asked; the message is all that the user sees, so it names the cure."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status. `argv` is without the program's name, None takes sys.argv's."""
    arguments = _parser().parse_args(argv)
    run: Callable[[argparse.Namespace], int] = arguments.run
    try:
        return run(arguments)
    except (CommandError, ConfigurationError) as error:
        print(f"jwtmw: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130  # 128 + SIGINT, as shells have it


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="jwtmw", description="Each service checks its own JWTs.")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for name in COMMANDS:
        command = cast("Command", importlib.import_module(f"jwtmw.cli.{name}"))
        text = (command.__doc__ or "").partition("\nOwns:")[0]
        subparser = subparsers.add_parser(
            name, help=command.HELP, description=text, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run)
    return parser
