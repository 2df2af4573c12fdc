"""Tokens in the calls of every HTTP client, over real sockets: what is asserted is what the servers have seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from jwtmw.client import CallNotSent, NotAllowedHost, Outgoing, TokenUnavailable
from tests.client.callers import CALLERS, Caller, Wanted, aiohttp_on_asyncio, requests_in_a_thread
from tests.client.peers import Peer, Reply, only, peer, peers, proxy, redirect
from tests.client.sources import Failing, Numbered
from tests.issuers.servers import authority

# (outgoing, method, URL, what a `Wanted` has): the status.
Call = Callable[..., int]


@pytest.fixture(params=CALLERS, ids=lambda caller: caller.__name__)
def caller(request: pytest.FixtureRequest) -> Caller:
    chosen: Caller = request.param
    return chosen


@pytest.fixture
def call(caller: Caller) -> Call:
    return lambda outgoing, method, url, **keys: caller(outgoing, Wanted(method, url, **keys))


@pytest.fixture
def herald() -> Iterator[Peer]:
    with peer() as served:
        yield served


def test_each_call_carries_the_token(call: Call, herald: Peer) -> None:
    """Method, path, body and other fields are untouched."""
    out = Outgoing(Numbered(), hosts=[herald.url])
    assert 200 == call(out, "POST", f"{herald.url}/a?b=c", body=b"body", headers={"X-Other": "x"})
    (seen,) = herald.seen
    assert ("POST", "/a?b=c", b"body", "x") == (seen.method, seen.target, seen.body, seen.headers["x-other"])
    assert "Bearer token-1" == seen.token


def test_a_source_sees_the_call_as_it_is_sent(call: Call, herald: Peer) -> None:
    """The URL with its query and without its fragment, and the body where it asks for it."""
    source = Numbered(binds_body=True)
    call(Outgoing(source, hosts=[herald.url]), "POST", f"{herald.url}/a?b=c#d", body=b"body")
    call(Outgoing(source, hosts=[herald.url]), "GET", herald.url)
    first, second = source.calls
    assert ("POST", f"{herald.url}/a?b=c", herald.url, b"body") == (first.method, first.url, first.origin, first.body)
    assert ("GET", b"") == (second.method, second.body)


def test_another_field_without_a_scheme(call: Call, herald: Peer) -> None:
    """As Authentise's services take it."""
    assert 200 == call(Outgoing(Numbered(), hosts=[herald.url], header="JWT", scheme=""), "GET", herald.url)
    assert ("token-1", None) == (herald.seen[0].headers["jwt"], herald.seen[0].token)


def test_in_non_secure_mode_nothing_is_added(call: Call, herald: Peer) -> None:
    """The call goes out as it is, to any host, whatever it carries."""
    out = Outgoing(Failing(), hosts=["https://elsewhere.example"], secure=False)
    call(out, "GET", herald.url)
    call(out, "POST", herald.url, headers={"Authorization": "Basic x"}, body=b"body", stream=True)
    assert [None, "Basic x"] == herald.tokens


def test_a_source_that_fails_fails_the_call(call: Call, herald: Peer) -> None:
    """It is never sent bare."""
    with pytest.raises(TokenUnavailable, match="the source is dry"):
        call(Outgoing(Failing(), hosts=[herald.url]), "GET", herald.url)
    assert [] == herald.seen


@pytest.mark.parametrize("where", ["headers", "client_headers"])
def test_a_field_that_is_there_is_not_overwritten(call: Call, herald: Peer, where: str) -> None:
    """The client's own, or the request's: nothing is sent."""
    out = Outgoing(Numbered(), hosts=[herald.url], header="JWT")
    with pytest.raises(CallNotSent, match="not overwritten"):
        call(out, "GET", herald.url, **{where: {"jwt": "mine"}})
    assert [] == herald.seen


def test_the_callers_own_authorization_is_not_overwritten(call: Call, herald: Peer) -> None:
    """The default field."""
    with pytest.raises(CallNotSent, match="not overwritten"):
        call(Outgoing(Numbered(), hosts=[herald.url]), "GET", herald.url, headers={"authorization": "Basic x"})
    assert [] == herald.seen


@pytest.mark.parametrize("sort", ["other port", "user", "other name", "other scheme", "host field"])
def test_another_host_gets_nothing(call: Call, herald: Peer, sort: str) -> None:
    """Neither the token nor the call; the URL is judged as the client read it."""
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


def test_a_user_in_the_url_of_a_listed_host_gets_nothing(call: Call, herald: Peer) -> None:
    """Two identities in one call."""
    with pytest.raises(CallNotSent):
        call(Outgoing(Numbered(), hosts=[herald.url]), "GET", f"http://alice:word@127.0.0.1:{herald.port}/")
    assert [] == herald.seen


def test_upper_case_is_the_same_host(call: Call, herald: Peer) -> None:
    """Scheme and host have no case."""
    call(Outgoing(Numbered(), hosts=[herald.url.upper()]), "GET", f"HTTP://127.0.0.1:{herald.port}/A")
    assert [("/A", "Bearer token-1")] == [(seen.target, seen.token) for seen in herald.seen]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("header", ["Authorization", "JWT"])
