"""The extension, by Flask's rules.

Owns: where the policy comes from, what is put into an application, and what can be known before its first request.
Must never know: requests, how to decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike

from flask import Flask

from jwtmw import ConfigurationError, Policy
from jwtmw.adapter import PolicySource, refuse_unfit
from jwtmw_flask.cli import commands
from jwtmw_flask.door import Door
from jwtmw_flask.gate import Gate
from jwtmw_flask.marks import ApplicationMarks

NAME = "jwtmw"
CONFIG = "JWTMW"


@dataclass(frozen=True, slots=True)
class Protection:
    """What `app.extensions["jwtmw"]` is."""

    policy: Policy


class JWTAuth:
    """Protect a Flask application: `JWTAuth(app, policy)`, or in a factory `auth = JWTAuth()` and `auth.init_app(app)`.

    `policy` is a `Policy`, a mapping, the path of a TOML file, or None for `app.config["JWTMW"]`, which may be any of
    them, and without that for the environment. One extension may protect several applications. Raises
    `ConfigurationError`, also for marks, as far as routes are known.

    Middleware that was put around `app.wsgi_app` before stands inside, later one outside.
    """

    def __init__(self, app: Flask | None = None, policy: PolicySource = None) -> None:
        self._source = policy
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask, policy: PolicySource = None) -> None:
        """Protect this application. Raises `ConfigurationError`, and then nothing is changed in it."""
        if NAME in app.extensions:
            cure = "Initialise the extension once for each application"
            raise ConfigurationError("policy", "this application is protected already", cure)
        loaded = _load(app, self._source if policy is None else policy)
        refuse_unfit(loaded)
        _refuse_twice(app, loaded)
        marks = ApplicationMarks(app)
        marks.check()
        app.extensions[NAME] = Protection(loaded)
        # Of this one installation: where applications share an environ, each finds its own.
        key = f"jwtmw.flask.{id(app)}"
        Door(app, loaded, marks, key).hang()
        app.wsgi_app = Gate(app, loaded, marks, key)  # type: ignore[method-assign]
        app.cli.add_command(commands(loaded, marks))


def _load(app: Flask, source: PolicySource) -> Policy:
    configured = app.config.get(CONFIG)
    if configured is not None and not isinstance(configured, Policy | Mapping | str | PathLike):
        problem = f"is a {type(configured).__name__}"
        raise ConfigurationError(f"app.config[{CONFIG!r}]", problem, "Give a mapping, the path of a file or a Policy")
    if source is None and isinstance(configured, Policy):
        return configured
    return Policy.load(source, None if isinstance(configured, Policy) else configured)


def _refuse_twice(app: Flask, policy: Policy) -> None:
    """Look through the WSGI middleware that is there, as far as it keeps what it wraps as `app`."""
    inner: object = app.wsgi_app
    seen: set[int] = set()
    while inner is not None and id(inner) not in seen:
        if getattr(inner, "policy", None) is policy:
            raise ConfigurationError("policy", "the same policy is applied twice to one application", "Apply it once")
        seen.add(id(inner))
        inner = getattr(inner, "app", None)
