"""Tokens in the calls of httpx2, over real sockets: what is asserted is what the servers have seen."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import trio

from jwtmw.client import CallNotSent, NotAllowedHost, Outgoing, TokenUnavailable
from tests.client.peers import Peer, Reply, only, peer, peers, proxy, redirect
from tests.client.sources import Failing, Numbered
from tests.issuers.servers import authority

# Given the way to call (method, URL, keywords of the client and of the request): the response.
Caller = Callable[..., httpx2.Response]


def in_thread(outgoing: Outgoing, method: str, url: str, *, client: dict[str, Any] | None = None, **keys: Any) -> Any:
    with httpx2.Client(auth=outgoing.httpx2(), **{"trust_env": False, **(client or {})}) as session:
        return session.request(method, url, **keys)


async def _in_task(outgoing: Outgoing, method: str, url: str, client: dict[str, Any], keys: dict[str, Any]) -> Any:
    async with httpx2.AsyncClient(auth=outgoing.httpx2(), **{"trust_env": False, **client}) as session:
        return await session.request(method, url, **keys)


def on_asyncio(outgoing: Outgoing, method: str, url: str, *, client: dict[str, Any] | None = None, **keys: Any) -> Any:
    return asyncio.run(_in_task(outgoing, method, url, client or {}, keys))


def on_trio(outgoing: Outgoing, method: str, url: str, *, client: dict[str, Any] | None = None, **keys: Any) -> Any:
    return trio.run(_in_task, outgoing, method, url, client or {}, keys)


@pytest.fixture(params=[in_thread, on_asyncio, on_trio])
def call(request: pytest.FixtureRequest) -> Caller:
    caller: Caller = request.param
    return caller


@pytest.fixture
def herald() -> Iterator[Peer]:
    with peer() as served:
        yield served


def test_each_call_carries_the_token(call: Caller, herald: Peer) -> None:
    """Method, path, body and other fields are untouched."""
    out = Outgoing(Numbered(), hosts=[herald.url])
    response = call(out, "POST", f"{herald.url}/a?b=c", content=b"body", headers={"X-Other": "x"})
    (seen,) = herald.seen
    assert (200, "POST", "/a?b=c", b"body", "x", "Bearer token-1") == (
        *(response.status_code, seen.method, seen.target, seen.body, seen.headers["x-other"]),
        seen.token,
    )


def test_another_field_without_a_scheme(call: Caller, herald: Peer) -> None:
    """As Authentise's services take it."""
    call(Outgoing(Numbered(), hosts=[herald.url], header="JWT", scheme=""), "GET", herald.url)
    assert ("token-1", None) == (herald.seen[0].headers["jwt"], herald.seen[0].token)


def test_a_test_transport_can_read_the_field(herald: Peer) -> None:
    """By its name, in any case; the other fields as ever."""
    read = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        read.append((request.headers["authorization"], request.headers["Authorization"], request.headers["x-other"]))
        return httpx2.Response(200)

    transport = httpx2.MockTransport(answer)
    out = Outgoing(Numbered(), hosts=["https://herald.example"])
    in_thread(out, "GET", "https://herald.example/", client={"transport": transport}, headers={"X-Other": "x"})
    assert [("Bearer token-1", "Bearer token-1", "x")] == read


def test_no_copy_and_no_repr_of_the_request_has_the_token(herald: Peer) -> None:
    """Not while it is sent, not after."""
    shown = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        copied = httpx2.Headers(request.headers)
        shown.append(repr(request.headers) + repr(copied.raw) + repr(request.headers.copy().raw) + repr(request))
        return httpx2.Response(200)

    out = Outgoing(Numbered(), hosts=["https://herald.example"], header="JWT", scheme="")
    response = in_thread(out, "GET", "https://herald.example/", client={"transport": httpx2.MockTransport(answer)})
    assert "token-1" not in shown[0] + repr(response.request.headers.raw)


def test_one_request_can_be_sent_twice(herald: Peer) -> None:
    """The token of the first time does not stand in the way of the second."""
    out = Outgoing(Numbered(), hosts=[herald.url])
    with httpx2.Client(auth=out.httpx2(), trust_env=False) as client:
        request = client.build_request("GET", herald.url)
        client.send(request)
        client.send(request)
    assert ["Bearer token-1"] * 2 == herald.tokens


def test_in_non_secure_mode_nothing_is_added(call: Caller, herald: Peer) -> None:
    """The call goes out as it is, to any host, whatever it carries."""
    out = Outgoing(Failing(), hosts=["https://elsewhere.example"], secure=False)
    call(out, "GET", herald.url)
    call(out, "GET", herald.url, headers={"Authorization": "Basic x"})
    assert [None, "Basic x"] == herald.tokens


