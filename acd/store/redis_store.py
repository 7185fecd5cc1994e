"""The store of several servers: Redis, with the reservation as one Lua script.

Keys below the prefix: ``servers`` (set of names), ``entries:<server>`` (hash: contact id to entry as JSON), ``token``
(counter), ``agent:<id>`` and ``contact:<id>`` (the token that reserves them, expiring with the lease; of an agent who
is engaged ``held by <server>``), ``offer:<token>`` (the two that it reserves), ``offers:<server>`` (set of a server's
tokens). A server's own keys end `SERVER_LIVES_S` after it wrote last: what a server that died has left does not stay.
"""

import json
from collections.abc import Awaitable, Sequence
from typing import TypeVar

from redis.asyncio import Redis
from redis.exceptions import RedisError

from acd.core.line import QueueEntry
from acd.store.port import StoreError
from switchroom.domain.contact import CustomerTier, Requirements
from switchroom.domain.ids import AgentId, ChannelName, ContactId, QueueName

T = TypeVar("T")

SERVER_LIVES_S = 300
"""A server that lives writes its whole line with every reconciliation, each minute."""

RESERVE = """
local entries, counter, agent, call, mine = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
redis.call('SADD', KEYS[6], ARGV[5])
redis.call('HSETNX', entries, ARGV[1], ARGV[2])
if redis.call('EXISTS', call) > 0 then return false end
local holder = redis.call('GET', agent)
if holder and holder ~= 'held by ' .. ARGV[5] then return false end
local token = redis.call('INCR', counter)
redis.call('SET', agent, token, 'PX', ARGV[3])
redis.call('SET', call, token, 'PX', ARGV[3])
redis.call('SET', ARGV[4] .. token, agent .. '\\n' .. call, 'PX', ARGV[3])
redis.call('SADD', mine, token)
redis.call('EXPIRE', mine, ARGV[6])
redis.call('EXPIRE', entries, ARGV[6])
return token
"""

RELEASE = """
local offer, mine = KEYS[1], KEYS[2]
redis.call('SREM', mine, ARGV[1])
local held = redis.call('GET', offer)
if not held then return 0 end
redis.call('DEL', offer)
for key in string.gmatch(held, '[^\\n]+') do
  if redis.call('GET', key) == ARGV[1] then redis.call('DEL', key) end
end
return 1
"""

CLAIM = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""

LET_GO = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""


