"""examples/partners: two services over real sockets, each with its own keys, and whom they let call what."""

from __future__ import annotations

import runpy
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from starlette.applications import Starlette

from jwtmw.testing import Signer

EXAMPLE = Path(__file__).parents[2] / "examples" / "partners"
ALICE = "https://users.example/alice"


class World(NamedTuple):
    """The two services' URLs, and everybody's signers."""

    orders: str
    printing: str
    shop: Signer
    machine: Signer
    keys: dict[str, Signer]


def private_key() -> tuple[str, Signer]:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(), Signer("EdDSA", key=key)


@contextmanager
def serving(app: Starlette, bound: socket.socket) -> Iterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive()


def listening() -> socket.socket:
    """A port of the system's choice; who connects before the server runs waits in the backlog."""
    bound = socket.create_server(("127.0.0.1", 0))
    bound.setblocking(False)
    return bound


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Both services as the example has them, with keys made for this test."""
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    keys: dict[str, Signer] = {}
    for name in ("orders", "printing"):
        text, keys[name] = private_key()
        (tmp_path / f"{name}.key").write_text(text, encoding="utf-8")
    shop, machine = Signer("ES256"), Signer("EdDSA")
    (tmp_path / "machine.pem").write_text(machine.public_pem, encoding="utf-8")
    sockets = [listening(), listening()]
    orders, printing = (f"http://127.0.0.1:{bound.getsockname()[1]}" for bound in sockets)
    monkeypatch.setenv("ORDERS_URL", orders)
    monkeypatch.setenv("PRINTING_URL", printing)
    monkeypatch.setenv("ORDERS_KEYS_URL", f"{orders}/keys.json")
    monkeypatch.setenv("SHOP_PUBLIC_KEY", shop.public_pem)
    services = runpy.run_path(str(tmp_path / "services.py"))
    with ExitStack() as stack:
        for name, bound in zip(("orders", "printing"), sockets, strict=True):
            stack.enter_context(bound)
            stack.enter_context(serving(services[name](tmp_path), bound))
        yield World(orders, printing, shop, machine, keys)


def token(signer: Signer, issuer: str, audience: str, **claims: Any) -> str:
    now = int(time.time())
    members = {"iss": issuer, "aud": audience, "sub": ALICE, "iat": now, "exp": now + 60} | claims
    return signer.sign({name: value for name, value in members.items() if value is not None}, {"typ": "JWT"})


def ask(method: str, url: str, made: str | None = None, name: str = "JWT") -> httpx2.Response:
    return httpx2.request(method, url, headers={} if made is None else {name: made}, trust_env=False)


def by_shop(world: World, **claims: Any) -> str:
    return token(world.shop, "https://shop.example", world.orders, **claims)


def test_the_services_call_each_other(world: World) -> None:
    """An order goes to the printing service, and its word that it is printed comes back, for the same user."""
    placed = ask("POST", f"{world.orders}/orders", by_shop(world))
    assert (201, {"order": "1"}) == (placed.status_code, placed.json())
    assert {"by": "alice", "state": "printing"} == ask("GET", f"{world.orders}/orders/1", by_shop(world)).json()
    by_machine = token(world.machine, "https://machine.example", world.printing)
    assert 200 == ask("POST", f"{world.printing}/jobs/1/done", by_machine).status_code
    shown = ask("GET", f"{world.orders}/orders/1", by_shop(world)).json()
    assert {"by": "alice", "state": "printed", "told by": "printing"} == shown


def test_who_may_call_whom(world: World) -> None:
    """A good token of a partner that a route is not for is refused, and so is one for the other service."""
    as_orders = token(world.keys["orders"], world.orders, world.printing)
    as_printing = token(world.keys["printing"], world.printing, world.orders)
    by_machine = token(world.machine, "https://machine.example", world.printing)
    answers = {
        "orders may order jobs": ask("POST", f"{world.printing}/jobs?order=7", as_orders),
        "printing may look at orders": ask("GET", f"{world.orders}/orders/1", as_printing),
        "orders cannot say that a job is done": ask("POST", f"{world.printing}/jobs/1/done", as_orders),
        "the machine cannot order jobs": ask("POST", f"{world.printing}/jobs?order=7", by_machine),
        "printing cannot place orders": ask("POST", f"{world.orders}/orders", as_printing),
        "the shop cannot say that it is printed": ask("POST", f"{world.orders}/orders/1/printed", by_shop(world)),
        "the shop is no partner of printing": ask("POST", f"{world.printing}/jobs?order=7", by_shop(world)),
        "a token for orders is none for printing": ask("POST", f"{world.printing}/jobs?order=7", as_printing),
        "keys are public": ask("GET", f"{world.orders}/keys.json"),
    }
    statuses = {name: answer.status_code for name, answer in answers.items()}
    assert {
        "orders may order jobs": 201,
        "printing may look at orders": 200,
        **dict.fromkeys(list(answers)[2:-1], 401),
        "keys are public": 200,
    } == statuses


def test_what_a_call_must_be_like(world: World) -> None:
    """The token stands alone in the header JWT, is signed by the partner that it names, is fresh, and names a user."""
    url = f"{world.orders}/orders/1"
    made = by_shop(world)
    forged = token(world.machine, "https://shop.example", world.orders)
    statuses = {
        "good": ask("GET", url, made).status_code,
        "none": ask("GET", url).status_code,
        "another header": ask("GET", url, f"Bearer {made}", "Authorization").status_code,
        "a scheme": ask("GET", url, f"Bearer {made}").status_code,
        "another partner's key": ask("GET", url, forged).status_code,
        "a stranger": ask("GET", url, token(world.shop, "https://evil.example", world.orders)).status_code,
        "keys at the token's own issuer": ask(
            "GET", url, token(world.machine, f"{world.printing}/", world.orders)
        ).status_code,
        "no time of issue": ask("GET", url, by_shop(world, iat=None)).status_code,
        "no end": ask("GET", url, by_shop(world, exp=None)).status_code,
        "too long a life": ask("GET", url, by_shop(world, exp=int(time.time()) + 3600)).status_code,
        "no user": ask("GET", url, by_shop(world, sub=None)).status_code,
        "an unknown user": ask("GET", url, by_shop(world, sub="https://users.example/mallory")).status_code,
    }
    assert {**dict.fromkeys(statuses, 401), "good": 200, "a scheme": 400} == statuses