def test_a_source_that_fails_fails_the_call(call: Caller, herald: Peer) -> None:
    """It is never sent bare."""
    with pytest.raises(TokenUnavailable, match="the source is dry"):
        call(Outgoing(Failing(), hosts=[herald.url]), "GET", herald.url)
    assert [] == herald.seen


def test_a_field_that_is_there_is_not_overwritten(call: Caller, herald: Peer) -> None:
    """The client's own, or the request's: nothing is sent."""
    out = Outgoing(Numbered(), hosts=[herald.url])
    with pytest.raises(CallNotSent, match="not overwritten"):
        call(out, "GET", herald.url, headers={"authorization": "Basic x"})
    with pytest.raises(CallNotSent, match="not overwritten"):
        call(out, "GET", herald.url, client={"headers": {"Authorization": "Basic x"}})
    assert [] == herald.seen


@pytest.mark.parametrize("sort", ["other port", "user", "other name", "other scheme", "host field"])
def test_another_host_gets_nothing(call: Caller, herald: Peer, sort: str) -> None:
    """Neither the token nor the call; the URL is judged as httpx2 read it."""
    out = Outgoing(Numbered(), hosts=[herald.url])
    with peer() as other:
        url, headers = {
            "other port": (other.url, {}),
            "user": (f"http://127.0.0.1:{herald.port}@127.0.0.1:{other.port}/", {}),
            "other name": (f"http://localhost:{herald.port}/", {}),
            "other scheme": (f"https://127.0.0.1:{herald.port}/", {}),
            "host field": (herald.url, {"Host": "evil.example"}),
        }[sort]
        with pytest.raises(CallNotSent):
            call(out, "GET", url, headers=headers)
        assert [] == herald.seen + other.seen


def test_upper_case_is_the_same_host(call: Caller, herald: Peer) -> None:
    """Scheme and host have no case."""
    call(Outgoing(Numbered(), hosts=[herald.url.upper()]), "GET", f"HTTP://127.0.0.1:{herald.port}/A")
    assert [("/A", "Bearer token-1")] == [(seen.target, seen.token) for seen in herald.seen]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("header", ["Authorization", "JWT"])
@pytest.mark.parametrize("listed", [False, True])
def test_no_redirect_takes_the_token_to_another_origin(status: int, header: str, listed: bool) -> None:
    """Whichever field carries it; not even to another host of the list."""
    with peers(2) as (herald, other):
        herald.answer = lambda seen: redirect(f"{other.url}/there", status)
        hosts = [herald.url, other.url] if listed else [herald.url]
        for call in (in_thread, on_asyncio):
            out = Outgoing(Numbered(), hosts=hosts, header=header, scheme="")
            call(out, "POST", herald.url, client={"follow_redirects": True}, content=b"x")
        assert ["token-1"] * 2 == [seen.headers.get(header.lower()) for seen in herald.seen]
        assert ["/there"] * 2 == [seen.target for seen in other.seen]
        assert "token-1" not in repr(other.seen)


def test_a_redirect_that_was_followed_and_refused_elsewhere_gets_no_token(call: Caller) -> None:
    """The 401 of another origin asks in vain, though it is on the list."""
    with peers(2) as (herald, other):
        herald.answer = lambda seen: redirect(other.url)
        other.answer = only("Bearer token-1")
        out = Outgoing(Numbered(), hosts=[herald.url, other.url])
        response = call(out, "GET", herald.url, client={"follow_redirects": True})
        assert (401, [None]) == (response.status_code, other.tokens)
        with pytest.raises(NotAllowedHost):
            call(Outgoing(Numbered(), hosts=[herald.url]), "GET", herald.url, client={"follow_redirects": True})
        assert [None, None] == other.tokens


@pytest.mark.parametrize("binds_body", [False, True])
def test_a_redirect_within_the_origin_gets_a_token_of_its_own(call: Caller, herald: Peer, binds_body: bool) -> None:
    """One for the method, the path and the body that are really asked for."""
    herald.answer = lambda seen: redirect("/there") if seen.target == "/here" else only("Bearer token-1")(seen)
    source = Numbered(binds_body=binds_body)
    out = Outgoing(source, hosts=[herald.url])
    response = call(out, "POST", f"{herald.url}/here", client={"follow_redirects": True}, content=b"body")
    assert 200 == response.status_code
    assert [("/here", "Bearer token-1"), ("/there", None), ("/there", "Bearer token-1")] == [
        (seen.target, seen.token) for seen in herald.seen
    ]
    assert [b"body"] * 3 == [seen.body for seen in herald.seen]
    assert [f"{herald.url}/here", f"{herald.url}/there"] == [each.url for each in source.calls]


def test_one_retry_after_401(call: Caller, herald: Peer) -> None:
    """With a fresh token and the same body, and the caller sees the second answer only."""
    herald.answer = only("Bearer token-2")
    source = Numbered()
    response = call(Outgoing(source, hosts=[herald.url]), "POST", herald.url, content=b"body")
    assert (200, ["token-1"]) == (response.status_code, source.refused)
    assert [("Bearer token-1", b"body"), ("Bearer token-2", b"body")] == [
        (seen.token, seen.body) for seen in herald.seen
    ]


