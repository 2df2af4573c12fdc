"""`policy.outgoing("NAME")`: each source as it is configured, over real sockets."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx2
import pytest

from jwtmw import ConfigurationError, Policy
from jwtmw.asgi import JWTMiddleware
from jwtmw.client import CallNotSent, NotAllowedHost, TokenUnavailable
from jwtmw.mint.grant import Client
from jwtmw.mint.signer import Signer
from jwtmw.testing import TestIssuer
from tests.client.peers import Peer, Reply, Seen, peer
from tests.client.test_self_signed import said
from tests.issuers.material import private_pem
from tests.vault.standin import StandIn
from tests.vault.users import with_user

HERALD = "https://herald.example"


@pytest.fixture
def herald() -> Iterator[Peer]:
    with peer() as served:
        yield served


@pytest.fixture
def issuer() -> Iterator[TestIssuer]:
    with TestIssuer(clients=[Client("orders", "s3cret", ("notices:write",))], clock=time) as running:
        yield running


def policy_of(table: dict[str, Any], **keys: Any) -> Policy:
    key = Signer().public_pem
    issuers = [{"issuer": "https://id.example/", "audience": ["orders"], "public_key": key}]
    return Policy({"issuers": issuers, "outgoing": {"herald": table}, **keys})


def test_client_credentials(issuer: TestIssuer, herald: Peer) -> None:
    """The same object each time, so that one token is held."""
    table = {"source": "client_credentials", "token_url": issuer.token_url, "client_id": "orders"}
    policy = policy_of({**table, "client_secret": "s3cret", "scopes": ["notices:write"], "hosts": [herald.url]})
    assert policy.outgoing("herald") is policy.outgoing("herald")
    for _ in range(2):
        with httpx2.Client(auth=policy.outgoing("herald").httpx2(), trust_env=False) as client:
            client.get(herald.url)
    claims = said(herald.tokens[0])
    assert ("orders", "notices:write") == (claims["client_id"], claims["scope"])
    assert 1 == issuer.requests["/token"]


def test_private_key_jwt(herald: Peer) -> None:
    """The assertion is signed with the configured key, for the endpoint."""
    with peer(lambda seen: Reply(200, {}, b'{"access_token": "granted", "token_type": "Bearer"}')) as endpoint:
        url = f"{endpoint.url}/token"
        key = {"private_key": private_pem("P-256"), "key_id": "2026-01"}
        table = {"source": "client_credentials", "token_url": url, "client_id": "orders", "hosts": [HERALD], **key}
        assert "granted" == policy_of(table).outgoing("herald").token(HERALD)
        form = dict(parse_qsl(endpoint.seen[0].body.decode()))
    claims, header = said(form["client_assertion"]), said(form["client_assertion"], 0)
    assert ("orders", "orders", url) == (claims["iss"], claims["sub"], claims["aud"])
    assert ("ES256", "2026-01") == (header["alg"], header["kid"])


def test_static_and_another_field() -> None:
    """As Authentise's services take it."""
    table = {"source": "static", "token": "given", "hosts": [HERALD], "header": "JWT", "scheme": ""}
    out = policy_of(table).outgoing("herald")
    assert ("given", "JWT", "given") == (out.token(HERALD), out.header, out.value("given"))


def test_a_file(tmp_path: Path) -> None:
    """Which need not be there at the start."""
    out = policy_of({"source": "file", "file": str(tmp_path / "token"), "hosts": [HERALD]}).outgoing("herald")
    with pytest.raises(TokenUnavailable, match=r"outgoing\.herald: the token file cannot be read"):
        out.token(HERALD)
    (tmp_path / "token").write_text("projected\n", encoding="utf-8")
    assert "projected" == out.token(HERALD)


def test_a_vault() -> None:
    """An identity token of this service's role."""
    with StandIn() as vault:
        with_user(vault)
        login = {"url": vault.url, "userpass": {"username": "alice", "password": "right"}}
        table = {"source": "vault", "vault": "main", "role": "alice", "hosts": [HERALD]}
        assert "alice" == said(policy_of(table, vault={"main": login}).outgoing("herald").token(HERALD))["name"]


def test_self_signed_and_bound() -> None:
    """With every key of the table."""
    key = {"private_key": private_pem("P-256"), "key_id": "2026-01", "algorithm": "ES256"}
    bound = {"body": "sha-512", "request_bound": True, "ttl": 5, "audience": ["herald"]}
    table = {"source": "self_signed", "issuer": "https://orders.example", "hosts": [HERALD], **key, **bound}
    out = policy_of(table).outgoing("herald")
    token = out.token(f"{HERALD}/notices", "POST", b"body")
    claims = said(token)
    assert ("https://orders.example", "herald", 5) == (claims["iss"], claims["aud"], claims["exp"] - claims["iat"])
    assert ("POST", f"{HERALD}/notices", 128) == (claims["htm"], claims["htu"], len(claims["bdy"]))
    assert "2026-01" == said(token, 0)["kid"]


def test_a_weak_hash_warns(caplog: pytest.LogCaptureFixture) -> None:
    """MD5 is for partners who know no other."""
    table = {"source": "self_signed", "issuer": "a", "private_key": private_pem("P-256"), "hosts": [HERALD]}
    policy_of({**table, "body": "sha-256"})
    assert [] == caplog.messages
    policy_of({**table, "body": "md5"})
    assert ["outgoing.herald.body: md5 is weak; take sha-256 where the other side can"] == caplog.messages


