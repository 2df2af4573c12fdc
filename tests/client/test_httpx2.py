"""What only httpx2 has: test transports, prepared requests, and errors that hold a request."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from jwtmw.client import CallNotSent, Outgoing
from tests.client.peers import Peer, only, peer, redirect
from tests.client.sources import Numbered

HERALD = "https://herald.example"


@pytest.fixture
def herald() -> Iterator[Peer]:
    with peer() as served:
        yield served


def test_a_test_transport_can_read_the_field() -> None:
    """By its name, in any case; the other fields as ever."""
    read = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        read.append((request.headers["authorization"], request.headers["Authorization"], request.headers["x-other"]))
        return httpx2.Response(200)

    out = Outgoing(Numbered(), hosts=[HERALD])
    with httpx2.Client(auth=out.httpx2(), transport=httpx2.MockTransport(answer)) as client:
        client.get(HERALD, headers={"X-Other": "x"})
    assert [("Bearer token-1", "Bearer token-1", "x")] == read


def test_no_copy_and_no_repr_of_the_request_has_the_token() -> None:
    """Not while it is sent, not after."""
    shown = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        copied = httpx2.Headers(request.headers)
        shown.append(repr(request.headers) + repr(copied.raw) + repr(request.headers.copy().raw) + repr(request))
        return httpx2.Response(200)

    out = Outgoing(Numbered(), hosts=[HERALD], header="JWT", scheme="")
    with httpx2.Client(auth=out.httpx2(), transport=httpx2.MockTransport(answer)) as client:
        response = client.get(HERALD)
    assert "token-1" not in shown[0] + repr(response.request.headers.raw)


def test_one_request_can_be_sent_twice(herald: Peer) -> None:
    """The token of the first time does not stand in the way of the second."""
    out = Outgoing(Numbered(), hosts=[herald.url])
    with httpx2.Client(auth=out.httpx2(), trust_env=False) as client:
        request = client.build_request("GET", herald.url)
        client.send(request)
        client.send(request)
    assert ["Bearer token-1"] * 2 == herald.tokens


def test_a_stream_that_a_redirect_left_behind_does_no_harm(herald: Peer) -> None:
    """303 makes a GET of it, which can have a token."""
    herald.answer = lambda seen: redirect("/there", 303) if seen.target == "/here" else only("Bearer token-1")(seen)
    out = Outgoing(Numbered(), hosts=[herald.url])
    with httpx2.Client(auth=out.httpx2(), trust_env=False, follow_redirects=True) as client:
        assert 200 == client.post(f"{herald.url}/here", content=iter([b"bo", b"dy"])).status_code


def test_a_call_that_fails_leaves_no_token_behind() -> None:
    """The request that the error holds has none."""
    with peer() as gone:
        pass
    out = Outgoing(Numbered(), hosts=[gone.url])
    with httpx2.Client(auth=out.httpx2(), trust_env=False) as client, pytest.raises(httpx2.ConnectError) as caught:
        client.get(gone.url)
    assert "token-1" not in repr(caught.value.request.headers.raw)


def test_a_target_that_is_not_the_urls_gets_nothing(herald: Peer) -> None:
    """A request line can name another host, as a Host field can."""
    out = Outgoing(Numbered(), hosts=[herald.url])
    with httpx2.Client(auth=out.httpx2(), trust_env=False) as client, pytest.raises(CallNotSent, match="target"):
        client.get(herald.url, extensions={"target": b"http://other.example/"})
    assert [] == herald.seen
