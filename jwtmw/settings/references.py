"""References: `$ENV://NAME`, `$FILE:///path` and `$secret://vault/...` in the place of any text of the configuration.

Owns: recognising references and putting in what they stand for.
Must never know: which key wants what, how a Vault is asked.
An error names the reference, never its value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from jwtmw.errors import ConfigurationError
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


def resolved(value: Any, environ: Mapping[str, str], secret: Callable[[str, str], str], path: str = "") -> Any:
    """A copy of `value` with every reference replaced. Raises ConfigurationError at the path of one that fails.

    `secret` looks up what follows `$secret://`, for the key at a path.
    """
    if isinstance(value, dict):
        return {
            key: resolved(member, environ, secret, f"{path}.{key}" if path else str(key))
            for key, member in value.items()
        }
    if isinstance(value, list):
        return [resolved(member, environ, secret, f"{path}[{index}]") for index, member in enumerate(value)]
    if isinstance(value, str) and (match := _REFERENCE.fullmatch(value)):
        text = _looked_up(match["scheme"], match["rest"], environ, secret, path)
        if _REFERENCE.fullmatch(text):
            raise ConfigurationError(path, f"{match[0]} holds another reference", "Name the last one directly")
        return text
    return value


def _looked_up(scheme: str, rest: str, environ: Mapping[str, str], secret: Callable[[str, str], str], path: str) -> str:
    match scheme:
        case "ENV":
            return _variable(rest, environ, path)
        case "FILE":
            return _file(rest, path)
        case "secret":
            return secret(rest, path)
        case _:
            cure = "Write $ENV://NAME, $FILE:///path or $secret://vault/NAME/path/key, in this exact case"
            raise ConfigurationError(path, f"${scheme}:// is no kind of reference", cure)


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
