"""`jwtmw explain`: what the configuration decides on one request, step by step.

PATH is the path as the router sees it: decoded, without a query. The token is read from a file or from standard input,
never from the command line, which other users of the machine can see. Only path rules are known here: the marks
@public, @optional and @requires are the application's.

The exit status is 0 where the request passes, and 1 where it is refused.

Owns: the command's options, and reading the token.
Must never know: how to decide.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from jwtmw.cli import CommandError
from jwtmw.compose import Policy
from jwtmw.compose.consumers import Elsewhere
from jwtmw.decision import Allow

HELP = "tell what is decided on one request, and why"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `jwtmw explain`."""
    parser.add_argument("method", metavar="METHOD", help="as GET, in its exact case")
    parser.add_argument("path", metavar="PATH", help="as /orders/1")
    parser.add_argument("--token-file", metavar="FILE", help="where the token is; - is standard input (default: none)")
    parser.add_argument("--config", metavar="FILE", help="a TOML file (default: what the environment says)")


def run(arguments: argparse.Namespace) -> int:
    """Print the steps."""
    token = None if arguments.token_file is None else _token(arguments.token_file)
    policy = Policy(arguments.config, consumers=Elsewhere())
    explanation = policy.explain(arguments.method, arguments.path, token)
    print(explanation)
    return 0 if isinstance(explanation.decision, Allow) else 1


def _token(name: str) -> str:
    try:
        content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise CommandError(f"--token-file: {name} cannot be read: {error.strerror}") from None
    # What is no text is no token either; the policy says so.
    token = content.decode("utf-8", "replace").strip()
    if not token:
        raise CommandError("--token-file: there is nothing in it. Leave the option out to ask without a token")
    return token
