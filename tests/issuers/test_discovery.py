"""Discovery: which document is believed, where it may lead, and what a refresh asks again."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import pytest

from jwtmw.issuers.discovery import Discovery, jwks_uri_problem, metadata_url
from jwtmw.issuers.fetch import Fetched, FetchFailed, HttpSettings
from jwtmw.issuers.remote import RemoteKeys
from jwtmw.issuers.snapshot import Timing
from jwtmw.issuers.source import KeyState
from tests.issuers.material import jwk
from tests.issuers.servers import Server, hang, response, serving

PATIENT = HttpSettings(timeout=5)
QUICK = HttpSettings(timeout=0.4)
WELL_KNOWN = "/.well-known/openid-configuration"


class Provider:
    """An issuer on loopback: its metadata, its key sets by path, and the conditional requests that it saw."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.issuer = server.url("")
        self.metadata: Any = {"issuer": self.issuer, "jwks_uri": server.url("/keys")}
        self.etags: dict[str, str] = {}
        self.keys: dict[str, Any] = {"/keys": {"keys": [jwk("rsa", kid="a")]}}
        self.override: Callable[[socket.socket, Server], None] | bytes | None = None

    def fetching(self, settings: HttpSettings = PATIENT) -> Discovery:
        url = metadata_url(self.issuer)
        assert url is not None
        return Discovery(self.issuer, url, settings)

    def asked(self) -> list[tuple[str, str | None]]:
        """Path and If-None-Match of every request so far."""
        return [(head.split(" ")[1], _conditional(head)) for head in self.server.requests]

    def answer(self, stream: socket.socket, server: Server) -> None:
        path, known = self.asked()[-1]
        if path != WELL_KNOWN or self.override is None:
            stream.sendall(self._document(path, known))
        elif isinstance(self.override, bytes):
            stream.sendall(self.override)
        else:
            self.override(stream, server)

    def _document(self, path: str, known: str | None) -> bytes:
        document = self.metadata if path == WELL_KNOWN else self.keys.get(path)
        etag = {"ETag": self.etags[path]} if path in self.etags else {}
        if known is not None and known == self.etags.get(path):
            return response(b"", "304 Not Modified", Cache_Control="max-age=77", **etag)
        return response(json.dumps(document).encode(), "404 Not Found" if document is None else "200 OK", **etag)


def _conditional(head: str) -> str | None:
    found = [line.partition(": ")[2] for line in head.splitlines() if line.lower().startswith("if-none-match")]
    return found[0] if found else None


@contextmanager
def provider() -> Iterator[Provider]:
    made: list[Provider] = []

    def answer(stream: socket.socket, server: Server) -> None:
        made[0].answer(stream, server)

    with serving(answer) as server:
        made.append(Provider(server))
        yield made[0]


def refusal(fetching: Discovery, etag: str | None = None) -> FetchFailed:
    with pytest.raises(FetchFailed) as caught:
        fetching(etag)
    return caught.value


# Where the document is


LOCATIONS = {
    "no path": ("https://id.example", "https://id.example" + WELL_KNOWN),
    "final slash": ("https://id.example/", "https://id.example" + WELL_KNOWN),
    "path": ("https://id.example/realms/a", "https://id.example/realms/a" + WELL_KNOWN),
    "loopback": ("http://127.0.0.1:81", "http://127.0.0.1:81" + WELL_KNOWN),
    "http": ("http://id.example", None),
    "query": ("https://id.example/?a=b", None),
    "empty query": ("https://id.example/?", None),
    "fragment": ("https://id.example/#a", None),
    "no URL": ("corp", None),
    "empty": ("", None),
}


@pytest.mark.parametrize(("issuer", "expected"), LOCATIONS.values(), ids=LOCATIONS)
def test_where_an_issuers_metadata_is(issuer, expected):
    """Behind the issuer's path, as OpenID Connect Discovery says; nowhere where the issuer is no such URL."""
    assert expected == metadata_url(issuer)


# Where it may lead


