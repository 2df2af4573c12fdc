"""What only aiohttp has: payloads of many kinds, compression, and proxies that a request knows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from jwtmw.client import CallNotSent, NotAllowedHost, Outgoing
from tests.client.peers import Peer, only, peer, proxy
from tests.client.sources import Numbered


@pytest.fixture
def herald() -> Iterator[Peer]:
    with peer() as served:
        yield served


def send(outgoing: Outgoing, url: str, make_body: Any = None, **keys: Any) -> int:
    async def sent() -> int:
        async with aiohttp.ClientSession(middlewares=[outgoing.aiohttp()]) as session:
            data = make_body() if make_body else None
            async with session.post(url, data=data, **keys) as answer:
                return answer.status

    return asyncio.run(sent())


def multipart() -> aiohttp.MultipartWriter:
    writer = aiohttp.MultipartWriter("form-data", boundary="edge")
    writer.append("part", {"Content-Disposition": 'form-data; name="a"'})
    return writer


@pytest.mark.parametrize(
    "make_body",
    [
        lambda: b"octets",
        lambda: "söme text",
        lambda: {"a": "b c"},
        lambda: BytesIO(b"in memory"),
        lambda: b"x" * 2_000_000,
        multipart,
    ],
    ids=["bytes", "text", "form", "memory", "large", "multipart"],
)
@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
def test_a_body_is_bound_as_it_is_sent(herald: Peer, make_body: Any) -> None:
    """Whatever aiohttp makes of it, and twice if need be."""
    herald.answer = only("Bearer token-2")
    source = Numbered(binds_body=True)
    assert 200 == send(Outgoing(source, hosts=[herald.url]), herald.url, make_body)
    assert [seen.body for seen in herald.seen] == [source.calls[0].body] * 2
    assert herald.seen[0].body


def test_a_file_is_bound_as_it_is_sent(herald: Peer, tmp_path: Path) -> None:
    """Read once, for the hash, and sent from memory."""
    path = tmp_path / "body"
    path.write_bytes(b"on disk")
    source = Numbered(binds_body=True)
    assert 200 == send(Outgoing(source, hosts=[herald.url]), herald.url, lambda: path.open("rb"))
    assert (b"on disk", b"on disk") == (herald.seen[0].body, source.calls[0].body)


def test_the_type_of_a_body_is_kept(herald: Peer) -> None:
    """The parts' boundary is in it."""
    send(Outgoing(Numbered(binds_body=True), hosts=[herald.url]), herald.url, multipart)
    assert 'multipart/form-data; boundary="edge"' == herald.seen[0].headers["content-type"].replace("=edge", '="edge"')


def test_a_body_that_is_compressed_on_its_way_is_not_bound(herald: Peer) -> None:
    """The bytes as sent are known too late."""
    out = Outgoing(Numbered(binds_body=True), hosts=[herald.url])
    with pytest.raises(CallNotSent, match="compress"):
        send(out, herald.url, lambda: b"body", compress="deflate")
    assert [] == herald.seen


def test_the_proxy_of_a_request_does_not_read_a_token(herald: Peer) -> None:
    """Over plain http it would."""
    out = Outgoing(Numbered(), hosts=[herald.url])
    with proxy() as between, pytest.raises(NotAllowedHost, match="a proxy would read"):
        send(out, herald.url, proxy=between.url)
    assert [] == herald.seen


def test_an_error_of_aiohttp_shows_no_token(herald: Peer) -> None:
    """Its repr has all fields of the request, and errors end in logs."""
    herald.answer = only()
    with pytest.raises(aiohttp.ClientResponseError) as raised:
        send(Outgoing(Numbered(fresh=1), hosts=[herald.url]), herald.url, raise_for_status=True)
    assert ["Bearer token-1", "Bearer token-2"] == herald.tokens
    assert "token-" not in repr(raised.value)
