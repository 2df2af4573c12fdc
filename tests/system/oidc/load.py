"""Requests without a pause, from several threads, while something happens to the keys.

Owns: who asks what, what was answered, how long it took.
Must never know: what happens to the keys.
"""

from __future__ import annotations

import base64
import json
import random
from collections import deque
from collections.abc import Iterable
from threading import Event, Thread
from time import monotonic, sleep
from types import TracebackType
from typing import NamedTuple, Self

import httpx2

THREADS = 4
# Between two requests of one thread, so that tokens never seen before last as long as the load does.
PAUSE = 0.005


class Sample(NamedTuple):
    at: float
    """When it was sent, on the monotonic clock."""
    phase: str
    kid: str
    is_new: bool
    """Whether the service had never seen the token."""
    status: int
    """0: no answer at all."""
    seconds: float
    detail: str


class Load:
    """Good tokens sent to `/orders` as long as the block lasts: every other one new, as long as there are any."""

    def __init__(self, address: str, tokens: Iterable[str]) -> None:
        self.samples: list[Sample] = []
        self.phase = "warm"
        self._url = f"{address}/orders"
        self._new = deque(tokens)
        self._seen: list[str] = []
        self._over = Event()
        self._threads = [Thread(target=self._run, daemon=True) for _ in range(THREADS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(30)
        assert not any(thread.is_alive() for thread in self._threads), "a request has not ended in 30 s"

    def during(self, phase: str, seconds: float, new: Iterable[str] = ()) -> None:
        """Go on for so long, with these new tokens besides."""
        self.phase = phase
        self._new.extend(new)
        sleep(seconds)

    def of(self, kids: Iterable[str], phase: str | None = None) -> list[Sample]:
        """The requests with a token of one of these keys, in one phase or in all."""
        known = frozenset(kids)
        return [sample for sample in self.samples if sample.kid in known and phase in (None, sample.phase)]

    def _run(self) -> None:
        with httpx2.Client(trust_env=False, timeout=20) as http:
            while not self._over.is_set():
                self._send(http, is_new=True)
                self._send(http, is_new=False)

    def _send(self, http: httpx2.Client, is_new: bool) -> None:
        try:
            token = self._new.popleft() if is_new else random.choice(self._seen)
        except IndexError:
            return sleep(PAUSE)
        phase, start = self.phase, monotonic()
        try:
            answer = http.get(self._url, headers={"Authorization": f"Bearer {token}"})
            status, detail = answer.status_code, "" if answer.status_code == 200 else answer.text
        except httpx2.TransportError as error:
            status, detail = 0, repr(error)
        seconds = monotonic() - start
        self.samples.append(
            Sample(start, phase, kid_of(token), is_new, status, seconds, "" if status == 200 else detail)
        )
        if is_new:
            self._seen.append(token)
        sleep(PAUSE)


def kid_of(token: str) -> str:
    """The kid that the token's header names."""
    head = token.partition(".")[0]
    kid = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]
    assert isinstance(kid, str)
    return kid


def with_kid(token: str, kid: str) -> str:
    """The token with another kid in its header, which no key set has."""
    head, _, rest = token.partition(".")
    header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    renamed = base64.urlsafe_b64encode(json.dumps({**header, "kid": kid}).encode()).rstrip(b"=").decode()
    return f"{renamed}.{rest}"


def refused(samples: Iterable[Sample]) -> list[Sample]:
    """What was not answered with 200."""
    return [sample for sample in samples if sample.status != 200]


def tally(samples: Iterable[Sample]) -> str:
    """How many requests, how many with a token never seen before, and the longest wait, as people read it."""
    samples = list(samples)
    new, longest = sum(sample.is_new for sample in samples), max(sample.seconds for sample in samples)
    return f"{len(samples)} requests, {new} with a new token, longest wait {longest * 1000:.0f} ms"
