"""A Django project behind the middleware, asked in process.

Owns: the settings of a test, and asking by WSGI and by ASGI.
Must never know: which framework the views are written with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from django.test import AsyncClient, Client, override_settings

from jwtmw.testing import TestIssuer
from tests.django.project import OURS, urlconf

CHALLENGE = 'Bearer realm="api"'
APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions"]


class Service:
    """URL patterns under `JWTMW` with this issuer and these keys; `overrides` are Django's settings."""

    def __init__(
        self,
        issuer: TestIssuer,
        patterns: Sequence[Any] | ModuleType,
        overrides: dict[str, Any] | None = None,
        **keys: Any,
    ) -> None:
        self.issuer = issuer
        urls = patterns if isinstance(patterns, ModuleType) else urlconf(patterns)
        policy = {"issuers": [issuer.settings()], **keys}
        self.overrides = {"MIDDLEWARE": [OURS], "ROOT_URLCONF": urls, "JWTMW": policy, **(overrides or {})}

    def settings(self) -> override_settings:
        """Under these settings."""
        return override_settings(**self.overrides)

    def ask(self, path: str, scope: str | None = None, *, method: str = "GET", **options: Any) -> Any:
        """The response to one request by WSGI; with a token of these scopes unless `scope` is None."""
        with self.settings():
            client = Client(raise_request_exception=options.pop("loud", True))
            return client.generic(method, path, headers=self.headers(scope), **options)

    def ask_async(self, path: str, scope: str | None = None, *, method: str = "GET", **options: Any) -> Any:
        """The same by ASGI."""
        with self.settings():
            client = AsyncClient(raise_request_exception=options.pop("loud", True))

            async def asked() -> Any:
                return await client.generic(method, path, headers=self.headers(scope), **options)

            return asyncio.run(asked())

    def headers(self, scope: str | None) -> dict[str, str]:
        """With a token of these scopes, or without any."""
        return {} if scope is None else {"authorization": f"Bearer {self.issuer.token(scope=scope)}"}
