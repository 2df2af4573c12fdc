"""The policy of this process, from `settings.JWTMW`.

Owns: when the settings are read: once, and again where a test overrides them.
Must never know: requests, what is in a policy.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.signals import setting_changed

from jwtmw import Policy

_policy: Policy | None = None


def current_policy() -> Policy:
    """The policy that `settings.JWTMW` describes: a mapping, the path of a TOML file, or a `Policy`; where it is not
    set or None, what the environment says. All handlers of a process share it, with its keys and its cache.

    Raises `ConfigurationError`, which names the key and the cure.
    """
    global _policy  # noqa: PLW0603 - as Django's own settings are one for the process
    policy = _policy
    if policy is None:
        configured: Any = getattr(settings, "JWTMW", None)
        policy = _policy = configured if isinstance(configured, Policy) else Policy(framework=configured)
    return policy


def _forget(*, setting: str, **_: Any) -> None:
    """`override_settings(JWTMW=...)` holds from the next request on."""
    global _policy  # noqa: PLW0603
    if setting == "JWTMW":
        _policy = None


setting_changed.connect(_forget, dispatch_uid="jwtmw_django.conf")
