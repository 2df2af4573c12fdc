"""The cache of verified tokens: bounded in entries and bytes, and never wrong about whose entry it is."""

from __future__ import annotations

import sys
from hashlib import sha256
from threading import Thread
from typing import Any

import pytest

from jwtmw.token.cache import BYTES_PER_TOKEN_BYTE, ENTRY_BYTES, Entry, TokenCache
from jwtmw.token.locate import Place
from jwtmw.token.principal import ANONYMOUS
from tests.token.made import issuer

BEARER = Place("header", "Authorization", "Bearer")


def digest(number: int) -> bytes:
    return sha256(b"%d" % number).digest()


def entry(weight: int = 500) -> Entry:
    key: Any = None
    return Entry(ANONYMOUS, issuer(), key, 1, BEARER, 0.0, 60.0, weight)


def filled(size: int, count: int, **limits: int) -> TokenCache:
    cache = TokenCache(size, 300, **limits)
    for number in range(count):
        cache.put(digest(number), entry())
    return cache


def test_an_entry_is_found_by_its_digest_alone():
    """What was put in is given back as it is, and for no other digest."""
    cache, kept = TokenCache(10, 300), entry()
    cache.put(digest(1), kept)
    assert kept is cache.get(digest(1))
    assert None is cache.get(digest(2))
    assert None is cache.get(digest(1)[:20])
    assert ("corp", 1, BEARER, 0.0, 60.0) == (
        kept.issuer.name,
        kept.generation,
        kept.place,
        kept.not_before,
        kept.not_after,
    )


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 10, 100])
def test_entries_never_exceed_the_size(size):
    """However many tokens come by, at most `size` are kept, and the newest is among them."""
    cache = TokenCache(size, 300)
    for number in range(5 * size):
        cache.put(digest(number), entry())
        cache.get(digest(number // 2))
        cache.put(digest(number), entry())
        assert len(cache) <= size
        assert cache.get(digest(number)) is not None


def test_size_0_keeps_nothing():
    """With size 0 the cache is off."""
    cache = filled(0, 3)
    assert 0 == len(cache)
    assert None is cache.get(digest(0))


def test_what_is_asked_for_stays():
    """A token that is used survives any number of new ones; one that is not is forgotten."""
    cache = filled(10, 1)
    cache.put(digest(1000), entry())
    for number in range(1, 100):
        cache.put(digest(number), entry())
        assert cache.get(digest(0)) is not None
    assert None is cache.get(digest(1000))


def test_bytes_are_bounded():
    """As many entries as the bytes allow are kept, whatever the size."""
    each = ENTRY_BYTES + BYTES_PER_TOKEN_BYTE * 500
    cache = TokenCache(10_000, 300, max_bytes=20 * each)
    for number in range(200):
        cache.put(digest(number), entry())
        assert len(cache) <= 20
    assert 10 <= len(cache)


def test_one_entry_cannot_take_all_memory():
    """An entry larger than half of the memory is not kept, and evicts nothing."""
    cache = filled(100, 3, max_bytes=40_000)
    cache.put(digest(9), entry(weight=40_000))
    assert None is cache.get(digest(9))
    assert 3 == len(cache)


def test_an_entry_is_replaced():
    """A token verified anew, under a new key, replaces its entry in either generation."""
    cache = filled(4, 3)
    for number in (0, 2):
        newer = entry()
        cache.put(digest(number), newer)
        assert newer is cache.get(digest(number))
    assert len(cache) <= 4


def test_discard():
    """A discarded token is forgotten in either generation; to discard an unknown one is no error."""
    cache = filled(4, 4)
    for number in (0, 3, 99):
        cache.discard(digest(number))
        assert None is cache.get(digest(number))
    assert 2 == len(cache)


def test_discarding_gives_the_bytes_back():
    """Tokens that come and are discarded do not push out one that stays."""
    each = ENTRY_BYTES + BYTES_PER_TOKEN_BYTE * 500
    cache = TokenCache(100, 300, max_bytes=8 * each)
    cache.put(digest(0), entry())
    for number in range(1, 50):
        cache.put(digest(number), entry())
        cache.discard(digest(number))
    assert cache.get(digest(0)) is not None


def test_clear():
    """A cleared cache is empty and goes on working."""
    cache = filled(4, 4)
    cache.clear()
    assert 0 == len(cache)
    cache.put(digest(1), entry())
    assert cache.get(digest(1)) is not None


def test_threads_share_the_cache():
    """Threads that put, get and discard at once never get another token's entry, and the bound holds after them."""
    cache, wrong = TokenCache(64, 300), []

    def work(start: int) -> None:
        for step in range(4000):
            number = (start * 37 + step) % 200
            found = cache.get(digest(number))
            if found is None:
                cache.put(digest(number), entry(number))
            elif found.weight != number:
                wrong.append(number)
            if step % 50 == 0:
                cache.discard(digest(number))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [Thread(target=work, args=(start,)) for start in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert [] == wrong
    assert len(cache) <= 64 + len(threads)
