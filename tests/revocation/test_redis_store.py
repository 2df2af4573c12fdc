"""What a list in Redis says and hears; the scripts themselves run in tests/system/revocation, in a real server."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, OutOfMemoryError, ReadOnlyError
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import TimeoutError as TooLate

from jwtmw.errors import RevocationFailed
from jwtmw.revocation import redis as module
from jwtmw.revocation.entries import Entry
from jwtmw.revocation.redis import PAGE, RedisStore
from jwtmw.revocation.shared import Cursor, Look


class Client:
    """A client whose answers a test has written down."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.calls: list[tuple[Any, ...]] = []

    def eval(self, script: str, numkeys: int, *arguments: Any) -> Any:
        assert "redis.call" in script
        self.calls.append((numkeys, *arguments))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def store(*answers: Any, timeout: float = 5.0) -> tuple[RedisStore, Client]:
    client = Client(*answers)
    return RedisStore("redis://:canary@127.0.0.1/0", "app", timeout, client=client), client


KEYS = ("{app}:data", "{app}:log", "{app}:ends", "{app}:meta")


def test_a_look_reads_what_is_new() -> None:
    """Entries, what was allowed again, and how far it has read; all keys in one slot of a cluster."""
    redis, client = store([b"m1", b"jti:a\t3\t1800000000.5 +inf\nsub:b\t4\t\niss:c\t7\t+inf 1700000000.0"])
    assert Look(
        Cursor("m1", 7),
        {"jti:a": Entry(1800000000.5, inf), "sub:b": None, "iss:c": Entry(inf, 1700000000.0)},
    ) == redis.look(Cursor("m1", 2))
    assert [(4, *KEYS, "m1", 2, PAGE)] == client.calls


def test_a_look_begins_at_the_beginning() -> None:
    """Of a memory that it does not know, and of one that is empty."""
    redis, client = store([b"", b""], [b"m2", b"jti:a\t1\t+inf +inf"])
    assert Look(Cursor("", 0), {}) == redis.look(None)
    assert Look(Cursor("m2", 1), {"jti:a": Entry(inf, inf)}) == redis.look(Cursor("m1", 9))
    assert [("", 0), ("m1", 9)] == [call[5:7] for call in client.calls]


def page(begin: int, count: int = PAGE) -> bytes:
    return "\n".join(f"jti:{number}\t{number}\t+inf +inf" for number in range(begin, begin + count)).encode()


def test_a_long_list_comes_in_pages() -> None:
    """Each begins where the last one ended."""
    redis, client = store([b"m", page(1)], [b"m", page(PAGE + 1)], [b"m", page(2 * PAGE + 1, 1)])
    look = redis.look(None)
    assert (Cursor("m", 2 * PAGE + 1), 2 * PAGE + 1) == (look.cursor, len(look.changes))
    assert [("", 0), ("m", PAGE), ("m", 2 * PAGE)] == [call[5:7] for call in client.calls]


def test_a_memory_that_changes_between_two_pages_is_read_anew() -> None:
    """What came from the other one is dropped."""
    redis, _ = store([b"m", page(1)], [b"n", b"jti:x\t1\t+inf +inf"])
    assert Look(Cursor("n", 1), {"jti:x": Entry(inf, inf)}) == redis.look(None)


def test_a_look_takes_no_longer_than_it_may() -> None:
    """Between two pages it is given up."""
    redis, _ = store([b"m", page(1)], [b"m", page(PAGE + 1)], timeout=-1.0)
    with pytest.raises(RevocationFailed, match="timed out"):
        redis.look(None)


@pytest.mark.parametrize(
    "text",
    ["?", "1", "1 2 3", "a b", "nan +inf", "+inf nan", "1,5 2"],
    ids=["lost", "one", "three", "text", "nan", "nan2", "comma"],
)
def test_an_entry_that_cannot_be_read_is_no_list(text: str) -> None:
    """It may be one that refuses somebody."""
    redis, _ = store([b"m", f"jti:a\t1\t{text}".encode()])
    with pytest.raises(RevocationFailed, match="cannot be read"):
        redis.look(None)


@pytest.mark.parametrize("answer", [[None, b""], [b"m", []], [b"m", None]], ids=repr)
def test_an_answer_of_another_kind_is_no_list(answer: Any) -> None:
    """Something else than our script has answered."""
    redis, _ = store(answer)
    with pytest.raises(RevocationFailed, match="something else"):
        redis.look(None)


@pytest.mark.parametrize(
    ("error", "cure"),
    [
        (Disconnected("canary"), "check revocation.url, and that the server is up"),
        (TooLate("canary"), "check revocation.url, and that the server is up"),
        (OSError("canary"), "check revocation.url, and that the server is up"),
        (AuthenticationError("canary"), "check user and password of revocation.url"),
        (NoPermissionError("canary"), "its user must be allowed eval, on the keys that begin with revocation.key"),
        (OutOfMemoryError("canary"), "its memory is full"),
        (ReadOnlyError("canary"), "it is a replica; name the primary in revocation.url"),
    ],
)
def test_a_failure_is_told_by_its_kind_alone_and_what_to_do(error: Exception, cure: str) -> None:
    """The address may hold a password, and a message what the server said."""
    redis, _ = store(error, error)
    for call in (lambda: redis.look(None), lambda: redis.keep("jti:a", None, 5.0, 9)):
        with pytest.raises(RevocationFailed) as caught:
            call()
        assert f"the store does not answer: {type(error).__name__}; {cure}" == caught.value.reason
        assert "canary" not in f"{caught.value!r} {caught.value.__context__!r} {caught.value.__cause__!r} {redis!r}"


def test_what_is_kept() -> None:
    """When it ends, and whom it refuses; what is allowed again is told for a day."""
    redis, client = store(1, 1, 1)
    redis.keep("jti:a", Entry(1800000300.5, inf), 1800000000.0, 9)
    redis.keep("iss:b", Entry(inf, 1700000000.0), 1800000000.0, 9)
    redis.keep("jti:a", None, 1800000000.0, 9)
    assert [
        ("jti:a", "1800000300.5 +inf", "1800000300.5", "1800000000.0", 9),
        ("iss:b", "+inf 1700000000.0", "+inf", "1800000000.0", 9),
        ("jti:a", "", "1800086400.0", "1800000000.0", 9),
    ] == [(*call[5:9], call[10]) for call in client.calls]
    assert 3 == len({call[9] for call in client.calls}), "each offers a name of its own for a new memory"


def test_a_list_that_is_full_takes_no_more() -> None:
    """Whoever revokes hears of it."""
    redis, _ = store(0)
    with pytest.raises(RevocationFailed, match="full"):
        redis.keep("jti:a", Entry(), 5.0, 9)


def test_the_client_never_waits_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connecting and answering are bounded; a connection that was closed is replaced once."""
    made: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(Redis, "from_url", lambda url, **keys: made.append((url, keys)))
    RedisStore("unix:///run/redis.sock", "app", 2.5)
    ((url, keys),) = made
    retry = keys.pop("retry")
    assert ("unix:///run/redis.sock", {"socket_timeout": 2.5, "socket_connect_timeout": 2.5}) == (url, keys)
    assert [1, (Disconnected,)] == [retry._retries, retry._supported_errors]
    assert module.TOLD_SECONDS > 3600
