"""A store in memory: what several servers would share, for the tests of one."""

from collections.abc import Sequence
from dataclasses import dataclass

from acd.core.line import QueueEntry
from switchroom.domain.ids import AgentId, ContactId
from switchroom.runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class _Lease:
    agent_id: AgentId
    contact_id: ContactId
    ends_at: float


class MemoryStore:
    """`acd.store.port.Store` in memory."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: dict[ContactId, QueueEntry] = {}
        self._leases: dict[int, _Lease] = {}
        self._last_token = 0

    async def enqueue(self, entry: QueueEntry) -> None:
        self._entries.setdefault(entry.contact_id, entry)

    async def remove(self, contact_id: ContactId) -> None:
        self._entries.pop(contact_id, None)
        self._end_leases()

    async def entries(self) -> list[QueueEntry]:
        return list(self._entries.values())

    async def reserve(self, entry: QueueEntry, agent_id: AgentId, lease_s: float) -> int | None:
        self._entries.setdefault(entry.contact_id, entry)
        self._end_leases()
        if any(agent_id == lease.agent_id or entry.contact_id == lease.contact_id for lease in self._leases.values()):
            return None
        self._last_token += 1
        self._leases[self._last_token] = _Lease(agent_id, entry.contact_id, self._clock.monotonic() + lease_s)
        return self._last_token

    async def release(self, token: int) -> bool:
        self._end_leases()
        return self._leases.pop(token, None) is not None

    async def hold(self, agent_id: AgentId, lease_s: float) -> None:
        """There is no other server."""

    async def claim(self, agent_id: AgentId, lease_s: float) -> bool:
        self._end_leases()
        return all(agent_id != lease.agent_id for lease in self._leases.values())

    async def let_go(self, agent_id: AgentId) -> None:
        """As `hold`."""

    async def replace(self, entries: Sequence[QueueEntry]) -> None:
        self._entries = {entry.contact_id: entry for entry in entries}
        self._end_leases()

    async def close(self) -> None:
        """There is nothing to let go of."""

    def _end_leases(self) -> None:
        """Those that have run out, and those of contacts who wait no longer."""
        now = self._clock.monotonic()
        self._leases = {
            token: lease
            for token, lease in self._leases.items()
            if lease.ends_at > now and lease.contact_id in self._entries
        }
