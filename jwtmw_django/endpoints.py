"""jwtmw's own endpoints as views of Django.

    from jwtmw.mint import JWKS, KeyRing
    urlpatterns = [path(".well-known/jwks.json", view(JWKS(KeyRing.load("keys"))))]

Owns: the translation between Django and an endpoint.
Must never know: what is answered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from jwtmw import public
from jwtmw.adapter import Asked, Endpoint, aanswer, answer


def view(endpoint: Endpoint) -> Callable[..., Any]:
    """A view for `path`, marked as the endpoint says; async where one of the endpoint's functions is.

    Django's own checks for sessions do not apply: no cookie is read, so that nothing can be forged across sites.
    """

    def answering(request: HttpRequest, **_: Any) -> HttpResponse:
        return _response(answer(endpoint, _asked(endpoint, request)))

    async def answering_async(request: HttpRequest, **_: Any) -> HttpResponse:
        return _response(await aanswer(endpoint, _asked(endpoint, request)))

    chosen: Any = answering_async if endpoint.awaits else answering
    chosen.__name__ = endpoint.name
    chosen.csrf_exempt = True
    chosen.login_required = False  # what LoginRequiredMiddleware goes by
    return public(chosen) if endpoint.public else chosen  # type: ignore[no-any-return]


def _asked(endpoint: Endpoint, request: HttpRequest) -> Asked:
    method = request.method or ""
    body: bytes | None = b""
    if endpoint.reads_body(method):
        body = request.read(endpoint.max_body + 1)
        body = None if len(body) > endpoint.max_body else body
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Asked(method, request.path, headers, request.META.get("QUERY_STRING", ""), body)


def _response(given: Any) -> HttpResponse:
    response = HttpResponse(given.body, status=given.status)
    del response["Content-Type"]
    for name, value in given.headers.items():
        response[name] = value
    return response
