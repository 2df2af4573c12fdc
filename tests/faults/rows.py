"""One row: a fault met in one state, the requests that meet it, and what is seen of them.

Owns: the order of what happens in a row, for both drivers.
Must never know: threads, event loops; a driver performs the steps that a row yields.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from tests.faults.keyserver import JWKS, METADATA
from tests.faults.modes import Expected, Mode
from tests.faults.wire import status
from tests.faults.world import KNOWN, NEW, Answered, World

TTL = 300
# Where freshness is looked at, in seconds after the last request: around each time that it may end, and that time. It
# counts from the last good fetch, which lies a deadline back where the issuer was slow.
_LOOKS = {22: 0, 35: 30, 52: 35, 65: 60, 285: 65, 305: TTL}
_LONGEST_PATIENCE = 61


@dataclass(frozen=True)
class Ask:
    """A step: ask with `token`, and with each of `meanwhile` while the first may still be waiting."""

    token: str
    meanwhile: tuple[str, ...] = ()


@dataclass(frozen=True)
class Settle:
    """A step: wait until no fetch is under way. Who waits for one may be answered a moment before it has ended."""


Step = Ask | Settle


@dataclass(frozen=True)
class Observed:
    """What a row came to, and the longest waits in seconds: `waited` of all, `at_once` of those whose key is known."""

    before: str
    columns: Expected
    waited: float
    at_once: float
    after_repair: tuple[str, ...]


Row = Generator[Step, Any, Observed]


def row(mode: Mode, state: str, world: World) -> Row:
    """Bring the keys into this state, break the issuer, ask, look, mend it, ask again."""
    yield from _brought_to(state, world)
    before = _named(world.state)
    world.misbehave(mode.answers)
    others = [] if state == "cold" else (yield from _asked_for_a_new_key(mode, world))
    # A token that was verified before the fault, and one that was not.
    known = yield from _each(world.seen, world.token(KNOWN))
    yield Settle()
    why, requests = _why(world.state["last_error"]), world.stand.requests
    statuses = " or ".join(sorted({answer.status for answer in known}))
    waited = max(answer.seconds for answer in [*others, *known])
    columns = Expected(statuses, others[0].status if others else "-", requests, _kept(world), why)
    # Without keys the first of them had to wait for the fetch.
    at_once = known[1:] if state == "cold" else [*others[1:], *known]
    repaired = yield from _repaired(world)
    return Observed(before, columns, waited, max(answer.seconds for answer in at_once), repaired)


def _asked_for_a_new_key(mode: Mode, world: World) -> Generator[Step, Any, list[Answered]]:
    """What the new key's token gets, and then what tokens of the known key got in the meantime, if there was one."""
    tokens = (world.seen, world.token(KNOWN)) if mode.slow else ()
    answers: list[Answered] = yield Ask(world.token(NEW), tokens)
    assert [answer.status for answer in answers[1:]] == ["200" for _ in tokens]
    return answers


def _each(*tokens: str) -> Generator[Step, Any, list[Answered]]:
    answers: list[Answered] = []
    for token in tokens:
        answers += yield Ask(token)
    return answers


def _brought_to(state: str, world: World) -> Generator[Step, Any, None]:
    if state == "cold":
        return
    (answer,) = yield Ask(world.seen)
    assert answer.status == "200"
    if state == "stale":
        world.misbehave({JWKS: status(500), METADATA: status(500)})
        world.clock.turn(TTL + 1)
        world.fire()
        yield Settle()
        # The end of the back-off: the next request may try again.
        world.clock.turn(2)


def _kept(world: World) -> str:
    """none, stale, or for how long the keys are fresh from now: turned to, not computed."""
    name = _named(world.state)
    if name != "fresh":
        return name
    passed = 0
    for look, seconds in _LOOKS.items():
        world.clock.turn(look - passed)
        passed = look
        if not world.state["fresh"]:
            return f"fresh {seconds} s"
    return "fresh for longer"


def _repaired(world: World) -> Generator[Step, Any, tuple[str, ...]]:
    """What good tokens of both keys get once the issuer publishes both and the longest patience is over."""
    world.publish(KNOWN, NEW)
    world.clock.turn(_LONGEST_PATIENCE)
    answers = yield from _each(world.token(KNOWN), world.token(NEW))
    return tuple(answer.status for answer in answers)


def _named(state: dict[str, Any]) -> str:
    return "fresh" if state["fresh"] else "stale" if state["stale"] else "none"


def _why(error: str | None) -> str:
    """The last error, without what depends on who noticed first that time was up, and without the single keys."""
    if error is None:
        return ""
    return "timed out" if "timed out" in error else error.partition(";")[0]
