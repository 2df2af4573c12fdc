"""What verifiers fetch: the key set and the discovery document, behind every door."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from jwtmw import ConfigurationError, Policy
from jwtmw.mint import JWKS, KeyRing, Metadata, Signer, asgi
from jwtmw.mint.keyring import rotate_ring
from tests.endpoints.doors import DOORS, ask, policy

PAIR = Signer("EdDSA", kid="k1")
MINE, URI = "https://orders.example", "https://orders.example/.well-known/jwks.json"


@pytest.fixture(params=DOORS)
def door(request: pytest.FixtureRequest) -> str:
    return request.param


def test_the_key_set_is_public_and_may_be_kept(door: str) -> None:
    """Who has no token gets the keys, as a JWK set, with its time and a tag; 304 with the tag."""
    mounted = DOORS[door](JWKS(PAIR, max_age=120), policy())
    first = ask(mounted)
    assert (200, b"application/jwk-set+json") == (first.status, first.header(b"content-type"))
    assert PAIR.jwks() == json.loads(first.body)
    assert b"max-age=120" == first.header(b"cache-control")
    again = ask(mounted, ("If-None-Match", (first.header(b"etag") or b"").decode()))
    assert (304, b"", None) == (again.status, again.body, again.header(b"content-type"))


@pytest.mark.parametrize("door", ["wsgi", "asgi", "flask", "django-asgi"])
def test_a_rotation_is_in_the_next_answer(door: str, tmp_path: Path) -> None:
    """Verifiers keep what they are told: who asks first after a rotation is not told what was before."""
    ring = KeyRing.create(tmp_path / "keys", "EdDSA")
    mounted = DOORS[door](JWKS(ring), policy())
    before = ask(mounted)
    rotate_ring(tmp_path / "keys", time.time(), hurry=True)
    after = ask(mounted, ("If-None-Match", (before.header(b"etag") or b"").decode()))
    assert (2, 3) == tuple(len(json.loads(answer.body)["keys"]) for answer in (before, after))


def test_a_ring_that_breaks_is_published_as_it_was(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What is published is what signs."""
    ring = KeyRing.create(tmp_path / "keys", "EdDSA")
    mounted = DOORS["wsgi"](JWKS(ring), policy())
    before = ask(mounted)
    (tmp_path / "keys" / "keyring.json").chmod(0o644)
    assert [before.body, before.body] == [ask(mounted).body for _ in range(2)]
    assert 1 == caplog.text.count("the key ring stays as it was")


def test_the_metadata_lead_to_the_keys(door: str) -> None:
    """The document has what discovery asks for, and no endpoint that is not there."""
    answered = ask(DOORS[door](Metadata(PAIR, issuer=MINE, jwks_uri=URI), policy()))
    assert (200, b"application/json") == (answered.status, answered.header(b"content-type"))
    assert {
        "issuer": MINE,
        "jwks_uri": URI,
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA"],
    } == json.loads(answered.body)


def test_what_cannot_be_published_does_not_start(tmp_path: Path) -> None:
    """A secret; a set that verifiers keep longer than a new key is published ahead; an address that nobody fetches."""
    with pytest.raises(ConfigurationError, match=r"keys: a secret has no public half. Sign with a key pair"):
        JWKS(Signer("HS256"))
    ring = KeyRing.create(tmp_path / "keys", "EdDSA", ahead=300)
    with pytest.raises(ConfigurationError, match=r"max_age: a key set may be kept for less .*Give less than 300 s"):
        JWKS(ring)
    assert JWKS(ring, max_age=299)
    with pytest.raises(ConfigurationError, match="max_age"):
        JWKS(PAIR, max_age=-1)
    with pytest.raises(ConfigurationError, match="jwks_uri: "):
        Metadata(PAIR, issuer=MINE, jwks_uri="http://orders.example/jwks")
    with pytest.raises(ConfigurationError, match="issuer: "):
        Metadata(PAIR, issuer="orders", jwks_uri=URI)


def test_the_endpoint_is_public_and_nothing_else_is() -> None:
    """Beside it, deny by default stands."""
    from starlette.applications import Starlette
    from starlette.routing import Route
    from starlette.testclient import TestClient

    from jwtmw.starlette import JWTMiddleware

    app = Starlette(routes=[Route("/jwks", asgi(JWKS(PAIR)))])
    app.add_middleware(JWTMiddleware, policy=policy())
    with TestClient(app) as client:
        assert [200, 401, 401] == [client.get(path).status_code for path in ("/jwks", "/jwks2", "/")]


def test_names_are_loaded_when_they_are_asked_for() -> None:
    """The package is a list of names; another is an AttributeError."""
    import jwtmw.mint

    assert all(getattr(jwtmw.mint, name) is not None for name in jwtmw.mint.__all__)
    assert set(jwtmw.mint._HOMES) == set(jwtmw.mint.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = jwtmw.mint.Nothing


def test_a_policy_verifies_by_the_set(tmp_path: Path) -> None:
    """What the endpoint answers is a key set that a policy takes."""
    ring = KeyRing.create(tmp_path / "keys")
    document = json.loads(ask(DOORS["wsgi"](JWKS(ring), policy())).body)
    assert Policy(issuers=[{"issuer": MINE, "audience": ["stock"], "jwks": document}]).issuers()
