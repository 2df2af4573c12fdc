"""What every answer must be, whatever its case is about.

Owns: the judgement of an answer against the case's expectation and what holds for every refusal.
Must never know: drivers, the engine.
"""

from __future__ import annotations

import base64
import functools
import json
import re
import traceback
from collections.abc import Callable, Iterable
from urllib.parse import unquote_to_bytes

from tests.conformance.drivers.registry import Driver
from tests.conformance.policies import POLICIES
from tests.conformance.report import NOTE
from tests.conformance.schema import SOON, Answer, Case, Request
from tests.conformance.world import World, reason_of

# What callers on every surface must be able to rely on.
COMPARED = (
    b"www-authenticate", b"content-type", b"content-length", b"cache-control", b"retry-after",
)  # fmt: skip
PROBLEM = {"type", "title", "status", "detail", "code"}


def run_everywhere(
    case: Case, drivers: Iterable[Driver], world: World, note: Callable[[str, object], None], *, twice: bool = True
) -> list[str]:
    """Run one case through these drivers; what went wrong, driver by driver, and where two of them differ.

    `twice`: the case is sent again, to a token cache that knows its token now.
    """
    failures: list[str] = []
    answers: dict[str, dict[str, object]] = {}
    for driver in drivers:
        if driver.cannot(case) is not None:
            continue
        try:
            answer = check(case, driver, world, twice)
        except Exception as error:  # noqa: BLE001 (whatever it is, the other drivers have their turn)
            failures.append(f"{driver.name}: {''.join(traceback.format_exception(error, limit=-4))}")
            note(NOTE, (driver.name, case.id, "failed"))
        else:
            note(NOTE, (driver.name, case.id, "passed"))
            # Only a refusal is jwtmw's own answer; what the application says is the application's.
            if not case.expect.passes:
                answers[driver.name] = shown(answer, case)
    if len({repr(answer) for answer in answers.values()}) > 1:
        failures.append(f"the drivers differ: {answers}")
    return failures


def check(case: Case, driver: Driver, world: World, twice: bool) -> Answer:
    """Run one case through one driver and judge the answer; a second time, the verdict must be the same."""
    answer = judge(case, driver, driver.drive(case, world), world)
    if twice and not (case.before or case.at or case.fresh):
        again = judge(case, driver, driver.drive(case, world), world)
        assert shown(answer, case) == shown(again, case)
    return answer


def judge(case: Case, driver: Driver, answer: Answer, world: World) -> Answer:
    if case.expect.passes:
        _passed(case, driver, answer, world)
    else:
        _refused(case, answer)
    _counted(case, answer)
    if case.expect.fetches is not None:
        assert case.expect.fetches == answer.fetches, "requests to the key server"
    return answer


def shown(answer: Answer, case: Case) -> dict[str, object]:
    """What drivers are compared by."""
    jitter = (b"retry-after",) if case.expect.retry_after == SOON else ()
    headers = {name: answer.header(name) for name in COMPARED if name not in jitter}
    return {
        "status": answer.status,
        "close": answer.close,
        "body": answer.body,
        **{str(k): v for k, v in headers.items()},
    }


def _counted(case: Case, answer: Answer) -> None:
    reason, reported = reason_of(answer.counted)
    refusal = not case.expect.passes or case.expect.reported
    assert (refusal, case.expect.reported) == (reason is not None, reported), f"counted as {dict(answer.counted)}"
    if case.expect.reason is not None:
        assert case.expect.reason == reason, f"counted as {dict(answer.counted)}"


def _passed(case: Case, driver: Driver, answer: Answer, world: World) -> None:
    if case.expect.caller is not None and (answer.reached or not driver.has_app):
        assert case.expect.caller == answer.caller, "the caller that the endpoint saw"
    if not driver.has_app:
        assert answer.status == 200, f"refused with {answer.status}: {answer.body!r} {answer.counted}"
        return
    _found(case, answer)
    if answer.took is not None:
        assert case.request.body == answer.took, "the body that the application read"
    bare = world.bare(driver.name, case, driver.drive)
    assert bare.reached == answer.reached, f"{answer.status} {answer.counted}"
    assert bare.dependencies == answer.dependencies
    assert bare.status == answer.status
    assert bare.body == answer.body
    if case.request.websocket:
        _accepted(case, bare, answer)
    elif case.expect.no_store:
        kept = [pair for pair in bare.headers if pair[0] != b"cache-control"]
        assert sorted([*kept, (b"cache-control", b"no-store")]) == sorted(answer.headers)
    else:
        assert bare.headers == answer.headers


