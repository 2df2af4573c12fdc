"""The test issuer: tokens, keys, knobs, in process and over loopback HTTP."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from typing import Any

import jwt
import pytest

from jwtmw.testing import Client, Clock, Signer, TestIssuer

NOW = 1_800_000_000


def decoded(issuer: TestIssuer, token: str) -> dict[str, Any]:
    unchecked = {"verify_exp": False, "verify_aud": False, "verify_iat": False}
    return jwt.decode(token, issuer.signer.public_pem, algorithms=[issuer.signer.algorithm], options=unchecked)  # type: ignore[arg-type]


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as response:
        return json.load(response)


def test_a_token_is_good_unless_told_otherwise() -> None:
    """Issuer, audience, times, identifier and subject are in place without being asked for."""
    issuer = TestIssuer(audience=["orders", "billing"], clock=Clock(NOW), ttl=60)
    claims = decoded(issuer, issuer.token())
    assert claims.pop("jti")
    assert {"iss": "https://issuer.test", "aud": "orders", "sub": "alice", "iat": NOW, "exp": NOW + 60} == claims


def test_every_claim_can_be_given_or_left_out() -> None:
    """A claim that is given wins; None leaves the claim out, also one that is there by default."""
    issuer = TestIssuer(clock=Clock(NOW))
    more: dict[str, Any] = {"https://x/y": 0, "roles": ["r"]}
    token = issuer.token(None, "a b", aud=["x"], iss=None, exp=None, jti=None, **more)
    assert {"scope": "a b", "aud": ["x"], "iat": NOW, "roles": ["r"], "https://x/y": 0} == decoded(issuer, token)


def test_the_header_and_the_signer_can_be_another() -> None:
    """A header override and a stranger's key make tokens that are to be refused."""
    issuer, stranger = TestIssuer(), Signer("ES256", kid="stranger")
    header = jwt.get_unverified_header(issuer.token(header={"typ": "JWT"}, signer=stranger))
    assert {"alg": "ES256", "typ": "JWT", "kid": "stranger"} == header


def test_its_times_follow_its_clock() -> None:
    """Turning the clock turns the tokens' times."""
    clock = Clock(NOW)
    issuer = TestIssuer(clock=clock)
    clock.advance(100)
    assert NOW + 100 == decoded(issuer, issuer.token())["iat"]


def test_the_module_time_is_a_clock() -> None:
    """With the standard module `time` the tokens have the time of day."""
    issuer = TestIssuer(clock=time)
    assert abs(decoded(issuer, issuer.token())["iat"] - time.time()) < 60


def test_keys_are_rotated_and_retired() -> None:
    """After a rotation both keys are published; a retired key is not, though it still signs."""
    issuer = TestIssuer()
    old = issuer.signer
    new = issuer.rotate("EdDSA")
    assert [old.public_jwk, new.public_jwk] == issuer.jwks()["keys"]
    issuer.retire(old.kid)
    assert [new.public_jwk] == issuer.jwks()["keys"]
    assert old.kid == jwt.get_unverified_header(issuer.token(signer=old))["kid"]


def test_it_answers_in_process_and_counts() -> None:
    """Without a socket the endpoints answer as they would, and every request is counted."""
    issuer = TestIssuer(max_age=60)
    response = issuer.respond("GET", "/jwks")
    assert (issuer.jwks(), "max-age=60") == (json.loads(response.body), response.headers["Cache-Control"])
    issuer.respond("GET", "/jwks", {"if-none-match": "x"})
    assert {"/jwks": 2} == dict(issuer.requests)


def test_broken_answers_everything_alike_until_restored() -> None:
    """A broken issuer answers exactly what it was told, still counting; restored, it is what it was."""
    issuer = TestIssuer()
    issuer.broken(429, b"later", {"Retry-After": "7"})
    assert (429, {"Retry-After": "7"}, b"later") == tuple(issuer.respond("GET", "/jwks"))
    issuer.broken()
    assert (503, {}, b"") == tuple(issuer.respond("POST", "/token"))
    issuer.restore()
    assert 200 == issuer.respond("GET", "/jwks").status
    assert 3 == issuer.requests.total()


def test_slow_holds_every_answer_until_restored() -> None:
    """A slow issuer keeps its callers waiting; restoring answers them at once."""
    issuer = TestIssuer()
    issuer.slow(600)
    statuses: list[int] = []
    caller = threading.Thread(target=lambda: statuses.append(issuer.respond("GET", "/jwks").status))
    caller.start()
    caller.join(0.05)
    assert [] == statuses
    issuer.restore()
    caller.join(10)
    assert [200] == statuses


def test_slow_lasts_as_long_as_it_was_told() -> None:
    """A delay that ends by itself is answered after it, the second one too."""
    issuer = TestIssuer()
    issuer.slow(0.01)
    issuer.restore()
    issuer.slow(0.01)
    started = time.monotonic()
    assert 200 == issuer.respond("GET", "/jwks").status
    assert time.monotonic() - started >= 0.009


