"""`jwtmw demo mixed`: five small services by one policy file, and whether they answer alike.

Starlette, FastAPI and Django run under uvicorn, Flask and plain WSGI under waitress: examples/mixed.

Owns: the five, what they are asked, and how their answers are compared and shown.
Must never know: how anything is decided.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from jwtmw.cli.demo_requests import READER, SHARED, WRITER, Answer, Ask, bearer, send
from jwtmw.cli.demo_service import Service, example, require, uvicorn, waitress
from jwtmw.decision import Reason
from jwtmw.table import table
from jwtmw.testing import TestIssuer

SERVICES = {"starlette": uvicorn, "fastapi": uvicorn, "django": uvicorn, "flask": waitress, "wsgi": waitress}
NEEDED = ("starlette", "fastapi", "flask", "django", "uvicorn", "waitress")


def require_the_extra() -> None:
    """Raises `CommandError` where a framework or a server is not installed."""
    require("jwtmw demo mixed", "mixed", NEEDED)


def asks(issuer: TestIssuer) -> list[Ask]:
    """The requests, with tokens of this issuer."""
    reader, writer = issuer.token("reader", READER), issuer.token("writer", WRITER)
    admin = issuer.token("admin", READER, roles=["admin"])
    hour_ago = int(time.time()) - 3600
    expired = issuer.token("reader", READER, iat=hour_ago - 3600, exp=hour_ago)
    elsewhere = issuer.token("reader", READER, aud="billing")
    preflight = (("Origin", "https://shop.example"), ("Access-Control-Request-Method", "POST"))
    return [
        Ask("GET /health", "no token", "the rule says public", 200),
        Ask("GET /catalogue", "no token", "the rule says optional", 200),
        Ask("GET /catalogue", "an expired token", Reason.EXPIRED, 401, bearer(expired)),
        Ask("GET /orders", "no token", Reason.TOKEN_MISSING, 401),
        Ask("HEAD /orders", "no token", Reason.TOKEN_MISSING, 401),
        Ask("GET /orders", "a reader's token", "it has the scope", 200, bearer(reader)),
        Ask("GET /orders/7", "a reader's token", "it has the scope", 200, bearer(reader)),
        Ask("POST /orders", "a reader's token", Reason.SCOPE_MISSING, 403, bearer(reader)),
        Ask("POST /orders", "a writer's token", "it has the scope", 200, bearer(writer)),
        Ask("DELETE /orders/7", "a writer's token", Reason.ROLE_MISSING, 403, bearer(writer)),
        Ask("DELETE /orders/7", "an admin's token", "it has the role", 200, bearer(admin)),
        Ask("GET /orders", "a token for another audience", Reason.AUDIENCE_MISMATCH, 401, bearer(elsewhere)),
        Ask("GET /orders", "two tokens", Reason.CREDENTIALS_REPEATED, 400, bearer(reader) * 2),
        Ask("GET /internal/keys", "a writer's token", Reason.RULE_DENIES, 403, bearer(writer)),
        Ask("GET /health/../internal", "a reader's token", Reason.PATH_AMBIGUOUS, 400, bearer(reader)),
        Ask("GET /orders%2f7", "a reader's token", Reason.PATH_AMBIGUOUS, 400, bearer(reader)),
        Ask("GET //orders", "a reader's token", Reason.PATH_AMBIGUOUS, 400, bearer(reader)),
        Ask("PROPFIND /orders", "a reader's token", Reason.METHOD_UNKNOWN, 400, bearer(reader)),
        Ask("GET /nowhere", "no token", Reason.TOKEN_MISSING, 401),
        Ask("GET /nowhere", "a reader's token", "it is good; there is nothing here", 404, bearer(reader)),
        Ask("OPTIONS /nowhere", "a browser's preflight", "it passes; there is nothing here", 404, preflight),
    ]


def show(issuer: TestIssuer) -> bool:
    """Start the five, ask each the same, print one table; whether all answers are as they should be and alike."""
    policy = example("mixed") / "policy.toml"
    environment = {"JWTMW_CONFIG": str(policy), "ORDERS_ISSUER": issuer.issuer, "ORDERS_JWKS_URL": issuer.jwks_url}
    with ExitStack() as stack:
        urls = {name: stack.enter_context(_service(name, environment)).url for name in SERVICES}
        print("Five services, one policy file:\n")
        print(table((f"  {name}", url, SERVICES[name].__name__) for name, url in urls.items()), end="\n\n")
        requests = asks(issuer)
        answers = [{name: send(url, ask) for name, url in urls.items()} for ask in requests]
    rows = [_row(ask, answer) for ask, answer in zip(requests, answers, strict=True)]
    print(table([("", "request", "sent with", *SERVICES, "code"), *rows]))
    wrong = sum(row[0] != "" for row in rows)
    print(f"\nRefusals are compared whole: the body, {', '.join(SHARED)}.")
    print(
        f"{wrong} of {len(rows)} are not as they should be." if wrong else f"All {len(rows)} are the same five times."
    )
    return not wrong


def _service(name: str, environment: Mapping[str, str]) -> Service:
    return Service(environment, folder="mixed", app=f"{name}_service:app", server=SERVICES[name])


def _row(ask: Ask, answers: Mapping[str, Answer]) -> Sequence[str]:
    """One row: empty in front where all answered alike, and as they should."""
    alike = len(set(answers.values())) == 1 and all(answer.status == ask.status for answer in answers.values())
    code = next(iter(answers.values())).code
    return ("" if alike else "!", ask.line, ask.sent, *(str(answers[name].status) for name in SERVICES), code)