def exchanged(seen: Seen) -> Reply:
    subject = dict(parse_qsl(seen.body.decode()))["subject_token"]
    answer = {"access_token": f"{said(subject)['sub']}-elsewhere", "token_type": "Bearer", "expires_in": 300}
    return Reply(200, {}, json.dumps(answer).encode())


async def ask(policy: Policy, url: str, token: str | None) -> list[Any]:
    """What the application hears that calls herald while it answers a request."""
    heard: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        async with httpx2.AsyncClient(auth=policy.outgoing("herald").httpx2(), trust_env=False) as client:
            try:
                heard.append((await client.get(url)).status_code)
            except CallNotSent as error:
                heard.append(type(error))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

    transport = httpx2.ASGITransport(JWTMiddleware(app, policy))
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://orders") as client:
        assert 200 == (await client.get("/", headers=headers)).status_code
    return heard


@pytest.mark.parametrize("source", ["pass_on", "exchange", "self_signed"])
def test_a_call_is_made_in_the_callers_name(source: str, herald: Peer) -> None:
    """The request's own principal, and no other's; anonymous, what needs a caller is not sent."""
    issuer = TestIssuer(clock=time)
    with peer(exchanged) as endpoint:
        client = {"token_url": endpoint.url, "client_id": "orders", "client_secret": "word"}
        tables: dict[str, dict[str, Any]] = {
            "pass_on": {},
            "exchange": {
                **client,
                "audience": ["herald"],
                "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            },
            "self_signed": {"issuer": "https://orders.example", "private_key": private_pem("P-256")},
        }
        policy = Policy(
            issuers=[issuer.settings()],
            rules=[{"path": "/", "allow": "optional"}],
            outgoing={"herald": {"source": source, "hosts": [herald.url], **tables[source]}},
        )
        alice, bob = issuer.token("alice"), issuer.token("bob")
        assert [200] == asyncio.run(ask(policy, herald.url, alice))
        assert [200] == asyncio.run(ask(policy, herald.url, bob))
        nobody = asyncio.run(ask(policy, herald.url, None))
    sent = [(token or "").removeprefix("Bearer ") for token in herald.tokens]
    if source == "pass_on":
        assert ([alice, bob], [TokenUnavailable]) == (sent, nobody)
    elif source == "exchange":
        assert (["alice-elsewhere", "bob-elsewhere"], [TokenUnavailable]) == (sent, nobody)
    else:
        assert (["alice", "bob", None], [200]) == ([said(token).get("sub") for token in sent], nobody)


def test_in_non_secure_mode_every_source_adds_nothing(herald: Peer, tmp_path: Path) -> None:
    """No reference is resolved, no file read, nobody asked; the call goes out."""
    tables: dict[str, Any] = {
        "client_credentials": {"token_url": "https://id.invalid/t", "client_id": "a", "client_secret": "$ENV://NONE"},
        "exchange": {"token_url": "https://id.invalid/t", "client_id": "a", "private_key_file": "nowhere.pem"},
        "vault": {"vault": "main", "role": "orders"},
        "self_signed": {"issuer": "a", "private_key_file": "nowhere.pem"},
        "pass_on": {},
        "file": {"file": "nowhere"},
        "static": {"token": "$ENV://NONE"},
    }
    outgoing = {name: {"source": name, "hosts": ["$ENV://NONE"], **table} for name, table in tables.items()}
    vault = {"main": {"url": "https://vault.invalid", "token": "$ENV://NONE"}}
    policy = Policy(secure=False, outgoing=outgoing, vault=vault)
    for name in tables:
        with httpx2.Client(auth=policy.outgoing(name).httpx2(), trust_env=False) as client:
            assert 200 == client.get(herald.url).status_code
    assert [None] * len(tables) == herald.tokens


def test_with_inbound_off_calls_still_carry_tokens(herald: Peer) -> None:
    """As EdgeX has it: only requests that come in are not judged."""
    policy = policy_of({"source": "static", "token": "given", "hosts": [herald.url]}, inbound=False)
    with httpx2.Client(auth=policy.outgoing("herald").httpx2(), trust_env=False) as client:
        client.get(herald.url)
    assert ["Bearer given"] == herald.tokens


def test_another_host_is_refused() -> None:
    """Each table has its own list."""
    out = policy_of({"source": "static", "token": "given", "hosts": [HERALD]}).outgoing("herald")
    with pytest.raises(NotAllowedHost):
        out.token("https://census.example")


@pytest.mark.parametrize("secure", [True, False])
def test_a_name_that_is_none(secure: bool) -> None:
    """Also where nothing would be added: it is told before it is in production."""
    policy = policy_of({"source": "static", "token": "given", "hosts": [HERALD]}, secure=secure)
    with pytest.raises(ConfigurationError) as caught:
        policy.outgoing("census")
    assert ("outgoing.census", "The tables are: herald") == (caught.value.key, caught.value.cure)
    with pytest.raises(ConfigurationError, match="The tables are: none"):
        Policy(secure=secure, default="public").outgoing("census")
