"""The application `jwtmw_django`: `INSTALLED_APPS = ["jwtmw_django", ...]` brings system checks and commands.

The middleware needs no installed app; checks and commands do.

Owns: what is loaded when Django is ready.
Must never know: what is checked. drf-spectacular is imported only where it is an installed app itself.
"""

from __future__ import annotations

import importlib

from django.apps import AppConfig, apps


class JWTMWConfig(AppConfig):
    """Registers the system checks, and the extension for drf-spectacular."""

    name = "jwtmw_django"
    verbose_name = "jwtmw"

    def ready(self) -> None:
        """Load what registers itself."""
        importlib.import_module("jwtmw_django.checks")
        if apps.is_installed("drf_spectacular"):
            importlib.import_module("jwtmw_django.spectacular")
