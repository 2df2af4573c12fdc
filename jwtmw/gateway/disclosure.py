"""What the application is shown of a request: who is calling, in headers, and not the credential.

Owns: applying both to an ASGI scope and to a WSGI environ.
Must never know: how to decide, frameworks.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from jwtmw.decision import Allow
from jwtmw.gateway.hiding import cookies_without, headers_without, query_without
from jwtmw.gateway.identity import IdentityHeaders
from jwtmw.token.locate import Place

# Where servers put the target as it came, query included.
_TARGETS = ("RAW_URI", "REQUEST_URI")


class Disclosure:
    """`identity` is header name -> claim path; `hides` says whether the used credential is taken out.

    Both methods may be called again for a later decision on the same request; nothing is ever written into a list
    that somebody else may hold.
    """

    __slots__ = ("_hides", "_identity")

    def __init__(self, identity: Mapping[str, str], hides: bool) -> None:
        self._identity = IdentityHeaders(identity) if identity else None
        self._hides = hides

    def scope(self, scope: MutableMapping[str, Any], allow: Allow) -> None:
        """Show the request of this ASGI scope as the decision allows."""
        headers = scope.get("headers", ())
        place = self._used(allow)
        if place is not None:
            headers = headers_without(headers, place)
            if place.kind == "query":
                scope["query_string"] = query_without(scope["query_string"], place.name.encode())
        if self._identity is not None:
            owns = self._identity.owns
            headers = [line for line in headers if not owns(line[0])]
            headers += self._identity.of(allow.principal)
        scope["headers"] = headers

    def environ(self, environ: MutableMapping[str, Any], allow: Allow) -> None:
        """Show the request of this WSGI environ, or of what has its keys, as the decision allows."""
        place = self._used(allow)
        if place is not None:
            _HIDE[place.kind](environ, place.name)
        if self._identity is not None:
            owns = self._identity.owns
            headers = [key for key in environ if key.startswith("HTTP_")]
            for key in headers:
                if owns(key[5:].encode("latin-1", "replace")):
                    del environ[key]
            for name, value in self._identity.of(allow.principal):
                environ[_variable(name.decode("ascii"))] = value.decode("ascii")

    def _used(self, allow: Allow) -> Place | None:
        """Where the credential is that is to be hidden; one among subprotocols is hidden by its adapter in any case."""
        return allow.place if self._hides and allow.place is not None and allow.place.kind in _HIDE else None


def _variable(header: str) -> str:
    """The environ's key of a header (RFC 3875, section 4.1.18)."""
    return "HTTP_" + header.upper().replace("-", "_")


def _hide_header(environ: MutableMapping[str, Any], name: str) -> None:
    environ.pop(_variable(name), None)


def _hide_query(environ: MutableMapping[str, Any], name: str) -> None:
    member = name.encode()
    environ["QUERY_STRING"] = _rewritten(environ["QUERY_STRING"], member)
    for key in _TARGETS:
        target = environ.get(key)
        path, mark, query = target.partition("?") if isinstance(target, str) else ("", "", "")
        if mark:
            query = _rewritten(query, member)
            environ[key] = f"{path}?{query}" if query else path


def _rewritten(query: str, member: bytes) -> str:
    # What no server can have meant by bytes is no token either.
    return query_without(query.encode("latin-1", "replace"), member).decode("latin-1")


def _hide_cookie(environ: MutableMapping[str, Any], name: str) -> None:
    kept = cookies_without(environ.get("HTTP_COOKIE", "").encode("latin-1", "replace"), name.encode()).decode("latin-1")
    if kept:
        environ["HTTP_COOKIE"] = kept
    else:
        environ.pop("HTTP_COOKIE", None)


_HIDE = {"header": _hide_header, "query": _hide_query, "cookie": _hide_cookie}
