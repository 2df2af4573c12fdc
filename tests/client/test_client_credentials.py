"""The client credentials grant against a real token endpoint, and one flight for everybody."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx2
import pytest

from jwtmw.client import ClientCredentials, HttpSettings, Outgoing, TokenEndpoint, TokenUnavailable, basic, post
from jwtmw.mint.development import TOKEN
from jwtmw.mint.grant import Client
from jwtmw.testing import TestIssuer
from tests.client.peers import Peer, Reply, peer

THREADS, LOOPS, EACH_THREAD, EACH_LOOP = 4, 2, 20, 60
ALL = THREADS * EACH_THREAD + LOOPS * EACH_LOOP


@pytest.fixture
def issuer() -> Iterator[TestIssuer]:
    client = Client("herald", "s3cret", ("orders:read", "orders:write"))
    with TestIssuer(audience=("orders", "census"), clients=[client], clock=time) as running:
        yield running


@pytest.fixture
def herald() -> Iterator[Peer]:
    with peer() as served:
        yield served


@pytest.mark.parametrize("proof", [basic("herald", "s3cret"), post("herald", "s3cret")], ids=["basic", "post"])
def test_the_token_is_the_one_that_was_asked_for(issuer: TestIssuer, herald: Peer, proof: object) -> None:
    """Client, scopes and audience; and it is asked for once."""
    endpoint = TokenEndpoint(issuer.token_url, proof)  # type: ignore[arg-type]
    source = ClientCredentials(endpoint, scopes=["orders:read"], audience=["census"])
    out = Outgoing(source, hosts=[herald.url])
    with httpx2.Client(auth=out.httpx2(), trust_env=False) as client:
        client.get(herald.url)
        client.get(herald.url)
    first, second = herald.tokens
    assert first == second
    claims = _claims(first)
    assert ("herald", "census", "orders:read") == (claims["client_id"], claims["aud"], claims["scope"])
    assert 1 == issuer.requests[TOKEN]


def test_two_sets_of_terms_have_two_tokens(issuer: TestIssuer) -> None:
    """What is held is held for one client, one set of scopes and one audience."""
    endpoint = TokenEndpoint(issuer.token_url, basic("herald", "s3cret"))
    tokens = [
        Outgoing(source, hosts=["https://a.example"]).token("https://a.example")
        for source in (
            ClientCredentials(endpoint, scopes=["orders:read"]),
            ClientCredentials(endpoint, scopes=["orders:write"]),
            ClientCredentials(endpoint, resource=["census"]),
        )
    ]
    assert ["orders:read", "orders:write", "orders:read orders:write"] == [_claims(each)["scope"] for each in tokens]
    assert ["orders", "orders", "census"] == [_claims(each)["aud"] for each in tokens]


def test_200_calls_of_four_threads_and_two_event_loops_cause_one_question(issuer: TestIssuer, herald: Peer) -> None:
    """The token has ended, all come at once, and all get the one that the first of them fetched."""
    source = ClientCredentials(TokenEndpoint(issuer.token_url, basic("herald", "s3cret")))
    out = Outgoing(source, hosts=[herald.url])
    auth = out.httpx2()
    old = out.token(herald.url)
    _expire(source)
    ready = threading.Barrier(THREADS + LOOPS)

    def in_thread() -> list[int]:
        with httpx2.Client(auth=auth, trust_env=False, timeout=60) as client, ThreadPoolExecutor(EACH_THREAD) as pool:
            ready.wait()
            return list(pool.map(lambda _: client.get(herald.url).status_code, range(EACH_THREAD)))

    async def in_tasks() -> list[int]:
        async with httpx2.AsyncClient(auth=auth, trust_env=False, timeout=60) as client:
            ready.wait()
            answers = await asyncio.gather(*(client.get(herald.url) for _ in range(EACH_LOOP)))
            return [answer.status_code for answer in answers]

    with ThreadPoolExecutor(THREADS + LOOPS) as pool:
        jobs = [pool.submit(in_thread) for _ in range(THREADS)]
        jobs += [pool.submit(lambda: asyncio.run(in_tasks())) for _ in range(LOOPS)]
        statuses = [status for job in jobs for status in job.result()]
    assert [200] * ALL == statuses
    assert (200, ALL) == (ALL, len(herald.seen))
    assert 2 == issuer.requests[TOKEN]
    assert 1 == len(set(herald.tokens))
    assert f"Bearer {old}" not in herald.tokens


def test_a_dead_endpoint_fails_calls_fast_and_recovers(issuer: TestIssuer, herald: Peer) -> None:
    """The first call waits for the refusal, the others for nothing; once the back-off is over, one asks again."""
    issuer.broken(503)
    source = ClientCredentials(TokenEndpoint(issuer.token_url, basic("herald", "s3cret")))
    out = Outgoing(source, hosts=[herald.url])
    with httpx2.Client(auth=out.httpx2(), trust_env=False) as client:
        for _ in range(20):
            with pytest.raises(TokenUnavailable, match="client_credentials: no token can be had: status 503"):
                client.get(herald.url)
            # However slow this machine is.
            _back_off_for(source, 600)
        assert (1, []) == (issuer.requests[TOKEN], herald.seen)
        issuer.restore()
        _back_off_for(source, 0)
        assert 200 == client.get(herald.url).status_code
    assert 2 == issuer.requests[TOKEN]


def test_an_endpoint_that_hangs_is_waited_for_once(issuer: TestIssuer, herald: Peer) -> None:
    """By whoever came meanwhile, as long as the timeout says; whoever comes later does not wait."""
    issuer.slow(30)
    endpoint = TokenEndpoint(issuer.token_url, basic("herald", "s3cret"), HttpSettings(timeout=0.3))
    source = ClientCredentials(endpoint)
    out = Outgoing(source, hosts=[herald.url])

    async def calls() -> list[object]:
        async with httpx2.AsyncClient(auth=out.httpx2(), trust_env=False) as client:
            return await asyncio.gather(*(client.get(herald.url) for _ in range(20)), return_exceptions=True)

    outcomes = asyncio.run(calls())
    assert {TokenUnavailable} == {type(each) for each in outcomes}
    _back_off_for(source, 600)
    with pytest.raises(TokenUnavailable, match="timed out"):
        out.token(herald.url)
    assert (1, []) == (issuer.requests[TOKEN], herald.seen)


def test_a_waiter_that_is_cancelled_harms_no_other(issuer: TestIssuer) -> None:
    """The flight belongs to nobody who waits for it."""
    issuer.slow(30)
    out = Outgoing(
        ClientCredentials(TokenEndpoint(issuer.token_url, basic("herald", "s3cret"))), hosts=["https://a.example"]
    )

    async def one_gives_up() -> str | None:
        first, second = (asyncio.ensure_future(out.atoken("https://a.example")) for _ in range(2))
        # Both have begun to wait.
        await asyncio.sleep(0)
        first.cancel()
        issuer.restore()
        token = await second
        assert first.cancelled()
        return token

    assert "herald" == _claims(asyncio.run(one_gives_up()))["client_id"]
    assert 1 == issuer.requests[TOKEN]


def test_a_token_that_was_revoked_is_replaced_and_the_call_is_sent_again(issuer: TestIssuer, herald: Peer) -> None:
    """The peer's 401 counts once the token is not fresh any more."""
    source = ClientCredentials(TokenEndpoint(issuer.token_url, basic("herald", "s3cret")))
    out = Outgoing(source, hosts=[herald.url])
    revoked = f"Bearer {out.token(herald.url)}"
    herald.answer = lambda seen: _unless(revoked, seen.token)
    with httpx2.Client(auth=out.httpx2(), trust_env=False) as client:
        assert 401 == client.get(herald.url).status_code
        _age(source)
        assert 200 == client.get(herald.url).status_code
    assert (3, 2) == (len(herald.seen), issuer.requests[TOKEN])


def _unless(revoked: str, token: str | None) -> Reply:
    return Reply(401 if token == revoked else 200)


def _claims(token: str | None) -> dict:
    assert token is not None
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def _expire(source: ClientCredentials) -> None:
    """As if its time were over."""
    source._held._state = replace(source._held._state, ends_at=time.monotonic())


def _back_off_for(source: ClientCredentials, seconds: float) -> None:
    """As if the next try were due then."""
    source._held._state = replace(source._held._state, retry_at=time.monotonic() + seconds)


def _age(source: ClientCredentials) -> None:
    source._held._state = replace(source._held._state, asked_at=time.monotonic() - 60)
