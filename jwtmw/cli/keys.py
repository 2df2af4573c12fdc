"""`jwtmw keys`: the keys with which a service signs tokens, in a folder of its own.

    jwtmw keys new --dir keys           once: one key signs, the next one is published already
    jwtmw keys list --dir keys          which key is in which state, and until when
    jwtmw keys rotate --dir keys        as often as wished: the next key signs, a fresh one is published

Services that have loaded the folder (jwtmw.mint.KeyRing) follow within a second or so. Private keys are in the file
keyring.json, which only its owner may read; they have no passphrase, and none is ever printed.

Owns: the command's options, and what it prints.
Must never know: how a rotation is made, what stands in a private key.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jwtmw.cli import CommandError
from jwtmw.errors import ConfigurationError
from jwtmw.mint.keyring import new_ring, rotate_ring
from jwtmw.mint.ringfile import Entry, Ring, read_ring
from jwtmw.mint.rotation import DAY, first_ring, published_until
from jwtmw.table import table

HELP = "make, list and rotate the keys that sign tokens"

_OPTIONS = ("algorithm", "ahead", "lifetime")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The subcommands of `jwtmw keys`."""
    commands = parser.add_subparsers(required=True, metavar="WHAT")
    new = _command(commands, "new", _new, "make a key ring")
    new.add_argument("--algorithm", default="ES256", metavar="NAME", help="of its keys (default: %(default)s)")
    text = "a key is published for so long before it signs; more than verifiers keep a key set (default: %(default)s)"
    new.add_argument("--ahead", type=int, default=600, metavar="SECONDS", help=text)
    text = "no token lives longer; a retired key stays published for so long (default: %(default)s)"
    new.add_argument("--lifetime", type=int, default=DAY, metavar="SECONDS", help=text)
    _command(commands, "list", _list, "show the keys")
    rotate = _command(commands, "rotate", _rotate, "let the next key sign, and publish a fresh one")
    rotate.add_argument("--algorithm", metavar="NAME", help="of the fresh key (default: as the next key's)")
    rotate.add_argument(
        "--now", action="store_true", help="even if the next key was published a moment ago: requests may be refused"
    )
    text = "somebody else has read the file: replace both keys in it at once; tokens that they signed are refused"
    rotate.add_argument("--compromised", action="store_true", help=text)


def run(arguments: argparse.Namespace) -> int:
    """Do what the subcommand says."""
    perform: Callable[[argparse.Namespace], Ring] = arguments.perform
    try:
        ring = perform(arguments)
    except ConfigurationError as error:
        if error.key in _OPTIONS:
            raise CommandError(f"--{error}") from None
        raise
    shown = [_shown(ring, entry) for entry in ring.keys]
    print(json.dumps({"keys": shown}) if arguments.json else _report(shown))
    return 0


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    perform: Callable[[argparse.Namespace], Ring],
    text: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(perform=perform)
    parser.add_argument("--dir", required=True, type=Path, metavar="DIR", help="the folder of the key ring")
    parser.add_argument("--json", action="store_true", help="print JSON; times are epoch seconds")
    return parser


def _new(arguments: argparse.Namespace) -> Ring:
    ring = first_ring(arguments.algorithm, arguments.ahead, arguments.lifetime, time.time())
    new_ring(arguments.dir, ring)
    return ring


def _list(arguments: argparse.Namespace) -> Ring:
    return read_ring(arguments.dir)


def _rotate(arguments: argparse.Namespace) -> Ring:
    wishes = {"algorithm": arguments.algorithm, "hurry": arguments.now, "compromised": arguments.compromised}
    return rotate_ring(arguments.dir, time.time(), **wishes)


def _shown(ring: Ring, entry: Entry) -> dict[str, Any]:
    """What may be known of a key: never more."""
    shown: dict[str, Any] = {
        "kid": entry.kid,
        "algorithm": entry.algorithm,
        "state": entry.state,
        "since": entry.since,
    }
    if entry.state == "next":
        shown["may_sign_from"] = entry.since + ring.ahead
    if entry.state == "retired":
        until = int(published_until(ring, entry))
        shown |= {"state": "retired" if time.time() < until else "gone", "published_until": until}
    return shown


def _report(keys: list[dict[str, Any]]) -> str:
    return table([("kid", "algorithm", "state", "since", ""), *(_row(key) for key in keys)])


def _row(key: dict[str, Any]) -> tuple[str, ...]:
    note = ""
    if "may_sign_from" in key:
        note = f"may sign from {_utc(key['may_sign_from'])}"
    if "published_until" in key:
        note = f"published until {_utc(key['published_until'])}"
    return key["kid"], key["algorithm"], key["state"], _utc(key["since"]), note


def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
