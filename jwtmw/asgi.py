"""Any ASGI application behind the engine: path rules only, no marks.

Owns: the translation of an ASGI scope into request facts, and of decisions into ASGI messages.
Must never know: how to decide, any framework. `lifespan` passes untouched.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Iterator
from typing import Any

from jwtmw.challenge import Renderer, Response
from jwtmw.compose import Policy, PolicySource
from jwtmw.current import judged_request
from jwtmw.decision import Allow, Decision, Deny
from jwtmw.drive import arun
from jwtmw.errors import Denied
from jwtmw.messages import ASGIApp, BufferedReceive, Message, Receive, Scope, Send
from jwtmw.nested import refuse_twice
from jwtmw.request import Request
from jwtmw.token.locate import Place, without_token

logger = logging.getLogger("jwtmw.asgi")

PRINCIPAL = "jwtmw.principal"
# RFC 6455 section 7.4.1: policy violation, for servers without the websocket.http.response extension.
POLICY_VIOLATION = 1008
_CLOSE: Message = {"type": "websocket.close", "code": POLICY_VIOLATION, "reason": ""}
SERVER_ERROR = 500
_ACCEPT = "websocket.accept"
# The messages that begin an answer; a handshake's is its end as well where it is a close.
_BEGINS = frozenset({"http.response.start", "websocket.http.response.start", _ACCEPT, "websocket.close"})
SUBPROTOCOLS = b"sec-websocket-protocol"


class ASGIRequest(Request):
    """The facts of an ASGI `http` or `websocket` scope; what is missing there, or no text, the engine refuses."""

    # How several lines of cookies are one: over HTTP/2 they are crumbs (RFC 9113, section 8.2.3), else like any header.
    crumbs = b","

    def __init__(self, scope: Scope) -> None:
        # All by hand, not by super(): this is made for each request.
        try:
            self.method = scope["method"]
            self.path, self.raw_path = scope["path"], scope["raw_path"]
            self.root_path, self.query_string = scope["root_path"] or "", scope["query_string"] or b""
            headers, version = scope["headers"], scope["http_version"]
        except KeyError:
            headers, version = self._take_what_is_there(scope), scope.get("http_version")
        if scope["type"] == "websocket":
            self.method, self.websocket = "GET", True
        if version == "2":
            self.crumbs = b"; "
        if type(headers) is not list and isinstance(headers, Iterator):
            # Any iterable will do for ASGI; one that can be read only once is read for the application, too.
            headers = scope["headers"] = list(headers)
        self.headers = headers

    def _take_what_is_there(self, scope: Scope) -> Any:
        """A WebSocket has no method, and much of a scope is optional. The headers."""
        self.method, self.path, self.raw_path = scope.get("method", ""), scope.get("path", ""), scope.get("raw_path")
        self.root_path, self.query_string = scope.get("root_path") or "", scope.get("query_string") or b""
        return scope.get("headers", ())

    def header(self, name: bytes) -> bytes | None:
        """Servers give lower-case names, and one pair per line."""
        found: bytes | None = None
        for key, value in self.headers:
            if key == name:
                found = value if found is None else found + (self.crumbs if name == b"cookie" else b",") + value
        return found


class JWTMiddleware:
    """Protect an ASGI application by path rules: `app = JWTMiddleware(app, policy)`.

    `policy` is a `Policy`, a mapping, the path of a TOML file, or None for the environment.
    Raises `ConfigurationError`. The caller is in `scope["jwtmw.principal"]`.
    """

    def __init__(self, app: ASGIApp, policy: PolicySource = None) -> None:
        self.app = app
        self.policy = Policy.load(policy)
        refuse_twice(JWTMiddleware, app, self.policy)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Judge the request, then call the app or send the refusal."""
        kind = scope.get("type")
        if kind == "lifespan":
            return await self.app(scope, receive, send)
        if kind not in ("http", "websocket"):
            return logger.error("a scope that is neither http, websocket nor lifespan is not passed on")
        request = ASGIRequest(scope)
        engine, renderer = self.policy.engine, self.policy.renderer
        decision: Decision | None = engine.decide_now(request)
        if decision is None:
            receive = BufferedReceive(receive)
            decision = await arun(engine, request, receive.read)
        if isinstance(decision, Deny):
            return await send_response(renderer.render(decision, request), scope, send)
        request.judge, request.allow = engine, decision
        admit(scope, decision)
        if self.policy.disclosure is not None:
            self.policy.disclosure.scope(scope, decision)
        answer = _Answer(renderer, request, scope, send)
        token = judged_request.set(request)
        try:
            return await self.app(scope, receive, answer)
        except Denied as denied:
            # The second lock inside the application. Where its answer is under way, the server fails loudly.
            if answer.accepted:
                await send({**_CLOSE})
            elif not answer.begun:
                await answer.refuse(denied.decision)
            elif not answer.replaced:
                raise
        finally:
            # Who asks for the caller from now on, in a task that lives longer, is told that there is none.
            request.judge = None
            judged_request.reset(token)


