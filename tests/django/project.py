"""One Django project for all tests of a process, as Django's settings are one for the process.

Owns: the settings, and making a handler of either kind for some middleware and some URL patterns.
Must never know: jwtmw.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import django
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings

OURS = "jwtmw_django.JWTMiddleware"
_numbers = itertools.count()


def configure() -> None:
    """Set Django up, once."""
    if settings.configured:
        return
    settings.configure(
        SECRET_KEY="for tests only, and as long as Django wants it to be",
        ALLOWED_HOSTS=["*"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions"],
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
        # Checking a password takes as long in tests as anywhere: nobody has one here.
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        LOGGING_CONFIG=None,
        MIDDLEWARE=[],
        ROOT_URLCONF="tests.django.project",
        STATIC_URL="/static/",
        USE_TZ=True,
    )
    django.setup()


urlpatterns: list[Any] = []


def urlconf(patterns: Sequence[Any], **members: Any) -> ModuleType:
    """URL patterns as a module of their own, with `handler404` and the like where they are given."""
    module = ModuleType(f"urls_{next(_numbers)}")
    vars(module).update(urlpatterns=list(patterns), **members)
    return module


class Project:
    """A handler and the settings under which it was made; they hold again whenever it is called."""

    def __init__(self, kind: str, patterns: Sequence[Any] | ModuleType, **overrides: Any) -> None:
        configure()
        self.kind = kind
        urls = patterns if isinstance(patterns, ModuleType) else urlconf(patterns)
        self.overrides = {"MIDDLEWARE": [OURS], "ROOT_URLCONF": urls, **overrides}
        with self.settings():
            self.handler: Any = WSGIHandler() if kind == "wsgi" else ASGIHandler()

    def settings(self) -> Any:
        """The settings of this project, as a context manager."""
        return override_settings(**self.overrides)
