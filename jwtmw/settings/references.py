"""References: `$ENV://NAME` and `$FILE:///path` in the place of any text of the configuration.

Owns: recognising references and putting in what they stand for.
Must never know: which key wants what.
An error names the reference, never its value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jwtmw.errors import ConfigurationError, NotSupportedError
from jwtmw.settings.files import read_text
from jwtmw.settings.grammar import is_variable

_REFERENCE = re.compile(r"\$(?P<scheme>\w+)://(?P<rest>.*)", re.DOTALL)


def references(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text of `value` that is a reference: its path and the text."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from references(member, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from references(member, f"{path}[{index}]")
    elif isinstance(value, str) and _REFERENCE.fullmatch(value):
        yield path, value


def variables(value: Any) -> set[str]:
    """The names of the environment variables that the references in `value` read."""
    return {text.removeprefix("$ENV://") for _, text in references(value) if text.startswith("$ENV://")}


def resolved(value: Any, environ: Mapping[str, str], path: str = "") -> Any:
    """A copy of `value` with every reference replaced. Raises ConfigurationError at the path of one that fails."""
    if isinstance(value, dict):
        return {key: resolved(member, environ, f"{path}.{key}" if path else str(key)) for key, member in value.items()}
    if isinstance(value, list):
        return [resolved(member, environ, f"{path}[{index}]") for index, member in enumerate(value)]
    if isinstance(value, str) and (match := _REFERENCE.fullmatch(value)):
        return _target(match, environ, path)
    return value


def _target(match: re.Match[str], environ: Mapping[str, str], path: str) -> str:
    text = _looked_up(match["scheme"], match["rest"], environ, path)
    if _REFERENCE.fullmatch(text):
        raise ConfigurationError(path, f"{match[0]} holds another reference", "Name the last one directly")
    return text


def _looked_up(scheme: str, rest: str, environ: Mapping[str, str], path: str) -> str:
    match scheme:
        case "ENV":
            return _variable(rest, environ, path)
        case "FILE":
            return _file(rest, path)
        case "secret":
            raise NotSupportedError(
                path, "references to a vault ($secret://) are not supported yet", "Use $ENV or $FILE"
            )
        case _:
            raise ConfigurationError(
                path, f"${scheme}:// is no kind of reference", "Write $ENV://NAME or $FILE:///path, in this exact case"
            )


def _variable(name: str, environ: Mapping[str, str], path: str) -> str:
    if not is_variable(name):
        raise ConfigurationError(path, "the reference names no environment variable", "Write $ENV://NAME")
    if not environ.get(name):
        state = "empty" if name in environ else "not set"
        raise ConfigurationError(path, f"$ENV://{name} is {state}", f"Set the environment variable {name}")
    return environ[name]


def _file(rest: str, path: str) -> str:
    if not rest.startswith("/"):
        raise ConfigurationError(path, f"$FILE://{rest} is no absolute path", "Write three slashes: $FILE:///path")
    return read_text(Path(rest), path, f"$FILE://{rest}")
