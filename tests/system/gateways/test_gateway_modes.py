"""The four gateways once more: with an internal token, with cookies, in non-secure mode, and without an answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from jwtmw.gateway.identity import folded
from tests.system.gateways.running import FILES, running
from tests.system.gateways.test_gateways import SPELLINGS, identity

pytestmark = pytest.mark.system

kinds = pytest.mark.parametrize("kind", FILES)
# Envoy takes a 5xx for a failure of the endpoint, and answers what it is configured to.
OUTAGE = {"envoy": 503}
COOKIE = """
token_from = [{ cookie = "session" }]
origins = ["https://shop.example"]
"""
HANDSHAKE = [
    b"Connection: Upgrade",
    b"Upgrade: websocket",
    b"Sec-WebSocket-Version: 13",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
]


@kinds
def test_an_internal_token_goes_on_in_the_place_of_the_public_one(kind: str, tmp_path: Path) -> None:
    """For who is authenticated; nobody else's credential gets past, and without the token nobody does."""
    with running(kind, tmp_path, internal=True) as running_:
        _, (received,) = running_.ask(b"/orders", token=running_.issuer.token("alice"))
        assert [b"Bearer internal.alice.token"] == received.values(b"authorization")
        assert b"alice" in identity(received).values()
        answer, (received,) = running_.ask(b"/public/a", token=running_.issuer.token("alice"))
        assert (200, []) == (answer.status, received.values(b"authorization"))
        lines = [b"Authorization: Bearer internal.root.token", b"authorization: a"]
        _, received_ = running_.ask(b"/public/a", *lines)
        assert all([] == each.values(b"authorization") for each in received_)
        answer, received_ = running_.ask(b"/orders", token=running_.issuer.token("nobody"))
        assert (OUTAGE.get(kind, 500), []) == (answer.status, received_)
        _, (received,) = running_.ask(b"/orders", token=running_.issuer.token("large", groups=["b" * 2000]))
        assert [b"Bearer internal." + b"a" * 7000 + b".token"] == received.values(b"authorization")


@kinds
def test_a_page_of_somebody_else_opens_no_websocket(kind: str, tmp_path: Path) -> None:
    """Its cookies travel with the handshake: the origin tells, whatever the gateway drops of it."""
    with running(kind, tmp_path, policy=COOKIE) as running_:
        cookie = b"Cookie: session=" + running_.issuer.token().encode()
        answer, received = running_.ask(b"/orders", cookie, *HANDSHAKE, b"Origin: https://evil.example")
        assert (403, []) == (answer.status, received)
        answer, received = running_.ask(b"/orders", cookie, *HANDSHAKE)
        assert (403, []) == (answer.status, received)
        _, received = running_.ask(b"/orders", cookie, *HANDSHAKE, b"Origin: https://shop.example")
        assert [[b"websocket"]] == [each.values(b"upgrade") for each in received]
        _, received = running_.ask(b"/orders", cookie)
        assert 1 == len(received)


@kinds
def test_in_non_secure_mode_nobody_says_who_they_are_either(kind: str, tmp_path: Path) -> None:
    """Every request passes, and what could be taken for identity does not."""
    with running(kind, tmp_path, environ={"JWTMW_SECURE": "false"}) as running_:
        # Caddy cannot be told to drop every mark, and the endpoint refuses nothing here.
        spellings = [name for name in SPELLINGS if not (kind == "caddy" and b"~" in name)]
        for name in spellings:
            answer, (received,) = running_.ask(b"/orders", name + b": admin", method=b"DELETE")
            assert (200, {}) == (answer.status, identity(received)), name
            assert folded(name) not in {folded(each) for each, _ in received.headers}


@kinds
def test_without_an_answer_nobody_passes(kind: str, tmp_path: Path) -> None:
    """The endpoint is gone: not even what is public goes on."""
    with running(kind, tmp_path) as running_:
        assert 1 == len(running_.ask(b"/public/a")[1])
        running_.stop_endpoint()
        for target in (b"/public/a", b"/orders"):
            answer, received = running_.ask(target, token=running_.issuer.token())
            assert [] == received
            assert answer.status >= 500


@kinds
def test_an_outage_is_no_fault_of_the_callers(kind: str, tmp_path: Path) -> None:
    """503, and when to ask again, also through nginx; Envoy says the former by itself."""
    with running(kind, tmp_path) as running_:
        running_.issuer.broken()
        answer, received = running_.ask(b"/orders", token=running_.issuer.token())
        assert [] == received
        assert 503 == answer.status
        if kind != "envoy":
            (seconds,) = answer.values(b"retry-after")
            assert 0 < int(seconds) <= 60
