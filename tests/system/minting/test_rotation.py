"""Keys rotate while requests run: an issuing and a verifying service, both under uvicorn, and `jwtmw keys`.

All is real: processes, sockets, time. Each wait has a bound.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import NamedTuple, Self

import jwt
import pytest

from jwtmw.cli import main
from tests.system.oidc import processes
from tests.system.oidc.processes import Service

pytestmark = pytest.mark.system

# Seconds: how long the verifier keeps a key set, how long before it signs a key is published, what may be added.
TTL, AHEAD, SLACK = 1, 3, 30
CALLERS = 2


class Pair(NamedTuple):
    keys: Path
    issuing: Service
    verifying: Service

    def token(self) -> str:
        token: str = self.issuing.ask("/token").json["token"]
        return token

    def status(self, token: str) -> int:
        return self.verifying.ask("/orders", token).status


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    keys, config = tmp_path / "keys", tmp_path / "jwtmw.toml"
    assert 0 == main(["keys", "new", "--dir", str(keys), "--ahead", str(AHEAD), "--lifetime", "600"])
    with ExitStack() as running:
        for name in ("issuing", "verifying"):
            (tmp_path / name).mkdir()

        def served(name: str, environ: dict[str, str]) -> Service:
            app = f"tests.system.minting.{name}:app"
            return running.enter_context(processes.service("uvicorn", environ, tmp_path / name, app))

        issuing = served("issuing", {"KEYS": str(keys)})
        config.write_text(
            f"""
[[issuers]]
issuer = "https://mint.example"
audience = ["orders"]
jwks_url = "{issuing.address}/jwks"
key_source = {{ ttl = {TTL}, cooldown = {TTL} }}
""",
            encoding="utf-8",
        )
        yield Pair(keys, issuing, served("verifying", {"JWTMW_CONFIG": str(config)}))


def kid_of(token: str) -> str:
    kid: str = jwt.get_unverified_header(token)["kid"]
    return kid


def until(done: Callable[[], bool], what: str, pair: Pair) -> None:
    deadline = monotonic() + SLACK
    while not done():
        assert monotonic() < deadline, f"{what}: not within {SLACK} s\n{pair.issuing.log}\n{pair.verifying.log}"
        sleep(0.05)


class Traffic:
    """Callers who each get a token and show it, over and over, until they are told to stop."""

    def __init__(self, pair: Pair) -> None:
        self.seen: Counter[tuple[str, int]] = Counter()
        self.failed: list[BaseException] = []
        self._pair = pair
        self._stop = threading.Event()
        self._counting = threading.Lock()
        self._threads = [threading.Thread(target=self._call) for _ in range(CALLERS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _call(self) -> None:
        try:
            while not self._stop.is_set():
                token = self._pair.token()
                status = self._pair.status(token)
                with self._counting:
                    self.seen[kid_of(token), status] += 1
        except BaseException as error:  # noqa: BLE001 - told to the test, which fails by it
            self.failed.append(error)


def used(traffic: Traffic, kid: str) -> bool:
    return traffic.seen[kid, 200] > CALLERS


def rotated(pair: Pair, before: str, *options: str) -> str:
    """Rotate as soon as that is allowed, and wait until the service follows; what signs now."""
    # Too early it is refused, with status 2.
    until(lambda: main(["keys", "rotate", "--dir", str(pair.keys), *options]) == 0, "the ring rotates", pair)
    until(lambda: kid_of(pair.token()) != before, "the service follows", pair)
    return kid_of(pair.token())


def test_no_good_token_is_refused_while_keys_rotate(pair: Pair, capsys: pytest.CaptureFixture[str]) -> None:
    """Three rotations under load: each new key signs within seconds, and every token of every key is taken."""
    with Traffic(pair) as traffic:
        signing = kid_of(pair.token())
        until(partial(used, traffic, signing), "the first key is used", pair)
        for _ in range(3):
            unseen = [pair.token() for _ in range(5)]
            signing = rotated(pair, signing)
            until(partial(used, traffic, signing), "the new key is used", pair)
            assert [200] * 5 == [pair.status(token) for token in unseen], "tokens of the key that signed before"
    assert [] == traffic.failed
    assert {200} == {status for _, status in traffic.seen}
    assert 4 == len({kid for kid, _ in traffic.seen})


def test_what_a_stolen_key_has_signed_is_refused_within_the_verifiers_time(
    pair: Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--compromised`: tokens that were let in before are refused, and new ones are taken."""
    token = pair.token()
    assert 200 == pair.status(token)
    rotated(pair, kid_of(token), "--compromised")
    until(lambda: pair.status(token) == 401, "the old key is forgotten", pair)
    until(lambda: pair.status(pair.token()) == 200, "the new key is known", pair)
