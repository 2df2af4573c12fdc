"""`jwtmw check`: read the configuration, show what it says, and complain about what is not fit for production.

Marks on endpoints are not seen from here: @public, @optional and @requires are the application's.

The exit status is 0 where there is nothing to complain about, 1 where there is, and 2 where the configuration cannot
work at all.

Owns: the command's options and its exit status.
Must never know: how the configuration is read, what there is to complain about.
"""

from __future__ import annotations

import argparse

from jwtmw.overview import loaded, overview

HELP = "show the configuration and complain about it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `jwtmw check`."""
    parser.add_argument("--config", metavar="FILE", help="a TOML file (default: what the environment says)")
    parser.add_argument("--fetch", action="store_true", help="fetch the issuers' keys too")


def run(arguments: argparse.Namespace) -> int:
    """Show, fetch if asked to, complain."""
    policy, complaints = loaded(arguments.config)
    print(overview(policy, complaints, fetch=arguments.fetch))
    return 1 if complaints else 0
