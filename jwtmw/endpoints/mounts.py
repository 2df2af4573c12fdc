"""An endpoint as an ASGI application and as a WSGI application, to be mounted at the one path that it answers.

    Route("/.well-known/jwks.json", asgi(JWKS(ring)))         Starlette, FastAPI, any ASGI application
    wsgi(JWKS(ring))                                          any WSGI application

For Flask there is `jwtmw_flask.view`, for Django `jwtmw_django.view`.

Owns: the translation between an endpoint and ASGI or PEP 3333.
Must never know: what is answered, frameworks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from jwtmw.endpoints.endpoint import Asked, Endpoint, aanswer, answer
from jwtmw.environ import Environ, read_body
from jwtmw.errors import BodyUnreadable, ConfigurationError
from jwtmw.messages import BufferedReceive, Message, Receive, Send, live
from jwtmw.policy.marks import public


class ASGIEndpoint:
    """An ASGI application that answers every path with one endpoint. WebSockets are closed."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            return await live(receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008, "reason": ""})
        body: bytes | None = b""
        if self.endpoint.reads_body(scope["method"]):
            body = None
            with suppress(BodyUnreadable):
                body = await BufferedReceive(receive).read(self.endpoint.max_body)
        query = scope.get("query_string", b"").decode("latin-1")
        asked = Asked(scope["method"], scope["path"], _headers(scope["headers"]), query, body)
        response = await aanswer(self.endpoint, asked)
        headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in response.headers.items()]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})


class WSGIEndpoint:
    """A WSGI application that answers every path with one endpoint."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> list[bytes]:
        """Answer one request."""
        method = environ["REQUEST_METHOD"]
        body: bytes | None = b""
        if self.endpoint.reads_body(method):
            body = None
            with suppress(BodyUnreadable):
                body = read_body(environ, self.endpoint.max_body)
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        query = environ.get("QUERY_STRING", "")
        response = answer(self.endpoint, Asked(method, path, _environ_headers(environ), query, body))
        status = f"{response.status} {HTTPStatus(response.status).phrase}"
        start_response(status, list(response.headers.items()))
        return [response.body]


def asgi(endpoint: Endpoint) -> ASGIEndpoint:
    """The endpoint as an ASGI application, marked `@public` if the endpoint is: an adapter for ASGI reads that."""
    mounted = ASGIEndpoint(endpoint)
    return public(mounted) if endpoint.public else mounted


def wsgi(endpoint: Endpoint) -> WSGIEndpoint:
    """The endpoint as a WSGI application. Raises `ConfigurationError` where it needs an event loop."""
    refuse_async(endpoint)
    return WSGIEndpoint(endpoint)


def refuse_async(endpoint: Endpoint) -> None:
    """Raise `ConfigurationError` for an endpoint that a thread cannot serve."""
    if endpoint.awaits:
        problem = "an async function needs an ASGI application"
        raise ConfigurationError(endpoint.name, problem, "Make it a plain function")


def _headers(lines: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for raw_name, raw_value in lines:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _environ_headers(environ: Environ) -> dict[str, str]:
    found = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            found[name.replace("_", "-").lower()] = environ[name]
    return found
