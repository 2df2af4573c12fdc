"""A call from one service to another, each with its policy: bound tokens pass, and nothing that was changed does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from jwtmw import Policy, current_principal
from jwtmw.client import Outgoing, SelfSigned
from jwtmw.mint.signer import Signer
from jwtmw.wsgi import JWTMiddleware
from tests.client.callers_in_hand import InHand, caller

HERALD = "https://herald.example"
SIGNER = Signer("ES256")
NOTICE = b'{"order": 17}'


class Herald:
    """A service behind jwtmw that takes what is signed by orders, bound to body and request, once."""

    def __init__(self) -> None:
        self.asked: list[tuple[str | None, bytes]] = []
        orders = {"name": "orders", "issuer": "https://orders.example", "audience": [HERALD], "jwks": SIGNER.jwks()}
        rule = {"path": "/**", "body": "sha-256", "single_use": True}
        self.door = JWTMiddleware(self.app, Policy(issuers=[orders], rules=[rule], external_url=HERALD))

    def app(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        self.asked.append((current_principal().subject, environ["wsgi.input"].read()))
        start_response("204 No Content", [])
        return []


def orders_calls(herald: Herald, method: str, path: str, change: Callable[[httpx2.Request], Any] | None = None) -> Any:
    """One call in alice's name; `change` is done to it on the way."""
    source = SelfSigned(
        SIGNER, issuer="https://orders.example", body="sha-256", request_bound=True, who_calls=InHand(caller("alice"))
    )

    class OnTheWay(httpx2.WSGITransport):
        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            return super().handle_request(change(request) if change else request)

    auth = Outgoing(source, hosts=[HERALD]).httpx2()
    with httpx2.Client(auth=auth, transport=OnTheWay(herald.door), base_url=HERALD) as client:
        return client.request(method, path, content=NOTICE if method == "POST" else b"")


def altered(**parts: Any) -> Callable[[httpx2.Request], httpx2.Request]:
    """The request with another method, URL or body, and the token as it was."""

    def change(request: httpx2.Request) -> httpx2.Request:
        kept = {"method": request.method, "url": str(request.url), "content": request.read(), **parts}
        fields = [field for field in request.headers.raw if field[0].lower() != b"content-length"]
        return httpx2.Request(kept["method"], kept["url"], headers=fields, content=kept["content"])

    return change


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/notices"), ("POST", "/notices?now=1"), ("GET", "/"), ("GET", "")]
)
def test_a_call_that_arrives_as_it_was_sent(method: str, path: str) -> None:
    """herald knows who it is for, and reads the whole body."""
    herald = Herald()
    assert 204 == orders_calls(herald, method, path).status_code
    assert [("alice", NOTICE if method == "POST" else b"")] == herald.asked


@pytest.mark.parametrize(
    "parts",
    [
        {"content": NOTICE.replace(b"17", b"18")},
        {"content": NOTICE + b" "},
        {"content": b""},
        {"method": "PUT"},
        {"url": f"{HERALD}/notices/all"},
        {"url": f"{HERALD}/"},
    ],
    ids=["one byte", "one more", "no body", "method", "path below", "path above"],
)
def test_a_call_that_was_changed_on_its_way(parts: dict[str, Any]) -> None:
    """herald's application is not called."""
    herald = Herald()
    answer = orders_calls(herald, "POST", "/notices", altered(**parts))
    assert (401, []) == (answer.status_code, herald.asked)


def test_a_call_that_was_listened_to_is_not_repeated() -> None:
    """The same token once more is refused, whoever brings it."""
    herald = Herald()
    kept: list[httpx2.Request] = []

    def listen(request: httpx2.Request) -> httpx2.Request:
        kept.append(altered()(request))
        return request

    assert 204 == orders_calls(herald, "POST", "/notices", listen).status_code
    with httpx2.Client(transport=httpx2.WSGITransport(herald.door)) as client:
        assert 401 == client.send(kept[0]).status_code
    assert 1 == len(herald.asked)
