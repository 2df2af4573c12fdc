"""The small orders service in Django, in one file: `uvicorn django_service:app`."""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

from jwtmw import current_principal

if not settings.configured:
    settings.configure(
        ROOT_URLCONF=__name__,
        MIDDLEWARE=["jwtmw_django.JWTMiddleware"],
        ALLOWED_HOSTS=["127.0.0.1"],
        SECRET_KEY=secrets.token_hex(),
    )


async def answer(request: HttpRequest, **_: Any) -> HttpResponse:
    text = f"{request.method} {request.path} for {current_principal().subject or 'nobody'}\n"
    return HttpResponse(text, content_type="text/plain")


urlpatterns = [
    path("health", answer),
    path("catalogue", answer),
    path("orders", answer),
    path("orders/<id>", answer),
    path("internal/<path:rest>", answer),
]
app = get_asgi_application()
