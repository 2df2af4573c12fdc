"""A token that this service signs itself: what it says, and what it is bound to."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from jwtmw.client import Outgoing, SelfSigned, TokenUnavailable
from jwtmw.errors import ConfigurationError
from jwtmw.issuers.consumers import Consumer
from jwtmw.mint.signer import Signer
from tests.client.callers_in_hand import NOBODY, InHand, caller
from tests.client.peers import Peer, peer

HERALD = "https://herald.example"
SIGNER = Signer("ES256")


@pytest.fixture
def herald() -> Iterator[Peer]:
    with peer() as served:
        yield served


def outgoing(**keys: Any) -> Outgoing:
    terms = {"issuer": "orders", "who_calls": InHand(caller()), "clock": lambda: 1000.9, **keys}
    return Outgoing(SelfSigned(SIGNER, **terms), hosts=[HERALD, "https://census.example:8443"])


def said(token: str | None, part: int = 1) -> dict[str, Any]:
    assert token is not None
    text = token.split(".")[part]
    members: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return members


def test_what_it_says() -> None:
    """Who calls whom, for whom, and for how long; two tokens are never the same."""
    out = outgoing()
    claims, other = said(out.token(f"{HERALD}/a?b")), said(out.token(f"{HERALD}/a?b"))
    assert {"iss": "orders", "aud": HERALD, "sub": "alice", "iat": 1000, "exp": 1060} == {
        name: value for name, value in claims.items() if name != "jti"
    }
    assert claims["jti"] != other["jti"]
    assert {"alg": "ES256", "typ": "at+jwt", "kid": SIGNER.kid} == said(out.token(HERALD), 0)


def test_the_audience_is_who_is_called() -> None:
    """A token for one service is none for another."""
    out = outgoing()
    assert [HERALD, "https://census.example:8443"] == [
        said(out.token(url))["aud"] for url in ("HTTPS://Herald.example:443/a", "https://census.example:8443/")
    ]


@pytest.mark.parametrize(("audience", "aud"), [("herald", "herald"), (["herald"], "herald"), (["a", "b"], ["a", "b"])])
def test_the_audience_can_be_named(audience: Any, aud: object) -> None:
    """Where the services know each other by other names."""
    assert aud == said(outgoing(audience=audience).token(HERALD))["aud"]


@pytest.mark.parametrize("in_hand", [InHand(), InHand(NOBODY), InHand(caller(subject=None))])
def test_without_a_subject_the_service_speaks_for_nobody(in_hand: InHand) -> None:
    """Outside of a request, anonymous, or a caller without one: there is no `sub`, and no other's."""
    assert "sub" not in said(outgoing(who_calls=in_hand).token(HERALD))


@pytest.mark.parametrize("subject", ["alice", None])
def test_a_consumer_passes_for_nobody_else(subject: str | None) -> None:
    """It writes its own `sub`, so that only its name says who it is."""
    in_hand = InHand(caller(subject=subject, consumer=Consumer("jack", key="jack-key")))
    assert "jack" == said(outgoing(who_calls=in_hand).token(HERALD))["sub"]


def test_it_lives_as_long_as_it_should() -> None:
    """Seconds."""
    assert 1005 == said(outgoing(ttl=5).token(HERALD))["exp"]


@pytest.mark.parametrize(
    ("url", "htu"),
    [
        (f"{HERALD}/a/b?c=d#e", f"{HERALD}/a/b"),
        (HERALD, f"{HERALD}/"),
        (f"{HERALD}?x", f"{HERALD}/"),
        (f"{HERALD}/", f"{HERALD}/"),
    ],
)
def test_it_can_be_bound_to_method_and_url(url: str, htu: str) -> None:
    """Without query and fragment, as RFC 9449 has it."""
    claims = said(outgoing(request_bound=True).token(url, "PATCH"))
    assert ("PATCH", htu) == (claims["htm"], claims["htu"])


@pytest.mark.parametrize("name", ["sha-256", "sha-512", "md5"])
def test_it_can_be_bound_to_the_body(name: str) -> None:
    """Its hash in lower-case hex; an empty body needs none."""
    out = outgoing(body=name)
    assert hashlib.new(name.replace("-", ""), b"body").hexdigest() == said(out.token(HERALD, "POST", b"body"))["bdy"]
    assert "bdy" not in said(out.token(HERALD, "POST"))


def test_unbound_it_does_not_read_the_body() -> None:
    """Nor say anything about the request."""
    assert not SelfSigned(SIGNER, issuer="orders").binds_body
    assert {"iss", "aud", "sub", "iat", "exp", "jti"} == set(said(outgoing().token(HERALD, "POST", b"body")))


def test_the_bytes_on_the_wire_are_the_bytes_in_the_claim(herald: Peer) -> None:
    """Whatever httpx2 made of the body."""
    source = SelfSigned(SIGNER, issuer="orders", body="sha-256", request_bound=True)
    out = Outgoing(source, hosts=[herald.url])
    with httpx2.Client(auth=out.httpx2(), trust_env=False) as client:
        client.post(f"{herald.url}/a?b", json={"name": "söme"})
        client.post(f"{herald.url}/a?b", files={"file": b"octets"})
    for seen in herald.seen:
        claims = said((seen.token or "").removeprefix("Bearer "))
        assert hashlib.sha256(seen.body).hexdigest() == claims["bdy"]
        assert ("POST", f"{herald.url}/a") == (claims["htm"], claims["htu"])


def test_who_refuses_it_would_refuse_the_next() -> None:
    """No second try."""
    out = outgoing()
    assert not out.refuse(out.call("GET", HERALD, {}, None), "token")


class Broken:
    algorithm = "ES256"
    kid = "broken"

    def sign(self, claims: Any, header: Any = None) -> str:
        raise ValueError(f"s3cret {claims}")


def test_what_cannot_be_signed_is_not_sent() -> None:
    """The error shows neither key nor claims."""
    out = Outgoing(SelfSigned(Broken(), issuer="orders"), hosts=[HERALD])
    with pytest.raises(TokenUnavailable, match="self_signed: the key cannot sign") as caught:
        out.token(HERALD)
    assert (None, None) == (caught.value.__cause__, caught.value.__context__)


@pytest.mark.parametrize(
    ("key", "keys"), [("body", {"body": "crc32"}), ("ttl", {"ttl": 0}), ("issuer", {"issuer": ""})]
)
def test_what_cannot_work_does_not_start(key: str, keys: dict[str, Any]) -> None:
    """The error names key and cure."""
    with pytest.raises(ConfigurationError) as caught:
        outgoing(**keys)
    assert key == caught.value.key
    assert caught.value.cure
