"""The same decision with few and with many rules and issuers, on seen tokens and on paths that never come again.

Owns: the candidates.
Must never know: how they are measured.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import count, cycle

from benchmarks.measure import Run
from benchmarks.tokens import Asked
from benchmarks.world import AUDIENCE, ISSUER, SECRET, issuer_table, signer_of, tokens_of
from jwtmw import Policy
from jwtmw.adapter import Allow, Deny
from jwtmw.testing import Signer


def rules() -> dict[str, Run]:
    """10 rules and 10,000; every path is new, so no look-up is remembered."""
    signer = signer_of("ES256")
    token = tokens_of(signer, 1)[0]
    return {f"{size:,} rules": _decide(_with_rules(signer, size), [token], size) for size in (10, 10_000)}


def issuers() -> dict[str, Run]:
    """1 issuer and 1,000, new tokens of the last one."""
    signer = signer_of("ES256")
    found: dict[str, Run] = {}
    for size in (1, 1000):
        names = [f"{ISSUER}/{number}" for number in range(size)]
        policy = Policy({"issuers": [issuer_table(signer, name) for name in names], "cache": {"size": 64}})
        found[f"{size:,} issuers"] = _decide(policy, tokens_of(signer, 500, names[-1]), 1)
    return found


def consumers() -> dict[str, Run]:
    """1 consumer and 10,000, new tokens of the last one; forged ones and those of nobody must cost the same."""
    signer, forger = signer_of("HS256"), Signer("HS256")
    found: dict[str, Run] = {}
    for size in (1, 10_000):
        keys = [f"consumer-{number}" for number in range(size)]
        policy = _with_consumers(keys)
        found[f"{size:,} consumers"] = _decide(policy, tokens_of(signer, 500, client_id=keys[-1]), 1)
        for name, tokens in (
            ("forged", tokens_of(forger, 500, client_id=keys[-1])),
            ("of nobody", tokens_of(forger, 500, client_id="consumer-none")),
        ):
            found[f"{size:,} consumers, {name}"] = _decide(policy, tokens, 1, refused=True)
    return found


def _with_consumers(keys: list[str]) -> Policy:
    table = [{"name": key, "key": key, "secret": SECRET} for key in keys]
    issuer = {"issuer": ISSUER, "audience": [AUDIENCE], "consumer_claim": "client_id", "consumers": table}
    return Policy({"issuers": [issuer], "cache": {"size": 64}})


def _with_rules(signer: Signer, size: int) -> Policy:
    table = [{"path": f"/area{number}/orders/{{id}}"} for number in range(size)]
    return Policy({"issuers": [issuer_table(signer)], "rules": table})


def _decide(policy: Policy, tokens: list[str], areas: int, refused: bool = False) -> Run:
    turn, number = cycle(tokens), count()
    expected = Deny if refused else Allow

    def run(repeat: int) -> Callable[[], Awaitable[None]]:
        requests = [_request(next(turn), next(number), areas) for _ in range(repeat)]

        async def job() -> None:
            for request in requests:
                if not isinstance(policy.engine.decide_now(request), expected):
                    raise AssertionError("not what a token of this kind must come to")

        return job

    return run


def _request(token: str, number: int, areas: int) -> Asked:
    request = Asked(b"Bearer " + token.encode())
    request.path = f"/area{number % areas}/orders/{number}"
    request.raw_path = request.path.encode()
    return request
