"""What single texts and numbers of the configuration must look like.

Owns: the grammars, each with its RFC.
Must never know: which key a value belongs to.
"""

from __future__ import annotations

import math
import re
from difflib import get_close_matches

# Control characters, line separators, marks that reorder what a log shows, and lone surrogates.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, 5.6.2
_SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749, 3.3
_URL_PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@-]+)+")
_QUOTABLE = re.compile(r"[\x20-\x7e]+")
_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://(?:[a-z0-9._~-]+|\[[0-9a-f:.]+\])(?::([1-9][0-9]*))?")  # RFC 6454, 6.2
_DEFAULT_PORTS = {("http", "80"), ("https", "443")}
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_HEADER_WORD = re.compile(r"[!-~]+")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def is_plain(text: str) -> bool:
    """Not empty, nothing unprintable, no blank at either end."""
    return text != "" and text == text.strip() and not _UNPRINTABLE.search(text)


def is_token(text: str) -> bool:
    """An RFC 9110 token: a header's name, a scheme, a method, a subprotocol."""
    return _TOKEN.fullmatch(text) is not None


def is_scope(text: str) -> bool:
    """An RFC 6749 scope-token."""
    return _SCOPE_TOKEN.fullmatch(text) is not None


def is_quotable(text: str) -> bool:
    """Printable ASCII: what a quoted-string of a challenge can hold."""
    return _QUOTABLE.fullmatch(text) is not None


def is_origin(text: str) -> bool:
    """An origin as browsers serialise it; "null" is nobody's."""
    match = _ORIGIN.fullmatch(text)
    return match is not None and match.groups() not in _DEFAULT_PORTS


def is_header_word(text: str) -> bool:
    """Visible ASCII without blanks: what can stand behind a scheme in a header."""
    return _HEADER_WORD.fullmatch(text) is not None


def is_variable(text: str) -> bool:
    """The name of an environment variable."""
    return _VARIABLE.fullmatch(text) is not None


def is_url_path(text: str) -> bool:
    """A path of RFC 3986, 3.3, from its slash on: no dot segments, nothing empty, nothing percent-encoded."""
    return _URL_PATH.fullmatch(text) is not None and not {".", ".."}.intersection(text.split("/"))


def is_name(text: object) -> bool:
    """The name of a table, as in `[vault.NAME]`."""
    return isinstance(text, str) and _NAME.fullmatch(text) is not None


def is_within(number: float, low: float, high: float = math.inf) -> bool:
    """A finite number from `low` to `high`, both included."""
    return math.isfinite(number) and low <= number <= high


def is_positive(number: float) -> bool:
    """A finite number above zero."""
    return math.isfinite(number) and number > 0


def near(word: str, known: tuple[str, ...] | list[str]) -> str:
    """The known word that was probably meant, "" where none is near."""
    by_case = [name for name in known if name.casefold() == word.casefold()]
    return next(iter(by_case or get_close_matches(word, known, n=1)), "")