def test_no_redirect_takes_the_token_off_the_list(caller: Caller, status: int, header: str) -> None:
    """Whichever field carries it; aiohttp does not follow such a redirect, the others follow it without the token."""
    with peers(2) as (herald, other):
        herald.answer = lambda seen: redirect(f"{other.url}/there", status)
        out = Outgoing(Numbered(), hosts=[herald.url], header=header, scheme="")
        wanted = Wanted("POST", herald.url, follow=True, body=b"x")
        if caller is aiohttp_on_asyncio:
            with pytest.raises(NotAllowedHost):
                caller(out, wanted)
        else:
            caller(out, wanted)
        assert ["token-1"] == [seen.headers.get(header.lower()) for seen in herald.seen]
        assert "token-1" not in repr(other.seen)
        assert ([] if caller is aiohttp_on_asyncio else ["/there"]) == [seen.target for seen in other.seen]


def test_a_redirect_to_another_host_of_the_list(caller: Caller) -> None:
    """It does not take the token along, nor is that host asked again; with aiohttp it is a call like any other."""
    with peers(2) as (herald, other):
        herald.answer = lambda seen: redirect(other.url)
        other.answer = only("Bearer token-1")
        out = Outgoing(Numbered(), hosts=[herald.url, other.url])
        status = caller(out, Wanted("GET", herald.url, follow=True))
        expected = (200, ["Bearer token-1"]) if caller is aiohttp_on_asyncio else (401, [None])
        assert expected == (status, other.tokens)


def test_the_401_of_a_host_that_is_not_listed_gets_no_token(caller: Caller) -> None:
    """Though a redirect led there: its answer is the answer, as something was sent; aiohttp does not go there."""
    with peers(2) as (herald, other):
        herald.answer = lambda seen: redirect(other.url)
        other.answer = only()
        out, wanted = Outgoing(Numbered(), hosts=[herald.url]), Wanted("GET", herald.url, follow=True)
        if caller is aiohttp_on_asyncio:
            with pytest.raises(NotAllowedHost):
                caller(out, wanted)
        else:
            assert 401 == caller(out, wanted)
        assert [] == [token for token in other.tokens if token]


def test_another_host_cannot_say_what_is_called_with_the_token(caller: Caller) -> None:
    """A redirect that leads elsewhere and comes back gets no token: this service does not act as the other says."""
    with peers(2) as (herald, other):
        herald.answer = lambda seen: redirect(other.url) if seen.target == "/" else only("Bearer token-1")(seen)
        other.answer = lambda seen: redirect(f"{herald.url}/delete-all")
        out, wanted = Outgoing(Numbered(), hosts=[herald.url]), Wanted("POST", f"{herald.url}/", follow=True, body=b"x")
        if caller is aiohttp_on_asyncio:
            with pytest.raises(NotAllowedHost):
                caller(out, wanted)
        else:
            assert 401 == caller(out, wanted)
        assert [] == [seen.token for seen in herald.seen if seen.target != "/" and seen.token]


@pytest.mark.parametrize("header", ["Authorization", "JWT"])
def test_no_redirect_of_the_second_try_takes_a_token_off_the_list(caller: Caller, header: str) -> None:
    """Neither the fresh one, nor the one that was refused."""
    with peers(2) as (herald, other):
        field = header.lower()
        herald.answer = lambda seen: Reply(401) if "token-1" == seen.headers[field] else redirect(other.url)
        out = Outgoing(Numbered(), hosts=[herald.url], header=header, scheme="")
        wanted = Wanted("GET", herald.url, follow=True)
        if caller is aiohttp_on_asyncio:
            with pytest.raises(NotAllowedHost):
                caller(out, wanted)
        else:
            assert 200 == caller(out, wanted)
        assert ["token-1", "token-2"] == [seen.headers.get(field) for seen in herald.seen]
        assert "token-" not in repr(other.seen)


@pytest.mark.parametrize("binds_body", [False, True])
def test_a_redirect_within_the_origin_gets_a_token_of_its_own(caller: Caller, herald: Peer, binds_body: bool) -> None:
    """One for the method, the path and the body that are really asked for."""
    herald.answer = lambda seen: redirect("/there") if seen.target == "/here" else only("Bearer token-1")(seen)
    source = Numbered(binds_body=binds_body)
    wanted = Wanted("POST", f"{herald.url}/here", follow=True, body=b"body")
    assert 200 == caller(Outgoing(source, hosts=[herald.url]), wanted)
    assert [f"{herald.url}/here", f"{herald.url}/there"] == [each.url for each in source.calls]
    assert {b"body"} == {seen.body for seen in herald.seen}
    assert ("/there", "Bearer token-1") == (herald.seen[-1].target, herald.seen[-1].token)


