"""The store of a single server: in its own memory. What must survive is on the channels."""

from dataclasses import dataclass

from acd.routing import QueueEntry
from switchroom.clock import Clock
from switchroom.domain.ids import AgentId, CallId


@dataclass(frozen=True, slots=True)
class _Lease:
    agent_id: AgentId
    call_id: CallId
    ends_at: float


class MemoryStore:
    """`acd.store.port.Store` in memory."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: dict[CallId, QueueEntry] = {}
        self._leases: dict[int, _Lease] = {}
        self._last_token = 0

    async def enqueue(self, entry: QueueEntry) -> QueueEntry:
        return self._entries.setdefault(entry.call_id, entry)

    async def remove(self, call_id: CallId) -> bool:
        self._leases = {token: lease for token, lease in self._leases.items() if lease.call_id != call_id}
        return self._entries.pop(call_id, None) is not None

    async def entries(self) -> list[QueueEntry]:
        return list(self._entries.values())

    async def reserve(self, agent_id: AgentId, call_id: CallId, lease_s: float) -> int | None:
        now = self._clock.monotonic()
        self._leases = {token: lease for token, lease in self._leases.items() if lease.ends_at > now}
        taken = any(agent_id == lease.agent_id or call_id == lease.call_id for lease in self._leases.values())
        if taken or call_id not in self._entries:
            return None
        self._last_token += 1
        self._leases[self._last_token] = _Lease(agent_id, call_id, now + lease_s)
        return self._last_token

    async def release(self, token: int) -> bool:
        lease = self._leases.pop(token, None)
        return lease is not None and lease.ends_at > self._clock.monotonic()

    async def close(self) -> None:
        """Nothing to let go of."""
