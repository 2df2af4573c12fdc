"""The small orders service without any framework: `waitress-serve wsgi_service:app`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from jwtmw import current_principal
from jwtmw.wsgi import JWTMiddleware

ROUTES = re.compile("/health|/catalogue|/orders|/orders/[^/]+|/internal/.+")


def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    found = ROUTES.fullmatch(environ["PATH_INFO"]) is not None
    caller = current_principal().subject or "nobody"
    text = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']} for {caller}\n" if found else "not found\n"
    start_response("200 OK" if found else "404 Not Found", [("Content-Type", "text/plain")])
    return [text.encode()]


app = JWTMiddleware(answer)
