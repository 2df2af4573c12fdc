"""Which paths are judged at all: those that every reader between the caller and the router reads alike.

Two readers differ where one merges slashes, resolves dot segments, turns a backslash into a slash, cuts at `;`, `#`
or a control character, repairs bad UTF-8, or decodes a second time. The path is never repaired here: it is refused.

Owns: ambiguity, and the path that the router will use.
Must never know: rules, tokens, frameworks.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote_to_bytes

# Bytes that mean themselves to everybody. Left out: controls, the blank, and what is looked for below.
_PLAIN: Final = bytes(byte for byte in range(0x21, 0x7F) if byte not in b"%;\\?#")

_REFUSED: Final = re.compile(
    "["
    r"\x00-\x1f\x7f-\x9f\u2028\u2029"  # controls and line ends: some readers cut or trim there, `$` matches before
    r";\\"  # path parameters, which servlet containers drop; a second slash on Windows
    r"\ud800-\udfff\ufffd"  # what is left of bytes that were no UTF-8
    "]"
)
_DOT_SEGMENT: Final = re.compile(r"/\.{1,2}(?![^/])")  # RFC 3986 section 5.2.4
_ESCAPE: Final = re.compile(r"%(?:[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4})")  # %uXXXX: IIS and `unescape` decode it
_MALFORMED: Final = re.compile(
    rb"[^\x21-\x7e]"  # RFC 9112 section 3: a request target has neither blanks, controls nor other bytes
    rb"|#"  # no fragment is ever sent; some readers cut there
    rb"|%(?![0-9A-Fa-f]{2})"  # some refuse it, some keep it, some decode %uXXXX
    rb"|%2[Ff]"  # a slash to some, a character of the segment to others
)


def ambiguous(path: object, raw_path: bytes | None, root_path: str = "") -> bool:
    """Whether two readers could read this request's path differently.

    `path` is decoded once, with or without `root_path` in front; `raw_path` is what was received, None where the
    server gives none; a query behind it is not looked at. Whatever comes in, this answers and does not raise.
    """
    if isinstance(path, str) and path.isascii():
        plain = path.encode()
        if (
            (raw_path is None or raw_path == plain)
            and path[:1] == "/"
            and "//" not in path
            and "/." not in path
            and not plain.translate(None, _PLAIN)
        ):
            return False
    return _ambiguous(path, raw_path, root_path)


def _ambiguous(path: object, raw_path: object, root_path: object) -> bool:
    """The exact answer, for everything that is not plainly harmless."""
    if not isinstance(path, str) or not isinstance(root_path, str) or not path.startswith("/"):
        return True
    return _ambiguous_text(_behind_slash(path, root_path)) or (
        raw_path is not None and _disagrees(raw_path, path, root_path)
    )


def _ambiguous_text(text: str) -> bool:
    """Merged slashes, dot segments, a second decoding, or a character that not everybody takes as it is."""
    return (
        "//" in text
        or _REFUSED.search(text) is not None
        or _DOT_SEGMENT.search(text) is not None
        or _ESCAPE.search(text) is not None
    )


def _behind_slash(path: str, root_path: str) -> str:
    """`path` less a `root_path` that ends in a slash: the double slash between them is the operator's own."""
    return path.removeprefix(root_path) if root_path.endswith("/") and path.startswith(f"{root_path}/") else path


def _disagrees(raw_path: object, path: str, root_path: str) -> bool:
    """Whether the bytes received are malformed, or say something else than `path`."""
    if not isinstance(raw_path, bytes):
        return True
    received = raw_path.partition(b"?")[0]
    if _MALFORMED.search(received):
        return True
    try:
        read = unquote_to_bytes(received).decode()
    except UnicodeDecodeError:
        return True
    if read == path:
        return False
    # Some servers leave root_path out of raw_path; some routers and dispatchers cut it off `path`.
    return _ambiguous_text(read) or (path != root_path + read and read != root_path + path)


def route_path(path: str, root_path: str) -> str:
    """The path that the router sees: `path` less `root_path`, on a segment edge only, as Starlette cuts it.

    An empty rest is "/": the router's own root.
    """
    if not root_path or not path.startswith(root_path):
        return path
    if path == root_path:
        return "/"
    return path[len(root_path) :] if path[len(root_path)] == "/" else path
