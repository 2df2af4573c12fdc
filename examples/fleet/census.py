"""Census, in Django: counts what herald tells it."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from pathlib import Path

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.http import require_POST
from hop import hop  # type: ignore[import-not-found]

if not settings.configured:
    settings.configure(
        ROOT_URLCONF=__name__,
        MIDDLEWARE=["jwtmw_django.JWTMiddleware"],
        JWTMW=Path(__file__).with_name("census.toml"),
        ALLOWED_HOSTS=["127.0.0.1"],
        SECRET_KEY=secrets.token_hex(),
    )

COUNTS: Counter[str] = Counter()


@require_POST
def count(request: HttpRequest) -> JsonResponse:
    told = json.loads(request.body)
    COUNTS[told["article"]] += told["number"]
    return JsonResponse(hop("census", counted=dict(COUNTS)), status=201)


urlpatterns = [path("counts", count)]
app = get_wsgi_application()