class RedisStore:
    """`acd.store.port.Store` on Redis 6 or newer. ``server`` names this server among those that share it."""

    def __init__(
        self, url: str, *, server: str = "main", prefix: str = "switchroom:acd:", timeout_s: float = 0.5
    ) -> None:
        self._redis = Redis.from_url(
            url, decode_responses=True, socket_timeout=timeout_s, socket_connect_timeout=timeout_s
        )
        self._prefix = prefix
        self._server = server
        self._entries = self._key("entries", server)
        self._offers = self._key("offers", server)
        self._reserve = self._redis.register_script(RESERVE)
        self._release = self._redis.register_script(RELEASE)
        self._claim = self._redis.register_script(CLAIM)
        self._let_go = self._redis.register_script(LET_GO)
        self._held_by_us = f"held by {server}"

    async def enqueue(self, entry: QueueEntry) -> None:
        await _asked(self._redis.sadd(self._key("servers"), self._server))
        await _asked(self._redis.hsetnx(self._entries, entry.contact_id, _dump(entry)))
        await _asked(self._redis.expire(self._entries, SERVER_LIVES_S))

    async def remove(self, contact_id: ContactId) -> None:
        await _asked(self._redis.hdel(self._entries, contact_id))
        token = await _asked(self._redis.get(self._key("contact", contact_id)))
        if token is not None:
            await self.release(int(token))

    async def entries(self) -> list[QueueEntry]:
        found: list[QueueEntry] = []
        for server in await _asked(self._redis.smembers(self._key("servers"))):
            line = await _asked(self._redis.hvals(self._key("entries", str(server))))
            found += [_load(str(text)) for text in line]
        return found

    async def reserve(self, entry: QueueEntry, agent_id: AgentId, lease_s: float) -> int | None:
        keys = [
            self._entries,
            self._key("token"),
            self._key("agent", agent_id),
            self._key("contact", entry.contact_id),
            self._offers,
            self._key("servers"),
        ]
        words: list[str | int] = [
            entry.contact_id,
            _dump(entry),
            int(lease_s * 1000),
            self._key("offer", ""),
            self._server,
            SERVER_LIVES_S,
        ]
        token = await _asked(self._reserve(keys, words))
        return None if token is None else int(token)

    async def release(self, token: int) -> bool:
        keys = [self._key("offer", str(token)), self._offers]
        return bool(await _asked(self._release(keys, [str(token)])))

    async def hold(self, agent_id: AgentId, lease_s: float) -> None:
        await _asked(self._redis.set(self._key("agent", agent_id), self._held_by_us, px=int(lease_s * 1000)))

    async def claim(self, agent_id: AgentId, lease_s: float) -> bool:
        words: list[str | int] = [self._held_by_us, int(lease_s * 1000)]
        return bool(await _asked(self._claim([self._key("agent", agent_id)], words)))

    async def let_go(self, agent_id: AgentId) -> None:
        await _asked(self._let_go([self._key("agent", agent_id)], [self._held_by_us]))

    async def replace(self, entries: Sequence[QueueEntry]) -> None:
        waiting = {self._key("contact", entry.contact_id) for entry in entries}
        for token in await _asked(self._redis.smembers(self._offers)):
            held = await _asked(self._redis.get(self._key("offer", str(token))))
            if held is None or str(held).split("\n")[1] not in waiting:
                await self.release(int(token))
        async with self._redis.pipeline(transaction=True) as all_or_nothing:
            all_or_nothing.sadd(self._key("servers"), self._server)
            all_or_nothing.delete(self._entries)
            if entries:
                all_or_nothing.hset(self._entries, mapping={entry.contact_id: _dump(entry) for entry in entries})
            all_or_nothing.expire(self._entries, SERVER_LIVES_S)
            all_or_nothing.expire(self._offers, SERVER_LIVES_S)
            await _asked(all_or_nothing.execute())

    async def ping(self) -> None:
        """Raise StoreError unless Redis answers."""
        await _asked(self._redis.ping())

    async def version(self) -> str:
        """The version of a Redis that takes a write. Raises StoreError, as for a replica that only reads."""
        await _asked(self._redis.set(self._key("doctor"), "", px=1000))
        return str((await _asked(self._redis.info("server")))["redis_version"])

    async def close(self) -> None:
        await self._redis.aclose()

    def _key(self, *parts: str) -> str:
        return self._prefix + ":".join(parts)


async def _asked(answer: Awaitable[T]) -> T:
    try:
        return await answer
    except (RedisError, OSError) as error:
        raise StoreError(f"Redis: {type(error).__name__}") from error


def _dump(entry: QueueEntry) -> str:
    needs = entry.requirements
    return json.dumps(
        {
            "contact_id": entry.contact_id,
            "queue": needs.queue,
            "skills": dict(needs.skills),
            "tier": needs.tier,
            "channel": needs.channel,
            "enqueued_at": entry.enqueued_at,
            "place": entry.rank[0],
        }
    )


def _load(text: str) -> QueueEntry:
    found = json.loads(text)
    contact_id, enqueued_at = ContactId(found["contact_id"]), float(found["enqueued_at"])
    needs = Requirements(
        QueueName(found["queue"]),
        found["skills"],
        CustomerTier(found["tier"]),
        channel=ChannelName(found["channel"]),
    )
    return QueueEntry(contact_id, needs, enqueued_at, (float(found["place"]), enqueued_at, contact_id))