def test_it_serves_itself_on_loopback() -> None:
    """As a context manager it is its own issuer at its own address, with discovery, keys and tokens."""
    with TestIssuer(clients=[Client("app", "secret", ("a",))]) as issuer:
        assert issuer.url == issuer.issuer
        assert issuer.url is not None
        assert issuer.url.startswith("http://127.0.0.1:")
        assert issuer.issuer == get(issuer.discovery_url)["issuer"]
        assert (issuer.jwks_url, issuer.token_url) == tuple(
            get(issuer.discovery_url)[name] for name in ("jwks_uri", "token_endpoint")
        )
        assert issuer.jwks() == get(issuer.jwks_url)
        form = b"grant_type=client_credentials&client_id=app&client_secret=secret"
        with urllib.request.urlopen(issuer.token_url, data=form, timeout=10) as response:
            assert "app" == decoded(issuer, json.load(response)["access_token"])["sub"]
    assert {"/.well-known/openid-configuration": 3, "/jwks": 1, "/token": 1} == dict(issuer.requests)


def test_a_named_issuer_keeps_its_name_where_it_serves() -> None:
    """An issuer that was given a name says that name from a loopback address too."""
    with TestIssuer("https://id.example/t1") as issuer:
        assert issuer.discovery_url == f"{issuer.url}/t1/.well-known/openid-configuration"
        assert "https://id.example/t1" == get(issuer.discovery_url)["issuer"]


def test_serving_twice_is_serving_once() -> None:
    """A second serve() changes nothing; after close() it may serve again; a second close() does nothing."""
    issuer = TestIssuer().serve()
    url = issuer.url
    assert url == issuer.serve().url
    issuer.close()
    issuer.close()
    assert issuer.url is None
    with pytest.raises(urllib.error.URLError):
        get(issuer.jwks_url)
    with issuer:
        assert issuer.issuer == issuer.url


def test_closing_lets_waiting_callers_go() -> None:
    """Who waits at a slow issuer is answered when it closes."""
    issuer = TestIssuer().serve()
    issuer.slow(600)
    url, answers = issuer.jwks_url, []
    caller = threading.Thread(target=lambda: answers.append(get(url)))
    caller.start()
    while not issuer.requests:
        caller.join(0.005)
    issuer.close()
    caller.join(10)
    assert [issuer.jwks()] == answers


@pytest.mark.parametrize(
    ("algorithm", "serving", "keys"),
    [
        pytest.param("ES256", False, {"jwks"}, id="keys-in-place"),
        pytest.param("ES256", True, {"jwks_url"}, id="keys-by-url"),
        pytest.param("HS256", False, {"secret", "algorithms"}, id="secret"),
        pytest.param("HS256", True, {"secret", "algorithms"}, id="secret-while-serving"),
    ],
)
def test_settings_are_one_entry_of_issuers(algorithm: str, serving: bool, keys: set[str]) -> None:
    """The entry names issuer and audience, and the keys in the way that they can be had."""
    issuer = TestIssuer(algorithm=algorithm)
    if serving:
        issuer.serve()
    entry = issuer.settings()
    issuer.close()
    assert {"issuer", "audience"} | keys == set(entry)


def test_settings_can_be_changed() -> None:
    """A key that is given wins, and None leaves one out."""
    entry = TestIssuer().settings(audience=None, require_audience=False, jwks={"keys": []})
    assert {"issuer": "https://issuer.test", "require_audience": False, "jwks": {"keys": []}} == entry


def test_the_secret_in_the_settings_is_the_signers() -> None:
    """With a symmetric algorithm the entry holds the secret that signs."""
    issuer = TestIssuer(algorithm="HS384")
    entry = issuer.settings()
    assert (issuer.signer.secret.decode(), ["HS384"]) == (entry["secret"], entry["algorithms"])


def test_the_environment_is_three_variables() -> None:
    """A service is configured by three variables."""
    with TestIssuer(audience=["a", "b"]) as issuer:
        assert {
            "JWTMW_ISSUER": issuer.url,
            "JWTMW_AUDIENCE": "a,b",
            "JWTMW_JWKS_URL": f"{issuer.url}/jwks",
        } == issuer.environment()


def test_fixtures_share_one_clock(
    jwtmw_clock: Clock, jwtmw_issuer: TestIssuer, jwtmw_serving_issuer: TestIssuer
) -> None:
    """The fixtures of one test belong together, and the serving issuer serves."""
    assert jwtmw_issuer is jwtmw_serving_issuer
    assert jwtmw_issuer.clock is jwtmw_clock
    assert jwtmw_issuer.jwks() == get(jwtmw_issuer.jwks_url)
