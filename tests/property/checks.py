"""The property: all surfaces answer alike, and what the router reached is what the policy judged.

Owns: what is asserted of one draw.
Must never know: how a draw is made, how a surface carries a request.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from jwtmw import Policy
from jwtmw.testing import Clock
from tests.conformance.schema import Answer
from tests.conformance.tokens import NOW
from tests.property import oracle
from tests.property.ledger import Ledger, Visit
from tests.property.model import Asked, Draw, Mark, Rewrite
from tests.property.oracle import Place
from tests.property.surfaces import Served, Surface
from tests.property.surfaces.wire import below
from tests.property.tokens import caller_of, configuration, request_of

PROBLEM = b"application/problem+json"
APPS_OWN = "no refusal"
# What a refusal has in common on all surfaces, besides status and body.
SHOWN = (b"www-authenticate", b"content-type", b"content-length", b"cache-control", b"retry-after")


class Difference(AssertionError):
    """The property does not hold for `draw`."""

    draw: Draw


class Hole(Difference):
    """An endpoint ran that the caller may not have, or not at this path."""


class Misjudged(Difference):
    """A caller was refused who may pass, or for another reason, or got another answer than the application's."""


class Unlike(Difference):
    """Two surfaces refuse differently."""


@dataclass(frozen=True)
class Judged:
    """What must be judged of one request on one surface: the outcome is the same wherever this is the same.

    All `places` must let the caller in, with all of `asks`: the marks on the way to the endpoint that ran, or none.
    Where the router has named an endpoint, or entered a nest, and something else answered, by 405 or 404, the marks on
    the way lift nothing, but ask: both must hold. `between` says that a middleware has its say: a surface may look past
    it, and refuse for what the endpoint behind it asks.
    """

    places: tuple[Place, ...]
    asks: tuple[tuple[Mark, ...], ...]
    between: bool = False


@dataclass
class Tally:
    """How much was drawn; requests by surface and by what was to happen to them."""

    draws: int = 0
    surfaces: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        counted = [*sorted(self.surfaces.items()), *sorted(self.outcomes.items())]
        return f"{self.draws} draws; " + ", ".join(f"{name} {count}" for name, count in counted)


def check(draw: Draw, surfaces: Iterable[Surface], tally: Tally) -> None:
    """Raise `Difference` where anything differs from what must hold."""
    with _in_silence():
        _check(draw, surfaces, tally)


@contextmanager
def _in_silence() -> Iterator[None]:
    """Frameworks log each 404."""
    before = logging.root.manager.disable
    logging.disable()
    try:
        yield
    finally:
        logging.disable(before)


def _check(draw: Draw, surfaces: Iterable[Surface], tally: Tally) -> None:
    policy = Policy(configuration(draw.policy), clock=Clock(NOW))
    refused: dict[tuple[object, ...], tuple[str, Answer]] = {}
    tally.draws += 1
    for surface in surfaces:
        ledger = Ledger()
        bare, guarded = surface.build(draw.app, None, ledger), surface.build(draw.app, policy, ledger)
        for number, asked in enumerate(draw.requests):
            if number == 1:
                bare.add_late()
                guarded.add_late()
            tally.surfaces[surface.name] += 1
            try:
                judged, answer = _check_one(draw, asked, surface, bare, guarded, ledger, tally)
                if answer is not None:
                    # Where two places are refused for different reasons, either may be told; and where a middleware
                    # has its say, who has refused before need not know all that the endpoint wants.
                    told = (answer.status, _code(answer), *answer.values(b"content-length")) if judged.between else ()
                    key = (number, judged, *told)
                    shown = SHOWN[judged.between :]
                    _compare(surface.name, answer, refused.setdefault(key, (surface.name, answer)), shown)
            except Difference as difference:
                difference.draw = draw
                difference.add_note(repr(draw))
                raise


def _check_one(
    draw: Draw, asked: Asked, surface: Surface, bare: Served, guarded: Served, ledger: Ledger, tally: Tally
) -> tuple[Judged, Answer | None]:
    """What was judged, and the refusal if it is one."""
    request = request_of(asked)
    free = bare.send(request)
    reached, passed = ledger.take()
    judged = _judged(draw, asked, surface, reached, passed)
    caller = caller_of(asked)
    if surface.any_method and any(draw.app.route(visit.name).kind == "function" for visit in reached):
        caller = replace(caller, preflight=False)
    problems = {oracle.problem(draw.policy, marks, place, caller) for place in judged.places for marks in judged.asks}
    wrong = sorted(problem for problem in problems if problem is not None)
    try:
        answer = guarded.send(request)
    except Exception as error:
        raise Misjudged(f"{surface.name}: {asked}: bare {free}, protected {error!r}") from error
    ran, _ = ledger.take()
    tally.outcomes["refused" if wrong else "reached" if reached else "nothing there"] += 1
    where = f"{surface.name}: {asked} -> {reached} {passed}, judged {judged}"
    if not wrong:
        pending = oracle.problem(draw.policy, (), judged.places[0], caller)
        if judged.between and surface.foresees and not ran and pending is not None and _code(answer) != APPS_OWN:
            # Only a mark could let this caller in, and none speaks for the path before the middleware has its say.
            tally.outcomes["kept from a middleware"] += 1
            return judged, None
        if ran != reached:
            raise Misjudged(f"{where}: ran {ran}, answered {answer}")
        if (answer.status, answer.headers, answer.body) != (free.status, free.headers, free.body):
            raise Misjudged(f"{where}: answered {answer}, bare {free}")
        return judged, None
    if ran:
        raise Hole(f"{where}: {wrong}, but {ran} ran")
    if judged.between:
        wrong += ["token_missing", "token_invalid", "invalid_request"]
        wrong += ["forbidden"] if draw.policy.default == "deny" else []
        wrong += ["insufficient_scope"] if surface.foresees else []
    if answer.status not in {oracle.STATUS[problem] for problem in wrong} or _code(answer) not in (*wrong, None):
        raise Misjudged(f"{where}: {wrong}, answered {answer}")
    return judged, answer


def _judged(
    draw: Draw, asked: Asked, surface: Surface, reached: tuple[Visit, ...], passed: tuple[Visit, ...]
) -> Judged:
    """Every place that must let the caller in, and the marks on the way to what was reached."""
    raw, app = asked.target.partition(b"?")[0], draw.app
    path = below(oracle.decoded(raw), asked.root)
    sent = Place(asked.method, path, raw)
    if not surface.routes or (app.answers and Rewrite(app.answers).applies(path)):
        return Judged((sent,), ((),), between=surface.routes)
    moved = [app.rewritten(asked.method, path), *((visit.method, visit.path) for visit in (*passed, *reached))]
    places = [sent, *(Place(*where) for where in dict.fromkeys(moved) if where != (sent.method, sent.path))]
    marks = app.marks_of((reached or passed)[-1].name) if reached or passed else ()
    return Judged(tuple(places), tuple(dict.fromkeys((marks,) if reached else ((), marks))), len(places) > 1)


def _code(answer: Answer) -> str | None:
    """The code in the body, None for an answer to HEAD."""
    if (b"content-type", PROBLEM) not in answer.headers:
        return APPS_OWN
    code: str | None = json.loads(answer.body)["code"] if answer.body else None
    return code


def _compare(name: str, answer: Answer, other: tuple[str, Answer], shown: tuple[bytes, ...]) -> None:
    ours, theirs = ([each.status, each.body, *map(each.values, shown)] for each in (answer, other[1]))
    if ours != theirs:
        raise Unlike(f"{name}: {ours}; {other[0]}: {theirs}")
