"""Flask applications called in process, with everything noted that a refusal must not do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from flask import Blueprint, Flask, Response
from werkzeug.test import TestResponse

from jwtmw import JWTMWError, Policy
from jwtmw.testing import Clock, TestIssuer
from jwtmw_flask import JWTAuth, current_principal

CLOCK = Clock()
ISSUER = TestIssuer(clock=CLOCK)


def policy(**keys: Any) -> Policy:
    hooks = {name: keys.pop(name) for name in ("load_user", "check", "on_deny") if name in keys}
    return Policy({"issuers": [ISSUER.settings()], **keys}, clock=CLOCK, **hooks)


def token(*scopes: str, **claims: Any) -> str:
    return ISSUER.token(scope=" ".join(scopes) or None, **claims)


def bearer(token: str | None) -> dict[str, str]:
    return {} if token is None else {"Authorization": f"Bearer {token}"}


def made(**settings: Any) -> Flask:
    """An application without files of its own that handles its failures as in production."""
    return Flask("orders", **{"static_folder": None, **settings})


def protected(app: Flask, **keys: Any) -> Flask:
    JWTAuth(app, policy(**keys))
    return app


def ask(app: Flask, path: str, token: str | None = None, method: str = "GET", **more: Any) -> TestResponse:
    headers = {**bearer(token), **more.pop("headers", {})}
    return app.test_client(use_cookies=False).open(path, method=method, headers=headers, buffered=True, **more)


class Ran:
    """What of the application has run, and as whom."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, name: str) -> None:
        try:
            who = current_principal.subject if current_principal.is_authenticated else "anonymous"
        except JWTMWError as error:
            who = type(error).__name__
        self.notes.append(f"{name} {who}")

    def view(self, name: str = "view") -> Callable[..., str]:
        def view(**values: Any) -> str:
            self.note(name)
            return name

        view.__name__ = view.__qualname__ = name
        return view

    def async_view(self, name: str = "view") -> Callable[..., Any]:
        async def view(**values: Any) -> str:
            await asyncio.sleep(0)
            self.note(name)
            return name

        view.__name__ = view.__qualname__ = name
        return view

    def hooks(self, target: Flask | Blueprint) -> None:
        """All that Flask runs in front of a view."""
        name = target.name
        target.url_value_preprocessor(lambda endpoint, values: self.note(f"{name} preprocessor"))
        target.before_request(lambda: self.note(f"{name} before"))

    def ends(self, app: Flask) -> None:
        """All that Flask runs behind a view."""

        @app.after_request
        def after(response: Response) -> Response:
            self.note("after")
            return response

        app.teardown_request(lambda error: self.note("teardown"))

    def wsgi(self, name: str = "opaque", status: str = "200 OK") -> Callable[..., Iterable[bytes]]:
        def app(environ: Any, start_response: Any) -> Iterable[bytes]:
            self.note(name)
            start_response(status, [("Content-Type", "text/plain")])
            return [name.encode()]

        return app


def refused(answer: TestResponse, ran: Ran, status: int) -> None:
    """A refusal of ours, and nothing of the application has run."""
    assert (status, "application/problem+json", []) == (answer.status_code, answer.content_type, ran.notes)