def _found(case: Case, answer: Answer) -> None:
    """What the application found in the headers that the case names, in every spelling, and in the query."""
    if not case.expect.sees and case.expect.query is None:
        return
    assert answer.found is not None, "the driver's application must tell what it found: ledger.find, find_environ"
    for name, value in case.expect.sees.items():
        spelt = [line[1] for line in answer.found if re.sub(rb"[^a-z0-9]", b"-", line[0].lower()) == name.encode()]
        assert ([] if value is None else [value]) == spelt, f"the application found {name}: {spelt}"
    if case.expect.query is not None:
        assert case.expect.query == answer.query, "the query that the application found"


def _accepted(case: Case, bare: Answer, answer: Answer) -> None:
    chosen = answer.header(b"sec-websocket-protocol")
    if case.expect.offered is None:
        assert bare.header(b"sec-websocket-protocol") == chosen
        return
    assert case.expect.subprotocol == chosen
    assert case.expect.offered == answer.offered
    for word in _words(case.request):
        assert len(word) < 40 or word not in answer.seen.encode("latin-1"), "the application saw the token"


def _refused(case: Case, answer: Answer) -> None:
    expect = case.expect
    inside = {"endpoint": answer.reached, "dependencies": answer.dependencies}
    inside["body"] = answer.body_read and not expect.reads
    assert inside == {"endpoint": False, "dependencies": 0, "body": False}
    if expect.close is not None:
        assert (expect.close, b"", []) == (answer.close, answer.body, answer.headers)
        return
    assert (expect.status, expect.challenge) == (answer.status, answer.header(b"www-authenticate")), answer.counted
    assert answer.header(b"cache-control") == b"no-store"
    assert (expect.content_type or None) == answer.header(b"content-type")
    _check_retry_after(expect.retry_after, answer.header(b"retry-after"))
    _check_body(case, answer)
    _check_echo(case, answer)


def _check_retry_after(expected: bytes | None, found: bytes | None) -> None:
    if expected == SOON:
        assert found is not None
        assert 1 <= int(found) <= 60
    else:
        assert expected == found


def _check_body(case: Case, answer: Answer) -> None:
    assert len(answer.body) <= 1024
    length = answer.header(b"content-length")
    if case.request.method == "HEAD":
        assert answer.body == b""
        assert length is not None
        assert (int(length) > 0) is bool(case.expect.content_type), "HEAD has the headers that GET would have"
        return
    assert length == str(len(answer.body)).encode()
    if case.expect.body is not None:
        assert case.expect.body == answer.body
        return
    style = POLICIES[case.policy].keys.get("error_format", "problem")
    members = json.loads(answer.body)
    exposed = {"reason"} if POLICIES[case.policy].keys.get("expose_reason") else set()
    if exposed:
        assert case.expect.reason is not None
        assert case.expect.reason.value == members["reason"]
    if style == "problem":
        assert members.keys() == PROBLEM | exposed
        assert (members["type"], members["status"]) == ("about:blank", case.expect.status)
        assert case.expect.code is not None
        assert members["code"] == case.expect.code.value
    elif style == "edgex":
        assert members.keys() == {"apiVersion", "message", "statusCode"}
        assert members["statusCode"] == case.expect.status
    else:
        assert members.keys() == {"message"}


def _check_echo(case: Case, answer: Answer) -> None:
    """Nothing of what was sent comes back: token, kid, claims, path, method."""
    text = answer.body + b"\n" + b"\n".join(name + b": " + value for name, value in answer.headers)
    for fragment in _fragments(case.request):
        assert fragment not in text, "the answer echoes the request"


@functools.cache
def _fragments(request: Request) -> frozenset[bytes]:
    """Pieces of the request that are long enough not to stand in an answer by chance."""
    words = _words(request)
    inner = {piece for word in words for piece in _inside(word)}
    whole = {request.target, unquote_to_bytes(request.target), request.method.encode()}
    return frozenset(piece for piece in words | inner | whole if len(piece) >= 10)


def _words(request: Request) -> set[bytes]:
    values = [value for name, value in request.headers if name not in (b"host", b"content-type", b"connection")]
    return {word for value in [*values, request.target] for word in re.split(rb"[,;&=?/ \t]", value)}


def _inside(word: bytes) -> list[bytes]:
    """What the segments of a token say: kid, claims and header values, as text; scopes may be named by a challenge."""
    pieces: list[bytes] = []
    for segment in word.split(b".")[:2]:
        try:
            members = json.loads(base64.urlsafe_b64decode(segment + b"=" * (-len(segment) % 4)))
        except (ValueError, RecursionError):
            continue
        if isinstance(members, dict):
            kept = {k: v for k, v in members.items() if k not in ("scope", "scp", "permissions")}
            pieces += [value.encode("utf-8", "replace") for value in kept.values() if isinstance(value, str)]
    return pieces