def test_no_second_retry(call: Caller, herald: Peer) -> None:
    """Who refuses the fresh one, too, is believed."""
    herald.answer = only()
    response = call(Outgoing(Numbered(fresh=9), hosts=[herald.url]), "GET", herald.url)
    assert (401, ["Bearer token-1", "Bearer token-2"]) == (response.status_code, herald.tokens)


def test_no_retry_where_there_is_no_other_token(call: Caller, herald: Peer) -> None:
    """The source says so."""
    herald.answer = only()
    response = call(Outgoing(Numbered(fresh=0), hosts=[herald.url]), "GET", herald.url)
    assert (401, ["Bearer token-1"]) == (response.status_code, herald.tokens)


def test_no_retry_with_the_same_token(call: Caller, herald: Peer) -> None:
    """A source that thought there would be another, and has none."""

    class Hopeful(Numbered):
        def refuse(self, call: Any, token: str) -> bool:
            return True

    herald.answer = only()
    response = call(Outgoing(Hopeful(), hosts=[herald.url]), "GET", herald.url)
    assert (401, ["Bearer token-1"]) == (response.status_code, herald.tokens)


@pytest.mark.parametrize("status", [400, 403, 407, 500, 503])
def test_no_other_status_causes_a_retry(call: Caller, herald: Peer, status: int) -> None:
    """Only 401 is about the token."""
    herald.answer = lambda seen: Reply(status)
    source = Numbered()
    assert status == call(Outgoing(source, hosts=[herald.url]), "GET", herald.url).status_code
    assert (1, []) == (len(herald.seen), source.refused)


def streamed() -> Any:
    yield b"bo"
    yield b"dy"


async def streamed_async() -> AsyncIterator[bytes]:
    for piece in streamed():
        yield piece


@pytest.mark.parametrize("binds_body", [False, True])
def test_a_streamed_body_is_read_first_where_the_token_is_bound_to_it(herald: Peer, binds_body: bool) -> None:
    """Then it can be sent twice; else it is streamed, and a 401 is not asked again."""
    herald.answer = only("Bearer token-2")
    for call, stream in ((in_thread, streamed()), (on_asyncio, streamed_async()), (on_trio, streamed_async())):
        source = Numbered(binds_body=binds_body)
        response = call(Outgoing(source, hosts=[herald.url]), "POST", herald.url, content=stream)
        assert (200 if binds_body else 401) == response.status_code
        assert (b"body" if binds_body else None) == source.calls[0].body
    assert {b"body"} == {seen.body for seen in herald.seen}


def test_a_stream_that_was_redirected_and_refused_is_not_asked_again(herald: Peer) -> None:
    """The stream is over; 303 left it behind, so that the next request can have a token."""
    herald.answer = lambda seen: redirect("/there", 303) if seen.target == "/here" else only("Bearer token-1")(seen)
    out = Outgoing(Numbered(), hosts=[herald.url])
    response = in_thread(out, "POST", f"{herald.url}/here", client={"follow_redirects": True}, content=streamed())
    assert 200 == response.status_code


def test_a_call_that_fails_leaves_no_token_behind(call: Caller) -> None:
    """The request that the error holds has none."""
    with peer() as gone:
        pass
    with pytest.raises(httpx2.ConnectError) as caught:
        call(Outgoing(Numbered(), hosts=[gone.url]), "GET", gone.url)
    assert "token-1" not in repr(caught.value.request.headers.raw)


def test_a_proxy_reads_no_token(call: Caller, tmp_path: Path) -> None:
    """https goes through it in a tunnel: the proxy sees where to, and octets."""
    trust = authority(tmp_path)
    with peer(tls=trust.context) as herald, proxy() as between:
        out = Outgoing(Numbered(), hosts=[herald.url])
        verify = ssl.create_default_context(cafile=str(trust.ca_file))
        call(out, "GET", herald.url, client={"proxy": between.url, "verify": verify})
        assert ["Bearer token-1"] == herald.tokens
        assert f"CONNECT 127.0.0.1:{herald.port} HTTP/1.1".encode() in between.read
        assert b"token-1" not in between.read


def test_plain_http_is_not_sent_through_a_proxy(call: Caller, herald: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that the environment names would read the token; NO_PROXY lets the call pass it by."""
    with proxy() as between:
        monkeypatch.setenv("http_proxy", between.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        out = Outgoing(Numbered(), hosts=[herald.url])
        with pytest.raises(NotAllowedHost, match="NO_PROXY"):
            call(out, "GET", herald.url, client={"trust_env": True})
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        call(out, "GET", herald.url, client={"trust_env": True})
        assert (b"", ["Bearer token-1"]) == (bytes(between.read), herald.tokens)
