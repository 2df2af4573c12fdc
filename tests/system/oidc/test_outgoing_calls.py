"""Outgoing calls with tokens of a real authorization server: each proof, token exchange, and an outage."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx2
import pytest

from jwtmw import Policy
from jwtmw.asgi import JWTMiddleware
from jwtmw.client import CallNotSent, Outgoing, TokenUnavailable
from jwtmw.decision import Allow
from jwtmw.token.principal import Principal
from tests.client.peers import Peer, peer
from tests.system.oidc import processes
from tests.system.oidc.processes import Provider
from tests.system.oidc.test_opaque_tokens import KEY, SECRET, private_pem

pytestmark = pytest.mark.system

PROOFS: dict[str, dict[str, Any]] = {
    "basic": {"client_id": "orders", "client_secret": SECRET},
    "post": {"auth": "post", "client_id": "orders-by-form", "client_secret": SECRET},
    "private_key_jwt": {"client_id": "orders-by-key", "private_key": private_pem(), "key_id": KEY.kid},
}
TIMEOUT = 2


@pytest.fixture
def provider(folder: Path) -> Iterator[Provider]:
    with processes.provider(folder, service_key=KEY.public_jwk) as running:
        yield running


@pytest.fixture
def herald() -> Iterator[Peer]:
    with peer() as served:
        yield served


def calling(provider: Provider, herald: Peer, source: str, proof: str = "basic", **keys: Any) -> Policy:
    """The policy of orders, which calls herald."""
    resource = ["https://herald.example/ES256"]
    table = {"source": source, "token_url": f"{provider.issuer}/token", "resource": resource, **PROOFS[proof], **keys}
    if proof == "private_key_jwt":
        table["assertion_audience"] = provider.issuer
    return Policy(
        issuers=[{"issuer": provider.issuer, "audience": ["orders"]}],
        outgoing={"herald": {"hosts": [herald.url, "https://herald.example"], "scopes": ["orders:read"], **table}},
        http={"timeout": TIMEOUT},
    )


def judged(provider: Provider, field: str | None) -> Principal:
    """Who herald thinks is calling, by its own policy."""
    policy = Policy(issuers=[{"issuer": provider.issuer, "audience": ["herald"]}])
    decision = policy.explain("GET", "/", (field or "").removeprefix("Bearer ")).decision
    assert isinstance(decision, Allow), decision
    return decision.principal


@pytest.mark.parametrize("proof", PROOFS)
def test_client_credentials(provider: Provider, herald: Peer, proof: str) -> None:
    """Whichever way the service proves itself, the service that is called lets it in, with what was asked for."""
    policy = calling(provider, herald, "client_credentials", proof)
    with httpx2.Client(auth=policy.outgoing("herald").httpx2(), trust_env=False) as client:
        assert [200, 200] == [client.get(herald.url).status_code for _ in range(2)]
    assert 1 == len(set(herald.tokens))
    caller = judged(provider, herald.tokens[0])
    assert (PROOFS[proof]["client_id"], frozenset({"orders:read"})) == (caller.client_id, caller.scopes)


def test_credentials_that_are_wrong(provider: Provider, herald: Peer) -> None:
    """The call is not sent, and the error says what to look at."""
    policy = calling(provider, herald, "client_credentials", client_secret="a wrong one")
    with pytest.raises(TokenUnavailable, match="status 401: the endpoint refuses this service's own credentials"):
        policy.outgoing("herald").token(herald.url)
    assert [] == herald.seen


@pytest.mark.parametrize("proof", ["basic", "private_key_jwt"])
def test_token_exchange(provider: Provider, herald: Peer, proof: str) -> None:
    """herald sees the caller of orders, in a token that is good at herald and not at orders."""
    policy = calling(provider, herald, "exchange", proof)
    heard: list[Any] = []

    async def orders(scope: Any, receive: Any, send: Any) -> None:
        async with httpx2.AsyncClient(auth=policy.outgoing("herald").httpx2(), trust_env=False) as client:
            heard.append((await client.get(herald.url)).status_code)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

    async def ask(token: str) -> int:
        transport = httpx2.ASGITransport(JWTMiddleware(orders, policy))
        async with httpx2.AsyncClient(transport=transport, base_url="http://orders") as client:
            return (await client.get("/", headers={"Authorization": f"Bearer {token}"})).status_code

    token = provider.tokens()["RS256"][0]
    assert [200, 200] == [asyncio.run(ask(token)) for _ in range(2)]
    assert [200, 200] == heard
    assert 1 == len(set(herald.tokens))
    caller = judged(provider, herald.tokens[0])
    assert ("shop", frozenset({"herald"})) == (caller.subject, caller.audience)
    exchanged = (herald.tokens[0] or "").removeprefix("Bearer ")
    assert not isinstance(policy.explain("GET", "/", exchanged).decision, Allow)


def test_200_calls_at_once_have_one_token(provider: Provider, herald: Peer) -> None:
    """Four threads and two event loops; what the provider issued once is in every call."""
    out = calling(provider, herald, "client_credentials").outgoing("herald")
    ready = threading.Barrier(6)

    def in_thread() -> None:
        with httpx2.Client(auth=out.httpx2(), trust_env=False, timeout=60) as client, ThreadPoolExecutor(20) as pool:
            ready.wait()
            assert [200] * 20 == [each.status_code for each in pool.map(lambda _: client.get(herald.url), range(20))]

    async def in_tasks() -> None:
        async with httpx2.AsyncClient(auth=out.httpx2(), trust_env=False, timeout=60) as client:
            ready.wait()
            answers = await asyncio.gather(*(client.get(herald.url) for _ in range(60)))
            assert [200] * 60 == [each.status_code for each in answers]

    with ThreadPoolExecutor(6) as pool:
        jobs = [pool.submit(in_thread) for _ in range(4)]
        jobs += [pool.submit(lambda: asyncio.run(in_tasks())) for _ in range(2)]
        for job in jobs:
            job.result()
    assert (200, 1) == (len(herald.tokens), len(set(herald.tokens)))


@pytest.mark.parametrize("outage", ["stopped", "frozen"])
def test_an_outage_fails_calls_fast_and_ends(
    provider: Provider, herald: Peer, outage: str, caplog: pytest.LogCaptureFixture
) -> None:
    """One call waits, as long as the timeout says, and the others do not; once it is back, calls have tokens."""
    out = calling(provider, herald, "client_credentials").outgoing("herald")
    (provider.stop if outage == "stopped" else provider.freeze)()
    for _ in range(100):
        with pytest.raises(CallNotSent):
            out.token(herald.url)
    # How often the provider was tried: each took its time, or was refused at once.
    assert sum("no token could be had" in message for message in caplog.messages) < 5
    (provider.start if outage == "stopped" else provider.thaw)()
    deadline = monotonic() + 30
    while (token := _had(out)) is None and monotonic() < deadline:
        sleep(0.2)
    assert "orders" == judged(provider, token).client_id


def _had(out: Outgoing) -> str | None:
    with suppress(TokenUnavailable):
        return out.token("https://herald.example/")
    return None
