"""What the application finds on its request: the caller, and nothing of a credential that is to be hidden.

Owns: `request.principal`, `request.user`, `request.auser`, and what becomes of Django's own user and CSRF check.
Must never know: how the caller was verified.
"""

from __future__ import annotations

from functools import partial
from typing import Any, cast

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from jwtmw.adapter import Allow
from jwtmw_django.user import TokenUser


def introduce(request: HttpRequest, allow: Allow) -> None:
    """A verified caller is the user, whoever the session says; where nobody was verified, Django's own user stays."""
    native: Any = request
    principal = native.principal = allow.principal
    if principal.is_authenticated:
        _be(native, TokenUser(principal) if allow.user is principal else allow.user)
    elif "_jwtmw_user" in native.__dict__:
        _be_nobody(native)
    elif not hasattr(native, "user"):
        native.user, native.auser = (nobody := TokenUser(principal)), partial(_auser, nobody)


def remind(request: HttpRequest) -> None:
    """Middleware between has put another user there: the verified caller is the user all the same."""
    user = request.__dict__.get("_jwtmw_user")
    if user is not None and request.user is not user:
        _be(request, user)


def _be(request: Any, user: Any) -> None:
    # AuthenticationMiddleware behind us looks into the session only where these are missing.
    request._jwtmw_user = request._cached_user = request._acached_user = request.user = user
    request.auser = partial(_auser, user)


def _be_nobody(request: Any) -> None:
    """The view turned out to be public: no token is read there, and the session's user is who he was."""
    user = request.__dict__.pop("_jwtmw_user")
    for name in ("_cached_user", "_acached_user"):
        request.__dict__.pop(name, None)
    if request.user is user:
        request.user = nobody = TokenUser(request.principal)
        request.auser = partial(_auser, nobody)
    elif isinstance(request.user, SimpleLazyObject):
        # AuthenticationMiddleware's, which may have asked for the user by now.
        from django.contrib.auth.middleware import auser, get_user

        request.user = SimpleLazyObject(lambda: get_user(request))
        request.auser = partial(auser, request)


async def _auser(user: Any) -> Any:
    return user


def excuse_from_csrf(request: HttpRequest, allow: Allow) -> None:
    """No page of another origin can make a browser send this header: a verified caller needs no CSRF token.

    A cookie goes with any request, and says nothing of the page that sent it: its caller is not excused.
    """
    place = allow.place
    if allow.principal.is_authenticated and place is not None and place.kind == "header":
        # What Django's own test client, Django REST framework and others set.
        cast("Any", request)._dont_enforce_csrf_checks = True


def disclose(request: HttpRequest, disclosure: Any, allow: Allow) -> None:
    """Show the application of the request what `policy.disclosure` says; what Django remembers of it is forgotten."""
    scope = getattr(request, "scope", None)
    if scope is None:
        disclosure.environ(request.META, allow)
    else:
        before = _variables(scope)
        disclosure.scope(scope, allow)
        _tell(request.META, before, _variables(scope))
    for name in ("headers", "COOKIES", "GET"):
        request.__dict__.pop(name, None)


def _variables(scope: Any) -> dict[str, str]:
    """What of the scope Django keeps in `META`, as Django puts it there."""
    found = {"QUERY_STRING": scope.get("query_string", b"").decode()}
    for name, value in scope["headers"]:
        key = f"HTTP_{name.decode('latin-1').upper().replace('-', '_')}"
        text = value.decode("latin-1")
        found[key] = f"{found[key]},{text}" if key in found else text
    return found


def _tell(meta: dict[str, Any], before: dict[str, str], now: dict[str, str]) -> None:
    """Only what has changed is written again: middleware may have had its own reasons for the rest."""
    for key in before.keys() - now.keys():
        meta.pop(key, None)
    meta.update({key: text for key, text in now.items() if before.get(key) != text})
