"""Asking a Django project in process, as a server asks it, and policies to ask about.

Owns: requests made by hand, and noting who came to a view.
Must never know: what must come of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from jwtmw import Policy, current_principal
from jwtmw.testing import Clock, TestIssuer
from tests.conformance.drivers import calls, environs
from tests.conformance.schema import Answer, Request
from tests.conformance.world import Ledger
from tests.django.project import Project

KINDS = ["wsgi", "asgi"]
CLOCK = Clock()
ISSUER = TestIssuer("https://id.example/", clock=CLOCK)
Header = tuple[bytes, bytes]


def policy(**keys: Any) -> Policy:
    """A policy of the issuer; hooks and keys as `Policy` takes them."""
    hooks = {name: keys.pop(name) for name in ("load_user", "check", "on_deny") if name in keys}
    return Policy({"issuers": [ISSUER.settings()], **keys}, clock=CLOCK, **hooks)


def token(*args: Any, **claims: Any) -> str:
    """A good token; a claim that is None is left out."""
    return ISSUER.token(*args, **claims)


class Ran:
    """Makes views that note who was calling: `callers` has each one's subject, None for an anonymous one."""

    def __init__(self) -> None:
        self.callers: list[str | None] = []

    def __call__(self, answer: Callable[[HttpRequest], Any] | None = None) -> Any:
        """A sync view."""

        def view(request: HttpRequest, **parameters: Any) -> HttpResponse:
            self.callers.append(current_principal().subject)
            return answer(request) if answer is not None else HttpResponse(b"view")

        return view

    def in_async(self, answer: Callable[[HttpRequest], Any] | None = None) -> Any:
        """An async view."""

        async def view(request: HttpRequest, **parameters: Any) -> HttpResponse:
            self.callers.append(current_principal().subject)
            return await answer(request) if answer is not None else HttpResponse(b"view")

        return view


def ask(
    project: Project,
    target: str = "/",
    token: str | None = None,
    *headers: Header,
    method: str = "GET",
    body: bytes = b"",
    **more: Any,
) -> Answer:
    """One request, with this token behind `Bearer`."""
    sent = headers if token is None else ((b"authorization", f"Bearer {token}".encode()), *headers)
    request = Request(method=method, target=target.encode(), headers=sent, body=body, **more)
    with project.settings():
        if project.kind == "wsgi":
            return environs.answer(project.handler, environs.environ_of(request, Ledger()))
        return asyncio.run(calls.asked(project.handler, request))


def reason(project: Project) -> dict[str, int]:
    """What the policy has counted as denied."""
    configured = project.overrides["JWTMW"]
    return {str(name): count for name, count in configured.metrics()["denied"].items() if count}
