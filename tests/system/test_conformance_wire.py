"""The conformance table over real sockets, every case byte for byte on the wire."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from starlette.applications import Starlette

from tests.conformance.cases import CASES
from tests.conformance.checks import run_everywhere
from tests.conformance.drivers import DRIVERS
from tests.conformance.report import skips
from tests.conformance.schema import Answer, Case, Request, bearer, passes
from tests.conformance.tokens import ALICE, EXPIRED, GOOD, token
from tests.conformance.world import World
from tests.system import wire

pytestmark = pytest.mark.system
WIRED = [DRIVERS[name] for name in ("uvicorn-h11", "uvicorn-httptools")]


def _is_refused_by_the_server(case: Case) -> bool:
    """A refusal that servers may reach before us; not where what they make of the bytes is an honest good request."""
    reason = wire.cannot_httptools(case) or ""
    if case.expect.passes or not reason.startswith("the server") or b"public" in case.request.target:
        return False
    line = "method" in reason or "target" in reason
    return "control characters" in reason or (line and not case.request.headers)


@pytest.fixture(scope="module", autouse=True)
def _servers() -> Iterator[None]:
    yield
    wire.SERVERS.close()


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """A world of its own."""
    world = World()
    yield world
    world.close()


@pytest.mark.parametrize("case", [case for case in CASES if wire.cannot(case) is None], ids=lambda case: case.id)
def test_case(case: Case, world: World, record_property: Callable[[str, object], None]) -> None:
    """The case ends over the wire as it does in process, with both parsers, byte for byte alike."""
    failures = run_everywhere(case, [DRIVERS["starlette"], *WIRED], world, record_property, twice=False)
    if failures:
        pytest.fail("\n\n".join(failures), pytrace=False)


ALTERNATING = (
    ((bearer(GOOD),), 200, ALICE),
    ((), 401, None),
    ((bearer(token(sub="bob-77aa")),), 200, "bob-77aa"),
    ((bearer(EXPIRED),), 401, None),
    ((bearer(GOOD), bearer(GOOD)), 400, None),
)


@pytest.mark.parametrize("http", ["h11", "httptools"])
def test_requests_of_one_connection_know_nothing_of_each_other(http: str, world: World) -> None:
    """A hundred requests on one connection, good and bad in turn: each gets its own answer and its own caller."""
    case = Case("keep-alive", Request(), passes(), app="routes")
    seen = world.play(f"keep-alive-{http}", case, wire.builder(world), lambda app, _: _converse(http, app, world))
    assert b"as it should be" == seen.body


def _converse(http: str, app: Starlette, world: World) -> Answer:
    server = wire.SERVERS.get(http)
    with server.serving(app, world) as connection:
        for headers, status, caller in ALTERNATING * 20:
            world.ledger.clear()
            request = Request(target=b"/plain", headers=(*headers, (b"Connection", b"keep-alive")))
            connection.sendall(wire.octets(request))
            assert (status, caller) == (wire.read(connection, request).status, world.ledger.caller)
    world.ledger.clear()
    return Answer(200, [], b"as it should be")


def test_most_of_the_table_is_sent() -> None:
    """What is left out has a reason, and is the smaller part."""
    for driver in WIRED:
        left_out = {case: reason for (name, case), reason in skips().items() if name == driver.name}
        assert [] == [case for case, reason in left_out.items() if len(reason.split()) < 4]
        assert len(left_out) < len(CASES) / 4


@pytest.mark.parametrize("case", [case for case in CASES if _is_refused_by_the_server(case)], ids=lambda case: case.id)
def test_what_the_server_keeps_to_itself(case: Case, world: World) -> None:
    """Bytes that a server refuses, repairs or reads in its own way never bring a caller further than elsewhere."""
    for driver in WIRED:
        answer = driver.drive(case, world)
        assert (False, 0) == (answer.reached, answer.dependencies), f"{driver.name} answered {answer.status}"
