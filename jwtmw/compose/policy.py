"""From settings to a working policy: rules, issuers with their keys, engine and renderer, put together once.

Owns: `Policy`, the one object that users make and adapters ask.
Must never know: frameworks, the environment, how a step of the engine works.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from jwtmw.challenge import OnDeny, Renderer
from jwtmw.client.outgoing import Outgoing
from jwtmw.compose.engine import disclosure_of, engine_of
from jwtmw.compose.outgoing import outgoing_of
from jwtmw.errors import ConfigurationError
from jwtmw.explain import Explanation, explain
from jwtmw.hooks import Check, LoadUser, is_async
from jwtmw.issuers.stored_consumers import ConsumerStore
from jwtmw.revocation.revocations import Revocations
from jwtmw.settings import Settings, read_settings
from jwtmw.verification import Clock

logger = logging.getLogger("jwtmw.policy")

Source = Mapping[str, Any] | str | os.PathLike[str] | None


class Policy:
    """What this service asks of its callers: the configuration, ready to judge.

    `source` is a mapping, the path of a TOML file, or None for what the environment says (`JWTMW_CONFIG`, or
    `JWTMW_ISSUER` and its like); the configuration's keys may be given as keywords instead. Python only:

    load_user  maps the verified principal to the application's own user; async only under ASGI;
               None or an exception refuses with 401
    check      sees the principal and the request's facts; whatever is not True, or an exception, refuses with 401
    consumers  holds the consumers of the issuer with `consumer_store`: an object with `find(identifier)`
    on_deny    gets the `Problem` and the request's facts, returns content type and body of a refusal

    Raises `ConfigurationError`, which names the key and the cure.
    """

    def __init__(
        self,
        source: Source = None,
        /,
        *,
        load_user: LoadUser | None = None,
        check: Check | None = None,
        on_deny: OnDeny | None = None,
        consumers: ConsumerStore | None = None,
        clock: Clock = time,
        framework: Source = None,
        **keys: Any,
    ) -> None:
        if keys and source is not None:
            raise ConfigurationError("", "a policy was given both a source and keys", "Give one of the two")
        _check_hooks(load_user, check, on_deny)
        self.settings = read_settings(keys or source, framework)
        self.renderer = Renderer(self.settings.realm, self.settings.error_format, self.settings.expose_reason, on_deny)
        # What adapters show of a request to the application; None where that is the request as it came.
        self.disclosure = disclosure_of(self.settings)
        self.engine = engine_of(self.settings, clock, check, load_user, consumers)
        self._outgoing = outgoing_of(self.settings, clock)
        announce(self.settings)

    @classmethod
    def load(cls, source: Policy | Source = None, framework: Source = None) -> Policy:
        """The policy itself, or one made from the first source that exists: `source`, the framework's own
        configuration, the file named by `JWTMW_CONFIG`, the environment. Sources never merge.
        """
        return source if isinstance(source, Policy) else cls(source, framework=framework)

    def explain(self, method: str, path: str, token: str | None = None) -> Explanation:
        """The decision on one request, step by step; print it. May fetch keys. The token is not shown."""
        return explain(self.engine, self.renderer, method, path, token)

    def metrics(self) -> dict[str, Any]:
        """Counts since the start, and gauges: `secure`, `inbound` and `report_only` as 0 or 1."""
        gauges = {name: int(getattr(self.settings, name)) for name in ("secure", "inbound", "report_only")}
        return {**gauges, **self.engine.metrics.snapshot()}

    def issuers(self) -> dict[str, dict[str, Any]]:
        """What is known of each issuer's keys now, by the issuer's name. Asking fetches nothing and never waits.

        `fresh`, `stale` (past their time, serving because refreshing fails), neither (none yet, or none any more),
        `cooling_down` (unknown key ids are refused without a fetch), `last_error` (our words; None after a success).
        """
        return {name: asdict(issuer.keys.state) for name, issuer in self.engine.verifier.issuers.by_name.items()}

    def outgoing(self, name: str) -> Outgoing:
        """What calls to the hosts of `[outgoing.NAME]` carry: the same object each time. In non-secure mode nothing.

        Raises `ConfigurationError` where there is no such table.
        """
        if name not in self._outgoing:
            known = ", ".join(self._outgoing) or "none"
            raise ConfigurationError(f"outgoing.{name}", "there is no such table", f"The tables are: {known}")
        return self._outgoing[name]

    @property
    def revocations(self) -> Revocations:
        """What was revoked: tokens, subjects and issuers can be added, and taken back."""
        return self.engine.verifier.revocations

    def __repr__(self) -> str:
        # Reporters show the locals of the frames of an error; the settings may be what failed.
        return f"Policy({getattr(self, 'settings', None)!r})"


PolicySource = Policy | Source


def _check_hooks(load_user: object, check: object, on_deny: object) -> None:
    """What could never be called as agreed does not start."""
    for name, hook in (("load_user", load_user), ("check", check), ("on_deny", on_deny)):
        if hook is not None and not callable(hook):
            raise ConfigurationError(name, "cannot be called", "Give a function")
        if name != "load_user" and is_async(hook):
            raise ConfigurationError(name, "is called where nothing can be awaited", "Make it a plain function")


def announce(settings: Settings) -> None:
    """Whoever switches protection off must not be able to overlook it."""
    if not settings.secure:
        switch = f"{settings.source}; {settings.secure_env}=true ends it"
        text = "non-secure mode: every request passes and no token is believed (%s)"
        logger.warning(text, switch, extra={"code": "non_secure"})
    elif not settings.inbound:
        text = "inbound is off: requests are not judged (%s)"
        logger.warning(text, settings.source, extra={"code": "inbound_off"})
    elif settings.report_only:
        text = "report-only mode: refusals are recorded, every request passes (%s)"
        logger.warning(text, settings.source, extra={"code": "report_only"})
