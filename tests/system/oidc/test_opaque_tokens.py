"""Opaque tokens of a real authorization server, which a FastAPI service asks about: good, revoked, in an outage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from time import monotonic, sleep
from typing import NamedTuple

import pytest

from jwtmw.mint.signer import Signer
from tests.system.oidc import processes
from tests.system.oidc.processes import READ, SERVERS, WRITE, Answer, Provider, Service

pytestmark = pytest.mark.system

# What the configuration below says, and what a busy machine may add.
TTL, NEGATIVE_TTL, TIMEOUT, SLACK = 3, 1, 2, 5
SECRET = "the secret: of the service"
KEY = Signer("ES256")
CONFIG = Path(__file__).parents[3] / "examples" / "opaque" / "jwtmw.toml"
# How the service proves itself in the example, and the other ways.
BASIC = 'client_id = "orders"\nclient_secret = "$ENV://INTROSPECTION_SECRET"'
PROOFS = {
    "basic": BASIC,
    "post": BASIC.replace('"orders"', '"orders-by-form"') + '\nauth = "post"',
    "private_key_jwt": f'client_id = "orders-by-key"\nprivate_key_file = "key.pem"\nkey_id = "{KEY.kid}"',
    "wrong": 'client_id = "orders"\nclient_secret = "wrong"',
}


class Pair(NamedTuple):
    provider: Provider
    service: Service


def configured(provider: Provider, folder: Path, proof: str) -> dict[str, str]:
    """The example's configuration with this proof, where it stands, and what it refers to."""
    file = folder / "jwtmw.toml"
    text = CONFIG.read_text(encoding="utf-8").replace("ttl = 60", f"ttl = {TTL}")
    text = text.replace("negative_ttl = 5", f"negative_ttl = {NEGATIVE_TTL}").replace(BASIC, PROOFS[proof])
    file.write_text(f"http = {{ timeout = {TIMEOUT} }}\n{text}", encoding="utf-8")
    (folder / "key.pem").write_text(private_pem(), encoding="utf-8")
    url = f"{provider.issuer}/token/introspection"
    known = {"ISSUER": provider.issuer, "INTROSPECTION_URL": url, "INTROSPECTION_SECRET": SECRET}
    return {"JWTMW_CONFIG": str(file), **known}


def private_pem() -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return KEY._private_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture(params=SERVERS)
def pair(request: pytest.FixtureRequest, folder: Path) -> Iterator[Pair]:
    """A provider, and a service that asks it."""
    with processes.provider(folder) as provider:
        environ = configured(provider, folder, "basic")
        with processes.service(request.param, environ, folder) as service:
            yield Pair(provider, service)


def told(answer: Answer) -> tuple[int, str]:
    """The status, and the code of a refusal."""
    return answer.status, answer.json.get("code", "")


def until(service: Service, token: str, status: int, within: float) -> float:
    """Ask until the answer has this status; the seconds that it took."""
    start = monotonic()
    while service.ask("/orders", token).status != status:
        assert monotonic() - start < within, f"no {status} within {within} s:\n{service.log}"
        sleep(0.1)
    return monotonic() - start


def test_an_opaque_token_lets_in_whom_its_issuer_names(pair: Pair) -> None:
    """Caller, issuer and scopes are those of the answer; what the provider does not know is refused."""
    token = pair.provider.opaque()
    answer = pair.service.ask("/orders", token)
    assert (200, {"caller": "shop", "issuer": pair.provider.issuer}) == (answer.status, answer.json)
    assert (403, "insufficient_scope") == told(pair.service.ask("/orders", token, "POST"))
    assert 201 == pair.service.ask("/orders", pair.provider.opaque(f"{READ} {WRITE}"), "POST").status
    assert (401, "token_invalid") == told(pair.service.ask("/orders", pair.provider.opaque(audience="billing")))
    for made_up in ("made-up", "a.b", "a.b.c", token[:-1], token + "A"):
        assert (401, "token_invalid") == told(pair.service.ask("/orders", made_up))
    assert (401, "token_missing") == told(pair.service.ask("/orders"))


def test_a_token_that_is_revoked_there_is_refused_here_within_the_ttl(pair: Pair) -> None:
    """And another one of the same client goes on."""
    token, other = pair.provider.opaque(), pair.provider.opaque()
    assert [200, 200] == [pair.service.ask("/orders", each).status for each in (token, other)]
    pair.provider.revoke(token)
    until(pair.service, token, 401, TTL + SLACK)
    assert [401, 200] == [pair.service.ask("/orders", each).status for each in (token, other)]


def test_an_outage_refuses_nobody_and_ends(pair: Pair) -> None:
    """A provider that hangs is 503 with Retry-After within the time limit, never 401; then the same token is good."""
    token, unseen = pair.provider.opaque(), pair.provider.opaque()
    assert 200 == pair.service.ask("/orders", token).status
    pair.provider.freeze()
    try:
        answer = pair.service.ask("/orders", unseen)
        assert (503, "unavailable") == told(answer)
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert answer.seconds < TIMEOUT + SLACK
        until(pair.service, token, 503, TTL + TIMEOUT + SLACK)
        assert 200 == pair.service.ask("/health").status
    finally:
        pair.provider.thaw()
    until(pair.service, unseen, 200, 30 + SLACK)
    assert 200 == pair.service.ask("/orders", token).status


@pytest.mark.parametrize("proof", ["basic", "post", "private_key_jwt"])
def test_the_service_proves_itself(folder: Path, proof: str) -> None:
    """In each of the ways that a real server takes; the secret has signs that must be encoded."""
    with ExitStack() as running:
        provider = running.enter_context(processes.provider(folder, service_key=KEY.public_jwk))
        service = running.enter_context(processes.service("uvicorn", configured(provider, folder, proof), folder))
        assert 200 == service.ask("/orders", provider.opaque()).status
        assert (401, "token_invalid") == told(service.ask("/orders", "made-up"))
        assert SECRET not in service.log


def test_a_wrong_secret_is_not_the_callers_fault(folder: Path) -> None:
    """503, and a log that says what to do."""
    with ExitStack() as running:
        provider = running.enter_context(processes.provider(folder))
        service = running.enter_context(processes.service("uvicorn", configured(provider, folder, "wrong"), folder))
        assert (503, "unavailable") == told(service.ask("/orders", provider.opaque()))
        assert "refuses this service's own credentials; check the keys of `introspection`" in service.log
