"""`manage.py jwtmw_check`: what `jwtmw check` does, with the configuration of this project.

Owns: the command's options and its exit status: 0, 1 with complaints, 2 where the configuration cannot work.
Must never know: how a configuration is read, what there is to complain about.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from jwtmw import ConfigurationError
from jwtmw.adapter import loaded, overview


class Command(BaseCommand):
    """Show the configuration of settings.JWTMW and complain about it."""

    help = "Shows the configuration of settings.JWTMW and complains about what is not fit for production."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """The options."""
        parser.add_argument("--fetch", action="store_true", help="fetch the issuers' keys too")

    def handle(self, *, fetch: bool, **_: Any) -> None:
        """Show, fetch if asked to, complain."""
        try:
            policy, complaints = loaded(framework=getattr(settings, "JWTMW", None))
        except ConfigurationError as error:
            raise CommandError(f"JWTMW: {error}", returncode=2) from None
        self.stdout.write(overview(policy, complaints, fetch=fetch))
        if complaints:
            raise CommandError(f"{len(complaints)} to complain about", returncode=1)
