"""The two drivers: one for threads, one for event loops of asyncio and trio."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Generator
from typing import Any, cast

import anyio
import anyio.lowlevel
import pytest

from jwtmw.adapter import Allow, Decision, Deny, Policy, Reason, Request, arun, run
from jwtmw.effects import Effect, Flow, ReadBody, Wait
from jwtmw.engine import PASS, Engine
from jwtmw.errors import KeysUnavailable
from jwtmw.testing import TestIssuer
from tests.engine.facts import Facts, Waits, flight, policy_of

LOOPS = ["asyncio", "trio"]
NO_KEYS = KeysUnavailable(3.0)


def no_body(limit: int) -> bytes | None:
    raise AssertionError("nobody asked for a body")


async def no_async_body(limit: int) -> bytes | None:
    raise AssertionError("nobody asked for a body")


def in_loop(loop: str, function: Callable[[], Awaitable[Any]]) -> Any:
    return anyio.run(function, backend=loop)


def drive(way: str, engine: Engine, request: Request) -> Decision:
    """Decide by this driver: "thread", or the name of an event loop."""
    if way == "thread":
        return run(engine, request, no_body)
    decision: Decision = in_loop(way, lambda: arun(engine, request, no_async_body))
    return decision


@pytest.fixture
def policy(jwtmw_issuer: TestIssuer) -> Policy:
    return policy_of(jwtmw_issuer)


@pytest.mark.parametrize("way", ["thread", *LOOPS])
@pytest.mark.parametrize("landed", [True, False], ids=["landed before", "lands meanwhile"])
def test_a_driver_waits_for_a_flight(policy: Policy, jwtmw_issuer: TestIssuer, way: str, landed: bool) -> None:
    """When the keys are there, the token is judged by them."""
    source = Waits(policy.engine, flight())
    timer = threading.Timer(0.0 if landed else 0.05, source.on.future.set_result, [True])
    timer.start()
    if landed:
        timer.join()
    decision = drive(way, source.engine, Facts(token=jwtmw_issuer.token("alice")))
    timer.join()
    assert isinstance(decision, Allow)
    assert "alice" == decision.principal.subject


@pytest.mark.parametrize("way", ["thread", *LOOPS])
def test_a_driver_waits_no_longer_than_the_flight_may_take(policy: Policy, jwtmw_issuer: TestIssuer, way: str) -> None:
    """Behind the deadline the source is asked again, and its answer is 503 here."""
    source = Waits(policy.engine, flight(timeout=0.02), NO_KEYS)
    decision = drive(way, source.engine, Facts(token=jwtmw_issuer.token()))
    assert isinstance(decision, Deny)
    assert (Reason.KEYS_UNAVAILABLE, 3) == (decision.reason, decision.retry_after)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_flight_may_land_when_nobody_waits_any_more(policy: Policy, jwtmw_issuer: TestIssuer, loop: str) -> None:
    """A loop that has ended is not woken, and harms nobody."""
    source = Waits(policy.engine, flight(timeout=0.01), NO_KEYS)
    drive(loop, source.engine, Facts(token=jwtmw_issuer.token()))
    told = []
    source.on.future.add_done_callback(lambda _: told.append("landed"))
    source.on.future.set_result(True)
    assert ["landed"] == told


@pytest.mark.parametrize("loop", LOOPS)
def test_a_cancelled_waiter_harms_no_other(policy: Policy, jwtmw_issuer: TestIssuer, loop: str) -> None:
    """The flight belongs to no request: one gives up, the others get their keys."""
    source = Waits(policy.engine, flight())
    decisions: list[Decision] = []

    async def ask() -> None:
        decisions.append(await arun(source.engine, Facts(token=jwtmw_issuer.token()), no_async_body))

    async def give_up() -> None:
        with anyio.move_on_after(0.01):
            await ask()
        await anyio.to_thread.run_sync(source.on.future.set_result, True)

    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(ask)
            tasks.start_soon(give_up)

    in_loop(loop, main)
    assert [Allow] * 3 == [type(decision) for decision in decisions]


def test_many_threads_wait_for_one_flight(policy: Policy, jwtmw_issuer: TestIssuer) -> None:
    """Each has its decision as soon as the keys are there."""
    source = Waits(policy.engine, flight())
    token = jwtmw_issuer.token()
    decisions: list[Decision] = []
    threads = [
        threading.Thread(target=lambda: decisions.append(run(source.engine, Facts(token=token), no_body)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    source.on.future.set_result(True)
    for thread in threads:
        thread.join(5)
    assert [Allow] * 8 == [type(decision) for decision in decisions]


@pytest.mark.parametrize("way", ["thread", *LOOPS])
def test_what_needs_no_waiting_is_decided_by_a_driver_too(policy: Policy, way: str) -> None:
    """A driver may be asked anything."""
    decision = drive(way, policy.engine, Facts())
    assert isinstance(decision, Deny)
    assert Reason.TOKEN_MISSING is decision.reason


# Effects that no policy asks for yet, by a flow of our own


class Bodies:
    """An engine whose one step is to read the body."""

    def __init__(self, limit: int = 8) -> None:
        self.limit = limit
        self.read: Any = None

    def decide(self, request: Request) -> Flow:
        try:
            self.read = yield ReadBody(self.limit)
        except ValueError as error:
            self.read = error
        return PASS


def drive_body(way: str, engine: Any, reader: Callable[[int], bytes | None]) -> Decision:
    async def async_reader(limit: int) -> bytes | None:
        return reader(limit)

    if way == "thread":
        return run(cast("Engine", engine), Facts(), reader)
    decision: Decision = in_loop(way, lambda: arun(cast("Engine", engine), Facts(), async_reader))
    return decision


@pytest.mark.parametrize("way", ["thread", *LOOPS])
@pytest.mark.parametrize("body", [b"", b"12345678", None], ids=["empty", "whole", "too large"])
def test_a_body_is_read_when_it_is_asked_for(way: str, body: bytes | None) -> None:
    """The flow gets what the reader found, None where that was too large; the reader is told the limit."""
    asked = []
    engine = Bodies()

    def reader(limit: int) -> bytes | None:
        asked.append(limit)
        return body

    assert PASS is drive_body(way, engine, reader)
    assert ([8], body) == (asked, engine.read)


@pytest.mark.parametrize("way", ["thread", *LOOPS])
def test_what_a_reader_raises_is_the_flows_to_judge(way: str) -> None:
    """A client that goes away while the body is read ends in the flow, not in the driver."""
    engine = Bodies()
    gone = ValueError("gone")

    def reader(limit: int) -> bytes | None:
        raise gone

    assert PASS is drive_body(way, engine, reader)
    assert gone is engine.read


class Broken:
    """An engine with a flow that fails for good."""

    def decide(self, request: Request) -> Generator[Effect, Any, Decision]:
        yield ReadBody(1)
        raise ZeroDivisionError


@pytest.mark.parametrize("way", ["thread", *LOOPS])
def test_a_flow_that_fails_is_not_asked_again(way: str) -> None:
    """What a flow raises itself comes out."""
    with pytest.raises(ZeroDivisionError):
        drive_body(way, Broken(), lambda limit: b"")


# load_user


class Users:
    """An async load_user of one outcome."""

    def __init__(self, outcome: Any) -> None:
        self.outcome = outcome

    async def load(self, principal: Any) -> Any:
        await anyio.lowlevel.checkpoint()
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        pytest.param({"id": 7}, None, id="user"),
        pytest.param(0, None, id="falsy user"),
        pytest.param(None, Reason.USER_REFUSED, id="none"),
        pytest.param(ZeroDivisionError("s3cret"), Reason.USER_REFUSED, id="raises"),
    ],
)
@pytest.mark.parametrize("seen", [False, True], ids=["new", "seen"])
def test_an_async_load_user_is_awaited(
    jwtmw_issuer: TestIssuer, loop: str, outcome: Any, reason: Reason | None, seen: bool
) -> None:
    """It decides on a loop only; None and an exception refuse, for a token seen before, too."""
    policy = policy_of(jwtmw_issuer, load_user=Users(outcome).load)
    request = Facts(token=jwtmw_issuer.token())
    for _ in range(2 if seen else 1):
        assert None is policy.engine.decide_now(request)
        decision = drive(loop, policy.engine, request)
    if reason is None:
        assert isinstance(decision, Allow)
        assert outcome == decision.user
    else:
        assert isinstance(decision, Deny)
        assert reason is decision.reason


def test_an_async_load_user_has_its_user_where_refusals_are_reported(jwtmw_issuer: TestIssuer) -> None:
    """Report-only awaits the user as well."""
    policy = policy_of(
        jwtmw_issuer, load_user=Users(7).load, report_only=True, rules=[{"path": "/**", "scopes": ["write"]}]
    )
    decision = drive("asyncio", policy.engine, Facts(token=jwtmw_issuer.token()))
    assert isinstance(decision, Allow)
    assert (7, Reason.SCOPE_MISSING) == (decision.user, decision.would_deny)


def test_an_async_load_user_fails_loudly_in_threads(jwtmw_issuer: TestIssuer, caplog: pytest.LogCaptureFixture) -> None:
    """That is the service's mistake, not the caller's: 500, and the log has the cure."""
    policy = policy_of(jwtmw_issuer, load_user=Users(7).load)
    decision = drive("thread", policy.engine, Facts(token=jwtmw_issuer.token()))
    assert isinstance(decision, Deny)
    assert Reason.INTERNAL is decision.reason
    assert "needs an ASGI application. Make it a plain function" in caplog.text


class Ready:
    """An awaitable that is no coroutine."""

    def __await__(self) -> Generator[Any, Any, int]:
        return 7
        yield


def test_an_awaitable_that_is_no_coroutine_is_awaited_too(jwtmw_issuer: TestIssuer) -> None:
    """Any awaitable will do on a loop; in threads none does."""

    class Load:
        async def __call__(self, principal: Any) -> Any:
            return await Ready()

    policy = policy_of(jwtmw_issuer, load_user=Load())
    decision = drive("asyncio", policy.engine, Facts(token=jwtmw_issuer.token()))
    assert isinstance(decision, Allow)
    assert 7 == decision.user


def test_threads_cannot_wait_for_any_awaitable() -> None:
    """Whatever is no flight and no body is refused by the sync driver."""

    class Waiting:
        def decide(self, request: Request) -> Flow:
            yield Wait(Ready())
            return PASS

    with pytest.raises(ValueError, match="needs an ASGI application"):
        drive_body("thread", Waiting(), no_body)
