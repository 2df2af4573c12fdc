"""`jwtmw config show`: print the configuration in force as TOML, without secrets.

What is not written is not shown: it has its default. References are shown as they are written, `$ENV://NAME`, never
what they stand for. "(hidden)" stands in the place of a secret, of userinfo, query and fragment of a URL, and of
every value that is not known to be harmless.

The exit status is 0, or 2 where the configuration cannot work.

Owns: the command's options.
Must never know: how the configuration is read, what of it is harmless.
"""

from __future__ import annotations

import argparse

from jwtmw.overview import loaded
from jwtmw.settings import as_written, shown

HELP = "print the configuration in force, without secrets"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The subcommands of `jwtmw config`."""
    show = parser.add_subparsers(required=True, metavar="WHAT").add_parser("show", help=HELP, description=HELP)
    show.add_argument("--config", metavar="FILE", help="a TOML file (default: what the environment says)")


def run(arguments: argparse.Namespace) -> int:
    """Load it as a service would, so that what cannot work is refused, and print it."""
    policy, _ = loaded(arguments.config)
    print(shown(as_written(arguments.config), policy.settings))
    return 0
