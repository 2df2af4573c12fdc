"""Asking the issuer about a token: once for any number of requests, within limits, and kept for a short time.

Owns: when the issuer is asked, who waits, what is answered meanwhile, and that an outage refuses no token.
Must never know: policy, HTTP, threads, what a claim means. The clock, the question and the launcher are handed in.
A token is known by its digest; nothing here keeps or shows one longer than the question takes.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from math import inf
from random import random
from time import monotonic
from typing import NoReturn

from jwtmw.decision import Reason
from jwtmw.errors import IntrospectionUnavailable, TokenRefused
from jwtmw.issuers import worker
from jwtmw.issuers.fetch import FetchFailed
from jwtmw.issuers.keys import Key
from jwtmw.issuers.pool import Job, Pool
from jwtmw.issuers.snapshot import LONGEST_RETRY_AFTER, back_off
from jwtmw.issuers.source import Clock, Flight, KeyState
from jwtmw.issuers.verdicts import Answer, Verdict, Verdicts

logger = logging.getLogger("jwtmw.issuers")

# Asks the issuer about one token; blocks. Raises FetchFailed.
Ask = Callable[[bytes], Answer]

# For one issuer: this many questions at once, and as many waiting as these can ask in about a second.
MOST_AT_ONCE = 8
MOST_WAITING = 128
# Verdicts kept: good tokens and bad ones apart, as anybody can make up bad ones.
MOST_ACTIVE = 10_000
MOST_INACTIVE = 4_096
MOST_BYTES = 32 * 1024 * 1024
# This many failures in a row, and it is the issuer's outage. One alone may be due to the token that was asked about.
OUTAGE = 3


class Unanswered(FetchFailed):
    """The issuer is there, but would not answer this question: no word on the token, and no outage."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How long what may last, in seconds.

    ttl           how long a good answer is relied on: a token that the issuer revokes is refused here by then
    negative_ttl  how long a token that is not active is refused without asking again; 0: not at all
    timeout       the longest that a request waits for an answer
    """

    ttl: float = 60.0
    negative_ttl: float = 5.0
    timeout: float = 5.0


@dataclass(frozen=True, slots=True)
class Health:
    """How asking goes: failures in a row, when the last one counted, when it is tried again."""

    failures: int = 0
    failed_at: float = -inf
    retry_at: float = -inf
    last_error: str | None = None


class Question(Flight):
    """One token about which the issuer is asked; `verdict` is there once it has answered."""

    __slots__ = ("verdict",)

    def __init__(self, started: float, timeout: float, clock: Clock) -> None:
        super().__init__(started, timeout, clock)
        self.verdict: Verdict | None = None


class _Desk:
    """The questions under way in this process, and who asks them: a forked child has threads of its own."""

    __slots__ = ("pool", "questions")

    def __init__(self, launch: Callable[[Job], None]) -> None:
        self.questions: dict[bytes, Question] = {}
        self.pool = Pool(MOST_AT_ONCE, MOST_WAITING, launch)


class Introspector:
    """What one issuer says of its tokens. `name` is the issuer's, for the log.

    `takes_opaque` tells whether it may be asked about tokens that are no JWTs. `launch` runs a job in a thread of its
    own. Everything but `ask` happens in whichever thread or task looks a token up, and never waits.
    """

    def __init__(
        self,
        name: str,
        ask: Ask,
        terms: Terms,
        *,
        takes_opaque: bool = True,
        clock: Clock = monotonic,
        launch: Callable[[Job], None] = worker.launch,
        jitter: Callable[[], float] = random,
    ) -> None:
        self.name = name
        self.takes_opaque = takes_opaque
        self._ask = ask
        self._terms = terms
        self._clock = clock
        self._launch = launch
        self._jitter = jitter
        self._active = Verdicts(MOST_ACTIVE, MOST_BYTES)
        self._inactive = Verdicts(MOST_INACTIVE, MOST_BYTES)
        self._health = Health()
        self._desks: dict[int, _Desk] = {}

    def look_up(self, token: bytes, after: Question | None = None) -> Verdict | Question:
        """What the issuer says of the token, or a question to wait for.

        `after` is the question just waited for; then none is returned. Raises `IntrospectionUnavailable`.
        """
        if after is not None and after.verdict is not None:
            return after.verdict
        digest = sha256(token).digest()
        now = self._clock()
        verdict = self._known(digest, now)
        if verdict is not None:
            return verdict
        if after is not None or now < self._health.retry_at:
            raise self._unavailable(now)
        return self._question(digest, token, now)

    def _known(self, digest: bytes, now: float) -> Verdict | None:
        return self._active.get(digest, now) or self._inactive.get(digest, now)

    def _unavailable(self, now: float) -> IntrospectionUnavailable:
        return IntrospectionUnavailable(max(1.0, self._health.retry_at - now))

    def _question(self, digest: bytes, token: bytes, now: float) -> Question:
        """The question about this token that is under way, or a new one."""
        pid = os.getpid()
        desk = self._desks.get(pid) or self._desks.setdefault(pid, _Desk(self._launch))
        question = Question(now, self._terms.timeout, self._clock)
        winner = desk.questions.setdefault(digest, question)
        if winner is not question:
            return winner
        if (verdict := self._known(digest, now)) is not None:
            # Another question landed between the caller's look and this start: its answer is the answer.
            self._settle(desk, digest, question, verdict)
            return question
        try:
            accepted = desk.pool.submit(partial(self._put, desk, digest, question, token))
        except RuntimeError:
            self._fail(desk, digest, question, "no thread can be started", None)
            return question
        if not accepted:
            self._settle(desk, digest, question, None)
            raise self._unavailable(now)
        return question

    def _put(self, desk: _Desk, digest: bytes, question: Question, token: bytes) -> None:
        """The job: put the question to the issuer, unless nobody waits for the answer any more."""
        if question.remaining() <= 0 or question.future.done():
            self._settle(desk, digest, question, None)
            return
        started = self._clock()
        try:
            answer = self._ask(token)
        except Unanswered as failure:
            logger.info("issuer %s: a token was not introspected: %s", self.name, failure.reason)
            self._settle(desk, digest, question, None)
        except FetchFailed as failure:
            self._fail(desk, digest, question, failure.reason, failure.retry_after)
        except Exception as bug:  # noqa: BLE001 (whatever went wrong, waiters must hear of it)
            self._fail(desk, digest, question, f"unexpected {type(bug).__name__}", None)
        else:
            self._land(desk, digest, question, answer, started)

    def _land(self, desk: _Desk, digest: bytes, question: Question, answer: Answer, started: float) -> None:
        verdicts, ttl = self._active, self._terms.ttl
        if not answer.active:
            verdicts, ttl = self._inactive, self._terms.negative_ttl
        # From the start of the question on: what the issuer changed since is not in the answer.
        verdict = Verdict(answer, started + ttl)
        verdicts.put(digest, verdict)
        if self._health.failures:
            logger.info("issuer %s: tokens are introspected again", self.name)
            self._health = Health()
        self._settle(desk, digest, question, verdict)

    def _fail(self, desk: _Desk, digest: bytes, question: Question, error: str, retry_after: float | None) -> None:
        health, now = self._health, self._clock()
        # Whoever asked before an outage was known fails with it: only a new try makes the back-off longer.
        if health.failures < OUTAGE or question.started >= health.failed_at:
            failures = health.failures + 1
            wait = back_off(failures - OUTAGE, self._jitter()) if failures >= OUTAGE else 0.0
            retry_at = now + max(wait, min(retry_after or 0.0, LONGEST_RETRY_AFTER))
            self._health = Health(failures, now, retry_at, error)
            logger.warning("issuer %s: tokens cannot be introspected: %s", self.name, error)
        self._settle(desk, digest, question, None)

    @staticmethod
    def _settle(desk: _Desk, digest: bytes, question: Question, verdict: Verdict | None) -> None:
        if not question.claim():
            return
        question.verdict = verdict
        # The order matters: whoever sees no question any more must see the verdict that it left.
        desk.questions.pop(digest, None)
        question.future.set_result(verdict is not None)

    @property
    def state(self) -> KeyState:
        """What an observer may know: `fresh` while the issuer answers; nothing here is ever stale."""
        health = self._health
        return KeyState(fresh=self._clock() >= health.retry_at, last_error=health.last_error)


class Unkeyed:
    """The keys of an issuer that is asked instead: there are none."""

    __slots__ = ("introspector",)

    generation = 0

    def __init__(self, introspector: Introspector) -> None:
        self.introspector = introspector

    @property
    def state(self) -> KeyState:
        """That of the introspector."""
        return self.introspector.state

    def look_up(self, kid: str | None, alg: str, after: Flight | None = None) -> NoReturn:
        """No keys, ever. Raises `TokenRefused` (KEY_UNKNOWN)."""
        del kid, alg, after
        raise TokenRefused(Reason.KEY_UNKNOWN)

    def trusts(self, key: Key, generation: int) -> bool:
        """Never: no key of this issuer's was ever used."""
        del key, generation
        return False
