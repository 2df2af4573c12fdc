"""The development issuer, in process: discovery, key set, token endpoint."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest

from jwtmw.endpoints.endpoint import Response
from jwtmw.mint.development import DevelopmentIssuer
from jwtmw.mint.grant import Client
from jwtmw.testing import Clock

NOW = 1_800_000_000
FORM = {"content-type": "application/x-www-form-urlencoded"}
ASK = b"grant_type=client_credentials&client_id=app&client_secret=secret"


def issuer(name: str = "https://id.test", **options: Any) -> DevelopmentIssuer:
    clients = [Client("app", "secret", ("orders:read",)), Client("bare", "secret")]
    return DevelopmentIssuer(name, audience=["orders", "billing"], clients=clients, clock=Clock(NOW), **options)


def ask(of: DevelopmentIssuer, body: bytes = ASK) -> Response:
    return of.respond("POST", "/token", FORM, body)


def claims_of(of: DevelopmentIssuer, token: str) -> dict[str, Any]:
    unchecked = {"verify_exp": False, "verify_aud": False, "verify_iat": False}
    return jwt.decode(token, of.signer.public_pem, algorithms=[of.signer.algorithm], options=unchecked)  # type: ignore[arg-type]


def test_the_token_endpoint_grants_an_access_token() -> None:
    """Client credentials give a token with the claims of RFC 9068, signed by the published key."""
    it = issuer(ttl=60)
    response = ask(it)
    answer = json.loads(response.body)
    claims = claims_of(it, answer.pop("access_token"))
    assert {"token_type": "Bearer", "expires_in": 60, "scope": "orders:read"} == answer
    assert claims.pop("jti")
    assert {
        "iss": "https://id.test",
        "aud": "orders",
        "iat": NOW,
        "exp": NOW + 60,
        "sub": "app",
        "client_id": "app",
        "scope": "orders:read",
    } == claims


def test_token_responses_are_not_stored() -> None:
    """Granted or refused, the answer carries no-store (RFC 6749 section 5.1)."""
    granted, refused = ask(issuer()), ask(issuer(), b"")
    assert ("no-store", "no-cache") == (granted.headers["Cache-Control"], granted.headers["Pragma"])
    assert ("no-store", "no-cache") == (refused.headers["Cache-Control"], refused.headers["Pragma"])


def test_without_a_scope_none_is_named() -> None:
    """A client without scopes gets neither a scope claim nor a scope member."""
    it = issuer()
    answer = json.loads(ask(it, ASK.replace(b"=app", b"=bare")).body)
    assert "scope" not in answer
    assert "scope" not in claims_of(it, answer["access_token"])


def test_several_audiences_are_a_list() -> None:
    """A token for two resources names both."""
    it = issuer()
    answer = json.loads(ask(it, ASK + b"&resource=orders&resource=billing").body)
    assert ["orders", "billing"] == claims_of(it, answer["access_token"])["aud"]


def test_a_refusal_is_json_with_a_challenge() -> None:
    """A client that cannot authenticate is told so in JSON, with 401 and a challenge."""
    response = ask(issuer(), ASK + b"x")
    assert 401 == response.status
    assert "invalid_client" == json.loads(response.body)["error"]
    assert 'Basic realm="jwtmw development issuer"' == response.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        pytest.param("https://id.test", "/.well-known/openid-configuration", id="root"),
        pytest.param("https://id.test/", "/.well-known/openid-configuration", id="final-slash"),
        pytest.param("https://id.test/t1", "/t1/.well-known/openid-configuration", id="path"),
    ],
)
def test_discovery_is_behind_the_issuers_path(name: str, path: str) -> None:
    """The discovery document stands where the issuer's URL says, and repeats the issuer exactly."""
    response = issuer(name, base_url="http://127.0.0.1:9").respond("GET", path, {}, b"")
    document = json.loads(response.body)
    assert (200, name) == (response.status, document["issuer"])
    assert "http://127.0.0.1:9/jwks" == document["jwks_uri"]
    assert "http://127.0.0.1:9/token" == document["token_endpoint"]


def test_the_endpoints_are_below_the_issuer_by_default() -> None:
    """Without a base URL the endpoints are the issuer's own."""
    assert "https://id.test/jwks" == issuer("https://id.test/").metadata()["jwks_uri"]


def test_the_key_set_is_cacheable_by_its_etag() -> None:
    """Whoever has the current key set is answered 304 until it changes."""
    it = issuer(max_age=60)
    first = it.respond("GET", "/jwks", {}, b"")
    known = {"if-none-match": first.headers["ETag"]}
    again = it.respond("GET", "/jwks", known, b"")
    assert (304, b"", "max-age=60") == (again.status, again.body, again.headers["Cache-Control"])
    it.rotate()
    assert 200 == it.respond("GET", "/jwks", known, b"").status


def test_the_key_set_says_nothing_of_caching_by_default() -> None:
    """Without max_age there is no Cache-Control."""
    assert "Cache-Control" not in issuer().respond("GET", "/jwks", {}, b"").headers


def test_rotation_publishes_the_new_key_beside_the_old() -> None:
    """After a rotation the new key signs, both are published, and retiring takes one out."""
    it = issuer()
    old, new = it.signer, it.rotate("RS256")
    assert (it.signer, "RS256") == (new, new.algorithm)
    assert [old.public_jwk, new.public_jwk] == it.jwks()["keys"]
    it.retire(old.kid)
    assert [new.public_jwk] == it.jwks()["keys"]


def test_rotation_keeps_the_algorithm_unless_told() -> None:
    """A rotation without an algorithm makes a key of the same kind."""
    assert "ES384" == issuer(algorithm="ES384").rotate().algorithm


def test_a_key_that_is_not_published_cannot_be_retired() -> None:
    """Retiring an unknown kid is a mistake, and said to be one."""
    with pytest.raises(ValueError, match="no published key has this kid"):
        issuer().retire("nobody")


def test_a_secret_is_never_published() -> None:
    """With a symmetric algorithm the key set is empty."""
    assert {"keys": []} == issuer(algorithm="HS256").jwks()


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        pytest.param("GET", "/nowhere", 404, None, id="unknown-path"),
        pytest.param("GET", "/token", 405, "POST", id="token-by-get"),
        pytest.param("POST", "/jwks", 405, "GET", id="jwks-by-post"),
    ],
)
def test_other_paths_and_methods_are_refused(method: str, path: str, status: int, allow: str | None) -> None:
    """There are three endpoints, each with one method."""
    response = issuer().respond(method, path, {}, b"")
    assert (status, allow) == (response.status, response.headers.get("Allow"))