class _Answer:
    """The app's `send`, which knows how far the answer is, and sends the refusal in the place of a 500.

    Frameworks make a 500 of exceptions that they do not know, and of a handshake a close. Where the second lock
    refused, the refusal is sent, once, and what the framework sends behind it is not.
    """

    __slots__ = ("_renderer", "_request", "_scope", "_send", "_served", "accepted", "begun", "replaced")

    def __init__(self, renderer: Renderer, request: Request, scope: Scope, served: Send) -> None:
        self._renderer = renderer
        self._request = request
        self._scope = scope
        self._served = served
        self._send = served if request.allow is None else admit_send(served, request.allow)
        self.accepted = self.begun = self.replaced = False

    def __call__(self, message: Message) -> Awaitable[None]:
        kind = message["type"]
        if self.replaced:
            return _nothing()
        if kind in _BEGINS:
            deny = self._request.denied
            begun, self.begun = self.begun, True
            if deny is not None and not begun and (kind == _CLOSE["type"] or message.get("status") == SERVER_ERROR):
                self.replaced = True
                return self.refuse(deny)
            self.accepted = kind == _ACCEPT
        return self._send(message)

    def refuse(self, deny: Deny) -> Awaitable[None]:
        """Send what the one renderer makes of it."""
        return send_response(self._renderer.render(deny, self._request), self._scope, self._served)


async def _nothing() -> None: ...


def admit(scope: Scope, allow: Allow) -> None:
    """What the app finds in its scope: the principal, and nothing of a token that came as a subprotocol."""
    scope[PRINCIPAL] = allow.principal
    if allow.place is not None and allow.place.kind == "subprotocol":
        hide_subprotocol(scope, allow.place)


def admit_send(send: Send, allow: Allow) -> Send:
    """The app's `send`: untouched, but for what a token in the URL or in a subprotocol asks for."""
    kind = None if allow.place is None else allow.place.kind
    if kind == "query":
        return _no_store(send)
    return _choose_subprotocol(send, allow.place.name) if allow.place and kind == "subprotocol" else send


async def send_response(response: Response, scope: Scope, send: Send) -> None:
    """Send a refusal instead of calling the app: a response, or a WebSocket handshake that is not accepted."""
    kind = "http.response"
    if scope["type"] == "websocket":
        if "websocket.http.response" not in (scope.get("extensions") or {}):
            return await send({**_CLOSE})
        kind = "websocket.http.response"
    await send({"type": f"{kind}.start", "status": response.status, "headers": list(response.headers)})
    await send({"type": f"{kind}.body", "body": response.body})


def _no_store(send: Send) -> Send:
    """RFC 6750 section 2.3: what a token in the URL gave access to must not be kept by caches."""

    async def send_no_store(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            kept = [(name, value) for name, value in message.get("headers", ()) if name.lower() != b"cache-control"]
            message = {**message, "headers": [*kept, (b"cache-control", b"no-store")]}
        await send(message)

    return send_no_store


def hide_subprotocol(scope: Scope, place: Place) -> None:
    """Take the token out of what a handshake offers; the name before it stays."""
    line = b",".join(value for name, value in scope["headers"] if name == SUBPROTOCOLS)
    kept = without_token(line, place)
    others = [(name, value) for name, value in scope["headers"] if name != SUBPROTOCOLS]
    scope["headers"] = [*others, (SUBPROTOCOLS, ", ".join(kept).encode("latin-1"))]
    scope["subprotocols"] = kept


def _choose_subprotocol(send: Send, name: str) -> Send:
    """A browser fails the handshake if none of the protocols that it offered is chosen (RFC 6455 section 4.1)."""

    async def send_choosing(message: Message) -> None:
        if message["type"] == _ACCEPT and not message.get("subprotocol"):
            message = {**message, "subprotocol": name}
        await send(message)

    return send_choosing
