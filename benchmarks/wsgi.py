"""A whole request through Flask and through Django, in process: bare, behind jwtmw, behind what others use.

Owns: the candidates of both frameworks.
Must never know: how they are measured.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from io import BytesIO
from itertools import cycle
from types import FunctionType
from typing import Any

from benchmarks.measure import Run
from benchmarks.requests import NEW_TOKENS
from benchmarks.requests import TOO_SMALL as SMALL
from benchmarks.world import AUDIENCE, ISSUER, issuer_table, signer_of, tokens_of
from jwtmw import Policy, requires, wsgi

TOO_SMALL = {"cache": SMALL}


def flask(algorithm: str) -> dict[str, Run]:
    """The bare app first; "bare again" is the A/A control."""
    from flask import Flask
    from flask_jwt_extended import JWTManager, jwt_required

    from jwtmw_flask import JWTAuth

    signer = signer_of(algorithm)
    policy = {"issuers": [issuer_table(signer)]}
    seen, new = tokens_of(signer, 1), tokens_of(signer, NEW_TOKENS)

    def order(id: str) -> str:  # noqa: A002 (the route's own name for it)
        return id

    def app(*marks: Callable[[Any], Any], **config: Any) -> Flask:
        made = Flask(__name__)
        made.config.update(config)
        view: Any = FunctionType(order.__code__, globals(), "order")
        for mark in marks:
            view = mark(view)
        made.add_url_rule("/orders/<id>", "order", view)
        return made

    def protected(*marks: Callable[[Any], Any], **keys: Any) -> Flask:
        made = app(*marks)
        JWTAuth(made, {**policy, **keys})
        return made

    extended = app(
        jwt_required(),
        JWT_ALGORITHM=algorithm,
        JWT_PUBLIC_KEY=signer.public_pem,
        JWT_DECODE_AUDIENCE=AUDIENCE,
    )
    JWTManager(extended)
    return {
        "bare Flask": _run(app(), seen),
        "bare again (A/A control)": _run(app(), seen),
        "jwtmw.wsgi around it, seen token": _run(wsgi.JWTMiddleware(app(), policy), seen),
        "jwtmw_flask, seen token": _run(protected(), seen),
        "jwtmw_flask, seen token, @requires": _run(protected(requires("orders:read")), seen),
        "jwtmw_flask, new token": _run(protected(**TOO_SMALL), new),
        "flask-jwt-extended": _run(extended, new),
        "Authlib's ResourceProtector": _run(app(_authlib(signer)), new),
    }


def _authlib(signer: Any) -> Callable[[Any], Any]:
    from authlib.integrations.flask_oauth2 import ResourceProtector
    from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
    from joserfc.jwk import KeySet

    keys = KeySet.import_key_set({"keys": [signer.public_jwk]})

    class Validator(JWTBearerTokenValidator):
        def get_jwks(self) -> KeySet:
            return keys

    protector = ResourceProtector()
    protector.register_token_validator(Validator(issuer=ISSUER, resource_server=AUDIENCE))
    mark: Callable[[Any], Any] = protector("orders:read")
    return mark


def django(algorithm: str) -> dict[str, Run]:
    """The bare project first; "bare again" is the A/A control. REST framework has a baseline of its own."""
    import django as package
    from django.conf import settings
    from django.core.handlers.wsgi import WSGIHandler
    from django.http import HttpResponse
    from django.test import override_settings
    from django.urls import path

    signer = signer_of(algorithm)
    policy = {"issuers": [issuer_table(signer)]}
    seen, new = tokens_of(signer, 1), tokens_of(signer, NEW_TOKENS)
    simple = {
        "ALGORITHM": algorithm,
        "VERIFYING_KEY": signer.public_pem,
        "AUDIENCE": AUDIENCE,
        "ISSUER": ISSUER,
        "USER_ID_CLAIM": "sub",
        "TOKEN_TYPE_CLAIM": None,
    }
    apps = ["django.contrib.contenttypes", "django.contrib.auth", "rest_framework"]
    settings.configure(ALLOWED_HOSTS=["*"], SECRET_KEY="benchmark", SIMPLE_JWT=simple, INSTALLED_APPS=apps)
    package.setup()

    def order(request: Any, id: str) -> HttpResponse:  # noqa: A002, ARG001 (the route's own name for it)
        return HttpResponse(id, content_type="text/plain")

    @requires("orders:read")
    def marked(request: Any, id: str) -> HttpResponse:  # noqa: A002, ARG001
        return HttpResponse(id, content_type="text/plain")

    def run(view: Any, tokens: list[str], *middleware: str, **keys: Any) -> Run:
        urls = type(sys)(f"benchmarks.urls_of_{len(sys.modules)}")
        urls.__dict__["urlpatterns"] = [path("orders/<id>", view)]
        sys.modules[urls.__name__] = urls
        changed = override_settings(
            MIDDLEWARE=[*middleware], ROOT_URLCONF=urls.__name__, JWTMW=Policy({**policy, **keys})
        )
        with changed:
            handler = WSGIHandler()
        return _run(handler, tokens, changed)

    ours = "jwtmw_django.JWTMiddleware"
    return {
        "bare Django": run(order, seen),
        "bare again (A/A control)": run(order, seen),
        "jwtmw_django, seen token": run(order, seen, ours),
        "jwtmw_django, seen token, @requires": run(marked, seen, ours),
        "jwtmw_django, new token": run(order, new, ours, **TOO_SMALL),
        "bare REST framework": run(_rest_view(), seen),
        "REST framework, simplejwt": run(_rest_view(simplejwt=True), new),
    }


def _rest_view(simplejwt: bool = False) -> Any:
    from rest_framework.permissions import AllowAny, IsAuthenticated
    from rest_framework.response import Response
    from rest_framework.views import APIView
    from rest_framework_simplejwt.authentication import JWTStatelessUserAuthentication

    class Order(APIView):
        authentication_classes = [JWTStatelessUserAuthentication] if simplejwt else []
        permission_classes = [IsAuthenticated if simplejwt else AllowAny]  # noqa: RUF012

        def get(self, request: Any, id: str) -> Response:  # noqa: A002, ARG002 (the route's own name for it)
            return Response(id)

    return Order.as_view()


def _run(app: Any, tokens: list[str], during: AbstractContextManager[Any] | None = None) -> Run:
    turn = cycle(tokens)

    def start(status: str, headers: Any, exc_info: Any = None) -> Any:  # noqa: ARG001 (PEP 3333)
        # A benchmark of refusals would be fast and worthless.
        if not status.startswith("200"):
            raise AssertionError(status)

    def run(repeat: int) -> Callable[[], Awaitable[None]]:
        environs = [_environ(next(turn)) for _ in range(repeat)]

        async def job() -> None:
            with during or nullcontext():
                for environ in environs:
                    answer = app(environ, start)
                    b"".join(answer)
                    if (close := getattr(answer, "close", None)) is not None:
                        close()

        return job

    return run


def _environ(token: str) -> dict[str, Any]:
    """A GET as gunicorn presents it, with the headers of a usual client."""
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/orders/1234",
        "RAW_URI": "/orders/1234",
        "QUERY_STRING": "",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "orders.example",
        "HTTP_USER_AGENT": "python-httpx2/2.16",
        "HTTP_ACCEPT": "*/*",
        "HTTP_ACCEPT_ENCODING": "gzip, deflate",
        "HTTP_CONNECTION": "keep-alive",
        "HTTP_AUTHORIZATION": f"Bearer {token}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