HOME = "https://id.example/.well-known/openid-configuration"
MAY = {
    "same origin": ("https://id.example/jwks", HOME),
    "another host": ("https://keys.example:8443/certs?v=3", HOME),
    "a public address": ("https://8.8.8.8/jwks", HOME),
    "the document's own private host": ("https://10.0.0.5/jwks", "https://10.0.0.5:8443/m"),
    "the same host with a final dot": ("https://10.0.0.5./jwks", "https://10.0.0.5/m"),
    "loopback to loopback": ("http://127.0.0.1:2/jwks", "http://127.0.0.1:1/m"),
    "loopback by its other names": ("http://[::1]:2/jwks", "http://localhost:1/m"),
    "loopback to a private address": ("https://10.0.0.5/jwks", "http://127.0.0.1/m"),
}
HTTPS_ONLY = "the URL must be https (http only on loopback)"
EXTRAS = "the URL must have no user, password or fragment"
INWARD = "it leads to an address that is not public"
MAY_NOT = {
    "http": ("http://id.example/jwks", HOME, HTTPS_ONLY),
    "http from loopback": ("http://id.example/jwks", "http://127.0.0.1/m", HTTPS_ONLY),
    "http to a private address": ("http://10.0.0.5/jwks", "https://10.0.0.5/m", HTTPS_ONLY),
    "file": ("file:///etc/passwd", HOME, "not a URL with a host"),
    "user": ("https://a:b@id.example/jwks", HOME, EXTRAS),
    "fragment": ("https://id.example/jwks#a", HOME, EXTRAS),
    "relative": ("/jwks", HOME, "not a URL with a host"),
    "line break": ("https://id.example/\r\nX: y", HOME, "the URL has characters other than visible ASCII"),
    "http to loopback": ("http://127.0.0.1/jwks", HOME, INWARD),
    "https to loopback": ("https://127.0.0.1/jwks", HOME, INWARD),
    "localhost": ("https://localhost/jwks", HOME, INWARD),
    "localhost in capitals with a dot": ("https://LOCALHOST./jwks", HOME, INWARD),
    "below localhost": ("https://a.localhost/jwks", HOME, INWARD),
    "private": ("https://192.168.1.1/jwks", HOME, INWARD),
    "link-local, the cloud's metadata": ("https://169.254.169.254/jwks", HOME, INWARD),
    "carrier-grade NAT": ("https://100.64.0.1/jwks", HOME, INWARD),
    "any address": ("https://0.0.0.0/jwks", HOME, INWARD),
    "multicast": ("https://224.0.0.1/jwks", HOME, INWARD),
    "loopback in one number": ("https://2130706433/jwks", HOME, INWARD),
    "loopback in hex": ("https://0x7f.1/jwks", HOME, INWARD),
    "loopback in short": ("https://127.1/jwks", HOME, INWARD),
    "IPv6 loopback": ("https://[::1]/jwks", HOME, INWARD),
    "IPv6 unique local": ("https://[fd00::1]/jwks", HOME, INWARD),
    "IPv6 link-local with a zone": ("https://[fe80::1%25eth0]/jwks", HOME, INWARD),
    "IPv4 in IPv6": ("https://[::ffff:10.0.0.5]/jwks", HOME, INWARD),
    "another private host": ("https://10.0.0.6/jwks", "https://10.0.0.5/m", INWARD),
}


@pytest.mark.parametrize(("jwks_uri", "url"), MAY.values(), ids=MAY)
def test_where_a_document_may_lead(jwks_uri, url):
    """To https on any public host, and to where the document itself is."""
    assert None is jwks_uri_problem(jwks_uri, url)


@pytest.mark.parametrize(("jwks_uri", "url", "expected"), MAY_NOT.values(), ids=MAY_NOT)
def test_where_a_document_must_not_lead(jwks_uri, url, expected):
    """Never to plain http, never from outside into this machine or its network, however the address is written."""
    assert expected == jwks_uri_problem(jwks_uri, url)


# Both steps


def test_the_keys_are_found():
    """Metadata first, then the keys that it leads to; each is asked for once."""
    with provider() as corp:
        found = corp.fetching()(None)
        assert (corp.keys["/keys"], None, False) == (found.document, found.max_age, found.not_modified)
        assert [(WELL_KNOWN, None), ("/keys", None)] == corp.asked()


def test_algorithms_of_the_document_are_not_heard():
    """Whatever it says that it signs with, only issuer and jwks_uri count."""
    with provider() as corp:
        corp.metadata |= {"id_token_signing_alg_values_supported": ["none"], "token_endpoint": 7, "jwks": "x"}
        assert corp.keys["/keys"] == corp.fetching()(None).document


