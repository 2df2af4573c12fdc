"""The fixed world of one run: a clock for every surface, a key server that misbehaves on request, and who saw what.

Owns: policies made from their specs, surfaces kept per driver, the ledger of what happened inside the application.
Must never know: how a driver carries a request, what a case expects.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from jwtmw import NotInstalledError, Policy, Reason, current_principal
from jwtmw.testing import Clock
from tests.conformance.keyserver import KeyServer
from tests.conformance.policies import POLICIES
from tests.conformance.schema import ANONYMOUS, Answer, Case, Request
from tests.conformance.tokens import NOW

Surface = TypeVar("Surface")
# The name of the policy under which nothing is installed: the application as its author wrote it.
BARE = "bare"
BY_VALUE: dict[str, Reason] = {reason.value: reason for reason in Reason}


@dataclass(slots=True)
class Ledger:
    """What happened inside the application while one request was answered."""

    endpoint: int = 0
    dependencies: int = 0
    body_reads: int = 0
    caller: str | None = None
    offered: tuple[str, ...] | None = None
    seen: str = ""
    found: tuple[tuple[bytes, bytes], ...] | None = None
    query: bytes | None = None
    took: bytes | None = None

    def enter(self) -> None:
        """The endpoint was reached."""
        self.endpoint += 1
        with suppress(NotInstalledError):
            principal = current_principal()
            self.caller = (principal.subject or "") if principal.is_authenticated else ANONYMOUS

    def hear(self, subprotocols: Sequence[str], headers: Sequence[tuple[bytes, bytes]]) -> None:
        """What the application of a WebSocket was offered."""
        self.offered = tuple(subprotocols)
        self.seen = repr([*subprotocols, *(value for name, value in headers if name == b"sec-websocket-protocol")])

    def find(self, headers: Iterable[tuple[bytes, bytes]], query: bytes) -> None:
        """What the application found in its request: header lines as they are, and the query string."""
        self.found = tuple((bytes(name), bytes(value)) for name, value in headers)
        self.query = query

    def find_environ(self, environ: Mapping[str, Any]) -> None:
        """The same, of a WSGI environ or of what has its keys."""
        names = [key for key in environ if key.startswith("HTTP_")]
        lines = [(key[5:].replace("_", "-").lower(), environ[key]) for key in names]
        self.find(
            [(name.encode("latin-1"), value.encode("latin-1")) for name, value in lines],
            environ.get("QUERY_STRING", "").encode("latin-1"),
        )

    def clear(self) -> None:
        self.endpoint = self.dependencies = self.body_reads = 0
        self.caller, self.offered, self.seen = None, None, ""
        self.found = self.query = self.took = None


@dataclass(slots=True)
class Stand(Generic[Surface]):
    """One policy installed on one surface, with a clock of its own."""

    surface: Surface
    policy: Policy | None
    clock: Clock
    fetches: Callable[[], int]
    known: dict[str, int] = field(default_factory=dict)

    def counted(self) -> dict[str, int]:
        """How often each reason was counted since the last look, final or only reported."""
        before, self.known = self.known, self._reasons()
        return {name: more for name, count in self.known.items() if (more := count - before.get(name, 0))}

    def _reasons(self) -> dict[str, int]:
        if self.policy is None:
            return {}
        metrics = self.policy.metrics()
        reported = {f"would {row['route']} {row['reason']}": row["count"] for row in metrics["would_deny"]}
        return {**metrics["denied"], **reported}


@dataclass(slots=True)
class World:
    """Everything that lasts for a run. Close it."""

    ledger: Ledger = field(default_factory=Ledger)
    keys: KeyServer = field(default_factory=KeyServer)
    _stands: dict[tuple[str, str, str], Stand[Any]] = field(default_factory=dict)
    _runner: asyncio.Runner = field(default_factory=asyncio.Runner)
    _waits: bool = False
    _bare: dict[tuple[str, str], Answer] = field(default_factory=dict)

    def close(self) -> None:
        self._runner.close()
        self.keys.close()

    def run(self, coroutine: Coroutine[Any, Any, None], waits: bool = False) -> None:
        """Run to the end; on an event loop only where the case, or the surface, may have to wait for something.

        Known keys and static routes never wait, so most cases must end without giving the loop a turn.
        """
        if waits or self._waits:
            return self._runner.get_loop().run_until_complete(coroutine)
        try:
            coroutine.send(None)
        except StopIteration:
            return None
        coroutine.close()
        raise AssertionError("waited, though nothing has to be waited for")

    def play(
        self,
        driver: str,
        case: Case,
        build: Callable[[Policy | None, str], Surface],
        send: Callable[[Surface, Request], Answer],
    ) -> Answer:
        """Send what comes before the case, turn the clock, send the case itself, and note what happened inside."""
        stand = self._stand(driver, case, build)
        self._waits = case.fresh or case.app == "routes"
        for earlier in case.before:
            self._turn(stand, earlier.at)
            answer = self._observed(stand, earlier.request, send)
            assert answer.status == earlier.status, f"an earlier request of {case.id} ended with {answer.status}"
        self._turn(stand, case.at)
        answer = self._observed(stand, case.request, send)
        answer.fetches = stand.fetches()
        return answer

    def bare(self, driver: str, case: Case, drive: Callable[[Case, World], Answer]) -> Answer:
        """The answer of the application as its author wrote it, without any protection."""
        if (driver, case.id) not in self._bare:
            # With its body in one piece: not every framework reads a chunked one by itself.
            request = replace(case.request, chunked=False)
            bare = replace(case, request=request, policy=BARE, before=(), at=0.0, fresh=False)
            self._bare[driver, case.id] = drive(bare, self)
        return self._bare[driver, case.id]

    def _stand(self, driver: str, case: Case, build: Callable[[Policy | None, str], Surface]) -> Stand[Surface]:
        if case.fresh or case.before or case.at:
            return self._made(case, build)
        key = (driver, case.policy, case.app)
        if key not in self._stands:
            self._stands[key] = self._made(case, build)
        return self._stands[key]

    def _made(self, case: Case, build: Callable[[Policy | None, str], Surface]) -> Stand[Surface]:
        clock = Clock(NOW)
        if case.policy == BARE:
            return Stand(build(None, case.app), None, clock, lambda: 0)
        address, fetches = self.keys.address()
        policy = make_policy(case.policy, clock, address)
        return Stand(build(policy, case.app), policy, clock, fetches)

    @staticmethod
    def _turn(stand: Stand[Any], at: float) -> None:
        ahead = NOW + at - stand.clock.time()
        if ahead > 0:
            stand.clock.advance(ahead)
        elif ahead < 0:
            stand.clock.set_time(NOW + at)

    def _observed(self, stand: Stand[Surface], request: Request, send: Callable[[Surface, Request], Answer]) -> Answer:
        self.ledger.clear()
        answer = send(stand.surface, request)
        ledger = self.ledger
        answer.reached, answer.body_read = ledger.endpoint > 0, ledger.body_reads > 0
        answer.dependencies, answer.caller, answer.offered = ledger.dependencies, ledger.caller, ledger.offered
        answer.seen, answer.found, answer.query = ledger.seen, ledger.found, ledger.query
        answer.took = ledger.took
        answer.counted = stand.counted()
        return answer


def make_policy(name: str, clock: Clock, address: str) -> Policy:
    """The named policy, read in the environment that its spec gives and no other of ours."""
    spec = POLICIES[name]
    with _environment(spec.env):
        policy = Policy(_placed(spec.keys, address), clock=clock, **spec.python)
    for names in spec.revoked:
        policy.revocations.revoke(**names)
    return policy


def reason_of(counted: Mapping[str, int]) -> tuple[Reason | None, bool]:
    """The one reason that was counted, and whether it was only reported; None where none was."""
    if not counted:
        return None, False
    assert list(counted.values()) == [1], f"one request was counted as {dict(counted)}"
    name = next(iter(counted))
    return BY_VALUE[name.rsplit(" ", 1)[-1]], name.startswith("would ")


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    kept = dict(os.environ)
    for name in [name for name in os.environ if name.startswith(("JWTMW_", "EDGEX_"))]:
        del os.environ[name]
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)


def _placed(value: Any, address: str) -> Any:
    if isinstance(value, str):
        return value.replace("{key-server}", address)
    if isinstance(value, Mapping):
        return {key: _placed(item, address) for key, item in value.items()}
    return [_placed(item, address) for item in value] if isinstance(value, list) else value
