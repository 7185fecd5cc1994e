"""The live state that several servers share: who waits, and which agent is reserved for whom.

One server alone uses `acd.store.memory`; with Redis (`acd.store.redis_store`) a reservation is atomic over all
servers. Both pass ``tests/integration/test_acd_store_contract.py``.
"""

from typing import Protocol

from acd.routing import QueueEntry
from switchroom.domain.ids import AgentId, CallId


class StoreError(Exception):
    """The store cannot be reached or did not answer in time. Nothing was reserved."""


class Store(Protocol):
    async def enqueue(self, entry: QueueEntry) -> QueueEntry:
        """Let a contact wait; the entry that counts comes back: the first one, if it waits already."""

    async def remove(self, call_id: CallId) -> bool:
        """Take a contact out of the line, with any reservation of it; false if it was not there."""

    async def entries(self) -> list[QueueEntry]:
        """All waiting contacts, reserved ones included."""

    async def reserve(self, agent_id: AgentId, call_id: CallId, lease_s: float) -> int | None:
        """Reserve the agent for the waiting contact, both or neither, for ``lease_s`` at most.

        Returns a token that is larger than every one before, or None when either is reserved already or the
        contact waits no longer.
        """

    async def release(self, token: int) -> bool:
        """Give up the reservation with this token; false if it has run out or never was. The contact waits on."""

    async def close(self) -> None: ...
