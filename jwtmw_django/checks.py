"""System checks: what would not work, would not protect, or is not fit for production. The ids are stable.

`manage.py check` runs those with E and W001, W002; `manage.py check --deploy` all. docs/django.md lists them.

Owns: the ids, and which middleware may stand before ours.
Must never know: how to decide, how a configuration is judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's own name
from django.utils.module_loading import import_string
from django.views import View

from jwtmw import ConfigurationError, MarkError
from jwtmw.adapter import loaded, marked_objects
from jwtmw_django.middleware import JWTMiddleware
from jwtmw_django.routes import Route, routes

OURS = "jwtmw_django.JWTMiddleware"
# They answer nothing of the application's, and open nothing; some of them must see each request before anybody else.
HARMLESS = frozenset(
    {
        "corsheaders.middleware.CorsMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
        "django.middleware.csp.ContentSecurityPolicyMiddleware",
        "django.middleware.gzip.GZipMiddleware",
        "django.middleware.http.ConditionalGetMiddleware",
        "django.middleware.locale.LocaleMiddleware",
        "django.middleware.security.SecurityMiddleware",
        "django_prometheus.middleware.PrometheusBeforeMiddleware",
        "opentelemetry.instrumentation.django.middleware.otel_middleware._DjangoMiddleware",
    }
)
# Before ours, these refuse the very callers whom ours lets in.
HASTY = {
    "django.middleware.csrf.CsrfViewMiddleware": "it asks callers with a bearer token for a CSRF token, too",
    "django.contrib.auth.middleware.LoginRequiredMiddleware": "it sends callers with a token to the login page",
}
DEPLOY = {
    "non_secure": "jwtmw.W010",
    "inbound_off": "jwtmw.W011",
    "report_only": "jwtmw.W012",
    "expose_reason": "jwtmw.W013",
    "short_secret": "jwtmw.W014",
    "default_public": "jwtmw.W015",
    "report_only_rule": "jwtmw.W016",
    "start": "jwtmw.W017",
}
UNREAD = {
    "rest_framework": "Mark the views and view sets that are registered with it",
    "ninja": 'Give it auth=JWTAuth("orders:read"), or mark the operations',
}


@register(Tags.security)
def check_configuration(app_configs: Any, **_: Any) -> list[CheckMessage]:  # noqa: ARG001 - Django's signature
    """E001: the configuration does not load."""
    try:
        loaded(framework=getattr(settings, "JWTMW", None))
    except ConfigurationError as error:
        return [Error(f"JWTMW: {error}", id="jwtmw.E001")]
    return []


@register(Tags.security, deploy=True)
def check_production(app_configs: Any, **_: Any) -> list[CheckMessage]:  # noqa: ARG001
    """W010 to W017: what works, and is not fit for production."""
    try:
        complaints = loaded(framework=getattr(settings, "JWTMW", None))[1]
    except ConfigurationError:
        return []  # E001 has said it
    return [Warning(f"JWTMW: {each.text}", id=DEPLOY[each.code]) for each in complaints]


@register(Tags.security)
def check_middleware(app_configs: Any, **_: Any) -> list[CheckMessage]:  # noqa: ARG001
    """E002, E003, W001, W002: whether the middleware is there, once, and before what it protects."""
    ours = [index for index, path in enumerate(settings.MIDDLEWARE) if _is_ours(path)]
    if not ours:
        hint = f'Put "{OURS}" first in MIDDLEWARE, or take "jwtmw_django" out of INSTALLED_APPS'
        return [Error("JWTMiddleware is not in MIDDLEWARE: nothing is protected", hint=hint, id="jwtmw.E002")]
    found: list[CheckMessage] = []
    if len(ours) > 1:
        found.append(Error("JWTMiddleware stands in MIDDLEWARE twice", hint="Keep the first", id="jwtmw.E003"))
    return [*found, *_before(settings.MIDDLEWARE[: ours[0]])]


def _before(paths: Sequence[str]) -> Iterator[CheckMessage]:
    unjudged = [path for path in paths if path not in HARMLESS and path not in HASTY]
    if unjudged:
        text = f"{', '.join(unjudged)}: before JWTMiddleware; what is answered there is not judged"
        hint = "Put JWTMiddleware first; only what answers nothing itself, as SecurityMiddleware, may stand before it"
        yield Warning(text, hint=hint, id="jwtmw.W001")
    for path in paths:
        if path in HASTY:
            yield Warning(f"{path}: before JWTMiddleware, {HASTY[path]}", hint="Put it behind", id="jwtmw.W002")


def _is_ours(path: str) -> bool:
    try:
        middleware = import_string(path)
    except ImportError:
        return False  # Django says so when it loads it
    return isinstance(middleware, type) and issubclass(middleware, JWTMiddleware)


@register(Tags.urls)
def check_marks(app_configs: Any, **_: Any) -> list[CheckMessage]:  # noqa: ARG001
    """E004, E005: marks that contradict each other, stand on the wrong side, or that nobody reads."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return []
    return [*_contradictions(), *_unread()]


def _contradictions() -> Iterator[CheckMessage]:
    for route in routes():
        error = _error_of(route)
        if error is not None:
            yield Error(f"{route.template}: {error}", id="jwtmw.E004")


def _error_of(route: Route) -> MarkError | None:
    try:
        for method in route.methods(name.upper() for name in View.http_method_names):
            route.mark(method)
    except MarkError as error:
        return error
    return None


def _unread() -> Iterator[CheckMessage]:
    """Their routers hand Django only what is registered with them."""
    for marked in (reference() for reference in list(marked_objects)):
        for package, hint in UNREAD.items():
            if any(cls.__module__.partition(".")[0] == package for cls in type(marked).__mro__):
                yield Error(
                    f"the mark on this {type(marked).__qualname__} is read by nobody", hint=hint, id="jwtmw.E005"
                )
