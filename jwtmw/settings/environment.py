"""The environment: a whole configuration in six variables, the toggles, and what must have been meant otherwise.

Owns: the names of all variables and how their texts are read.
Must never know: files, mappings, what the configuration means.
Values of variables are never shown.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jwtmw.errors import ConfigurationError
from jwtmw.settings.findings import wrong
from jwtmw.settings.grammar import is_variable, near
from jwtmw.settings.schema import SettingsTable

logger = logging.getLogger("jwtmw.settings")

# Each variable and the key that it stands for.
KEYS = {
    "JWTMW_ISSUER": "issuers[0].issuer",
    "JWTMW_AUDIENCE": "issuers[0].audience",
    "JWTMW_JWKS_URL": "issuers[0].jwks_url",
    "JWTMW_ALGORITHMS": "issuers[0].algorithms",
    "JWTMW_REALM": "realm",
    "JWTMW_LEEWAY": "leeway",
}
_REQUIRED = ("JWTMW_ISSUER", "JWTMW_AUDIENCE")
_TOGGLES = ("JWTMW_SECURE", "JWTMW_REPORT_ONLY", "JWTMW_CONFIG")
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


@dataclass(frozen=True, slots=True)
class Modes:
    """What holds after the toggles."""

    secure: bool
    inbound: bool
    report_only: bool


def configured(environ: Mapping[str, str]) -> bool:
    """Whether any of the six variables is set; empty is unset."""
    return any(environ.get(name) for name in KEYS)


def from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """The six variables as a configuration. Without the required two there is no issuer in it."""
    raw: dict[str, Any] = {}
    if realm := environ.get("JWTMW_REALM"):
        raw["realm"] = realm
    if leeway := environ.get("JWTMW_LEEWAY"):
        raw["leeway"] = _number(leeway)
    if all(environ.get(name) for name in _REQUIRED):
        raw["issuers"] = [_issuer(environ)]
    return raw


def require_complete(environ: Mapping[str, str]) -> None:
    """Refuse a set of variables that names no issuer or no audience."""
    missing = [name for name in _REQUIRED if not environ.get(name)]
    if missing:
        cure = f"Set {' and '.join(missing)}; where there is no issuer, set JWTMW_SECURE=false"
        raise ConfigurationError(missing[0], "is not set, although other JWTMW_ variables are", cure)


def variable_of(key: str) -> str | None:
    """The variable that the key at this path came from."""
    return next((name for name, path in KEYS.items() if key.partition("[")[0] == path or key.startswith(path)), None)


def modes(table: SettingsTable, environ: Mapping[str, str]) -> Modes:
    """The configuration's switches under the environment's toggles (exactly `true` or `false`).

    The names of toggles are read as they are written: whether references are resolved depends on them.
    """
    for key in ("secure_env", "disable_inbound_env"):
        if getattr(table, key) and not is_variable(getattr(table, key)):
            raise wrong(key, "must be the name of an environment variable")
    secure = _toggle(environ, table.secure_env)
    report_only = _toggle(environ, "JWTMW_REPORT_ONLY")
    disabled = _toggle(environ, table.disable_inbound_env)
    found = Modes(
        secure=table.secure if secure is None else secure,
        inbound=table.inbound if disabled is None else not disabled,
        report_only=table.report_only if report_only is None else report_only,
    )
    if table.require_secure and not found.secure:
        culprit = "secure = false" if secure is None else table.secure_env
        raise ConfigurationError("require_secure", f"is true, but {culprit} switches the checks off", f"Drop {culprit}")
    return found


def warn_of_unused(environ: Mapping[str, str], used: set[str], source: str) -> None:
    """Log every JWTMW_ variable that nothing reads. `used` are the ones that something does."""
    for name in sorted(name for name in environ if name.startswith("JWTMW_") and name not in used):
        if name not in KEYS and name not in _TOGGLES:
            meant = near(name, [*KEYS, *_TOGGLES])
            logger.warning("%s is no variable of jwtmw%s", name, f"; did you mean {meant}?" if meant else "")
        elif environ[name]:
            toggle = name == "JWTMW_SECURE"
            why = "secure_env does not name it" if toggle else f"the configuration comes from {source}"
            logger.warning("%s is set but not used: %s", name, why)


def _toggle(environ: Mapping[str, str], name: str) -> bool | None:
    text = environ.get(name, "") if name else ""
    if text not in ("", "true", "false"):
        raise ConfigurationError(name, "must be exactly true or false", f"Set {name}=true or {name}=false, or unset it")
    return None if text == "" else text == "true"


def _issuer(environ: Mapping[str, str]) -> dict[str, Any]:
    issuer: dict[str, Any] = {
        "issuer": environ["JWTMW_ISSUER"],
        "audience": _split(environ["JWTMW_AUDIENCE"]),
    }
    if jwks_url := environ.get("JWTMW_JWKS_URL"):
        issuer["jwks_url"] = jwks_url
    if algorithms := environ.get("JWTMW_ALGORITHMS"):
        issuer["algorithms"] = _split(algorithms)
    return issuer


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise ConfigurationError("leeway", "must be a number of seconds", "Set JWTMW_LEEWAY=30")
    return float(text)