ETAGS = [
    ({}, False),
    ({"/keys": '"k"'}, True),
    ({WELL_KNOWN: '"m"'}, False),
    ({WELL_KNOWN: '"m"', "/keys": '"k"'}, True),
]


@pytest.mark.parametrize(("etags", "unchanged"), ETAGS, ids=["none", "keys", "metadata", "both"])
def test_a_refresh_asks_for_both_again_with_their_etags(etags, unchanged):
    """What has an ETag is asked for by it; the keys count as unchanged where their own answer says so."""
    with provider() as corp:
        corp.etags = etags
        fetching = corp.fetching()
        first = fetching(None)
        again = fetching(first.etag)
        assert [(WELL_KNOWN, etags.get(WELL_KNOWN)), ("/keys", etags.get("/keys"))] == corp.asked()[2:]
        assert (unchanged, first.etag) == (again.not_modified, again.etag)
        assert (77.0 if unchanged else None) == again.max_age


def test_keys_that_move_are_followed_and_their_old_etag_stays_behind():
    """The new address may use the same ETag for other keys: it is asked without one."""
    with provider() as corp:
        corp.etags = {"/keys": '"1"', "/moved": '"1"'}
        fetching = corp.fetching()
        first = fetching(None)
        corp.keys["/moved"] = {"keys": [jwk("rsa", 1, kid="b")]}
        corp.metadata["jwks_uri"] = corp.server.url("/moved")
        moved = fetching(first.etag)
        assert (corp.keys["/moved"], False) == (moved.document, moved.not_modified)
        assert ("/moved", None) == corp.asked()[-1]
        assert ("/moved", '"1"') == (fetching(moved.etag), corp.asked()[-1])[1]


BAD = {
    "another issuer": ({"issuer": "https://other.example"}, "the document is of another issuer"),
    "a slash more": ({"issuer": "{issuer}/"}, "the document is of another issuer"),
    "issuer in a list": ({"issuer": ["{issuer}"]}, "the document is of another issuer"),
    "no issuer": ({"issuer": None}, "the document is of another issuer"),
    "no jwks_uri": ({"jwks_uri": None}, "the document has no jwks_uri"),
    "jwks_uri in a list": ({"jwks_uri": ["https://id.example/"]}, "the document has no jwks_uri"),
    "jwks_uri of http": ({"jwks_uri": "http://id.example/"}, f"jwks_uri cannot be used: {HTTPS_ONLY}"),
    "jwks_uri with a blank": (
        {"jwks_uri": "https://id.example/a b"},
        "jwks_uri cannot be used: the URL has characters other than visible ASCII",
    ),
}


@pytest.mark.parametrize(("members", "expected"), BAD.values(), ids=BAD)
def test_a_document_that_is_not_believed(members, expected):
    """The reason is ours and quotes nothing; the keys are not asked for."""
    with provider() as corp:
        corp.metadata |= json.loads(json.dumps(members).replace("{issuer}", corp.issuer))
        assert f"discovery: {expected}" == refusal(corp.fetching()).reason
        assert 1 == len(corp.asked())


NO_OBJECT = {"list": b"[]", "null": b"null", "text": b'"https://id.example/"'}


@pytest.mark.parametrize("body", NO_OBJECT.values(), ids=NO_OBJECT)
def test_a_document_that_is_no_object(body):
    """Other JSON is no metadata."""
    with provider() as corp:
        corp.override = response(body)
        assert "discovery: the document is no JSON object" == refusal(corp.fetching()).reason


def test_a_document_that_cannot_be_had():
    """A failure of the first step says so, and hands on what the answer asked for."""
    with provider() as corp:
        corp.override = response(b"", "503 Unavailable", Retry_After="40")
        failed = refusal(corp.fetching())
        assert ("discovery: status 503: not a success", 40.0) == (failed.reason, failed.retry_after)


def test_a_document_with_two_issuers_is_none():
    """A member that stands twice makes it no JSON: two readers could see two issuers."""
    with provider() as corp:
        corp.override = response(f'{{"issuer": "x", "issuer": "{corp.issuer}", "jwks_uri": "https://x/"}}'.encode())
        assert "discovery: the body is not one strict JSON document in UTF-8" == refusal(corp.fetching()).reason


