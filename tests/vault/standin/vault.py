"""The stand-in itself: its state, its socket, and what a test may set up without going over HTTP.

Owns: the server on loopback, and the clock that everything reads.
Must never know: who talks to it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.vault.standin import auth, identity, kv, oidc, tokens
from tests.vault.standin.dispatch import respond


class StandIn:
    """A Vault's stand-in that serves on loopback until `close`; a context manager.

    `now` is the time of leases and JWTs, in seconds. `root` is the root token, `requests` the lines of what was asked
    ("GET auth/token/lookup-self"), `sealed` makes it answer as a sealed one; `before`, if set, is called with each
    request's line before it is answered.
    """

    def __init__(self, now: Callable[[], float] = time.time, api_addr: str = "") -> None:
        self.now = now
        self.sealed = False
        self.default_ttl = self.max_ttl = 2_764_800  # 768 hours, as the real ones have it
        self.before: Callable[[str], None] | None = None
        self.requests: list[str] = []
        self.tokens = tokens.Tokens(now)
        self.identity = identity.Identity()
        self.tokens.identity_policies = self.identity.policies_of
        self.oidc = oidc.Oidc(self)
        self.mounts = {
            "token": auth.Mount("token", "auth_token_1"),
            "userpass": auth.Mount("userpass", "auth_userpass_1"),
            "approle": auth.Mount("approle", "auth_approle_1"),
        }
        self.engines = {"secret": kv.Engine(2), "kv": kv.Engine(1)}
        self.root = self.tokens.create(["root"]).id
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.vault = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.api_addr = api_addr or self.url
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def policy(self, name: str, text: str) -> None:
        """Write an ACL policy."""
        self.tokens.policies[name] = tokens.parsed_policy(text)

    def call(self, method: str, path: str, token: str | None = None, **fields: Any) -> tuple[int, Any]:
        """Status and document of one call, made directly; without a token it is the root token's."""
        import json

        body = json.dumps(fields).encode() if fields else b""
        status, _, answer = respond(self, method, f"/v1/{path}", token or self.root, body)
        return status, json.loads(answer) if answer else None

    def asked(self, method: str, target: str, token: str | None, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """One request over HTTP."""
        line = f"{method} {target.removeprefix('/v1/')}"
        self.requests.append(line)
        if self.before:
            self.before(line)
        return respond(self, method, target, token, body)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop serving, wait for what is being answered."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    vault: StandIn


class _Handler(BaseHTTPRequestHandler):
    def handle_request(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        token = self.headers.get("X-Vault-Token")
        status, headers, answer = self.server.vault.asked(self.command, self.path, token, body)  # type: ignore[attr-defined]
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Cache-Control": "no-store", **headers}.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_PUT = do_DELETE = do_LIST = handle_request  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing: a line may hold a token."""
