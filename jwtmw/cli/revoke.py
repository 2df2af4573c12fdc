"""`jwtmw revoke`: refuse one token, one subject, or a whole issuer, in the list that a fleet shares.

    jwtmw revoke --issuer corp --jti 4f1c --until 1795303401
    jwtmw revoke --issuer corp --subject mallory
    jwtmw revoke --issuer corp --subject alice --issued-before now
    jwtmw revoke --issuer corp --everyone --issued-before now
    jwtmw revoke --issuer corp --subject mallory --undo

The list is the configuration's: `[revocation]` with `store = "redis"`. One in the memory of a process is out of reach
of a command. The exit status is 0, or 2 where nothing was changed.

Owns: the command's options, and what it prints.
Must never know: how the list is kept.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from math import floor
from time import time

from jwtmw.cli import CommandError
from jwtmw.errors import RevocationFailed
from jwtmw.overview import loaded
from jwtmw.settings import Issuer, Settings

HELP = "refuse a token, a subject or an issuer from now on, in a whole fleet"

NOW = "now"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `jwtmw revoke`."""
    parser.add_argument("--config", metavar="FILE", help="a TOML file (default: what the environment says)")
    parser.add_argument("--issuer", required=True, metavar="NAME", help="its name in the configuration, or its iss")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--jti", metavar="ID", help="one token")
    what.add_argument("--subject", metavar="SUB", help="all tokens of this subject")
    what.add_argument("--everyone", action="store_true", help="all tokens of the issuer")
    parser.add_argument(
        "--issued-before", metavar="TIME", type=_instant, help="only what was issued until then: epoch seconds, or now"
    )
    parser.add_argument(
        "--until",
        metavar="TIME",
        type=_instant,
        help="forgotten then: the exp of the token (default: never)",
    )
    parser.add_argument("--undo", action="store_true", help="allow again what was revoked by the same words")


def run(arguments: argparse.Namespace) -> int:
    """Change the list, and say when every process will know."""
    policy, _ = loaded(arguments.config)
    settings = policy.settings
    _check_shared(settings)
    if arguments.undo and (arguments.until, arguments.issued_before) != (None, None):
        raise CommandError("--undo allows again whatever was revoked: leave --until and --issued-before out")
    issuer = _identifier(arguments.issuer, settings.issuers)
    words = {"jti": arguments.jti, "subject": arguments.subject}
    try:
        if arguments.undo:
            policy.revocations.restore(issuer, **words)
        else:
            words |= {"until": arguments.until, "issued_before": arguments.issued_before}
            policy.revocations.revoke(issuer, **words)
    except ValueError as error:
        raise CommandError(str(error)) from None
    except RevocationFailed as failure:
        raise CommandError(f"nothing was changed: {failure.reason}") from None
    done = "allowed again" if arguments.undo else "revoked"
    print(f"{done}: {_named(arguments)}; every process knows within {settings.revocation.refresh:g} s and one look")
    return 0


def _instant(text: str) -> float:
    # `iat` has whole seconds: what is issued in this very second counts as issued before.
    try:
        return floor(time()) if text == NOW else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f'"{NOW}", or a number of epoch seconds') from None


def _check_shared(settings: Settings) -> None:
    """What only this process would know is worth nothing."""
    if settings.revocation.store == "memory":
        raise CommandError(
            'each process has a list of its own: configure [revocation] with store = "redis", see docs/revocation.md'
        )
    if not (settings.secure and settings.inbound):
        raise CommandError("requests are not judged by this configuration: secure or inbound is off")


def _identifier(name: str, issuers: Iterable[Issuer]) -> str:
    """What the list calls the issuer."""
    for issuer in issuers:
        if name in (issuer.name, issuer.issuer):
            return issuer.issuer or issuer.name
    raise CommandError(f"no issuer is called so; there are {', '.join(issuer.name for issuer in issuers)}")


def _named(arguments: argparse.Namespace) -> str:
    if arguments.everyone:
        return f"all tokens of {arguments.issuer}"
    return f"{'token' if arguments.jti else 'subject'} {arguments.jti or arguments.subject} of {arguments.issuer}"
