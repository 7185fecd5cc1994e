"""The store of several servers: Redis, with the reservation as one Lua script.

Keys below the prefix: ``entries`` (hash: call id to entry as JSON), ``token`` (counter), ``agent:<id>`` and
``call:<id>`` (the token that reserves them, expiring with the lease), ``offer:<token>`` (whom it reserves).
"""

import json
from collections.abc import Awaitable
from datetime import datetime
from typing import TypeVar

from redis.asyncio import Redis
from redis.exceptions import RedisError

from acd.routing import QueueEntry
from acd.store.port import StoreError
from switchroom.domain.contact import Requirements, Tier, Waiting
from switchroom.domain.ids import AgentId, CallId, QueueName

T = TypeVar("T")

ENQUEUE = """
redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])
return redis.call('HGET', KEYS[1], ARGV[1])
"""

RESERVE = """
local entries, counter, agent, call, offers = KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[4]
if redis.call('EXISTS', agent) + redis.call('EXISTS', call) > 0 then return false end
if redis.call('HEXISTS', entries, ARGV[1]) == 0 then return false end
local token = redis.call('INCR', counter)
redis.call('SET', agent, token, 'PX', ARGV[3])
redis.call('SET', call, token, 'PX', ARGV[3])
redis.call('SET', offers .. token, agent .. '\\n' .. call, 'PX', ARGV[3])
return token
"""

RELEASE = """
local held = redis.call('GET', KEYS[1])
if not held then return 0 end
redis.call('DEL', KEYS[1])
for key in string.gmatch(held, '[^\\n]+') do
  if redis.call('GET', key) == ARGV[1] then redis.call('DEL', key) end
end
return 1
"""

REMOVE = """
local token = redis.call('GET', KEYS[2])
if token then
  local held = redis.call('GET', ARGV[2] .. token)
  if held then
    for key in string.gmatch(held, '[^\\n]+') do
      if redis.call('GET', key) == token then redis.call('DEL', key) end
    end
    redis.call('DEL', ARGV[2] .. token)
  end
end
return redis.call('HDEL', KEYS[1], ARGV[1])
"""


class RedisStore:
    """`acd.store.port.Store` on Redis 6 or newer."""

    def __init__(self, url: str, *, prefix: str = "switchroom:acd:", timeout_s: float = 2.0) -> None:
        self._redis = Redis.from_url(
            url, decode_responses=True, socket_timeout=timeout_s, socket_connect_timeout=timeout_s
        )
        self._prefix = prefix
        self._enqueue = self._redis.register_script(ENQUEUE)
        self._reserve = self._redis.register_script(RESERVE)
        self._release = self._redis.register_script(RELEASE)
        self._remove = self._redis.register_script(REMOVE)

    async def enqueue(self, entry: QueueEntry) -> QueueEntry:
        kept = await _asked(self._enqueue([self._key("entries")], [entry.call_id, _dump(entry)]))
        return _load(kept)

    async def remove(self, call_id: CallId) -> bool:
        keys = [self._key("entries"), self._key("call", call_id)]
        return bool(await _asked(self._remove(keys, [call_id, self._key("offer", "")])))

    async def entries(self) -> list[QueueEntry]:
        return [_load(str(text)) for text in await _asked(self._redis.hvals(self._key("entries")))]

    async def reserve(self, agent_id: AgentId, call_id: CallId, lease_s: float) -> int | None:
        keys = [self._key("entries"), self._key("token"), self._key("agent", agent_id), self._key("call", call_id)]
        token = await _asked(self._reserve(keys, [call_id, agent_id, int(lease_s * 1000), self._key("offer", "")]))
        return None if token is None else int(token)

    async def release(self, token: int) -> bool:
        return bool(await _asked(self._release([self._key("offer", str(token))], [str(token)])))

    async def ping(self) -> None:
        """Raise StoreError unless Redis answers."""
        await _asked(self._redis.ping())

    async def close(self) -> None:
        await self._redis.aclose()

    def _key(self, *parts: str) -> str:
        return self._prefix + ":".join(parts)


async def _asked(answer: Awaitable[T]) -> T:
    try:
        return await answer
    except (RedisError, OSError) as error:
        raise StoreError(f"Redis: {error}") from error


def _dump(entry: QueueEntry) -> str:
    needs = entry.waiting.requirements
    return json.dumps(
        {
            "call_id": entry.call_id,
            "queue": needs.queue,
            "skills": dict(needs.skills),
            "tier": needs.tier,
            "enqueued_at": entry.waiting.enqueued_at.isoformat(),
            "key": entry.key,
        }
    )


def _load(text: str) -> QueueEntry:
    found = json.loads(text)
    needs = Requirements(QueueName(found["queue"]), found["skills"], Tier(found["tier"]))
    waiting = Waiting(needs, datetime.fromisoformat(found["enqueued_at"]))
    return QueueEntry(CallId(found["call_id"]), waiting, found["key"])
