"""The orders service in Django: marks on functions, on a class and around an include, beside Django's own middleware.

    export JWTMW_ISSUER=https://id.example/
    export JWTMW_AUDIENCE=orders
    uvicorn app:application

`jwtmw issuer` serves an issuer on this machine and prints these lines for it. No setting below says whose tokens count:
the environment does; `JWTMW = {...}` or `JWTMW = "jwtmw.toml"` among the settings would. By WSGI the last line reads
`get_wsgi_application()`.
"""

from __future__ import annotations

import secrets

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from django.views import View

from jwtmw import current_principal, optional, public, requires

SETTINGS = {
    "MIDDLEWARE": [
        "jwtmw_django.JWTMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    "INSTALLED_APPS": ["django.contrib.auth", "django.contrib.contenttypes", "jwtmw_django"],
    "SESSION_ENGINE": "django.contrib.sessions.backends.signed_cookies",
    "ROOT_URLCONF": __name__,
    "ALLOWED_HOSTS": ["127.0.0.1", "localhost"],
}
if not settings.configured:
    settings.configure(SECRET_KEY=secrets.token_hex(), **SETTINGS)

PRICES = {"tea": 4, "cake": 6}
ORDERS: dict[int, dict[str, str]] = {1: {"article": "tea", "by": "alice"}}


@public
async def health(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "up"})


@optional
def catalogue(request: HttpRequest) -> JsonResponse:
    discount = 1 if current_principal().is_authenticated else 0
    return JsonResponse({article: price - discount for article, price in PRICES.items()})


class Orders(View):
    """Reading and writing need a scope each."""

    @requires("orders:read")
    def get(self, request: HttpRequest) -> JsonResponse:
        return JsonResponse(ORDERS)

    @requires("orders:write")
    def post(self, request: HttpRequest) -> HttpResponse:
        article = request.body.decode("utf-8", "replace")
        if article not in PRICES:
            return HttpResponse(f"the body must be one of {', '.join(PRICES)}", status=400)
        order = ORDERS[len(ORDERS) + 1] = {"article": article, "by": request.user.get_username()}
        return JsonResponse(order, status=201)


async def cancel_order(request: HttpRequest, number: int) -> HttpResponse:
    return HttpResponse(status=204 if ORDERS.pop(number, None) else 404)


administration = [path("orders/<int:number>", cancel_order)]

urlpatterns = [
    path("health", health),
    path("catalogue", catalogue),
    path("orders", Orders.as_view()),
    requires(roles=["admin"])(path("admin/", include(administration))),
]

application = get_asgi_application()
