"""What only requests has: bodies of text, cookies, history, and hooks of others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from jwtmw.client import Outgoing
from tests.client.peers import Peer, Reply, only, peer, redirect
from tests.client.sources import Numbered


@pytest.fixture
def herald() -> Iterator[Peer]:
    with peer() as served:
        yield served


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as made:
        made.trust_env = False
        yield made


@pytest.mark.parametrize("body", ["söme text", {"a": "b c"}, b"octets"])
def test_a_body_is_bound_as_it_is_sent(herald: Peer, session: requests.Session, body: object) -> None:
    """Text and forms, too."""
    source = Numbered(binds_body=True)
    session.post(herald.url, data=body, auth=Outgoing(source, hosts=[herald.url]).requests())  # type: ignore[arg-type]
    assert [herald.seen[0].body] == [call.body for call in source.calls]
    assert str(len(herald.seen[0].body)) == herald.seen[0].headers["content-length"]


def test_the_second_try_has_the_cookies_of_the_first_answer(herald: Peer, session: requests.Session) -> None:
    """And the first answer is its history."""
    herald.answer = lambda seen: Reply(
        200 if seen.token == "Bearer token-2" else 401, {"Set-Cookie": "visit=1; Path=/"}, b"first"
    )
    answer = session.get(herald.url, auth=Outgoing(Numbered(), hosts=[herald.url]).requests())
    assert ([401], 200) == ([each.status_code for each in answer.history], answer.status_code)
    assert [None, "visit=1"] == [seen.headers.get("cookie") for seen in herald.seen]


def test_what_was_sent_can_be_looked_at(herald: Peer, session: requests.Session) -> None:
    """As with any other auth the answer's request shows the field; only a redirect takes it away."""
    auth = Outgoing(Numbered(), hosts=[herald.url]).requests()
    assert "Bearer token-1" == session.get(herald.url, auth=auth).request.headers["Authorization"]
    herald.answer = lambda seen: redirect("/there")
    answer = session.get(herald.url, auth=auth, allow_redirects=False)
    assert "Authorization" not in answer.request.headers


def test_a_redirect_of_a_stream_that_is_refused_is_not_asked_again(herald: Peer, session: requests.Session) -> None:
    """The stream is over."""
    herald.answer = only()
    auth = Outgoing(Numbered(), hosts=[herald.url]).requests()
    assert 401 == session.post(herald.url, data=iter([b"a", b"b"]), auth=auth).status_code
    assert 1 == len(herald.seen)


def test_the_hooks_of_others_are_called_as_ever(herald: Peer, session: requests.Session) -> None:
    """Ours is one of them."""
    seen = []
    session.hooks["response"].append(lambda response, **keys: seen.append(response.status_code))
    session.get(herald.url, auth=Outgoing(Numbered(), hosts=[herald.url]).requests())
    assert [200] == seen