def test_one_retry_after_401(call: Call, herald: Peer) -> None:
    """With a fresh token and the same body, and the caller sees the second answer only."""
    herald.answer = only("Bearer token-2")
    source = Numbered()
    assert 200 == call(Outgoing(source, hosts=[herald.url]), "POST", herald.url, body=b"body")
    assert ["token-1"] == source.refused
    assert [("Bearer token-1", b"body"), ("Bearer token-2", b"body")] == [
        (seen.token, seen.body) for seen in herald.seen
    ]


def test_no_second_retry(call: Call, herald: Peer) -> None:
    """Who refuses the fresh one, too, is believed."""
    herald.answer = only()
    assert 401 == call(Outgoing(Numbered(fresh=9), hosts=[herald.url]), "GET", herald.url)
    assert ["Bearer token-1", "Bearer token-2"] == herald.tokens


def test_no_retry_where_there_is_no_other_token(call: Call, herald: Peer) -> None:
    """The source says so."""
    herald.answer = only()
    assert 401 == call(Outgoing(Numbered(fresh=0), hosts=[herald.url]), "GET", herald.url)
    assert ["Bearer token-1"] == herald.tokens


class Hopeful(Numbered):
    """Believes that there is another token."""

    def refuse(self, call: Any, token: str) -> bool:
        return True


def test_no_retry_with_the_same_token(call: Call, herald: Peer) -> None:
    """A source that thought there would be another, and has none."""
    herald.answer = only()
    assert 401 == call(Outgoing(Hopeful(), hosts=[herald.url]), "GET", herald.url)
    assert ["Bearer token-1"] == herald.tokens


@pytest.mark.parametrize("status", [400, 403, 407, 500, 503])
def test_no_other_status_causes_a_retry(call: Call, herald: Peer, status: int) -> None:
    """Only 401 is about the token."""
    herald.answer = lambda seen: Reply(status)
    source = Numbered()
    assert status == call(Outgoing(source, hosts=[herald.url]), "GET", herald.url)
    assert (1, []) == (len(herald.seen), source.refused)


def test_a_streamed_body_is_not_sent_twice(call: Call, herald: Peer) -> None:
    """What has been streamed is gone: the 401 is the answer."""
    herald.answer = only("Bearer token-2")
    assert 401 == call(Outgoing(Numbered(), hosts=[herald.url]), "POST", herald.url, body=b"body", stream=True)
    assert [("Bearer token-1", b"body")] == [(seen.token, seen.body) for seen in herald.seen]


def test_a_streamed_body_is_read_first_where_the_token_is_bound_to_it(caller: Caller, herald: Peer) -> None:
    """Then it can be sent twice; requests would have to know the pieces' end, and does not send such a call."""
    herald.answer = only("Bearer token-2")
    source = Numbered(binds_body=True)
    out, wanted = Outgoing(source, hosts=[herald.url]), Wanted("POST", herald.url, body=b"body", stream=True)
    if caller is requests_in_a_thread:
        with pytest.raises(CallNotSent, match="hand over its bytes"):
            caller(out, wanted)
        assert [] == herald.seen
    else:
        assert 200 == caller(out, wanted)
        assert b"body" == source.calls[0].body
        assert [b"body"] * 2 == [seen.body for seen in herald.seen]


def test_a_proxy_reads_no_token(call: Call, tmp_path: Path) -> None:
    """https goes through it in a tunnel: the proxy sees where to, and octets."""
    trust = authority(tmp_path)
    with peer(tls=trust.context) as herald, proxy() as between:
        out = Outgoing(Numbered(), hosts=[herald.url])
        assert 200 == call(out, "GET", herald.url, proxy=between.url, ca_file=str(trust.ca_file))
        assert ["Bearer token-1"] == herald.tokens
        assert f"CONNECT 127.0.0.1:{herald.port} ".encode() in between.read
        assert b"token-1" not in between.read


def test_plain_http_is_not_sent_through_a_proxy(call: Call, herald: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that the environment names would read the token; NO_PROXY lets the call pass it by."""
    with proxy() as between:
        monkeypatch.setenv("http_proxy", between.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        out = Outgoing(Numbered(), hosts=[herald.url])
        with pytest.raises(NotAllowedHost):
            call(out, "GET", herald.url, trust_env=True)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert 200 == call(out, "GET", herald.url, trust_env=True)
        assert (b"", ["Bearer token-1"]) == (bytes(between.read), herald.tokens)


@pytest.mark.parametrize("spared", ["127.0.0.1:{port}", ".localhost", "[::1]"])
def test_an_entry_of_no_proxy_that_clients_read_differently_spares_nobody(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, spared: str
) -> None:
    """What one of them sends directly, another one sends to the proxy: it reads no token."""
    with peer() as herald, proxy() as between:
        monkeypatch.setenv("http_proxy", between.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.setenv("no_proxy", spared.format(port=herald.port))
        url = herald.url.replace("127.0.0.1", "localhost") if "local" in spared else herald.url
        with suppress(NotAllowedHost):
            caller(Outgoing(Numbered(), hosts=[url]), Wanted("GET", url, trust_env=True))
        assert b"" == between.read
