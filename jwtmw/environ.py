"""The facts of a request as PEP 3333 tells them: for any WSGI application, and for frameworks that keep an environ.

Owns: the translation of a WSGI environ into request facts, and the reading of its body.
Must never know: how to decide, any framework, who stands behind the environ.

What the caller sent is folded by the server before anybody sees it: lines of one header are joined by commas, and
`X_Token` and `X-Token` have one name. gunicorn, werkzeug and waitress drop the former; wsgiref, granian and uWSGI take
it for the latter, and nobody behind them can tell.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from functools import lru_cache
from io import BufferedReader, BytesIO, RawIOBase
from operator import methodcaller
from typing import Any

from jwtmw.errors import BodyUnreadable
from jwtmw.request import Request

Environ = MutableMapping[str, Any]

# PEP 3333, "environ Variables": the two headers that go without HTTP_.
_BARE = ("CONTENT_TYPE", "CONTENT_LENGTH")
_LONGEST_LENGTH = 18

# The bytes that a native string of an environ stands for (PEP 3333, "Unicode Issues"); raises where it is none. What
# no server can have meant by it stays visible, and is no token.
octets: Callable[[str], bytes] = methodcaller("encode", "latin-1", "backslashreplace")


class WSGIRequest(Request):
    """The facts of a WSGI environ. Whatever stands there, this is made; what is no text, the engine refuses.

    `path` is SCRIPT_NAME and PATH_INFO, `root_path` SCRIPT_NAME: so rules see PATH_INFO, as the router does.
    `raw_path` is what RAW_URI or REQUEST_URI says before the question mark; None where the server gives neither.
    """

    def __init__(self, environ: Environ) -> None:
        # All by hand, not by super(): this is made for each request.
        self.environ = environ
        get = environ.get
        self.method = get("REQUEST_METHOD", "")
        try:
            path = get("PATH_INFO") or ""
            self.path = path = path if path.isascii() else _text(path)
            if root := get("SCRIPT_NAME"):
                self.root_path = root = _text(root)
                if path == "" or path.startswith("/"):
                    self.path = root + path
            elif path == "":
                self.path = "/"
            if query_string := get("QUERY_STRING"):
                self.query_string = octets(query_string)
        except (AttributeError, TypeError, UnicodeError):
            self.path = ""
        raw = get("RAW_URI")
        if raw is None:
            raw = get("REQUEST_URI")
        if raw is not None:
            self.raw_path = _received(raw)

    def header(self, name: bytes) -> bytes | None:
        """The server has joined the lines. A name with an underscore is another's: it is never found."""
        value = self.environ.get(_key(name))
        return None if value is None else octets(value)


@lru_cache(maxsize=256)
def _key(name: bytes) -> str:
    """Where the environ has this header; nowhere for a name that the server may have folded into another's."""
    if b"_" in name:
        return ""
    key = name.upper().replace(b"-", b"_").decode("latin-1")
    return key if key in _BARE else f"HTTP_{key}"


def native(text: str) -> str:
    """Any text as a native string of an environ, which readers of UTF-8 read as it was."""
    return text if text.isascii() else text.encode("utf-8", "surrogatepass").decode("latin-1")


def _text(native_string: str) -> str:
    """As routers read it. What is no UTF-8 becomes U+FFFD, which is refused as ambiguous."""
    return native_string.encode("latin-1").decode("utf-8", "replace")


def _received(raw: Any) -> Any:
    """The path as it was received. Where there is no native string there are no bytes, and the engine refuses that."""
    try:
        return raw.partition("?")[0].encode("latin-1")
    except (AttributeError, TypeError, UnicodeError):
        return ""


def read_body(environ: Environ, limit: int) -> bytes | None:
    """The whole body, or None where it is larger than `limit` bytes. A second time it is the same.

    `environ["wsgi.input"]` is replaced: whoever reads it then reads the whole body, what was read here first.
    Raises `BodyUnreadable` where the body is shorter than it says, or its end cannot be told.
    """
    length = _length(environ)
    wanted = limit + 1 if length is None else min(length, limit + 1)
    stream = environ["wsgi.input"]
    read, broken = bytearray(), False
    try:
        while len(read) < wanted and (more := stream.read(wanted - len(read))):
            read += more
    except OSError:
        # As some servers tell that the client has gone.
        broken = True
    body = bytes(read)
    if length is None:
        # True of what will stand there: readers that know the flag read it to its end.
        environ["wsgi.input_terminated"] = True
    if not broken and (len(body) == length or (length is None and len(body) <= limit)):
        environ["wsgi.input"] = BytesIO(body)
        return body if len(body) <= limit else None
    left = None if length is None else length - len(body)
    environ["wsgi.input"] = BufferedReader(_Replayed(body, stream, left))
    if len(body) <= limit:
        raise BodyUnreadable
    return None


def _length(environ: Environ) -> int | None:
    """How many bytes the body has; None: read to its end. Raises `BodyUnreadable` where nobody can know.

    Without a length there is a body only where the server says that its end can be read, or has it all in memory.
    """
    given, chunked = environ.get("CONTENT_LENGTH") or "", environ.get("HTTP_TRANSFER_ENCODING")
    if not given:
        if environ.get("wsgi.input_terminated") or type(environ["wsgi.input"]) is BytesIO:
            return None
        if chunked:
            # What the application would find there is not what was sent, or may never end.
            raise BodyUnreadable
        return 0
    # RFC 9112 section 6.3: with both, one of them lies, and readers differ in which.
    if chunked or not (given.isascii() and given.isdigit() and len(given) <= _LONGEST_LENGTH):
        raise BodyUnreadable
    return int(given)


class _Replayed(RawIOBase):
    """What was read, then what is left of the server's stream: never more than `left` bytes where that is known."""

    def __init__(self, read: bytes, stream: Any, left: int | None) -> None:
        self._read = BytesIO(read)
        self._stream = stream
        self._left = left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = len(buffer)
        data = self._read.read(size)
        if not data:
            data = self._stream.read(size if self._left is None else min(size, self._left))
            if self._left is not None:
                self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)