def test_a_redirect_is_not_followed():
    """Wherever it would lead."""
    with provider() as corp:
        corp.override = response(b"", "302 Found", Location=corp.server.url("/keys"))
        assert "discovery: status 302: a redirect, which is not followed" == refusal(corp.fetching()).reason
        assert 1 == len(corp.asked())


def test_keys_that_cannot_be_had():
    """The second step fails in the words of the first kind of source."""
    with provider() as corp:
        corp.keys.clear()
        assert "status 404: not a success" == refusal(corp.fetching()).reason


def test_one_deadline_covers_both_steps():
    """What the first step takes is not left for the second."""
    with provider() as corp:
        settings = HttpSettings(timeout=1.0)
        corp.fetching(PATIENT)(None)

        def slowly(stream: socket.socket, server: Server) -> None:
            server.released.wait(0.7)
            stream.sendall(response(json.dumps(corp.metadata).encode()))

        corp.override = slowly
        with socket.create_server(("127.0.0.1", 0)) as silent:
            corp.metadata["jwks_uri"] = f"http://127.0.0.1:{silent.getsockname()[1]}/"
            started = monotonic()
            assert "timed out after 1 s" == refusal(corp.fetching(settings)).reason
        assert 0.9 < monotonic() - started < 1.5


def test_a_document_that_never_comes():
    """The first step alone uses the deadline up."""
    with provider() as corp:
        corp.fetching()(None)
        corp.override = hang
        started = monotonic()
        assert "discovery: timed out after 0.4 s" == refusal(corp.fetching(QUICK)).reason
        assert monotonic() - started < 0.9


# Behind the state machine


class Behind:
    """A key source over a provider, on a clock that is turned by hand; fetches land at once."""

    def __init__(self, corp: Provider) -> None:
        self.now = 0.0
        self.source = RemoteKeys(
            "corp",
            corp.fetching(),
            Timing(),
            clock=lambda: self.now,
            launch=lambda job: job(),
            later=lambda delay, job: None,
            jitter=lambda: 0.0,
        )

    def kids(self, kid: str) -> object:
        """The kids that a request gets, once it has waited where it must."""
        found = self.source.look_up(kid, "RS256")
        found = found if isinstance(found, tuple) else self.source.look_up(kid, "RS256", found)
        assert isinstance(found, tuple)
        return [key.kid for key in found]


def test_a_refresh_follows_moved_keys_and_a_failure_keeps_the_old_ones():
    """Moved, then broken, then whole again: requests with known keys are served throughout."""
    with provider() as corp:
        world = Behind(corp)
        assert ["a"] == world.kids("a")
        corp.keys["/moved"] = {"keys": [jwk("rsa", 1, kid="b")]}
        corp.metadata["jwks_uri"] = corp.server.url("/moved")
        world.now = 250.0
        world.kids("a")
        assert ["b"] == world.kids("b")
        whole, corp.metadata = corp.metadata, {**corp.metadata, "issuer": "https://other.example"}
        world.now = 500.0
        assert ["b"] == world.kids("b")
        error = "discovery: the document is of another issuer"
        assert KeyState(fresh=True, last_error=error) == world.source.state
        world.now = 551.0
        assert (["b"], KeyState(fresh=False, stale=True, last_error=error)) == (world.kids("b"), world.source.state)
        corp.metadata = whole
        world.now = 600.0
        assert (["b"], KeyState(fresh=True)) == (world.kids("b"), world.source.state)


def test_unchanged_documents_renew_the_keys():
    """304 for both: the keys stay the same object, and are fresh again."""
    with provider() as corp:
        corp.etags = {WELL_KNOWN: '"m"', "/keys": '"k"'}
        world = Behind(corp)
        world.kids("a")
        generation = world.source.generation
        world.now = 250.0
        world.kids("a")
        world.now = 310.0
        assert (True, generation, 4) == (world.source.is_fresh, world.source.generation, len(corp.asked()))


def test_what_is_fetched_is_a_fetch_like_any_other():
    """The two steps together answer as one fetch of a key set does."""
    with provider() as corp:
        corp.etags = {"/keys": '"k"'}
        found = corp.fetching()(None)
        assert found == Fetched(corp.keys["/keys"], None, found.etag)
