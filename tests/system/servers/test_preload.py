"""gunicorn --preload: keys that were fetched before the fork, and workers that have no thread of their parent's."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from jwtmw.testing import TestIssuer
from tests.conformance.schema import Answer, Request, bearer
from tests.system.servers.drivers import over_http1
from tests.system.servers.process import Process

pytestmark = pytest.mark.system
WORKERS = 2


def ask(server: Process, token: str) -> Answer:
    with server.connect() as connection:
        return over_http1(connection, Request(headers=(bearer(token.encode()),)))


def ask_all_workers(server: Process, token: str) -> Counter[tuple[int, bytes]]:
    """Ask until each worker has answered; what was answered, by status and worker."""
    found: Counter[tuple[int, bytes]] = Counter()
    with ThreadPoolExecutor(8) as pool:
        for _ in range(100):
            answers = list(pool.map(lambda _: ask(server, token), range(16)))
            found.update((answer.status, answer.body) for answer in answers)
            if len({worker for _, worker in found}) >= WORKERS:
                break
    return found


@pytest.mark.parametrize("is_warm", [True, False], ids=["keys before the fork", "none before the fork"])
def test_workers_have_keys_of_their_own(is_warm: bool) -> None:
    """Both workers answer with the keys at hand, and each fetches a new key by itself when its first token comes."""
    with TestIssuer(audience=("orders",)) as issuer:
        server = Process(
            "tests.system.servers.forked", f"{issuer.url}/jwks", issuer.issuer, issuer.token() if is_warm else "-"
        )
        try:
            before = ask_all_workers(server, issuer.token())
            fetched = issuer.requests["/jwks"]
            issuer.rotate()
            after = ask_all_workers(server, issuer.token())
            assert {200} == {status for status, _ in (before + after)}, server.log()
            assert WORKERS == len({worker for _, worker in before}) == len({worker for _, worker in after})
            assert (1 if is_warm else WORKERS, WORKERS) == (fetched, issuer.requests["/jwks"] - fetched)
        finally:
            server.close()
