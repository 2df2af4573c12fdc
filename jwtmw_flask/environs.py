"""Flask's request and the environ that it was made from.

Owns: what of a request is remembered from its environ.
Must never know: why the environ changes.
"""

from __future__ import annotations

from flask import Request
from werkzeug.utils import cached_property


def read_anew(request: Request) -> None:
    """Forget what was read from the environ: it says something else now. No body has been read by then."""
    request.query_string = request.environ.get("QUERY_STRING", "").encode("latin-1")
    kind = type(request)
    for name in [name for name in vars(request) if isinstance(getattr(kind, name, None), cached_property)]:
        del vars(request)[name]
