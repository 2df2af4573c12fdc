"""The engine itself, and the renderer: no framework, no server, no application."""

from __future__ import annotations

import re
from functools import partial
from typing import Any
from urllib.parse import unquote

from jwtmw import Policy, adapter
from jwtmw.adapter import Allow, mark_of, run
from tests.conformance.drivers.registry import driver
from tests.conformance.endpoints import ENDPOINTS, Endpoint
from tests.conformance.schema import ANONYMOUS, Answer, Case, Request
from tests.conformance.world import Ledger, World


class Facts(adapter.Request):
    """A request as an adapter would present it."""

    def __init__(self, request: Request) -> None:
        raw_path, _, query = request.target.partition(b"?")
        path = unquote(raw_path.decode("latin-1"), "utf-8", "replace")
        scope = {"path": path, "raw_path": raw_path, **request.scope}
        method = "GET" if request.websocket else request.method
        super().__init__(method, scope["path"], scope["raw_path"], query)
        self.root_path = request.root_path
        self.websocket = request.websocket
        self.headers = [(name.lower(), value) for name, value in request.headers]
        self.crumbs = b"; " if request.scope.get("http_version") == "2" else b","

    def header(self, name: bytes) -> bytes | None:
        values = [value for key, value in self.headers if key == name]
        return (self.crumbs if name == b"cookie" else b",").join(values) if values else None


def _marked(endpoint: Endpoint) -> Any:
    def function() -> None: ...

    if endpoint.kind != "class":
        return endpoint.mark(function)
    post: Any = lambda self: None  # noqa: E731 (a method without a name of its own)
    for mark in reversed(endpoint.post):
        post = mark(post)
    return endpoint.mark(type("View", (), {"get": lambda self: None, "post": post}))


MARKED = [(re.compile(re.sub(r"\{\w+\}", "[^/]+", each.path)), each, _marked(each)) for each in ENDPOINTS]


def find_mark(facts: Facts) -> Any:
    """The mark of the endpoint that a router would find, None where it finds none."""
    for pattern, endpoint, marked in MARKED:
        method = "GET" if facts.method == "HEAD" else facts.method
        fits = method in endpoint.methods and facts.websocket == (endpoint.kind == "websocket")
        if isinstance(facts.path, str) and fits and pattern.fullmatch(facts.path):
            return mark_of(marked, facts.method)
    return None


def cannot(case: Case) -> str | None:
    """What only an adapter or a server does."""
    if case.request.websocket and not case.request.denial:
        return "closing a WebSocket is the adapter's"
    return None


@driver("engine", cannot, has_app=False)
def drive(case: Case, world: World) -> Answer:
    """Decide, and render a refusal."""

    def build(policy: Policy | None, app: str) -> tuple[Policy, str]:
        assert policy is not None
        return policy, app

    def send(surface: tuple[Policy, str], request: Request) -> Answer:
        policy, app = surface
        facts = Facts(request)
        facts.mark = find_mark(facts) if app == "routes" else None
        decision = run(policy.engine, facts, partial(_read, request, world.ledger))
        if isinstance(decision, Allow):
            principal = decision.principal
            world.ledger.endpoint += 1
            world.ledger.caller = (principal.subject or "") if principal.is_authenticated else ANONYMOUS
            return Answer(200, [], b"")
        response = policy.renderer.render(decision, facts)
        return Answer(response.status, list(response.headers), response.body)

    return world.play("engine", case, build, send)


def _read(request: Request, ledger: Ledger, limit: int) -> bytes | None:
    """As an adapter reads it."""
    ledger.body_reads += 1
    if request.cut:
        raise adapter.BodyUnreadable
    return request.body if len(request.body) <= limit else None
