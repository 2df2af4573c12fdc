"""Reading the small files that a configuration names.

Owns: files as strict UTF-8 text, with errors that name the file and never its content.
Must never know: what a file is for.
"""

from __future__ import annotations

from pathlib import Path

from jwtmw.errors import ConfigurationError


def read_text(path: Path, key: str, shown: str) -> str:
    """The file's text without its last newline. `shown` is how an error calls the file.

    Raises ConfigurationError at `key` where the file cannot be read, is no UTF-8, or is empty.
    """
    text = _decoded(_content(path, key, shown), key, shown)
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise ConfigurationError(key, f"{shown} is empty", "Fill the file, or name another")
    return text


def _content(path: Path, key: str, shown: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        problem = error.strerror or "unknown error"
    except ValueError:  # a NUL in the path
        problem = "no file can have this name"
    raise ConfigurationError(key, f"{shown} cannot be read: {problem}", "Check the path and the file's permissions")


def _decoded(content: bytes, key: str, shown: str) -> str:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = "\ufeff"
    if text.startswith("\ufeff"):
        raise ConfigurationError(key, f"{shown} is no UTF-8 text without a byte order mark", "Save it as plain UTF-8")
    return text
