"""Consumers that somebody else holds, such as a database: asked for one at a time, remembered for a while.

Owns: the contract of a store, how long its answers count, who waits for one, and what holds while it fails.
Must never know: policy, tokens, databases. The clock and the launcher are handed in; nothing here waits.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import NamedTuple, Protocol

from jwtmw.decision import Reason
from jwtmw.errors import KeyRefused, KeysUnavailable, TokenRefused
from jwtmw.issuers import worker
from jwtmw.issuers.consumers import LONGEST_IDENTIFIER, NOBODY, Consumer, Found, is_whole
from jwtmw.issuers.keys import Key
from jwtmw.issuers.remembered import Remembered
from jwtmw.issuers.source import Clock, Flight, KeyState

logger = logging.getLogger("jwtmw.issuers")

# As many questions may be under way at once; a store that hangs holds no more threads than that.
MOST_QUESTIONS = 16
# After a failure the store is not asked for the same consumer again for so many seconds.
RETRY = 2.0
# A waiter's timer may wake it this many seconds early; its question counts as overdue all the same.
_EARLY = 0.05


class ConsumerStore(Protocol):
    """What holds consumers, for `Policy(consumers=...)`."""

    def find(self, identifier: str) -> Consumer | None:
        """The consumer whose tokens call it exactly so; None where there is none.

        Called in threads of its own, in several at once, and may wait as long as `http.timeout`. What it raises lets
        the caller try again later (503), and is logged by its type. `identifier` comes out of a token that nothing has
        verified yet: a text of at most 256 characters, of which nothing more is known.
        """
        ...


@dataclass(frozen=True, slots=True)
class Terms:
    """How long answers count, in seconds, and how many of each kind are remembered.

    ttl           a consumer: a removed one is refused no later
    negative_ttl  that there is none: a new one is let in no later
    max_stale     a consumer beyond its `ttl`, while asking again fails
    timeout       how long a question may take
    """

    ttl: float = 60.0
    negative_ttl: float = 5.0
    max_stale: float = 3600.0
    size: int = 10_000
    timeout: float = 5.0


class _Known(NamedTuple):
    consumer: Consumer
    fresh_until: float
    serve_until: float


class _Unusable(Exception):
    """What a store has returned is no consumer."""


class _Question(Flight):
    """A flight that asks the store; `found` is its answer where it has succeeded."""

    __slots__ = ("found",)
    found: Found


class StoredConsumers:
    """An issuer's consumers in a store; `name` is the issuer's, for the log."""

    generation = 0

    def __init__(
        self,
        name: str,
        store: ConsumerStore,
        terms: Terms,
        *,
        clock: Clock = monotonic,
        launch: Callable[[Callable[[], None]], None] = worker.launch,
    ) -> None:
        self.name = name
        self._store = store
        self._terms = terms
        self._clock = clock
        self._launch = launch
        # Callers choose identifiers: what is unknown, or fails, is remembered apart, so that it crowds nobody out.
        self._known: Remembered[str, _Known] = Remembered(terms.size)
        self._nobody: Remembered[str, float] = Remembered(terms.size)
        self._failed: Remembered[str, float] = Remembered(terms.size)
        # By the process's id too: in a forked child the parent's questions are never answered, and are not seen.
        self._questions: dict[tuple[int, str], _Question] = {}
        self._permits: dict[int, list[None]] = {}
        self._error: str | None = None

    @property
    def state(self) -> KeyState:
        """As `KeySource` says; fresh unless the last question failed."""
        return KeyState(fresh=self._error is None, last_error=self._error)

    def look_up(self, kid: str | None, alg: str, after: Flight | None = None) -> tuple[Key, ...]:
        """The issuer itself has no key. Raises `TokenRefused` (KEY_UNKNOWN)."""
        del kid, alg, after
        raise TokenRefused(Reason.KEY_UNKNOWN)

    def trusts(self, key: Key, generation: int) -> bool:
        """Always: a verdict is remembered no longer than the answer that it rests on."""
        del key, generation
        return True

    def find(self, identifier: str, after: Flight | None = None) -> Found | Flight:
        """As `Consumers` says."""
        if len(identifier) > LONGEST_IDENTIFIER:
            return NOBODY
        now = self._clock()
        self._fail_overdue(identifier, now)
        known = self._known.get(identifier)
        if known is not None and now < known.fresh_until:
            return Found(known.consumer, known.fresh_until - now)
        if now < (until := self._nobody.get(identifier) or now):
            return Found(None, until - now)
        retry_at = self._failed.get(identifier) or now
        if after is None and retry_at <= now and (question := self._begin(identifier, now)) is not None:
            return question
        if isinstance(after, _Question) and after.has_succeeded():
            return after.found
        if known is not None and now < known.serve_until:
            return Found(known.consumer, RETRY)
        raise KeysUnavailable(max(1.0, retry_at - now))

    def _begin(self, identifier: str, now: float) -> _Question | None:
        """The question under way, or a new one; None where too many are."""
        permits = self._permits.setdefault(os.getpid(), [None] * MOST_QUESTIONS)
        question = _Question(now, self._terms.timeout, self._clock)
        winner = self._questions.setdefault((os.getpid(), identifier), question)
        if winner is not question:
            return winner
        try:
            permits.pop()
        except IndexError:
            self._settle(identifier, question, False)
            return None
        try:
            self._launch(partial(self._ask, identifier, question, permits))
        except RuntimeError:
            permits.append(None)
            self._fail(identifier, question, "no thread can be started", now)
        return question

    def _ask(self, identifier: str, question: _Question, permits: list[None]) -> None:
        """The job of a question: ask, remember, settle."""
        try:
            consumer = self._store.find(identifier)
            if consumer is not None and not is_whole(consumer):
                raise _Unusable
            # A store that compares without case, say, would let one consumer go by many identifiers.
            if consumer is not None and (consumer.key != identifier or consumer.credential is None):
                consumer = None
        except KeyRefused as refusal:
            self._fail(identifier, question, f"its key was refused: {refusal.problem}", self._clock())
        except _Unusable:
            self._fail(identifier, question, "the store returned no Consumer, or one of wrong types", self._clock())
        except Exception as error:  # noqa: BLE001 (whatever went wrong, waiters must hear of it)
            self._fail(identifier, question, f"the store raised {type(error).__name__}", self._clock())
        else:
            self._land(identifier, question, consumer)
        finally:
            permits.append(None)

    def _land(self, identifier: str, question: _Question, consumer: Consumer | None) -> None:
        if not question.claim():
            return
        terms = self._terms
        if consumer is not None:
            until = question.started + terms.ttl
            self._known.put(identifier, _Known(consumer, until, until + terms.max_stale))
            self._nobody.discard(identifier)
        else:
            until = question.started + terms.negative_ttl
            self._nobody.put(identifier, until)
            self._known.discard(identifier)
        self._failed.discard(identifier)
        question.found = Found(consumer, max(0.0, until - self._clock()))
        if self._error is not None:
            logger.info("issuer %s: consumers can be looked up again", self.name)
        self._error = None
        self._settle(identifier, question, True)

    def _fail(self, identifier: str, question: _Question, error: str, at: float) -> None:
        if not question.claim():
            return
        self._failed.put(identifier, at + RETRY)
        if self._error is None:
            logger.warning("issuer %s: a consumer cannot be looked up: %s", self.name, error)
        self._error = error
        self._settle(identifier, question, False)

    def _fail_overdue(self, identifier: str, now: float) -> None:
        question = self._questions.get((os.getpid(), identifier))
        if question is not None and question.deadline - _EARLY <= now:
            self._fail(identifier, question, "timed out", question.deadline)

    def _settle(self, identifier: str, question: _Question, succeeded: bool) -> None:
        # The order matters: whoever sees no question any more must see what it left.
        self._questions.pop((os.getpid(), identifier), None)
        question.future.set_result(succeeded)
