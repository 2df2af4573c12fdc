"""From a source to `Settings`: the first source that exists, checked as a whole.

Owns: which source wins, and the order shape, toggles, references, checks, key files. The only reader of os.environ.
Must never know: what is built from the settings.
What is raised here carries no cause and no context: those of msgspec, json and the codecs may hold values.
"""

from __future__ import annotations

import logging
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jwtmw.errors import ConfigurationError
from jwtmw.settings.build import settings_of
from jwtmw.settings.environment import (
    KEYS,
    configured,
    from_environment,
    modes,
    require_complete,
    variable_of,
    warn_of_unused,
)
from jwtmw.settings.profiles import profiled
from jwtmw.settings.references import references, resolved, variables
from jwtmw.settings.schema import Settings, SettingsTable
from jwtmw.settings.schema_issuers import IssuerTable
from jwtmw.settings.shape import plain, shape
from jwtmw.settings.vaults import looking_up

logger = logging.getLogger("jwtmw.settings")

Source = Mapping[str, Any] | str | os.PathLike[str] | None

_CONSUMER = re.compile(r"\.consumers\[\d+\]")
_NOTHING = "nothing"
_ENVIRONMENT = "environment"


def read_settings(source: Source = None, framework: Source = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings from the first that exists: `source`, the framework's own configuration, the TOML file that
    `JWTMW_CONFIG` names, the environment alone. Sources never merge.

    Raises ConfigurationError for the first problem, naming its key and the cure; no message holds a secret.
    """
    try:
        return _read(source, framework, environ)
    except ConfigurationError as error:
        refusal = error
    refusal.__cause__ = refusal.__context__ = None
    raise refusal.with_traceback(None)


def as_written(source: Source = None, environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """What `read_settings` makes settings of, references and all, checked by nobody. Raises ConfigurationError."""
    return _first(source, None, environ).raw


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where the configuration came from: `label` for people, `folder` for relative paths, `file` of a TOML file."""

    raw: dict[str, Any] = field(repr=False)
    label: str
    folder: Path
    file: str | None = None
    variables: tuple[str, ...] = ()

    @contextmanager
    def blamed(self) -> Iterator[None]:
        """Errors say where the key is: in which file, or which variable it is."""
        try:
            yield
        except ConfigurationError as error:
            key = (variable_of(error.key) or error.key) if self.label == _ENVIRONMENT else error.key
            problem = f"{error.problem} (in {self.file})" if self.file else error.problem
            raise type(error)(key, problem, error.cure) from None


def _read(source: Source, framework: Source, environ: Mapping[str, str]) -> Settings:
    origin = _first(source, framework, environ)
    with origin.blamed():
        table = shape(profiled(origin.raw))
    switches = modes(table, environ)
    used = {"JWTMW_REPORT_ONLY", table.secure_env, table.disable_inbound_env, *origin.variables}
    warn_of_unused(environ, used | variables(origin.raw), origin.label)
    if not switches.secure:
        opaque = frozenset(path for path, _ in references(origin.raw))
        with origin.blamed():
            return settings_of(table, switches, origin.label, origin.folder, opaque)
    _require_something(origin, switches.inbound, environ)
    _warn_of_written_secrets(origin, table)
    with origin.blamed():
        with looking_up(origin.raw, environ, origin.folder) as secret:
            table = shape(profiled(resolved(origin.raw, environ, secret)))
        return settings_of(table, switches, origin.label, origin.folder)


def _warn_of_written_secrets(origin: _Origin, table: SettingsTable) -> None:
    """A file is copied, mounted and committed; where a mapping's secret came from, nobody can tell."""
    referenced = {path for path, _ in references(origin.raw)}
    written = [key for key in _written_secrets(table) if key not in referenced] if origin.file else []
    # Consumers may be many: one word for all of an issuer's.
    for key in dict.fromkeys(_CONSUMER.sub(".consumers[...]", key) for key in written):
        logger.warning("%s stands in %s itself; a reference would keep it out", key, origin.file)


def _written_secrets(table: SettingsTable) -> Iterator[str]:
    """The keys of all secrets that are given, by reference or not."""
    for index, issuer in enumerate(table.issuers):
        yield from (f"issuers[{index}].{key}" for key in _secrets_of(issuer))
    for key, url in (("revocation.url", table.revocation.url), ("replay.url", table.replay.url)):
        if url is not None and ("@" in url or "password=" in url):
            yield key
    for name, outgoing in table.outgoing.items():
        secrets = ("client_secret", "private_key", "token")
        yield from (f"outgoing.{name}.{key}" for key in secrets if getattr(outgoing, key) is not None)
    for name, vault in table.vault.items():
        for key, given in (
            ("token", vault.token),
            ("userpass.password", vault.userpass),
            ("approle.secret_id", vault.approle),
        ):
            if given is not None:
                yield f"vault.{name}.{key}"


def _secrets_of(issuer: IssuerTable) -> Iterator[str]:
    if issuer.secret is not None:
        yield "secret"
    for name in ("client_secret", "private_key", "token"):
        if issuer.introspection is not None and getattr(issuer.introspection, name) is not None:
            yield f"introspection.{name}"
    for number, consumer in enumerate(issuer.consumers or ()):
        if consumer.secret is not None:
            yield f"consumers[{number}].secret"


def _require_something(origin: _Origin, inbound: bool, environ: Mapping[str, str]) -> None:
    if origin.label == _ENVIRONMENT:
        require_complete(environ)
    if origin.label == _NOTHING and inbound:
        problem = "nothing is configured, so no token could be checked"
        cure = (
            "Set JWTMW_ISSUER and JWTMW_AUDIENCE, give a configuration, or name its file in JWTMW_CONFIG; where there"
            " is no issuer, set JWTMW_SECURE=false"
        )
        raise ConfigurationError("", problem, cure)


def _first(source: Source, framework: Source, environ: Mapping[str, str]) -> _Origin:
    if source is not None:
        return _given(source, "mapping")
    if framework is not None:
        return _given(framework, "framework configuration")
    if named := environ.get("JWTMW_CONFIG"):
        return _file(named, "JWTMW_CONFIG", ("JWTMW_CONFIG",))
    if configured(environ):
        with _Origin({}, _ENVIRONMENT, Path.cwd()).blamed():
            return _Origin(from_environment(environ), _ENVIRONMENT, Path.cwd(), variables=tuple(KEYS))
    return _Origin({}, _NOTHING, Path.cwd())


def _given(source: object, label: str) -> _Origin:
    if isinstance(source, Mapping):
        return _Origin(plain(source), label, Path.cwd())
    if isinstance(source, str | os.PathLike):
        return _file(os.fspath(source), "", ())
    raise ConfigurationError("", f"a configuration cannot be a {type(source).__name__}", "Give a mapping or a path")


def _file(name: str, key: str, used: tuple[str, ...]) -> _Origin:
    path = Path(name)
    raw = _parsed(_content(path, name, key), name)
    return _Origin(raw, f"file {name}", path.absolute().parent, name, used)


def _content(path: Path, name: str, key: str) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or "no file can have this name"
    raise ConfigurationError(key or name, f"the file {name} cannot be read: {problem}", "Name a readable TOML file")


def _parsed(content: bytes, name: str) -> dict[str, Any]:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        problem = f"line {line} is not UTF-8"
    else:
        try:
            return tomllib.loads(text)
        except (ValueError, RecursionError) as error:  # TOMLDecodeError, or a number beyond what int() reads
            problem = f"is not TOML: {error}"
    raise ConfigurationError(name, problem, "Correct the file")
