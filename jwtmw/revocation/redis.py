"""The deny-list of a fleet in Redis or Valkey.

Four keys below one prefix: `data` (hash: entry), `log` (sorted set: the change that the entry is of), `ends` (sorted
set: when it is forgotten) and `meta` (hash: the number of changes, and the name of this memory). The prefix is a hash
tag, so that a cluster keeps them together. Each step is one script: nobody sees half of a change.

Owns: how entries are spelt there, and that past ones are dropped with each new one.
Must never know: whose entries these are, threads, how a server is reached.
"""

from __future__ import annotations

from math import inf, isnan, nan
from secrets import token_hex
from time import monotonic
from typing import Any

from jwtmw.errors import RevocationFailed
from jwtmw.revocation.entries import Entry
from jwtmw.revocation.shared import Cursor, Look
from jwtmw.stores import problem_of, redis_client

# What was allowed again is told for so long; a copy that has not looked since then begins at the beginning anyway.
TOLD_SECONDS = 86_400
# So many entries come with one step of a look: a script holds up everybody else.
PAGE = 5_000

_KEEP = """
local data, log, ends, meta = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local key, text, ending, now, memory, most = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
redis.call('HSETNX', meta, 'memory', memory)
for _, past in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', now, 'LIMIT', 0, 1000)) do
  redis.call('HDEL', data, past)
  redis.call('ZREM', log, past)
  redis.call('ZREM', ends, past)
end
local old = redis.call('HGET', data, key)
if not old and text ~= '' and redis.call('HLEN', data) >= most then return 0 end
local function later(a, b)
  if a == '+inf' or b == '+inf' then return '+inf' end
  return tonumber(a) > tonumber(b) and a or b
end
local till, issued = string.match(old or '', '^(%S+) (%S+)$')
if text ~= '' and till and later(till, now) ~= now then
  local new_till, new_issued = string.match(text, '^(%S+) (%S+)$')
  ending = later(till, new_till)
  text = ending .. ' ' .. later(issued, new_issued)
end
redis.call('HSET', data, key, text)
redis.call('ZADD', log, redis.call('HINCRBY', meta, 'changes', 1), key)
redis.call('ZADD', ends, ending, key)
return 1
"""

_LOOK = """
local data, log, meta = KEYS[1], KEYS[2], KEYS[4]
local memory, position = redis.call('HGET', meta, 'memory') or '', ARGV[2]
if ARGV[1] ~= memory then position = '0' end
local changed = redis.call('ZRANGEBYSCORE', log, '(' .. position, '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[3])
local texts = {}
if #changed > 0 then
  local keys = {}
  for index = 1, #changed, 2 do keys[#keys + 1] = changed[index] end
  texts = redis.call('HMGET', data, unpack(keys))
end
local rows = {}
for index, text in ipairs(texts) do
  rows[index] = changed[2 * index - 1] .. '\\t' .. changed[2 * index] .. '\\t' .. (text or '?')
end
return {memory, table.concat(rows, '\\n')}
"""


class RedisStore:
    """One list under the prefix `key` of the server at `url`; no call takes much longer than `timeout` seconds.

    Raises `ImportError` without redis-py: `pip install "jwtmw[redis]"`.
    """

    def __init__(self, url: str, key: str, timeout: float, *, client: Any = None) -> None:
        self._keys = [f"{{{key}}}:{part}" for part in ("data", "log", "ends", "meta")]
        self._timeout = timeout
        self._client = redis_client(url, timeout) if client is None else client

    def __repr__(self) -> str:
        return "RedisStore(...)"

    def look(self, since: Cursor | None) -> Look:
        """As `Store` says."""
        deadline = monotonic() + self._timeout
        cursor, changes = since or Cursor("", 0), dict[str, Entry | None]()
        while True:
            memory, page = self._run(_LOOK, cursor.memory, cursor.position, PAGE)
            if not isinstance(memory, bytes) or not isinstance(page, bytes):
                raise RevocationFailed("the store answers with something else")
            if memory.decode() != cursor.memory:
                cursor, changes = Cursor(memory.decode(), 0), {}
            # One text for a page: a hundred thousand small answers would take the client seconds.
            rows = [row.split("\t") for row in page.decode().splitlines()]
            for key, _, text in rows:
                changes[key] = _read(text)
            if rows:
                cursor = cursor._replace(position=int(rows[-1][1]))
            if len(rows) < PAGE:
                return Look(cursor, changes)
            if monotonic() > deadline:
                raise RevocationFailed("timed out")

    def keep(self, key: str, entry: Entry | None, now: float, most: int) -> None:
        """As `Store` says."""
        ending = now + TOLD_SECONDS if entry is None else entry.until
        kept = self._run(_KEEP, key, _spelt(entry), _number(ending), _number(now), token_hex(16), most)
        if kept != 1:
            raise RevocationFailed("the list is full; give entries an end, or raise max_entries")

    def _run(self, script: str, *arguments: Any) -> Any:
        try:
            return self._client.eval(script, len(self._keys), *self._keys, *arguments)
        except Exception as error:  # noqa: BLE001 (the client's own errors, and those of sockets)
            problem = problem_of(error, "revocation", "eval")
        raise RevocationFailed(problem)


def _number(seconds: float) -> str:
    return "+inf" if seconds == inf else repr(seconds)


def _spelt(entry: Entry | None) -> str:
    return "" if entry is None else f"{_number(entry.until)} {_number(entry.issued_before)}"


def _read(text: str) -> Entry | None:
    if not text:
        return None
    try:
        until, issued_before = map(float, text.split(" "))
    except ValueError:
        until = issued_before = nan
    if isnan(until) or isnan(issued_before):
        raise RevocationFailed("an entry of the store cannot be read")
    return Entry(until, issued_before)
