"""What every fault is tried on: a policy of one issuer at a stand, its clock, its tokens, its requests.

Owns: two signing keys, of which only the first is published at first; how a request is asked of the engine.
Must never know: faults.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import cache
from queue import SimpleQueue
from typing import Any, NamedTuple

from jwtmw import Policy
from jwtmw.adapter import Request
from jwtmw.decision import Allow, Decision
from jwtmw.drive import arun, run
from jwtmw.issuers.remote import RemoteKeys
from jwtmw.mint.signer import Signer
from tests.faults.keyserver import JWKS, METADATA, Answer, Call, Stand

KNOWN, NEW = Signer("ES256", kid="known"), Signer("ES256", kid="new")


class TurnedClock:
    """The real clock, which also runs ahead by what it is turned; `still`: a clock that is only turned."""

    def __init__(self, still: bool = False) -> None:
        self._ahead = 0.0
        self._since = time.time(), time.monotonic()
        self._still = still

    def time(self) -> float:
        return (self._since[0] if self._still else time.time()) + self._ahead

    def monotonic(self) -> float:
        return (self._since[1] if self._still else time.monotonic()) + self._ahead

    def turn(self, seconds: float) -> None:
        self._ahead += seconds


class Asked(Request):
    """A request with this token."""

    def __init__(self, token: str) -> None:
        super().__init__("GET", "/orders")
        self._authorization = b"Bearer " + token.encode()

    def header(self, name: bytes) -> bytes | None:
        return self._authorization if name == b"authorization" else None


class Answered(NamedTuple):
    """What a request got: a status, with the seconds of Retry-After where they are many; and how long it took."""

    status: str
    seconds: float


def status(decision: Decision) -> str:
    """As the caller would see it. Retry-After is shown where the issuer asked for it, to the nearest five seconds."""
    if isinstance(decision, Allow):
        return "200"
    if decision.reason.code.value != "unavailable":
        return {"token_invalid": "401"}.get(decision.reason.code.value, decision.reason.value)
    assert decision.retry_after > 0, "503 says when to come back"
    return "503" if decision.retry_after <= 5 else f"503, {round(decision.retry_after / 5) * 5} s"


def ask(policy: Policy, token: str) -> Answered:
    """One request by the thread driver, as a sync adapter asks."""
    started = time.perf_counter()
    request = Asked(token)
    decision = policy.engine.decide_now(request) or run(policy.engine, request, lambda limit: b"")
    return Answered(status(decision), time.perf_counter() - started)


async def aask(policy: Policy, token: str) -> Answered:
    """One request by the async driver, as an async adapter asks."""
    started = time.perf_counter()
    request = Asked(token)
    decision = policy.engine.decide_now(request) or await arun(policy.engine, request, _no_body)
    return Answered(status(decision), time.perf_counter() - started)


async def _no_body(limit: int) -> bytes:
    return b""


class World:
    """A policy whose one issuer is a stand; sound at first, publishing the known key.

    Timers do not run: `fire` is what the first of them would do, when the clock has been turned to its time. What is
    random in a back-off is 0.
    """

    def __init__(
        self, stand: Stand, timeout: float, *, discovery: bool = False, etag: bool = False, still: bool = False
    ) -> None:
        self.stand = stand
        self.clock = TurnedClock(still)
        self.issuer = stand.url("")
        self._sound: dict[str, Answer] = {METADATA: document(self.metadata())}
        self.publish(KNOWN, etag=etag)
        entry: dict[str, Any] = {"name": "corp", "issuer": self.issuer, "audience": ["orders"]}
        if not discovery:
            entry["jwks_url"] = stand.url()
        # Tokens stay in the cache, so that only their key's end ends them.
        self.policy = Policy(issuers=[entry], http={"timeout": timeout}, cache={"max_age": 100_000}, clock=self.clock)
        self.source = self.policy.engine.verifier.issuers.by_name["corp"].keys
        self._timers: SimpleQueue[Callable[[], None]] = SimpleQueue()
        assert isinstance(self.source, RemoteKeys)
        self.source._later = lambda delay, job: self._timers.put(job)
        self.source._jitter = lambda: 0.0
        self.seen = self.token(KNOWN)

    def metadata(self, **members: Any) -> dict[str, Any]:
        return {"issuer": self.issuer, "jwks_uri": self.stand.url(), **members}

    def publish(self, *signers: Signer, etag: bool = False) -> None:
        """Be a sound issuer that publishes these keys."""
        self._sound[JWKS] = document(key_set(*signers), etag=etag)
        self.mend()

    def mend(self) -> None:
        """Let go whoever hangs, and answer well again."""
        self.stand.released.set()
        self.stand.released = type(self.stand.released)()
        self.stand.answers = dict(self._sound)

    def misbehave(self, answers: dict[str, Answer]) -> None:
        """Answer like this where these answers say, and count from here."""
        self.stand.answers = {**self._sound, **answers}
        self.stand.hits.clear()

    def fire(self) -> None:
        """Do what the first timer would do."""
        # A fetch wakes its waiters a moment before it sets the timer.
        self._timers.get(timeout=5)()

    def token(self, signer: Signer, kid: str | None = None) -> str:
        """A good token, another one each time."""
        now = int(self.clock.time())
        claims = {"iss": self.issuer, "aud": "orders", "sub": "alice", "iat": now, "exp": now + 100_000, "jti": _jti()}
        return signer.sign(claims, {} if kid is None else {"kid": kid})

    @property
    def is_fetching(self) -> bool:
        """Whether a fetch is under way."""
        assert isinstance(self.source, RemoteKeys)
        return bool(self.source._flights)

    @property
    def state(self) -> dict[str, Any]:
        """What an observer sees of the issuer's keys."""
        return self.policy.issuers()["corp"]


_numbers = iter(range(10**9))


def _jti() -> str:
    return f"t{next(_numbers)}"


def key_set(*signers: Signer, **members: Any) -> dict[str, Any]:
    return {"keys": [{**_jwk(signer), **members} for signer in signers]}


@cache
def _jwk(signer: Signer) -> dict[str, str]:
    return signer.public_jwk


def http(body: bytes, status: str = "200 OK", *headers: str, length: int | None = None) -> bytes:
    """A whole response; `length` where it should lie."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


def document(content: Any, *headers: str, etag: bool = False) -> Answer:
    """A sound answer with this JSON; with `etag` it is conditional."""
    body = json.dumps(content).encode()
    tag = f'"{len(body)}"'

    def answer(call: Call) -> None:
        if etag and call.conditional == tag:
            call.send(http(b"", "304 Not Modified", f"ETag: {tag}"))
        else:
            call.send(http(body, "200 OK", *headers, *([f"ETag: {tag}"] if etag else [])))

    return answer
