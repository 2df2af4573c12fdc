"""One decision, told step by step, for people.

Owns: the words. The decision itself is the engine's, reached as for any request.
Must never know: how to decide. It shows no token and no claim.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import quote

from jwtmw.challenge import Renderer
from jwtmw.decision import Allow, Code, Decision, Reason
from jwtmw.drive import run
from jwtmw.engine import Engine
from jwtmw.metrics import Metrics
from jwtmw.policy.rules import Access, Ask
from jwtmw.policy.wording import in_words, proofs_in_words
from jwtmw.request import Request
from jwtmw.token.locate import Place

_STEPS = {
    Code.BAD_PATH: "path",
    Code.BAD_METHOD: "method",
    Code.FORBIDDEN: "rule",
    Code.TOKEN_MISSING: "token",
    Code.INVALID_REQUEST: "token",
    Code.TOKEN_INVALID: "token",
    Code.UNAVAILABLE: "keys",
    Code.INSUFFICIENT_SCOPE: "caller",
    Code.BODY_TOO_LARGE: "proofs",
    Code.INTERNAL_ERROR: "engine",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """The decision and the steps to it: pairs of a step's name and what was found there. `str()` is for people."""

    decision: Decision
    status: int | None
    steps: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return "\n".join(f"{name:<10}{text}" for name, text in self.steps)


class _Asked(Request):
    """A request that carries its token wherever the policy looks first."""

    def __init__(self, method: str, path: str, token: str | None, place: Place | None) -> None:
        super().__init__(method, path)
        self._headers: dict[bytes, bytes] = {}
        if token is None or place is None:
            return
        if place.kind == "query":
            self.query_string = f"{quote(place.name)}={quote(token, errors='replace')}".encode()
        elif place.kind == "subprotocol":
            self.websocket = True
            self._headers[b"sec-websocket-protocol"] = _bytes(f"{place.name}, {token}")
        else:
            value = token if place.scheme is None else f"{place.scheme} {token}"
            self._headers[place.name.lower().encode()] = _bytes(value)

    def header(self, name: bytes) -> bytes | None:
        """The one header there is."""
        return self._headers.get(name)


def _bytes(value: str) -> bytes:
    return value.encode("utf-8", "replace")


def explain(engine: Engine, renderer: Renderer, method: str, path: str, token: str | None) -> Explanation:
    """Decide on a request that has nothing but a method, a decoded path and perhaps a token.

    It is logged as any other and counted nowhere. An async `load_user` needs an event loop, and is not asked. There is
    no body that could be judged, and a token that counts once is not spent for an explanation.
    """
    if engine.awaits_user:
        engine = replace(engine, load_user=None, awaits_user=False)
    engine = replace(engine, metrics=Metrics(), prover=replace(engine.prover, uses=None))
    place = next(iter(engine.locator.places), None)
    request = _Asked(method, path, token, place)
    decision = engine.decide_now(request) or run(engine, request, lambda _limit: b"")
    status = None if isinstance(decision, Allow) else renderer.render(decision, request).status
    return Explanation(decision, status, tuple(_steps(engine, request, decision, place if token else None, status)))


def _steps(
    engine: Engine, request: Request, decision: Decision, place: Place | None, status: int | None
) -> Iterator[tuple[str, str]]:
    reason = decision.would_deny if isinstance(decision, Allow) else decision.reason
    yield "request", f"{request.method} {request.path!r}"
    if not engine.judging:
        yield "mode", "requests are not judged: secure or inbound is off"
    if request.ask is not None:
        yield "rule", _rule(request.ask)
    if place is not None:
        yield "token", f"sent in {place.label}"
    if request.ask is not None and request.ask.proofs is not None:
        words = proofs_in_words(request.ask.proofs)
        yield "proofs", f"wants a token {words}: without a request, that is not judged here"
    if reason is not None:
        yield _STEPS[reason.code], f"{reason.meaning} ({reason.value})"
    yield "decision", _decision(decision, reason, status)


def _rule(ask: Ask) -> str:
    where = f"{ask.rule.path} ({ask.rule.key})" if ask.rule is not None else f"none matches: the {ask.label} holds"
    wanted = [] if ask.requirement.is_empty or ask.access is Access.PUBLIC else [f"wants {in_words(ask.requirement)}"]
    return ", ".join([where, ask.access.name.lower(), *wanted])


def _decision(decision: Decision, reason: Reason | None, status: int | None) -> str:
    if not isinstance(decision, Allow):
        return f"refused with {status} {decision.reason.code.value}"
    if reason is not None:
        return "passes, as refusals are only reported here"
    if decision.principal.is_authenticated:
        return f"passes as a caller of issuer {decision.principal.issuer_name}"
    return "passes as an anonymous caller"
