"""Key material of every kind, from the configuration to a decision."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jwtmw import ConfigurationError, Policy
from jwtmw.adapter import Allow, run
from jwtmw.compose.issuers import keys_of
from jwtmw.settings import schema
from jwtmw.testing import TestIssuer
from tests.engine.facts import Facts, policy_of
from tests.issuers.material import jwk, pem

ISSUER = {"issuer": "https://id.example/", "audience": ["orders"]}
SECRET = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"


def no_body(limit: int) -> bytes | None:
    raise AssertionError("nobody asked for a body")


def public_pem(issuer: TestIssuer) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    from jwt.algorithms import ECAlgorithm

    (key,) = issuer.jwks()["keys"]
    public: Any = ECAlgorithm.from_jwk(key)
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def entries(issuer: TestIssuer, folder: Path) -> dict[str, dict[str, Any]]:
    (folder / "jwks.json").write_text(json.dumps(issuer.jwks()), encoding="utf-8")
    (folder / "key.pem").write_text(public_pem(issuer), encoding="utf-8")
    return {
        "jwks": {"jwks": issuer.jwks()},
        "jwks_file": {"jwks": None, "jwks_file": str(folder / "jwks.json")},
        "public_key": {"jwks": None, "public_key": public_pem(issuer)},
        "public_key_file": {"jwks": None, "public_key_file": str(folder / "key.pem")},
    }


@pytest.mark.parametrize("kind", ["jwks", "jwks_file", "public_key", "public_key_file"])
def test_configured_keys_decide_at_once(jwtmw_issuer: TestIssuer, tmp_path: Path, kind: str) -> None:
    """Whichever way they are given."""
    policy = policy_of(jwtmw_issuer, entry=entries(jwtmw_issuer, tmp_path)[kind])
    assert isinstance(policy.engine.decide_now(Facts(token=jwtmw_issuer.token())), Allow)


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_a_secret_decides_at_once(algorithm: str) -> None:
    """A shared secret serves the algorithm that it is configured for."""
    issuer = TestIssuer(algorithm=algorithm)
    policy = policy_of(issuer)
    assert isinstance(policy.engine.decide_now(Facts(token=issuer.token())), Allow)


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param({}, id="jwks_url"),
        pytest.param({"jwks_url": None}, id="discovery at the issuer"),
    ],
)
def test_keys_behind_a_url_are_waited_for_once(jwtmw_serving_issuer: TestIssuer, entry: dict[str, Any]) -> None:
    """The first request fetches, those behind it decide at once."""
    policy = policy_of(jwtmw_serving_issuer, entry=entry)
    request = Facts(token=jwtmw_serving_issuer.token())
    assert None is policy.engine.decide_now(request)
    assert isinstance(run(policy.engine, request, no_body), Allow)
    assert isinstance(policy.engine.decide_now(Facts(token=jwtmw_serving_issuer.token("bob"))), Allow)


@pytest.mark.parametrize(
    ("entry", "key", "problem"),
    [
        pytest.param(
            {"jwks": {"keys": [jwk("P-256")]}, "algorithms": ["RS256"]},
            "issuers[0].algorithms",
            "none of them fits the configured key",
            id="no key fits the algorithms",
        ),
        pytest.param(
            {"public_key": pem("ed25519"), "algorithms": ["ES256"]},
            "issuers[0].algorithms",
            "none of them fits the configured key",
            id="the pem does not fit the algorithms",
        ),
        pytest.param({"jwks": {"keys": []}}, "issuers[0].jwks", "cannot be used", id="empty set"),
        pytest.param({"public_key": "no pem"}, "issuers[0].public_key", "cannot be used", id="no pem"),
        pytest.param({"secret": "short"}, "issuers[0].secret", "", id="short secret"),
        pytest.param({"jwks_url": "http://id.example/jwks"}, "issuers[0].jwks_url", "", id="no https"),
    ],
)
def test_keys_that_cannot_work_do_not_start(entry: dict[str, Any], key: str, problem: str) -> None:
    """The error names the key and quotes no key material."""
    with pytest.raises(ConfigurationError) as raised:
        Policy(issuers=[ISSUER | entry])
    assert key == raised.value.key
    assert problem in raised.value.problem
    assert raised.value.cure


@pytest.mark.parametrize("algorithm", ["EdDSA", "Ed25519"])
def test_eddsa_and_ed25519_are_one(algorithm: str) -> None:
    """Either name fits an Ed25519 key (RFC 9864)."""
    policy = Policy(issuers=[ISSUER | {"jwks": {"keys": [jwk("ed25519")]}, "algorithms": [algorithm]}])
    assert 1 == len(policy.engine.verifier.issuers.by_name)


def test_a_configured_key_that_is_unusable_is_skipped(caplog: pytest.LogCaptureFixture) -> None:
    """With a warning that names the issuer; the others serve."""
    keys = [jwk("P-256", kid="good"), jwk("P-256", 2, kid="bad", use="enc")]
    Policy(issuers=[ISSUER | {"name": "corp", "jwks": {"keys": keys}}])
    (message,) = caplog.messages
    assert message.startswith("issuer corp: a configured key is skipped: ")
    assert keys[1]["x"] not in message


def test_an_issuer_without_keys_does_not_start() -> None:
    """Settings of the non-secure mode have none; nobody makes a judging policy of them."""
    policy = Policy(issuers=[ISSUER | {"secret": SECRET}], secure=False)
    (table,) = policy.settings.issuers
    with pytest.raises(ConfigurationError, match=r"issuers\[0\]: has no keys"):
        keys_of(table, "issuers[0]", schema.Http(), policy.engine.clock)
