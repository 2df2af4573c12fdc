"""The scripts of the list in Redis, in a real server."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from math import inf

import pytest
from redis import Redis

from jwtmw.errors import RevocationFailed
from jwtmw.revocation.entries import Entry
from jwtmw.revocation.redis import PAGE, TOLD_SECONDS, RedisStore
from jwtmw.revocation.shared import Cursor
from tests.system.revocation.server import RedisServer

pytestmark = pytest.mark.system

NOW = 1_800_000_000.0
FOR_EVER = Entry(inf, inf)


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer(durable=False) as server:
        yield server


@pytest.fixture
def client(server: RedisServer) -> Iterator[Redis]:
    with Redis.from_url(server.url) as client:
        yield client
        client.flushall()


@pytest.fixture
def store(server: RedisServer, client: Redis) -> RedisStore:
    return RedisStore(server.url, "jwtmw:revoked", 10.0)


def test_an_empty_server_has_an_empty_list(store: RedisStore) -> None:
    """And no memory yet."""
    assert (Cursor("", 0), {}) == tuple(store.look(None))


def test_entries_travel_whole_and_only_the_news_is_told(store: RedisStore) -> None:
    """Whatever instants they have."""
    store.keep("jti:a", Entry(NOW + 0.125, inf), NOW, 9)
    store.keep("sub:b", Entry(inf, NOW - 3.5), NOW, 9)
    first = store.look(None)
    assert {"jti:a": Entry(NOW + 0.125, inf), "sub:b": Entry(inf, NOW - 3.5)} == first.changes
    assert {} == store.look(first.cursor).changes
    store.keep("iss:c", FOR_EVER, NOW, 9)
    store.keep("jti:a", None, NOW, 9)
    second = store.look(first.cursor)
    assert {"iss:c": FOR_EVER, "jti:a": None} == second.changes
    assert (first.cursor.memory, 4) == second.cursor
    assert {"jti:a": None, "sub:b": Entry(inf, NOW - 3.5), "iss:c": FOR_EVER} == store.look(None).changes


def test_past_entries_are_dropped_with_the_next_one(store: RedisStore, client: Redis) -> None:
    """Nothing of them is left; what was allowed again is told for a day."""
    store.keep("jti:a", Entry(NOW + 10, inf), NOW, 9)
    store.keep("jti:b", None, NOW, 9)
    store.keep("jti:c", FOR_EVER, NOW + 11, 9)
    assert {"jti:b": None, "jti:c": FOR_EVER} == store.look(None).changes
    store.keep("jti:d", FOR_EVER, NOW + TOLD_SECONDS + 1, 9)
    assert {"jti:c": FOR_EVER, "jti:d": FOR_EVER} == store.look(None).changes
    keys = sorted(client.keys())
    assert [b"{jwtmw:revoked}:" + part for part in (b"data", b"ends", b"log", b"meta")] == keys
    assert [2, 2, 2] == [client.hlen(keys[0]), client.zcard(keys[1]), client.zcard(keys[2])]


def test_a_full_list_takes_no_more_but_changes(store: RedisStore) -> None:
    """What stands there can still be changed, and what is past makes room."""
    store.keep("jti:a", Entry(NOW + 10, inf), NOW, 2)
    store.keep("jti:b", FOR_EVER, NOW, 2)
    with pytest.raises(RevocationFailed, match="full"):
        store.keep("jti:c", FOR_EVER, NOW, 2)
    store.keep("jti:d", None, NOW, 2)
    store.keep("jti:b", None, NOW, 2)
    store.keep("jti:b", Entry(NOW + 99, inf), NOW, 2)
    assert {"jti:d": None, "jti:a": Entry(NOW + 10, inf), "jti:b": Entry(NOW + 99, inf)} == store.look(None).changes
    store.keep("jti:c", FOR_EVER, NOW + 10, 3)
    assert {"jti:d": None, "jti:b": Entry(NOW + 99, inf), "jti:c": FOR_EVER} == store.look(None).changes


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        (Entry(inf, inf), Entry(NOW + 9, inf), Entry(inf, inf)),
        (Entry(NOW + 9, inf), Entry(inf, inf), Entry(inf, inf)),
        (Entry(NOW + 99.5, inf), Entry(NOW + 9, inf), Entry(NOW + 99.5, inf)),
        (Entry(inf, NOW - 5), Entry(inf, NOW - 50.25), Entry(inf, NOW - 5)),
        (Entry(NOW + 9, NOW - 50.25), Entry(NOW + 5, NOW - 5), Entry(NOW + 9, NOW - 5)),
        (Entry(NOW - 1, inf), Entry(NOW + 9, NOW - 5), Entry(NOW + 9, NOW - 5)),
        (None, Entry(NOW + 9, NOW - 5), Entry(NOW + 9, NOW - 5)),
        (Entry(inf, inf), None, None),
    ],
    ids=str,
)
def test_what_is_kept_once_more_takes_nothing_back(
    store: RedisStore, client: Redis, first: Entry | None, second: Entry | None, kept: Entry | None
) -> None:
    """The later of both instants counts; only what is past, or was allowed again, is replaced."""
    store.keep("sub:a", first, NOW - 10, 9)
    store.keep("sub:a", second, NOW, 9)
    assert {"sub:a": kept} == store.look(None).changes
    ends = NOW + TOLD_SECONDS if kept is None else kept.until
    assert [(b"sub:a", ends)] == client.zrange("{jwtmw:revoked}:ends", 0, -1, withscores=True)


def test_a_long_list_is_read_in_pages(store: RedisStore) -> None:
    """Whole, however many there are."""
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: store.keep(f"jti:{number}", FOR_EVER, NOW, 10**6), range(PAGE + 7)))
    look = store.look(None)
    assert (PAGE + 7, PAGE + 7) == (len(look.changes), look.cursor.position)


def test_two_lists_do_not_meet(server: RedisServer, store: RedisStore) -> None:
    """Each fleet has a prefix of its own."""
    store.keep("jti:a", FOR_EVER, NOW, 9)
    assert {} == RedisStore(server.url, "other", 10.0).look(None).changes


def test_a_server_that_was_emptied_has_another_memory(store: RedisStore, client: Redis) -> None:
    """Whoever looks from a cursor of before is told everything of the new one."""
    store.keep("jti:a", FOR_EVER, NOW, 9)
    before = store.look(None).cursor
    client.flushall()
    assert (Cursor("", 0), {}) == tuple(store.look(before))
    store.keep("jti:b", FOR_EVER, NOW, 9)
    look = store.look(before)
    assert ({"jti:b": FOR_EVER}, True) == (look.changes, look.cursor.memory != before.memory)


def test_a_wrong_password_is_a_failure(server: RedisServer) -> None:
    """Told by its kind alone, and what to do."""
    with pytest.raises(RevocationFailed) as caught:
        RedisStore(server.url.replace("pass-word", "canary"), "jwtmw:revoked", 2.0).look(None)
    cure = "check user and password of revocation.url"
    assert f"the store does not answer: AuthenticationError; {cure}" == caught.value.reason
